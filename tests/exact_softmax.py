"""The minimum of softmax regression, between two bounds: what tests hold the solver's objective and gap against.

Newton's method in float64 on centred, scaled columns comes near; steps with gradients of 50 digits do the rest. The
lower bound is the dual objective, so it does not rely on the steps having converged.
"""

import numpy as np
from mpmath import mp, mpf
from scipy.special import log_softmax

from exact import Exact, column_lengths

DIGITS = 50
MOST_NEWTON_STEPS = 300
REFINEMENTS = 12
ENOUGH = mpf(10) ** -22  # width of the bounds, relative to the objective


class SoftmaxMinimum:
    """Bounds on min ½‖W‖² + C Σ cᵢ ℓ(W xᵢ + b, yᵢ), scikit-learn's objective; two classes have one logit.

    Attributes:
        low, high: the minimum is between them; ``high`` is an objective that was reached.
    """

    def __init__(self, X, y, C=1.0, c=None, fit_intercept=True):
        self.X = np.asarray(X, np.float64)
        labels = np.unique(y, return_inverse=True)[1]
        c = np.ones(len(labels)) if c is None else np.asarray(c, np.float64)
        used = c > 0
        self.X, self.labels, self.c = self.X[used], labels[used], c[used]
        self.C, self.fit_intercept = float(C), fit_intercept
        self.q = int(labels.max()) + 1
        self.k = 1 if self.q == 2 else self.q
        self._find()

    def _find(self):
        Z, scales = self._design()
        theta = self._newton(Z, scales)
        with mp.workdps(DIGITS):
            self._refine(Z, scales, theta)

    def _design(self):
        """Return columns (n, d) of size 1, centred if b is free, which then only moves; and their scales."""
        centred, _, _ = Exact(self.X, np.zeros(len(self.X)), self.c, fit_intercept=self.fit_intercept).centred
        scales = column_lengths(centred) / np.sqrt(len(centred))
        scales[scales == 0] = 1
        return centred / scales, scales

    # In float64: near the minimum

    def _logits(self, A, theta):
        logits = A @ theta.T
        return np.column_stack([np.zeros(len(A)), logits]) if self.k == 1 else logits

    def _newton(self, Z, scales):
        """Return V (k, d + 1) near the minimum, for weights W = V / scales; the last column is b."""
        n, d = Z.shape
        A = np.column_stack([Z, np.full(n, float(self.fit_intercept))])
        penalty = np.r_[scales**-2.0, 0 if self.fit_intercept else 1]
        onehot = np.eye(self.q)[self.labels]
        weights = self.C * self.c

        def objective(theta):
            loss = -(log_softmax(self._logits(A, theta), axis=1) * onehot).sum(axis=1)
            return weights @ loss + 0.5 * float((theta**2 * penalty).sum())

        theta = np.zeros((self.k, d + 1))
        value, damping = objective(theta), 1e-3
        for _ in range(MOST_NEWTON_STEPS):
            P = np.exp(log_softmax(self._logits(A, theta), axis=1))
            gradient = ((P - onehot) * weights[:, None])[:, -self.k :].T @ A + theta * penalty
            step = self._solve(self._hessian(A, P, weights, penalty, damping), gradient)
            candidate = objective(theta - step)
            if candidate <= value:
                decrement = float((step * gradient).sum())
                theta, value, damping = theta - step, candidate, damping / 10
                if decrement <= 1e-15 * value:
                    break
            else:
                damping *= 10
                if damping > 1e12:
                    break
        return theta

    def _hessian(self, A, P, weights, penalty, damping):
        """Return the Hessian (k (d + 1), k (d + 1)), its diagonal enlarged by a share."""
        k, p = self.k, A.shape[1]
        H = np.zeros((k, p, k, p))
        first = self.q - k
        for i in range(k):
            for j in range(k):
                curvature = weights * P[:, i + first] * ((i == j) - P[:, j + first])
                H[i, :, j] = (A * curvature[:, None]).T @ A
            H[i, :, i] += np.diag(penalty)
        H = H.reshape(k * p, k * p)
        return H + np.diag(damping * np.diag(H))

    @staticmethod
    def _solve(H, gradient):
        """Return H⁺ gradient on the scale of the diagonal: biases may all move together, which changes nothing."""
        root = np.sqrt(np.maximum(np.diag(H), np.finfo(float).tiny))
        values, vectors = np.linalg.eigh(H / root / root[:, None])
        keep = values > 1e-15 * values[-1]
        part = vectors[:, keep].T @ (gradient.ravel() / root)
        return ((vectors[:, keep] / values[keep]) @ part / root).reshape(gradient.shape)

    # In 50 digits: at the minimum

    def _refine(self, Z, scales, theta):
        A = np.column_stack([Z, np.full(len(Z), float(self.fit_intercept))])
        penalty = np.r_[scales**-2.0, 0 if self.fit_intercept else 1]
        rows = [[mpf(v) for v in row] for row in A.tolist()]
        columns = [list(column) for column in zip(*rows, strict=True)]
        weights = [mpf(self.C) * mpf(v) for v in self.c.tolist()]
        squares = [mpf(v) ** 2 for v in scales.tolist()]
        theta = [[mpf(v) for v in row] for row in theta.tolist()]
        H, best = None, None
        for _ in range(REFINEMENTS):
            value, gradient, P = self._evaluate(rows, columns, weights, squares, theta)
            # Fenchel–Young: the dual of the probabilities is below by half of ‖∂F/∂W‖², and by b ∂F/∂b, which
            # vanishes as the steps converge.
            gap = sum(g * g * s for row in gradient for g, s in zip(row, squares, strict=False)) / 2
            gap += sum(abs(row[-1]) * (1 + abs(t[-1])) for row, t in zip(gradient, theta, strict=True))
            if best is None or gap < best[1] - best[0]:
                best = (value - gap, value)
            elif gap > 10 * (best[1] - best[0]):
                break
            if gap <= ENOUGH * value:
                break
            if H is None:
                H = self._hessian(A, np.array(P, float), self.C * self.c, penalty, 0.0)
            step = self._solve(H, np.array([[float(g) for g in row] for row in gradient]))
            theta = [
                [t - mpf(v) for t, v in zip(*pair, strict=True)]
                for pair in zip(theta, step.tolist(), strict=True)
            ]
        self.low, self.high = best

    def _evaluate(self, rows, columns, weights, squares, theta):
        """Return F, its gradient by the scaled parameters, and the probabilities of each row."""
        value, P, errors = mpf(0), [], [[] for _ in theta]
        for row, label, weight in zip(rows, self.labels.tolist(), weights, strict=True):
            logits = [mp.fdot(row, t) for t in theta]
            logits = [mpf(0), *logits] if self.k == 1 else logits
            top = max(logits)
            powers = [mp.exp(v - top) for v in logits]
            total = mp.fsum(powers)
            value += weight * (mp.log(total) + top - logits[label])
            P.append([v / total for v in powers])
            for j, errors_of_class in enumerate(errors, start=self.q - self.k):
                errors_of_class.append(weight * (P[-1][j] - (j == label)))
        gradient = [[mp.fdot(column, e) for column in columns] for e in errors]
        for g, t in zip(gradient, theta, strict=True):
            if not self.fit_intercept:
                g[-1] = mpf(0)
            for j, square in enumerate(squares):
                value += t[j] ** 2 / square / 2
                g[j] += t[j] / square
        return value, gradient, P

    def objective(self, weight, bias):
        """Return F of stored weights (k, d) and biases (k,) for the stored features, in 50 digits."""
        with mp.workdps(DIGITS):
            value = mp.fsum(mpf(w) ** 2 for w in np.ravel(weight).tolist()) / 2
            W = [[mpf(w) for w in row] for row in np.asarray(weight, np.float64).tolist()]
            b = [mpf(v) for v in np.asarray(bias, np.float64).tolist()]
            for row, label, c in zip(self.X.tolist(), self.labels.tolist(), self.c.tolist(), strict=True):
                x = [mpf(v) for v in row]
                logits = [mp.fdot(x, w) + v for w, v in zip(W, b, strict=True)]
                logits = [mpf(0), *logits] if self.k == 1 else logits
                top = max(logits)
                total = mp.fsum(mp.exp(v - top) for v in logits)
                value += mpf(self.C) * mpf(c) * (mp.log(total) + top - logits[label])
            return value

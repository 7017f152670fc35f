"""The minimum of penalised cross-entropy by a simple method of its own: accelerated proximal gradients, then Newton.

The first finds which weights are 0 or at a bound (Beck and Teboulle 2009, *A fast iterative shrinkage-thresholding
algorithm*), the second goes to the minimum of the others. Values are of stored numbers, in mpmath.
"""

import mpmath as mp
import numpy as np
from scipy.special import logsumexp, softmax

from exact_minimum import DIGITS, exact_objective

ROUNDS = [2_000, 300, 300, 300, 300]  # proximal steps, before Newton's
NEWTON_STEPS = 12


def exact_value(W, b, X, labels, c, penalty):
    """Return Σ c ℓ + penalty(W) of stored numbers without rounding to speak of; W has to be within bounds."""
    parts = penalty.columns(W.shape[1])
    assert (parts.lower <= W).all() and (parts.upper >= W).all()
    with mp.workdps(DIGITS):
        total = exact_objective(W, b, X, labels, c, parts.l2)
        for j, l1 in enumerate(parts.l1.tolist()):
            column = [mp.mpf(v) for v in W[:, j].tolist()]
            norm = (
                mp.sqrt(mp.fsum(v * v for v in column)) if penalty.is_grouped else mp.fsum(map(abs, column))
            )
            total += mp.mpf(l1) * norm
        return total


class Reference:
    """Rows (n, d), labels, weights and a penalty; with two classes there is one output.

    Attributes:
        weight, bias: W (k, d) and b (k,) at the minimum, to about 14 digits of the objective.
    """

    def __init__(self, X, labels, q, c, penalty, fit_intercept=True, offset=0.0):
        mean = X.mean(axis=0) * fit_intercept
        self.A = np.column_stack([X - mean, np.full(len(X), float(fit_intercept))])
        self.k, self.c, self.offset = 1 if q == 2 else q, np.asarray(c, float), offset
        self.onehot = np.eye(q)[labels][:, -self.k :]
        parts = penalty.columns(X.shape[1])
        self.l1, self.l2 = np.append(parts.l1, 0), np.append(parts.l2, 0)
        self.lower, self.upper = np.append(parts.lower, -np.inf), np.append(parts.upper, np.inf)
        self.is_grouped, self.has_intercept = penalty.is_grouped, fit_intercept
        V = np.clip(np.zeros((self.k, len(self.l1))), self.lower, self.upper)
        for steps in ROUNDS:
            V = self._polished(self._proximal(V, steps))
        self.weight, self.bias = V[:, :-1], V[:, -1] - V[:, :-1] @ mean

    def value(self, V):
        """Return the objective at V (k, d + 1)."""
        logits = self._logits(V)
        losses = logsumexp(logits, axis=1) - (logits[:, -self.k :] * self.onehot).sum(axis=1)
        lengths = np.linalg.norm(V, axis=0) if self.is_grouped else np.abs(V)
        return self.c @ losses + (self.l1 * lengths).sum() + (self.l2 * V**2).sum() / 2

    def _logits(self, V):
        logits = self.A @ V.T + self.offset
        return np.column_stack([np.zeros(len(logits)), logits]) if self.k == 1 else logits

    def _probabilities(self, V):
        return softmax(self._logits(V), axis=1)[:, -self.k :]

    def _gradient(self, V):
        """Return the gradient (k, d + 1) of the losses."""
        return ((self._probabilities(V) - self.onehot) * self.c[:, None]).T @ self.A

    def _step(self, V, rate):
        lengths = np.linalg.norm(V, axis=0) if self.is_grouped else np.abs(V)
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = np.where(lengths > 0, np.maximum(1 - rate * self.l1 / lengths, 0), 0)
        return np.clip(V * kept / (1 + rate * self.l2), self.lower, self.upper)

    def _proximal(self, V, steps):
        size = np.sqrt(self.c @ self.A**2)
        size[size == 0] = 1
        units = self.A / size
        bound = np.linalg.eigvalsh(units.T @ (units * self.c[:, None]))[-1] / (4 if self.k == 1 else 2)
        rate = 1 / bound / size**2  # of each column
        momentum, t = V, 1.0
        for _ in range(steps):
            new = self._step(momentum - rate * self._gradient(momentum), rate)
            later = (1 + np.sqrt(1 + 4 * t * t)) / 2
            if (((new - V) * (momentum - new)) / rate).sum() > 0:
                later = 1.0  # start the momentum anew where it overshoots
            momentum, V, t = new + (t - 1) / later * (new - V), new, later
        return V

    def _polished(self, V):
        """Return V after Newton's steps of the weights that are neither 0 nor at a bound; they stop where they are."""
        for _ in range(NEWTON_STEPS):
            is_out = (self.l1 > 0) & (~V.any(axis=0) if self.is_grouped else V == 0)
            free = ~is_out & (self.lower < V) & (self.upper > V)
            free[:, -1] = self.has_intercept
            at = np.nonzero(free)
            slope = (self._gradient(V) + self.l2 * V + self.l1 * self._signs(V))[at]
            step = np.zeros_like(V)
            step[at] = np.linalg.lstsq(self._hessian(V, at), -slope, rcond=1e-14)[0]
            ways = (self._kept(V, V + t * step) for t in 0.5 ** np.arange(20))
            lower = next((new for new in ways if self.value(new) < self.value(V)), None)
            if lower is None:
                break
            V = lower
        return V

    def _kept(self, V, new):
        """Return new weights within bounds, and at 0 where they would have another sign than before."""
        new = np.clip(new, self.lower, self.upper)
        is_other = (self.l1 > 0) & (new * V < 0) & (not self.is_grouped)
        return np.where(is_other, 0, new)

    def _signs(self, V):
        lengths = np.linalg.norm(V, axis=0) if self.is_grouped else np.abs(V)
        return V / np.where(lengths > 0, lengths, 1)

    def _hessian(self, V, at):
        outputs, columns = at
        P, A = self._probabilities(V), self.A[:, columns]
        B = A * P[:, outputs] * self.c[:, None]
        same = outputs[:, None] == outputs
        H = same * (A.T @ B) - (A * P[:, outputs]).T @ B
        H += np.diag(self.l2[columns])
        if self.is_grouped:
            lengths = np.linalg.norm(V, axis=0)
            length = np.where(lengths > 0, lengths, 1)[columns]
            of_column = columns[:, None] == columns
            H += of_column * (self.l1[columns] / length) * (same - np.outer(V[at] / length, V[at] / length))
        return H

"""The exact way for softmax regression: to the minimum, by second-order information, with a bound on what is left.

Minimises F(W, b) = Σᵢ cᵢ ℓ(W xᵢ + b, yᵢ) + ½ λ ‖W‖² with the cross-entropy ℓ and a free b. With few parameters each
step is Newton's. With many it is that of L-BFGS (Nocedal and Wright 2006, chapter 7), started from one block of the
Hessian for each class, which says how the features vary together among the rows that the class is still undecided on;
or, with many sparse features, from its diagonal. The first blocks are those of the Hessian at W = 0, all alike.

The bound is the duality gap. Where b is the best for W, it is ‖∂F/∂W‖² / 2λ.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from onelayer.solvers.design import Array, DenseDesign, Design, Scaling, SparseDesign
from onelayer.solvers.parallel import sum_over_rows
from onelayer.solvers.wide import is_wide, row_space

MOST_DENSE = 600  # parameters: up to here the whole Hessian is factored in each step
MOST_BLOCK = 3_000  # columns: up to here a block for each class is factored
MEMORY = 20  # pairs of L-BFGS
PATIENCE = (10, 30)  # steps with the first blocks, and with later ones
ROWS_PER_COLUMN = 8  # in the sample for a block
LINE_SEARCHES = 60  # enough to halve the way to nothing; two or three are usual
PRECISION = 1e-6  # of a sum of losses in float32
INTERCEPT_STEPS = 100
INTERCEPT_PRECISION = 1e-13  # of the sum of residuals, as a share of that of the weights
INTERCEPT_TOLERANCE = 1e-6  # the same, beyond which there is no bound
MOST_DOUBLE = 2**22  # features: beyond them, float32 takes the first steps and float64 the last ones


@dataclass
class Objective:
    """F as a function of the logits (k, n), and what belongs to them.

    With one output (k = 1) the classes are 0 and 1, and the logit of class 0 is fixed at 0.

    Attributes:
        design: the features, of p columns.
        coarse: the same, perhaps in lower precision, for what need not be exact: curvature.
        labels: (n,), from 0.
        weights: c (n,), positive.
        penalty: λ for each column (p,), 0 for the intercept's.
        n_outputs: k.
    """

    design: Design
    coarse: Design
    labels: NDArray[np.int64]
    weights: Array
    penalty: Array
    n_outputs: int

    def at(self, logits: Array) -> tuple[float, Array]:
        """Return Σ c ℓ and the probabilities (k, n)."""
        P = np.empty_like(logits)

        def part_sum(part: slice) -> list[float]:
            P[:, part], losses = _softmax(logits[:, part], self.labels[part])
            return [float(losses @ self.weights[part])]

        return sum_over_rows(part_sum, len(self.labels))[0], P

    def along(self, logits: Array, direction: Array, t: float) -> "Point":
        """Return what belongs to ``logits + t · direction`` (k, n)."""
        there, P = np.empty_like(logits), np.empty_like(logits)

        def part_sums(part: slice) -> list[float]:
            U, y, c = direction[:, part], self.labels[part], self.weights[part]
            there[:, part] = logits[:, part] + np.asarray(t, logits.dtype) * U
            P[:, part], losses = _softmax(there[:, part], y)
            PU = P[:, part] * U
            mean = PU.sum(axis=0).astype(np.float64)
            square = np.einsum("ki,ki->i", PU, U).astype(np.float64)
            return [float(losses @ c), float((mean - _at_label(U, y)) @ c), float((square - mean**2) @ c)]

        loss, slope, curvature = sum_over_rows(part_sums, len(self.labels))
        return Point(loss, slope, curvature, there, P)

    def residuals(self, P: Array) -> Array:
        """Return c (p − y) (k, n)."""
        R = P.copy()
        if self.n_outputs == 1:
            R[0] -= self.labels
        else:
            R[self.labels, np.arange(len(self.labels))] -= 1
        R *= self.weights.astype(R.dtype)
        return R

    def penalty_of(self, V: Array) -> float:
        """Return ½ Σ λ V²."""
        return 0.5 * float((self.penalty * V.astype(np.float64) ** 2).sum())

    def gradient(self, V: Array, P: Array) -> Array:
        """Return ∂F/∂V (k, p), in float64."""
        return np.asarray(self.design.backward(self.residuals(P)).astype(np.float64) + self.penalty * V)

    def gap(self, gradient: Array) -> float:
        """Return ‖∂F/∂W‖² / 2λ, from the gradient (k, p) by standardised weights."""
        free = self.penalty > 0
        return 0.5 * float((gradient[:, free] ** 2 / self.penalty[free]).sum())


@dataclass
class Point:
    """A point on a line through the logits.

    Attributes:
        loss: Σ c ℓ there; ``slope`` and ``curvature`` are its derivatives along the line.
        logits: (k, n).
        P: the probabilities (k, n).
    """

    loss: float
    slope: float
    curvature: float
    logits: Array
    P: Array


def _softmax(logits: Array, labels: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return probabilities (k, n) and cross-entropies (n,); with one output, those of a second logit of 0."""
    if len(logits) == 1:
        z = logits[0]
        magnitude = np.exp(-np.abs(z))
        P = np.where(z >= 0, 1, magnitude) / (1 + magnitude)
        return P[None], (np.log1p(magnitude) + np.maximum(z, 0) - z * labels).astype(np.float64)
    top = logits.max(axis=0)
    P = np.exp(logits - top)
    total = P.sum(axis=0)
    P /= total
    losses = np.log(total).astype(np.float64) + top - _at_label(logits, labels)
    return P, losses


def _at_label(values: Array, labels: NDArray[np.int64]) -> Array:
    """Return the value of each row's label (n,); with one output, 0 for class 0."""
    if len(values) == 1:
        return np.asarray(values[0] * labels)
    return np.asarray(values[labels, np.arange(len(labels))])


# Approximate inverses of the Hessian: functions of a gradient (k, p)

Inverse = Callable[[Array], Array]


def full_inverse(objective: Objective, P: Array) -> Inverse:
    """Return the inverse of the Hessian Σ c (diag(p) − ppᵀ) ⊗ zzᵀ + diag(λ)."""
    k, p = objective.n_outputs, objective.design.shape[1]
    H = np.zeros((k, p, k, p))
    for i in range(k):
        H[i, :, i, :] += np.diag(objective.penalty)
        if k == 1:
            H[i, :, i, :] += objective.coarse.gram(objective.weights * P[0] * (1 - P[0]))
        for j in range(i):
            G = objective.coarse.gram(objective.weights * P[i] * P[j])
            H[i, :, i, :] += G
            H[j, :, j, :] += G
            H[i, :, j, :] -= G
            H[j, :, i, :] -= G
    if k > 1 and not objective.penalty[-1]:  # the same number added to all intercepts changes nothing
        H[:, -1, :, -1] += np.einsum("ipip->", H) / (k * p) ** 2
    matrix = H.reshape(k * p, k * p)
    solve = _factored(matrix, np.zeros(len(matrix)))
    return lambda gradient: solve(gradient.reshape(-1)).reshape(k, p)


def block_inverse(objective: Objective, P: Array) -> Inverse:
    """Return the inverse of the Hessian's diagonal blocks, one for each class, from a sample of the rows.

    A class's sample has the rows that it is least decided on, with p (1 − p) large, and some of the others.
    """
    curvature = P * (1 - P)
    size = ROWS_PER_COLUMN * objective.design.shape[1]
    if (P[:, :1] == P).all():  # as where W = 0: one block will do, but for its size
        share = curvature[:, :1]
        solve = _factored(
            objective.coarse.gram(_sampled(objective.weights, size)), objective.penalty / share.mean()
        )
        return _centred(lambda gradient: solve(gradient.T).T / share)
    # NumPy's and SciPy's threads wait for work busily, and slow each other down if the two take turns.
    grams = [objective.coarse.gram(_sampled(objective.weights * part, size)) for part in curvature]
    solvers = [_factored(G, objective.penalty) for G in grams]
    return _centred(lambda gradient: np.stack([solve(g) for solve, g in zip(solvers, gradient, strict=True)]))


def _sampled(weights: Array, size: int) -> Array:
    """Return weights (n,) of which about ``size`` are not 0, with the expectation of those given.

    Weights above a threshold are kept. Each of the others becomes the threshold with the probability that it is of
    it, or else 0.
    """
    if len(weights) <= size:
        return weights
    low, high = 0.0, float(weights.sum()) / size
    for _ in range(30):
        threshold = (low + high) / 2
        low, high = (threshold, high) if np.minimum(weights / threshold, 1).sum() > size else (low, threshold)
    chance = np.random.default_rng(0).random(len(weights))
    return np.where(weights >= high, weights, np.where(chance * high < weights, high, 0))


def diagonal_inverse(objective: Objective, P: Array) -> Inverse:
    """Return the inverse of the Hessian's diagonal."""
    weights = objective.weights * P * (1 - P)
    diagonal = objective.design.squares(weights) + objective.penalty
    diagonal = np.maximum(diagonal, diagonal.max() * np.finfo(np.float64).eps)
    return _centred(lambda gradient: gradient / diagonal)


def _centred(inverse: Inverse) -> Inverse:
    """Return an inverse that leaves out what is common to all classes: it changes no probability."""

    def centred(gradient: Array) -> Array:
        step = inverse(gradient)
        return step - step.mean(axis=0) if len(step) > 1 else step

    return centred


def _factored(matrix: Array, penalty: Array) -> Inverse:
    """Return a function that solves with ``matrix`` + diag(``penalty``), made definite if rounding has spoiled it."""
    matrix = matrix + np.diag(penalty.astype(matrix.dtype))
    scales = np.sqrt(np.maximum(matrix.diagonal(), np.finfo(matrix.dtype).tiny))
    scaled = matrix / scales / scales[:, None]
    jitter = 4 * len(matrix) * np.finfo(matrix.dtype).eps
    while True:
        try:
            factor = linalg.cho_factor(scaled, check_finite=False)
            break
        except linalg.LinAlgError:
            scaled[np.diag_indices_from(scaled)] += jitter
            jitter *= 10

    def solve(v: Array) -> Array:
        right = (v.T / scales).T.astype(matrix.dtype)
        return np.asarray((linalg.cho_solve(factor, right, check_finite=False).T / scales).T)

    return solve


@dataclass
class SoftmaxFit:
    """What a minimisation has found.

    Attributes:
        weight: W (k, d); ``bias`` is b (k,).
        objective: F there.
        gap: an upper bound on F − min F.
        history: F before each step and at the end.
        converged: whether the gap is as small as it was to be.
    """

    weight: Array
    bias: Array
    objective: float
    gap: float
    history: list[float]
    converged: bool


def softmax_regression(
    X: Any,
    labels: NDArray[np.int64],
    n_classes: int,
    weights: Array,
    penalty: float,
    fit_intercept: bool = True,
    tol: float = 1e-6,
    max_iter: int = 1000,
) -> SoftmaxFit:
    """Return the minimum of F to a gap of ``tol`` times F, or what ``max_iter`` steps allow.

    Args:
        X: features (n, d), dense or in CSR.
        labels: y (n,), from 0 to n_classes − 1.
        n_classes: with two there is one output, whose logit is that of class 1; otherwise one for each class.
        weights: c (n,), positive.
        penalty: λ, positive.
        fit_intercept: whether b is free; else it is 0.
        tol: the gap to reach, relative to F.
        max_iter: the largest number of steps.
    """
    if is_wide(X):
        coordinates, basis = row_space(X)
        fit = softmax_regression(
            coordinates, labels, n_classes, weights, penalty, fit_intercept, tol, max_iter
        )
        return replace(fit, weight=fit.weight @ basis.T)
    scaling = Scaling.of(X, weights, fit_intercept)
    k = 1 if n_classes == 2 else n_classes
    columns = scaling.penalty(penalty)
    V = np.zeros((k, len(columns)))
    if fit_intercept:
        share = np.bincount(labels, weights, n_classes) / weights.sum()
        share = np.maximum(share, 1e-3 / len(weights))  # a class may be left without rows of any weight
        V[:, -1] = np.log(share[1] / share[0]) if k == 1 else np.log(share) - np.log(share).mean()
    descent = Descent(V, tol, max_iter)
    for objective in _stages(X, scaling, labels, weights, columns, k):
        descent.set_objective(objective)
        descent.run()
    descent.set_best_intercept()  # then the gap is a bound, whatever ended the descent
    W, b = scaling.to_user(descent.V)
    return SoftmaxFit(
        W,
        b - b.mean() if k > 1 else b,
        descent.value,
        descent.gap,
        descent.history,
        descent.gap <= tol * descent.value,
    )


def _stages(
    X: Any, scaling: Scaling, labels: NDArray[np.int64], weights: Array, penalty: Array, k: int
) -> Iterator[Objective]:
    """Yield the objective in the precision to begin with, then in float64 if that is another."""
    if sparse.issparse(X):
        sparse_design = SparseDesign(X, scaling)
        yield Objective(sparse_design, sparse_design, labels, weights, penalty, k)
    elif X.size <= MOST_DOUBLE:
        design = DenseDesign(X, scaling, np.float64)
        yield Objective(design, design, labels, weights, penalty, k)
    else:
        coarse = DenseDesign(X, scaling, np.float32)
        yield Objective(coarse, coarse, labels, weights, penalty, k)
        yield Objective(
            DenseDesign(X, scaling, np.float64, in_memory=False), coarse, labels, weights, penalty, k
        )


class Descent:
    """Steps down an objective until the gap is small, the steps are used up, or rounding hides further progress.

    The objective may be exchanged for itself in another precision: what is known of its curvature stays.

    Attributes:
        V: weights (k, p), for the standardised columns.
        history: F before each step and at the end.
        value: F there.
        gap: an upper bound on F − min F after ``set_best_intercept``; just an estimate otherwise.
    """

    def __init__(self, V: Array, tol: float, max_iter: int) -> None:
        self.V, self.tol, self.max_iter = V, tol, max_iter
        self.history: list[float] = []
        self.pairs: list[tuple[Array, Array]] = []
        self.inverse: Inverse | None = None
        self.age, self.patience = 0, 0
        self.t = 1.0

    def set_objective(self, objective: Objective) -> None:
        """Go on with this objective, from the weights that have been reached."""
        self.objective = objective
        self.logits = objective.design.forward(self.V)
        self._look(*objective.at(self.logits))

    def _look(self, loss: float, P: Array) -> None:
        """Find F, the gradient and the gap where Σ c ℓ and the probabilities (k, n) are as given."""
        self.P = P
        self.value = loss + self.objective.penalty_of(self.V)
        self.gradient = self.objective.gradient(self.V, self.P)
        self.gap = self.objective.gap(self.gradient)

    def run(self) -> None:
        """Descend."""
        dtype = self.objective.design.dtype
        least = np.finfo(dtype).eps / 2  # decrease that is no rounding, as a share of F
        while not self._has_arrived():
            self.history.append(self.value)
            if len(self.history) > self.max_iter:
                return
            value, V, gradient = self.value, self.V, self.gradient
            self._step()
            if value - self.value <= least * value:
                if self.age == 1 or dtype == np.float32:  # the blocks were new, or float64 will do better
                    return
                self.age = self.patience  # try with new ones
            step, change = self.V - V, self.gradient - gradient
            if np.vdot(step, change) > 0:
                self.pairs = [*self.pairs[-MEMORY + 1 :], (step, change)]
        self.history.append(self.value)

    def _has_arrived(self) -> bool:
        """Return whether the gap is small enough: in float64 by a bound that is one."""
        if self.gap > self.tol * self.value:
            return False
        if self.objective.design.dtype == np.float32:
            return True
        self.set_best_intercept()
        return self.gap <= self.tol * self.value

    def _step(self) -> None:
        if self.age >= self.patience:
            self._renew_inverse()
        direction = -self._newton_like(self.gradient)
        if np.vdot(direction, self.gradient) >= 0:
            self.pairs = []
            direction = -self._newton_like(self.gradient)
        change = self.objective.design.forward(direction)
        self.t, point = self._line_search(direction, change, self.t if self.pairs else 1.0)
        self.V = self.V + self.t * direction
        self.logits = point.logits
        self.age += 1
        self._look(point.loss, point.P)

    def _renew_inverse(self) -> None:
        objective, p = self.objective, self.objective.design.shape[1]
        is_first = self.inverse is None
        if objective.n_outputs * p <= MOST_DENSE:
            self.inverse, self.patience = full_inverse(objective, self.P), 1
        elif p <= MOST_BLOCK:
            self.inverse, self.patience = block_inverse(objective, self.P), PATIENCE[not is_first]
        else:
            self.inverse, self.patience = diagonal_inverse(objective, self.P), PATIENCE[not is_first]
        self.pairs, self.age = [], 0

    def _newton_like(self, gradient: Array) -> Array:
        """Return H⁻¹ times the gradient (k, p), with L-BFGS's H (algorithm 7.4 of Nocedal and Wright)."""
        assert self.inverse is not None
        rest, shares = gradient, []
        for step, change in reversed(self.pairs):
            shares.append(np.vdot(step, rest) / np.vdot(step, change))
            rest = rest - shares[-1] * change
        result = self.inverse(rest)
        for (step, change), share in zip(self.pairs, reversed(shares), strict=True):
            result = result + (share - np.vdot(change, result) / np.vdot(step, change)) * step
        return result

    def _line_search(self, direction: Array, change: Array, t: float) -> tuple[float, Point]:
        """Return how far to go, to where the slope has fallen to a tenth, by Newton's method within bounds."""
        penalty = self.objective.penalty
        first, second = float((penalty * self.V * direction).sum()), float((penalty * direction**2).sum())
        start, penalty_here = float(np.vdot(direction, self.gradient)), self.objective.penalty_of(self.V)
        low, high = 0.0, np.inf
        for _ in range(LINE_SEARCHES):
            point = self.objective.along(self.logits, change, t)
            value = point.loss + penalty_here + t * first + t**2 / 2 * second
            slope, curvature = point.slope + first + t * second, point.curvature + second
            if abs(slope) <= 0.1 * abs(start) and value <= self.value * (1 + PRECISION):
                break
            low, high = (t, high) if slope < 0 else (low, t)
            newton = t - slope / curvature if curvature > 0 else np.inf
            t = newton if low < newton < high else min(4 * t, (low + high) / 2)
        return t, point

    def set_best_intercept(self) -> None:
        """Set b to the best for W, by Newton's method on the logits."""
        objective, k = self.objective, self.objective.n_outputs
        if objective.penalty[-1]:
            return
        for step in range(INTERCEPT_STEPS):
            loss, P = objective.at(self.logits)
            R = objective.residuals(P).sum(axis=1, dtype=np.float64)
            if (
                np.abs(R).max() <= INTERCEPT_PRECISION * objective.weights.sum()
                or step == INTERCEPT_STEPS - 1
            ):
                break
            weighted = objective.weights * P
            H = np.diag(weighted.sum(axis=1)) - weighted @ P.T
            flat = 1e-10 * objective.weights.sum() * np.eye(k)  # where all probabilities are 0 or 1
            shift = -np.linalg.solve(H + flat + (np.trace(H) / k**2 if k > 1 else 0), R)
            shift = np.clip(shift, -1, 1)  # far from the best b, Newton's steps are too long
            self.logits = self.logits + shift[:, None].astype(self.logits.dtype)
            self.V = self.V.copy()
            self.V[:, -1] += shift
        self._look(loss, P)
        if np.abs(R).max() > INTERCEPT_TOLERANCE * objective.weights.sum():
            self.gap = np.inf  # no bound without the best b

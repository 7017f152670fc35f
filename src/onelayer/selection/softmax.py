"""Softmax regression: the C and the l1_ratio that predict best, by folds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Divisible, Rows, Source
from onelayer.losses import CrossEntropy
from onelayer.penalties import ElasticNet, Ridge
from onelayer.selection.choice import Candidates, Choice, Errors, Rule
from onelayer.selection.splits import check_classes, fold_weights
from onelayer.selection.strengths import descending, is_number_of, ridge_penalties
from onelayer.solvers.fit import Minimum
from onelayer.solvers.folds import Split, part_of
from onelayer.solvers.penalty_path import PenaltyPath, scaled
from onelayer.solvers.warm_starts import minima

Array = NDArray[Any]
Penalty = Ridge | ElasticNet
Judge = Callable[[Minimum, Any], float]

PENALTIES = 20
DECADES = 5  # of ridges below the curvature along a usual feature; above the sum of those of all there is one
SHORTEST = 1e-3  # l1: the weakest beside the strongest, which leaves all features out
RIDGE = {0.0: Ridge(1.0)}


def choose_C(  # noqa: N802 - the field's name
    rows: Divisible,
    classes: Sequence[Any],
    kinds: Mapping[float, Penalty] = RIDGE,
    Cs: Any = PENALTIES,
    splits: Sequence[Split] = (),
    *,
    fit_intercept: bool = True,
    rule: Rule = "min",
    tol: float = 1e-6,
    max_iter: int = 1000,
    judged: Divisible | None = None,
    judge: Judge | None = None,
    on_path: Callable[[], Any] = lambda: None,
) -> Choice:
    """Return the C and the kind of penalty whose models are least off on rows that they have not seen.

    They minimise C Σ cᵢ ℓᵢ + penalty(W), over all rows or over those that a split learns from: C is the same number for
    both. Each minimum is searched from the one with the next stronger penalty.

    Args:
        rows: features (n, d), dense or sparse, class numbers (n,), weights and offsets; a scan too.
        classes: the names of the classes (q,), for errors to speak of.
        kinds: penalties for C = 1 by their l1_ratio, such as ``{0.0: Ridge(1.0), 0.5: ElasticNet(0.5, 0.5)}``.
        Cs: those to choose from, positive; or how many, evenly spaced in their logarithms: of a ridge from what leaves
            nothing of the weights to 10⁻⁵ times the curvature along a usual feature; with an l1 over 3 decades from
            where the first feature comes in.
        splits: the numbers of the rows, or units, that models learn from and are judged by, K pairs.
        fit_intercept: whether b is free; else it is 0.
        rule: "min" or "1se", see ``Errors.chosen``.
        tol: see ``minimise``.
        max_iter: likewise.
        judged: the same rows with the weights by which models are judged; None for those by which they learn.
        judge: takes a model and rows to its mean error; None is the cross-entropy in nats.
        on_path: is called when all minima on the rows of a split, or on all rows, have been found.

    Raises:
        OneLayerError: if Cs are not positive, or a split leaves out a class, or has nothing to judge by.
    """
    judged = rows if judged is None else judged
    check_classes(rows, splits, classes)
    loss = CrossEntropy(len(classes))
    folds = _Folds(
        rows, judged, splits, loss, fit_intercept, tol, max_iter, judge or cross_entropy(loss), on_path
    )
    given = int(Cs) if is_number_of(Cs) else descending(Cs, "Cs")[::-1]
    return Choice([folds.candidates(ratio, penalty, given) for ratio, penalty in kinds.items()], rule)


@dataclass(frozen=True, eq=False)
class _Folds:
    rows: Divisible
    judged: Divisible
    splits: Sequence[Split]
    loss: CrossEntropy
    fit_intercept: bool
    tol: float
    max_iter: int
    judge: Judge
    on_path: Callable[[], Any]

    def candidates(self, ratio: float, penalty: Penalty, given: int | Array) -> Candidates:
        """Return the path for one kind of penalty, and its errors by folds."""
        Cs = self._of_number(penalty, given) if isinstance(given, int) else given
        penalties = [_times(penalty, 1 / C) for C in Cs.tolist()]
        errors, converged = np.zeros((len(Cs), len(self.splits))), np.ones(len(Cs), bool)
        weights = fold_weights(self.judged, self.splits)
        for k, (train, test) in enumerate(self.splits):
            fits, test_rows = self._minima(part_of(self.rows, train), penalties), part_of(self.judged, test)
            if weights[k]:
                errors[:, k] = [self.judge(fit, test_rows) for fit in fits]
            converged &= [fit.converged for fit in fits]
            self.on_path()
        fits = self._minima(self.rows, penalties)
        self.on_path()
        weight, bias = np.stack([fit.weight for fit in fits]), np.stack([fit.bias for fit in fits])
        converged &= [fit.converged for fit in fits]
        return Candidates(ratio, Cs, weight, bias, Errors.of_folds(errors, weights), converged)

    def _minima(self, rows: Source, penalties: Sequence[Penalty]) -> list[Minimum]:
        if isinstance(rows, Rows) and rows.c is not None and not rows.c.all():
            rows = rows.take(rows.c > 0)
        return list(minima(rows, self.loss, penalties, self.fit_intercept, self.tol, self.max_iter))

    def _of_number(self, penalty: Penalty, n: int) -> Array:
        """Return n values of C (a,), from the strongest penalty to the weakest."""
        if isinstance(penalty, ElasticNet) and np.any(penalty.l1):
            critical = PenaltyPath(self.rows, self.loss, self.fit_intercept).critical(penalty)
            return np.geomspace(1, 1 / SHORTEST, n) / (critical or 1.0)
        q = self.loss.n_classes
        curvature = (1 - 1 / q) / q  # of the loss, where all classes are as probable
        return 1 / (curvature * ridge_penalties(self.rows, self.fit_intercept, n, DECADES))


def _times(penalty: Penalty, factor: float) -> Penalty:
    """Return a penalty whose strengths are multiplied by a number; bounds stay."""
    return Ridge(penalty.strength * factor) if isinstance(penalty, Ridge) else scaled(penalty, factor)


def cross_entropy(loss: CrossEntropy) -> Judge:
    """Return what takes a model and rows to the mean cross-entropy over rows, by their weights."""

    def judge(fit: Minimum, rows: Source) -> float:
        def terms(block: Block) -> list[float]:
            outputs = np.ascontiguousarray((block.features() @ fit.weight.T + fit.bias).T)
            outputs = outputs if block.offset is None else outputs + block.offset.T
            c = block.row_weights()
            return [float(c @ loss.at(outputs, block.y)[0]), float(c.sum())]

        total, weight = rows.sum(terms)
        return float(total / weight)

    return judge

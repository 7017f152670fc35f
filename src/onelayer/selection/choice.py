"""What a penalty is chosen by: errors on rows that models have not seen, and the rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError

Array = NDArray[Any]
Rule = Literal["min", "1se"]


@dataclass(frozen=True, eq=False)
class Errors:
    """How far models of a path of penalties are off on rows that they have not seen.

    Attributes:
        mean: (a,) from the strongest penalty to the weakest.
        standard_error: of the mean (a,).
        folds: the error on each fold (a, K), or None where each row is one.
    """

    mean: Array
    standard_error: Array
    folds: Array | None = None

    @staticmethod
    def of_folds(errors: Array, weights: Array) -> "Errors":
        """Return the mean over folds by the weights (K,) of their rows, which is the mean over rows, and its error.

        The standard error is that of a weighted mean of K independent numbers, as R's ``cv.glmnet`` has it. A fold
        whose rows have no weight does not count.

        Raises:
            OneLayerError: if no fold has a weight, or an error is not a number.
        """
        counted = weights > 0
        if not counted.any():
            raise OneLayerError("no row that a fold judges by has a weight above 0: use other folds")
        share = weights[counted] / weights[counted].sum()
        if np.isnan(errors[:, counted]).any():
            k = int(np.isnan(errors).any(axis=0).argmax())
            raise OneLayerError(f"the error on the rows of fold {k + 1} is not a number: use fewer folds")
        mean = errors[:, counted] @ share
        variance = np.square(errors[:, counted] - mean[:, None]) @ share
        return Errors(mean, np.sqrt(variance / max(len(share) - 1, 1)), errors)

    def chosen(self, rule: Rule) -> int:
        """Return the number of the penalty that the rule chooses.

        It is that of the least mean error, the strongest of several; by "1se" the strongest whose error is at most one
        standard error above it (Breiman, Friedman, Olshen and Stone 1984, section 3.4.3).
        """
        best = int(self.mean.argmin())
        if rule == "min":
            return best
        return int((self.mean <= self.mean[best] + self.standard_error[best]).argmax())


@dataclass(frozen=True, eq=False)
class Candidates:
    """A path of penalties of one kind, with errors on rows that its models have not seen.

    Attributes:
        l1_ratio: the kind.
        penalties: (a,) from the strongest to the weakest: alpha or C.
        weight: W of the models of all rows (a, k, d).
        bias: b (a, k).
        errors: of models of some rows on others.
        converged: whether all models with a penalty are as near their minimum as they were to be (a,).
    """

    l1_ratio: float
    penalties: Array
    weight: Array
    bias: Array
    errors: Errors
    converged: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Choice:
    """The penalty that predicts best, and those that it was chosen from.

    Attributes:
        candidates: a path for each kind of penalty, in the order in which they were given.
        rule: by which it was chosen.
    """

    candidates: Sequence[Candidates]
    rule: Rule = "min"

    def __post_init__(self) -> None:
        if self.rule not in get_args(Rule):
            raise OneLayerError(f"rule must be one of {', '.join(get_args(Rule))}, not {self.rule!r}")

    @property
    def path(self) -> Candidates:
        """The path with the least mean error, the first of several."""
        return min(self.candidates, key=lambda path: float(path.errors.mean.min()))

    @property
    def number(self) -> int:
        """That of the penalty on this path."""
        return self.path.errors.chosen(self.rule)

    @property
    def penalty(self) -> float:
        """The alpha or C chosen."""
        return float(self.path.penalties[self.number])

    @property
    def n_unconverged(self) -> int:
        """The number of penalties of all kinds with a model that is not as near its minimum as it was to be."""
        return sum(int((~path.converged).sum()) for path in self.candidates)

    @property
    def l1_ratio(self) -> float:
        """The kind chosen."""
        return self.path.l1_ratio

"""What a model gets right and wrong, in numbers: intervals of scores, curves, calibration, drift.

Arrays in, arrays out. Intervals are two-sided.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from onelayer.data.dataset import random_stream
from onelayer.data.rows import Block, Terms
from onelayer.data.scaling import ROUNDING, RunningMoments

Array = NDArray[np.float64]

LEVEL = 0.95
LEAST_ROWS = 10  # of which a mean is taken for normal


def normal_quantile(probability: float) -> float:
    """Return the number that a standard normal variable stays below with this probability."""
    from statistics import NormalDist  # it imports more than all the rest here

    return NormalDist().inv_cdf(probability)


def z_of(level: float = LEVEL) -> float:
    """Return how many standard errors an interval of a level reaches to each side."""
    return normal_quantile((1 + level) / 2)


def wilson(successes: Any, trials: Any, level: float = LEVEL) -> Array:
    """Return the score interval of a proportion: (…,) counts to (…, 2), from 0 to 1 where there are no trials.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 1927.
    """
    k, n, z = np.asarray(successes, float), np.asarray(trials, float), z_of(level)
    with np.errstate(invalid="ignore"):
        share = np.where(n > 0, k / n, 0.5)
        middle = (share * n + z**2 / 2) / (n + z**2)
        half = z * np.sqrt(n * share * (1 - share) + z**2 / 4) / (n + z**2)
    low, high = np.where(k == 0, 0, middle - half), np.where(k == n, 1, middle + half)
    return np.stack([low, high], axis=-1)


def mean_interval(values: Array, level: float = LEVEL) -> Array | None:
    """Return the interval of the mean of values (n,) for large n (2,), or None for fewer than ten values."""
    if len(values) < LEAST_ROWS:
        return None
    return _around(float(values.mean()), float(values.var(ddof=1)), len(values), level)


def _around(mean: float, variance: float, n: float, level: float) -> Array:
    """Return the interval of a mean of n values for large n (2,)."""
    return mean + z_of(level) * sqrt(max(variance, 0.0) / n) * np.array([-1.0, 1.0])


class Blocks(Protocol):
    """Rows that can be summed over."""

    def first(self) -> Block:
        """Return the first block that has rows."""
        ...

    def sum(self, terms: Terms) -> list[Any]:
        """Return the sums over all rows of what ``terms`` returns for a block of them."""
        ...


@dataclass(frozen=True)
class Near:
    """Numbers near those that are summed, so that their sums lose no digits.

    Attributes:
        square: near the squares of errors.
        target: near the targets.
    """

    square: float
    target: float

    @classmethod
    def of(cls, errors: Array, target: Array) -> "Near":
        """Return the medians of some rows, (n,) and (n,): of a constant target they are what it is."""
        return cls(float(np.median(np.square(errors))), float(np.median(target)))

    def sums(self, errors: Array, target: Array, c: Array) -> Array:
        """Return the sums (4, 4) over rows of weights c (n,) of the products of 1, e², y and y², near 0 by ``Near``."""
        y = target - self.target
        Z = np.stack([np.ones_like(y), np.square(errors) - self.square, y, np.square(y)])
        found: Array = (c * Z) @ Z.T
        return found


@dataclass(frozen=True, eq=False)
class ErrorMoments:
    """What is known of the errors e of a regression, and of its targets y, from sums over rows.

    Attributes:
        near: what the sums are relative to.
        sums: (4, 4) what ``near`` has summed.
    """

    near: Near
    sums: Array

    @classmethod
    def of(cls, errors: Array, target: Array) -> "ErrorMoments":
        """Return those of rows in memory, (n,) and (n,)."""
        near = Near.of(errors, target)
        return cls(near, near.sums(errors, target, np.ones(len(target))))

    @classmethod
    def of_blocks(cls, rows: Blocks, errors: Callable[[Block], Array]) -> "tuple[int, ErrorMoments]":
        """Return how many rows there are, wherever they are, and their moments, from the errors (m,) of a block."""
        first = rows.first()
        near = Near.of(errors(first), first.y[:, 0])
        n, sums = rows.sum(lambda b: [len(b), near.sums(errors(b), b.y[:, 0], b.row_weights())])
        return int(n), cls(near, sums)

    @property
    def rows(self) -> float:
        """The number of rows, or the sum of their weights."""
        return float(self.sums[0, 0])

    @property
    def mean_square(self) -> float:
        """The mean of e²."""
        return max(self.near.square + float(self._means[1]), 0.0)

    @property
    def variance(self) -> float:
        """The variance of y; 0 for what is rounding."""
        found = float(self._covariance[2, 2])
        return found if found > (ROUNDING * abs(self.near.target)) ** 2 else 0.0

    @property
    def r2(self) -> float | None:
        """R²; None if y is constant."""
        return 1 - self.mean_square / self.variance if self.variance else None

    def rmse_interval(self, level: float = LEVEL) -> Array | None:
        """Return the interval of the root mean square error, from that of the mean square, for large n (2,).

        None for fewer than ten rows; all of them must have the weight 1.
        """
        if self.rows < LEAST_ROWS:
            return None
        variance = float(self._covariance[1, 1]) * self.rows / (self.rows - 1)
        return np.sqrt(np.maximum(_around(self.mean_square, variance, self.rows, level), 0))

    def r2_interval(self, level: float = LEVEL) -> Array | None:
        """Return the interval of R² for large n (2,), likewise; None also where y is constant.

        1 − R² is a ratio of two means over rows. Its variance is that of eᵢ² − (1 − R²)(yᵢ − ȳ)², over n and the
        squared variance of y: the delta method (Cochran, Sampling Techniques, 3rd edition, section 6.3).
        """
        if self.rows < LEAST_ROWS or not self.variance:
            return None
        ratio = self.mean_square / self.variance
        term = np.array(
            [0.0, 1.0, 2 * ratio * self._means[2], -ratio]
        )  # of 1, e², y and y², but for a constant
        variance = float(term @ self._covariance @ term) * self.rows / (self.rows - 1)
        low, high = _around(1 - ratio, variance / self.variance**2, self.rows, level)
        return np.array([low, min(1.0, high)])

    @property
    def _means(self) -> Array:
        found: Array = self.sums[0] / self.rows
        return found

    @property
    def _covariance(self) -> Array:
        return self.sums / self.rows - np.outer(self._means, self._means)


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve of two classes over all thresholds.

    Attributes:
        x: (m,) in order.
        y: (m,).
        area: below it; for precision and recall the average precision.
    """

    x: Array
    y: Array
    area: float


def roc_curve(is_positive: NDArray[np.bool_], score: Array) -> Curve | None:
    """Return the share of positives found (y) over that of negatives taken for positive (x), (n,) and (n,).

    The area is the probability that a positive row scores above a negative one. None if all rows are of one class.
    """
    found, taken = _counts_by_threshold(is_positive, score)
    if not 0 < found[-1] < taken[-1]:
        return None
    wrong = np.r_[0.0, taken - found] / (taken[-1] - found[-1])
    right = np.r_[0.0, found] / found[-1]
    return Curve(wrong, right, float(np.diff(wrong) @ (right[1:] + right[:-1]) / 2))


def precision_recall_curve(is_positive: NDArray[np.bool_], score: Array) -> Curve | None:
    """Return precision (y) over recall (x), (n,) and (n,); None if there are no positive rows."""
    found, taken = _counts_by_threshold(is_positive, score)
    if not found[-1]:
        return None
    recall, precision = np.r_[0.0, found / found[-1]], np.r_[1.0, found / taken]
    return Curve(recall, precision, float(np.sum(np.diff(recall) * precision[1:])))


def _counts_by_threshold(is_positive: NDArray[np.bool_], score: Array) -> tuple[Array, Array]:
    """Return, from the highest threshold down, how many positive rows reach it and how many rows (m,), (m,)."""
    order = np.argsort(-score, kind="stable")
    is_last = np.r_[np.diff(score[order]) != 0, True]  # of the rows with its score
    taken = np.flatnonzero(is_last) + 1
    found = np.cumsum(is_positive[order])[is_last]
    return found.astype(np.float64), taken.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often it was so, of the rows with about the same probability; bins without rows are left out.

    Attributes:
        predicted: the mean probability of a bin (m,).
        observed: the share of its rows in which it was so (m,).
        interval: Wilson's of that share (m, 2).
        rows: how many there are (m,).
    """

    predicted: Array
    observed: Array
    interval: Array
    rows: NDArray[np.int64]


def calibration(probability: Array, happened: NDArray[np.bool_], bins: int = 10) -> Calibration:
    """Return the calibration of probabilities (n,) of what happened (n,) in bins of equal width."""
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.searchsorted(edges[1:-1], probability)
    rows = np.bincount(bin_of, minlength=bins)
    is_used = rows > 0
    n = rows[is_used]
    successes = np.bincount(bin_of, happened, bins)[is_used]
    predicted = np.bincount(bin_of, probability, bins)[is_used] / n
    return Calibration(predicted, successes / n, wilson(successes, n), n)


def normal_order_statistics(n: int, places: NDArray[np.int64]) -> Array:
    """Return what the values at some places (m,), from 0, of n sorted normal ones are, nearly (m,).

    Source: Blom, Statistical Estimates and Transformed Beta-Variables, 1958: Φ⁻¹((i − 3/8) / (n + 1/4)).
    """
    return np.array([normal_quantile((int(i) + 0.625) / (n + 0.25)) for i in places])


@dataclass(frozen=True, eq=False)
class Drift:
    """How the columns of other rows differ from those of the training rows.

    Attributes:
        means: of the training rows and of the others (2, d).
        difference: of the means, in units of the root mean variance of both (d,); 0 where neither varies nor differs.
        error: the standard error of a difference where there is none, for large n (d,).
    """

    means: Array
    difference: Array
    error: Array

    def is_large(self, least: float = 0.25) -> NDArray[np.bool_]:
        """Return which differences (d,) are at least as large as ``least`` and not by chance.

        0.25 is where Rubin calls groups too far apart for regression (Using Propensity Scores to Help Design
        Observational Studies, 2001). Of all columns together chance alone reaches the bound once in 20 times.
        """
        bound = z_of(1 - 0.05 / max(1, len(self.difference))) * self.error
        found: NDArray[np.bool_] = np.abs(self.difference) > np.maximum(least, bound)
        return found


def drift(train: RunningMoments, others: RunningMoments) -> Drift:
    """Return how the columns of other rows differ from those of the training rows, from their moments."""
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt((train.variance + others.variance) / 2)
        difference = np.where(train.mean == others.mean, 0.0, (others.mean - train.mean) / spread)
        error = np.sqrt(1 / train.total + 1 / others.total)
    return Drift(np.stack([train.mean, others.mean]), difference, error)


@dataclass(frozen=True, eq=False)
class Trend:
    """The means of a value in bins of about equally many rows along a feature.

    Attributes:
        x: the mean of the feature in each bin (m,).
        mean: that of the value (m,).
        share: of the value's variance that lies between the bins (the correlation ratio η²).
    """

    x: Array
    mean: Array
    share: float


def trend(x: Array, value: Array, bins: int = 10) -> Trend:
    """Return the trend of a value (n,) along a feature (n,), which must be finite; n is at least 1."""
    edges = np.unique(np.quantile(x, np.linspace(0, 1, bins + 1)[1:-1]))
    bin_of = np.searchsorted(edges, x)  # few values have a bin each, however seldom one of them is
    rows = np.bincount(bin_of)
    is_used = rows > 0
    n = rows[is_used]
    means = np.bincount(bin_of, value)[is_used] / n
    total = float(np.square(value - value.mean()).sum())
    between = float(n @ np.square(means - value.mean()))
    return Trend(np.bincount(bin_of, x)[is_used] / n, means, between / total if total else 0.0)


def sample(n: int, most: int, keep: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return at most ``most`` of n row numbers in order, the same each time, those to ``keep`` among them."""
    if n <= most:
        return np.arange(n)
    keep = np.empty(0, np.int64) if keep is None else keep[:most]
    others = np.setdiff1d(np.arange(n), keep, assume_unique=True)
    chosen = random_stream(0, 1).choice(others, most - len(keep), replace=False)
    return np.sort(np.concatenate([keep, chosen]))

"""A named data set: its rows, what its columns mean, and rows of it held out for validation."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Rows
from onelayer.errors import OneLayerError

if TYPE_CHECKING:
    from onelayer.data.encoding import Encoding

Missing = Literal["error", "mean", "drop"]


@dataclass(frozen=True)
class Dataset:
    """A named data set: training rows, perhaps a test set, and what the columns mean.

    Attributes:
        name: for file names and reports.
        train: the rows to learn from. In a table, a missing value that is to be filled is NaN.
        test: rows that the data set itself sets aside, or None.
        features: the name of each feature; empty for images.
        target: the name of the target.
        classes: the name of each class; empty for regression.
        image_shape: (height, width) if a row is an image.
        encoding: how table columns became features, if it was a table.
        notes: what was done to a table, a line each: columns left out, rows dropped, categories made.
        is_transposed: whether rows and columns of the images changed places when they were read.
        offset: the column of the rows' offset, or None.

    Example:
        >>> from onelayer import Dataset, Rows
        >>> rows = Rows([[1.0], [2.0], [4.0]], [2.0, 4.1, 7.9])
        >>> data = Dataset("mine", rows, None, ("x",), "y", ())
        >>> data.n_features, data.n_outputs, len(data.train)
        (1, 1, 3)
    """

    name: str
    train: Rows
    test: Rows | None
    features: tuple[str, ...]
    target: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int] | None = None
    encoding: "Encoding | None" = None
    notes: tuple[str, ...] = ()
    is_transposed: bool = False
    offset: str | None = None

    @property
    def n_features(self) -> int:
        """The number of features d."""
        return self.train.n_features

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features (d,), x1 to x_d where they have none."""
        return self.features or numbered_features(self.n_features)

    @property
    def n_outputs(self) -> int:
        """The number of outputs q that a model of these data needs."""
        return len(self.classes) if self.classes else self.train.y.shape[1]

    def hold_out(self, fraction: float, seed: int) -> "tuple[Dataset, Rows | None]":
        """Split ``fraction`` of the training rows off at random, for validation; of each class as large a share.

        The only row of a class stays. Rows of a group stay together, by the first way of grouping; then classes are
        not spread evenly. Returns the data set with the rows that stay, in their order, and the rows that
        left, or None if ``fraction`` is 0.

        Raises:
            OneLayerError: if a side would have no rows.
        """
        if fraction == 0:
            return self, None
        n = len(self.train)
        n_held = round(fraction * n)
        if not 0 < n_held < n:
            raise OneLayerError(
                f"cannot hold out {fraction:g} of {n} rows: at least one row has to be on each side "
                "(--valid 0 holds out none)"
            )
        is_held = np.zeros(n, bool)
        generator = random_stream(seed, 0)
        if self.train.groups is not None:
            is_held = _whole_groups(self.train.groups[:, 0], n_held, generator)
        elif self.train.task == "classes":
            is_held[_stratified(self.train.y, n_held, generator)] = True
        else:
            is_held[generator.choice(n, n_held, replace=False)] = True
        return replace(self, train=self.train.take(~is_held)), self.train.take(is_held)


def numbered_features(d: int) -> tuple[str, ...]:
    """Return the names x1 to x_d for features that have none."""
    return tuple(f"x{j + 1}" for j in range(d))


def _stratified(labels: NDArray[Any], size: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the numbers of about ``size`` rows, of each class as large a share of its rows, but never all of them."""
    order = generator.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]  # class by class, at random within each
    counts = np.bincount(labels)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    rank = np.arange(len(labels)) - starts  # of a row within its class
    share = (rank + generator.random(len(counts))[labels[order]]) / counts[labels[order]]
    may_leave = rank < counts[labels[order]] - 1
    chosen = order[may_leave][np.argsort(share[may_leave], kind="stable")[:size]]
    return np.asarray(chosen)


def folds(rows: Rows, n_folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each row (n,), at random and of like sizes; of each class as many rows in each.

    Rows of a group are in one fold, by the first way of grouping; there are no more folds than groups.
    """
    generator = random_stream(seed, 1)
    if rows.groups is not None:
        return _folds_of_groups(rows.groups[:, 0], n_folds, generator)
    order = generator.permutation(len(rows))
    if rows.task == "classes":
        order = order[np.argsort(rows.y[order], kind="stable")]
    found = np.empty(len(rows), np.int64)
    found[order] = np.arange(len(rows)) % n_folds
    return found


def _whole_groups(
    groups: NDArray[np.int64], n_held: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Return about ``n_held`` rows (n,) in whole groups: at least one, and never all of them."""
    names, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise OneLayerError("the rows are all of one group, which cannot be held out in part")
    order = generator.permutation(len(names))
    reached = np.cumsum(sizes[order])
    count = int(np.clip(np.abs(reached - n_held).argmin() + 1, 1, len(names) - 1))
    return np.isin(codes, order[:count])


def _folds_of_groups(
    groups: NDArray[np.int64], n_folds: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return the fold of each row (n,): groups go, the largest first, to the fold that has the fewest rows."""
    names, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = generator.permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled = np.zeros(min(n_folds, len(names)), np.int64)
    fold = np.empty(len(names), np.int64)
    for group in order:
        fold[group] = filled.argmin()
        filled[fold[group]] += sizes[group]
    return fold[codes]


def random_stream(seed: int, *stream: int) -> np.random.Generator:
    """Return a generator for one of the independent random streams of a seed (NumPy's ``SeedSequence``)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=stream))

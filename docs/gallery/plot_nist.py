"""
A test of NIST's, and harder ones
=================================

Wampler1 of NIST's Statistical Reference Datasets is y = 1 + x + x² + … + x⁵ at x = 0, 1, …, 20. All numbers are whole
and exact, and the certified value of every coefficient is 1. With more powers it is harder: the columns grow to 10¹³
and resemble each other more and more.

Source: https://www.itl.nist.gov/div898/strd/lls/data/Wampler1.shtml
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn import linear_model

from onelayer import LinearRegression

x = np.arange(21.0)


def digits(coefficients):
    """Return how many decimal digits of the worst coefficient are right, at most 16."""
    return float(np.clip(-np.log10(max(np.abs(coefficients - 1).max(), 1e-16)), 0, 16))


def lstsq(X, y):
    """Solve by singular values."""
    return np.linalg.lstsq(np.column_stack([np.ones(21), X]), y, rcond=None)[0]


def fitted(model, X, y):
    """Return the intercept and the weights of a model."""
    model.fit(X, y)
    return np.array([model.intercept_, *model.coef_])


SOLVERS = {
    "numpy.linalg.lstsq": lstsq,
    "scikit-learn": lambda X, y: fitted(linear_model.LinearRegression(), X, y),
    "onelayer": lambda X, y: fitted(LinearRegression(), X, y),
}
degrees = np.arange(2, 11)
found = {name: [] for name in SOLVERS}
for degree in degrees:
    X = x[:, None] ** np.arange(1, degree + 1)
    for name, solve in SOLVERS.items():
        found[name].append(digits(solve(X, 1 + X.sum(axis=1))))
for name, values in found.items():
    print(f"{name:20} {values[3]:4.1f} digits of Wampler1, degree 5")

# %%
# Each group of bars is a polynomial of one degree.

figure = Figure(figsize=(8, 4.5), layout="constrained")
axes = figure.add_subplot(xlabel="degree of the polynomial", ylabel="right digits of the worst coefficient")
for place, (name, values) in enumerate(found.items()):
    axes.bar(degrees + 0.27 * (place - 1), values, width=0.25, label=name)
axes.set_xticks(degrees)
figure.legend(loc="outside upper center", ncols=3)
figure

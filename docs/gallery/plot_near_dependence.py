"""
Columns that nearly depend on each other
========================================

The second column is the first one plus ε times other whole numbers, and y is the sum of both, exactly. So the weights
are 1 and 1 for every ε, and any difference from 1 is an error of the solver.
"""

import warnings
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from sklearn import linear_model

from onelayer import LinearRegression

x = np.arange(-20.0, 21.0)
other = np.arange(41) * 7 % 11


def columns(epsilon):
    """Return two columns that differ by ε times whole numbers."""
    return np.column_stack([x, x + epsilon * other])


def normal_equations(X, y):
    """Solve them as they stand in textbooks."""
    Z = np.column_stack([np.ones(len(X)), X])
    return np.linalg.solve(Z.T @ Z, Z.T @ y)[1:]


def lstsq(X, y):
    """Solve by singular values."""
    return np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0][1:]


SOLVERS = {
    "normal equations": normal_equations,
    "numpy.linalg.lstsq": lstsq,
    "scikit-learn": lambda X, y: linear_model.LinearRegression().fit(X, y).coef_,
    "onelayer": lambda X, y: LinearRegression().fit(X, y).coef_,
}

# %%
# The stored numbers determine the weights. But they may have been rounded when they were stored, and then a small ε
# leaves few digits that mean anything. That is said.

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    X = columns(2.0**-40)
    LinearRegression().fit(X, X.sum(axis=1))
print(fill(str(said[0].message), 80))

# %%
# An error of 10⁻¹⁶ stands for none. The other solvers lose digits as the columns come nearer to each other. onelayer
# notices that digits are at stake, and corrects the solution with residuals in twice the precision.

powers = np.arange(2, 37)
figure = Figure(figsize=(7, 4.5), layout="constrained")
axes = figure.add_subplot(xlabel="ε", ylabel="largest error of a weight", xscale="log", yscale="log")
for name, solve in SOLVERS.items():
    errors = []
    for power in powers:
        X = columns(2.0**-power)
        try:
            errors.append(max(np.abs(solve(X, X.sum(axis=1)) - 1).max(), 1e-16))
        except np.linalg.LinAlgError:
            errors.append(np.nan)
    axes.plot(2.0**-powers, errors, marker="o", markersize=3, label=name)
axes.invert_xaxis()
axes.legend()
axes.grid(alpha=0.3)
figure

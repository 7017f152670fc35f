"""Which classes weights can separate, and whether a minimum exists, by linear programs."""

import numpy as np
from scipy.optimize import linprog


def leads_of(Z, y, classes):
    """Return rows whose products with outputs' weights, one after another, are leads of labels over other classes."""
    of_class = np.eye(max(classes) + 1)[:, classes]
    pairs = [(i, j) for i in range(len(y)) for j in classes if j != y[i]]
    return np.array([np.kron(of_class[y[i]] - of_class[j], Z[i]) for i, j in pairs])


def largest(objective, leads, bounds=(-1, 1)):
    """Return the largest of a linear function of weights within bounds, of those that leave no label behind."""
    return -linprog(-objective, A_ub=-leads, b_ub=np.zeros(len(leads)), bounds=bounds).fun


def has_minimum(X, labels, classes, penalty, fit_intercept):
    """Return whether cross-entropy with an elastic net has a minimum: no weights that nothing holds separate classes.

    Args:
        X: features (n, d).
        labels: (n,).
        classes: number of them. With two, the first has no weights.
        penalty: an ElasticNet.
        fit_intercept: whether there is one.
    """
    l1, l2, lower, upper = (
        np.broadcast_to(part, X.shape[1]) for part in (penalty.l1, penalty.l2, penalty.lower, penalty.upper)
    )
    is_held, is_open = l1 + l2 > 0, [(1.0, 1.0)] * fit_intercept
    ways = [(float(low == -np.inf), float(up == np.inf)) for low, up in zip(lower, upper, strict=True)]
    ends = [(0.0, 0.0) if held else way for held, way in zip(is_held, ways, strict=True)] + is_open
    Z = np.c_[X, np.ones((len(X), int(fit_intercept)))]
    none = [(0.0, 0.0)] * len(ends)
    bounds = [none, ends] if classes == 2 else [ends] * classes
    leads = leads_of(Z, labels, list(range(classes)))
    return (
        largest(leads.sum(axis=0), leads, [(-down, up) for output in bounds for down, up in output]) <= 1e-7
    )

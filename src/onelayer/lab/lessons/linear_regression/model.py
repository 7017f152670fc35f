"""House prices as a linear model: the data, predictions, the loss and its derivatives, and the solution in one step.

``weight`` is (2,): USD per square foot and USD per year of age; ``bias`` is in USD.
"""

import numpy as np
from numpy.typing import NDArray

from onelayer import houses

Array = NDArray[np.float64]


def load() -> tuple[Array, Array]:
    """Return the features X (2930, 2), area in square feet and age in years, and the prices y (2930,) in USD."""
    rows = houses().train
    return rows.X, rows.y[:, 0]


def predict(X: Array, weight: Array, bias: float) -> Array:
    """Return the predictions ŷ = Xw + b (n,) for features X (n, d) (section 3.1.1.1)."""
    prediction: Array = X @ weight + bias
    return prediction


def predict_row_by_row(X: Array, weight: Array, bias: float) -> Array:
    """Return the same predictions (n,) with sums written out, one row and one feature at a time."""
    predictions = []
    for row in X:
        products = [w * x for w, x in zip(weight, row, strict=True)]
        predictions.append(sum(products) + bias)
    return np.array(predictions)


def mean_loss(X: Array, y: Array, weight: Array, bias: float) -> float:
    """Return the mean over the rows of ½(ŷ − y)² (section 3.1.1.2)."""
    return float(np.mean((predict(X, weight, bias) - y) ** 2) / 2)


def best_bias(X: Array, y: Array, weight: Array) -> float:
    """Return the bias that makes the loss least for these weights: the mean of y − Xw."""
    return float(np.mean(y - X @ weight))


def gradient(X: Array, y: Array, weight: Array, bias: float) -> Array:
    """Return the derivatives of the mean loss by the weights and the bias, (d + 1,)."""
    residual = predict(X, weight, bias) - y
    return np.append(X.T @ residual, residual.sum()) / len(y)


def normal_equations(X: Array, y: Array) -> tuple[Array, float]:
    """Return weights (d,) and bias from AᵀA w = Aᵀy, where A is X with a column of ones (section 3.1.1.3).

    Raises:
        numpy.linalg.LinAlgError: if AᵀA is singular, as far as rounding lets one see.
    """
    A = np.column_stack([X, np.ones(len(X))])
    gram, moments = A.T @ A, A.T @ y
    solution = np.linalg.solve(gram, moments)
    return solution[:-1], float(solution[-1])


def hessian(X: Array) -> Array:
    """Return the second derivatives AᵀA / n of the mean loss, (d + 1, d + 1): they depend on no weight."""
    A = np.column_stack([X, np.ones(len(X))])
    second: Array = A.T @ A / len(X)
    return second


def quadratic_rise(X: Array, step: Array) -> float:
    """Return ½ ΔᵀHΔ: how much the loss rises from its minimum when weights and bias (d + 1,) move by ``step``."""
    return float(step @ hessian(X) @ step / 2)

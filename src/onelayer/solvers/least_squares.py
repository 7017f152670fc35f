"""The exact way for linear regression: the analytic solution of section 3.1.1.4, stably."""

import torch
from torch import Tensor

from onelayer.data import Rows


def least_squares(rows: Rows) -> tuple[Tensor, Tensor]:
    """Return the weight (q, d) and bias (q,) that minimise Σ ½(Xwᵀ + b − y)², in float64, on the CPU.

    Centring X and y takes the bias out of the problem; the singular value decomposition then solves it without
    ever forming XᵀX, and gives the solution of least norm where columns are linearly dependent.
    """
    X, y = rows.X.cpu().double(), rows.y.cpu().double()
    X_mean, y_mean = X.mean(dim=0), y.mean(dim=0)
    weight = torch.linalg.lstsq(X - X_mean, y - y_mean, driver="gelsd").solution.T
    return weight, y_mean - weight @ X_mean

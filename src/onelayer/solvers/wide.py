"""Dense features with more columns than rows: the best weights are combinations of the rows, so n coordinates do.

What a penalty on ‖W‖² leaves of W, and what the solution of least norm keeps, is its part in the span of the rows
(the representer theorem; Hastie, Tibshirani and Friedman 2009, section 18.3.5). In an orthonormal basis of that span
the problem has n features instead of d, and the same norms.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

Array = NDArray[np.float64]

FEW_COLUMNS = 500  # up to here matrices (d, d) cost nothing


def is_wide(X: Any) -> bool:
    """Return whether features X (n, d) are dense, with more columns than rows, and many."""
    n, d = X.shape
    return bool(not sparse.issparse(X) and d > max(n, FEW_COLUMNS))


def row_space(X: NDArray[Any]) -> tuple[Array, Array]:
    """Return coordinates (n, n) of the rows of X (n, d), n < d, and the orthonormal basis (d, n) they belong to."""
    basis, triangle = linalg.qr(X.T.astype(np.float64), mode="economic", overwrite_a=True, check_finite=False)
    return np.ascontiguousarray(triangle.T), basis

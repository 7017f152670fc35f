"""What ``compiled_sparse.c`` defines; ``plain_sparse.py`` has the same in NumPy, and says what it means."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

def sparse_products(
    values: NDArray[np.float32],
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    c: NDArray[np.float64],
    w: NDArray[np.float32],
    sums: NDArray[np.float32],
    first: int,
    last: int,
    shift: float,
    /,
) -> float: ...
def sparse_forward(
    values: NDArray[np.float64],
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    W: Array,
    products: Array,
    k: int,
    first: int,
    last: int,
    kind: str,
    is_float: bool,
    /,
) -> None: ...
def sparse_backward(
    values: NDArray[np.float64],
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    R: Array,
    sums: Array,
    k: int,
    first: int,
    last: int,
    kind: str,
    is_float: bool,
    /,
) -> None: ...

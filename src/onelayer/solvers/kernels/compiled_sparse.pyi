"""What ``compiled_sparse.c`` defines; ``plain_sparse.py`` has the same in NumPy, and says what it means."""

from numpy import float64, int32, int64
from numpy.typing import NDArray

def sparse_products(
    values: NDArray[float64],
    columns: NDArray[int32],
    starts: NDArray[int64],
    c: NDArray[float64],
    w: NDArray[float64],
    sums: NDArray[float64],
    first: int,
    last: int,
    shift: float,
    /,
) -> float: ...

"""What ``compiled.c`` defines; ``plain.py`` has the same in NumPy, and says what it means."""

from numpy import float64, int32, int64
from numpy.typing import NDArray

def descend_gram(
    gram: NDArray[float64],
    slope: NDArray[float64],
    weight: NDArray[float64],
    l1: NDArray[float64],
    l2: NDArray[float64],
    lower: NDArray[float64],
    upper: NDArray[float64],
    tol: float,
    max_sweeps: int,
    /,
) -> int: ...
def descend_dense(
    columns: NDArray[float64],
    size: NDArray[float64],
    residual: NDArray[float64],
    weight: NDArray[float64],
    l1: NDArray[float64],
    l2: NDArray[float64],
    lower: NDArray[float64],
    upper: NDArray[float64],
    tol: float,
    max_sweeps: int,
    /,
) -> int: ...
def descend_sparse(
    values: NDArray[float64],
    rows: NDArray[int32],
    starts: NDArray[int64],
    mean: NDArray[float64],
    root: NDArray[float64],
    size: NDArray[float64],
    residual: NDArray[float64],
    weight: NDArray[float64],
    l1: NDArray[float64],
    l2: NDArray[float64],
    lower: NDArray[float64],
    upper: NDArray[float64],
    tol: float,
    max_sweeps: int,
    /,
) -> int: ...

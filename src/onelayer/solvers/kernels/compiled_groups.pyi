"""What ``compiled_groups.c`` defines; ``plain_groups.py`` has the same in NumPy, and says what it means."""

from numpy import float64, int64
from numpy.typing import NDArray

def descend_groups(
    gram: NDArray[float64],
    slope: NDArray[float64],
    weight: NDArray[float64],
    l1: NDArray[float64],
    l2: NDArray[float64],
    starts: NDArray[int64],
    largest: NDArray[float64],
    tol: float,
    max_sweeps: int,
    /,
) -> int: ...

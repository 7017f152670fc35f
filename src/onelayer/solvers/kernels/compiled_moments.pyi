"""What ``compiled_moments.c`` defines; ``plain_moments.py`` has the same in NumPy, and says what it means."""

from typing import Any

from numpy import float64
from numpy.typing import NDArray

def column_moments(
    X: NDArray[Any],
    weights: NDArray[float64],
    times: NDArray[float64],
    less: NDArray[float64],
    sums: NDArray[float64],
    squares: NDArray[float64],
    /,
) -> None: ...

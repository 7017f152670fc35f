"""What ``compiled_gram.c`` defines; ``plain_gram.py`` has the same in NumPy, and says what it means."""

from numpy import float64
from numpy.typing import NDArray

def sum_products(
    X: NDArray[float64],
    Y: NDArray[float64],
    x_shift: NDArray[float64],
    y_shift: NDArray[float64],
    products: NDArray[float64],
    root: NDArray[float64] | None,
    /,
) -> None: ...

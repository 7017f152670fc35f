"""What ``compiled_softmax.c`` defines; ``plain_softmax.py`` has the same in NumPy, and says what it means."""

from typing import Any

from numpy import float64, int64
from numpy.typing import NDArray

def softmax_sums(
    X: NDArray[Any],
    labels: NDArray[int64],
    weight: NDArray[Any],
    factors: NDArray[float64] | None,
    outputs: NDArray[Any],
    gradient: NDArray[float64],
    products: NDArray[float64],
    /,
) -> float: ...

"""What ``compiled_sgd.c`` defines; ``plain_sgd.py`` has the same in NumPy, and says what it means."""

from typing import Any

from numpy import int64
from numpy.typing import NDArray

def sgd_pass(
    X: NDArray[Any],
    targets: NDArray[Any],
    order: NDArray[int64],
    weight: NDArray[Any],
    factors: NDArray[Any] | None,
    decay: NDArray[Any] | None,
    one: float,
    step: float,
    batch_size: int,
    threads: int,
    /,
) -> tuple[float, int]: ...
def shuffle(order: NDArray[int64], jumps: NDArray[int64], /) -> None: ...

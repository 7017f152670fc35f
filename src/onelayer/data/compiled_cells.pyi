"""What ``compiled_cells.c`` defines; ``text_rows.py`` says what it is for."""

from typing import Any

from numpy import float64, int32, int64, uint8, uint64
from numpy.typing import NDArray

def count_lines(text: Any, /) -> int: ...
def read_cells(
    text: Any,
    separator: int,
    powers: NDArray[uint64],
    lowest: int,
    kinds: NDArray[uint8],
    starts: NDArray[int32],
    values: NDArray[float64],
    /,
) -> tuple[int, int]: ...
def join_cells(
    text: Any, starts: NDArray[int32], column: int, offsets: NDArray[int64], joined: Any, /
) -> None: ...

"""A stopwatch that keeps its laps (section 3.1.2, vectorization)."""

from itertools import accumulate
from time import perf_counter


class Timer:
    """Measure several runs of a piece of code, in seconds. It starts running at once.

    Example:
        >>> from onelayer import Timer
        >>> timer = Timer()
        >>> total = sum(range(1000))
        >>> timer.stop() < 1
        True
    """

    def __init__(self) -> None:
        self.times: list[float] = []
        self.start()

    def start(self) -> None:
        """Start a new lap."""
        self._started = perf_counter()

    def stop(self) -> float:
        """End the lap, keep its time in ``times`` and return it."""
        self.times.append(perf_counter() - self._started)
        return self.times[-1]

    def avg(self) -> float:
        """Return the mean lap."""
        return sum(self.times) / len(self.times)

    def sum(self) -> float:
        """Return the total of all laps."""
        return sum(self.times)

    def cumsum(self) -> list[float]:
        """Return the running total after each lap."""
        return list(accumulate(self.times))

"""What ``compiled_small.c`` defines."""

from numpy import float64
from numpy.typing import NDArray

def least_squares(
    X: NDArray[float64],
    Y: NDArray[float64],
    c: NDArray[float64] | None,
    weight: NDArray[float64],
    bias: NDArray[float64],
    half: NDArray[float64],
    means: NDArray[float64],
    squares: NDArray[float64],
    spread: NDArray[float64],
    rss: NDArray[float64],
    alpha: float,
    fit_intercept: bool,
    /,
) -> float | None:
    """Write the solution for features X (n, d), targets Y (n, q) and weights c (n,), in about 32 digits, rounded once.

    Args:
        X: with its values in any order.
        Y: likewise.
        c: or None for 1.
        weight: W (q, d).
        bias: b (q,).
        half: H (d, d), with HHᵀ the inverse of the centred XᵀCX + alpha.
        means: of the columns of X and Y (d + q,), or 0 without an intercept.
        squares: Σ c x² of each (d + q,); zeros before.
        spread: Σ c (x − x̄)² of each (d + q,).
        rss: Σ c r² of the residuals (q,) of W and b as they are stored.
        alpha: the penalty on weights.
        fit_intercept: whether b is free; else it is 0.

    Returns:
        The sum of the weights c, or None if columns depend on each other too nearly; then W, b, H and rss mean nothing.
    """

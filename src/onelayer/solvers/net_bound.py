"""How far least squares with an elastic net may be from its minimum: a duality gap, with its rounding.

For residuals r = y − ZV and any θ that is orthogonal to the intercept and to free columns, the minimum of
½ ‖y − ZV‖² + Σⱼ hⱼ(Vⱼ) is at least θᵀy − ½ ‖θ‖² − Σⱼ hⱼ*(zⱼᵀθ) (Fenchel), which leaves a gap of

    ½ ‖r − θ‖² + Σⱼ (hⱼ(Vⱼ) + hⱼ*(zⱼᵀθ) − Vⱼ zⱼᵀθ),

a sum of terms none of which is negative or cancels against ‖y‖². θ is r, made feasible: columns that have to be
orthogonal to it, but for rounding, are projected out; then it is made so short that no slope is beyond what l1 holds.
Projecting out columns A moves slopes of columns of length 1 by at most ‖Z_A G_AA⁻¹ u_A‖ ≤ ‖u_A‖ / √λ_min(G_AA).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.double_double import EPS
from onelayer.penalties import ElasticNet
from onelayer.solvers.bounds import UNITS
from onelayer.solvers.coordinates import RESOLVED
from onelayer.solvers.standard_columns import Look, StandardColumns

Array = NDArray[Any]

MOST_PROJECTED = 2_000  # columns
MOST_PROJECTIONS = 5


@dataclass(frozen=True)
class Bound:
    """½ ‖r‖² + Σ h(V), and how far above the minimum it may be at most."""

    value: float
    gap: float


def bound_at(columns: StandardColumns, penalty: ElasticNet, V: Array, look: Look) -> Bound:
    """Return the objective of a target at V (d,), for a penalty that is written out, with a bound on its gap."""
    h = penalty.value(V[None])
    value, error = look.squares / 2 + h, look.value_error + UNITS * EPS * (look.squares / 2 + h)
    gap = _gap(columns, penalty, V, look)
    # Nothing is below 0, so the objective itself is a gap.
    return Bound(value, min(gap + error, value + error) if np.isfinite(gap) else value + error)


def _gap(columns: StandardColumns, penalty: ElasticNet, V: Array, look: Look) -> float:
    slope, slack, length = look.slope, look.slack, float(np.sqrt(look.squares))
    l1, l2, lower, upper = penalty.l1, penalty.l2, penalty.lower, penalty.upper
    is_soft = np.asarray(l2) == 0
    up, down = is_soft & (upper == np.inf), is_soft & (lower == -np.inf)  # where h* is infinite beyond l1
    beyond = np.maximum(np.where(up, slope, -np.inf), np.where(down, -slope, -np.inf)) + slack
    projected, moved = _projected(columns, beyond > 0, l1, slope, slack, beyond)
    if not np.isfinite(moved):
        return np.inf
    held, slack = (up | down) & ~projected, slack + moved * columns.varies
    most = beyond + moved * columns.varies
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(held & (most > 0), l1 / most, np.inf)
    share = min(1.0, float(ratios.min(initial=1)))
    # Columns of weight 0 and a slope within l1 cost nothing.
    counted = np.flatnonzero(((V != 0) | (np.abs(slope) + slack > l1)) & ~projected)
    part, v, u = penalty.take(counted), V[counted], share * slope[counted]
    off = share * slack[counted]
    h = part.value(v[None])
    conjugates = np.maximum(part.conjugate((u - off)[None]), part.conjugate((u + off)[None]))
    # What has been shortened to the edge of l1 is on it, whichever way the product was rounded.
    at_edge = held[counted] & (np.abs(u) + off <= np.asarray(part.l1) * (1 + 4 * EPS))
    conjugates = np.where(at_edge & ~np.isfinite(conjugates), 0.0, conjugates)
    distance = (1 - share) * length + moved + 2 * look.moved
    terms = float(conjugates.sum()) + h - float(v @ u)
    rounding = float(np.abs(v) @ off) + UNITS * EPS * (h + float(np.abs(v) @ np.abs(u)))
    return distance**2 / 2 + max(terms, 0.0) + rounding


def _projected(
    columns: StandardColumns, is_out: NDArray[np.bool_], l1: Any, slope: Array, slack: Array, beyond: Array
) -> tuple[NDArray[np.bool_], float]:
    """Return which columns have to be orthogonal to θ, and how far at most making them so moves it."""
    may = (np.asarray(l1) == 0) & columns.varies
    found, moved = is_out & may, 0.0
    for _ in range(MOST_PROJECTIONS):
        index = np.flatnonzero(found)
        if not len(index):
            return found, 0.0
        if len(index) > MOST_PROJECTED:
            break
        values, vectors = np.linalg.eigh(columns.gram(index, index))
        known = values > RESOLVED * values[-1]  # what depends on others but for rounding follows them
        along = np.abs(slope[index] @ vectors[:, known]) + float(np.linalg.norm(slack[index]))
        moved = float(np.sqrt((along**2 / values[known]).sum())) * (1 + UNITS * EPS / RESOLVED**0.5)
        more = may & (beyond + moved > 0)
        if not (more & ~found).any():
            return found, moved
        found |= more
    return found, np.inf

"""How far least squares with an elastic net may be from its minimum: a duality gap, with its rounding.

For residuals r = y − ZV and any θ that is orthogonal to the intercept and to free columns, the minimum of
½ ‖y − ZV‖² + Σⱼ hⱼ(Vⱼ) is at least θᵀy − ½ ‖θ‖² − Σⱼ hⱼ*(zⱼᵀθ) (Fenchel), which leaves a gap of

    ½ ‖r − θ‖² + Σⱼ (hⱼ(Vⱼ) + hⱼ*(zⱼᵀθ) − Vⱼ zⱼᵀθ),

a sum of terms none of which is negative or cancels against ‖y‖². θ is r, made feasible: columns that have to be
orthogonal to it, but for rounding, are projected out; then it is made so short that no slope is beyond what l1 holds.
Projecting out columns A moves slopes of columns of length 1 by at most ‖Z_A G_AA⁻¹ u_A‖ ≤ ‖u_A‖ / √λ_min(G_AA). Columns
that rounding of G_AA hides a dependence of, or the lack of one, count as dependent.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.double_double import EPS
from onelayer.penalties import ElasticNet
from onelayer.solvers.bounds import UNITS
from onelayer.solvers.standard_columns import Look, StandardColumns

Array = NDArray[Any]

MOST_PROJECTED = 2_000  # columns
MOST_PROJECTIONS = 5


@dataclass(frozen=True, eq=False)
class Bound:
    """½ ‖r‖² + Σ h(V) of a target, and how far above the minimum it may be at most, which takes longer to say.

    Attributes:
        columns: the rows.
        penalty: h, written out.
        V: (d,).
        look: what is known of the residuals there.
    """

    columns: StandardColumns
    penalty: ElasticNet
    V: Array
    look: Look

    @cached_property
    def value(self) -> float:
        """The objective."""
        return self.look.squares / 2 + self.penalty.value(self.V[None])

    @cached_property
    def gap(self) -> float:
        """An upper bound on how far it is above the minimum; nothing is below 0, so the objective itself is one."""
        error = self.look.value_error + UNITS * EPS * self.value
        return min(self.value, _gap(self.columns, self.penalty, self.V, self.look)) + error


def _gap(columns: StandardColumns, penalty: ElasticNet, V: Array, look: Look) -> float:
    slope, slack, l1 = look.slope, look.slack, penalty.l1
    share, moved, projected, held = _feasible(columns, penalty, look)
    if not np.isfinite(moved):
        return np.inf
    slack = slack + moved * columns.varies
    # Columns of weight 0 and a slope within l1 cost nothing.
    counted = np.flatnonzero(((V != 0) | (np.abs(slope) + slack > l1)) & ~projected)
    part, v, u = penalty.take(counted), V[counted], share * slope[counted]
    off = share * slack[counted]
    h = part.value(v[None])
    if part.has_bounds:
        conjugates = np.maximum(part.conjugate((u - off)[None]), part.conjugate((u + off)[None]))
    else:
        conjugates = part.conjugate((np.abs(u) + off)[None])
    # What has been shortened to the edge of l1 is on it, whichever way the product was rounded.
    at_edge = held[counted] & (np.abs(u) + off <= np.asarray(part.l1) * (1 + 4 * EPS))
    conjugates = np.where(at_edge & ~np.isfinite(conjugates), 0.0, conjugates)
    distance = (1 - share) * float(np.sqrt(look.squares)) + moved + 2 * look.moved
    terms = float(conjugates.sum()) + h - float(v @ u)
    rounding = float(np.abs(v) @ off) + UNITS * EPS * (h + float(np.abs(v) @ np.abs(u)))
    return distance**2 / 2 + max(terms, 0.0) + rounding


def _feasible(
    columns: StandardColumns, penalty: ElasticNet, look: Look
) -> tuple[float, float, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what makes θ of r: to which share it is shortened, after it was moved at most so far.

    Then which columns (d,) have been projected out, and which others l1 alone holds; moved is infinite if that fails.
    """
    is_soft = np.asarray(penalty.l2) == 0
    up, down = is_soft & (penalty.upper == np.inf), is_soft & (penalty.lower == -np.inf)
    is_held = up | down  # h* is infinite beyond l1
    if not is_held.any():
        return 1.0, 0.0, is_held, is_held
    slope, l1 = look.slope, penalty.l1
    beyond = np.maximum(np.where(up, slope, -np.inf), np.where(down, -slope, -np.inf)) + look.slack
    projected, moved = _projected(columns, l1, look, beyond)
    held = is_held & ~projected
    if not np.isfinite(moved):
        return 0.0, moved, projected, held
    most = beyond + moved * columns.varies
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(held & (most > 0), l1 / most, np.inf)
    return min(1.0, float(ratios.min(initial=1))), moved, projected, held


def _projected(
    columns: StandardColumns, l1: Any, look: Look, beyond: Array
) -> tuple[NDArray[np.bool_], float]:
    """Return which columns have to be orthogonal to θ, and how far at most making them so moves it."""
    may = (np.asarray(l1) == 0) & columns.varies
    found, moved = (beyond > 0) & may, 0.0
    for _ in range(MOST_PROJECTIONS):
        index = np.flatnonzero(found)
        if not len(index):
            return found, 0.0
        if len(index) > MOST_PROJECTED:
            break
        values, vectors = np.linalg.eigh(columns.gram(index, index))
        rounding = UNITS * EPS * len(index) * values[-1]
        known = values > 2 * rounding  # what depends on others but for rounding follows them
        along = np.abs(look.slope[index] @ vectors[:, known]) + float(np.linalg.norm(look.slack[index]))
        moved = float(np.sqrt((along**2 / (values[known] - rounding)).sum()))
        more = may & (beyond + moved > 0)
        if not (more & ~found).any():
            return found, moved
        found |= more
    return found, np.inf

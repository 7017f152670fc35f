"""Least squares with an elastic net: Σ cᵢ rᵢ² + alpha ((1 − l1_ratio) ‖W‖² + 2 l1_ratio ‖W‖₁), one fit or a path.

Coordinate descent works on few columns at a time, those in use and those whose slopes l1 does not hold (Tibshirani et
al. 2012, *Strong rules for discarding predictors in lasso-type problems*). Once signs have settled, the equations of
the weights in use are solved as such. A duality gap (``net_bound``) says when it is enough.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Source
from onelayer.double_double import EPS
from onelayer.engines.threads import sums_share_threads
from onelayer.errors import OneLayerError
from onelayer.penalties import ElasticNet
from onelayer.solvers.fit import ElasticNetFit
from onelayer.solvers.kernels import descend_gram
from onelayer.solvers.net_bound import Bound
from onelayer.solvers.net_equations import LARGEST_EXACT, solve_exactly
from onelayer.solvers.standard_columns import Look, StandardColumns, standard_columns, to_user

Array = NDArray[Any]
Index = NDArray[np.intp]

MOST_ROUNDS = 100
APART = 8  # numbers between rows of the Gram matrix, lest a column lies in few lines of the cache
FEW = 100  # columns that are taken in together at least
INNER = 1e-3  # of the gap that is aimed at: what a last sweep may still gain
FEW_ROUNDS = 2  # after which sweeps alone will not do
SWEEPS = 100  # after which solving the equations is the faster way
CLOSER = 3  # times that a solution is corrected from the rows themselves


def elastic_net(
    rows: Source,
    penalty: ElasticNet | Sequence[ElasticNet],
    fit_intercept: bool = True,
    tol: float = 1e-10,
    max_iter: int = 10_000,
    start: Array | None = None,
) -> ElasticNetFit:
    """Return the minimum of Σ cᵢ ‖yᵢ − W xᵢ − b‖² + 2 penalty(W), of each target on its own.

    Args:
        rows: features (n, d), dense or sparse, targets (n, q) and weights.
        penalty: in the user's units, not in groups; one for all targets, or for each.
        fit_intercept: whether b is free; else it is 0.
        tol: the gap to reach, relative to the objective.
        max_iter: the largest number of sweeps over columns.
        start: W (q, d) to begin at, for targets where it is better than zeros.

    Raises:
        OneLayerError: if values are so large that their squares overflow, or no row has a weight.
    """
    rows = rows.less_offset()
    rows, exponent = rows.weights_near_one()
    penalties = [penalty] if isinstance(penalty, ElasticNet) else penalty
    if any(its.is_grouped for its in penalties):
        raise OneLayerError("least squares take weights one by one: the penalty may not be in groups")
    with sums_share_threads():
        columns = standard_columns(rows, fit_intercept)
        net = Net(columns, [its.times_power(-exponent) for its in penalties], tol, max_iter)
        if start is not None:
            net.start_at(start)
        net.solve_all(is_exact=True)
        return net.fit(exponent)


class WorkingSet:
    """The columns that are worked on, and their Gram matrix unless they are too many.

    Attributes:
        index: of the columns (m,), in the order in which they came.
    """

    def __init__(self, columns: StandardColumns) -> None:
        self._columns = columns
        self.index: Index = np.zeros(0, np.intp)
        self._is_in = np.zeros(len(columns.mean), bool)
        self._gram = np.zeros((0, 0))

    def add(self, wanted: Index) -> bool:
        """Take in columns, and return whether any of them is new."""
        new = wanted[~self._is_in[wanted]]
        if not len(new):
            return False
        m = len(self.index)
        self.index = np.append(self.index, new)
        self._is_in[new] = True
        if not self.has_gram:
            self._gram = np.zeros((0, 0))
            return True
        if len(self.index) > len(self._gram):
            size = min(2 * len(self.index), self._columns.most_products)
            larger = np.empty((size, size + APART))
            larger[:m, :m] = self._gram[:m, :m]
            self._gram = larger
        products = self._columns.gram(new, self.index)
        self._gram[m : len(self.index), : len(self.index)] = products
        self._gram[:m, m : len(self.index)] = products[:, :m].T
        return True

    @property
    def has_gram(self) -> bool:
        """Whether the columns are so few that their Gram matrix is kept."""
        return len(self.index) <= self._columns.most_products

    @property
    def gram(self) -> Array:
        """The Gram matrix: its first m columns, and room for more."""
        return self._gram[: len(self.index)]


@dataclass(frozen=True)
class State:
    """Where a target is.

    Attributes:
        penalty: in the user's units, for weights of rows near 1.
        bound: the weights, the penalty for the standard columns, and what is known there.
        nothing: ½ ‖y‖².
        sweeps: the number of them so far.
    """

    penalty: ElasticNet
    bound: Bound
    nothing: float
    sweeps: int = 0


class Net:
    """Targets on their way to the minimum for their penalties, which may change.

    Args:
        columns: the rows.
        penalties: one for all targets, or for each.
        tol, max_iter: as in ``elastic_net``.

    Attributes:
        states: of each target.
    """

    def __init__(
        self, columns: StandardColumns, penalties: Sequence[ElasticNet], tol: float, max_iter: int
    ) -> None:
        self.columns, self.tol, self.max_iter = columns, tol, max_iter
        self._working = WorkingSet(columns)
        self.states: list[State] = []
        for target, penalty in zip(range(len(columns.y_mean)), _for_all(penalties), strict=False):
            written = self._in_units(penalty)
            V = np.clip(np.zeros(len(columns.mean)), written.lower, written.upper)
            bound = Bound(columns, written, V, columns.look(target, V))
            self.states.append(State(penalty, bound, float(columns.y_squares[target]) / 2))

    def start_at(self, weight: Array) -> None:
        """Begin at W (q, d) in the user's units, with each target for which it is better than where it is."""
        for target, w in enumerate(weight):
            before = self.states[target]
            self._moved_to(
                target,
                np.clip(w * self.columns.scale, before.bound.penalty.lower, before.bound.penalty.upper),
                0,
            )
            if self.states[target].bound.value < before.bound.value:
                self._working.add(np.flatnonzero(self.states[target].bound.V))
            else:
                self.states[target] = before

    def change_to(self, penalties: Sequence[ElasticNet]) -> None:
        """Go on with other penalties, one for all targets or for each, from where the last ones have led."""
        for target, penalty in zip(range(len(self.states)), _for_all(penalties), strict=False):
            state, written = self.states[target], self._in_units(penalty)
            before, l1 = np.asarray(state.bound.penalty.l1), np.asarray(written.l1)
            # The strong rule: a slope changes hardly more than l1 does.
            likely = (np.abs(state.bound.look.slope) >= 2 * l1 - before) & (l1 < before)
            self._working.add(np.flatnonzero(likely))
            V = np.clip(state.bound.V, written.lower, written.upper)
            look = state.bound.look if (V == state.bound.V).all() else self.columns.look(target, V)
            self.states[target] = State(penalty, Bound(self.columns, written, V, look), state.nothing)

    def _in_units(self, penalty: ElasticNet) -> ElasticNet:
        return penalty.columns(len(self.columns.mean)).in_units(self.columns.scale)

    def _moved_to(self, target: int, V: Array, sweeps: int, look: Look | None = None) -> None:
        """Put a target elsewhere."""
        state, look = self.states[target], look or self.columns.look(target, V)
        self.states[target] = replace(state, bound=replace(state.bound, V=V, look=look), sweeps=sweeps)

    def solve_all(self, is_exact: bool = False) -> None:
        """Bring all targets to the gap that is aimed at, or as near as rounding and the sweeps allow.

        Args:
            is_exact: whether to solve the equations of the weights in use in any case, with a closer look at the rows.
        """
        for target in range(len(self.states)):
            self._solve(target)
        if is_exact or not all(map(self._is_done, self.states)):
            self._correct()

    def _solve(self, target: int) -> None:
        """Bring a target to the gap that is aimed at, or as near as rounding and the sweeps allow."""
        stalls = 0
        for rounds in range(MOST_ROUNDS):
            state = self.states[target]
            wanted = self._wanted(state)
            if not len(wanted) or stalls > 1:
                return
            is_new = self._working.add(wanted)
            # To sweep once takes less time than to see that there was no need to, which is rare.
            self._moved_to(target, *self._descended(target, 0 if is_new else rounds))
            if self._is_done(self.states[target]):
                return
            found, before = self.states[target].bound, state.bound
            if not is_new and before.value - found.value <= self.tol * found.value:
                stalls += found.gap > before.gap / 2
            if found.value > before.value + before.gap:  # rounding won
                self.states[target] = state
                return

    def _is_done(self, state: State) -> bool:
        return self._is_converged(state) or state.sweeps >= self.max_iter

    def _is_converged(self, state: State) -> bool:
        """Return whether a gap is small beside the objective, or rounding beside that of a model that knows nothing."""
        return state.bound.gap <= max(self.tol * state.bound.value, EPS * state.nothing)

    def _wanted(self, state: State) -> Index:
        """Return the columns in use, and those that would be: of these the first by how far they are beyond l1."""
        used = np.flatnonzero(state.bound.V)
        excess = state.bound.penalty.excess(state.bound.look.slope[None])[0]
        excess[used] = 0
        beyond = np.flatnonzero(excess)
        most = max(FEW, 2 * len(used))
        if len(beyond) > most:
            with np.errstate(divide="ignore"):
                urgency = excess[beyond] / np.asarray(state.bound.penalty.l1)[beyond]
            beyond = beyond[np.argpartition(-urgency, most)[:most]]
        return np.concatenate([used, beyond])

    def _descended(self, target: int, rounds: int) -> tuple[Array, int]:
        """Return weights after some sweeps over the columns that are worked on, and the number of all so far.

        The more rounds these columns have had before, the closer to the minimum it goes.
        """
        index, state = self._working.index, self.states[target]
        V, penalty = state.bound.V.copy(), state.bound.penalty.take(index)
        tol = (INNER**2 if rounds else INNER) * self.tol * state.bound.value
        sweeps = min(self.max_iter - state.sweeps, SWEEPS if len(index) <= LARGEST_EXACT else self.max_iter)
        if not self._working.has_gram:
            return V, state.sweeps + self.columns.descend(target, index, V, penalty, tol, sweeps)
        slope, v = state.bound.look.slope[index], V[index]
        if rounds >= FEW_ROUNDS:
            solve_exactly(self._working.gram, slope, v, penalty)
        done = descend_gram(self._working.gram, slope, v, *penalty.arrays(), tol, sweeps)
        if done >= sweeps:
            solve_exactly(self._working.gram, slope, v, penalty)
        V[index] = v
        return V, state.sweeps + done

    def _correct(self) -> None:
        """Solve the equations of the weights in use, and correct them from the rows themselves."""
        for attempt in range(CLOSER):
            before, moved = list(self.states), []
            for target, state in enumerate(before):
                is_new = self._working.add(self._wanted(state))
                rounds = 0 if is_new else FEW_ROUNDS
                moved.append(self._descended(target, rounds)[0] if attempt else self._exact(state))
            looks = self.columns.closer(np.array(moved))
            for target, state in enumerate(before):
                look = looks[target] if looks else None
                self._moved_to(target, moved[target], state.sweeps, look)
                if looks is None and self.states[target].bound.gap > state.bound.gap:
                    self.states[target] = state
            if all(map(self._is_done, self.states)):
                return

    def _exact(self, state: State) -> Array:
        """Return the solution (d,) of the equations of the weights in use, as far as signs and bounds allow."""
        index, V = self._working.index, state.bound.V.copy()
        if self._working.has_gram:
            slope, v = state.bound.look.slope[index], V[index]
            solve_exactly(self._working.gram, slope, v, state.bound.penalty.take(index))
            V[index] = v
        return V

    def weights(self) -> tuple[Array, Array]:
        """Return W (q, d) and b (q,) in the user's units."""
        weight, bias = to_user(self.columns, np.array([state.bound.V for state in self.states]))
        for w, state in zip(weight, self.states, strict=True):
            if state.penalty.has_bounds:
                # Weights at a bound, or a rounding error beyond it, are at the user's bound.
                its = state.penalty.columns(len(w))
                at_lower, at_upper = (
                    state.bound.penalty.lower >= state.bound.V,
                    state.bound.penalty.upper <= state.bound.V,
                )
                w[at_lower], w[at_upper] = np.asarray(its.lower)[at_lower], np.asarray(its.upper)[at_upper]
                np.clip(w, its.lower, its.upper, out=w)
        return weight, bias

    def values(self) -> tuple[list[float], list[float], list[int], list[bool]]:
        """Return each target's objective, its gap, the sweeps, and whether the gap is as small as it was to be."""
        return (
            [state.bound.value for state in self.states],
            [state.bound.gap for state in self.states],
            [state.sweeps for state in self.states],
            [self._is_converged(state) for state in self.states],
        )

    def fit(self, exponent: int) -> ElasticNetFit:
        """Return what was found, for weights of rows times 2^exponent."""
        weight, bias = self.weights()
        objective, gap, sweeps, converged = (np.array(part) for part in self.values())
        return ElasticNetFit(
            weight=weight,
            bias=bias,
            solver="coordinate descent",
            rank=None,
            identified=np.ones(weight.shape[1] + 1, bool),
            inverse=None,
            rss=np.array([state.bound.look.squares for state in self.states]),
            tss=self.columns.y_squares,
            rounding=np.array([state.bound.look.moved**2 for state in self.states]),
            error=0.0,
            sensitivity=np.nan,
            corrections=0,
            exponent=exponent,
            objective=2 * np.ldexp(objective, exponent),
            gap=2 * np.ldexp(gap, exponent),
            n_iter=sweeps,
            converged=converged,
        )


def _for_all(penalties: Sequence[ElasticNet]) -> Iterable[ElasticNet]:
    return repeat(penalties[0]) if len(penalties) == 1 else penalties

"""Minima for one penalty after another on the same rows, each from where the one before has ended."""

from collections.abc import Iterator, Sequence

from onelayer.data.rows import Source
from onelayer.losses import Loss
from onelayer.penalties import ElasticNet, Ridge
from onelayer.solvers.fit import Minimum
from onelayer.solvers.minimise import minimise
from onelayer.solvers.penalty_path import PenaltyPath


def minima(
    rows: Source,
    loss: Loss,
    penalties: Sequence[Ridge | ElasticNet],
    fit_intercept: bool = True,
    tol: float = 1e-6,
    max_iter: int = 1000,
) -> Iterator[Minimum]:
    """Yield the minimum for each penalty, best from the strongest to the weakest; see ``minimise``."""
    path, start, rows = None, None, rows.distinct()
    for penalty in penalties:
        if isinstance(penalty, ElasticNet):
            path = path or PenaltyPath(rows, loss, fit_intercept)
            yield path.minimum(penalty, tol, max_iter)
            continue
        fit = minimise(rows, loss, penalty, fit_intercept, "auto", tol, max_iter, start=start)
        start = fit.weight, fit.bias
        yield fit

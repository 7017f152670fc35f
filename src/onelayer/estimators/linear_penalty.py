"""The penalty and the bounds of ``LinearRegression``: its parameters, and the solver that they ask for."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval

from onelayer.data.rows import Rows, Source
from onelayer.errors import OneLayerError
from onelayer.estimators.array_api import as_numpy, plain
from onelayer.estimators.parameters import of_features, penalty_of_targets, warn_user
from onelayer.solvers.direct import least_squares
from onelayer.solvers.elastic_net import elastic_net
from onelayer.solvers.fit import ElasticNetFit, LeastSquaresFit
from onelayer.solvers.net_path import Family

PENALTY_CONSTRAINTS: dict[str, list[Any]] = {
    "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "penalty_factors": ["array-like", None],
    "positive": ["boolean"],
    "lower": [Real, "array-like", None],
    "upper": [Real, "array-like", None],
    "tol": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "warm_start": ["boolean"],
}
OF_COORDINATE_DESCENT = ("objective_", "gap_", "converged_")


class Penalised:
    """An estimator with the parameters of ``PENALTY_CONSTRAINTS``."""

    fit_intercept: bool
    solver: str
    alpha: Any
    l1_ratio: float
    penalty_factors: Any
    positive: bool
    lower: Any
    upper: Any
    tol: float
    max_iter: int
    warm_start: bool

    def _alpha(self) -> Any:
        """Return ``alpha``, an array of another namespace as NumPy's."""
        return as_numpy(self.alpha) if hasattr(self.alpha, "dtype") else self.alpha

    def _family(self, d: int) -> Family:
        """Return the kind of penalty on d weights.

        Raises:
            OneLayerError: if a parameter has another number of values than there are weights, or none is allowed.
        """
        factor, lower, upper = of_features(self.penalty_factors, self.lower, self.upper, d)
        family = Family(
            float(self.l1_ratio), factor, np.maximum(lower, 0.0) if self.positive else lower, upper
        )
        family.at(0.0)  # looks at the bounds
        return family

    def _minimum(self, rows: Source) -> LeastSquaresFit:
        """Return the minimum: analytically where the penalty is the same multiple of the square of each weight."""
        q = rows.first().y.shape[1]
        alpha = penalty_of_targets(self._alpha(), q)
        is_uniform = not alpha.any() or (self.penalty_factors is None and not self.l1_ratio)
        is_given = any(value is not None for value in (self.penalty_factors, self.lower, self.upper))
        is_plain = is_uniform and not is_given and not self.positive
        family = None if is_plain else self._family(rows.n_features)
        if family is None or (is_uniform and not family.at(0.0).has_bounds):
            return least_squares(rows, alpha, self.fit_intercept)
        if self.solver == "direct":
            raise OneLayerError(
                "solver 'direct' has neither l1_ratio nor penalty_factors nor bounds: use solver='auto'"
            )
        if isinstance(rows, Rows):
            rows.check_finite()
        penalties = [family.at(strength) for strength in alpha.tolist()]
        settings = self.fit_intercept, float(self.tol), int(self.max_iter)
        return elastic_net(rows, penalties, *settings, self._start(q, rows.n_features))

    def _start(self, q: int, d: int) -> NDArray[np.float64] | None:
        """Return the weights (q, d) to begin at, those before, if ``warm_start`` asks for it and they are as many."""
        if not (self.warm_start and hasattr(self, "coef_")):
            return None
        weight = np.atleast_2d(plain(self).coef_)
        return weight if weight.shape == (q, d) else None

    def _keep_certificate(self, fit: LeastSquaresFit) -> None:
        """Set what is known of the minimum, summed over targets, and warn if it was not reached."""
        for name in OF_COORDINATE_DESCENT:
            self.__dict__.pop(name, None)
        if not isinstance(fit, ElasticNetFit):
            self.n_iter_ = np.array([max(fit.corrections, 1)], np.int32)
            return
        self.n_iter_ = np.array([max(int(fit.n_iter.max()), 1)], np.int32)
        self.objective_, self.gap_ = float(fit.objective.sum()), float(fit.gap.sum())
        self.converged_ = bool(fit.converged.all())
        if not self.converged_:
            stopped = (
                "max_iter was reached" if self.n_iter_[0] >= self.max_iter else "rounding allows no more"
            )
            warn_user(
                f"the objective, {self.objective_:.6g}, is above its minimum by at most {self.gap_:.2g}; tol asks for "
                f"{self.tol:.1e} of it, but {stopped}",
                ConvergenceWarning,
            )

    @property
    def _is_constrained(self) -> bool:
        """Whether coefficients have bounds, so that the noise model says nothing of their errors."""
        return bool(self.positive or self.lower is not None or self.upper is not None)

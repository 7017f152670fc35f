"""What a fitted softmax regression says beyond its predictions: errors, tests, intervals and marginal effects."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from onelayer.data.rows import Source
from onelayer.errors import OneLayerError, SeparationWarning
from onelayer.estimators.array_api import in_numpy
from onelayer.estimators.files import COVARIANCE, Parts, Saved
from onelayer.estimators.offsets import check_has_offset, logit_offset
from onelayer.estimators.parameters import DTYPES, feature_names, refuse_unlike_numbers, warn_user
from onelayer.estimators.softmax_summary import SoftmaxSummary
from onelayer.inference.coefficients import Coefficients, check_level, with_intercept
from onelayer.inference.hypothesis import parse_hypotheses
from onelayer.inference.information import Fitted
from onelayer.inference.robust import Robust
from onelayer.inference.softmax import (
    MOST_COEFFICIENTS,
    Spread,
    number_of,
    of_all_classes,
    ridge_of,
    softmax_spread,
    table,
    too_many,
)
from onelayer.inference.softmax_covariance import Covariance
from onelayer.inference.softmax_effects import At, marginal_effects
from onelayer.inference.softmax_likelihood import likelihood, loss_of
from onelayer.inference.softmax_probabilities import probability_intervals
from onelayer.inference.softmax_wald import WaldTest, wald_test
from onelayer.penalties import ElasticNet, Ridge

Array = NDArray[np.float64]

CHANGED = 1e-6  # of itself: the loss of the coefficients on the rows is the one at fit up to rounding
MOST_SAVED = 1_000  # coefficients whose covariance is saved with a model: 8 MB
NO_ROWS = "this needs the rows of fit, which are not saved, pickled or copied, nor kept by partial_fit: fit here first"


class Asked(NamedTuple):
    """What the parameters of a softmax regression ask for.

    Attributes:
        C: the weight of the data against the penalty; infinite without one.
        penalty: for a weight of 1 of the data.
        fit_intercept: whether b is free.
    """

    C: float
    penalty: Ridge | ElasticNet
    fit_intercept: bool


class SoftmaxInference(Saved):
    """Errors and tests of a softmax regression's coefficients, from the rows of its fit.

    Coefficients are contrasts with a reference class, ``classes_[0]`` if no other is named: what a feature's unit adds
    to the logarithm of the odds of a class. ``cov`` says what the errors are robust to, and how they are found:

    - "classical": the inverse of the observed information, if the model is right. With a ridge it is the spread of
      the posterior, where the penalty is the prior (Laplace's approximation); a feature whose penalty factor is 0 has
      a flat prior. With an ``l1_ratio`` or bounds there are no errors.
    - "HC0", "HC1", "HC2", "HC3": to a wrong model of the probabilities (White 1982). HC1 is n / (n − P) times HC0, with
      P coefficients in all; HC2 and HC3 take from each row what it does to the fit itself, by the matrix of its
      outputs' leverages.
    - "cluster": to rows of a group that depend on each other; ``groups`` are (n,), or (n, 2) for two ways.
    - "HAC": to rows that depend on those shortly before, up to ``lags``.

    Sample weights are frequencies: a row of weight 2 is two rows, of one group and one time. For weights that are not,
    such as those of a survey, make each row a group of its own.
    """

    C: float
    fit_intercept: bool
    coef_: NDArray[Any]
    intercept_: NDArray[Any]
    classes_: NDArray[Any]
    n_features_in_: int
    objective_: float
    _has_offset: bool
    _rows: Source | None = None
    _used: NDArray[np.bool_] | None = None
    _covariance: Covariance | None = None

    def _keep_rows(self, rows: Source | None) -> None:
        """Keep the rows of a fit, with what it was asked for, until the next."""
        self._rows, self._covariance = rows, None
        self._fitted_with = self._parameters()

    def _asked(self) -> Asked:
        """Return what the parameters asked for at fit."""
        return getattr(self, "_fitted_with", None) or self._parameters()

    def _parameters(self) -> Asked:
        return Asked(float(self.C), self._penalty(self.n_features_in_), bool(self.fit_intercept))

    def _penalty(self, d: int) -> Ridge | ElasticNet:
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {name: value for name, value in state.items() if name not in ("_rows", "_used")}

    @in_numpy
    def _parts(self) -> Parts:
        parts = super()._parts()
        known = self._small_covariance()
        if known is None:
            return parts
        arrays = {name: getattr(known, name.removeprefix("_covariance_")) for name in COVARIANCE}
        return replace(parts, arrays={**parts.arrays, **{n: a for n, a in arrays.items() if a.size}})

    @classmethod
    def _assembled(cls, parts: Parts) -> Self:
        rest = {name: array for name, array in parts.arrays.items() if name not in COVARIANCE}
        found = super()._assembled(replace(parts, arrays=rest))
        kept = {name.removeprefix("_covariance_"): parts.arrays.get(name) for name in COVARIANCE}
        matrix, scale = kept["matrix"], kept["scale"]
        if matrix is not None:
            if kept["null"] is None:
                kept["null"] = np.zeros((len(matrix), 0))
            shape = len(found.classes_) - 1, found.n_features_in_ + int(found.fit_intercept)
            if scale is None or any(array is None for array in kept.values()) or scale.shape != shape:
                raise OneLayerError("the covariance of the coefficients is not complete")
            found._covariance = Covariance(
                **{name: array.copy() for name, array in kept.items() if array is not None}
            )
        return found

    def _small_covariance(self) -> Covariance | None:
        """Return the covariance that goes into a file: the classical one, unless it is large or cannot be found."""
        if self._covariance is None and self._rows is not None and isinstance(self._asked().penalty, Ridge):
            count = (len(self.classes_) - 1) * (self.n_features_in_ + int(self._asked().fit_intercept))
            if count <= MOST_SAVED:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", SeparationWarning)  # to save asks for no errors
                    try:
                        return self._covariance_of(0, "classical", None, None)
                    except OneLayerError as error:
                        reason = str(error)
                warnings.warn(
                    f"the model is saved without the covariance of its coefficients: {reason}", stacklevel=4
                )
        small = self._covariance is not None and self._covariance.scale.size <= MOST_SAVED
        return self._covariance if small else None

    @in_numpy
    def summary(
        self,
        reference: Any = None,
        confidence: float = 0.95,
        cov: str = "classical",
        groups: Any = None,
        lags: int | None = None,
    ) -> SoftmaxSummary:
        """Return coefficients with errors, z, p, intervals and odds ratios, and how well the model fits.

        Args:
            reference: the class that the others are compared with.
            confidence: the probability with which an interval holds the true coefficient.
            cov: what the errors are robust to; see the class.
            groups: of the rows of ``fit``, for ``cov="cluster"``.
            lags: for ``cov="HAC"``.

        Raises:
            OneLayerError: if an argument is wrong, there are no rows, or they have changed since ``fit``.

        Warns:
            SeparationWarning: if features separate classes; the notes say so too. With a penalty, and many rows and
                coefficients, a combination of features that does is found only if the fit tells all classes apart.
        """
        check_level(confidence, "confidence")
        base = number_of(reference, self._classes())
        fitted, loss, spread = self._measured(base, cov, groups, lags)
        fit = likelihood(fitted, loss, spread.effective, spread.rank)
        return SoftmaxSummary(self._table(base, spread, confidence), fit, fitted.n, spread.robust)

    @in_numpy
    def vcov(
        self, reference: Any = None, cov: str = "classical", groups: Any = None, lags: int | None = None
    ) -> Array:
        """Return the covariance matrix (m p, m p) of the coefficients, in the order of ``summary().estimate.ravel()``.

        That is class by class, the intercept first. It is NaN for what is not determined. Arguments, errors and
        warnings are those of ``summary``.
        """
        base = number_of(reference, self._classes())
        covariance = self._covariance_of(base, cov, groups, lags)
        numbers = np.arange(covariance.scale.size).reshape(covariance.scale.shape)
        order = (np.roll(numbers, 1, axis=1) if self._asked().fit_intercept else numbers).ravel()
        found: Array = covariance.in_user_units()[np.ix_(order, order)]
        return found

    @in_numpy
    def test(
        self,
        hypotheses: Any,
        r: Any = None,
        reference: Any = None,
        cov: str = "classical",
        groups: Any = None,
        lags: int | None = None,
    ) -> WaldTest:
        """Test linear hypotheses about the coefficients θ = ``summary().estimate.ravel()``, all of them by Wald's test.

        Args:
            hypotheses: in words, ``"[b]age = 2 * [c]age"`` or several with commas between them: the class in brackets,
                and the name of the feature or ``intercept``, in backticks if it is not of letters, digits, _ and .
                alone (``"[new car]`area, m2`"``). A hypothesis that names no class is one of each class, so that
                ``"age"`` tests whether age matters at all. Or a matrix R (h, m p), or (m p,) for one, for R θ = r.
            r: (h,) or a number for a matrix; 0 if not given.
            reference: the class that the others are compared with.
            cov: what the test is robust to, with ``groups`` and ``lags``; see ``summary``.
            groups: see ``summary``.
            lags: see ``summary``.

        Raises:
            OneLayerError: as ``summary``; and if a hypothesis is badly written, they contradict each other, or are
                about what the rows do not determine.
        """
        base, names = number_of(reference, self._classes()), self._names()
        free, written = self._asked().fit_intercept, None
        if isinstance(hypotheses, str):
            if r is not None:
                raise OneLayerError("r goes with a matrix; in words, the value stands right of =")
            outputs = [name for a, name in enumerate(names) if a != base]
            terms = with_intercept(feature_names(self), free)
            hypotheses, r, written = parse_hypotheses(hypotheses, terms, outputs, names[base])
        covariance = self._covariance_of(base, cov, groups, lags)
        estimate = self._table(base, None).estimate
        return wald_test(hypotheses, 0.0 if r is None else r, estimate, covariance, free, written)

    @in_numpy
    def predict_interval(
        self,
        X: Any,
        level: float = 0.95,
        cov: str = "classical",
        groups: Any = None,
        lags: int | None = None,
        *,
        offset: Any = None,
    ) -> Array:
        """Return the ends of an interval of each class's probability (n, q, 2) for features X (n, d).

        They are those of the class's logit, by the delta method, brought back to between 0 and 1; see
        ``inference.softmax_probabilities``. An interval holds the probability in a share ``level`` of samples; it does
        not say which class a row will have. Ends are NaN where the rows of the fit leave the probability open. A model
        that was saved keeps the classical covariance, unless it has more than 1,000 coefficients.

        Args:
            X: features.
            level: the probability with which an interval holds the true probability.
            cov: what the intervals are robust to; see ``summary``.
            groups: of the rows of ``fit``; see ``summary``.
            lags: see ``summary``.
            offset: as in ``fit``, if the model was fitted with one.

        Raises:
            OneLayerError: as ``summary``.
        """
        check_level(level)
        check_is_fitted(self)
        refuse_unlike_numbers(X)
        X = validate_data(self, X, accept_sparse="csr", dtype=DTYPES, reset=False)
        check_has_offset(offset, self._has_offset)
        known = logit_offset(offset, X.shape[0], len(self.classes_))
        covariance = self._covariance_of(0, cov, groups, lags)
        return probability_intervals(X, self.coef_, self.intercept_, covariance, 0, level, known)

    @in_numpy
    def marginal_effects(
        self,
        at: At = "average",
        discrete: Sequence[str] = (),
        confidence: float = 0.95,
        cov: str = "classical",
        groups: Any = None,
        lags: int | None = None,
    ) -> Coefficients:
        """Return how much a feature's unit changes the probability of each class, with errors by the delta method.

        The table has a row for each of q classes and a column for each of d features; its notes are those of
        ``summary``.

        Args:
            at: "average" for the mean of the effects on the rows, "means" for the effects where all features have
                their means.
            discrete: names of features with values 0 and 1 (``x1``, ``x2``, … if they have no names), whose effect is
                the difference between the two instead of a derivative.
            confidence: the probability with which an interval holds the true effect.
            cov: what the errors are robust to; see ``summary``.
            groups: see ``summary``.
            lags: see ``summary``.

        Raises:
            OneLayerError: as ``summary``, or if a feature in ``discrete`` has other values.
        """
        check_level(confidence, "confidence")
        names = self._names()
        fitted, _, spread = self._measured(0, cov, groups, lags)
        W, _ = of_all_classes(self.coef_, self.intercept_)
        found = marginal_effects(
            fitted, W, spread.covariance, feature_names(self), names, at, discrete, confidence
        )
        return replace(found, notes=spread.separated + spread.notes)

    def _classes(self) -> list[Any]:
        check_is_fitted(self)
        return list(self.classes_.tolist())

    def _names(self) -> list[str]:
        return [str(name) for name in self._classes()]

    def _table(self, base: int, spread: Spread | None, level: float = 0.95) -> Coefficients:
        W, b = of_all_classes(self.coef_, self.intercept_)
        return table(
            W, b, spread, feature_names(self), self._names(), self._asked().fit_intercept, level, base
        )

    def _covariance_of(self, base: int, cov: str, groups: Any, lags: int | None) -> Covariance:
        """Return a covariance; the classical one, against the first class, is kept."""
        if self._covariance is None or (base, cov, groups, lags) != (0, "classical", None, None):
            return self._measured(base, cov, groups, lags)[2].covariance
        return self._covariance

    def _measured(self, base: int, cov: str, groups: Any, lags: int | None) -> tuple[Fitted, float, Spread]:
        """Return the regression at its coefficients, its loss, and how well the rows determine them."""
        terms, names, asked = feature_names(self), self._names(), self._asked()
        penalty, is_free = ridge_of(asked.penalty), asked.fit_intercept
        if self._rows is None:
            raise OneLayerError(NO_ROWS)
        W, b = of_all_classes(self.coef_, self.intercept_)
        count = (len(W) - 1) * (W.shape[1] + int(is_free))
        if count > MOST_COEFFICIENTS:
            raise OneLayerError(too_many(count))
        robust = self._robust(self._rows, cov, groups, lags)
        fitted = Fitted.of(self._rows, W, b, penalty, is_free, base)
        loss = self._checked_loss(fitted)
        spread = softmax_spread(fitted, terms, names, robust)
        for sentence in spread.separated:
            warn_user(sentence, SeparationWarning)
        if robust.cov == "classical" and base == 0:
            self._covariance = spread.covariance
        return fitted, loss, spread

    def _robust(self, rows: Source, cov: str, groups: Any, lags: int | None) -> Robust:
        """Return what errors are to be robust to, for the rows that have a weight."""
        if self._used is None:
            return Robust.for_rows(rows, cov, groups, lags)
        robust = Robust.of(cov, groups, lags, n=len(self._used), weight=self._used)
        parts = tuple(replace(part, codes=part.codes[self._used]) for part in robust.groups)
        return replace(robust, groups=parts)

    def _checked_loss(self, fitted: Fitted) -> float:
        """Return the loss of the coefficients on the rows, which has to be the one at fit."""
        C, penalty, _ = self._asked()
        loss, expected = (
            loss_of(fitted, self.coef_, self.intercept_),
            self.objective_ / (C if np.isfinite(C) else 1.0),
        )
        if not abs(loss + penalty.value(self.coef_) - expected) <= CHANGED * abs(expected):
            raise OneLayerError(
                "the rows or the coefficients have changed since fit, for they no longer fit together: fit again"
            )
        return loss

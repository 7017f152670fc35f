"""What a model keeps of the errors of its coefficients, and the intervals of predictions that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError
from onelayer.inference.covariance import Covariance, Interval, prediction_interval
from onelayer.inference.robust import Cov
from onelayer.schema import Array, Kind, maybe, number, record, text, whole
from onelayer.solvers.inverse import Inverse, Span

if TYPE_CHECKING:  # it takes SciPy, which takes long to import, and linear regression does without
    from onelayer.inference.softmax_covariance import Covariance as SoftmaxCovariance

PREFIX = "errors."
# Axes: d features; r coordinates of weights; s with that of the bias; m contrasts of classes, of p coefficients each.
OF_NUMBERS = {"half": Array("d r"), "mean": Array("d"), "middle": Array("s s")}
DEPENDENT = {"basis": Array("d r"), "size": Array("d")}
OF_CLASSES = {
    "matrix": Array("s s"),
    "scale": Array("m p"),
    "mean": Array("d"),
    "column": Array("d"),
    "is_open": Array("m p", ("bool",)),
}
OPEN = {"null": Array("s r")}
DESCRIPTION: Kind = record(
    {"cov": text(*get_args(Cov))},
    optional={"degrees": whole(1), "sigma": number(0), "level": maybe(number(0))},
)


@dataclass(frozen=True, eq=False)
class Errors:
    """How far the coefficients of a model of a table may be from the true ones.

    Attributes:
        cov: what that holds for; see ``inference.Robust``.
        covariance: of the weights and the bias of a linear regression, or of the contrasts of classes with the first.
        sigma: the standard deviation of the noise of a linear regression, of rows of weight 1; None for classes.
    """

    cov: str
    covariance: "Covariance | SoftmaxCovariance"
    sigma: float | None = None

    def of_means(
        self, X: Any, prediction: NDArray[np.float64], kind: Interval, level: float
    ) -> NDArray[np.float64]:
        """Return the intervals (n, 2) of predictions (n,) from features X (n, d); see ``prediction_interval``.

        Raises:
            OneLayerError: if the errors are robust to what an interval of new observations needs to know.
        """
        if not isinstance(self.covariance, Covariance) or self.sigma is None:
            raise OneLayerError("the model predicts classes, whose probabilities have intervals")
        if kind == "prediction" and self.cov != "classical":
            raise OneLayerError(
                f"an interval of new observations needs noise of one variance, and the errors of this model do without "
                f"({self.cov}): there are intervals of the mean (confidence)"
            )
        return prediction_interval(self.covariance, X, prediction, kind, level, self.sigma)

    def of_probabilities(
        self,
        X: Any,
        weight: NDArray[np.float64],
        bias: NDArray[np.float64],
        offset: NDArray[np.float64] | None,
        level: float,
    ) -> NDArray[np.float64]:
        """Return the intervals (n, q, 2) of the classes' probabilities; see ``probability_intervals``."""
        from onelayer.inference.softmax_probabilities import probability_intervals

        if isinstance(self.covariance, Covariance):
            raise OneLayerError("the model predicts numbers, which have no probabilities")
        return probability_intervals(X, weight, bias, self.covariance, level=level, offset=offset)

    def about(self) -> dict[str, Any]:
        """Return what a file says of them besides arrays."""
        if not isinstance(self.covariance, Covariance):
            return {"cov": self.cov}
        found, level = self.covariance, self.covariance.inverse.level
        return {"cov": self.cov, "degrees": found.degrees, "sigma": self.sigma, "level": level}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of a file."""
        found = self.covariance
        if not isinstance(found, Covariance):
            arrays = {
                name: getattr(found, name) for name in (*OF_CLASSES, *OPEN) if getattr(found, name).size
            }
        else:
            inverse, span = found.inverse, found.inverse.span
            arrays = {"half": inverse.half, "mean": inverse.mean, "middle": found.middle}
            arrays |= {} if span is None else {"basis": span.basis, "size": span.size}
        return {PREFIX + name: array for name, array in arrays.items()}


def expected(about: Mapping[str, Any], tensors: Mapping[str, Any]) -> dict[str, Array]:
    """Return the arrays that errors in a file have to have, by what is said of them and which there are."""
    DESCRIPTION(about, "errors")
    kinds, more = (OF_CLASSES, OPEN) if "sigma" not in about else (OF_NUMBERS, DEPENDENT)
    has_more = any(PREFIX + name in tensors for name in more)
    # Their axes are not those of the model, but for the features.
    return {PREFIX + name: kind for name, kind in (kinds | more if has_more else kinds).items()}


def errors_in(about: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], n_classes: int) -> Errors:
    """Return the errors in a file, whose arrays are as ``expected``.

    Raises:
        OneLayerError: if the parts do not fit each other.
    """
    arrays = {name.removeprefix(PREFIX): array for name, array in tensors.items() if name.startswith(PREFIX)}
    if "sigma" not in about:
        from onelayer.inference.softmax_covariance import Covariance as SoftmaxCovariance

        arrays.setdefault("null", np.zeros((len(arrays["matrix"]), 0)))
        if len(arrays["scale"]) != n_classes - 1:
            raise OneLayerError("the errors are not those of these classes")
        return Errors(about["cov"], SoftmaxCovariance(**arrays))
    if n_classes or not {"degrees", "level"} <= about.keys():
        raise OneLayerError("the errors are those of another kind of model")
    span = Span(arrays["basis"], arrays["size"]) if "basis" in arrays else None
    inverse = Inverse(arrays["half"], arrays["mean"], about["level"], span)
    if inverse.size != len(arrays["middle"]):
        raise OneLayerError("the parts of the errors do not fit together")
    return Errors(about["cov"], Covariance(inverse, arrays["middle"], about["degrees"]), about["sigma"])

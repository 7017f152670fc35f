"""Intervals for the probabilities that a softmax regression predicts, by the delta method.

The interval of a class's probability is one of its logit, log p / (1 − p), brought back: its ends are between 0 and 1,
and with two classes it is that of the linear predictor.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import BLOCK_VALUES
from onelayer.inference.coefficients import check_level
from onelayer.inference.information import IDENTIFIED
from onelayer.inference.softmax_covariance import Covariance, root

Array = NDArray[np.float64]


def probability_intervals(
    X: Any,
    weight: Array,
    bias: Array,
    covariance: Covariance,
    reference: int = 0,
    level: float = 0.95,
    offset: Array | None = None,
) -> Array:
    """Return the lower and upper end of the interval of each class's probability (n, q, 2).

    It holds the probability itself, not what a row's class will be, in a share ``level`` of samples. Ends are NaN where
    the rows of the fit leave the probability open: for features that were linearly dependent and here are not, for
    classes without rows, and for what separation leaves without a finite value.

    Args:
        X: features (n, d), dense or in CSR.
        weight: (q, d), or (1, d) for the logit of the second of two classes.
        bias: (q,) or (1,).
        covariance: of the contrasts with the reference.
        reference: the number of the class that they are contrasts with.
        level: the probability with which an interval holds the true probability.
        offset: what is known beforehand of the logits, (n, q), or (n, 1) for two classes.

    Raises:
        OneLayerError: if ``level`` is not between 0 and 1.
    """
    from scipy.special import expit, ndtri

    check_level(level)
    n, q = X.shape[0], max(len(weight), 2)
    ends, half = np.empty((n, q, 2)), -ndtri((1 - level) / 2)
    for part in _parts(n, q, covariance):
        rows = np.asarray(X[part] if isinstance(X, np.ndarray) else X[part].toarray(), np.float64)
        logit = _logits(rows @ weight.T + bias + (0.0 if offset is None else offset[part]))
        error = _errors(rows, np.delete(logit.slope, reference, axis=2), covariance)
        ends[part, :, 0] = expit(logit.value - half * error)
        ends[part, :, 1] = expit(logit.value + half * error)
    return ends


@dataclass(frozen=True, eq=False)
class _Logit:
    """log p / (1 − p) of each class (n, q), and its derivatives with respect to the outputs (n, q, q)."""

    value: Array
    slope: Array


def _logits(outputs: Array) -> _Logit:
    """Return the logits of the classes: each class against all others together, whose sum is taken without it."""
    if outputs.shape[1] == 1:
        outputs = np.column_stack([np.zeros(len(outputs)), outputs])
    q = outputs.shape[1]
    others = np.repeat(outputs[:, None], q, axis=1)
    others[:, range(q), range(q)] = -np.inf
    largest = others.max(axis=2)
    shares = np.exp(others - largest[..., None])
    sums = shares.sum(axis=2)
    return _Logit(outputs - largest - np.log(sums), np.eye(q) - shares / sums[..., None])


def _errors(X: Array, slope: Array, covariance: Covariance) -> Array:
    """Return the standard errors (n, q) of what has derivatives ``slope`` (n, q, m) by the outputs."""
    Z = covariance.standardised(X)
    forms = slope @ covariance.of_outputs(Z)
    errors = root((forms * slope).sum(axis=2))
    is_open = covariance.is_open
    if is_open.any():
        moves = np.column_stack([X, np.ones((len(X), is_open.shape[1] - X.shape[1]))]) != 0
        errors[((slope != 0) & (moves @ is_open.T)[:, None]).any(axis=2)] = np.nan
    if covariance.null.shape[1]:
        (m, p), scale = covariance.scale.shape, covariance.scale
        null = covariance.null.reshape(m, p, -1) / scale[..., None]
        parts = slope @ np.stack([Z @ null[a] for a in range(m)], axis=1)
        lengths = np.square(slope) @ (np.square(Z) @ (1 / np.square(scale.T)))[..., None]
        errors[np.square(parts).sum(axis=2) > IDENTIFIED**2 * lengths[..., 0]] = np.nan
    return errors


def _parts(n: int, q: int, covariance: Covariance) -> list[slice]:
    """Return the rows in parts whose numbers stay in the processor's cache, nearly."""
    size = max(64, BLOCK_VALUES // max(q * q, covariance.scale.size))
    return [slice(start, start + size) for start in range(0, n, size)]

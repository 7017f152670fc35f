"""Marginal effects of a softmax regression: how much a feature's unit changes the probability of each class.

The errors are those of the delta method (Greene 2018, *Econometric Analysis*, section 17.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import BLOCK_VALUES, Block
from onelayer.engines.threads import added
from onelayer.errors import OneLayerError
from onelayer.inference.coefficients import Coefficients, check_level
from onelayer.inference.information import Fitted
from onelayer.inference.softmax_covariance import Covariance
from onelayer.solvers.columns import Standardised

Array = NDArray[Any]
At = Literal["average", "means"]


def marginal_effects(
    fitted: Fitted,
    weight: Array,
    covariance: Covariance,
    terms: Sequence[str],
    names: Sequence[str],
    at: At = "average",
    discrete: Sequence[str] = (),
    level: float = 0.95,
) -> Coefficients:
    """Return the effects of d features on the probabilities of q classes, with their errors.

    The effect of a feature is the derivative of a probability with respect to it, or its difference between 1 and 0.

    Args:
        fitted: the regression.
        weight: its weights (q, d) in the user's units.
        covariance: of its contrasts.
        terms: (d,) the names of the features.
        names: (q,) those of the classes.
        at: "average" for the mean of the rows' effects, "means" for the effects where all features have their means.
        discrete: names of features whose values are 0 and 1, and whose effect is to be the difference.
        level: the probability with which an interval holds the true effect.

    Raises:
        OneLayerError: if ``level`` is not between 0 and 1, ``at`` is something else, or a name in ``discrete`` is not
            that of a feature, or of one with other values.
    """
    check_level(level)
    if at not in ("average", "means"):
        raise OneLayerError(f"at must be 'average' or 'means', not {at!r}")
    model = _Model.of(fitted, weight, covariance, _discrete(fitted, terms, discrete))
    effect, derivative = model.effects(_sums(fitted, model, at))
    compared = [a for a in range(len(weight)) if a != fitted.reference]
    functionals = (derivative[:, :, compared] / covariance.scale).reshape(effect.size, -1)
    std_err = covariance.std_err_of(functionals).reshape(effect.shape)
    perfect = np.zeros(len(effect), bool)
    return Coefficients(tuple(terms), tuple(names), None, effect, std_err, "normal", np.inf, level, perfect)


def _discrete(fitted: Fitted, terms: Sequence[str], discrete: Sequence[str]) -> list[int]:
    """Return the numbers of features whose values are 0 and 1."""
    if isinstance(discrete, str) or any(name not in terms for name in discrete):
        raise OneLayerError(f"discrete must be a list of names of features, not {discrete!r}")
    features = [list(terms).index(name) for name in discrete]
    if not features:
        return []

    def others(block: Block) -> list[Array]:
        X = block.X[:, features]
        X = (X.toarray() if fitted.objective.rows.is_sparse else X) * block.unit
        return [((X != 0) & (X != 1)).sum(axis=0)]

    for name, count in zip(discrete, fitted.objective.rows.sum(others)[0], strict=True):
        if count:
            raise OneLayerError(f"{name} has values other than 0 and 1 in {count:,} rows: it is not discrete")
    return features


def _sums(fitted: Fitted, model: "_Model", at: At) -> list[Array]:
    """Return what effects are made of: means over the rows, or of the row of means."""
    rows, total = fitted.objective.rows, float(fitted.totals.sum())

    def columns(block: Block) -> Array:
        return Standardised(block, fitted.objective.scaling, fitted.objective.fit_intercept).Z

    if at == "means":

        def weighted(block: Block) -> list[Array]:
            c = block.row_weights()
            return [c @ columns(block), _known(fitted, block) @ c]

        mean, known = (sums / total for sums in rows.sum(weighted))
        return model.terms(mean[None], np.ones(1), known[:, None])
    d, p = model.W.shape[1], model.V.shape[1]
    size = max(64, BLOCK_VALUES // ((d + 1) * (p + 1) + len(model.pairs[0])))

    def terms(block: Block) -> list[Array]:
        parts = block.split(size)
        return added(model.terms(columns(part), part.row_weights(), _known(fitted, part)) for part in parts)

    return [sums / total for sums in rows.sum(terms)]


def _known(fitted: Fitted, block: Block) -> Array:
    """Return what is known beforehand of the logits of all classes (q, n)."""
    q, n = len(fitted.totals), len(block)
    if block.offset is None:
        return np.zeros((q, n))
    return block.offset.T if fitted.objective.loss.is_coupled else np.vstack([np.zeros(n), block.offset.T])


@dataclass(frozen=True, eq=False)
class _Model:
    """A softmax regression, as its effects depend on it.

    Attributes:
        V: (q, p) contrasts of all classes with the reference, for standardised columns.
        W: (q, d) the same in the user's units.
        mean, column: (d,) what standardises the features.
        steps: the features whose effect is a difference.
        pairs: of classes a ≤ b.
    """

    V: Array
    W: Array
    mean: Array
    column: Array
    steps: list[int]
    pairs: tuple[Array, Array]

    @staticmethod
    def of(fitted: Fitted, weight: Array, covariance: Covariance, steps: list[int]) -> "_Model":
        V = fitted.V if fitted.objective.loss.is_coupled else np.vstack([np.zeros_like(fitted.V), fitted.V])
        W = weight - weight[fitted.reference]
        return _Model(V, W, covariance.mean, covariance.column, steps, np.triu_indices(len(V)))

    def terms(self, Z: Array, c: Array, known: Array) -> list[Array]:
        """Return sums over rows z (n, p): with k = (w̄, 1) (z, 1)ᵀ for slopes, w̄ = Σ pₐ wₐ; (z, 1) for each step.

        ``known`` is what logits (q, n) have beside V z.
        """
        P = self._probabilities(Z, known)
        outer = _with_one(P.T @ self.W)[:, :, None] * _with_one(Z)[:, None]
        found = [self._products(P, c, outer.reshape(len(Z), -1))]
        for j in self.steps:
            low, high = Z.copy(), Z.copy()
            low[:, j], high[:, j] = np.array([0.0, 1.0])[:, None] - self.mean[j]
            low[:, j], high[:, j] = low[:, j] / self.column[j], high[:, j] / self.column[j]
            step = self._products(self._probabilities(high, known), c, _with_one(high))
            found.append(step - self._products(self._probabilities(low, known), c, _with_one(low)))
        return found

    def _probabilities(self, Z: Array, known: Array) -> Array:
        from scipy.special import softmax

        return np.asarray(softmax(self.V @ Z.T + known, axis=0))

    def _products(self, P: Array, c: Array, k: Array) -> Array:
        """Return Σ c pₐ k (q, …) and, behind it, Σ c pₐ p_b k (pairs, …), for probabilities (q, n) and k (n, …)."""
        a, b = self.pairs
        return np.asarray((np.concatenate([P, P[a] * P[b]]) * c) @ k)

    def effects(self, sums: list[Array]) -> tuple[Array, Array]:
        """Return the effects (q, d) and their derivatives with respect to V (q, d, q, p)."""
        (q, d), p, W = self.W.shape, self.V.shape[1], self.W
        same = np.eye(q)[:, :, None]
        one, two = self._unpacked(sums[0].reshape(-1, d + 1, p + 1))
        effect = one[:, d, p, None] * W - one[:, :d, p]
        # ∂ pₐ (wₐ − w̄) / ∂ V_b, by way of the probabilities and of w itself
        derivative = 2 * two[:, :, :d, :p] - (W[:, None] + W)[..., None] * two[:, :, d, None, :p]
        derivative += same[..., None] * (W[..., None] * one[:, d, None, :p] - one[:, :d, :p])[:, None]
        features = np.arange(d)
        derivative[:, :, features, features] += (same[..., 0] * one[:, d, p, None] - two[:, :, d, p])[
            ..., None
        ] / self.column
        for j, part in zip(self.steps, sums[1:], strict=True):
            one, two = self._unpacked(part)
            effect[:, j], derivative[:, :, j] = one[:, p], same * one[:, None, :p] - two[..., :p]
        return effect, derivative.transpose(0, 2, 1, 3)

    def _unpacked(self, sums: Array) -> tuple[Array, Array]:
        """Return the sums with pₐ (q, …), and those with pₐ p_b (q, q, …)."""
        q, (a, b) = len(self.V), self.pairs
        two = np.empty((q, q, *sums.shape[1:]))
        two[a, b] = two[b, a] = sums[q:]
        return sums[:q], two


def _with_one(Z: Array) -> Array:
    return np.column_stack([Z, np.ones(len(Z))])

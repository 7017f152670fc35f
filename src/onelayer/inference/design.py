"""The rows of a least squares fit in coordinates in which they are orthonormal: leverages, scores and covariances.

In coordinates u with Σ c u uᵀ = I the Hessian is the identity, so that the covariance of the coordinates is the sum of
the squares of the scores c r u alone. Nothing ill-conditioned is inverted there, and units of features play no part.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Source, block_rows
from onelayer.double_double import EPS, DoubleDouble, Sliced, slice_bits
from onelayer.engines.threads import added
from onelayer.errors import OneLayerError
from onelayer.inference.covariance import Covariance
from onelayer.inference.robust import Robust, meat
from onelayer.solvers.coordinates import EXACT_VALUES, MOST_EXACT, product
from onelayer.solvers.inverse import Inverse

Array = NDArray[np.float64]

ALONE = 1e-10  # what a leverage leaves to 1 that is no more than rounding
LEVERAGE_POWER = {"HC2": 0.5, "HC3": 1.0}  # of 1 − h, that residuals are divided by
LOST = 1e-11  # relative error of coordinates or residuals from which on these are worked out more exactly
UNCHANGED = 1e-6  # share of the residuals by which rows differ from those that were fitted, at most
ROUNDED = 64 * EPS  # the same, of the size of what they are differences of


@dataclass(frozen=True, eq=False)
class Design:
    """Rows, and a least squares fit of them without a penalty.

    Attributes:
        rows: with weights of at most 1.
        weight: W (q, d).
        bias: b (q,).
        inverse: of the fit, for the weights of ``rows``.
        is_exact: whether coordinates and residuals are worked out in twice the working precision.
        turn: (r, r) from the coordinates of ``inverse`` to ones in which the rows are orthonormal to the last digit.
        slopes: (r, q) the fit in the coordinates of ``inverse``, without that of the bias.
        rss: Σ c r² (q,).
        gradient: (r, q) of the orthonormal coordinates: rounding, if the fit is one of these rows.
        size: Σ c (y² + b² + Σⱼ wⱼ² xⱼ²) (q,): of what residuals are the differences of.
    """

    rows: Source
    weight: Array
    bias: Array
    inverse: Inverse
    is_exact: bool
    turn: Array
    slopes: Array
    rss: Array
    gradient: Array
    size: Array

    @staticmethod
    def of(rows: Source, weight: Array, bias: Array, inverse: Inverse) -> "Design":
        """Return the design of a fit with weights (q, d) and bias (q,), from one pass over the rows, or two.

        Features that are nearly dependent lose digits in coordinates that are worked out in float64. Where it shows,
        the coordinates and residuals of rows that are few enough are worked out in twice the working precision.
        """
        rows = rows.less_offset()
        rows, exponent = rows.weights_near_one()
        inverse = inverse.times_power(-exponent)
        none = np.zeros((0, 0))
        design = Design(rows, weight, bias, inverse, False, np.eye(inverse.size), none, bias, none, bias)
        measured, gram = design._measured()
        has_lost = EPS**2 * measured.size > LOST**2 * measured.rss
        if has_lost.any() or np.abs(gram - np.eye(len(gram))).max(initial=0) > LOST:
            width = (len(inverse.half) + 1) * (inverse.size + len(weight))
            if len(rows) * width <= MOST_EXACT:
                return replace(design, is_exact=True)._measured()[0]
        return measured

    def _measured(self) -> tuple["Design", Array]:
        """Return the design with what one pass over the rows says, and the Gram matrix (r, r) of the coordinates."""
        q = len(self.weight)

        def of_part(block: Block) -> list[Array]:
            U, residuals = self._products(block)
            c, X = block.row_weights(), block.features()
            weighted = np.column_stack([residuals, block.y - self._at_mean]) * c[:, None]
            squares = (X.power(2) if self.rows.is_sparse else X**2) @ self.weight.T**2
            sizes = c @ (block.y**2 + self.bias**2 + squares)
            return [U.T @ (U * c[:, None]), U.T @ weighted, (residuals * weighted[:, :q]).sum(axis=0), sizes]

        gram, cross, rss, size = self.rows.sum(lambda block: added(map(of_part, block.split(self._at_once))))
        turn = np.linalg.cholesky(np.linalg.inv(gram)) if len(gram) else gram
        slopes = (turn @ (turn.T @ cross))[: self.inverse.half.shape[1], q:]
        gradient = turn.T @ cross[:, :q]
        return replace(self, turn=turn, slopes=slopes, rss=rss, gradient=gradient, size=size), gram

    @property
    def rank(self) -> int:
        """The number of coefficients that the rows determine, the bias among them."""
        return self.inverse.size

    @property
    def is_of_these_rows(self) -> NDArray[np.bool_]:
        """Whether the fit of each target is one of these rows (q,), and these not others since."""
        allowed = np.maximum(UNCHANGED**2 * self.rss, ROUNDED**2 * self.size)
        return np.asarray(np.square(self.gradient).sum(axis=0) <= allowed)

    def leverages_and_residuals(self) -> tuple[Array, Array]:
        """Return the leverages (n,) and the residuals (n, q) of all rows."""
        leverages, residuals = np.empty(len(self.rows)), np.empty((len(self.rows), len(self.weight)))

        def fill(block: Block) -> list[Array]:
            for part in block.split(self._at_once):
                place = slice(part.start, part.start + len(part))
                U, residuals[place] = self._products(part)
                leverages[place] = self._leverage(part, U @ self.turn)
            return []

        self.rows.sum(fill)
        return np.minimum(leverages, 1.0), residuals

    def covariance(self, k: int, robust: Robust) -> Covariance:
        """Return the covariance of the estimates of target k.

        Raises:
            OneLayerError: for "HC2" and "HC3", if a row has a leverage of 1.
        """
        if robust.cov == "classical":
            middle = np.eye(self.rank) * (self.rss[k] / (robust.n - self.rank))
        else:
            middle = meat(self.rows, self._scores(k, robust), robust) * robust.correction(self.rank)
        return Covariance(self.inverse, self.turn @ middle @ self.turn.T, robust.degrees(self.rank))

    def _scores(self, k: int, robust: Robust) -> Callable[[Block], Array]:
        power = LEVERAGE_POWER.get(robust.cov, 0.0)

        def scores(block: Block) -> Array:
            products, residuals = self._products(block)
            U, r = products @ self.turn, residuals[:, k]
            if power:
                rest = 1 - self._leverage(block, U)
                if (rest < ALONE).any():
                    row = block.start + int(rest.argmin()) + 1
                    raise OneLayerError(
                        f"{robust.cov} is not defined: row {row:,} alone determines a coefficient (its leverage is 1), "
                        "so its residual is 0 whatever its target; use HC1, or leave the row out"
                    )
                r = r / rest**power
            return np.asarray(U * (r if block.c is None else r * block.c)[:, None])

        return scores

    def _leverage(self, block: Block, U: Array) -> Array:
        squares = np.square(U).sum(axis=1)
        return np.asarray(squares if block.c is None else squares * block.c)

    @property
    def _at_once(self) -> int:
        """How many rows are worked on at once."""
        width = len(self.inverse.half) + self.rank + len(self.weight)
        return max(64, EXACT_VALUES // width) if self.is_exact else block_rows(width)

    @property
    def _at_mean(self) -> Array:
        """The prediction at the means (q,)."""
        return ((DoubleDouble.of(self.weight.T) * self.inverse.mean[:, None]).sum() + self.bias).rounded()

    def _products(self, block: Block) -> tuple[Array, Array]:
        """Return the rows of a block in the coordinates of ``inverse`` (m, r), and their residuals (m, q)."""
        r, inverse = self.rank, self.inverse
        if self.is_exact:
            X = np.column_stack([block.dense(), np.ones(len(block))])
            both = np.column_stack([inverse.coefficients(), np.vstack([self.weight.T, self.bias])])
            exact = product(Sliced.of(X, slice_bits(max(X.shape))), both)
            return exact[:, :r].rounded(), (-exact[:, r:] + block.y).rounded()
        found = inverse.centred(block.features(), np.column_stack([inverse.half, self.weight.T]))
        s = inverse.half.shape[1]
        return inverse.with_level(found[:, :s]), (block.y - self._at_mean) - found[:, s:]

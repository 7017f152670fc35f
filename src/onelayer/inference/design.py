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
from onelayer.inference.robust import Robust, meat
from onelayer.solvers.coordinates import EXACT_VALUES, MOST_EXACT, product
from onelayer.solvers.inverse import Inverse

Array = NDArray[np.float64]

ALONE = 1e-10  # what a leverage leaves to 1 that is no more than rounding
LEVERAGE_POWER = {"HC2": 0.5, "HC3": 1.0}  # of 1 − h, that residuals are divided by
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
    turn: Array
    slopes: Array
    rss: Array
    gradient: Array
    size: Array

    @staticmethod
    def of(rows: Source, weight: Array, bias: Array, inverse: Inverse) -> "Design":
        """Return the design of a fit with weights (q, d) and bias (q,), from one pass over the rows."""
        rows, exponent = rows.weights_near_one()
        inverse = inverse.times_power(-exponent)
        q, none = len(weight), np.zeros((0, 0))
        design = Design(rows, weight, bias, inverse, np.eye(inverse.size), none, bias, none, bias)

        def of_part(block: Block) -> list[Array]:
            U, residuals = design._products(block)
            V = np.column_stack([residuals, block.y - design._at_mean])
            X, c = block.features(), block.row_weights()
            sizes = np.square(block.y) + bias**2 + (X.power(2) if rows.is_sparse else X**2) @ weight.T**2
            weighted = V * c[:, None]
            return [
                U.T @ (U * c[:, None]),
                U.T @ weighted,
                (residuals * weighted[:, :q]).sum(axis=0),
                c @ sizes,
            ]

        gram, cross, rss, size = rows.sum(lambda block: added(map(of_part, block.split(design._at_once))))
        turn = np.linalg.cholesky(np.linalg.inv(gram)) if len(gram) else gram
        r = inverse.half.shape[1]
        coordinates = turn @ (turn.T @ cross)
        return replace(
            design,
            turn=turn,
            slopes=coordinates[:r, q:],
            rss=rss,
            gradient=turn.T @ cross[:, :q],
            size=size,
        )

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

    def covariance(self, k: int, robust: Robust) -> Array:
        """Return the covariance (r, r) of the estimates of target k, in the coordinates of ``inverse``.

        Raises:
            OneLayerError: for "HC2" and "HC3", if a row has a leverage of 1.
        """
        if robust.cov == "classical":
            middle = np.eye(self.rank) * (self.rss[k] / (robust.n - self.rank))
        else:
            middle = meat(self.rows, self._scores(k, robust), robust) * robust.correction(self.rank)
        return np.asarray(self.turn @ middle @ self.turn.T)

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
        return max(64, EXACT_VALUES // width) if self._is_exact else block_rows(width)

    @property
    def _is_exact(self) -> bool:
        d = len(self.inverse.half)
        return len(self.rows) * (d + 1) * (self.rank + len(self.weight)) <= MOST_EXACT

    @property
    def _at_mean(self) -> Array:
        """The prediction at the means (q,)."""
        return ((DoubleDouble.of(self.weight.T) * self.inverse.mean[:, None]).sum() + self.bias).rounded()

    def _products(self, block: Block) -> tuple[Array, Array]:
        """Return the rows of a block in the coordinates of ``inverse`` (m, r), and their residuals (m, q).

        Few rows are worked out in twice the working precision, so that features may be nearly dependent.
        """
        r, inverse = self.rank, self.inverse
        if self._is_exact:
            X = np.column_stack([block.dense(), np.ones(len(block))])
            both = np.column_stack([inverse.coefficients(), np.vstack([self.weight.T, self.bias])])
            exact = product(Sliced.of(X, slice_bits(max(X.shape))), both)
            return exact[:, :r].rounded(), (-exact[:, r:] + block.y).rounded()
        found = inverse.centred(block.features(), np.column_stack([inverse.half, self.weight.T]))
        s = inverse.half.shape[1]
        return inverse.with_level(found[:, :s]), (block.y - self._at_mean) - found[:, s:]

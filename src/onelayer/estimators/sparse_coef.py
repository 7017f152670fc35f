"""Coefficients that are mostly 0 as a sparse array, as scikit-learn's linear models keep them on request."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from onelayer.errors import OneLayerError
from onelayer.estimators.array_api import plain


class SparseCoefficients:
    """``sparsify`` and ``densify``."""

    coef_: NDArray[np.float64]

    def sparsify(self) -> Self:
        """Keep ``coef_`` in CSR, (1, d) for a single target: less memory, and faster predictions if most are 0.

        Predictions and everything else are as before; files hold dense coefficients. ``fit`` makes them dense again.

        Raises:
            OneLayerError: if the estimator was fitted with arrays that are not NumPy's.
        """
        check_is_fitted(self)
        if not sparse.issparse(self.coef_):
            if not isinstance(self.coef_, np.ndarray):
                raise OneLayerError(
                    f"coef_ is of {type(self.coef_).__module__}: sparsify is for estimators fitted with NumPy arrays"
                )
            self.coef_ = sparse.csr_array(np.atleast_2d(self.coef_))
        return self

    def densify(self) -> Self:
        """Keep ``coef_`` as a NumPy array, as after ``fit``."""
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = plain(self).coef_
        return self

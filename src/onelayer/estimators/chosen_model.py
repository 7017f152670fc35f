"""What the estimators that choose their penalty leave to the model that has it."""

from typing import Any, Self

from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from onelayer.estimators.callbacks import CallbackSupportMixin


class ChosenModel(CallbackSupportMixin):  # type: ignore[misc]
    """An estimator whose ``estimator_`` is fitted with the penalty chosen, and predicts."""

    coef_: Any
    estimator_: Any

    def sparsify(self) -> Self:
        """Keep ``coef_`` in CSR, (1, d) for a single output; see ``LinearRegression.sparsify``.

        Raises:
            OneLayerError: if the estimator was fitted with arrays that are not NumPy's.
        """
        check_is_fitted(self)
        self.coef_ = self.estimator_.sparsify().coef_
        return self

    def densify(self) -> Self:
        """Keep ``coef_`` as a NumPy array, as after ``fit``."""
        check_is_fitted(self)
        self.coef_ = self.estimator_.densify().coef_
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        return tags

"""scikit-learn's checks of any estimator, for ours under the peers' names and parameters."""

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from peers_sklearn import LinearRegression, LogisticRegression, Ridge


@parametrize_with_checks([LinearRegression(), Ridge(), LogisticRegression()])
def test_contract(estimator: Any, check: Any) -> None:
    """Run one check."""
    check(estimator)

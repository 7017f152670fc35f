"""Proximal Newton where descent along one coordinate at a time gets nowhere: dependent features, and at rounding."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from onelayer import SoftmaxRegression


def data(q, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(200, 6))
    X = np.c_[X, X @ generator.normal(size=(6, 2))]
    return X, (X[:, 0] + generator.normal(size=(q, 200)) * 2).argmax(axis=0)


@pytest.mark.parametrize("q", [2, 3])
def test_a_weak_l1_settles_dependent_features(q):
    X, y = data(q)
    model = SoftmaxRegression(C=1e4, l1_ratio=1.0).fit(X, y)
    assert model.converged_ and model.n_iter_[0] < 30
    # At the minimum of Σ ‖W‖₁ over weights of the same logits no class has more weights than independent features.
    assert (np.count_nonzero(model.coef_, axis=1) <= 6).all()
    without = SoftmaxRegression(C=np.inf).fit(X[:, :6], y)
    np.testing.assert_allclose(model.predict_proba(X), without.predict_proba(X[:, :6]), atol=1e-3)


def test_steps_end_where_rounding_hides_what_they_gain():
    X, y = data(2)
    with pytest.warns(ConvergenceWarning, match="rounding allows no more"):
        model = SoftmaxRegression(l1_ratio=1.0, tol=1e-16, max_iter=10_000).fit(X, y)
    assert model.n_iter_[0] < 200 and model.gap_ <= 1e-11 * model.objective_

"""A loss that the package does not know combines with every solver: the parts are as separate as they say."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import xlogy
from sklearn.linear_model import PoissonRegressor
from sklearn.linear_model import Ridge as RidgeRegressor

from onelayer.data.rows import Rows
from onelayer.losses import Squared
from onelayer.penalties import Ridge
from onelayer.solvers.downhill import Sizes
from onelayer.solvers.minimise import minimise


@dataclass(frozen=True)
class Poisson:
    """Half the deviance of counts y (m, k) from means e^o."""

    n_outputs: int = 1
    is_coupled = False
    steepness = np.inf
    skewness = 1.0

    def at(self, outputs, y):
        y = y.T
        with np.errstate(over="ignore"):
            mean = np.exp(outputs)
        return (mean - y - y * outputs + xlogy(y, y)).sum(axis=0), mean - y, mean


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(400, 4)) * [1, 10, 0.1, 1e3] + [0, 5, 1, 1e6]
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    return X, generator.poisson(np.exp(z @ [0.3, -0.5, 0.2, 0.1] + 1)), generator.uniform(0.5, 2, 400)


SOLVERS = [("newton", Sizes()), ("lbfgs", Sizes()), ("lbfgs", Sizes(block=0)), ("newton-cg", Sizes())]


@pytest.mark.parametrize(("solver", "sizes"), SOLVERS)
@pytest.mark.parametrize("intercept", [True, False])
def test_poisson_regression(table, solver, sizes, intercept):
    X, y, c = table
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    rows = Rows(X, y[:, None].astype(float), "regression", c)
    fit = minimise(rows, Poisson(), Ridge(3.0), intercept, solver, tol=1e-10, sizes=sizes)
    theirs = PoissonRegressor(alpha=3.0 / c.sum(), fit_intercept=intercept, tol=1e-12, max_iter=10_000)
    theirs.fit(X, y, c)
    assert fit.converged
    np.testing.assert_allclose(fit.weight[0], theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(fit.bias[0], theirs.intercept_, atol=1e-5)
    for max_iter in (1, 2, 3, 5):
        early = minimise(rows, Poisson(), Ridge(3.0), intercept, solver, max_iter=max_iter, sizes=sizes)
        assert early.objective - fit.objective + fit.gap >= 0 and early.objective - early.gap <= fit.objective


@pytest.mark.parametrize(("solver", "sizes"), SOLVERS)
def test_squares_by_the_iterative_solvers(table, solver, sizes):
    X, y, c = table
    Y = np.stack([y, X[:, 0] - y], axis=1)
    fit = minimise(Rows(X, Y, "regression", c), Squared(2), Ridge(2.0), True, solver, tol=1e-12, sizes=sizes)
    theirs = RidgeRegressor(alpha=2.0, solver="cholesky").fit(X - X.mean(axis=0), Y, c)
    assert fit.converged
    np.testing.assert_allclose(fit.weight, theirs.coef_, rtol=1e-4, atol=1e-6)
    assert solver != "newton" or len(fit.history) <= 3  # one step, and one that finds it was enough

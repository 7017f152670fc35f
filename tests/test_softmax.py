"""The minimum of softmax regression: against scikit-learn's, finite differences, and its own certificate."""

import warnings

import numpy as np
import pytest
import scipy.special
import torch
from scipy import sparse
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression

from onelayer.errors import OneLayerError
from onelayer.functional import cross_entropy, cross_entropy_hessian
from onelayer.solvers import softmax
from onelayer.solvers.design import DenseDesign, Scaling, SparseDesign


def random_problem(n=300, d=6, q=4, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) * 10.0 ** generator.integers(-3, 4, d) + generator.normal(size=d)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    labels = (Z @ generator.normal(size=(d, q)) + generator.gumbel(size=(n, q))).argmax(axis=1)
    return X, labels, generator.uniform(0.2, 3, n)


def user_objective(W, b, X, labels, c, penalty) -> float:
    """F by the losses of the library's core, which are tested by themselves."""
    logits = torch.as_tensor(np.asarray(X @ W.T + b))
    if len(W) == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    losses = cross_entropy(logits, torch.as_tensor(labels), reduction="none").numpy()
    return float(c @ losses + penalty / 2 * (W**2).sum())


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("dtypes", ["dd", "fd", "df", "ff"])
@pytest.mark.parametrize("form", ["memory", "blocks", "sparse"])
@pytest.mark.parametrize("intercept", [True, False])
def test_each_design_is_the_standardised_matrix(form, dtypes, far, intercept):
    given, worked = dtypes
    generator = np.random.default_rng(1)
    X = generator.normal(size=(1_300, 3)) * [1, 1e3, 1e-3] + [5 + 1e6 * far, 0, 0]
    X[:, 2] *= generator.random(1_300) < 0.3
    X = X.astype(given)
    stored = sparse.csr_array(X) if form == "sparse" else X
    scaling = Scaling.of(stored, np.ones(1_300), intercept)
    if form == "sparse":
        design = SparseDesign(stored, scaling)
    else:
        design = DenseDesign(X, scaling, worked, in_memory=form == "memory")
    X = X.astype("d")
    centre = X.mean(axis=0) if intercept and form != "sparse" else np.zeros(3)
    scale = np.sqrt(((X - centre) ** 2).mean(axis=0))
    Z = np.hstack([(X - centre) / scale, np.ones((1_300, int(intercept)))])
    how = {"rtol": 1e-4, "atol": 3e-3} if design.dtype == "f" else {"rtol": 1e-7, "atol": 1e-7}
    assert design.shape == Z.shape
    weight, R = generator.normal(size=(4, Z.shape[1])), generator.normal(size=(4, 1_300)).astype(design.dtype)
    w = generator.random(1_300) * (generator.random(1_300) < 0.5)
    np.testing.assert_allclose(design.forward(weight), weight @ Z.T, **how)
    np.testing.assert_allclose(design.backward(R), R @ Z, **how)
    np.testing.assert_allclose(design.squares(R**2), R**2 @ Z**2, **how)
    np.testing.assert_allclose(design.gram(w), Z.T @ (w[:, None] * Z), **how)


@pytest.mark.parametrize("q", [2, 3])
def test_gradient_and_hessian_are_those_of_the_losses(q):
    X, labels, c = random_problem(n=40, d=3, q=q)
    scaling = Scaling.of(X, c, True)
    design = DenseDesign(X, scaling, np.float64)
    k = 1 if q == 2 else q
    objective = softmax.Objective(design, design, labels, c, scaling.penalty(0.7), k)
    V = torch.randn(k, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    Z = torch.as_tensor(np.c_[scaling.apply(X, np.float64), np.ones(40)])

    def value(V):
        logits = Z @ V.T
        logits = torch.cat([torch.zeros(40, 1), logits], dim=1) if k == 1 else logits
        losses = cross_entropy(logits, torch.as_tensor(labels), reduction="none")
        return (torch.as_tensor(c) * losses).sum() + (torch.as_tensor(objective.penalty) * V**2).sum() / 2

    (gradient,) = torch.autograd.grad(value(V), V)
    logits = design.forward(V.detach().numpy())
    loss, P = objective.at(logits)
    assert loss + objective.penalty_of(V.detach().numpy()) == pytest.approx(value(V).item())
    np.testing.assert_allclose(objective.gradient(V.detach().numpy(), P), gradient, atol=1e-10)
    hessian = torch.autograd.functional.hessian(value, V.detach()).reshape(4 * k, 4 * k).numpy()
    direction = np.random.default_rng(0).normal(size=(k, 4))
    direction[:, -1] -= direction[:, -1].mean() if k > 1 else 0  # a common intercept has no curvature
    product = (hessian @ direction.reshape(-1)).reshape(k, 4)
    np.testing.assert_allclose(softmax.full_inverse(objective, P)(product), direction, atol=1e-8)
    U = design.forward(direction)
    h = 1e-4
    ahead, here, behind = (objective.along(logits, U, t) for t in (h, 0.0, -h))
    assert here.slope == pytest.approx((ahead.loss - behind.loss) / (2 * h), rel=1e-6)
    assert here.curvature == pytest.approx((ahead.slope - behind.slope) / (2 * h), rel=1e-6)
    np.testing.assert_allclose(ahead.logits, logits + h * U)
    np.testing.assert_array_equal(ahead.P, objective.at(ahead.logits)[1])


@pytest.mark.parametrize("rows", [1_000, 50])
@pytest.mark.parametrize("size", [0.0, 1.0])
def test_blocks_of_the_hessian(rows, size, monkeypatch):
    X, labels, c = random_problem(n=800, d=3, q=3)
    V = size * np.random.default_rng(1).normal(size=(3, 4))
    scaling = Scaling.of(X, c, True)
    design = DenseDesign(X, scaling, np.float64)
    objective = softmax.Objective(design, design, labels, c, scaling.penalty(0.7), 3)
    logits = design.forward(V)
    _, P = objective.at(logits)
    Z = np.c_[scaling.apply(X, np.float64), np.ones(800)]
    hessian = np.einsum(
        "n,nij,np,nq->ipjq", c, cross_entropy_hessian(torch.as_tensor(logits.T)).numpy(), Z, Z
    )
    blocks = [hessian[k, :, k, :] + np.diag(objective.penalty) for k in range(3)]
    monkeypatch.setattr(softmax, "ROWS_PER_COLUMN", rows)
    inverse = softmax.block_inverse(objective, P)
    diagonal = softmax.diagonal_inverse(objective, P)
    step = np.random.default_rng(0).normal(size=(3, 4))
    step -= step.mean(axis=0)
    gradient = np.stack([block @ s for block, s in zip(blocks, step, strict=True)])
    np.testing.assert_allclose(inverse(gradient), step, atol=1e-10 if rows > 100 else 0.7)
    np.testing.assert_allclose(diagonal(np.stack([b.diagonal() for b in blocks]) * step), step, atol=1e-10)


def test_a_sample_of_rows_keeps_the_large_weights_and_the_sums():
    generator = np.random.default_rng(0)
    weights = generator.exponential(size=50_000) ** 3
    sample = softmax._sampled(weights, 5_000)
    kept = sample > 0
    assert 4_800 < kept.sum() < 5_200
    large = weights >= sample[kept].min()
    np.testing.assert_array_equal(sample[large], weights[large])
    assert sample.sum() == pytest.approx(weights.sum(), rel=0.02)
    np.testing.assert_array_equal(softmax._sampled(weights, 50_000), weights)


WAYS = {
    "newton": {},
    "blocks": {"MOST_DENSE": 0},
    "diagonal": {"MOST_DENSE": 0, "MOST_BLOCK": 0},
    "float32": {"MOST_DOUBLE": 0},
    "a sample": {"MOST_DENSE": 0, "ROWS_PER_COLUMN": 10},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize("intercept", [True, False])
def test_each_way_finds_the_minimum_and_bounds_the_distance(way, q, intercept, monkeypatch):
    for name, value in WAYS[way].items():
        monkeypatch.setattr(softmax, name, value)
    X, labels, c = random_problem(q=q)
    best = softmax.softmax_regression(X, labels, q, c, 0.5, intercept, tol=1e-12)
    assert best.converged and best.weight.shape == (1 if q == 2 else q, 6)
    value = user_objective(best.weight, best.bias, X, labels, c, 0.5)
    assert best.objective == pytest.approx(value, rel=1e-12)
    assert (np.diff(best.history) < 1e-7 * best.history[0]).all()  # float32 may be off by its rounding
    for max_iter in (2, 4, 8, 1000):
        for tol in (1e-1, 1e-3, 1e-6):
            fit = softmax.softmax_regression(X, labels, q, c, 0.5, intercept, tol, max_iter)
            assert fit.converged == (fit.gap <= tol * fit.objective)
            assert -1e-12 * value <= fit.objective - value <= fit.gap + 1e-12 * value


@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_minimum_is_scikit_learns(q, intercept):
    X, labels, c = random_problem(q=q)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    ours = softmax.softmax_regression(X, labels, q, c, 1 / 3, intercept, tol=1e-13)
    theirs = LogisticRegression(C=3.0, fit_intercept=intercept, solver="newton-cg", tol=1e-10, max_iter=1000)
    theirs.fit(X, labels, c)
    np.testing.assert_allclose(ours.weight, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(
        ours.bias, theirs.intercept_ - (theirs.intercept_.mean() if q > 2 else 0), atol=1e-6
    )


def test_a_bound_that_does_not_rely_on_a_small_step():
    """The gap is that of the dual: no point is below objective − gap, whatever the point it is taken at."""
    X, labels, c = random_problem()
    best = softmax.softmax_regression(X, labels, 4, c, 2.0, tol=1e-13)
    scaling = Scaling.of(X, c, True)
    design = DenseDesign(X, scaling, np.float64)
    objective = softmax.Objective(design, design, labels, c, scaling.penalty(2.0), 4)
    generator = np.random.default_rng(0)
    for size in (0.01, 0.1, 1, 10):
        descent = softmax.Descent(size * generator.normal(size=(4, 7)), 1e-6, 1)
        descent.set_objective(objective)
        descent.set_best_intercept()
        assert descent.value - descent.gap <= best.objective <= descent.value


# What scikit-learn's own solvers do not like


def lowest(X, labels, c, q, penalty, tries) -> float:
    """The lowest objective that scikit-learn's solvers reach, whatever they warn of."""
    values = []
    for how in tries:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LogisticRegression(C=1 / penalty, **how).fit(X, labels, c)
        values.append(user_objective(model.coef_, model.intercept_, X, labels, c, penalty))
    return min(values)


SOLVERS = [
    {"solver": "lbfgs", "tol": 1e-10, "max_iter": 2_000},
    {"solver": "newton-cholesky", "tol": 1e-10, "max_iter": 200},
]


def hard_problems():
    iris, digits = load_iris(), load_digits()
    generator = np.random.default_rng(0)
    X, labels, _ = random_problem()
    yield "digits", digits.data, digits.target, 1.0
    yield "separable", iris.data, (iris.target == 0).astype(int), 1e-4
    yield "separable in 3", iris.data[:, 2:] + 10 * np.eye(3)[iris.target][:, :2], iris.target, 1e-4
    yield "duplicated columns", np.c_[iris.data, iris.data], iris.target, 0.1
    yield "constant columns", np.c_[iris.data, np.full(150, 0.1), np.zeros(150)], iris.target, 0.1
    yield "a class of one row", iris.data, np.r_[iris.target[:-1], 3], 1.0
    yield "more features than rows", generator.normal(size=(30, 200)), np.arange(30) % 3, 0.01
    wide = generator.normal(size=(60, 4_000))
    yield "wide and separable", wide, np.arange(60) % 3, 1.0
    yield "wide, with hardly a penalty", generator.normal(size=(100, 130)), np.arange(100) % 3, 1e-8
    yield "units from 1e-6 to 1e6", X * 10.0 ** np.arange(-6, 6, 2), labels, 1.0


@pytest.mark.parametrize("problem", list(hard_problems()), ids=lambda problem: problem[0])
def test_hard_problems_converge_below_scikit_learn(problem):
    _, X, labels, penalty = problem
    q, c = labels.max() + 1, np.ones(len(labels))
    fit = softmax.softmax_regression(X, labels, q, c, penalty, tol=1e-7)
    assert fit.converged
    # On the digits lbfgs takes half a minute; on many columns newton-cholesky would factor a huge matrix.
    tries = SOLVERS if X.shape[1] < 50 else SOLVERS[:1] if X.shape[1] > 1000 else SOLVERS[1:]
    assert fit.objective <= lowest(X, labels, c, q, penalty, tries) * (1 + 1e-6)


@pytest.mark.parametrize("intercept", [True, False])
def test_wide_data_have_the_minimum_of_their_kernel(intercept):
    generator = np.random.default_rng(0)
    X, labels, c = generator.normal(size=(50, 800)), np.arange(50) % 4, generator.uniform(0.5, 2, 50)
    fit = softmax.softmax_regression(X, labels, 4, c, 5.0, intercept, tol=1e-9)
    assert fit.converged and fit.weight.shape == (4, 800)
    assert fit.objective == pytest.approx(user_objective(fit.weight, fit.bias, X, labels, c, 5.0), rel=1e-12)
    P = scipy.special.softmax(X @ fit.weight.T + fit.bias, axis=1)
    residuals = c[:, None] * (P - np.eye(4)[labels])
    np.testing.assert_allclose(fit.weight, -residuals.T @ X / 5.0, atol=1e-5)  # where the gradient is 0
    assert not intercept or np.abs(residuals.sum(axis=0)).max() < 1e-9


def test_features_whose_squares_overflow():
    X, labels, c = random_problem()
    with pytest.raises(OneLayerError, match="overflow"), np.errstate(over="ignore", invalid="ignore"):
        softmax.softmax_regression(X * 1e170, labels, 4, c, 1.0)


def test_units_do_not_matter():
    digits = load_digits()
    c = np.ones(len(digits.target))
    as_they_are = softmax.softmax_regression(digits.data, digits.target, 10, c, 1.0, tol=1e-10)
    divided = softmax.softmax_regression(digits.data / 255, digits.target, 10, c, 1 / 255**2, tol=1e-10)
    np.testing.assert_allclose(divided.weight / 255, as_they_are.weight, atol=1e-7)
    assert divided.objective == pytest.approx(as_they_are.objective, rel=1e-10)


@pytest.mark.parametrize("most_block", [3_000, 0])
@pytest.mark.parametrize("q", [2, 3])
def test_sparse_finds_the_same_minimum(most_block, q, monkeypatch):
    monkeypatch.setattr(softmax, "MOST_BLOCK", most_block)
    monkeypatch.setattr(softmax, "MOST_DENSE", 100)
    generator = np.random.default_rng(2)
    X = sparse.random_array((400, 120), density=0.05, rng=generator, format="csr")
    labels = (X @ generator.normal(size=(120, q)) + 0.1 * generator.gumbel(size=(400, q))).argmax(axis=1)
    c = generator.uniform(0.5, 2, 400)
    ours = softmax.softmax_regression(X, labels, q, c, 0.1, tol=1e-11)
    dense = softmax.softmax_regression(X.toarray(), labels, q, c, 0.1, tol=1e-11)
    assert ours.converged and dense.converged
    # F rises by at least ½ λ ‖W − W*‖² away from its minimum, so the gap bounds the distance.
    distance = np.linalg.norm(ours.weight - dense.weight)
    assert distance <= np.sqrt(2 * ours.gap / 0.1) + np.sqrt(2 * dense.gap / 0.1) < 1e-3
    np.testing.assert_allclose(ours.bias, dense.bias, atol=1e-4)

"""Softmax regression by minibatch SGD: one step is the closed form, many come to the exact minimum."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import softmax

from onelayer.data.scaling import RunningMoments
from onelayer.errors import DivergenceError, OneLayerError
from onelayer.estimators import SoftmaxRegression

NAMES = np.array(["cat", "chicken", "dog"])


@pytest.fixture(scope="module")
def classes():
    """Features of mean 0 and variance 1, labels of 3 classes, and weights."""
    generator = np.random.default_rng(1)
    X = generator.normal(size=(400, 5))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    labels = (X @ generator.normal(size=(5, 3)) + generator.gumbel(size=(400, 3))).argmax(axis=1)
    return X, labels, generator.uniform(0.2, 2, 400)


def two(classes):
    X, labels, c = classes
    return X, np.minimum(labels, 1), c


def step_by_hand(X, labels, c, W, b, lr, penalty):
    """W ← (W − η ∂W) / (1 + ηλ), b ← b − η ∂b of the weighted mean loss, for q logits or that of the second of two."""
    logits = X @ W.T + b
    if len(W) == 1:
        R = softmax(np.c_[0 * logits, logits], axis=1)[:, 1:] - labels[:, None]
    else:
        R = softmax(logits, axis=1) - np.eye(len(W))[labels]
    R *= c[:, None] / c.sum()
    return (W - lr * R.T @ X) / (1 + lr * penalty), b - lr * R.sum(axis=0)


@pytest.mark.parametrize("q", [2, 3])
def test_a_step_is_the_closed_form_and_the_penalty_that_of_the_rows_seen_so_far(classes, q):
    X, labels, c = classes if q == 3 else two(classes)
    c = c * 0 + c.mean()  # features are standardised with these weights too
    k = 1 if q == 2 else 3
    model = SoftmaxRegression(C=0.01, solver="sgd", lr=0.7, batch_size=400, epochs=1)
    W, b = np.zeros((k, 5)), np.zeros(k)
    for pass_number, seen in enumerate((c.sum(), 2 * c.sum()), 1):
        model.partial_fit(X, NAMES[labels], NAMES[:q], c)
        W, b = step_by_hand(X, labels, c, W, b, 0.7, 1 / (0.01 * seen))
        np.testing.assert_allclose(model.coef_, W, atol=1e-12)
        np.testing.assert_allclose(model.intercept_, b, atol=1e-12)
        assert model.n_iter_ == len(model.history_) == pass_number
        assert not hasattr(model, "objective_")
    assert model.history_[0] == pytest.approx(np.log(q))  # the loss before the first step, of all alike


@pytest.mark.parametrize("q", [2, 3])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("class_weight", [None, "balanced", {"cat": 3.0}])
def test_whole_batches_come_to_the_exact_minimum_in_any_units(classes, q, intercept, class_weight):
    X, labels, c = classes if q == 3 else two(classes)
    X, y = X * [1e-2, 1, 1e3, 1, 1] + [0, 3, -2e3, 0, 1] * np.array(intercept), NAMES[labels]
    exact = SoftmaxRegression(C=0.5, fit_intercept=intercept, tol=1e-12, class_weight=class_weight).fit(
        X, y, c
    )
    model = SoftmaxRegression(
        C=0.5,
        fit_intercept=intercept,
        solver="sgd",
        class_weight=class_weight,
        lr=2.0,
        batch_size=400,
        epochs=3000,
    )
    model.fit(X, y, c)
    np.testing.assert_allclose(model.predict_proba(X), exact.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(model.coef_, exact.coef_, rtol=1e-3, atol=1e-5)
    assert model.objective_ == pytest.approx(exact.objective_, rel=1e-8)
    assert not hasattr(model, "gap_") and not hasattr(model, "converged_")


def test_minibatches_at_the_automatic_rate_come_near_the_minimum(classes):
    X, labels, c = classes
    raw = X * [1e-6, 1, 1e3, 1, 1e4] + [0, 3, -2e6, 0, 1]
    exact = SoftmaxRegression(C=1e3).fit(raw, labels, c)
    for dtype in (np.float64, np.float32):
        model = SoftmaxRegression(C=1e3, solver="sgd", random_state=0).fit(raw.astype(dtype), labels, c)
        assert model.coef_.dtype == np.float64
        assert exact.objective_ - exact.gap_ <= model.objective_ < 1.02 * exact.objective_


def test_a_pass_over_all_rows_is_one_epoch_of_fit(classes):
    X, labels, c = classes
    how = {"solver": "sgd", "lr": 0.1, "random_state": 3}
    once = SoftmaxRegression(epochs=1, **how).fit(X, labels, c)
    chunk = SoftmaxRegression(**how).partial_fit(X, labels, [0, 1, 2], c)
    np.testing.assert_array_equal(once.coef_, chunk.coef_)
    thrice = SoftmaxRegression(epochs=3, **how).fit(X, labels, c)
    assert thrice.history_[0] == once.history_[0] and thrice.history_[2] < once.history_[0]


def test_chunks_come_near_the_minimum_of_all_rows(classes):
    X, labels, _ = classes
    raw = X * [1e-3, 1, 1e3, 1, 1] + [0, 3, -2e3, 0, 1]
    model = SoftmaxRegression(solver="sgd", random_state=0)
    for repeat in range(40):
        for part in np.split(np.random.default_rng(repeat).permutation(400), 8):
            model.partial_fit(raw[part], labels[part], classes=[0, 1, 2])
    exact = SoftmaxRegression().fit(np.tile(raw, (40, 1)), np.tile(labels, 40))
    assert np.abs(model.predict_proba(raw) - exact.predict_proba(raw)).mean() < 0.03
    assert model.score(raw, labels) > exact.score(raw, labels) - 0.02


def test_moments_of_chunks_are_those_of_all_rows(classes):
    X, _, c = classes
    X = X * [1, 2, 3, 4, 5] + 1e6
    parts = RunningMoments.of(X[:1], c[:1])
    for part in (slice(1, 100), slice(100, 400)):
        parts = parts.with_rows(X[part], c[part])
    np.testing.assert_allclose(parts.mean, np.average(X, axis=0, weights=c))
    np.testing.assert_allclose(
        parts.variance, np.average((X - parts.mean) ** 2, axis=0, weights=c), rtol=1e-9
    )
    with pytest.raises(OneLayerError, match="squares overflow"):
        RunningMoments.of(X * 1e200, c)


def test_constant_features_and_single_rows(classes):
    X, labels, _ = classes
    X = np.c_[X, np.full(400, 0.1)]
    with_constant = SoftmaxRegression(solver="sgd", lr=0.1, random_state=0).fit(X, labels)
    without = SoftmaxRegression(solver="sgd", lr=0.1, random_state=0).fit(X[:, :5], labels)
    np.testing.assert_allclose(with_constant.predict_proba(X), without.predict_proba(X[:, :5]))
    assert np.abs(with_constant.coef_[:, 5]).max() < 1e-12
    model = SoftmaxRegression(solver="sgd", random_state=0)
    for i in range(400):
        model.partial_fit(X[i : i + 1], labels[i : i + 1], classes=[0, 1, 2])
    assert np.isfinite(model.coef_).all() and model.score(X, labels) > 0.6


def test_divergence_is_said_and_leaves_the_model_as_it_was(classes):
    X, labels, _ = classes
    with pytest.raises(
        DivergenceError, match=r"learning rate 1000: the loss went from 1\.099 .* try lr="
    ) as raised:
        SoftmaxRegression(solver="sgd", lr=1000.0).fit(X, labels)
    model = SoftmaxRegression(solver="sgd", lr=raised.value.largest_stable_lr / 2).fit(X, labels)
    before = model.coef_.copy()
    model.set_params(lr=1e30)
    for learn in (model.fit, model.partial_fit):
        with pytest.raises(DivergenceError):
            learn(X, labels)
        np.testing.assert_array_equal(model.coef_, before)
    unfitted = SoftmaxRegression(solver="sgd", lr=1e30)
    with pytest.raises(DivergenceError):
        unfitted.partial_fit(X, labels, [0, 1, 2])
    assert not hasattr(unfitted, "classes_")


def test_partial_fit_has_scikit_learns_semantics(classes):
    X, labels, _ = classes
    assert not hasattr(SoftmaxRegression(), "partial_fit")
    with pytest.raises(ValueError, match="classes must be passed"):
        SoftmaxRegression(solver="sgd").partial_fit(X, labels)
    model = SoftmaxRegression(solver="sgd").partial_fit(X, labels, [0, 1, 2, 9])
    assert model.coef_.shape == (4, 5) and model.predict_proba(X).shape == (400, 4)
    model.partial_fit(X[:7], np.zeros(7, int))  # a chunk of one class
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, labels, [0, 1, 2])
    with pytest.raises(OneLayerError, match="y has 5, which is not one of the classes"):
        model.partial_fit(X, labels * 0 + 5)
    with pytest.raises(OneLayerError, match="needs all rows at once"):
        SoftmaxRegression(solver="sgd", class_weight="balanced").partial_fit(X, labels, [0, 1, 2])


def test_partial_fit_goes_on_from_a_fit_by_either_solver(classes):
    X, labels, _ = classes
    model = SoftmaxRegression().fit(X, labels)
    exact = model.coef_
    model.set_params(solver="sgd", lr=1e-9, random_state=0).partial_fit(X, labels)
    np.testing.assert_allclose(model.coef_, exact, atol=1e-6)
    assert not hasattr(model, "gap_") and model.n_iter_ == 1
    model.set_params(solver="newton").fit(X, labels)
    np.testing.assert_array_equal(model.coef_, exact)
    assert not hasattr(model, "lr_")


def test_what_was_saved_goes_on_as_if_it_had_not_been(classes, tmp_path):
    X, labels, c = classes
    model = SoftmaxRegression(solver="sgd", random_state=0).partial_fit(X[:100], labels[:100], [0, 1, 2])
    model.save(tmp_path / "m")
    loaded = SoftmaxRegression.load(tmp_path / "m")
    for learner in (model, loaded):
        learner.partial_fit(X[100:], labels[100:], sample_weight=c[100:])
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    assert loaded.history_ == model.history_ and loaded.lr_ == model.lr_


def test_what_each_solver_does_not_take(classes):
    X, labels, _ = classes
    with pytest.raises(OneLayerError, match="takes no sparse features: use solver='auto'"):
        SoftmaxRegression(solver="sgd").fit(sparse.csr_array(X), labels)
    for solver in ("auto", "newton"):
        with pytest.raises(OneLayerError, match=r"device='cuda' is for solver='sgd'"):
            SoftmaxRegression(solver=solver, device="cuda").fit(X, labels)
    with pytest.raises(OneLayerError, match="device 'tpu' is not available"):
        SoftmaxRegression(solver="sgd", device="tpu").fit(X, labels)
    on_cpu = SoftmaxRegression(solver="sgd", device="cpu", random_state=0).fit(X, labels)
    auto = SoftmaxRegression(device="cpu").fit(X, labels)
    assert (on_cpu.predict(X) == auto.predict(X)).mean() > 0.97

"""What is said of models with offsets: errors, intervals, effects and likelihoods take them into account."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import softmax

from onelayer import LinearRegression, Model, OneLayerError, SoftmaxRegression


def close(ours, theirs, rtol=1e-6):
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-12)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    X, offset = rng.normal(size=(400, 3)), rng.normal(size=400)
    eta = X @ [1.0, -0.5, 0.0] + 0.3 + 2 * offset
    return X, offset, (rng.random(400) < 1 / (1 + np.exp(-eta))).astype(int)


@pytest.fixture(scope="module")
def pair(rows):
    X, offset, y = rows
    ours = SoftmaxRegression(C=np.inf, tol=1e-13).fit(X, y, offset=offset)
    theirs = sm.GLM(y, sm.add_constant(X), sm.families.Binomial(), offset=offset).fit(tol=1e-14)
    return ours, theirs


def test_errors_and_likelihoods_are_statsmodels(pair, rows):
    (ours, theirs), (X, _, _) = pair, rows
    found = ours.summary()
    close(found.estimate[0], theirs.params)
    close(found.std_err[0], theirs.bse)
    close(found.likelihood.log_likelihood, theirs.llf, 1e-10)
    close(found.likelihood.null_log_likelihood, theirs.llnull, 1e-8)
    inverse, design = theirs.cov_params(), sm.add_constant(X)
    scores = design * theirs.resid_response[:, None]
    close(ours.vcov(cov="HC0"), inverse @ scores.T @ scores @ inverse)


def test_intervals_and_effects_are_those_of_the_logits_with_the_offset(pair, rows):
    (ours, theirs), (X, offset, _) = pair, rows
    design = sm.add_constant(X)
    half = 1.959963984540054 * np.sqrt(np.einsum("ij,jk,ik->i", design, theirs.cov_params(), design))
    eta = design @ theirs.params + offset
    ends = 1 / (1 + np.exp(-np.stack([eta - half, eta + half], axis=1)))
    close(ours.predict_interval(X, offset=offset)[:, 1], ends, 1e-5)
    with pytest.raises(OneLayerError, match="offset"):
        ours.predict_interval(X)
    p = 1 / (1 + np.exp(-eta))
    close(ours.marginal_effects().estimate[1], (p * (1 - p)).mean() * theirs.params[1:], 1e-5)
    eta = design.mean(axis=0) @ theirs.params + offset.mean()
    p = 1 / (1 + np.exp(-eta))
    close(ours.marginal_effects("means").estimate[1], p * (1 - p) * theirs.params[1:], 1e-5)


def test_effects_of_several_classes_are_differences_of_probabilities():
    rng = np.random.default_rng(4)
    X, offset = rng.normal(size=(300, 2)), rng.normal(size=(300, 3))
    y = (X @ rng.normal(size=(2, 3)) + offset + rng.gumbel(size=(300, 3))).argmax(axis=1)
    model = SoftmaxRegression(C=np.inf, tol=1e-12).fit(X, y, offset=offset)
    step = 1e-5

    def mean(x):
        return softmax(x @ model.coef_.T + model.intercept_ + offset, axis=1).mean(axis=0)

    for j in range(2):
        change = step * np.eye(2)[j]
        close(
            model.marginal_effects().estimate[:, j], (mean(X + change) - mean(X - change)) / (2 * step), 1e-6
        )


def test_without_an_intercept_the_null_is_the_offset_alone(rows):
    X, offset, y = rows
    found = SoftmaxRegression(C=np.inf, fit_intercept=False).fit(X, y, offset=offset).summary()
    p = 1 / (1 + np.exp(-offset))
    close(found.likelihood.null_log_likelihood, np.log(np.where(y, p, 1 - p)).sum(), 1e-12)


def test_a_file_of_an_estimator_with_an_offset_is_not_a_model_without(rows, tmp_path):
    X, offset, y = rows
    for model in (SoftmaxRegression(), LinearRegression()):
        model.fit(X, y, offset=offset).save(tmp_path / "m.safetensors")
        with pytest.raises(OneLayerError, match=r"open it with that estimator's load"):
            Model.load(tmp_path / "m.safetensors")
        again = type(model).load(tmp_path / "m.safetensors")
        close(again.predict(X, offset=offset), model.predict(X, offset=offset), 1e-15)

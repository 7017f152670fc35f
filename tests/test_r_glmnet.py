"""Elastic nets are those of R's ``glmnet``, whose numbers are in ``data/r_glmnet.json``, from ``tools/r_glmnet.py``.

glmnet minimises, for weights w that add up to n, and losses ½ r² or the cross-entropy,

    Σ wᵢ ℓᵢ / n + λ Σⱼ fⱼ (α ‖β·ⱼ‖ + ½ (1 − α) ‖β·ⱼ‖²),

with factors f that add up to their number; its gaussian family does so for y in units of its standard deviation, so
that λ (1 − α) counts for y as it is, over that unit (Friedman, Hastie and Tibshirani 2010, *Regularization paths for
generalized linear models via coordinate descent*).
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp

import glmnet_problems
from onelayer.estimators import LinearRegression, SoftmaxRegression

FITS = json.loads((Path(__file__).parent / "data/r_glmnet.json").read_text())["fits"]
CASES = [(fit, number) for fit in FITS for number in range(len(fit["lambda"]))]
TOL = 1e-11


def name_of(case):
    fit, number = case
    kind = "-".join(key for key in ("grouped", "factor", "lower", "upper") if key in fit)
    return f"{fit['problem']}-{fit['alpha']}-{kind}-{fit['lambda'][number]}"


def strengths(fit, number, y, c):
    """Return l1 and l2 (d,) of each feature in Σ cᵢ ℓᵢ + Σⱼ l1 ‖W·ⱼ‖ + ½ l2 ‖W·ⱼ‖², with ℓ = ½ r² for numbers."""
    d = len(fit["coefficients"][0][0]) - 1
    factor = np.asarray(fit.get("factor", np.ones(d)), float)
    strength = c.sum() * fit["lambda"][number] * factor * d / factor.sum()
    is_numbers = fit["family"] == "gaussian"
    unit = np.sqrt(np.average((y - np.average(y, weights=c)) ** 2, weights=c)) if is_numbers else 1.0
    return fit["alpha"] * strength, (1 - fit["alpha"]) / unit * strength


def objective(fit, X, y, c, b, W, l1, l2):
    """Return what both minimise, at b (k,) and W (k, d); for numbers Σ cᵢ rᵢ² + 2 penalty."""
    outputs = X @ W.T + b
    norms = np.linalg.norm(W, axis=0) if fit.get("grouped") else np.abs(W)
    penalty = float((l1 * norms).sum() + (l2 * W**2).sum() / 2)
    if fit["family"] == "gaussian":
        return float(c @ np.square(y - outputs[:, 0])) + 2 * penalty
    outputs = np.column_stack([np.zeros(len(X)), outputs]) if len(W) == 1 else outputs
    y = y.astype(int)
    return float(c @ (logsumexp(outputs, axis=1) - outputs[np.arange(len(y)), y])) + penalty


def ours(fit, number, X, y, c, l1, l2):
    """Return b (k,), W (k, d), the gap and the objective of our model."""
    bounds = fit.get("lower", -np.inf), fit.get("upper", np.inf)
    if fit["family"] == "gaussian":
        unit, ratio = l1.max() + l2.max(), float(l1.max() / (l1.max() + l2.max()))
        limits = {"lower": bounds[0], "upper": bounds[1], "penalty_factors": (l1 + l2) / unit}
        model = LinearRegression(alpha=unit, l1_ratio=ratio, tol=TOL, **limits).fit(X, y, c)
        return np.array([model.intercept_]), model.coef_[None], model.gap_, model.objective_
    strength = (l1 + l2).max()
    model = SoftmaxRegression(
        C=1 / strength,
        l1_ratio=fit["alpha"],
        grouped=fit.get("grouped", False),
        penalty_factors=(l1 + l2) / strength,
        tol=TOL,
    ).fit(X, y, c)
    return model.intercept_, model.coef_, model.gap_ * strength, model.objective_ * strength


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_coefficients_and_objectives_are_those_of_glmnet(case):
    fit, number = case
    X, y, c = glmnet_problems.problem(fit["problem"])
    l1, l2 = strengths(fit, number, y, c)
    b, W, gap, reached = ours(fit, number, X, y, c, l1, l2)
    theirs = np.array(fit["coefficients"][number])
    value = objective(fit, X, y, c, b, W, l1, l2)
    least = objective(fit, X, y, c, theirs[:, 0], theirs[:, 1:], l1, l2)
    assert reached == pytest.approx(value, rel=1e-13)
    assert gap <= 1e-9 * value
    assert value <= least + gap
    # glmnet stops where a step changes its objective by less than thresh, which may be some way from the minimum.
    bound = (1e-6 + 2 * fit["distance"][number]) * np.abs(theirs).max()
    np.testing.assert_allclose(W, theirs[:, 1:], rtol=0, atol=bound)
    np.testing.assert_allclose(b - b.mean() * (len(b) > 1), theirs[:, 0], rtol=0, atol=bound)

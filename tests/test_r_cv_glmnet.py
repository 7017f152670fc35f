"""Choosing a penalty gives what R's ``cv.glmnet`` gives: errors of each, the choice, and coefficients.

R's numbers are in ``data/r_cv_glmnet.json``, which ``tools/r_cv_glmnet.py`` writes. There the loss is a mean over rows,
so that λ is alpha / Σ cᵢ or 1 / (C Σ cᵢ): the same λ in a fold and in all rows, where ours is the same alpha or C.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import real_tables
from onelayer import LinearRegression, LinearRegressionCV, SoftmaxRegression, SoftmaxRegressionCV
from onelayer.data.rows import Rows
from onelayer.penalties import ElasticNet
from onelayer.selection.choice import Errors
from onelayer.selection.splits import fold_weights, splits_by
from onelayer.solvers.elastic_net import elastic_net

FITS = json.loads((Path(__file__).parent / "data/r_cv_glmnet.json").read_text())["fits"]
[LASSO, NET, UNGROUPED, GROUPED] = FITS


def problem(fit):
    """Return features, targets, weights or None, and splits."""
    frame = real_tables.read("MASS", fit["item"]).iloc[: fit["rows"]]
    X = frame.drop(columns=fit["target"]).to_numpy(float)
    c = frame[fit["weights"]].to_numpy(float) if fit["weights"] else None
    splits = splits_by((1 + np.arange(len(X))) % fit["folds"])
    return X, frame[fit["target"]].to_numpy(), c, splits


def number(fit, rule):
    return fit["lambda"].index(fit[f"lambda.{rule}"])


def close(found, expected, rtol=1e-6):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


@pytest.mark.parametrize("rule", ["min", "1se"])
def test_the_lasso_with_folds_of_one_size(rule):
    X, y, _, splits = problem(LASSO)
    n, strengths = len(X), np.array(LASSO["lambda"])
    model = LinearRegressionCV(alphas=strengths * len(splits[0][0]), l1_ratio=1.0, cv=splits, rule=rule)
    model.fit(X, y)
    close(model.cv_results_["mean_error"], LASSO["cvm"])
    close(model.cv_results_["standard_error"], LASSO["cvsd"])
    assert model.alpha_ == pytest.approx(LASSO[f"lambda.{rule}"] * len(splits[0][0]))
    final = LinearRegression(alpha=LASSO[f"lambda.{rule}"] * n, l1_ratio=1.0).fit(X, y)
    close(np.append(final.intercept_, final.coef_), LASSO[f"coef lambda.{rule}"][0])


def test_an_elastic_net_with_weights_and_folds_of_several_sizes():
    """In glmnet the ridge's part is divided by the deviation of the target, in each fold by its own."""
    X, y, c, splits = problem(NET)
    strengths = np.array(NET["lambda"])

    def minimum(index, strength):
        rows, total = Rows(X[index], y[index].astype(float), "regression", c[index]), c[index].sum()
        deviation = np.sqrt(
            np.average((y[index] - np.average(y[index], weights=c[index])) ** 2, weights=c[index])
        )
        return elastic_net(rows, ElasticNet(0.5 * strength * total, 0.5 * strength * total / deviation))

    errors = np.zeros((len(strengths), len(splits)))
    for k, (train, test) in enumerate(splits):
        for a, strength in enumerate(strengths):
            fit = minimum(train, strength)
            errors[a, k] = np.average((y[test] - X[test] @ fit.weight[0] - fit.bias) ** 2, weights=c[test])
    found = Errors.of_folds(errors, fold_weights(Rows(X, y, "regression", c), splits))
    close(found.mean, NET["cvm"])
    close(found.standard_error, NET["cvsd"])
    for rule in ("min", "1se"):
        assert found.chosen(rule) == number(NET, rule)
        fit = minimum(np.arange(len(X)), NET[f"lambda.{rule}"])
        close(np.append(fit.bias, fit.weight), NET[f"coef lambda.{rule}"][0])


@pytest.mark.parametrize(
    ("fit", "kind"),
    [(UNGROUPED, {"l1_ratio": 0.9}), (GROUPED, {"l1_ratio": 0.5, "grouped": True})],
    ids=["ungrouped", "grouped"],
)
def test_several_classes(fit, kind):
    X, y, _, splits = problem(fit)
    n, n_fold, strengths = len(X), len(splits[0][0]), np.array(fit["lambda"])
    model = SoftmaxRegressionCV(Cs=1 / (strengths * n_fold), cv=splits, tol=1e-9, **kind).fit(X, y)
    close(2 * model.cv_results_["mean_error"], fit["cvm"])  # a deviance
    close(2 * model.cv_results_["standard_error"], fit["cvsd"])
    errors = Errors.of_folds(
        model.cv_results_["fold_errors"], fold_weights(Rows(X, np.zeros(len(X))), splits)
    )
    for rule in ("min", "1se"):
        assert errors.chosen(rule) == number(fit, rule)
        final = SoftmaxRegression(C=1 / (fit[f"lambda.{rule}"] * n), tol=1e-11, **kind).fit(X, y)
        close(np.column_stack([final.intercept_, final.coef_]), np.array(fit[f"coef lambda.{rule}"]))
    assert strengths[number(fit, "min")] * n_fold == pytest.approx(1 / model.C_)

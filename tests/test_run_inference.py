"""Errors, offsets, groups, penalties and intervals of runs: of tables, models, files and the command line."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.linear_model import ElasticNet, LogisticRegression

from onelayer import LinearRegression, LinearRegressionCV, Model, OneLayerError, Settings, open_data, train
from onelayer.data.dataset import folds

NUMBERS = ["a", "b", "c"]


def close(ours, theirs, rtol=1e-8):
    np.testing.assert_allclose(ours, theirs, rtol=rtol)


def table(n=120):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, 3)) * [1.0, 10.0, 0.1] + [0.0, 50.0, 3.0]
    city, firm = rng.integers(0, 9, n), rng.integers(0, 7, n)
    known = rng.uniform(0, 2, n)
    noise = rng.normal(size=n) * (1 + np.abs(X[:, 0])) + rng.normal(size=9)[city]
    found = pd.DataFrame(X, columns=NUMBERS)
    found["city"], found["firm"] = [f"c{k}" for k in city], firm
    found["known"], found["y"] = known, X @ [1.0, 0.3, -5.0] + known + noise
    scores = X @ [1.0, 0.05, 0.0] - 2.5 + known
    found["sold"] = np.where(rng.random(n) < 1 / (1 + np.exp(-scores)), "yes", "no")
    found["kind"] = np.where(scores + rng.logistic(size=n) > 1, "x", np.where(rng.random(n) < 0.5, "y", "z"))
    return found


TABLE = table()
DESIGN = sm.add_constant(TABLE[NUMBERS].to_numpy())


def numbers(**more):
    return open_data(TABLE, target="y", features=NUMBERS, **more)


# Errors


@pytest.mark.parametrize(
    ("settings", "groups", "theirs"),
    [
        ({}, (), {"cov_type": "nonrobust"}),
        *[({"cov": cov}, (), {"cov_type": cov, "use_t": True}) for cov in ("HC0", "HC1", "HC2", "HC3")],
        ({"cov": "HAC", "lags": 4}, (), {"cov_type": "HAC", "cov_kwds": {"maxlags": 4}, "use_t": True}),
        ({}, ["city"], {"cov_type": "cluster", "cov_kwds": {"groups": "city"}, "use_t": True}),
        (
            {"cov": "cluster"},
            ["city", "firm"],
            {"cov_type": "cluster", "cov_kwds": {"groups": "both"}, "use_t": True},
        ),
    ],
)
def test_a_run_has_statsmodels_errors_and_intervals(settings, groups, theirs):
    codes = {
        "city": pd.factorize(TABLE["city"])[0],
        "both": TABLE[["city", "firm"]].apply(lambda c: pd.factorize(c)[0]),
    }
    kwds = dict(theirs.get("cov_kwds", {}))
    if "groups" in kwds:
        kwds["groups"] = np.asarray(codes[kwds["groups"]])
    expected = sm.OLS(TABLE["y"].to_numpy(), DESIGN).fit(**{**theirs, **({"cov_kwds": kwds} if kwds else {})})
    run = train(numbers(groups=groups), Settings(**settings))
    close(run.coefficients.std_err[0], expected.bse)
    close(run.coefficients.p[0], expected.pvalues, 1e-7)
    new = TABLE.head(4)
    # t_test, unlike get_prediction, takes the degrees of freedom of groups that the coefficients have.
    close(run.model.predict_interval(new, level=0.9), expected.t_test(DESIGN[:4]).conf_int(alpha=0.1))
    if run.plan.cov == "classical":
        frame = expected.get_prediction(DESIGN[:4]).summary_frame(alpha=0.1)
        ends = frame[["obs_ci_lower", "obs_ci_upper"]]
        close(run.model.predict_interval(new, "prediction", 0.9), ends)
    else:
        with pytest.raises(OneLayerError, match="needs noise of one variance"):
            run.model.predict_interval(new, "prediction")


@pytest.mark.parametrize("cov", ["classical", "HC0", "cluster"])
def test_two_classes_with_an_offset_are_statsmodels_binomial(cov):
    groups = ["city"] if cov == "cluster" else []
    dataset = open_data(TABLE, target="sold", features=NUMBERS, offset="known", groups=groups)
    run = train(dataset, Settings(cov=cov))
    model = sm.GLM(TABLE["sold"] == "yes", DESIGN, sm.families.Binomial(), offset=TABLE["known"].to_numpy())
    expected = model.fit(tol=1e-14)
    inverse, scores = np.asarray(expected.cov_params()), DESIGN * expected.resid_response.to_numpy()[:, None]
    if cov == "cluster":
        scores = pd.DataFrame(scores).groupby(TABLE["city"].to_numpy()).sum().to_numpy()
    n, p, g = len(DESIGN), 4, len(scores)
    factor = {"classical": 0, "HC0": 1, "cluster": g / (g - 1) * (n - 1) / (n - p)}[cov]
    covariance = factor * inverse @ scores.T @ scores @ inverse if factor else inverse
    close(run.coefficients.estimate[0], expected.params, 1e-6)
    close(run.coefficients.std_err[0], np.sqrt(np.diag(covariance)), 1e-5)
    close(run.model.predict_proba(TABLE)[:, 1], expected.predict(), 1e-6)
    eta = DESIGN @ expected.params + TABLE["known"].to_numpy()
    half = 1.959963984540054 * np.sqrt(np.einsum("ij,jk,ik->i", DESIGN, covariance, DESIGN))
    ends = 1 / (1 + np.exp(-np.stack([eta - half, eta + half], axis=1)))
    close(run.model.predict_interval(TABLE)[:, 1], ends, 1e-5)


def test_intervals_of_several_classes_hold_the_probabilities():
    run = train(open_data(TABLE, target="kind", features=NUMBERS))
    ends, p = run.model.predict_interval(TABLE), run.model.predict_proba(TABLE)
    assert ends.shape == (120, 3, 2)
    assert ((ends[..., 0] < p) & (p < ends[..., 1])).all()


# Offsets and groups


def test_an_offset_is_taken_from_the_target_and_added_to_predictions():
    run = train(numbers(offset="known"))
    other = LinearRegression().fit(TABLE[NUMBERS], TABLE["y"] - TABLE["known"])
    close(run.model.weight[0], other.coef_)
    close(run.model.predict(TABLE), other.predict(TABLE[NUMBERS]) + TABLE["known"], 1e-9)
    errors = run.model.predict(TABLE) - TABLE["y"]
    close(run.scores["rmse"], np.sqrt(np.mean(errors**2)))
    with pytest.raises(OneLayerError, match="offset 'known', which an array lacks"):
        run.model.predict(TABLE[NUMBERS].to_numpy())
    with pytest.raises(OneLayerError, match="has no offset column 'known'"):
        run.model.predict(TABLE.drop(columns="known"))


def test_a_missing_offset_is_named_or_its_row_dropped():
    lacking = TABLE.assign(known=TABLE["known"].where(TABLE.index != 7))
    with pytest.raises(OneLayerError, match="the offset 'known' in row 8 is missing"):
        open_data(lacking, target="y", features=NUMBERS, offset="known")
    dropped = open_data(lacking, target="y", features=NUMBERS, offset="known", missing="drop")
    assert len(dropped.train) == 119
    predicted = train(dropped).model.predict(lacking)
    assert np.flatnonzero(np.isnan(predicted)).tolist() == [7]


def test_columns_aside_are_not_features_unless_they_are_named():
    found = open_data(TABLE.drop(columns=["sold", "kind"]), target="y", offset="known", groups=["city"])
    assert found.features == (*NUMBERS, "firm")
    named = open_data(TABLE, target="y", features=["a", "city"], groups=["city"])
    assert named.features[:2] == ("a", "city=c1")
    for wrong, message in (
        ({"offset": "y"}, "cannot be the offset"),
        ({"offset": "city"}, "holds categories"),
        ({"groups": ["y"]}, "cannot be grouped by the target"),
        ({"groups": ["a", "b", "c"]}, "by one column or two"),
        ({"groups": "city"}, "must be a list"),
        ({"groups": ["town"]}, "has no column of groups 'town'"),
        ({"offset": "a", "features": ["a", "b"]}, "cannot be a feature too"),
    ):
        with pytest.raises(OneLayerError, match=message):
            open_data(TABLE, target="y", **wrong)
    with pytest.raises(OneLayerError, match="'kind' has 3"):
        open_data(TABLE, target="kind", offset="known")


def test_groups_stay_together_in_folds_and_where_rows_are_held_out():
    dataset = numbers(groups=["city"])
    fold = folds(dataset.train, 5, seed=3)
    codes = dataset.train.groups[:, 0]
    assert len(set(zip(codes.tolist(), fold.tolist(), strict=True))) == len(set(codes.tolist())) == 9
    assert set(fold.tolist()) == set(range(5))
    rest, held = dataset.hold_out(0.3, seed=1)
    assert not set(rest.train.groups[:, 0].tolist()) & set(held.groups[:, 0].tolist())
    assert len(rest.train) + len(held) == 120 and abs(len(held) - 36) < 20
    alone = open_data(TABLE[TABLE["city"] == "c1"], target="y", features=NUMBERS, groups=["city"])
    assert train(alone, Settings(cov="classical")).cross_validation is None
    with pytest.raises(OneLayerError, match="all one"):
        train(alone)


# Penalties


def test_a_run_with_an_l1_is_the_elastic_net_of_scikit_learn():
    run = train(numbers(), Settings(alpha=30.0, l1_ratio=0.5))
    theirs = ElasticNet(alpha=30.0 / 120, l1_ratio=0.5, tol=1e-13, max_iter=100_000)
    theirs.fit(TABLE[NUMBERS], TABLE["y"])
    close(run.model.weight[0], theirs.coef_, 1e-6)
    assert run.plan.solver == "coordinate"
    assert np.isnan(run.coefficients.std_err).all() and run.model.errors is None
    with pytest.raises(OneLayerError, match="keeps no errors"):
        run.model.predict_interval(TABLE)


def test_classes_with_an_l1_are_the_logistic_regression_of_scikit_learn():
    run = train(open_data(TABLE, target="kind", features=NUMBERS), Settings(C=0.1, l1_ratio=0.7))
    theirs = LogisticRegression(C=0.1, l1_ratio=0.7, solver="saga", tol=1e-10, max_iter=200_000)
    theirs.fit(TABLE[NUMBERS], TABLE["kind"])
    close(run.model.predict_proba(TABLE), theirs.predict_proba(TABLE[NUMBERS]), 1e-3)
    assert run.plan.solver == "proximal" and "an l1" in run.coefficients.notes[0]


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("rule", ["min", "1se"])
def test_the_penalty_is_the_one_that_folds_choose(l1_ratio, rule):
    dataset = numbers()
    run = train(dataset, Settings(cv=4, l1_ratio=l1_ratio, rule=rule, seed=2))
    fold = folds(dataset.train, 4, seed=2)
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(4)]
    other = LinearRegressionCV(cv=splits, rule=rule, l1_ratio=l1_ratio).fit(TABLE[NUMBERS], TABLE["y"])
    close(run.plan.alpha, other.alpha_)
    close(run.model.weight[0], other.coef_, 1e-5)
    assert run.choice.penalty == run.plan.alpha and run.plan.cv == 4


def test_a_class_of_one_row_stays_in_what_is_learned():
    rare = TABLE.assign(kind=TABLE["kind"].where(TABLE.index != 3, "rare"))
    run = train(open_data(rare, target="kind", features=NUMBERS), Settings(cv=3))
    assert 0 < run.plan.C < np.inf


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"l1_ratio": 0.5}, "give alpha, or let cv choose"),
        ({"l1_ratio": 2.0, "alpha": 1.0}, "l1_ratio must be a number from 0 to 1"),
        ({"l1_ratio": 0.5, "alpha": 1.0, "solver": "direct"}, "with an l1_ratio the solver is coordinate"),
        ({"solver": "coordinate"}, "with an l1_ratio the solver is coordinate"),
        ({"l1_ratio": 0.5, "epochs": 3}, "not for SGD"),
        ({"cv": 1}, "at least 2"),
        ({"cv": 5, "alpha": 2.0}, "leave out the one or the other"),
        ({"cv": 5, "rule": "most"}, "rule must be one of min, 1se"),
        ({"cv": 500}, "500 folds need as many rows, and there are 120"),
        ({"cov": "HC9"}, "cov must be one of"),
        ({"cov": "cluster"}, "needs groups"),
        ({"cov": "HC1", "epochs": 3}, "solved exactly"),
        ({"lags": 3}, "lags are for the errors HAC"),
        ({"cov": "HAC", "lags": 500}, "lags must be an integer from 0 to 119"),
    ],
)
def test_settings_that_do_not_fit(settings, message):
    with pytest.raises(OneLayerError, match=message):
        train(numbers(), Settings(**settings))


def test_sgd_has_no_offset():
    with pytest.raises(OneLayerError, match="SGD has no offset"):
        train(numbers(offset="known"), Settings(epochs=2))


# Files


@pytest.mark.parametrize("how", [{}, {"groups": ["city"]}, {"features": ["a", "b", "twice"]}])
@pytest.mark.parametrize("target", ["y", "sold", "kind"])
def test_a_file_keeps_the_errors(target, how, tmp_path):
    wide = TABLE.assign(twice=2 * TABLE["b"] + TABLE["a"])
    more = {"features": NUMBERS, "offset": None if target == "kind" else "known", **how}
    model = train(open_data(wide, target=target, **more)).model
    model.save(tmp_path / "m.safetensors")
    again = Model.load(tmp_path / "m.safetensors")
    assert again.offset == more["offset"] and again.errors.cov == model.errors.cov
    assert np.array_equal(again.predict_interval(wide), model.predict_interval(wide), equal_nan=True)


def test_rows_that_dependent_features_leave_open_have_no_interval():
    wide = TABLE.assign(twice=2 * TABLE["b"] + TABLE["a"])
    model = train(open_data(wide, target="y", features=["a", "b", "twice"])).model
    strange = wide.head(3).assign(twice=[wide["twice"][0], 0.0, wide["twice"][2]])
    assert np.isnan(model.predict_interval(strange)).any(axis=1).tolist() == [False, True, False]


# The command line


def test_the_command_line_says_it_all(onelayer, tmp_path):
    TABLE.drop(columns=["sold", "kind"]).to_csv(tmp_path / "t.csv", index=False)
    trained = onelayer(
        *("train", tmp_path / "t.csv", "--target", "y", "--groups", "city,firm", "--offset", "known"),
        *("--out", tmp_path / "run", "--json"),
    )
    found = json.loads(trained.out)
    assert found["coefficients"]["cov"] == "cluster" and found["penalty"] is None
    assert "rows are grouped by 'city' and by 'firm'" in found["notes"]
    predicted = onelayer(
        "predict", tmp_path / "run", tmp_path / "t.csv", "--interval", "confidence", "--level", "0.8"
    )
    rows = pd.read_csv(pd.io.common.StringIO(predicted.out))
    ends = Model.load(tmp_path / "run").predict_interval(TABLE, level=0.8)
    close(rows[["predicted_y_low", "predicted_y_high"]], ends)
    assert (
        "between 0 and 1"
        in onelayer(
            "predict", tmp_path / "run", tmp_path / "t.csv", "--interval", "confidence", "--level", "95"
        ).error
    )


def test_a_penalty_that_is_chosen_is_said_and_drawn(onelayer, tmp_path):
    TABLE.drop(columns=["sold", "kind"]).to_csv(tmp_path / "t.csv", index=False)
    command = (
        "train",
        tmp_path / "t.csv",
        "--target",
        "y",
        "--cv",
        "4",
        "--l1-ratio",
        "1",
        "--out",
        tmp_path / "run",
    )
    said = onelayer(*command).out
    assert "chosen by 4 folds, l1_ratio = 1" in said and "features in the model" in said
    page = (tmp_path / "run" / "report.html").read_text()
    assert "How the penalty was chosen" in page and "log₁₀ alpha" in page
    penalty = json.loads(onelayer(*command, "--json").out)["penalty"]
    assert penalty["folds"] == 4 and len(penalty["path"]["alpha"]) == len(penalty["path"]["mean_error"])
    assert penalty["alpha"] in penalty["path"]["alpha"]


def test_the_page_has_odds_ratios_and_the_offset(onelayer, tmp_path):
    TABLE.to_csv(tmp_path / "t.csv", index=False)
    onelayer(
        *("train", tmp_path / "t.csv", "--target", "sold", "--features", "a,b", "--offset", "known"),
        *("--cov", "HC1", "--out", tmp_path / "run"),
    )
    page = (tmp_path / "run" / "report.html").read_text()
    assert "odds ratio" in page and "known" in page and "variances that differ from row to row (HC1)" in page

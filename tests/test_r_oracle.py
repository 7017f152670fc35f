"""``onelayer train`` on a table gives what R's ``lm``, ``glm`` and ``nnet::multinom`` give.

R's numbers are in ``data/r_oracle.json``, which ``tools/r_oracle.py`` writes.
"""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

import real_tables

FITS = json.loads((Path(__file__).parent / "data/r_oracle.json").read_text())["fits"]

# What is allowed, in standard errors, is twice R's own distance from the exact answer, which is in the file with one
# digit: up to 5e-14 for lm (QR), 1e-13 for glm (Newton's method, as in the solver here), and 4e-7 for multinom (BFGS,
# which stops where the deviance no longer changes in its last digit). To that comes the solver's own:
ROUNDING = 1e-13
LAST_STEP = 1e-9  # of Newton's method, which stops at a gap of 1e-10 of the objective

WAYS = {
    "semicolon.csv": {"sep": ";", "decimal": ","},
    "tab.tsv": {"sep": "\t"},
    "utf-16.csv": {"encoding": "utf-16"},
    "quoted.csv": {"encoding": "utf-8-sig", "quoting": csv.QUOTE_ALL},
}


def name_of(fit):
    return f"{fit['method']}-{fit['item']}"


def train(onelayer, fit, name="table.csv", **way):
    """Return what the command line says of a data set, written as a file."""
    frame = real_tables.read(fit["package"], fit["item"])
    frame.to_csv(name, index=False, **way)
    target, right = fit["formula"].split(" ~ ")
    model = ["--target", target] if right == "." else ["--formula", fit["formula"]]
    weight = ["--weight", fit["weights"]] if fit["weights"] else []
    result = onelayer("train", name, *model, *weight, "--missing", "drop", "--json")
    assert result.code == 0, result.err
    return json.loads(result.out)


def coefficients(values):
    """Return (outputs, terms, 4): estimates, standard errors, t or z, and p."""
    columns = ("estimate", "std_err", "statistic", "p")
    outputs = values["coefficients"]["outputs"].values()
    return np.array([[[row[column] for column in columns] for row in rows] for rows in outputs])


def name_in_r(term, names):
    """Return R's name of a term: ``cityUlm`` for ``city=Ulm``, ``unionyes`` for a column of yes and no."""
    name = "(Intercept)" if term == "intercept" else term.replace("=", "")
    return name if name in names else f"{name}yes"


@pytest.mark.parametrize("fit", FITS, ids=name_of)
def test_train_gives_the_numbers_of_r(onelayer, fit):
    values = train(onelayer, fit)
    assert not values["warnings"]
    ours, theirs = values["coefficients"]["outputs"], fit["outputs"]
    assert list(ours) == list(theirs)
    for output, rows in ours.items():
        assert [name_in_r(row["term"], theirs[output]) for row in rows] == list(theirs[output])

    found, expected = coefficients(values), np.array([list(terms.values()) for terms in theirs.values()])
    error, statistic = expected[..., 1], np.abs(expected[..., 2])
    bound = 2 * fit["distance"] + (ROUNDING if fit["method"] == "lm" else LAST_STEP)
    off = np.abs(found - expected)
    assert (off[..., 0] <= bound * error).all()
    assert (off[..., 1] <= bound * error).all()
    assert (off[..., 2] <= bound * (1 + statistic)).all()
    # The density of the normal distribution at z is at most (1 + z) times its tail, and z is off by bound * (1 + z);
    # the tails of t are longer.
    assert (off[..., 3] <= bound * (1 + statistic) ** 2 * expected[..., 3]).all()


@pytest.mark.parametrize("fit", FITS, ids=name_of)
def test_how_well_it_fits(onelayer, fit):
    values, n = train(onelayer, fit), fit["rows"]
    if fit["method"] != "lm":
        assert values["train_loss"] == pytest.approx(fit["deviance"] / 2 / n, rel=1e-10)
        return
    assert values["r2"] == pytest.approx(fit["r2"], rel=1e-13)
    if not fit["weights"]:  # with weights, R's sigma and ours are over other totals
        degrees = n - values["parameters"]
        assert values["rmse"] == pytest.approx(fit["sigma"] * math.sqrt(degrees / n), rel=1e-13)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("item", ["Prestige", "Pima.tr"])
def test_however_the_file_is_written(onelayer, item, way):
    (fit,) = (fit for fit in FITS if fit["item"] == item)
    plain = coefficients(train(onelayer, fit))
    other = coefficients(train(onelayer, fit, way, **WAYS[way]))
    np.testing.assert_allclose(other, plain, rtol=1e-12)

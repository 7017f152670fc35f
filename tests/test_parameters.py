"""What estimators refuse before they fit: dates, integers that float64 would merge, parameters out of range."""

import datetime

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
import sklearn
from scipy import sparse

from onelayer.errors import OneLayerError
from onelayer.estimators import SoftmaxRegression
from onelayer.estimators.parameters import refuse_unlike_numbers

DAYS = pd.date_range("2024-01-01", periods=6)
LABELS = np.arange(6) % 2


def tables_with_dates():
    yield "datetime64", DAYS.to_numpy()[:, None]
    yield "timedelta64", (DAYS - DAYS[0]).to_numpy()[:, None]
    yield "frame", pd.DataFrame({"x": np.arange(6.0), "day": DAYS})
    yield "not a time", pd.DataFrame({"x": np.arange(6.0), "day": [pd.NaT, *DAYS[1:]]})
    yield "time zone", pd.DataFrame({"x": np.arange(6.0), "day": DAYS.tz_localize("UTC")})
    yield "timestamps", pd.DataFrame({"day": DAYS.to_list()}, dtype=object)
    yield "dates in a list", [[1.0, datetime.date(2024, 1, day)] for day in range(1, 7)]
    yield "polars", polars.DataFrame({"x": np.arange(6.0), "day": DAYS.to_pydatetime()})
    yield "arrow", pa.table({"x": np.arange(6.0), "day": pa.array(DAYS)})


@pytest.mark.parametrize("given", list(tables_with_dates()), ids=lambda given: given[0])
def test_dates_are_not_numbers(given):
    _, X = given
    model = SoftmaxRegression()
    with pytest.raises(OneLayerError, match="dates or times, which are not numbers: turn them into"):
        model.fit(X, LABELS)
    width = 1 if getattr(X, "shape", (0, 2))[1] == 1 else 2
    model.fit(np.arange(6.0 * width).reshape(6, width), LABELS)
    with pytest.raises(OneLayerError, match="dates or times"):
        model.predict(X)


@pytest.mark.parametrize("start", [2**53, -(2**53) - 6, 2**62])
def test_integers_that_float64_would_merge(start):
    ids = start + np.arange(6)[:, None]
    for X in (ids, pd.DataFrame({"id": ids[:, 0]}), ids.tolist(), sparse.csr_array(ids)):
        with pytest.raises(OneLayerError, match=r"float64 does not tell from its neighbours"):
            SoftmaxRegression().fit(X, LABELS)
    refuse_unlike_numbers(ids // 2**11 * 2**11)  # large, but each a float64 number
    refuse_unlike_numbers((ids - start).astype(np.uint64))


def test_the_column_is_named():
    with pytest.raises(OneLayerError, match="column 'day' holds dates"):
        refuse_unlike_numbers(pd.DataFrame({"x": [1.0], "day": [DAYS[0]]}))


@pytest.mark.parametrize(
    "X", [[[1, 2.5]], np.array([["1.5"]], dtype=object), np.array([[True]]), np.ones((2, 2), "f4")]
)
def test_numbers_pass(X):
    refuse_unlike_numbers(X)


def test_parameters_are_not_checked_where_scikit_learn_is_told_so():
    X = np.arange(6.0)[:, None]
    wrong = SoftmaxRegression(C=1.0, tol=0)
    with pytest.raises(OneLayerError, match="'tol' parameter"):
        wrong.fit(X, LABELS)
    with (
        sklearn.config_context(skip_parameter_validation=True),
        pytest.warns(sklearn.exceptions.ConvergenceWarning),
    ):
        wrong.fit(X, LABELS)


def test_parameters_are_given_by_name():
    with pytest.raises(TypeError, match="positional"):
        SoftmaxRegression(1.0)

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
from onelayer.estimators import LinearRegression, SoftmaxRegression
from onelayer.estimators.parameters import plain_labels, refuse_unlike_numbers, validated_numbers

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


@pytest.mark.parametrize(
    ("name", "right", "wrong"), [("max_iter", 1, 1.0), ("tol", 0.5, "0.5"), ("alpha", 0, -1)]
)
def test_that_a_parameter_was_right_once_makes_no_other_right(name, right, wrong):
    X = np.arange(6.0)[:, None]
    for _ in range(2):
        LinearRegression(**{name: right}).fit(X, X[:, 0])
        for _ in range(2):
            with pytest.raises(OneLayerError, match=f"'?{name}"):
                LinearRegression(**{name: wrong}).fit(X, X[:, 0])


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("q", [(), (1,), (3,)])
def test_arrays_of_floats_are_left_to_scikit_learn_no_differently(dtype, q):
    X, y = np.asfortranarray(np.ones((4, 2), dtype)), np.ones((4, *q), dtype)
    frame = pd.DataFrame(X, columns=["a", "b"])
    for given in (frame, X):  # names of an earlier fit are forgotten
        ours, theirs = LinearRegression(), LinearRegression()
        for X_before in (frame, given):
            found = validated_numbers(ours, X_before, y)
            how = {"dtype": (np.float64, np.float32), "y_numeric": True, "multi_output": True}
            right = sklearn.utils.validation.validate_data(theirs, X_before, y, **how)
        assert all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(found, right, strict=True))
        assert found[1] is y and vars(ours).keys() == vars(theirs).keys()
    assert found[0] is X


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (np.ones(3), np.ones(3), "Expected 2D array, got 1D"),
        (np.ones((0, 2)), np.ones(0), r"0 sample\(s\)"),
        (np.ones((3, 0)), np.ones(3), r"0 feature\(s\)"),
        (np.ones((3, 2)), np.ones(4), "inconsistent numbers of samples"),
        (np.ones((3, 2)), np.ones((3, 1, 1)), "dim 3"),
        (np.ones((3, 2)), np.array([1, np.nan, 2]), "Input y contains NaN"),
        (np.ones((3, 2)), np.array([1, np.inf, 2]), "Input y contains infinity"),
        (np.array([[1.0], [np.nan]]), np.ones(2), "feature in column 1, row 2 is NaN"),
        (np.ones((3, 2), complex), np.ones(3), "Complex data not supported"),
    ],
)
def test_what_is_wrong_with_an_array_is_said(X, y, words):
    with pytest.raises(ValueError, match=words):
        LinearRegression().fit(X, y)


def test_parameters_are_given_by_name():
    with pytest.raises(TypeError, match="positional"):
        SoftmaxRegression(1.0)


def labels_of(*values):
    return np.array(values, object)


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (labels_of(0, 1, 0), np.array([0, 1, 0])),
        (labels_of(np.int8(3), 10**12), np.array([3, 10**12])),
        (labels_of(True, np.False_), np.array([True, False])),
        (labels_of(1, 2.0), np.array([1.0, 2.0])),
        (labels_of("a", "b"), np.array(["a", "b"], object)),
        (pd.Series([3, 1], dtype="Int64"), np.array([3, 1])),
        (np.array([2, 1]), np.array([2, 1])),
    ],
)
def test_labels_as_objects_are_those_of_their_type(y, expected):
    found = np.asarray(plain_labels(y))
    assert found.tolist() == expected.tolist() and found.dtype.kind in (expected.dtype.kind, "f")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (labels_of("a", "b", 1), "several types: the string 'a' in row 1, but the number 1 in row 3"),
        (["a", 1], "several types"),
        (labels_of(True, 1), "the boolean True in row 1, but the number 1 in row 2"),
        (labels_of("a", None), "y has None in row 2"),
        (labels_of(float("nan"), 1), "y has nan in row 1"),
        (pd.Series(["a", None, "b"]), "in row 2: a row without a label"),
        (pd.Series(["a", pd.NA], dtype=object), "y has <NA> in row 2"),
        (labels_of(b"a", b"b"), "of type bytes: labels are strings, numbers or booleans"),
        (labels_of(2**70, 1), "integers beyond 64 bits"),
    ],
)
def test_labels_of_no_type_or_several_are_named(y, message):
    with pytest.raises(OneLayerError, match=message):
        plain_labels(y)
    X = np.arange(float(len(y)))[:, None]
    with pytest.raises(OneLayerError, match=message):
        SoftmaxRegression().fit(X, y)


def test_an_estimator_learns_from_integers_that_are_objects():
    X, y = np.arange(6.0)[:, None], [0, 0, 0, 1, 1, 1]
    as_objects = SoftmaxRegression().fit(X, labels_of(*y))
    as_integers = SoftmaxRegression().fit(X, np.array(y))
    assert as_objects.classes_.dtype == as_integers.classes_.dtype
    assert np.array_equal(as_objects.coef_, as_integers.coef_)
    assert as_objects.score(X, labels_of(*y)) == 1
    streamed = SoftmaxRegression(solver="sgd").partial_fit(X, labels_of(*y), classes=labels_of(0, 1, 2))
    assert streamed.classes_.tolist() == [0, 1, 2]
    with pytest.raises(OneLayerError, match="y has 'a', which is not one of the classes"):
        streamed.partial_fit(X, labels_of(*"aabbaa"))

"""Columns become the features that one would write down by hand, in training and for rows that are predicted later."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from onelayer import OneLayerError, open_data
from onelayer.data.encoding import MANY_FEATURES, Column, Encoding
from onelayer.data.tables import open_table


def encode(encoding, columns, unknown="error"):
    table = open_table(pa.table(columns))
    profiles = table.profiles(encoding.names, encoding.categories)
    [batch] = table.batches(encoding.names)
    return encoding.encode(batch, profiles, unknown=unknown)


CITY = Column("city", "category", ("Aachen", "Bonn", "Celle"), "Bonn")


def test_the_reference_has_no_feature():
    assert CITY.features == ("city=Aachen", "city=Celle")
    X, strange = encode(Encoding((CITY,)), {"city": ["Bonn", "Celle", "Aachen", None]})
    np.testing.assert_array_equal(X, [[0, 0], [0, 1], [1, 0], [np.nan, np.nan]])
    assert not strange.any()


def test_unknown_levels():
    encoding = Encoding((Column("x"), CITY))
    with pytest.raises(
        OneLayerError, match="'city', row 2: 'Bon' is not one of the 3 known values, such as 'Bonn'"
    ):
        encode(encoding, {"x": [1, 2], "city": ["Bonn", "Bon"]})
    X, strange = encode(encoding, {"x": [1, 2], "city": ["Bonn", "Bon"]}, "ignore")
    assert strange.tolist() == [False, True]
    np.testing.assert_array_equal(X, [[1, 0, 0], [2, np.nan, np.nan]])


def test_na_is_missing_where_it_is_not_a_level():
    X, strange = encode(Encoding((CITY,)), {"city": ["NA", "Bonn"]})
    assert np.isnan(X[0]).all() and not strange.any()
    level = Column("city", "category", ("Bonn", "NA"), "Bonn")
    assert encode(Encoding((level,)), {"city": ["NA", "Bonn"]})[0].tolist() == [[1], [0]]


def test_numbers_and_dates_of_other_types_are_the_same():
    encoding = Encoding((Column("x"), Column("b", "boolean"), Column("d", "date", parts=("days", "weekday"))))
    strings = {"x": ["1,5", "2,25"], "b": ["yes", "no"], "d": ["2024-01-01", "02.01.2024"]}
    days = pa.array([19723, 19724], pa.int32()).cast(pa.date32())
    typed = {"x": [1.5, 2.25], "b": [True, False], "d": days}
    for columns in (strings, typed):
        assert encode(encoding, columns)[0].tolist() == [[1.5, 1, 19723, 0], [2.25, 0, 19724, 1]]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (Column("x"), ["1", "2", "many"], "'x', row 3: 'many' is not a number"),
        (Column("x"), [[1], [2]], "'x' is of type list"),
        (Column("b", "boolean"), ["yes", "perhaps"], "'b', row 2: 'perhaps' is neither true nor false"),
        (Column("d", "date", parts=("days",)), [1.5, 2.5], "'d' is of type double, not a date"),
        (Column("d", "date", parts=("days",)), ["2024-01-01", "soon"], "'d', row 2: 'soon' is not a date"),
        (Column("x"), [1.0, np.inf], "'x', row 2: the value is infinite"),
        (Column("x"), [1.0, 1e200], "'x', row 2: the value is 1e.200, too large"),
    ],
)
def test_rows_that_are_not_as_those_of_training(column, values, message):
    with pytest.raises(OneLayerError, match=message):
        encode(Encoding((column,)), {column.name: values})


def test_many_categories_are_sparse_all_the_way():
    levels = [f"k{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(MANY_FEATURES + 2)]
    cells = levels * 3
    table = pa.table({"x": np.arange(len(cells)) * 0.5, "c": cells, "y": range(len(cells))})
    data = open_data(table, "y")
    assert sparse.issparse(data.train.X) and data.train.X.shape == (len(cells), MANY_FEATURES + 2)
    order = sorted(levels)
    expected = np.array([[level == cell for level in order[1:]] for cell in cells], float)
    np.testing.assert_array_equal(data.train.X.toarray()[:, 1:], expected)
    X, _ = encode(data.encoding, {"x": [1.0, 2.0], "c": [order[0], order[-1]]})
    assert X.toarray()[:, 1:].sum(axis=1).tolist() == [0, 1]
    gaps = pa.table({"x": table["x"], "c": [*cells[:-1], None], "y": table["y"]})
    assert len(open_data(gaps, "y", missing="drop").train) == len(cells) - 1


def test_a_level_without_a_training_row_is_said():
    table = pa.table({"x": [1.0, 2.0, None, 4.0], "c": ["a", "b", "c", "a"], "y": [1, 2, 3, 4]})
    data = open_data(table, "y", missing="drop", categorical=["c"])
    assert "c: no row is left of 'c'" in data.notes

"""Cells of plain text are the numbers and strings that they are to other readers, in whatever chunks they are read."""

import csv
import io
import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from conftest import held
from onelayer import LinearRegression, OneLayerError, scan
from onelayer.data import delimited
from onelayer.data.string_columns import CellsProfiler
from onelayer.data.tables import open_table
from onelayer.data.text_rows import Form, IrregularError, as_text, plain_rows

compiled = pytest.importorskip("onelayer.data.compiled_cells", reason="there was no compiler")
FILES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def columns_of(tmp_path, text, width, form=as_text, separator=",", sizes=(1 << 20, 1 << 20)):
    """Return all columns of a text without names as chunked arrays."""
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    chunks = list(plain_rows(path, 0, separator, width, range(width), form, sizes))
    return [pa.chunked_array(list(parts)) for parts in zip(*chunks, strict=True)]


def number_of(tmp_path, cell, form=Form.NUMBER):
    """Return a cell as it is read: a number, or a string."""
    [found] = columns_of(tmp_path, f"{cell},x\n", 2, lambda _: form)[0].to_pylist()
    return found


def same_bits(a, b):
    return np.float64(a).tobytes() == np.float64(b).tobytes()


# Numbers


@FILES
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["r", ".16e", ".5f", ".3e", ".20f"]))
def test_numbers_are_those_of_python(tmp_path, x, how):
    cell = repr(x) if how == "r" else format(x, how)
    found = number_of(tmp_path, cell)
    assert found == cell if isinstance(found, str) else same_bits(found, float(cell))


@FILES
@given(st.floats(1e-290, 1e290), st.sampled_from([1, -1]))
def test_what_programs_write_of_a_float64_is_read_as_a_number(tmp_path, x, sign):
    assert same_bits(number_of(tmp_path, repr(sign * x)), sign * x)


@FILES
@given(st.integers(2**52, 2**53 - 1), st.integers(-60, 8), st.sampled_from([-1, 0, 1]), st.integers(0, 3))
def test_numbers_near_the_middle_of_two_floats(tmp_path, mantissa, exponent, less, more):
    middle = Fraction(2 * mantissa + 1) * Fraction(2) ** exponent
    digits = 19 - more
    places = digits - len(str(int(middle)))
    assume(places >= 0)
    w = int(middle * 10**places) + less
    cell = f"{w}e-{places}"
    found = number_of(tmp_path, cell)
    assert found == cell if isinstance(found, str) else same_bits(found, float(Fraction(w, 10**places)))


@pytest.mark.parametrize(
    "cell", ["9007199254740993", "18014398509481990", "4503599627370497.5", "0.5", "1e22", "1e23"]
)
def test_halves_are_rounded_to_even(tmp_path, cell):
    found = number_of(tmp_path, cell)
    assert found == cell if isinstance(found, str) else same_bits(found, float(cell))


ODD = [
    "+1",
    " 1",
    "1 ",
    "1_0",
    "0x1",
    "nan",
    "inf",
    "1e",
    "-",
    ".",
    "e5",
    "1.2.3",
    "1-2",
    "--1",
    "1e400",
    "1e-400",
    "١",
]
ODD += ["12345678901234567890", "0.12345678901234567890", "1e99999"]
FORMS = {
    "1.5": {Form.NUMBER, Form.DECIMAL},
    "-0.25": {Form.NUMBER, Form.DECIMAL},
    "12": {Form.NUMBER, Form.DECIMAL, Form.WHOLE},
    "-7": {Form.NUMBER, Form.DECIMAL, Form.WHOLE},
    "0": {Form.NUMBER, Form.DECIMAL, Form.WHOLE},
    "-0": {Form.NUMBER, Form.DECIMAL},
    "007": {Form.NUMBER, Form.DECIMAL},
    "9007199254740992": {Form.NUMBER, Form.DECIMAL, Form.WHOLE},
    "9007199254740994": {Form.NUMBER, Form.DECIMAL},
    "5.": {Form.NUMBER},
    ".5": {Form.NUMBER},
    "2e3": {Form.NUMBER},
    "2E-3": {Form.NUMBER},
    **{cell: set() for cell in ODD},
}


@pytest.mark.parametrize("cell", FORMS)
@pytest.mark.parametrize("form", list(Form))
def test_a_form_takes_in_its_cells_and_no_others(tmp_path, cell, form):
    is_number = (Form.NUMBER if form == Form.KNOWN else form) in FORMS[cell]
    found = number_of(tmp_path, cell, form)
    assert same_bits(found, float(cell)) if is_number else found == cell


def test_one_other_cell_makes_strings_of_a_chunk_alone(tmp_path):
    cells = [str(i) for i in range(400)]
    cells[250] = "+1"
    path = tmp_path / "t.csv"
    path.write_text("".join(f"{cell},x\n" for cell in cells))
    found = [columns[0] for columns in plain_rows(path, 0, ",", 2, [0], lambda _: Form.NUMBER, (50, 200))]
    kinds = [chunk.type for chunk in found]
    assert kinds.count(pa.large_string()) == 1 and len(kinds) > 5
    assert [float(cell) for chunk in found for cell in chunk.to_pylist()] == list(map(float, cells))


# Cells and rows

CELLS = st.text(st.characters(exclude_characters='"\r\n,;\t|\0', exclude_categories=["Cs"]), max_size=6)


@FILES
@given(
    st.integers(2, 4).flatmap(
        lambda w: st.lists(st.lists(CELLS, min_size=w, max_size=w), min_size=1, max_size=30)
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(1, 60),
)
def test_cells_are_those_of_the_csv_module(tmp_path, rows, separator, end, ends, size):
    text = end.join(separator.join(row) for row in rows) + (end if ends else "")
    read = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=csv.QUOTE_NONE))
    found = columns_of(tmp_path, text, len(rows[0]), separator=separator, sizes=(size, size))
    assert [column.to_pylist() for column in found] == [
        [cell or None for cell in column] for column in zip(*read, strict=True)
    ]


@pytest.mark.parametrize("broken", ["7", "7,8,9", '"7",8', "7,8\r9", "7\r,8", ' ,"', "x"])
def test_rows_before_one_that_is_not_plain(tmp_path, broken):
    path, rows = tmp_path / "t.csv", "".join(f"{i},{i + 1}\n" for i in range(50))
    path.write_bytes(f"{rows}{broken}\n{rows}".encode())
    found = []
    with pytest.raises(IrregularError):
        found.extend(plain_rows(path, 0, ",", 2, [1, 0], as_text, (40, 64)))
    assert [cell for columns in found for cell in columns[1].to_pylist()] == [str(i) for i in range(50)]


def test_lines_longer_than_a_chunk_and_empty_ones(tmp_path):
    text = f"1,{'x' * 500}\n\n\n2,y\n,\n\n3,z"
    found = columns_of(tmp_path, text, 2, sizes=(16, 16))
    assert found[0].to_pylist() == ["1", "2", None, "3"]
    assert found[1].to_pylist() == ["x" * 500, "y", None, "z"]


def test_wrong_arguments_of_the_kernel():
    kinds, powers = np.zeros(2, np.uint8), np.ones((1, 3), np.uint64)
    fine = b"1,2\n", 44, powers, 0, kinds, np.empty((1, 3), np.int32), np.empty((2, 1))
    assert compiled.read_cells(*fine) == (1, 4)
    starts, offsets = np.array([[0, 2, 4]], np.int32), np.array([0, 9])
    for i, wrong in (
        *((0, b"1,2"), (2, np.ones((1, 2), np.uint64)), (4, np.zeros(0, np.uint8))),
        *((5, np.empty((1, 2), np.int32)), (5, np.empty((1, 3))), (6, np.empty((1, 2)))),
    ):
        with pytest.raises(ValueError, match="argument"):
            compiled.read_cells(*fine[:i], wrong, *fine[i + 1 :])
    with pytest.raises(ValueError, match="argument"):
        compiled.join_cells(b"1,2\n", starts, 0, offsets, np.empty(9, np.uint8))
    with pytest.raises(ValueError, match="argument"):
        compiled.join_cells(b"1,2\n", starts, 3, np.array([0, 1]), np.empty(1, np.uint8))


# What becomes of tables does not depend on who reads them

FAMILIES = st.sampled_from(
    [
        *(["1", "2", "-3", "40"], ["1.5", "-0.125", "7.25"], ["0.5", "1e5", ".5", "5."], ["a", "b", "NA"]),
        *(["yes", "no"], ["2024-01-02", "2023-12-31"], ["1.234", "2.345"], ["1,5", "2,25"], ["007", "12"]),
        *(["1 234", "5"], ["9007199254740993", "1"], ["", "3", "4.5"], ["", "x"], ["+1", " 2 ", "nan"]),
    ]
)
COLUMN = FAMILIES.flatmap(lambda family: st.lists(st.sampled_from(family), min_size=60, max_size=60))
ANY_COLUMN = st.one_of(
    COLUMN,
    st.lists(st.integers(-(10**6), 10**6).map(str), min_size=60, max_size=60),
    st.lists(st.floats(-100, 100).map("{:.6f}".format), min_size=60, max_size=60),
    st.tuples(COLUMN, COLUMN).map(lambda two: [*two[0][:50], *two[1][50:]]),
)


@FILES
@given(st.lists(ANY_COLUMN, min_size=2, max_size=3))
def test_the_compiled_reader_gives_the_table_that_duckdb_gives(tmp_path, columns):
    path = tmp_path / "t.csv"
    names = ";".join(f"c{i}" for i in range(len(columns)))
    path.write_text("\n".join([names, *map(";".join, zip(*columns, strict=True))]))

    def outcome():
        try:
            table = open_table(path)
            return held(table), table.profiles(table.columns)
        except OneLayerError as error:
            return str(error)

    ours = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "IS_COMPILED", False)
        assert outcome() == ours


@FILES
@given(ANY_COLUMN, st.integers(1, 30), st.sampled_from([3, 1000]))
def test_numbers_tell_a_column_as_their_strings_do(tmp_path, cells, size, counted):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("onelayer.data.string_columns.COUNTED", counted)
        by_strings, by_form = CellsProfiler("c"), CellsProfiler("c")
        for start in range(0, len(cells), size):
            part = cells[start : start + size]
            text = "".join(f"{cell}\tx\n" for cell in part)
            [numbers, _] = columns_of(tmp_path, text, 2, lambda _: by_form.form, "\t")
            [strings, _] = columns_of(tmp_path, text, 2, as_text, "\t")
            by_form.add(numbers.chunk(0))
            by_strings.add(strings.chunk(0))
        assert by_form.profile() == by_strings.profile()


def written(tmp_path, rows=20_000):
    """Write a CSV file of numbers and return its path, the features and the target."""
    r = np.random.default_rng(0)
    X = r.normal(size=(rows, 3)) * [1, 1e-9, 1e6]
    y = X @ [1.0, 2e9, 3e-6] + r.normal(size=rows)
    path = tmp_path / "t.csv"
    lines = [",".join(map(repr, [*x, value])) for x, value in zip(X.tolist(), y.tolist(), strict=True)]
    path.write_text("\n".join(["a,b,c,y", *lines]))
    return path, X, y


def test_a_scan_of_numbers_has_them_to_the_last_bit(tmp_path):
    path, X, y = written(tmp_path)
    rows = scan(path, target="y")
    assert rows.source is not None and len(rows) == len(y)
    block = rows.gathered()
    np.testing.assert_array_equal(block.X, X)
    np.testing.assert_array_equal(block.y[:, 0], y)
    expected = LinearRegression().fit(X, y)
    found = LinearRegression().fit(rows)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-10)
    assert math.isclose(found.intercept_, expected.intercept_, rel_tol=1e-6, abs_tol=1e-9)


def test_a_scan_fills_what_is_missing_with_the_means(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n" + "".join(f"{i},{'' if i % 5 == 0 else i * i},{i}.5\n" for i in range(3_000)))
    block = scan(path, target="y", missing="mean").gathered()
    known = [i * i for i in range(3_000) if i % 5]
    np.testing.assert_allclose(block.X[::5, 1], np.mean(known), rtol=1e-12)
    assert not np.isnan(block.X).any()


def test_a_broken_row_is_refused_with_its_line(tmp_path):
    path, *_ = written(tmp_path, 60_000)
    with path.open("a") as file:
        file.write("\n1,2\n")
    with pytest.raises(
        OneLayerError, match=r"t\.csv: line 60,002 \(row 60,001\) has 2 cells where there are 4"
    ):
        scan(path, target="y")


def test_a_file_that_changes_between_passes_is_noticed(tmp_path):
    path, *_ = written(tmp_path)
    table = open_table(path)
    held(table)
    with path.open("a") as file:
        file.write("\n1,2,3,4\n")
    with pytest.raises(OneLayerError, match=r"t\.csv: was changed while it was read"):
        held(table)

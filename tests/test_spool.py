"""Features in a file are sliced as the array that was written."""

import gc
import os

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelayer.data.spool import CHUNK, LARGE, NumbersKept, SpoolWriter


def spooled(X, sizes):
    writer = SpoolWriter(X.shape[1])
    for part in np.split(X, np.cumsum(sizes)):
        writer.add(part)
    return writer.spool()


@given(st.integers(0, 40), st.integers(1, 4), st.data())
def test_a_spool_is_sliced_as_an_array(n, d, data):
    X = np.random.default_rng(n).normal(size=(n, d))
    spool = spooled(X, [n // 3])
    assert len(spool) == n and spool.shape == X.shape and spool.dtype == X.dtype and spool.ndim == 2
    places = st.integers(-n - 2, n + 2)
    part = slice(data.draw(places), data.draw(places), data.draw(st.integers(1, 3)))
    np.testing.assert_array_equal(spool[part], X[part])
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)
    np.testing.assert_array_equal(spool[mask][:], X[mask])
    np.testing.assert_array_equal(spool[mask][part], X[mask][part])
    if n:
        rows = np.array(data.draw(st.lists(st.integers(0, n - 1), max_size=5)), int)
        np.testing.assert_array_equal(spool[rows], X[rows])
        np.testing.assert_array_equal(spool[:, 0], X[:, 0])
        again = np.array(
            data.draw(st.lists(st.booleans(), min_size=int(mask.sum()), max_size=int(mask.sum()))), bool
        )
        np.testing.assert_array_equal(spool[mask][again][:], X[mask][again])


def test_missing_values_are_filled_in_a_view():
    X = np.array([[1.0, np.nan], [np.nan, 4.0], [5.0, 6.0]])
    spool = spooled(X, [1])
    filled = spool.filled(np.array([10.0, 20.0]))
    assert filled[:].tolist() == [[1, 20], [10, 4], [5, 6]]
    assert filled[np.array([False, True, True])][:].tolist() == [[10, 4], [5, 6]]
    np.testing.assert_array_equal(spool[:], X)


@pytest.mark.parametrize("names", [["a"], ["b", "c"], ["c", "a"]])
def test_some_columns_that_were_kept(names):
    X = {name: np.random.default_rng(i).normal(size=7) for i, name in enumerate("abc")}
    kept = NumbersKept()
    for part in (slice(0, 3), slice(3, 7)):
        kept.add({name: pa.array(x[part]) for name, x in X.items()} | {"text": None})
    expected = np.stack([X[name] for name in names], axis=1)
    spool = kept.of(names)
    assert spool.shape == expected.shape
    np.testing.assert_array_equal(spool[1:5], expected[1:5])
    mask = np.arange(7) % 2 == 0
    filled = spool[mask].filled(np.zeros(len(names)))
    np.testing.assert_array_equal(filled[:], expected[mask])
    assert kept.of(["text"]) is None
    kept.add({"a": None, "b": pa.array(X["b"]), "c": pa.array(X["c"]), "text": None})
    assert kept.of(names) is None


def test_columns_longer_than_what_is_read_at_once():
    X = np.arange(2.0 * (CHUNK + 5)).reshape(-1, 2)
    spool = spooled(X, [CHUNK - 1])
    np.testing.assert_array_equal(spool[:, 1], X[:, 1])
    np.testing.assert_array_equal(spool[CHUNK - 2 : CHUNK + 2], X[CHUNK - 2 : CHUNK + 2])


def test_many_rows_at_once_are_a_copy_of_what_is_in_the_file():
    X = np.arange(2.0 * (LARGE // 16 + 700)).reshape(-1, 2)
    spool = spooled(X, [])
    for start in (0, 1, 300, 512):
        part = spool[start:]
        np.testing.assert_array_equal(part, X[start:])
        part[0] = -1
        np.testing.assert_array_equal(spool[start : start + 2], X[start : start + 2])


def test_the_file_goes_with_the_last_view():
    spool = spooled(np.zeros((4, 1)), [2])
    view, descriptor = spool[np.array([True, False, True, False])], spool._storage.descriptor
    del spool
    gc.collect()
    os.fstat(descriptor)
    del view
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)

"""Rows: what is not data is refused at once, and sums do not depend on blocks, layouts or types."""

import pickle

import numpy as np
import pytest
import torch
from scipy import sparse

from onelayer import LinearRegression, OneLayerError, Rows, SoftmaxRegression
from onelayer.data import PIXEL_UNIT
from onelayer.solvers.batches import Batches, epoch_order

X = np.random.default_rng(0).normal(size=(6, 3))


def test_whole_numbers_are_classes_and_all_else_a_regression_unless_the_task_is_given():
    assert Rows(X, [0, 1, 2, 0, 1, 2]).task == "classes"
    assert Rows(X, np.arange(6.0)).task == "regression"
    assert Rows(X, np.arange(6).reshape(6, 1)).task == "regression"
    integers = Rows(X, np.arange(6) - 3, "regression")
    assert integers.y.dtype == np.float64 and integers.y.ravel().tolist() == [-3, -2, -1, 0, 1, 2]


def test_tensors_arrays_and_lists_are_the_same_rows():
    expected = Rows(X, np.arange(6) % 2)
    for given in (X.tolist(), torch.from_numpy(X), np.asfortranarray(X), X.astype(">f8")):
        rows = Rows(given, torch.arange(6) % 2)
        assert np.array_equal(rows.X, expected.X) and rows.X.dtype == np.float64
        assert np.array_equal(rows.y, expected.y) and rows.task == "classes"


def unaligned(values):
    """Return the array as it lies in a record or a file behind a single byte."""
    fields = np.zeros(len(values), [("byte", "u1"), ("values", values.dtype, values.shape[1:])])
    fields["values"] = values
    assert not fields["values"].flags.aligned
    return fields["values"]


@pytest.mark.parametrize("n", [6, 3_000])  # by the compiled way of few rows, and of many
def test_numbers_between_two_addresses_are_the_same_rows(n):
    generator = np.random.default_rng(1)
    A, y, c = generator.normal(size=(n, 3)), generator.normal(size=n), generator.uniform(size=n)
    for parameters in ({}, {"alpha": 0.1, "l1_ratio": 0.5}):
        expected, found = (
            LinearRegression(**parameters).fit(how(A), how(y), sample_weight=how(c))
            for how in (np.asarray, unaligned)
        )
        assert np.array_equal(found.coef_, expected.coef_)
    labels = np.arange(n) % 3
    for dtype in (np.float32, np.float64):
        expected, found = (
            SoftmaxRegression(solver="sgd", random_state=0).fit(how(A.astype(dtype)), how(labels))
            for how in (np.asarray, unaligned)
        )
        assert np.array_equal(found.coef_, expected.coef_)


def test_a_block_of_a_message_between_processes_can_lie_anywhere():
    block = Rows(np.random.default_rng(1).normal(size=(60, 3)), np.arange(60.0)).gathered()
    parts: list[pickle.PickleBuffer] = []
    message = pickle.dumps(block, protocol=5, buffer_callback=parts.append)
    there = pickle.loads(message, buffers=[memoryview(b"-" + part.raw())[1:] for part in parts])
    assert len(parts) == 2 and there.X.flags.aligned and there.y.flags.aligned
    assert np.array_equal(there.X, block.X) and np.array_equal(there.y, block.y) and there.c is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((X, [0, 1]), "6 rows of features, but 2 targets"),
        ((X[0], [0, 1, 2]), r"features must be \(n, d\)"),
        ((X, [0, 1, -1, 0, -2, 0]), "label -1 in row 3"),
        ((X, np.arange(6.0), "classes"), "whole numbers"),
        ((X, np.arange(6), "guess"), "regression, classes, not 'guess'"),
        ((X, ["a"] * 6), "target must be numbers"),
        ((X.astype(str), np.arange(6)), "features must be numbers"),
        ((np.full((6, 3), "2020-01-01", "M8[D]"), np.arange(6)), "features must be numbers, not datetime64"),
        (([[1.0], [2.0, 3.0]], [0, 1]), "cannot be read as an array"),
        ((torch.ones(6, 3, requires_grad=True), np.arange(6)), "cannot be read as an array"),
        ((X, np.arange(6), None, [1, 1, 1, 1, 1, -1]), "finite and not negative"),
        ((X, np.arange(6), None, [1, 2]), "but 2 weights"),
    ],
)
def test_what_is_not_data_is_refused(given, message):
    with pytest.raises(OneLayerError, match=message):
        Rows(*given)


def test_the_place_of_a_missing_value_is_named():
    holed = X.copy()
    holed[3, 1] = np.nan
    with pytest.raises(OneLayerError, match="feature in column 2, row 4 is NaN"):
        Rows(holed, np.arange(6)).check_finite()
    with pytest.raises(OneLayerError, match="target in column 1, row 6 is inf"):
        Rows(X, [0, 1, 2, 3, 4, np.inf]).check_finite()
    Rows(np.zeros((6, 2), np.uint8), np.arange(6)).check_finite()


@pytest.mark.parametrize("n", [1, 511, 513, 20_000])
def test_a_sum_over_blocks_is_that_over_all_rows(n):
    generator = np.random.default_rng(n)
    stored = generator.integers(0, 256, (n, 5), dtype=np.uint8)
    y, c = generator.integers(0, 3, n), generator.uniform(size=n)
    for rows in (
        Rows(stored, y, c=c, unit=PIXEL_UNIT),
        Rows(stored * PIXEL_UNIT, y, c=c),
        Rows(sparse.csr_array(stored * PIXEL_UNIT), y, c=c),
    ):
        total, gram = rows.sum(lambda b: [len(b), b.dense().T @ (b.c[:, None] * b.dense())])
        assert total == n
        features = stored / 255
        np.testing.assert_allclose(gram, features.T @ (c[:, None] * features), rtol=1e-12)


def test_batches_share_the_memory_of_rows_and_bytes_stay_bytes():
    images = Rows(np.arange(12, dtype=np.uint8).reshape(4, 3) * 20, [0, 1, 0, 1], unit=PIXEL_UNIT)
    batches = Batches.of(images)
    assert batches.X.dtype == torch.uint8 and np.shares_memory(batches.X.numpy(), images.X)
    features, labels = batches.batch(torch.tensor([3, 0]))
    assert features.dtype == torch.float32 and labels.tolist() == [1, 0]
    assert torch.equal(features * 255, torch.tensor([[180.0, 200, 220], [0, 20, 40]]))
    numbers = Rows(X, np.arange(6.0))
    assert np.shares_memory(Batches.of(numbers, dtype=torch.float64).X.numpy(), numbers.X)
    assert Batches.of(numbers).X.dtype == torch.float32
    with pytest.raises(OneLayerError, match="SGD takes no sparse features"):
        Batches.of(Rows(sparse.csr_array(X), np.arange(6)))


def test_blocks_of_batches_are_all_rows_in_order():
    rows = Rows(X, np.arange(6.0), c=np.arange(1.0, 7.0))
    X_parts, y_parts, c_parts = zip(*Batches.of(rows, dtype=torch.float64).blocks(4), strict=True)
    assert [len(part) for part in X_parts] == [4, 2]
    assert np.array_equal(torch.cat(X_parts), X) and torch.cat(y_parts).ravel().tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(torch.cat(c_parts), np.arange(1, 7) / 3.5)


def test_each_epoch_has_an_order_of_its_own_that_the_seed_repeats():
    orders = [epoch_order(100, seed, epoch).tolist() for seed in (0, 1) for epoch in (1, 2)]
    assert all(sorted(order) == list(range(100)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    assert epoch_order(100, 1, 2).tolist() == orders[3]

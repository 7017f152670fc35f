"""Sums over rows by several threads have the same bits as by one, and limits on threads overlap and nest."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from onelayer import LinearRegression
from onelayer.data.rows import LEAST_SHARE, LEAST_VALUES, Rows
from onelayer.engines.threads import one_thread, sum_of, sums_share_threads, thread_count


@pytest.mark.parametrize("d", [1, 20])
@pytest.mark.parametrize("n", [1, LEAST_SHARE, 2 * LEAST_SHARE + 1, 5 * LEAST_SHARE, 3 * LEAST_VALUES + 1])
def test_each_row_is_summed_once(n, d):
    rows = Rows(np.repeat(np.arange(n, dtype=float)[:, None], d, axis=1), np.ones(n), "regression")
    with threadpool_limits(3):
        found = rows.sum(lambda block: [float(block.X.sum()), len(block), float(block.y.sum())])
    assert found == [d * n * (n - 1) / 2, n, n]


@pytest.mark.parametrize("n, d", [(50_000, 7), (200_000, 1)])
def test_the_bits_of_a_sum_do_not_depend_on_the_number_of_threads(n, d):
    generator = np.random.default_rng(0)
    rows = Rows(generator.normal(size=(n, d)), generator.normal(size=n), "regression")

    def terms(block):
        return [block.X.T @ block.X, block.X.T @ block.y]

    with threadpool_limits(1):
        alone = rows.sum(terms)
    with threadpool_limits(3):
        together = rows.sum(terms)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_shares_are_added_in_their_order():
    shares = list(range(20))
    with threadpool_limits(3):
        found = sum_of(lambda share: ["abcdefghijklmnopqrst"[share]], shares)
    assert found == ["abcdefghijklmnopqrst"]


def test_sums_have_threads_although_linear_algebra_is_kept_to_one():
    together = threading.Barrier(2)

    def meet(share: int) -> list[int]:
        together.wait(30)  # breaks if one thread walks the shares alone
        return [share]

    with threadpool_limits(2):
        if thread_count() != 2:
            pytest.skip("this machine's linear algebra has one thread")
        with sums_share_threads():
            assert thread_count() == 1
            assert sum_of(meet, [1, 2]) == [3]


def set_threads(count: int) -> None:
    """Set the number of threads from a thread that ends: while it lived, threadpoolctl would let no other change it."""
    thread = threading.Thread(target=threadpool_limits, args=(count,))
    thread.start()
    thread.join()


def test_limits_that_overlap_leave_the_number_of_threads_as_it_was():
    entered, release = threading.Event(), threading.Event()

    def time_something() -> None:
        with one_thread():
            entered.set()
            release.wait(30)

    before = thread_count()
    set_threads(2)
    try:
        if thread_count() != 2:
            pytest.skip("this machine's linear algebra has one thread")
        other = threading.Thread(target=time_something)
        with one_thread():
            other.start()
            assert entered.wait(30) and thread_count() == 1
        assert thread_count() == 1  # the other one still holds its limit
        release.set()
        other.join()
        assert thread_count() == 2
    finally:
        release.set()
        set_threads(before)


def test_a_fit_inside_a_limit_ends():
    X = np.random.default_rng(0).normal(size=(3 * LEAST_SHARE, 3))
    with one_thread(), one_thread():
        model = LinearRegression().fit(X, X @ [1.0, 2, 3])
    np.testing.assert_allclose(model.coef_, [1, 2, 3])

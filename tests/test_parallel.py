"""Sums over rows by several threads, and limits on threads that overlap."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from onelayer.solvers.parallel import LEAST_ROWS, blocks, one_thread, sum_over_rows, thread_count


@pytest.mark.parametrize("n", [0, 1, LEAST_ROWS, 2 * LEAST_ROWS + 1, 5 * LEAST_ROWS])
def test_each_row_is_summed_once(n):
    values = np.arange(n)
    with threadpool_limits(3):
        found = sum_over_rows(lambda rows: (values[rows].sum(), rows.stop - rows.start), n)
    assert found == [n * (n - 1) // 2, n]


def test_blocks_make_up_a_part():
    found = list(blocks(slice(3, 20), 8))
    assert [(rows.start, rows.stop) for rows in found] == [(3, 11), (11, 19), (19, 20)]


def set_threads(count: int) -> None:
    """Set the number of threads from a thread that ends: while it lived, threadpoolctl would let no other change it."""
    thread = threading.Thread(target=threadpool_limits, args=(count,))
    thread.start()
    thread.join()


def test_limits_that_would_overlap_leave_the_number_of_threads_as_it_was():
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
            assert not entered.wait(0.3) and thread_count() == 1
        assert entered.wait(30)
        release.set()
        other.join()
        assert thread_count() == 2
    finally:
        set_threads(before)

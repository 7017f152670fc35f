"""The lab's lesson on vectorization: both ways give one sum, and times are what they say they are."""

import numpy as np
import pytest
import torch

from onelayer import LinearRegression
from onelayer.lab.lessons.linear_regression.model import load
from onelayer.lab.lessons.vectorization import experiment
from onelayer.vectorization import add_both_ways, add_in_a_loop, add_in_one_call, laps


@pytest.mark.parametrize("add", [add_in_a_loop, add_in_one_call])
def test_both_ways_add(add):
    assert add(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0, -3.0])).tolist() == [11.0, 22.0, 0.0]


def test_both_sums_are_equal_in_every_bit_and_new_for_each_seed():
    first, second = add_both_ways(50, seed=1), add_both_ways(50, seed=2)
    assert torch.equal(first.by_loop, first.by_call)
    assert not torch.equal(first.by_call, second.by_call)


def test_the_ratio_is_that_of_the_best_laps():
    both = add_both_ways(10)
    both.loop.times[:], both.call.times[:] = [6.0, 8.0], [5.0, 2.0]
    assert both.ratio == 3.0


def test_quick_work_is_timed_twenty_times():
    calls: list[int] = []
    timer, result = laps(lambda: calls.append(1) or len(calls))
    assert len(timer.times) == len(calls) == result == 20


def test_slow_work_is_timed_until_patience_ends(monkeypatch):
    now = iter(0.04 * i for i in range(100))  # each look at the clock is 0.04 s after the one before
    monkeypatch.setattr("onelayer.timer.perf_counter", lambda: next(now))
    timer, _ = laps(lambda: None)
    assert timer.times == pytest.approx([0.04] * 3)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.5, "2.5 s"),
        (120.0, "120 s"),
        (0.0123, "12.3 ms"),
        (1e-3, "1 ms"),
        (9.999e-4, "1 ms"),
        (4.56e-6, "4.56 µs"),
        (7.8e-9, "7.8 ns"),
        (2e-11, "0.02 ns"),
        (0.0, "–"),
    ],
)
def test_times_are_shown_in_a_unit_that_suits_them(seconds, text):
    assert experiment.shown(seconds) == text


@pytest.mark.parametrize("turn", [0, 1, 5, 8])
def test_the_loop_has_added_as_many_elements_as_it_had_turns_and_the_call_all(turn):
    found = experiment.adding(0.8, turn)
    assert np.isfinite(found["by_loop"]).sum() == turn and found["calls"] == (1 + 4 * turn if turn else 0)
    assert np.isfinite(found["by_call"]).sum() == (experiment.FEW if turn else 0)
    assert found["loop_so_far"] == found["call_so_far"]


def test_the_first_element_is_the_readers_own():
    b = experiment.vectors()["b"]
    assert experiment.adding(1.5, 1)["by_loop"][0] == np.float32(1.5) + np.float32(b[0])


def test_the_race_compares_best_laps_and_equal_sums():
    found = experiment.race()
    assert found["by_loop"] == found["by_call"]
    assert found["ratio"] == min(found["loop_laps"]) / min(found["call_laps"])
    assert 10 ** found["orders"] == pytest.approx(found["ratio"])
    assert len(found["loop_numbers"]) == len(found["loop_laps"]) <= 20
    assert found["loop_so_far"][1] == found["loop_laps"][0]
    assert found["ratio_so_far"][20] == found["ratio"]


def test_a_sweep_has_both_times_for_each_length(monkeypatch):
    runs = experiment.sweep((2, 3))
    assert [run.n for run in runs] == [2, 3]
    monkeypatch.setattr(experiment, "sweep", lambda: runs)
    found = experiment.lengths(5)
    assert found["ratios"] == [run.ratio for run in runs]
    assert found["ratio"] == found["loop_here"] / found["call_here"]


def test_every_part_of_a_turn_is_timed():
    seconds = experiment.one_turn(n=20)
    assert tuple(seconds) == experiment.PARTS
    assert all(value > 0 for value in seconds.values())


def test_a_turn_taken_apart_does_what_it_does_as_a_whole(monkeypatch):
    a, b, c = torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0]), torch.zeros(2)
    experiment.add_one(a, b, c, 1)
    assert c.tolist() == [0.0, 22.0]
    seconds = dict.fromkeys(experiment.PARTS, 1e-6) | {"turn": 5e-6, "plain": 3e-6}
    monkeypatch.setattr(experiment, "one_turn", lambda: seconds)
    found = experiment.apart()
    assert found["clock"] == pytest.approx([0, 1, 2, 3, 4]) and found["whole"] == pytest.approx(5)
    assert found["plain_ratio"] == pytest.approx(3)


def test_houses_are_predicted_alike_in_both_ways():
    assert len(experiment.model(3)["by_loop"]) == 2
    found = experiment.model(2930)
    assert len(found["loop_each"]) == len(found["call_each"]) == len(found["sizes"])
    assert found["ratio"] == pytest.approx(found["loop_here"] / found["call_here"])
    X, y = load()
    expected = LinearRegression().fit(X, y).predict(X).sum()
    for way in ("by_loop", "by_call"):
        assert found[way][1] == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(found["by_loop"], found["by_call"], rtol=1e-12)

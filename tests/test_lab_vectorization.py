"""The lab's lesson on vectorization: both ways give one sum, and times are what they say they are."""

import pytest
import torch

from onelayer import LinearRegression, Timer
from onelayer.lab.lessons.linear_regression.experiment import load
from onelayer.lab.lessons.vectorization import experiment
from onelayer.lab.numbers import in_formula
from onelayer.lab.panels import AtLeast, farthest_apart
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


@pytest.mark.parametrize(
    ("ratio", "text"), [(3.456, "3.46"), (3456.7, "3,460"), (1_234_567, "1,230,000"), (0.98765, "0.988")]
)
def test_ratios_are_shown_without_exponents(ratio, text):
    assert experiment.times_faster(ratio) == text


def test_the_slider_goes_in_powers_of_ten():
    assert [experiment.length(power) for power in (0, 0.5, 2.3, 4)] == [1, 3, 200, 10_000]


def test_farthest_apart_are_the_elements_that_differ_most():
    one, other = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.5, 2.75])
    assert farthest_apart(one, other) == (2.0, 2.5)


def test_a_comma_within_a_number_is_no_punctuation_in_a_formula():
    assert [in_formula(n) for n in (10, 10_000)] == ["10", "10{,}000"]


def test_orders_of_magnitude():
    assert experiment.orders_of_magnitude(1000) == pytest.approx(3)


def test_every_part_of_a_turn_is_timed():
    seconds = experiment.one_turn(n=20)
    assert tuple(seconds) == experiment.PARTS
    assert all(value > 0 for value in seconds.values())


def test_a_sweep_has_a_row_for_each_length_and_way():
    measured = experiment.Sweep((1, 10), loop=(6e-6, 40e-6), call=(2e-6, 2e-6))
    assert measured.ratios == pytest.approx((3, 20))
    assert measured.times().to_pylist()[1] == {"n": 10, "way": "loop", "seconds": 40e-6}
    assert measured.times().to_pylist()[2] == {"n": 1, "way": "call", "seconds": 2e-6}
    assert experiment.sweep((2, 3)).lengths == (2, 3)


def test_houses_are_predicted_alike_in_both_ways():
    found = experiment.predict_houses()
    assert found.rows == 2930
    expected = LinearRegression().fit(*load()).predict(load()[0])
    for predicted in (found.by_loop, found.by_call):
        assert predicted.numpy() == pytest.approx(expected, rel=1e-12)
    assert isinstance(found.loop, Timer) and found.loop.times and found.call.times


@pytest.mark.parametrize(("left", "holds"), [(2.0, True), (3.5, True), (1.999, False), (float("nan"), False)])
def test_a_lower_bound_holds_from_the_bound_on(left, holds):
    assert AtLeast("x", left, 2.0).holds is holds
    assert AtLeast("x", left, 2.0).allowed == "≥"

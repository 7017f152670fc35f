"""The cost model of ``tools/scaling_costs.py``: known costs are found again from the times that they make."""

import importlib.util
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[1] / "tools/scaling_costs.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("scaling_benchmark", PATH)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "scaling_benchmark", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture
def costs(bench):
    return bench.Costs(0.002, 0.1, 0.01, 0.0005, 0.003, 0.00001, 0.02)


@pytest.fixture
def loads(bench):
    generator = np.random.default_rng(0)
    sizes = [(units, workers) for units in (1, 4, 16, 60, 250, 1000) for workers in (1, 2, 4)]
    return [
        bench.Load(
            generator.uniform(10, 1000),
            generator.uniform(1, 50),
            units,
            generator.uniform(1, 500),
            workers,
        )
        for units, workers in sizes
    ]


def test_known_costs_are_found_again(bench, costs, loads):
    found = bench.fitted(loads, [costs.seconds(load) for load in loads])
    assert astuple(found) == pytest.approx(astuple(costs), rel=1e-9)


@pytest.mark.parametrize("free", range(7))
def test_what_costs_nothing_is_found_to(bench, costs, loads, free):
    known = bench.Costs(*(0.0 if i == free else v for i, v in enumerate(astuple(costs))))
    found = bench.fitted(loads, [known.seconds(load) for load in loads])
    assert astuple(found) == pytest.approx(astuple(known), rel=1e-9, abs=1e-12)


def test_noise_makes_no_cost_negative(bench, costs, loads):
    noise = np.exp(np.random.default_rng(1).normal(scale=0.05, size=len(loads)))
    seconds = [costs.seconds(load) * factor for load, factor in zip(loads, noise, strict=True)]
    found = bench.fitted(loads, seconds)
    assert min(astuple(found)) >= 0
    larger = [replace(load, megabytes=2 * load.megabytes, gigaflop=2 * load.gigaflop) for load in loads]
    apart = [found.seconds(load) / costs.seconds(load) - 1 for load in larger]
    assert np.median(np.abs(apart)) < 0.05


def test_a_pass_is_the_sum_of_its_costs(bench, costs):
    load = bench.Load(megabytes=800, gigaflop=16, units=256, sum_kb=4, workers=4)
    assert load.depth == 2
    each = [200 * 0.002, 4 * 0.1, 64 * 0.01, 256 * 0.0005, 2 * 0.003, 2 * 16 * 4 * 0.00001, 0.02]
    assert costs.seconds(load) == pytest.approx(sum(each), rel=1e-12)


@pytest.mark.parametrize(
    ("units", "depth"), [(1, 0), (2, 1), (16, 1), (17, 2), (256, 2), (257, 3), (6000, 4)]
)
def test_the_tree_is_as_deep_as_it_needs_to_be(bench, units, depth):
    assert bench.Load(1, 1, units, 1, 1).depth == depth


def test_a_load_is_counted_from_its_rows(bench):
    load = bench.load_of((1000, 10, 5, 1), units=7)
    assert load.megabytes == pytest.approx(10_000 * 51 * 4 / 1e6)
    assert load.gigaflop == pytest.approx(4 * 10_000 * 51 * 5 / 1e9)
    assert load.sum_kb == pytest.approx(5 * 51 * 8 / 1000)
    assert (load.units, load.workers) == (7, 1)


def test_what_is_checked_was_not_fitted(bench):
    assert not set(bench.CHECKED) & set(bench.FITTED)

"""``tools/simulate_cluster.py``: times that are known in closed form, and sums that no failure makes wrong."""

import importlib.util
import math
from dataclasses import replace
from pathlib import Path

import pytest

PATH = Path(__file__).parents[1] / "tools/simulate_cluster.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("simulate_cluster", PATH)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "simulate_cluster", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture
def still(tool):
    """A cluster where a unit takes exactly 2 seconds, half of them to read it, and nothing else takes any."""
    return tool.Cluster(
        passes=1,
        unit_mb=100.0,
        read_rate=100.0,
        flop_per_byte=80.0,
        compute_rate=8.0,
        overhead=0.0,
        sum_kb=0.0,
        weights_kb=0.0,
        latency=0.0,
        noise=0.0,
        slow_share=0.0,
        mtbf_hours=0.0,
    )


@pytest.fixture
def rough(tool):
    """A cluster whose workers last for five minutes, a few passes each."""
    return tool.Cluster(workers=20, units=500, passes=8, mtbf_hours=1 / 12, replacement=30.0, sum_kb=500.0)


def run(tool, cluster, seed=0):
    return tool.Simulation(cluster, seed).run()


@pytest.mark.parametrize("units", [1, 2, 16, 17, 100, 1000])
@pytest.mark.parametrize("workers", [1, 3, 16, 100, 2000])
def test_equal_units_take_the_time_of_the_worker_with_the_most(tool, still, units, workers):
    found = run(tool, replace(still, units=units, workers=workers))[0]
    assert found.seconds == 2 * math.ceil(units / workers)
    assert found.ran == units


@pytest.mark.parametrize(("levels", "workers"), [(1, 4), (2, 16), (3, 16), (3, 64), (4, 16)])
def test_weights_and_sums_take_the_time_of_their_steps(tool, still, levels, workers):
    cluster = replace(
        still,
        workers=workers,
        units=4**levels,
        fan_in=4,
        latency=0.25,
        network=1.0,
        weights_kb=500.0,
        sum_kb=125.0,
    )
    sent = math.ceil(math.log2(workers + 1)) * (0.25 + 0.5)
    across = round(math.log(workers, 4))  # levels whose sums are on four workers; above, all are on the first
    added = across * (0.25 + 3 * 0.125)
    work = 2 * 4**levels // workers
    assert run(tool, cluster)[0].seconds == sent + work + added + (0.25 + 0.125)


def test_a_worker_receives_one_transfer_after_another(tool, still):
    cluster = replace(still, workers=2, units=4, fan_in=2, network=1.0, sum_kb=1000.0)
    # Units 0 and 1 are added from second 2 to 3, units 2 and 3 from 4 to 5, on the worker that has both sums then.
    assert run(tool, cluster)[0].seconds == 5 + 1


def test_no_pass_is_faster_than_the_scheduler_hands_out_its_tasks(tool, still):
    cluster = replace(still, workers=1000, units=6000, overhead=0.001)
    tasks = 6000 + len(tool.tree(6000, 16))
    short = replace(cluster, unit_mb=0.0)
    assert run(tool, short)[0].seconds == pytest.approx(tasks * 0.001, rel=1e-9)
    assert run(tool, cluster)[0].seconds > max(6000 * 0.001, 2 * 6)


def test_later_passes_in_memory_read_nothing(tool, still):
    cluster = replace(still, workers=7, units=70, passes=3, in_memory=True)
    assert [each.seconds for each in run(tool, cluster)] == [20, 10, 10]
    assert cluster.ideal == 40


def test_a_slow_worker_gets_fewer_units_but_may_have_the_last(tool, still):
    slow = run(tool, replace(still, workers=10, units=10, slow_share=1.0, slow_speed=0.5))[0]
    assert slow.seconds == 4
    mixed = run(tool, replace(still, workers=100, units=2000, slow_share=0.2, slow_speed=0.1))[0]
    assert (
        2 * 20 / 0.82 < mixed.seconds < 2 * 20 / 0.8 + 20
    )  # their part of the work, and one unit of a slow worker


@pytest.mark.parametrize(("units", "fan_in"), [(1, 2), (2, 2), (7, 2), (16, 16), (17, 16), (6000, 16)])
def test_the_tree_adds_each_sum_once(tool, units, fan_in):
    nodes = tool.tree(units, fan_in)
    assert [child for node in nodes for child in node] == list(range(units + len(nodes) - 1))
    assert all(len(node) <= fan_in for node in nodes)


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("notice", [0.0, 60.0])
@pytest.mark.parametrize("seed", range(5))
def test_failures_lose_no_unit_and_count_none_twice(tool, rough, seed, in_memory, notice):
    cluster = replace(rough, in_memory=in_memory, notice=notice, fan_in=3)
    passes = run(tool, cluster, seed)
    assert all(each.counted == tuple(range(500)) for each in passes)
    assert sum(each.ran for each in passes) > 500 * 8


def test_more_failures_cost_more_and_lose_nothing(tool, rough):
    ran = []
    for hours in (0.0, 1.0, 0.1, 0.03):
        passes = run(tool, replace(rough, mtbf_hours=hours))
        assert all(each.counted == tuple(range(500)) for each in passes)
        ran.append(sum(each.ran for each in passes))
    assert ran[0] == 500 * 8
    assert ran == sorted(set(ran))


def test_a_cluster_of_one_waits_for_its_replacement(tool, still):
    cluster = replace(still, units=10, mtbf_hours=10 / 3600, replacement=7.0)
    found = run(tool, cluster, seed=1)[0]
    assert found.counted == tuple(range(10))
    assert found.ran > 10
    assert found.seconds > 20 + 7


def test_a_seed_is_the_same_numbers(tool, rough):
    first, again, other = (run(tool, rough, seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_what_is_lost_is_told_apart(tool, still):
    nothing = tool.report(replace(still, workers=10, units=100), range(2))
    assert (nothing.median, nothing.total, nothing.efficiency) == (20, 20, 1)
    assert (nothing.stragglers, nothing.scheduler, nothing.failures, nothing.rest) == (0, 0, 0, 0)
    uneven = tool.report(replace(still, workers=10, units=91), [0])
    assert uneven.rest == pytest.approx(1 - 9.1 / 10)
    bound = tool.report(replace(still, workers=1000, units=1000, overhead=0.1), [0])
    assert bound.scheduler == pytest.approx(1 - 2 / bound.total)
    noisy = tool.report(replace(still, workers=100, units=100, noise=0.5), [0])
    assert noisy.stragglers == pytest.approx(1 - 2 / noisy.total)
    assert noisy.failures == 0


def test_the_table_has_a_row_for_each_number_of_workers(tool, still):
    lines = tool.table(replace(still, units=10), [0], (1, 1000)).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["1", "1,000"]
    assert all(line.count("|") == 9 for line in lines)


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"units": 0}, {"passes": 0}, {"fan_in": 1}])
def test_a_cluster_of_nothing_is_refused(tool, wrong):
    with pytest.raises(ValueError, match="at least"):
        tool.Cluster(**wrong)

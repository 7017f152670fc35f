"""The harness of the benchmarks: who is skipped or too slow, what must be equal, ratios, JSON. No time is judged."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"

SCRIPT = '''
"""Which sum is faster?

An example.
"""

import sys, time
sys.path.insert(0, {folder!r})
from _measure import Case, Contender, main, same_numbers

def fails(x):
    raise ValueError("no such thing")

WAYS = [
    Contender("ours", sum, role="ours"),
    Contender("right", lambda x: float(sum(x))),
    Contender("wrong", lambda x: 0),
    Contender("absent", fails, ("no_such_module",)),
    Contender("broken", fails),
    Contender("slow", lambda x: time.sleep(30)),
    Contender("part", len, role="floor"),
]

def case(label, ways):
    return Case(label, lambda folder: ([1, 2, 3],), ways, same_numbers("sums", 1e-9), limit=4)

if __name__ == "__main__":
    main(__doc__, [case("all", WAYS), case("alone", [WAYS[0], WAYS[2]])])
'''


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """What the harness finds in fresh processes, in one round."""
    where = tmp_path_factory.mktemp("benchmark")
    script, path = where / "sums.py", where / "sums.json"
    script.write_text(SCRIPT.format(folder=str(FOLDER)))
    once = f"import runpy, sys; sys.path.insert(0, {str(FOLDER)!r}); import _measure; _measure.ROUNDS = 1\n"
    once += f"sys.argv = [{str(script)!r}, '--json', {str(path)!r}]\n"
    once += "runpy.run_path(sys.argv[0], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", once], capture_output=True, text=True)
    assert done.returncode == 3, done.stderr  # a case has failed
    return json.loads(path.read_text())


def contender(result, name):
    return next(one for one in result["cases"][0]["contenders"] if one["name"] == name)


def test_a_result_says_what_was_asked_and_where(result):
    assert result["question"] == "Which sum is faster?" and result["about"] == "An example."
    assert {"date", "processor", "cores", "memory", "BLAS", "packages"} <= set(result["machine"])


def test_states_of_contenders(result):
    states = {one["name"]: one["state"] for one in result["cases"][0]["contenders"]}
    assert states["absent"] == "skipped: not installed: no_such_module"
    assert states["broken"] == "failed: ValueError: no such thing"
    assert states["slow"] == "> 4 s"
    assert {states[name] for name in ("ours", "right", "wrong", "part")} == {"ran"}


def test_what_is_not_equal_counts_in_no_ratio(result):
    assert contender(result, "right")["apart"] == 0 and contender(result, "wrong")["apart"] == 1
    assert contender(result, "part")["apart"] is None
    for row in result["cases"][0]["rows"]:
        assert row["theirs"].endswith(", right") and "×" in row["ratio"]


def test_a_case_fails_if_no_peer_agrees(result):
    assert "no peer agrees" in result["cases"][1]["failed"]


def test_medians_and_quartiles():
    from _measure import Track

    track = Track("ran", [{"s": value} for value in (5.0, 1.0, 2.0, 4.0, 3.0)])
    assert track.spread("s") == {"median": 3, "low": 2, "high": 4, "rounds": 5}
    assert math.isnan(track.median("MB")) and math.isinf(Track("> 60 s", []).median("s"))


def test_only_who_may_be_the_fastest_runs_again():
    from _measure import Case, Comparison, Contender, Track, same_numbers

    names = ["ours", "fast", "near", "far"]
    ways = [Contender(name, list, role="ours" if name == "ours" else "peer") for name in names]
    case = Case("", lambda folder: (), ways, same_numbers("", 0), headlines=("s",))
    tracks = {
        name: Track("ran", [{"s": value}], 1.0)
        for name, value in zip(names, (100.0, 1.0, 1.4, 1.6), strict=True)
    }
    comparison = Comparison(case, tracks)
    assert [name for name in names if comparison.is_near(name)] == ["ours", "fast", "near"]
    tracks["fast"].answer = 2.0  # is not right, and counts no more
    assert comparison.is_near("far") and not comparison.peers("s").get("fast")


@pytest.mark.parametrize(("until", "rounds"), [(0.0, 1), (math.inf, 5)])
def test_no_round_after_the_first_begins_that_would_end_too_late(monkeypatch, until, rounds):
    import _measure as m

    ways = [m.Contender("ours", list, role="ours"), m.Contender("theirs", list)]
    case = m.Case("", lambda folder: (), ways, m.same_numbers("", 0), headlines=("s",))
    monkeypatch.setattr(m, "ROUNDS", 5)
    monkeypatch.setattr(m, "run_once", lambda case, name, folder: ({"s": 1.0}, 1.0))
    comparison = m.Comparison.of(case)
    comparison.measure(Path(), until)
    assert [len(track.rounds) for track in comparison.tracks.values()] == [rounds, rounds]


def test_objectives_are_compared_with_the_least():
    from _measure import same_objective

    apart = same_objective("", 1e-6).apart({"ours": 2.0, "theirs": 1.0}, "ours")
    assert apart == {"ours": 1.0, "theirs": 0.0}


@pytest.mark.parametrize(
    ("ours", "theirs", "cell"),
    [
        (1.0, 2.0, "2×"),
        (1.0, 250.4, "250×"),
        (2.0, 1.0, "0.5×, slower"),
        (1.0, 1.04, "1×, the same"),
        (2.0, math.inf, "> 30×"),
        (math.inf, 1.0, "slower"),
    ],
)
def test_ratios_say_who_is_slower(ours, theirs, cell):
    from _tables import ratio_cell

    assert ratio_cell("seconds", ours, theirs, 60) == cell


def test_less_memory_is_a_ratio_too():
    from _tables import ratio_cell

    assert (
        ratio_cell("peak MB", 200, 100, 60) == "0.5×, more"
        and ratio_cell("extra MB", 0, 0, 60) == "1×, the same"
    )


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("first fit", 0.0321, "0.0321 s"),
        ("to 0.01", 1234.5, "1,234 s"),
        ("s", 0.0012, "1.2 ms"),
        ("peak MB", 411.6, "412 MB"),
    ],
)
def test_figures_have_three_digits_and_a_unit(metric, value, text):
    from _tables import figure

    assert figure(metric, value) == text


def test_quick_is_small_and_stays_in_this_process(tmp_path):
    code = "import _measure as m; print(m.size(10, 1), m.ROUNDS)"
    for quick, said in (("1", "1 1"), ("0", "10 5")):
        env = {"QUICK": quick, "PYTHONPATH": str(FOLDER), "PATH": ""}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == said


def test_a_page_names_what_failed():
    import importlib.util

    spec = importlib.util.spec_from_file_location("benchmarks_main", FOLDER / "__main__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.page([{"script": "x.py", "question": "x", "failed": "took more than 1 s", "cases": []}])
    assert "**Failed:**\n\n- x.py: took more than 1 s" in page

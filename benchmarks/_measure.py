"""The harness of all benchmarks: contenders in turn, each in a fresh process; medians, spreads, what was held equal.

Data are made once. A round runs every contender once. A process imports what it needs, makes a small fit and reads
the data, all unmeasured; then it is measured, up to the limit of the case. A contender that takes more than FAR times
as long as the fastest peer runs no further rounds: they would not change who is faster. Nor are there further rounds
where they would take more than the case's share of the question's time: each figure says how many it is of.
"""

import argparse
import json
import math
import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np

from _machine import machine, peak_mb, reset_peak
from _tables import cells, print_case, ratio_cell

QUICK = os.environ.get("QUICK", "") not in ("", "0")
ROUNDS = 1 if QUICK else 5
WITHIN = float(os.environ.get("WITHIN", "inf"))  # seconds of a question, after which no further round begins
FAR = 1.5
TOO_LONG_TO_REPEAT = 3.0  # seconds of a first fit, after which the same process makes no second one
TOO_LONG_FOR_ROUNDS = 15.0  # seconds of a process after which it runs no further rounds
SOME_FAILED = 3  # exit code of a question of which some cases failed, and all were tried
START_LIMIT = 300.0  # seconds to import and to load
DATA, ANSWER = "data.pickle", "answer.pickle"  # in a folder of the run's own

signal.signal(
    signal.SIGTERM, lambda *_: sys.exit("ended")
)  # so that what a benchmark has started ends with it

Answers = dict[str, Any]


def size(full: Any, quick: Any) -> Any:
    """Return the size for this run: ``quick`` under ``QUICK=1``."""
    return quick if QUICK else full


@dataclass(frozen=True)
class Contender:
    """One way to answer a question.

    Attributes:
        name: as tables show it.
        fit: what is timed: takes the case's data, and returns an answer.
        needs: modules, which are imported before, or programs; without them it is skipped.
        role: "ours", one in each case; "own", another way of ours; "peer"; "other", which does something else and so
            counts in no ratio; "floor", a part of the work that nobody does without.
        before: starts what it needs, unmeasured.
    """

    name: str
    fit: Callable[..., Any]
    needs: tuple[str, ...] = ()
    role: str = "peer"
    before: Callable[[], Any] | None = None

    def missing(self) -> list[str]:
        """Return what it needs and this machine has not."""
        roots = dict.fromkeys(need.partition(".")[0] for need in self.needs)
        return [root for root in roots if find_spec(root) is None and which(root) is None]

    def start(self) -> None:
        """Import what it needs, and start it."""
        for need in self.needs:
            if find_spec(need.partition(".")[0]) is not None:
                import_module(need)
        if self.before is not None:
            self.before()


def estimator(name: str, path: str, answer: str = "coef_", role: str = "peer", **how: Any) -> Contender:
    """Return the contender that fits an estimator by its path, such as ``sklearn.linear_model.Ridge``."""
    module, _, kind = path.rpartition(".")

    def fit(X: Any, y: Any) -> Any:
        return getattr(getattr(import_module(module), kind)(**how).fit(X, y), answer)

    return Contender(name, fit, (module,), role)


@dataclass(frozen=True)
class Equal:
    """What answers have to have in common.

    Attributes:
        what: in words.
        within: the largest distance that counts as equal.
        apart: the distance of each answer from the right one, given all and the name of ours.
    """

    what: str
    within: float
    apart: Callable[[Answers, str], dict[str, float]]


def same_numbers(what: str, within: float) -> Equal:
    """Compare arrays with ours: the largest difference, relative to the largest of our numbers."""

    def apart(answers: Answers, ours: str) -> dict[str, float]:
        right = np.asarray(answers[ours], float)
        scale = float(np.abs(right).max()) or 1.0
        return {
            name: float(np.abs(np.asarray(answer, float) - right).max()) / scale
            for name, answer in answers.items()
        }

    return Equal(f"{what}, largest difference relative to the largest", within, apart)


def same_objective(what: str, within: float) -> Equal:
    """Compare objectives with the least of them: how far above it they are, relatively."""

    def apart(answers: Answers, ours: str) -> dict[str, float]:
        least = min(answers.values())
        return {name: float(value / least - 1) for name, value in answers.items()}

    return Equal(f"{what}, relatively above the least", within, apart)


def twice(fit: Callable[..., Any], data: Sequence[Any]) -> tuple[dict[str, float], Any]:
    """Time a first and a second fit, and note what the first took of memory beside what was there."""
    first, answer = once(fit, data)
    found = {"first fit": first["seconds"], "extra MB": first["extra MB"]}
    if found["first fit"] < TOO_LONG_TO_REPEAT:
        start = time.perf_counter()
        fit(*data)
        found["second fit"] = time.perf_counter() - start
    return found, answer


def once(fit: Callable[..., Any], data: Sequence[Any]) -> tuple[dict[str, float], Any]:
    """Time one fit, and note its extra memory."""
    before, start = reset_peak(), time.perf_counter()
    answer = fit(*data)
    return {"seconds": time.perf_counter() - start, "extra MB": peak_mb() - before}, answer


@dataclass(frozen=True)
class Case:
    """One row of a question: a size, and who is compared.

    Attributes:
        label: names it in the question.
        make: returns the data, of which each process gets a copy; may write files into a folder that all share.
        contenders: in the order of a round.
        equal: what is compared of the answers.
        judge: what is compared, from an answer and the data; unmeasured.
        warm_up: returns small data for an unmeasured fit.
        measure: times a fit on data; returns metrics in seconds, or in MB if their names say so, and the answer.
        headlines: the metrics that are in the summary.
        limit: seconds of what is measured.
        slack: seconds beyond it, for fits that watch the limit themselves.
        far: times the fastest peer, beyond which a contender runs no further rounds.
    """

    label: str
    make: Callable[[Path], Sequence[Any]]
    contenders: Sequence[Contender]
    equal: Equal
    judge: Callable[..., Any] = lambda answer, *data: answer
    warm_up: Callable[[], Sequence[Any]] | None = None
    measure: Callable[..., tuple[dict[str, float], Any]] = twice
    headlines: tuple[str, ...] = ("first fit", "second fit")
    limit: float = 60.0
    slack: float = 0.0
    far: float = FAR

    @property
    def ours(self) -> str:
        """The name of our contender."""
        return next(one.name for one in self.contenders if one.role == "ours")


# In the process of a contender


def _measured(
    case: Case, name: str, folder: Path, say: Callable[[bytes], Any] = lambda word: None
) -> tuple[dict[str, float], Any]:
    """Return the metrics and the judged answer of a contender, in this process."""
    contender = next(one for one in case.contenders if one.name == name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peers that are stopped early say so
        contender.start()
        if case.warm_up is not None and contender.role != "floor" and not QUICK:
            case.measure(contender.fit, case.warm_up())
        data = pickle.loads((folder / DATA).read_bytes())
        say(b"r")
        metrics, answer = case.measure(contender.fit, data)
        say(b"d")
    return metrics, None if contender.role == "floor" else case.judge(answer, *data)


def _child(case: Case, name: str, folder: Path, said: int, out: Path) -> None:
    found = _measured(case, name, folder, lambda word: os.write(said, word))
    out.write_bytes(pickle.dumps(found))


# In the process that starts them


class LimitError(Exception):
    """The measured part took longer than its limit."""


def run_once(case: Case, name: str, folder: Path) -> tuple[dict[str, float], Any]:
    """Measure a contender in a fresh process; under ``QUICK=1`` in this one, for imports take longer than small fits.

    Raises:
        LimitError: if it takes too long.
        RuntimeError: if it fails, with the last line that it said.
    """
    if QUICK:
        try:
            return _measured(case, name, folder)
        except Exception as error:
            raise RuntimeError(_last_line(str(error))) from error
    heard, said = os.pipe()
    out = folder / ANSWER
    out.unlink(missing_ok=True)
    script = str(Path(sys.argv[0]).resolve())
    command = [sys.executable, script, "--child", case.label, name, str(folder), str(said), str(out)]
    with tempfile.TemporaryFile("w+") as noise:
        how: Any = {"stdout": noise, "stderr": noise, "pass_fds": (said,), "start_new_session": True}
        process = subprocess.Popen(command, **how)
        os.close(said)
        try:
            for limit in (START_LIMIT, case.limit + case.slack, START_LIMIT):  # ready, done, gone
                if not select.select([heard], [], [], limit)[0]:
                    raise LimitError(limit)
                if not os.read(heard, 1):
                    break
            process.wait()
        finally:
            os.close(heard)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode or not out.exists():
            noise.seek(0)
            raise RuntimeError(_last_line(noise.read()))
    return pickle.loads(out.read_bytes())  # type: ignore[no-any-return]


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if any(map(str.isalpha, line))]
    return lines[-1][:200] if lines else "nothing was said"


@dataclass
class Track:
    """What is known of a contender: its state, its metrics of each round, its answer."""

    state: str
    rounds: list[dict[str, float]] = field(default_factory=list)
    answer: Any = None

    def median(self, metric: str) -> float:
        """Return the median of a metric; infinite if it was over the limit, NaN if there is none."""
        return math.inf if self.state.startswith(">") else self.spread(metric)["median"]

    def spread(self, metric: str) -> dict[str, float]:
        """Return the median, the quartiles and the number of rounds."""
        values = [found[metric] for found in self.rounds if metric in found] or [math.nan]
        quartiles = np.quantile(values, [0.5, 0.25, 0.75], method="inverted_cdf").tolist()
        return dict(zip(("median", "low", "high"), quartiles, strict=True)) | {"rounds": len(self.rounds)}


@dataclass
class Comparison:
    """A case as it is measured."""

    case: Case
    tracks: dict[str, Track]

    @staticmethod
    def of(case: Case) -> "Comparison":
        """Return what is known of a case before its first round."""
        missing = {one.name: ", ".join(one.missing()) for one in case.contenders}
        states = {
            name: f"skipped: not installed: {what}" if what else "ran" for name, what in missing.items()
        }
        return Comparison(case, {name: Track(state) for name, state in states.items()})

    def named(self, *roles: str) -> list[str]:
        """Return the names of contenders that have one of these roles."""
        return [one.name for one in self.case.contenders if one.role in roles]

    def measure(self, folder: Path, until: float = math.inf) -> None:
        """Run all contenders in turn; after each round ours, and who may be the fastest and does not take too long.

        A round that would end after ``until``, on the clock of ``time.perf_counter``, is not begun, but for the first.
        """
        again = [name for name, track in self.tracks.items() if track.state == "ran"]
        took: dict[str, float] = {}
        for _ in range(ROUNDS):
            if took and time.perf_counter() + sum(took[name] for name in again) > until:
                break
            took = dict.fromkeys(again, 0.0)
            for name in again:
                track, start = self.tracks[name], time.perf_counter()
                try:
                    metrics, track.answer = run_once(self.case, name, folder)
                except LimitError:
                    track.state = f"> {self.case.limit:g} s"
                except RuntimeError as error:
                    track.state = f"failed: {error}"
                else:
                    track.rounds.append(metrics)
                took[name] = time.perf_counter() - start
            again = [
                name
                for name in again
                if self.tracks[name].state == "ran"
                and self.is_near(name)
                and (name == self.case.ours or took[name] < TOO_LONG_FOR_ROUNDS)
            ]

    def apart(self) -> dict[str, float]:
        """Return how far answers are from the right one."""
        if not self.tracks[self.case.ours].rounds:
            return {}
        named = self.named("ours", "own", "peer", "other")
        return self.case.equal.apart(
            {name: self.tracks[name].answer for name in named if self.tracks[name].rounds}, self.case.ours
        )

    def peers(self, metric: str) -> dict[str, float]:
        """Return the medians of the peers that count: of the same answer, or stopped at the limit on the way to it."""
        apart, found = self.apart(), {}
        for name in self.named("peer"):
            value = self.tracks[name].median(metric)
            is_stopped = self.tracks[name].state.startswith(">") or math.isinf(value)
            is_right = apart.get(name, math.inf) <= self.case.equal.within
            if (is_stopped or is_right) and not math.isnan(value):
                found[name] = value
        return found

    def is_near(self, name: str) -> bool:
        """Whether a contender is ours, or within so many times the fastest peer by one of the headlines."""
        best = {metric: min(self.peers(metric).values(), default=math.inf) for metric in self.case.headlines}
        near = (
            self.tracks[name].median(metric) <= self.case.far * value < math.inf
            for metric, value in best.items()
        )
        return name == self.case.ours or any(near)

    def check(self) -> None:
        """Assert that ours is right, and that a peer says the same."""
        ours, equal, apart = self.tracks[self.case.ours], self.case.equal, self.apart()
        assert ours.state == "ran", f"ours {ours.state}"
        for name in self.named("ours", "own"):
            assert apart.get(name, 0.0) <= equal.within, f"{name}: {equal.what}: {apart[name]}"
        peers = [apart[name] for name in self.named("peer") if name in apart and self.has_ended(name)]
        assert not peers or min(peers) <= equal.within, f"no peer agrees: {apart}"

    def has_ended(self, name: str) -> bool:
        """Whether a contender was not stopped on its way to all the figures of the headlines."""
        return any(math.isfinite(self.tracks[name].median(metric)) for metric in self.case.headlines)

    def headline(self, metric: str) -> dict[str, Any]:
        """Return the summary's row for a metric: ours, the fastest peer that has the same answer, and the ratio."""
        case, peers = self.case, self.peers(metric)
        own, peer = (
            self.tracks[case.ours].median(metric),
            min(peers, key=lambda name: peers[name], default=""),
        )
        ours, theirs = cells(metric, own, peers.get(peer, math.nan), case.limit)
        return {
            "what": f"{case.label}, {metric}" if len(case.headlines) > 1 else case.label,
            "ours": ours,
            "theirs": f"{theirs}, {peer}" if peer else "–",
            "ratio": ratio_cell(metric, own, peers[peer], case.limit) if peer else "–",
        }

    def result(self) -> dict[str, Any]:
        """Return what was found, as JSON has it."""
        apart, equal, found = self.apart(), self.case.equal, []
        for one in self.case.contenders:
            track = self.tracks[one.name]
            metrics = {metric: track.spread(metric) for metric in (track.rounds[0] if track.rounds else ())}
            found.append({"name": one.name, "role": one.role, "state": track.state, "metrics": metrics})
            found[-1]["apart"] = apart.get(one.name)
        rows = [self.headline(metric) for metric in self.case.headlines]
        return {"label": self.case.label, "equal": f"{equal.what}: within {equal.within:g}"} | {
            "limit": self.case.limit, "contenders": found, "rows": rows
        }  # fmt: skip


def compare(case: Case, until: float = math.inf) -> dict[str, Any]:
    """Measure a case, in one round or until a time, and return what was found.

    Raises:
        AssertionError: if our answer is not right, or no peer confirms it.
    """
    comparison = Comparison.of(case)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / DATA).write_bytes(pickle.dumps(case.make(folder), protocol=5))
        comparison.measure(folder, until)
    comparison.check()
    return comparison.result()


# The command line


def write(result: dict[str, Any], path: Path | None) -> None:
    """Write a result as JSON, if it is wanted."""
    if path is not None:
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def show(result: dict[str, Any]) -> None:
    """Print what a benchmark that measures in its own way has found, and write JSON if ``--json FILE`` asks for it."""
    parser = argparse.ArgumentParser(description=result["question"])
    parser.add_argument("--json", type=Path, help="write the result to this file too")
    given = parser.parse_args()
    print(result["question"], *result.get("tables", ()), result.get("not run", ""), sep="\n\n", flush=True)
    write(result, given.json)


def result_of(script: str, doc: str, cases: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a question's result: what was asked, where, and what was found."""
    question, _, about = doc.partition("\n\n")
    return {"script": script, "question": question, "about": about.strip(), "machine": machine()} | {
        "cases": cases,
        **more,
    }


def main(doc: str | None, cases: Sequence[Case]) -> None:
    """Answer a question: compare in each case, print the tables, and write JSON if it is asked for."""
    if sys.argv[1:2] == ["--child"]:
        label, name, folder, said, out = sys.argv[2:]
        _child(next(one for one in cases if one.label == label), name, Path(folder), int(said), Path(out))
        return
    assert doc is not None
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the result to this file too")
    parser.add_argument("--only", default="", help="cases whose label has this in it")
    given = parser.parse_args()
    print(doc.splitlines()[0])
    result = result_of(Path(sys.argv[0]).name, doc, [])
    chosen = [case for case in cases if given.only in case.label]
    end = time.perf_counter() + WITHIN
    for i, case in enumerate(chosen):
        now = time.perf_counter()
        try:
            result["cases"].append(compare(case, now + max(0.0, end - now) / (len(chosen) - i)))
            print_case(result["cases"][-1])
        except AssertionError as error:  # what was not equal; the other cases go on
            result["cases"].append({"label": case.label, "failed": str(error)})
            print(f"\n{case.label}\nFAILED: {error}", flush=True)
        print(f"{time.perf_counter() - now:.0f} s", flush=True)
        write(result, given.json)  # after each case, so that nothing is lost if time runs out
    print("\n" + "; ".join(f"{key} {value}" for key, value in result["machine"].items()), flush=True)
    sys.exit(SOME_FAILED if any("failed" in case for case in result["cases"]) else 0)

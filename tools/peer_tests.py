"""Run the test suites of scikit-learn and statsmodels against our estimators, and print what becomes of each test.

    python tools/peer_tests.py                       # all suites, some ten minutes
    python tools/peer_tests.py ridge logistic -v     # some of them, with each test that fails or does not apply
    python tools/peer_tests.py --markdown docs/peer_tests.md

The suites are those of the installed packages; nothing of them is in this repository. While a suite is collected, the
class under test is replaced by one with its name and its constructor's arguments that fits with ours
(``peers_sklearn.py``, ``peers_statsmodels.py``). What ours does not have is refused there, with the reason, and counts
as "does not apply". So do tests of a peer's private functions or of a choice that is made otherwise here:
``APPLIES_NOT`` names those, with the reason. Everything else has to pass; the exit code is 1 if something fails.
"""

import argparse
import os
import re
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # scikit-learn's tests of arrays of other namespaces need it
sys.path.insert(0, str(Path(__file__).parent))

import pytest

from peers import NOT_OURS, uses

PASSED, OTHER, APPLIES_NOT_HERE, SKIPPED, FAILED = (
    "passed",
    "of something else",
    "does not apply",
    "skipped by the suite",
    "failed",
)
OUTCOMES = (PASSED, OTHER, APPLIES_NOT_HERE, SKIPPED, FAILED)


@dataclass(frozen=True)
class Suite:
    """A module of tests, and what takes the place of the classes under test while it is collected.

    Attributes:
        module: its name.
        adapters: the module that has, in ``REPLACED``, by the name of a module, replacements by name; and in
            ``APPLIES_NOT`` reasons by patterns of tests.
        chosen: which of its tests, as pytest's -k takes it.
    """

    module: str
    adapters: str
    chosen: str = ""

    @property
    def tests_of(self) -> str:
        """The module of the other package."""
        return "sklearn.utils.estimator_checks" if self.module == "peers_common" else self.module


PAGE = """# The tests of scikit-learn and statsmodels, run against onelayer

    python tools/peer_tests.py --markdown docs/peer_tests.md

wrote this page, with {packages}.

It runs the test suites of the installed packages. While a suite is collected, the classes under test are replaced by
adapters that have their names and arguments and fit with ours. A test that asks for what ours does not have, or that
decides otherwise, ends there: the second table says why. A test passes if it calls an adapter and holds; one that calls
none is of something else. Tests skipped by the suite include those that it expects to fail.

{suites}

{table}

## What does not apply

{reasons}
"""
DISCRETE = "Logit or logit"  # other models are of other losses

SUITES = {
    "linear": Suite("sklearn.linear_model.tests.test_base", "peers_sklearn"),
    "ridge": Suite("sklearn.linear_model.tests.test_ridge", "peers_sklearn"),
    "net": Suite("sklearn.linear_model.tests.test_coordinate_descent", "peers_sklearn"),
    "logistic": Suite("sklearn.linear_model.tests.test_logistic", "peers_sklearn"),
    "common": Suite("peers_common", "peers_sklearn"),
    "regression": Suite("statsmodels.regression.tests.test_regression", "peers_statsmodels"),
    "robustcov": Suite("statsmodels.regression.tests.test_robustcov", "peers_statsmodels"),
    "discrete": Suite("statsmodels.discrete.tests.test_discrete", "peers_statsmodels", DISCRETE),
    "predict": Suite("statsmodels.regression.tests.test_predict", "peers_statsmodels"),
    "influence": Suite("statsmodels.stats.tests.test_diagnostic", "peers_statsmodels", "nfluence"),
}


@dataclass(eq=False)
class Ledger:
    """A plugin of pytest that notes the outcome of each test and its reason."""

    reasons: dict[str, str]
    outcomes: dict[str, tuple[str, str]] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Note whether a test uses an adapter."""
        before = uses()
        yield
        self.used = uses() > before

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of a test."""
        if report.when == "call" and report.passed:
            self._note(report, PASSED if self.used else OTHER, "")
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            reason = reason.removeprefix("Skipped: ")
            ours = reason.startswith(NOT_OURS)
            self._note(report, APPLIES_NOT_HERE if ours else SKIPPED, reason.removeprefix(NOT_OURS).strip())
        elif report.failed:
            self._failed(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a module that could not be imported."""
        if report.failed:
            self.outcomes[report.nodeid] = (FAILED, str(report.longrepr)[-2000:])

    def _failed(self, report: pytest.TestReport) -> None:
        name = report.nodeid.partition("::")[2]
        for pattern, reason in self.reasons.items():
            if re.search(pattern, name):
                self.listed.add(pattern)
                self._note(report, APPLIES_NOT_HERE, reason)
                return
        self._note(report, FAILED, str(report.longrepr))

    def _note(self, report: pytest.TestReport, outcome: str, reason: str) -> None:
        before = self.outcomes.get(report.nodeid, ("", ""))[0]
        if before != FAILED:
            self.outcomes[report.nodeid] = (outcome, reason)


@contextmanager
def replaced(replacements: dict[str, dict[str, Any]]) -> Iterator[None]:
    """Put other classes in the place of a package's, by module and name."""
    before = {
        (module, name): getattr(import_module(module), name)
        for module, names in replacements.items()
        for name in names
    }
    for module, names in replacements.items():
        for name, value in names.items():
            setattr(import_module(module), name, value)
    try:
        yield
    finally:
        for (module, name), value in before.items():
            setattr(import_module(module), name, value)


class Restored:
    """A plugin that takes the replacements back when the tests have been collected: their modules keep them."""

    def __init__(self, restore: Callable[[], None]) -> None:
        self.restore = restore

    def pytest_collection_finish(self) -> None:
        """Take the replacements back."""
        self.restore()


def run(suite: Suite, chosen: str = "") -> Ledger:
    """Run a suite, or the tests of it that pytest's -k chooses, in this process."""
    try:
        adapters, spec = import_module(suite.adapters), find_spec(suite.module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        return Ledger({}, {suite.module: (SKIPPED, "it is not installed")})
    ledger = Ledger(adapters.APPLIES_NOT.get(suite.module, {}))
    manager, kept = replaced(adapters.REPLACED), replaced(getattr(adapters, "KEPT", {}))
    kept.__enter__()
    manager.__enter__()
    is_open = [True]

    def restore() -> None:
        if is_open.pop() if is_open else False:
            manager.__exit__(None, None, None)

    arguments = [spec.origin, "-q", "--no-header", "--no-summary", "-p", "no:cacheprovider", "-p", "no:xdist"]
    arguments += ["-c", os.devnull, "--rootdir", str(Path(spec.origin).parents[3]), "--tb=short"]
    wanted = " and ".join(f"({part})" for part in (suite.chosen, chosen) if part)
    arguments += ["-k", wanted] if wanted else []
    with warnings.catch_warnings(), suppress(SystemExit):
        pytest.main(arguments, plugins=[ledger, Restored(restore)])
    restore()
    kept.__exit__(None, None, None)
    return ledger


def table(ledgers: dict[str, Ledger]) -> str:
    """Return how many tests of each suite came to what, in Markdown."""
    lines = [
        f"| suite | {' | '.join(OUTCOMES)} |",
        "| --- |" + " ---: |" * len(OUTCOMES),
    ]
    for name, ledger in ledgers.items():
        counts = Counter(outcome for outcome, _ in ledger.outcomes.values())
        lines.append(f"| {name} | {' | '.join(str(counts[outcome]) for outcome in OUTCOMES)} |")
    return "\n".join(lines)


def reasons(ledgers: dict[str, Ledger]) -> str:
    """Return why tests do not apply, and how many there are of each reason, in Markdown."""
    counts: Counter[str] = Counter()
    suites: dict[str, set[str]] = defaultdict(set)
    for name, ledger in ledgers.items():
        for outcome, reason in ledger.outcomes.values():
            if outcome == APPLIES_NOT_HERE:
                counts[reason] += 1
                suites[reason].add(name)
    lines = ["| does not apply | tests | suites |", "| --- | ---: | --- |"]
    lines += [
        f"| {reason} | {count} | {', '.join(sorted(suites[reason]))} |"
        for reason, count in counts.most_common()
    ]
    return "\n".join(lines)


def page(ledgers: dict[str, Ledger]) -> str:
    """Return the outcomes as a page in Markdown."""
    of_packages = ", ".join(f"{name} {version(name)}" for name in ("onelayer", "scikit-learn", "statsmodels"))
    suites = "\n".join(f"- {name}: `{SUITES[name].tests_of}`{_chosen(name)}" for name in ledgers)
    return PAGE.format(packages=of_packages, suites=suites, table=table(ledgers), reasons=reasons(ledgers))


def _chosen(name: str) -> str:
    chosen = SUITES[name].chosen
    return f", tests with {chosen} in their names" if chosen else ""


def main() -> int:
    """Run the suites that are asked for."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help="all, if none is named")
    parser.add_argument("-k", default="", help="some of their tests, as pytest takes it")
    parser.add_argument("-v", action="store_true", help="name each test that fails or does not apply")
    parser.add_argument("--tb", action="store_true", help="show where each test fails")
    parser.add_argument("--markdown", type=Path, help="a file to write the outcomes to")
    given = parser.parse_args()
    ledgers = {name: run(SUITES[name], given.k) for name in given.suites or SUITES}
    print("\n" + table(ledgers) + "\n\n" + reasons(ledgers) + "\n")
    if given.markdown:
        given.markdown.write_text(page(ledgers), encoding="utf-8")
    n_failed = 0
    for name, ledger in ledgers.items():
        for test, (outcome, reason) in ledger.outcomes.items():
            n_failed += outcome == FAILED
            if outcome == FAILED or (given.v and outcome == APPLIES_NOT_HERE):
                last = [line for line in reason.splitlines() if line.startswith("E ")]
                said = (
                    reason if given.tb else (last[0] if last else reason.splitlines()[-1] if reason else "")
                )
                print(f"{outcome}: {name} {test.partition('::')[2]}: {said}")
        if not given.k:
            for pattern in ledger.reasons.keys() - ledger.listed:
                print(f"listed, but nothing of it fails: {name} {pattern}")
    return int(n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())

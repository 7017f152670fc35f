"""The compiled files of the package; what else there is to say stands in pyproject.toml."""

import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup

KERNELS = "src/onelayer/solvers/kernels"
CELLS = "src/onelayer/data/compiled_cells.c"
# Whether a multiplication and an addition may be fused, and round once for both. In steps that each depend on the one
# before, each operation rounds as NumPy's do.
FUSES = {
    "compiled": "off",
    "compiled_groups": "off",
    "compiled_small": "off",
    "compiled_moments": "off",
    "compiled_gram": "fast",
    "compiled_sgd": "fast",
    "compiled_sparse": "fast",
    "compiled_softmax": "fast",
}
HAS_STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")


def extension(path: Path, fuses: str = "off") -> Extension:
    """Return what is compiled of a file."""
    return Extension(
        ".".join(path.with_suffix("").parts[1:]),
        [str(path)],
        depends=[str(header) for header in path.parent.glob("*.h")],
        extra_compile_args=[] if sys.platform == "win32" else ["-O3", f"-ffp-contract={fuses}"],
        py_limited_api=HAS_STABLE_ABI,
        optional=True,  # without a compiler NumPy, or DuckDB, does the same, slower
    )


setup(
    ext_modules=[
        *(extension(Path(KERNELS, f"{name}.c"), fuses) for name, fuses in FUSES.items()),
        extension(Path(CELLS)),
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if HAS_STABLE_ABI else {},
)

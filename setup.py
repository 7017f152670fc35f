"""The compiled files of the package; what else there is to say stands in pyproject.toml."""

import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup

KERNELS = "src/onelayer/solvers/kernels"
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

setup(
    ext_modules=[
        Extension(
            f"onelayer.solvers.kernels.{name}",
            [f"{KERNELS}/{name}.c"],
            depends=[str(path) for path in Path(KERNELS).glob("*.h")],
            extra_compile_args=[] if sys.platform == "win32" else ["-O3", f"-ffp-contract={fuses}"],
            py_limited_api=HAS_STABLE_ABI,
            optional=True,  # without a compiler NumPy does the same, slower
        )
        for name, fuses in FUSES.items()
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if HAS_STABLE_ABI else {},
)

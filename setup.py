"""The compiled files of the package; what else there is to say stands in pyproject.toml."""

import sys
import sysconfig

from setuptools import Extension, setup

KERNELS = "src/onelayer/solvers/kernels"
# Each operation rounds as NumPy's do: a fused multiplication and addition would round once for both.
ARGUMENTS = [] if sys.platform == "win32" else ["-O3", "-ffp-contract=off"]
HAS_STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    ext_modules=[
        Extension(
            f"onelayer.solvers.kernels.{name}",
            [f"{KERNELS}/{name}.c"],
            depends=[f"{KERNELS}/sweeps.h"],
            extra_compile_args=ARGUMENTS,
            py_limited_api=HAS_STABLE_ABI,
            optional=True,  # without a compiler NumPy does the same, slower
        )
        for name in ("compiled", "compiled_groups")
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if HAS_STABLE_ABI else {},
)

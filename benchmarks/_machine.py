"""What figures depend on: processor, memory, threads, BLAS, versions; and how much memory a process takes."""

import os
import platform
import resource
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np  # noqa: F401 - so that its BLAS is loaded and can be asked
from threadpoolctl import threadpool_info

PACKAGES = (
    *(
        "numpy",
        "scipy",
        "scikit-learn",
        "torch",
        "duckdb",
        "pyarrow",
        "scikit-learn-intelex",
        "statsmodels",
        "glum",
    ),
    *(
        "skglm",
        "celer",
        "polars",
        "polars-ols",
        "skorch",
        "jax",
        "optax",
        "vowpalwabbit",
        "dask",
        "dask-ml",
        "pyspark",
    ),
)


LOAD_BEFORE = os.getloadavg()[0]  # when the benchmark starts


def machine() -> dict[str, str]:
    """Return what the figures of a run depend on."""
    blas = {
        f"{one['internal_api']} {one.get('version')}, {one['num_threads']} threads"
        for one in threadpool_info()
    }
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB",
        "load before": f"{LOAD_BEFORE:.1f}",
        "BLAS": "; ".join(sorted(blas)),
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name))),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        names = [
            line.partition(":")[2].strip() for line in path.read_text().splitlines() if "model name" in line
        ]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def _status(process: int | str, kind: str) -> float:
    """Return a memory figure in MB of a process and of those it has started (Linux); 0 of one that is gone."""
    folder = Path(f"/proc/{process}")
    try:
        lines = (folder / "status").read_text().splitlines()
        started = " ".join(path.read_text() for path in folder.glob("task/*/children")).split()
    except OSError:
        return 0.0
    own = sum(int(line.split()[1]) / 1024 for line in lines if line.startswith(kind))
    return own + sum(_status(child, kind) for child in started)


def reset_peak() -> float:
    """Forget the peak so far, and return the resident memory in MB, of this process and those it has started."""
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5")
        return _status("self", "VmRSS")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak_mb() -> float:
    """Return the peak of the resident memory in MB, of this process and those it has started."""
    return _status("self", "VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

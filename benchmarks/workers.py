"""How much faster is softmax regression on files with two local workers than with one?

Two Dask workers of one thread against one, which read the files again in each pass; the weights must be the
same to the last bit. The threads of this process, without workers, are beside them.
"""

from functools import cache, partial
from typing import Any

import numpy as np

from _measure import Case, Contender, main, once, same_numbers
from files import NAMES, ROWS, TARGETS, write


@cache
def client(workers: int) -> Any:
    """Start workers that end with this process, and return their client."""
    from distributed import Client

    from onelayer.engines.dask import local_cluster

    found = Client(local_cluster(workers).__enter__())
    found.wait_for_workers(workers)
    return found


def onelayer(workers: int, paths: list[str]) -> np.ndarray:
    from onelayer import SoftmaxRegression, scan

    rows = scan(paths, TARGETS["softmax"], NAMES, as_classes=True)
    return SoftmaxRegression(C=1.0).fit(rows.on(client(workers), holds=False) if workers else rows).coef_


def way(name: str, workers: int, role: str) -> Contender:
    before = partial(client, workers) if workers else None
    return Contender(name, partial(onelayer, workers), ("onelayer.estimators", "distributed"), role, before)


CASES = [
    Case(
        "softmax from Parquet by two workers, not one",
        make=lambda folder: (write(folder, ROWS // 2),),
        contenders=[
            way("onelayer, two workers", 2, "ours"),
            way("onelayer, one worker", 1, "peer"),
            way("onelayer, threads of one process", 0, "own"),
        ],
        equal=same_numbers("weights", 0.0),
        measure=once,
        headlines=("seconds",),
    )
]

if __name__ == "__main__":
    main(__doc__, CASES)

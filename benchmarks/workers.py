"""How much faster is softmax regression on files with two local workers than with one?

Two Dask workers of one thread against one, which read the files again in each pass; the weights must be the
same to the last bit. The threads of this process, without workers, are beside them.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from _measure import Case, Contender, main, once, same_numbers
from files import NAMES, TARGETS, write


def onelayer(workers: int) -> Callable[[Path], np.ndarray]:
    from onelayer import SoftmaxRegression, scan

    client: Any = None
    if workers:
        from distributed import Client

        from onelayer.engines.dask import local_cluster

        cluster = local_cluster(workers).__enter__()  # ends with this process
        client = Client(cluster)
        client.wait_for_workers(workers)

    def fit(folder: Path) -> np.ndarray:
        rows = scan(f"{folder}/*.parquet", TARGETS["softmax"], NAMES, as_classes=True)
        return SoftmaxRegression(C=1.0).fit(rows.on(client, holds=False) if workers else rows).coef_

    return fit


CASES = [
    Case(
        "softmax from Parquet by two workers, not one",
        load=lambda folder: (folder,),
        contenders=[
            Contender("onelayer, two workers", partial(onelayer, 2), ("distributed",), "ours"),
            Contender("onelayer, one worker", partial(onelayer, 1), ("distributed",)),
            Contender("onelayer, threads of one process", partial(onelayer, 0), role="own"),
        ],
        equal=same_numbers("weights", 0.0),
        prepare=write,
        measure=once,
        headlines=("seconds",),
    )
]

if __name__ == "__main__":
    main(__doc__, CASES)

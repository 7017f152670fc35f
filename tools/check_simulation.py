"""Check ``simulate_cluster.py`` against Dask, with tasks that sleep: a small machine can have several workers of such.

    python tools/check_simulation.py

First the time of a task that does nothing, which is what Dask itself takes; then passes of tasks that sleep, equally
long or not, and what the simulation says of the same tasks.
"""

import time
from collections.abc import Sequence
from typing import Any

from distributed import Client, LocalCluster

from simulate_cluster import Cluster, Simulation

WORKERS = (1, 2, 4)
FEW, MANY = 200, 1000  # tasks that do nothing
SECONDS, EACH = 0.1, 40  # of a task that sleeps, and how many there are for each worker
NOISES = (0.0, 0.5)
FAN_IN = 16


def asleep(seconds: float) -> int:
    """Sleep, and return the sum of one unit."""
    time.sleep(seconds)
    return 1


def seconds_of(client: Any, naps: Sequence[float]) -> float:
    """Return the time of a pass: tasks that sleep, and a tree of sums."""
    start = time.perf_counter()
    level = client.map(asleep, naps, pure=False)
    while len(level) > 1:
        groups = [level[i : i + FAN_IN] for i in range(0, len(level), FAN_IN)]
        level = [client.submit(sum, group, pure=False) for group in groups]
    if level[0].result() != len(naps):
        raise RuntimeError("Dask has lost or repeated a task")
    return time.perf_counter() - start


def overhead(client: Any) -> float:
    """Return the time that a task takes although it does nothing."""
    few, many = (min(seconds_of(client, [0.0] * n) for _ in range(3)) for n in (FEW, MANY))
    return (many - few) / (MANY - FEW) * FAN_IN / (FAN_IN + 1)  # there is a task of the tree for 16 others


def main() -> None:
    """Print a table of passes as measured and as simulated."""
    print(
        "| workers | task that does nothing, ms | times vary by | measured, s | simulated, s | difference |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for workers in WORKERS:
        with (
            LocalCluster(
                n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
            ) as local,
            Client(local) as client,
        ):
            client.wait_for_workers(workers)
            empty = overhead(client)
            for noise in NOISES:
                cluster = Cluster(
                    workers=workers,
                    units=EACH * workers,
                    passes=1,
                    unit_mb=SECONDS * 1000,
                    read_rate=1000.0,
                    flop_per_byte=0.0,
                    overhead=empty,
                    fan_in=FAN_IN,
                    noise=noise,
                    slow_share=0.0,
                    mtbf_hours=0.0,
                )
                simulation = Simulation(cluster)
                simulated = simulation.run()[0].seconds
                measured = seconds_of(client, [SECONDS * factor for factor in simulation.factors])
                print(
                    f"| {workers} | {1000 * empty:.2f} | {noise:.0%} | {measured:.2f} | {simulated:.2f} "
                    f"| {simulated / measured - 1:+.1%} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()

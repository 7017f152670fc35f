"""Simulate passes over the units of a data set on a cluster, event by event: what 1,000 workers would make of them.

    python tools/simulate_cluster.py                            # the table of docs/scaling.md, in under a minute
    python tools/simulate_cluster.py --unit-mb 64 --in-memory   # smaller units, which workers keep decoded

A pass sends the weights to all workers. One scheduler hands out tasks one at a time, to workers of one thread: a unit
is read and summed, and the sums are added by a fixed tree. The sums of a worker that fails are lost and computed
again, as are, in memory, its decoded units. A worker asks for its next task when it has finished the last; a
transfer takes a worker's connection, not its thread, and adding sums takes no time beside their transfer. Nobody
steals a decoded unit from a slow worker.

The defaults are those of a pass of softmax regression with 100 features and 10 classes in float32.
"""

import argparse
import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from random import Random
from statistics import median
from typing import Any

WORKERS = (1, 4, 16, 64, 256, 1000)


@dataclass(frozen=True)
class Cluster:
    """What is simulated; times are in seconds, rates are those of one worker.

    Attributes:
        workers, units, passes: how many of each.
        in_memory: whether workers keep the units that they have decoded: later passes do not read them again.
        unit_mb: the size of a unit, decoded.
        read_rate: the MB that a worker reads and decodes in a second.
        flop_per_byte: the operations per byte: for a gradient 4 n d q by 4 n d, so as many as there are classes.
        compute_rate: the 10⁹ operations that a worker does in a second.
        overhead: the time that the scheduler spends on a task. Dask's documentation has 200 µs to 1 ms.
        fan_in: how many sums a task of the tree adds.
        sum_kb, weights_kb: the size of a unit's sums, and of what each worker is sent before a pass.
        network: the MB that reach a worker in a second.
        latency: the time until a transfer begins.
        noise: the standard deviation of the logarithm of a task's time; the mean stays as it is.
        slow_share, slow_speed: the share of workers that are slow, and their speed as a fraction of the others'.
        mtbf_hours: the mean time until a worker fails; 0 for never.
        notice: the time until the scheduler knows. A connection that closes says so at once; a machine that
            vanishes is missed after ``distributed.scheduler.worker-ttl``, five minutes.
        replacement: the time until another worker joins in the place of one that failed.
    """

    workers: int = 1
    units: int = 6000
    passes: int = 10
    in_memory: bool = False
    unit_mb: float = 256.0
    read_rate: float = 300.0
    flop_per_byte: float = 10.0
    compute_rate: float = 8.0
    overhead: float = 0.0005
    fan_in: int = 16
    sum_kb: float = 8.0
    weights_kb: float = 8.0
    network: float = 100.0
    latency: float = 0.001
    noise: float = 0.1
    slow_share: float = 0.02
    slow_speed: float = 0.5
    mtbf_hours: float = 24.0
    notice: float = 0.0
    replacement: float = 120.0

    def __post_init__(self) -> None:
        if min(self.workers, self.units, self.passes) < 1 or self.fan_in < 2:
            raise ValueError("workers, units and passes are at least 1, and the fan-in at least 2")

    def unit_seconds(self, decoded: bool) -> float:
        """Return the time of a unit on a worker of full speed."""
        reading = 0.0 if decoded else self.unit_mb / self.read_rate
        return reading + self.unit_mb / 1000 * self.flop_per_byte / self.compute_rate

    @property
    def ideal(self) -> float:
        """The time of all passes if the work were divided evenly and nothing were lost."""
        later = self.unit_seconds(self.in_memory) * (self.passes - 1)
        return self.units * (self.unit_seconds(decoded=False) + later) / self.workers

    @property
    def broadcast(self) -> float:
        """The time to send the weights to all workers: each that has them sends them on."""
        rounds = math.ceil(math.log2(self.workers + 1))
        return rounds * self.transfer(self.weights_kb)

    def transfer(self, kb: float) -> float:
        """Return the time until so many kB have arrived."""
        return self.latency + kb / 1000 / self.network

    def without_stragglers(self) -> "Cluster":
        """Return the cluster with tasks of equal times."""
        return replace(self, noise=0.0, slow_share=0.0)

    def without_overhead(self) -> "Cluster":
        """Return the cluster with a scheduler that takes no time."""
        return replace(self, overhead=0.0)

    def without_failures(self) -> "Cluster":
        """Return the cluster with workers that never fail."""
        return replace(self, mtbf_hours=0.0)


@dataclass(frozen=True)
class Pass:
    """A pass that was simulated.

    Attributes:
        seconds: how long it took.
        counted: the units in the sum that reached the client, in the order in which they were added.
        ran: how many tasks of units were started, those that were lost and started again included.
    """

    seconds: float
    counted: tuple[int, ...]
    ran: int


def tree(units: int, fan_in: int) -> list[range]:
    """Return which sums each task of the tree adds.

    Those of the units are numbered from 0, and those that the tasks make follow; the last is the sum of all.
    """
    nodes: list[range] = []
    level = range(units)
    while len(level) > 1:
        start = units + len(nodes)
        nodes += [level[i : i + fan_in] for i in range(0, len(level), fan_in)]
        level = range(start, units + len(nodes))
    return nodes


class Simulation:
    """The state of a cluster between events; ``run`` simulates the passes one after another."""

    def __init__(self, cluster: Cluster, seed: int = 0) -> None:
        self.cluster = cluster
        self.noise, self.speeds, self.failures = (Random(f"{seed} {what}") for what in ("n", "s", "f"))
        self.now = 0.0
        self.events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.n_events = 0
        self.scheduler_free = 0.0
        self.woken = False

        workers = range(cluster.workers)
        self.life = [0 for _ in workers]  # odd: it is down. Events of an earlier life mean nothing any more
        self.speed = [1.0 for _ in workers]
        self.running: list[int | None] = [None for _ in workers]
        self.connection_free = [0.0 for _ in workers]
        self.own: list[list[int]] = [[] for _ in workers]  # units to do that the worker has decoded
        self.decoded: dict[int, int] = {}  # by which worker
        self.anywhere: list[int] = []  # units to do by any worker
        self.idle: list[tuple[int, int]] = []  # workers, and their lives
        self.without_work: list[tuple[int, int]] = []

        self.nodes = tree(cluster.units, cluster.fan_in)
        self.parent = {child: cluster.units + i for i, node in enumerate(self.nodes) for child in node}
        self.attempt = [0 for _ in self.nodes]  # a task of the tree is cancelled if what it adds is lost
        self.missing: list[int] = []
        self.ready: list[tuple[int, int]] = []  # tasks of the tree, and their attempts
        self.holder: dict[int, int] = {}  # the worker that has a sum, of those that are still to be added
        self.counted: dict[int, tuple[int, ...]] = {}
        self.factors: list[float] = []
        self.ran = 0
        for worker in workers:
            self._start_worker(worker)

    def run(self) -> list[Pass]:
        """Return the passes."""
        return [self._pass() for _ in range(self.cluster.passes)]

    def _pass(self) -> Pass:
        cluster, start = self.cluster, self.now
        sigma = cluster.noise
        self.factors = [math.exp(sigma * self.noise.gauss(0, 1) - sigma**2 / 2) for _ in range(cluster.units)]
        self.missing = [len(node) for node in self.nodes]
        self.attempt = [attempt + 1 for attempt in self.attempt]
        self.holder, self.counted, self.ran = {}, {}, 0
        self.scheduler_free = start + cluster.broadcast
        self._queue(range(cluster.units))
        last = cluster.units + len(self.nodes) - 1
        self._schedule()
        while last not in self.holder:
            self.now, _, happen, arguments = heapq.heappop(self.events)
            happen(*arguments)
            self._schedule()
        self.now += cluster.transfer(cluster.sum_kb)  # to the client
        return Pass(self.now - start, self.counted[last], self.ran)

    def _at(self, time: float, happen: Callable[..., None], *arguments: Any) -> None:
        self.n_events += 1
        heapq.heappush(self.events, (time, self.n_events, happen, arguments))

    # The scheduler

    def _queue(self, units: Iterable[int]) -> None:
        """Have units summed: by the worker that has decoded them, if one has."""
        for unit in units:
            worker = self.decoded.get(unit)
            heapq.heappush(self.anywhere if worker is None else self.own[worker], unit)
        for worker_and_life in self.without_work:
            heapq.heappush(self.idle, worker_and_life)
        self.without_work = []

    def _schedule(self) -> None:
        """Hand out tasks while the scheduler has time: those of the tree first, which let sums be forgotten."""
        while True:
            if self.now < self.scheduler_free:
                if not self.woken:
                    self.woken = True
                    self._at(self.scheduler_free, self._wake)
                return
            if not (self._start_node() or self._start_unit()):
                return

    def _wake(self) -> None:
        self.woken = False

    def _handed_out(self) -> float:
        """Return when a task that is handed out now reaches its worker."""
        self.scheduler_free = self.now + self.cluster.overhead
        return self.scheduler_free

    # Units

    def _start_unit(self) -> bool:
        """Hand out a unit, if there is one that an idle worker can do."""
        while self.idle:
            worker, life = heapq.heappop(self.idle)
            if life != self.life[worker]:
                continue
            queue = self.own[worker] or self.anywhere
            if not queue:
                self.without_work.append((worker, life))
                continue
            unit = heapq.heappop(queue)
            seconds = (
                self.cluster.unit_seconds(unit in self.decoded) * self.factors[unit] / self.speed[worker]
            )
            self.running[worker] = unit
            self.ran += 1
            self._at(self._handed_out() + seconds, self._unit_done, worker, life, unit)
            return True
        return False

    def _unit_done(self, worker: int, life: int, unit: int) -> None:
        if life != self.life[worker]:
            return
        self.running[worker] = None
        heapq.heappush(self.idle, (worker, life))
        if self.cluster.in_memory:
            self.decoded[unit] = worker
        self._has(worker, unit, (unit,))

    # Sums

    def _has(self, worker: int, number: int, counted: tuple[int, ...]) -> None:
        """Note that a worker has a sum; the last that a task of the tree waits for makes it ready."""
        self.holder[number], self.counted[number] = worker, counted
        if number in self.parent:
            node = self.parent[number] - self.cluster.units
            self.missing[node] -= 1
            if not self.missing[node]:
                heapq.heappush(self.ready, (node, self.attempt[node]))

    def _start_node(self) -> bool:
        """Hand out a task of the tree, if one is ready: to the worker that has the first of its sums."""
        while self.ready:
            node, attempt = heapq.heappop(self.ready)
            if attempt != self.attempt[node]:
                continue
            children = self.nodes[node]
            worker = self.holder[children[0]]
            elsewhere = sum(self.holder[child] != worker for child in children)
            end = start = self._handed_out()
            if elsewhere:
                start = max(start, self.connection_free[worker])
                end = self.connection_free[worker] = start + self.cluster.transfer(
                    elsewhere * self.cluster.sum_kb
                )
            self._at(end, self._node_done, worker, node, attempt)
            return True
        return False

    def _node_done(self, worker: int, node: int, attempt: int) -> None:
        if attempt != self.attempt[node]:
            return
        counted = tuple(unit for child in self.nodes[node] for unit in self.counted.pop(child))
        for child in self.nodes[node]:
            del self.holder[child]
        self._has(worker, self.cluster.units + node, counted)

    def _forget(self, number: int) -> list[int]:
        """Take back a sum and those that it was made of; return its units, which are to be done again."""
        self.holder.pop(number, None)
        self.counted.pop(number, None)
        if number < self.cluster.units:
            return [number]
        node = number - self.cluster.units
        self.missing[node] = len(self.nodes[node])
        return [unit for child in self.nodes[node] for unit in self._forget(child)]

    # Workers

    def _start_worker(self, worker: int) -> None:
        cluster = self.cluster
        is_slow = self.speeds.random() < cluster.slow_share
        self.speed[worker] = cluster.slow_speed if is_slow else 1.0
        self.connection_free[worker] = self.now
        heapq.heappush(self.idle, (worker, self.life[worker]))
        if cluster.mtbf_hours:
            lasts = self.failures.expovariate(1 / (3600 * cluster.mtbf_hours))
            self._at(self.now + lasts, self._fail, worker)

    def _fail(self, worker: int) -> None:
        """Lose a worker with all that it has; what is lost is queued again when the scheduler knows."""
        self.life[worker] += 1
        again = [] if self.running[worker] is None else [self.running[worker]]
        self.running[worker] = None
        again += self.own[worker]
        self.own[worker] = []
        self.decoded = {unit: other for unit, other in self.decoded.items() if other != worker}
        for number in [number for number, holder in self.holder.items() if holder == worker]:
            node = self.parent[number] - self.cluster.units
            self.missing[node] += 1
            self.attempt[node] += 1
            again += self._forget(number)
        self._at(self.now + self.cluster.notice, self._queue, again)
        self._at(self.now + self.cluster.replacement, self._join, worker)

    def _join(self, worker: int) -> None:
        self.life[worker] += 1
        self._start_worker(worker)


@dataclass(frozen=True)
class Report:
    """What passes on a cluster cost.

    Attributes:
        median: the median time of a pass.
        total: the mean time of all passes.
        efficiency: the ideal time as a share of the total.
        stragglers, scheduler, failures: by which share the total would be shorter without them.
        rest: the share that is lost without any of these: units that do not divide evenly, sending weights, the tree.
    """

    median: float
    total: float
    efficiency: float
    stragglers: float
    scheduler: float
    failures: float
    rest: float


def seconds_of(cluster: Cluster, seeds: Sequence[int]) -> list[float]:
    """Return the times of the passes, of one run for each seed."""
    return [each.seconds for seed in seeds for each in Simulation(cluster, seed).run()]


def report(cluster: Cluster, seeds: Sequence[int]) -> Report:
    """Return what passes cost, and how much less without what delays them, with the same seeds."""
    passes = seconds_of(cluster, seeds)

    def lost_to(other: Cluster) -> float:
        return 1 - sum(seconds_of(other, seeds)) / sum(passes)

    total = sum(passes) / len(seeds)
    clean = cluster.without_stragglers().without_overhead().without_failures()
    return Report(
        median(passes),
        total,
        cluster.ideal / total,
        lost_to(cluster.without_stragglers()),
        lost_to(cluster.without_overhead()),
        lost_to(cluster.without_failures()),
        1 - lost_to(clean) - cluster.ideal / total,
    )


def table(cluster: Cluster, seeds: Sequence[int], workers: Sequence[int] = WORKERS) -> str:
    """Return a table in Markdown, with a row for each number of workers."""
    lines = [
        "| workers | median pass, s | all passes, s | efficiency | stragglers | scheduler | failures | rest |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for count in workers:
        found = report(replace(cluster, workers=count), seeds)
        shares = (found.efficiency, found.stragglers, found.scheduler, found.failures, found.rest)
        cells = [f"{count:,}", f"{found.median:,.1f}", f"{found.total:,.0f}"]
        cells += [f"{round(100 * share, 1) + 0.0:.1f}%" for share in shares]  # + 0.0: no -0.0
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table for the options given, which are the attributes of ``Cluster``."""
    parser = argparse.ArgumentParser(description="Simulate passes on clusters of several sizes.")
    for option in fields(Cluster):
        name = "--" + option.name.replace("_", "-")
        if option.name == "in_memory":
            parser.add_argument(name, action="store_true")
        elif option.name != "workers":
            parser.add_argument(name, type=type(option.default), default=option.default)
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--seed", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--runs", type=int, default=5, help="how many seeds")
    options = vars(parser.parse_args())
    workers, seed, runs = (options.pop(name) for name in ("workers", "seed", "runs"))
    print(table(Cluster(**options), range(seed, seed + runs), workers))


if __name__ == "__main__":
    main()

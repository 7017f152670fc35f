"""The workers of a Dask cluster walk the units: only weights go out and sums come back.

Workers read their own files. Sums are added where they are, by the tree that one process uses, so they have the same
bits for any number of workers, and after one was lost. What Dask sends between its processes is pickled, as all that it
does: who reaches a scheduler can run code on its workers.
"""

import io
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import cloudpickle
from distributed import Client, Future, KilledWorker, LocalCluster

from onelayer.engines.memory import keep_freed_memory
from onelayer.engines.threads import Read, Watch, added, one_thread, tree_sum
from onelayer.errors import OneLayerError, first_line

FAN = 16  # sums that are added in one task: a power of two, so that the tree is that of one process
PATIENCE = 60.0  # seconds without a worker, or without the scheduler, after which a pass is given up
KEPT = 128 << 20  # bytes that a worker keeps after a block
PACKAGES = ("onelayer", "numpy", "scipy", "pyarrow")  # that decide on bits

Terms = Callable[[Any], Sequence[Any]]


@dataclass(eq=False)
class Workers:
    """The workers of a cluster.

    Attributes:
        client: of the cluster.
        is_held: whether what units hold stays in the workers' memory; what is lost with a worker is read again.
        patience: seconds to wait for a worker where there is none.
    """

    client: Client
    is_held: bool = False
    patience: float = PATIENCE
    _watch: Watch | None = field(default=None, repr=False)
    _held: tuple[Read | None, dict[Any, Future[Any]]] = field(default=(None, {}), repr=False)

    def __post_init__(self) -> None:
        check_versions(self.client)

    def tell(self, watch: Watch) -> None:
        """Tell of each unit that is done from now on, from another thread."""
        self._watch = watch

    @classmethod
    def for_rows(cls, client: Client, size: int | None, needed: int) -> "Workers":
        """Return the workers of a cluster.

        Args:
            client: of the cluster.
            size: bytes of all rows in memory, which workers hold if they fit into half of theirs; None if they do not.
            needed: bytes that a worker of one thread takes.

        Raises:
            OneLayerError: if a worker has less memory, or other packages.
        """
        workers = workers_of(client)
        for worker in workers:
            share = worker["memory"] / worker["threads"]
            if 0 < share < needed:
                raise OneLayerError(
                    f"the worker {worker['address']} has {share / 1e9:.2f} GB for each thread, and the fit takes "
                    f"{needed / 1e9:.2f} GB: give it more memory, or fewer threads"
                )
        return cls(client, size is not None and 2 * size <= sum(worker["memory"] for worker in workers))

    def sum(self, read: Read, terms: Terms, units: Sequence[Any]) -> list[Any]:
        """Return the sums of what ``terms`` returns for all blocks that ``read`` yields for each unit.

        Raises:
            OneLayerError: if a unit cannot be read, or the cluster is lost.
        """
        left_out = (units, self)
        message = self._message((read, terms), left_out)
        if self.is_held:
            if self._held[0] != read:
                self._held = read, {}
            held = self._held[1]
            if new := [unit for unit in units if unit not in held]:
                reader = self._message(read, left_out)
                held |= dict(zip(new, self._spread(_read, reader, new), strict=True))
            group = _group(_sum_of_blocks)
            parts = [
                self.client.submit(_sum_of_blocks, message, held[unit], key=(group, i))
                for i, unit in enumerate(units)
            ]
        else:
            parts = self._spread(_sum_of_unit, message, units)
        if self._watch:
            watch, done = self._watch, count(1)
            for part in parts:
                part.add_done_callback(lambda _: watch(next(done), len(units)))
        while len(parts) > 1:
            group = _group(tree_sum)
            branches = [parts[i : i + FAN] for i in range(0, len(parts), FAN)]
            parts = [
                self.client.submit(tree_sum, branch, key=(group, i)) for i, branch in enumerate(branches)
            ]
        return self._result(parts[0])

    def _message(self, what: Any, left_out: tuple[Any, ...]) -> Future[bytes]:
        """Return a message to workers: as a result it goes from one to the next, and again where it was lost."""
        return self.client.submit(_same, _packed(what, left_out), key=(_group(_same), 0))

    def _spread(
        self, function: Callable[..., list[Any]], message: Future[bytes], units: Sequence[Any]
    ) -> list[Future[list[Any]]]:
        """Return what a function returns for a message and each unit, shared by all workers.

        Dask hands out a group of more than two tasks for each thread one by one, as workers are free. Tasks of smaller
        groups would all go to the worker that has the message, so they are dealt out here.
        """
        group, threads = _group(function), self._threads()
        if len(units) > 2 * len(threads):
            keys = [(group, i) for i in range(len(units))]
            return list(self.client.map(function, [message] * len(units), units, key=keys))
        return [
            self.client.submit(
                function,
                message,
                unit,
                key=(group, i),
                workers=[threads[i % len(threads)]],
                allow_other_workers=True,  # where that one is lost, or another is idle
            )
            for i, unit in enumerate(units)
        ]

    def _threads(self) -> list[str]:
        """Return the address of the worker of each thread, first threads first; none where nobody answers."""
        try:
            counts = self.client.nthreads() if self.client.status == "running" else {}
        except Exception:  # whatever it is: a result is waited for with patience, and tells
            counts = {}
        threads = [(i, worker) for worker, threads in counts.items() for i in range(threads)]
        return [worker for _, worker in sorted(threads)]

    def _result(self, future: Future[Any]) -> list[Any]:
        """Wait for a result, as long as there is someone who may work on it."""
        alone = None
        while True:
            try:
                return list(future.result(timeout=1.0))
            except (OneLayerError, MemoryError):
                raise
            except KilledWorker as error:
                raise OneLayerError(
                    f"{error.last_worker.address}: a worker died again and again at the same rows, perhaps for lack of "
                    f"memory ({_limit(error.last_worker)}): give workers more, or fewer threads"
                ) from error
            except Exception as error:
                if future.status == "error":
                    raise OneLayerError(
                        f"a worker failed ({type(error).__name__}: {first_line(error)})"
                    ) from error
                if not isinstance(error, TimeoutError):
                    reason = first_line(error).rpartition("reason: ")[2].strip(" .")
                    raise OneLayerError(f"the cluster at {self._address} was lost ({reason})") from error
            trouble = self._trouble()
            alone = (alone or monotonic()) if trouble else None
            if alone and monotonic() - alone > self.patience:
                raise OneLayerError(
                    f"the cluster at {self._address} {trouble} for {self.patience:.0f} seconds"
                )

    @property
    def _address(self) -> str:
        return str(self.client.scheduler.address) if self.client.scheduler else "an address"

    def _trouble(self) -> str:
        """Return why nobody works, "" if somebody may."""
        if self.client.status != "running":
            return "has not answered"
        try:
            workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        except Exception:  # whatever it is that answers in the place of the scheduler
            return "has not answered"
        if not workers:
            return "has had no worker"
        if any(worker["status"] == "running" for worker in workers):
            return ""
        limit = min(worker["memory_limit"] for worker in workers)
        return (
            f"has worked on nothing, as the memory of all workers ({limit / 1e9:.2f} GB each) is nearly full,"
        )


def _limit(worker: Any) -> str:
    return f"its limit is {worker.memory_limit / 1e9:.1f} GB" if worker.memory_limit else "it has no limit"


def check_versions(client: Client) -> None:
    """Raise OneLayerError if workers lack a package, or have another version than this process."""
    for package in PACKAGES:
        here = version(package)
        for worker, found in client.run(version, package, on_error="return").items():
            if isinstance(found, Exception):
                raise OneLayerError(f"the worker {worker} has no {package}: install {package}=={here} there")
            if found != here:
                raise OneLayerError(
                    f"the worker {worker} has {package} {found}, and this process {here}: bring both to one version"
                )


def check_files(client: Client, paths: Sequence[str]) -> None:
    """Raise OneLayerError if a worker does not see files as this process does."""
    here = sizes_of(paths)
    for worker, found in client.run(sizes_of, paths).items():
        for path, size, there in zip(paths, here, found, strict=True):
            if there != size:
                what = "does not see" if there is None else "sees another file at"
                raise OneLayerError(f"the worker {worker} {what} {path}: put it where all workers have it")


def sizes_of(paths: Sequence[str]) -> list[int | None]:
    """Return the bytes of files, None of those that are not there."""
    return [path.stat().st_size if path.is_file() else None for path in map(Path, paths)]


def workers_of(client: Client) -> list[dict[str, Any]]:
    """Return address, threads and bytes of memory of each worker."""
    workers = client.scheduler_info(n_workers=-1)["workers"].items()
    return [
        {"address": address, "threads": worker["nthreads"], "memory": worker["memory_limit"]}
        for address, worker in workers
    ]


def local_cluster(workers: int, memory: int | None = None) -> LocalCluster:
    """Return a cluster of processes of one thread each on this machine, which nobody else can reach.

    Args:
        workers: how many.
        memory: bytes that all may take together; if not given, what there is.
    """
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        memory_limit="auto" if memory is None else memory // workers,
        dashboard_address="127.0.0.1:0",  # no dashboard is there, only what says that the scheduler lives
        scheduler_kwargs={"dashboard": False},
        silence_logs=logging.CRITICAL,
    )


def _group(function: Callable[..., Any]) -> str:
    """Return a name, which the keys of tasks have in common that Dask is to plan together: those of one pass.

    By default tasks of one function in all passes are a group, and Dask takes each to need the messages of all.
    """
    return f"{function.__name__.strip('_')}-{uuid4().hex}"


# What a worker does


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Leaves out what a worker has no use for: the list of all units, and the engine."""

    def __init__(self, file: io.BytesIO, left_out: tuple[Any, ...]) -> None:
        super().__init__(file)
        self._left_out = {id(value): i for i, value in enumerate(left_out)}

    def persistent_id(self, obj: Any) -> int | None:
        return self._left_out.get(id(obj))


class _Unpickler(cloudpickle.pickle.Unpickler):  # type: ignore[misc]
    def persistent_load(self, _: int) -> None:
        return None


def _packed(what: Any, left_out: tuple[Any, ...]) -> bytes:
    file = io.BytesIO()
    _Pickler(file, left_out).dump(what)
    return file.getvalue()


@lru_cache(maxsize=2)
def _unpacked(message: bytes) -> Any:
    return _Unpickler(io.BytesIO(message)).load()


def _same(message: bytes) -> bytes:
    return message


def _read(reader: bytes, unit: Any) -> list[Any]:
    return list(_unpacked(reader)(unit))


def _sum_of_unit(message: bytes, unit: Any) -> list[Any]:
    read, _ = _unpacked(message)
    return _sum_of_blocks(message, read(unit))


def _sum_of_blocks(message: bytes, blocks: Iterable[Any]) -> list[Any]:
    _, terms = _unpacked(message)
    keep_freed_memory(KEPT)
    with one_thread():
        return added(map(terms, blocks))

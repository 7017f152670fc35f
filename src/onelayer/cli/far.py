"""Rows beyond memory, or beyond this machine: the options of it, the cluster, and the progress of passes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from onelayer.cli.console import passes

if TYPE_CHECKING:
    from onelayer.data.scan import Scan
    from onelayer.engines.cluster import Cluster


@dataclass(frozen=True)
class Access:
    """What it takes to use a cluster."""

    PANEL: ClassVar = "Beyond memory"

    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Also a scheduler elsewhere without encryption."),
    ] = False
    tls_ca: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Whose certificates are trusted."),
    ] = None
    tls_cert: Annotated[str | None, typer.Option(metavar="FILE", help="The certificate of this end.")] = None
    tls_key: Annotated[str | None, typer.Option(metavar="FILE", help="Its key.")] = None

    def to(self, address: str) -> "Cluster":
        """Return the cluster at an address.

        Raises:
            OneLayerError: if it may not be used so.
        """
        from onelayer.engines.cluster import Cluster

        return Cluster(address, self.insecure, self.tls_ca, self.tls_cert, self.tls_key)


@dataclass(frozen=True)
class Far(Access):
    """Where passes over rows go, if not through memory."""

    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Read the rows again in each pass, and take no more memory than this, such as 2GB.",
        ),
    ] = None
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Dask cluster whose workers read the files: tls://HOST:PORT, or local:N for N processes here.",
        ),
    ] = None

    @property
    def is_asked(self) -> bool:
        """Whether rows are to stay in files."""
        return self.memory is not None or self.cluster is not None

    def check_sgd(self, rows: "Scan") -> None:
        """Raise OneLayerError if this process may take less memory than SGD needs."""
        from onelayer.data.shuffle import bytes_of_sgd
        from onelayer.engines.memory import bytes_in
        from onelayer.errors import OneLayerError

        least = bytes_of_sgd(rows)
        if self.memory is not None and bytes_in(self.memory) < least:
            raise OneLayerError(f"memory must be at least {-(-least // 10**6)}MB for SGD on these files")

    @contextmanager
    def rows(self, scan: "Callable[[int | None], Scan]") -> "Iterator[Scan]":
        """Open a scan, on the cluster if there is one, and show the progress of passes.

        Args:
            scan: opens it, given how many bytes this process may take, or None.

        Raises:
            OneLayerError: if the one or the other cannot be used.
        """
        from onelayer.engines.memory import bytes_in

        memory = None if self.memory is None else bytes_in(self.memory)
        if self.cluster is None:
            rows = scan(memory)
            with _shown(rows):
                yield rows
            return
        cluster = self.to(self.cluster)
        rows = scan(None if self.cluster.startswith("local:") else memory)
        with cluster.client(memory) as client:
            there = rows.on(client)
            with _shown(there):
                yield there


@contextmanager
def _shown(rows: "Scan") -> Iterator[None]:
    """Show how far the pass is that is under way, and how many rows a second it reads."""
    with passes() as show:
        ends, begun, number = [0, *(unit.start + unit.n for unit in rows.units)], monotonic(), 0

        def tell(done: int, units: int) -> None:
            nonlocal begun, number
            if done == 1:
                begun, number = monotonic(), number + 1
            rate = ends[done] / max(monotonic() - begun, 1e-3)
            show(f"pass {number}, {rate:,.0f} rows/s", done, units)

        rows.engine.tell(tell)
        yield

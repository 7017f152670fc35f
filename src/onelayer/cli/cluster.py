"""``onelayer cluster check``: whether a cluster can do what a run asks of it, before it is asked."""

from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onelayer.cli import far, options
from onelayer.cli.console import busy, counted, print_json, print_table, say

if TYPE_CHECKING:
    from onelayer.data.scan import Scan

app = typer.Typer(help="Look at a Dask cluster.")
DENSE_PASSES, MANY_PASSES = 9, 40  # of softmax regression with few coefficients, and with many; usual ones


@app.callback()
def cluster() -> None:
    """Look at a Dask cluster."""


@app.command()
@options.with_groups
def check(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="tls://HOST:PORT, or local:N.")],
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="Parquet files that the workers are to read.")
    ] = None,
    *,
    table: options.TableOptions,
    access: far.Access,
    as_json: options.Json = False,
) -> None:
    """Check that workers have the package, see the files of DATA, and how fast they read them."""
    with busy(f"asking {address}"), access.to(address).client() as client:
        from onelayer.data.places import is_address
        from onelayer.engines.dask import check_files, check_versions, workers_of

        if data is None:
            check_versions(client)
        found: dict[str, Any] = {"address": address, "workers": workers_of(client)}
        if data is not None:
            rows = table.scan(data, None, None, None).on(client, holds=False)
            check_files(client, [place for place in rows.places if not is_address(place)])
            found |= _speed(rows, sum(worker["threads"] for worker in found["workers"]))
    if as_json:
        print_json(found)
        return
    sizes = [(w["address"], str(w["threads"]), _gigabytes(w["memory"])) for w in found["workers"]]
    print_table(["worker", "threads", "memory"], sizes)
    say("all have the package, in the version that is here")
    if data is not None:
        say(
            f"all see {counted(found['files'], 'file')} of {found['rows']:,} rows in {counted(found['units'], 'unit')}"
        )
        say(
            f"{found['rows_per_second']:,.0f} rows a second: a pass takes about {found['pass_seconds']:,.1f} s"
        )
        for kind, seconds in found["fit_seconds"].items():
            say(f"  {kind}: about {seconds:,.0f} s")


def _speed(rows: "Scan", threads: int) -> dict[str, Any]:
    """Return how fast workers read some units, and what that says of all."""
    import numpy as np

    tried = rows.take(np.arange(min(2 * threads, rows.n_parts)))
    for _ in range(2):  # the first time workers import what they need
        started = perf_counter()
        tried.sum(lambda block: [float(block.X.sum())])
        seconds = perf_counter() - started
    from onelayer.solvers.minimise import MOST_DENSE

    rate = len(tried) / seconds
    a_pass = len(rows) / rate
    if rows.classes:
        is_small = rows.n_features * len(rows.classes) <= MOST_DENSE
        kind, passes = "softmax regression", DENSE_PASSES if is_small else MANY_PASSES
    else:
        kind, passes = "least squares", 1
    return {
        "files": len(rows.places),
        "rows": len(rows),
        "units": len(rows.units),
        "rows_per_second": rate,
        "pass_seconds": a_pass,
        "fit_seconds": {kind: passes * a_pass},
    }


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size else "no limit"

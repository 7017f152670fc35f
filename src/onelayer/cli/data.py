"""``onelayer data``: what ships with the package."""

from typing import Annotated, Any

import typer

from onelayer.cli.console import print_json, print_table, say
from onelayer.cli.options import Json


def data(
    verify: Annotated[bool, typer.Option("--verify", help="Check the files' SHA-256.")] = False,
    as_json: Json = False,
) -> None:
    """List the bundled data sets: rows, features, classes and size."""
    from onelayer.data import BUNDLED, open_data
    from onelayer.data import verify as check
    from onelayer.data.bundled import size_on_disk
    from onelayer.errors import OneLayerError

    files = check() if verify else []
    damaged = [file.name for file in files if not file.intact]
    if damaged:
        raise OneLayerError(f"{', '.join(damaged)}: damaged or missing; install onelayer again")
    entries: list[dict[str, Any]] = []
    for name in BUNDLED:
        dataset = open_data(name)
        entries.append(
            {
                "name": name,
                "rows": len(dataset.train),
                "test_rows": len(dataset.test) if dataset.test is not None else 0,
                "features": dataset.n_features,
                "target": dataset.target,
                "classes": list(dataset.classes),
                "bytes": size_on_disk(name),
            }
        )
    if as_json:
        print_json({"data": entries, "verified": [file.name for file in files]})
        return
    print_table(
        ["data set", "target", "rows", "test rows", "features", "classes", "size"],
        (
            (
                entry["name"],
                entry["target"],
                f"{entry['rows']:,}",
                f"{entry['test_rows']:,}" if entry["test_rows"] else "–",
                f"{entry['features']}",
                f"{len(entry['classes'])}" if entry["classes"] else "–",
                f"{entry['bytes'] / 1e6:.2f} MB" if entry["bytes"] else "generated",
            )
            for entry in entries
        ),
        left=2,
    )
    if verify:
        say(f"{len(files)} files intact: " + ", ".join(file.name for file in files))

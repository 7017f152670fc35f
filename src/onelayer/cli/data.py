"""``onelayer data``: what the columns of a table are, or what ships with the package."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onelayer.cli import options
from onelayer.cli.console import counted, print_json, print_table, say
from onelayer.errors import OneLayerError

if TYPE_CHECKING:
    from onelayer.data.columns import Profile


@options.with_groups
def data(
    source: Annotated[
        str | None, typer.Argument(metavar="DATA", help="A table; what ships with the package if not given.")
    ] = None,
    table: options.ReadingOptions = options.ReadingOptions(),  # noqa: B008 (its fields have the defaults)
    verify: Annotated[bool, typer.Option("--verify", help="Check the files' SHA-256.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write Fashion-MNIST's four files to DIR/FashionMNIST/raw, where torchvision looks for them.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Show what each column of a table is, and what training will do with it; or list the bundled data sets."""
    if export is not None:
        if source is not None or verify:
            raise OneLayerError(
                "--export writes files that ship with the package: leave out DATA and --verify"
            )
        _export(export, as_json)
        return
    if source is not None:
        _show_columns(source, table, as_json)
        return
    from onelayer.data import BUNDLED, open_data
    from onelayer.data import verify as check
    from onelayer.data.bundled import size_on_disk

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


def _export(root: Path, as_json: bool) -> None:
    from onelayer.data.bundled import FASHION_MNIST_FILES, export_fashion_mnist, torchvision_folder

    written = export_fashion_mnist(root)
    folder = torchvision_folder(root)
    if as_json:
        print_json({"folder": str(folder), "written": [path.name for path in written]})
        return
    there = len(FASHION_MNIST_FILES) - len(written)
    say(f"{folder}: {counted(len(written), 'file')} written" + (f", {there} there already" if there else ""))


def _show_columns(source: str, given: options.ReadingOptions, as_json: bool) -> None:
    from onelayer.data.decisions import outlook
    from onelayer.data.sources import open_table

    name, table = open_table(source, given.reading)
    profiles = table.profiles(table.columns).values()
    rows = next(iter(profiles)).n
    if as_json:
        columns = [
            {
                "name": p.name,
                "kind": p.kind,
                "missing": p.missing,
                "distinct": p.distinct,
                "low": p.low,
                "high": p.high,
                "levels": list(p.levels),
                "outlook": outlook(table, p),
            }
            for p in profiles
        ]
        print_json({"data": name, "rows": rows, "notes": list(table.notes), "columns": columns})
        return
    say(f"{name}: {counted(rows, 'row')}, {counted(len(table.columns), 'column')}")
    for note in table.notes:
        say(f"  {note}")
    cells = (
        (
            p.name,
            p.kind,
            f"{p.missing / p.n:.1%}" if p.missing else "–",
            "many" if p.distinct is None else f"{p.distinct:,}",
            _range(p),
            outlook(table, p),
        )
        for p in profiles
    )
    print_table(["column", "type", "missing", "distinct", "range", "as a feature"], cells, left=2)


def _range(profile: "Profile") -> str:
    if profile.low is not None and profile.high is not None:
        return f"{profile.low:g} to {profile.high:g}"
    shown = ", ".join(level[:20] for level in profile.levels[:3])
    return shown + (", …" if len(profile.levels) > 3 else "")

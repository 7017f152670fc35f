"""``onelayer example``: what the library can do beyond the chapter, each example a command of its own."""

import typer

from onelayer.cli.example_glow import glow
from onelayer.cli.example_segmentation import segmentation

app = typer.Typer()


@app.callback()
def example() -> None:
    """Examples beyond the chapter, on the data that ship with the package."""


for command in (glow, segmentation):
    app.command()(command)

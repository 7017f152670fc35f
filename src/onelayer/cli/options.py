"""Arguments and options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onelayer.cli.console import say

if TYPE_CHECKING:
    from onelayer.data import Dataset

MAX_SEED = 2**63 - 1  # what torch.Generator takes

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="fashion-mnist, houses or synthetic; a folder of IDX files; a .csv, .tsv or .parquet file.",
    ),
]
Transpose = Annotated[
    bool, typer.Option("--transpose", help="Images lie on their side, as EMNIST's do: swap rows and columns.")
]
TransposeAgain = Annotated[
    bool | None,
    typer.Option(help="Swap rows and columns of images; if not given, as in training.", show_default=False),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a run, or a model.safetensors.")]
Target = Annotated[str | None, typer.Option(help="The column to predict (tables).")]
Features = Annotated[
    str | None, typer.Option(metavar="A,B", help="The columns to predict from; all others if not given.")
]
Categorical = Annotated[
    str | None, typer.Option(metavar="A,B", help="Columns to make one-hot although they look like numbers.")
]
Missing = Annotated[
    Literal["error", "mean", "drop"],
    typer.Option(help="Missing values in a table: stop, fill with the column's mean, or drop the row."),
]
ModelKind = Annotated[
    Literal["softmax", "linear", "mlp", "phm"] | None,
    typer.Option(help="The network; softmax for classes and linear for numbers if not given."),
]
Task = Annotated[
    Literal["classification", "regression"] | None,
    typer.Option(help="What a numeric target means to mlp and phm; regression if not given."),
]
Seed = Annotated[
    int, typer.Option(min=0, max=MAX_SEED, help="Sets the weights, the split and the order of the rows.")
]
Epochs = Annotated[int, typer.Option(help="Passes over the training rows.")]
BatchSize = Annotated[int, typer.Option(help="Rows per step.")]
LearningRate = Annotated[float, typer.Option("--lr", help="The learning rate.")]
Valid = Annotated[
    float | None,
    typer.Option(help="Share of the rows to hold out; 0.2, or 0 where there is a test set, if not given."),
]
Hidden = Annotated[int, typer.Option(help="Units in the hidden layer of the MLP.")]
PhmN = Annotated[int, typer.Option(help="n of the PHM layer.")]
Device = Annotated[str, typer.Option(help="auto (CUDA if there is one), cpu, cuda or mps.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def open_dataset(
    source: str,
    target: str | None,
    features: str | None,
    categorical: str | None,
    missing: Literal["error", "mean", "drop"],
    model: str | None,
    task: str | None,
    transpose: bool,
) -> "Dataset":
    """Open the data that a command was given; a numeric target is a class if the model or task says so.

    Labels of images that are not 0, 1, … are said in a line of their own.
    """
    from onelayer.data import open_data
    from onelayer.data.idx_folder import label_numbers, shown_labels
    from onelayer.errors import OneLayerError

    as_classes = model == "softmax" or task == "classification"
    columns = _names(features), missing, as_classes, _names(categorical) or ()
    dataset = open_data(source, target, *columns, transpose)
    if dataset.image_shape and label_numbers(dataset.classes) != list(range(len(dataset.classes))):
        say(f"{dataset.name}: the classes are the labels {shown_labels(dataset.classes)}", stderr=True)
    if task == "regression" and dataset.classes:
        raise OneLayerError(f"--task regression: the target {dataset.target!r} is a class, no number")
    return dataset


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]


def whole_numbers(option: str, text: str) -> list[int]:
    """Read A,B,C.

    Raises:
        OneLayerError: if it is something else.
    """
    from onelayer.errors import OneLayerError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise OneLayerError(f"{option} {text}: expected whole numbers A,B,C") from None

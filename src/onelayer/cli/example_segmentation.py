"""``onelayer example segmentation``: one layer against networks that see a shape."""

import csv
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onelayer.cli import options
from onelayer.cli.console import EpochPrinter, busy, decimal, print_table, say

if TYPE_CHECKING:
    import torch

    from onelayer.examples.segmentation.ladder import Rung, Score
    from onelayer.examples.segmentation.scenes import Scenes

    Tried = list[tuple[Rung, float, Score]]  # each model with the CPU seconds of its training

TEST_SCENES, QUICK_TEST_SCENES = 2_000, 100
DRAWN = 8  # scenes in the picture
MODEL_FORM = "onelayer-segmentation-1"


def segmentation(
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes of the U-Net over the scenes; 2 if not given.")
    ] = None,
    scenes: Annotated[
        int | None, typer.Option(min=1, help="Scenes to learn from; 128,000 if not given, 6,000 of nuclei.")
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, help="Channels at the top of FCN and U-Net; 32 if not given.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Scenes per step.")] = 16,
    lr: Annotated[float, typer.Option("--lr", help="The largest learning rate of Adam.")] = 0.012,
    seed: options.Seed = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto: CUDA if there is one.")] = "auto",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to. Replaces an earlier run.")] = Path(
        "runs/example-segmentation"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run stopped.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Half a minute: 1,000 scenes and 8 channels.")
    ] = False,
    nuclei: Annotated[
        bool,
        typer.Option("--nuclei", help="Take a microscope's picture of cell nuclei, which stardist ships."),
    ] = False,
) -> None:
    """Name the class of each pixel: softmax regression on pixels and patches, an FCN and a U-Net."""
    import torch

    from onelayer.examples.segmentation.ladder import ladder, learn, measure
    from onelayer.models import parameter_count
    from onelayer.run_folder import run_folder
    from onelayer.solvers.batches import choose_device

    place = choose_device(device)
    n, size = scenes or (1_000 if quick else 6_000 if nuclei else 128_000), width or (8 if quick else 32)
    with busy("composing scenes"):
        train, test, classes = _data(n, seed, quick, nuclei)
    say(f"{n:,} scenes to learn from, {len(test.pixels):,} to test, {len(classes)} classes of pixels")
    tried: Tried = []
    torch.manual_seed(seed)  # of the initial weights
    with run_folder(out):
        for rung in ladder(len(classes), n, epochs or 2, size):
            say()
            parameters = f"{parameter_count(rung.model):,} parameters"
            say(f"{rung.name}: {parameters}, {rung.epochs} × {rung.scenes:,} scenes")
            rung.model.to(place)
            checkpoint = out / f"checkpoint-{rung.name.replace(' ', '-').replace('×', 'x')}.safetensors"
            how: dict[str, Any] = {
                "batch_size": batch_size,
                "lr": lr,
                "seed": seed,
                "checkpoint": checkpoint,
                "resume": resume,
            }
            with EpochPrinter(rung.epochs, "test", quiet=False) as on_epoch:
                seconds = learn(rung, train, **how, on_epoch=on_epoch)
            tried.append((rung, seconds, measure(rung.model, test, len(classes))))
        _show(tried, classes)
        _overfit(size, train, len(classes), lr, place)
        _write(out, tried, test, classes)


def _data(n: int, seed: int, quick: bool, nuclei: bool) -> "tuple[Scenes, Scenes, tuple[str, ...]]":
    """Return scenes to learn from, others to test, and the names of the classes."""
    from onelayer.data.bundled import fashion_mnist
    from onelayer.examples.segmentation import scenes

    if nuclei:
        return *scenes.nuclei(n, seed), scenes.NUCLEI_CLASSES
    garments = fashion_mnist()
    assert garments.test is not None
    test = scenes.compose(garments.test, QUICK_TEST_SCENES if quick else TEST_SCENES, seed)
    return scenes.compose(garments.train, n, seed), test, scenes.CLASSES


def _show(tried: "Tried", classes: tuple[str, ...]) -> None:
    from onelayer.models import parameter_count

    names = [rung.name for rung, _, _ in tried]
    rows = {
        "parameters": [f"{parameter_count(rung.model):,}" for rung, _, _ in tried],
        "CPU seconds": [f"{seconds:.0f}" for _, seconds, _ in tried],
        "pixel accuracy": [decimal(score.accuracy) for _, _, score in tried],
        "mean IoU": [decimal(score.mean_iou) for _, _, score in tried],
        **{f"IoU of {c}": [decimal(score.iou[k]) for _, _, score in tried] for k, c in enumerate(classes)},
    }
    print_table(["", *names], [[what, *values] for what, values in rows.items()])


def _overfit(width: int, train: "Scenes", q: int, lr: float, place: "torch.device") -> None:
    """Say how well a new U-Net learns one scene by heart."""
    from onelayer.examples.segmentation.ladder import OVERFIT_STEPS, overfitted
    from onelayer.examples.segmentation.networks import UNet

    iou = overfitted(UNet(q, width).to(place), train.first(1), q, lr).mean_iou
    say(f"a new U-Net after {OVERFIT_STEPS} steps on one scene alone: mean IoU {iou:.3f} on it")


def _write(out: Path, tried: "Tried", test: "Scenes", classes: tuple[str, ...]) -> None:
    """Write the scores, the pictures and the last model to the folder."""
    from onelayer import formats, plots
    from onelayer.examples.segmentation.ladder import answers
    from onelayer.files import write_whole
    from onelayer.module_state import arrays_of
    from onelayer.run_folder import MODEL_FILE

    table = StringIO(newline="")
    lines = csv.writer(table, lineterminator="\n")
    lines.writerow(["model", "cpu_seconds", "pixel_accuracy", "mean_iou", *classes])
    lines.writerows([rung.name, round(cpu, 1), s.accuracy, s.mean_iou, *s.iou] for rung, cpu, s in tried)
    some, (best, _, score) = test.first(DRAWN), tried[-1]
    drawn: dict[str, Any] = {
        "truth": some.labels,
        **{rung.name: answers(rung.model, some.pixels) for rung, _, _ in tried},
    }
    files = {
        "results.csv": table.getvalue().encode(),
        "scenes.png": plots.png(plots.scenes(some.pixels, drawn, classes)),
        "confusion.png": plots.png(plots.confusion(score.counts, classes, f"pixels, {best.name}")),
        MODEL_FILE: formats.to_bytes(MODEL_FORM, {"classes": classes}, arrays_of(best.model)),
    }
    write_whole({out / name: content for name, content in files.items()})
    say(f"wrote {out}/: {', '.join(files)}")

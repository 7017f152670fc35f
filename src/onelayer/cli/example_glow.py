"""``onelayer example glow``: train a Glow, count its bits, and draw what it makes."""

from pathlib import Path
from typing import Annotated

import typer

from onelayer.cli.console import EpochPrinter, busy, print_table, say, say_interrupted
from onelayer.cli.options import MAX_SEED

MEASURED = 2_000  # test images after each epoch; in the end, all


def glow(
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the training images; 10 if not given.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="K, steps of flow in each of two scales; 8 if not given.")
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, help="Channels inside the network of a coupling; 32 if not given.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images per step of Adam.")] = 64,
    lr: Annotated[float, typer.Option("--lr", help="The largest learning rate of the schedule.")] = 0.003,
    seed: Annotated[
        int,
        typer.Option(min=0, max=MAX_SEED, help="Sets the weights, the noise and the order of the images."),
    ] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto: CUDA if there is one.")] = "auto",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to.")] = Path("runs/example-glow"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run stopped.")] = False,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="In seconds: 6,000 images, and if not given 1 epoch, 2 steps and 16 channels.",
        ),
    ] = False,
) -> None:
    """Glow, a density of images: learn Fashion-MNIST's, count bits, and draw samples and ways between garments."""
    from onelayer import formats, plots
    from onelayer.data.bundled import fashion_mnist
    from onelayer.examples.glow import run
    from onelayer.files import write_whole
    from onelayer.module_state import arrays_of
    from onelayer.run_folder import CHECKPOINT_FILE, MODEL_FILE, run_folder
    from onelayer.solvers.batches import choose_device

    where, data = choose_device(device), fashion_mnist()
    assert data.test is not None, "Fashion-MNIST has a test set"
    rows, test = (
        run.images(data.train, 6_000 if quick else None),
        run.images(data.test, 1_000 if quick else None),
    )
    epochs, n_steps, width = (
        epochs or (1 if quick else 10),
        steps or (2 if quick else 8),
        width or (16 if quick else 32),
    )
    say(
        f"{len(rows):,} images to learn from, K = {n_steps} steps in each scale; losses are bits per dimension"
    )
    with run_folder(out):
        checkpoint = out / CHECKPOINT_FILE
        try:
            with EpochPrinter(epochs, "test", quiet=False) as on_epoch:
                model = run.train(
                    rows,
                    n_steps,
                    width,
                    where,
                    held_out=run.images(data.test, MEASURED),
                    epochs=epochs,
                    batch_size=batch_size,
                    lr=lr,
                    seed=seed,
                    checkpoint=checkpoint,
                    resume=resume,
                    on_epoch=on_epoch,
                )
        except KeyboardInterrupt:
            say_interrupted()
            raise
        with busy("measuring and drawing"):
            X, new = rows.tensors[0], test.tensors[0]
            table = {
                "test images": run.bits(model, new),
                "test images, a quarter as bright": run.bits(model, new // 4),
                "digits of white strokes": run.bits(model, run.digits(len(new))),
                "all black": run.bits(model, new * 0),
                "all grey, 128": run.bits(model, new * 0 + 128),
                "test images, pixels independent": run.independent_bits(X, new),
                "test images, each by zlib": run.zlib_bits(new),
            }
            strips = run.strips(model, rows, test)
            files = {
                MODEL_FILE: formats.to_bytes(
                    "onelayer-glow-1", {"steps": n_steps, "width": width}, arrays_of(model)
                ),
                "glow.png": plots.png(plots.strips({name: X[:, 0].numpy() for name, X in strips.items()})),
            }
            write_whole({out / name: content for name, content in files.items()})
    say(f"{sum(p.numel() for p in model.parameters() if p.requires_grad):,} parameters")
    print_table(["", "bits per dimension"], [(name, f"{value:.3f}") for name, value in table.items()])
    say(f"wrote {out}/: {', '.join(files)}")

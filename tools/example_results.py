"""Write what the lesson on every pixel shows of ``onelayer example``: from the folders of two finished runs.

``python tools/example_results.py runs/example-glow runs/example-segmentation``
"""

import csv
import sys
from pathlib import Path

import numpy as np
import torch

from onelayer import fashion_mnist, formats
from onelayer.checkpoint_file import State
from onelayer.examples.glow import run as glow
from onelayer.examples.glow.flow import Glow
from onelayer.examples.segmentation.ladder import answers, ladder
from onelayer.examples.segmentation.scenes import CLASSES, compose

RESULTS = Path(__file__).parents[1] / "src/onelayer/lab/lessons/every_pixel/results.npz"
STRIPS = {
    "at_06": "samples, T = 0.6",
    "at_08": "samples, T = 0.8",
    "at_10": "samples, T = 1",
    "t_shirt_to_dress": "t-shirt to dress",
    "sneaker_to_boot": "sneaker to ankle boot",
    "more_dress": "t-shirt + s (dresses − t-shirts)",
}
SHOWN = ("softmax 1×1", "softmax 21×21", "FCN", "U-Net")
SCENES, SEED, TEST = 6, 0, 2_000


def of_glow(folder: Path) -> dict[str, np.ndarray]:
    """Return the images that a Glow made, and its bits per dimension of what it is given."""
    content = formats.read(folder / "model.safetensors", "onelayer-glow-1", "")
    model = Glow(torch.ones(256), content.description["steps"], content.description["width"])
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in content.tensors.items()})
    data = fashion_mnist()
    train, test = glow.images(data.train, None), glow.images(data.test, None)
    X, new = train.tensors[0], test.tensors[0]
    strips = glow.strips(model, train, test)
    bits = [
        *(glow.zlib_bits(new), glow.independent_bits(X, new), glow.bits(model, new)),
        *(
            glow.bits(model, glow.digits(len(new))),
            glow.bits(model, new * 0 + 128),
            glow.bits(model, new * 0),
        ),
    ]
    made = {f"made_{name}": strips[title][:, 0].numpy() for name, title in STRIPS.items()}
    return {"bits": np.array(bits), **made}


def of_segmentation(folder: Path) -> dict[str, np.ndarray]:
    """Return some test scenes, the classes of their pixels, what networks answer, and how good they are on all."""
    with (folder / "results.csv").open(newline="") as file:
        scores = {row["model"]: row for row in csv.DictReader(file)}
    scenes = compose(fashion_mnist().test, TEST, SEED).first(SCENES)
    labels = [scenes.labels]
    for rung in ladder(len(CLASSES), 1, 1, 32):
        if rung.name in SHOWN:
            name = rung.name.replace(" ", "-").replace("×", "x")
            State.read(folder / f"checkpoint-{name}.safetensors").put_into(rung.model)
            labels.append(answers(rung.model, scenes.pixels).astype(np.uint8))
    return {
        "scenes": scenes.pixels,
        "labels": np.stack(labels),
        "mean_iou": np.array([float(scores[name]["mean_iou"]) for name in SHOWN]),
        "accuracy": np.array([float(scores[name]["pixel_accuracy"]) for name in SHOWN]),
    }


def main() -> None:
    """Write the file."""
    kept = of_glow(Path(sys.argv[1])) | of_segmentation(Path(sys.argv[2]))
    np.savez_compressed(RESULTS, **kept)
    print(f"wrote {RESULTS}: {RESULTS.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

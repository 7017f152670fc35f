"""The lesson on Fashion-MNIST, declared: what can be moved, what is drawn, what is asked."""

from onelayer.data.bundled import FASHION_MNIST_CLASSES
from onelayer.lab import vocabulary as v

PARTS = ("train", "test")
COLUMNS = (("number", "labels", "d"), ("text-label", "names", ""), *((f"{p}-part", p, ",d") for p in PARTS))
LABEL = v.Choice("label", tuple(name.replace(" ", "-") for name in FASHION_MNIST_CLASSES), "ankle-boot")
PICTURE = v.Number("picture", 0, 19, 1, 4, slider=False)
IMAGE = (LABEL, v.Number("page", 1, 5, 1, 1, slider=False), PICTURE)
PICKED = ("label", "page", "picture")
SIDES = (1, 7, 14, 21, 28)
PLACES = (v.Axis("column", 0.5, 28.5, ticks=SIDES), v.Axis("row", 28.5, 0.5, ticks=SIDES), v.Raster("image"))
AROUND = (("up-2", "up-1", "here", "down-1", "down-2"), ("left-2", "left-1", "here", "right-1", "right-2"))
HERE = (
    v.Line("box_x", "box_y", "orange", width=1.5),
    v.Text("column", "box_top", "byte", "orange", "d"),
    v.Handle("column", "row", "pixel", anywhere=True),
)
FEATURE = v.Axis("feature", 0, 784, ticks=(1, 196, 392, 588, 784))
VECTOR = (v.Line("", "features", upto="place", width=1), v.Rule(x="place", color="orange"))
PASSES, ACCURACY = v.Axis("passes", 1, 5, ticks=(1, 2, 3, 4, 5)), v.Axis("accuracy", 0.7, 0.9, format=".0%")
BATCH_SIZE = v.Choice("batch_size", (32, 64, 128, 256), 64)
NUMBER = v.Axis("number", -0.6, 14, ticks=tuple(range(10)), format="d")
COUNTS = (v.Bars("places", "counts"), v.Rule(y="even", label="even"))
SIZE = v.Axis("batch_size", 1, 5000, log=True, ticks=(1, 4, 16, 64, 256, 1024, 4096))
SECONDS = v.Axis("seconds", 0, "most")
WAYS = v.Axis("", categories=("one-by-one", "in-batches", "in-order", "bytes"))
OURS, TIMED = (f"onelayer.lab.lessons.fashion_mnist.{name}" for name in ("experiment", "timing"))

SCENES = (
    v.Scene(
        "classes",
        (LABEL, v.Number("page", 1, 5, 1, 1), PICTURE),
        v.Kernel("browse", PICKED, ("stored", "counts")),
        (
            v.Images("browse-page", "pixels", captions="captions", pick="picture"),
            v.table("counts-table", *COLUMNS, lit="class"),
        ),
        "browse-outcome",
        v.claim("smallest", "largest", v.Row("", "smallest", "largest", format=",d", labels="parts")),
        missions=v.mission("mission-ink", ("ink", ">", 0.6)),
    ),
    v.Scene(
        "pixels",
        (*IMAGE, v.Number("row", 1, 28, 1, 20, slider=False), v.Number("column", 1, 28, 1, 9, slider=False)),
        v.Kernel("pixel", (*PICKED, "row", "column"), ("stored",)),
        (
            v.plot("image", *PLACES, *HERE, square=True),
            v.Matrix("around", "around", *AROUND, "row", "column", "d"),
        ),
        "pixels-outcome",
        missions=v.mission("mission-edge", ("step", ">", 200)),
    ),
    v.Scene(
        "flatten",
        (*IMAGE, v.Clock("place", 784, 1, 56, 543)),
        v.Kernel("flatten", (*PICKED, "place"), ("stored",)),
        (
            v.plot("image", *PLACES, v.Line("box_x", "box_y", "orange", width=2.5), square=True),
            v.plot("features", FEATURE, v.Axis("value", 0, 1), *VECTOR),
        ),
        "flatten-outcome",
        v.claim("from-image", "from-features", v.Row("this-pixel", "at_place", "at_feature")),
        v.code("onelayer.solvers.batches:Batches.as_floats"),
        stacked=True,
    ),
    v.Scene(
        "scramble",
        (v.Number("swapped", 0, 784, 1, 0), v.Number("example", 1, 100, 1, 1)),
        v.Kernel("scramble", ("example", "swapped"), ("stored", "orders")),
        v.Images("scrambled", "pixels", captions="names"),
        "scramble-outcome",
    ),
    v.Scene(
        "permuted",
        (),
        v.Recorded("permuted"),
        (
            v.plot(
                "accuracies",
                PASSES,
                ACCURACY,
                v.Line("epochs", "plain", "blue", "plain", width=6, opacity=0.5),
                v.Line("epochs", "shuffled", "orange", "shuffled", dash=True),
            ),
            v.Images("templates", "templates", "signed", "captions", 10),
        ),
        claims=v.claim("put-back", "plain", v.Row("largest-gap", "gap", 0, 1e-5, format=".1g")),
        ask=v.Ask("choice", "difference", ("same", "little-worse", "much-worse")),
        stacked=True,
    ),
    v.Scene(
        "batches",
        (BATCH_SIZE, v.Number("epoch", 1, 10, 1, 1), v.Clock("batch", "last", 3, 2, 1)),
        v.Kernel("batches", ("batch_size", "epoch", "batch"), ("stored", "orders")),
        (
            v.Images("batch-images", "pixels", captions="captions", columns=6),
            v.plot("batch-classes", NUMBER, v.Axis("in-batch", 0, 48), *COUNTS),
        ),
        "batches-outcome",
        v.claim("counted", "expected", v.Row("", "counted", "expected", format=",d", labels="checked")),
        v.code(
            f"{OURS}:read_epoch",
            v.Step("for index", "({rows},): {index.0}, {index.1}, {index.2}, …"),
            v.Step("pixels, y", "uint8 ({rows}, 784) ≤ {brightest}"),
            v.Step("X = ", "float32 ({rows}, 784) ≤ {largest:.3g}"),
        ),
        missions=v.mission("mission-missing", ("least", "=", 0), ("rows", ">", 31)),
    ),
    v.Scene(
        "resize",
        (*IMAGE, v.Number("side", 4, 64, 1, 14)),
        v.Kernel("resize", (*PICKED, "side"), ("stored",)),
        v.Images("resized", "images", captions="captions", columns=2),
        "resize-outcome",
        missions=v.mission("mission-small", ("parameters", "<", 1000), ("parameters", ">", 800)),
        code=v.code("onelayer.d2l.loaders:resize_images"),
    ),
    v.Scene(
        "reading",
        (),
        v.Live("share_of_reading"),
        v.plot(
            "reading-chart",
            v.Axis("", categories=("linear", "mlp")),
            SECONDS,
            v.Bars("left", "reading", color="orange", label="to-read", width=0.36),
            v.Bars("right", "training", color="blue", label="to-train", width=0.36),
        ),
        ask=v.Ask("choice", "share", ("longer", "alike", "fraction")),
        code=v.code(f"{TIMED}:reading_and_training"),
    ),
    v.Scene(
        "batch-size",
        (),
        v.Live("by_batch_size"),
        v.plot("sizes", SIZE, v.Axis("seconds", 1e-3, 10, log=True), v.Line("sizes", "seconds", dots=True)),
        ask=v.Ask("number", "ratio", close=0.5),
    ),
    v.Scene(
        "faster",
        (),
        v.Live("compare_ways"),
        v.plot("ways", WAYS, SECONDS, v.Bars("places", "seconds")),
        ask=v.Ask("choice", "dearest", ("random-order", "to-floats", "each-alone")),
        code=v.code(f"{TIMED}:read_one_by_one"),
    ),
    v.Scene("end"),
)

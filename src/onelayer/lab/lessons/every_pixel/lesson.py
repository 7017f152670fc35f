"""The lesson on every pixel, declared: what can be moved, what is drawn, what is asked."""

from onelayer.lab import vocabulary as v

OURS, MODEL = (f"onelayer.lab.lessons.every_pixel.{name}" for name in ("experiment", "segmentation"))
STRIPS = ("at-06", "at-08", "at-10", "t-shirt-to-dress", "sneaker-to-boot", "more-dress")
SIDES = (1, 7, 14, 21, 28)
PLACES = (v.Axis("column", 0.5, 28.5, ticks=SIDES), v.Axis("row", 28.5, 0.5, ticks=SIDES))
INKS = v.Raster("image", "inks")
WEIGHTS = tuple(v.Number(f"w{j}", -1, 1, 0.05, first) for j, first in ((1, 1), (2, -0.5), (3, 0)))
SHARE = v.Number("share", 0, 0.95, 0.01, 0.5, format=".2f")
LR = v.Number("lr", 0.05, 1, 0.05, 0.2, format=".2f")
S = v.Axis("share", 0, 0.95, ticks=(0, 0.2, 0.4, 0.6, 0.8))
DETS = (v.Line("shares", "dets"), v.Handle("share", "det", "your-share", anywhere=True))
GROW = (v.Line("shares", "own", label="on-diagonal"), v.Line("shares", "others", "orange", "off-diagonal"))
ENTRY = v.Handle("share", "entries.0", "your-share", "blue", anywhere=True)
EPOCH, GAP = v.Axis("epoch", 0, 10), v.Axis("gap", 1e-9, 10, log=True)
COLORS: tuple[v.Color, ...] = ("grey", "blue", "orange", "green", "purple", "red")
SHARES = zip((30, 50, 70, 80, 90, 95), COLORS, strict=True)
GAPS = tuple(v.Line("", f"share_{s}", color, f"share-{s}", dots=True) for s, color in SHARES)
ENTRIES = (("out-1", "out-2", "out-3"), ("in-1", "in-2", "in-3"), "true-channel", "mixed-channel")
WINDOW = v.Number("window", 1, 21, 4, 21, format="d")
BOUND, SAYS = v.Line("box_x", "box_y", "red", width=2.5), v.Text("column", "above", "said", "red")
SEEN = (BOUND, SAYS, v.Handle("column", "row", "pixel", "red", anywhere=True))
WINDOWS = v.Axis("window", 1, 21, ticks=(1, 5, 9, 13, 17, 21))
PIXEL = tuple(v.Number(name, 1, 28, 1, 12, slider=False) for name in ("row", "column"))
NAMES = ("background", "trouser", "bag", "ankle-boot")
USES = ("paper", "trousers", "bags", "boots")
CLASSES, PROBABILITY = v.Axis("", categories=NAMES), v.Axis("probability", 0, 1)
OVERLAP, MEAN, INK = (v.Axis(name, 0, 1, format=".0%") for name in ("overlap", "mean-overlap", "of-ink"))
WORST = v.Ask("choice", "worst", ("alike", "weak-worst", "strong-worst"))
STRIP, EXAMPLE = v.Choice("strip", STRIPS, "t-shirt-to-dress"), v.Number("scene_number", 1, 6, 1, 1)
BITS = v.table("bits", ("given", "sources", ""), ("bits-each", "bits", ".2f"))
MADE = (v.Images("garments", "made"), BITS)
SIMPLEST = v.Ask("choice", "simplest", ("garments-fewest", "digits-fewest", "plain-fewest"))
SCORES = v.table(
    "ladder", ("network", "networks", ""), ("iou", "mean_iou", ".2f"), ("correct", "accuracy", ".0%")
)
LADDER = (v.Images("seen-by", "pictures", "inks", "captions", 3), SCORES)


def bars(*fields: str) -> tuple[v.Bars, ...]:
    """Return a bar for each class, in its colour."""
    return tuple(v.Bars(i, field, color=COLORS[i]) for i, field in enumerate(fields))


SCENES = (
    v.Scene(
        "convolution",
        (*WEIGHTS, v.Clock("place", 784, 2, 90, 406)),
        v.Kernel("convolution", ("w1", "w2", "w3", "place"), ("start",)),
        v.Images("layer", "images", "inks", "captions", 2),
        "convolution-outcome",
        v.claim("by-convolution", "by-layer", v.Row("sum", "sum_by_convolution", "sum_by_layer", 1e-9)),
        v.code(
            f"{OURS}:at_every_pixel",
            v.Step("x = image", "({x.0:.3f}, {x.1:.3f}, {x.2:.3f})"),
            v.Step("output[:, r, c]", "{o:.3f}"),
        ),
        missions=v.mission("mission-vanish", ("w2", "=", 0), ("w1", ">", 0), ("w3", "<", 0)),
    ),
    v.Scene(
        "glow",
        (SHARE,),
        v.Kernel("glow", ("share",), ("start",)),
        (
            v.Images("mixture", "images", "inks", "captions", 0),
            v.plot("det", S, v.Axis("det", 0, 1), *DETS),
        ),
        "glow-outcome",
        missions=v.mission("mission-percent", ("det", "<", 0.01)),
    ),
    v.Scene(
        "inverse",
        (SHARE, LR, v.Clock("epoch", 10, 1, 3, 4)),
        v.Kernel("unmix", ("share", "lr", "epoch"), ("start",)),
        (
            v.Images("unmixing", "images", "inks", "captions", 0),
            v.plot("gap-chart", EPOCH, GAP, v.Line("", "gaps", "orange", upto="epoch", dots=True)),
        ),
        "inverse-outcome",
        code=v.code((f"{OURS}:pixel_rows", f"{OURS}:unmixing")),
        missions=v.mission("mission-undo", ("share", ">", 0.795), ("gaps.10", "<", 0.01)),
    ),
    v.Scene("mixture", (), v.Recorded("mixtures"), v.plot("gap-chart", EPOCH, GAP, *GAPS), ask=WORST),
    v.Scene(
        "exact",
        (SHARE,),
        v.Recorded("exact", ("share",)),
        (
            v.plot("entries", S, v.Axis("entry", -8, 16), *GROW, ENTRY),
            v.Matrix("found", "found", *ENTRIES, ".4f"),
        ),
        "exact-outcome",
        v.claim("least-squares", "inverse-of-m", v.Row("", "entries", "inverses", 1e-9, labels="names")),
    ),
    v.Scene(
        "determinant",
        (SHARE,),
        v.Recorded("determinant", ("share",)),
        v.Images("jacobian", "jacobian", "signed", columns=1),
        claims=v.claim("full", "by-pixel", v.Row("map", "full", "by_pixel", 1e-9, format=".6f")),
        folded=True,
    ),
    v.Scene(
        "segmentation",
        (WINDOW, v.Number("example", 1, 15, 1, 4), *PIXEL),
        v.Kernel("look", ("window", "example", "row", "column"), ("trained",)),
        (
            v.plot("scene", *PLACES, INKS, *SEEN, square=True),
            v.plot("probabilities", CLASSES, PROBABILITY, *bars("p0", "p1", "p2", "p3")),
        ),
        "segmentation-outcome",
        code=v.code((f"{MODEL}:window_rows", f"{MODEL}:segment")),
        missions=v.mission("mission-right", ("right", ">", 0.99)),
    ),
    v.Scene(
        "window",
        (),
        v.Recorded("by_window"),
        v.plot("window-chart", WINDOWS, MEAN, v.Line("windows", "overlaps", dots=True)),
        claims=v.claim(
            "wide-convolution", "by-layer", v.Row("", "by_convolution", "by_rows", 1e-9, labels="names")
        ),
        ask=v.Ask("sketch"),
    ),
    v.Scene(
        "classes",
        (WINDOW,),
        v.Recorded("overlaps", ("window",)),
        (
            v.plot("overlap", CLASSES, OVERLAP, *bars("overlap0", "overlap1", "overlap2", "overlap3")),
            v.Images("answers", "pictures", "inks", "captions"),
        ),
        "classes-outcome",
        stacked=True,
        ask=v.Ask("choice", "best", NAMES),
    ),
    v.Scene(
        "draw",
        (v.Pad("drawing", "sample"), WINDOW),
        v.Kernel("drawn", ("drawing", "window"), ("trained",)),
        (v.Drawing("pad", "drawing", "image"), v.plot("shares", CLASSES, INK, *bars(*USES))),
        "draw-outcome",
        missions=v.mission("mission-trousers", ("trousers", ">", 0.8)),
    ),
    v.Scene("generated", (STRIP,), v.Recorded("generated", ("strip",)), MADE, ask=SIMPLEST, stacked=True),
    v.Scene("seen", (EXAMPLE,), v.Recorded("seen", ("scene_number",)), LADDER, stacked=True),
    v.Scene("end"),
)

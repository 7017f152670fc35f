"""The lesson on training softmax regression, declared: what can be moved, what is drawn, what is asked."""

from onelayer.lab import vocabulary as v

HERE = "onelayer.lab.lessons.softmax_regression"
CLASSES = (
    *("t-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle-boot"),
)
COLORS: dict[str, v.Color] = {"train": "blue", "one": "blue", "test": "green"}
LOSS = v.Axis("loss", 0.3, 10, log=True, ticks=(0.3, 0.5, 1, 2, 5, 10))
NEAR, CLOSE = v.Axis("accuracy", 0.5, 0.9, format=".0%"), v.Axis("accuracy", 0.74, 0.88, format=".0%")
SIZES = v.Axis("batch_size", 25, 12000, log=True, ticks=(32, 128, 512, 2048, 8192))


def rate(name: str, *values: float) -> v.Number:
    """Return a learning rate."""
    return v.Number(name, value=0.1, values=values)


def pressed(name: str, value: float = 0) -> v.Number:
    """Return the number of a class or an image that a press on a picture sets."""
    return v.Number(name, 0, 9, 1, value, slider=False)


def curves(name: str, y: v.Axis, last: int, *fields: str, upto: str = "") -> v.Plot:
    """Return scores over the epochs."""
    marks = (v.Line("", of, COLORS.get(of.split("_")[0], "orange"), of, upto, dots=True) for of in fields)
    fate = (v.Text(last / 2, 1.5, "fate", "red"),) if y is LOSS else ()
    return v.plot(name, v.Axis("epoch", 0, last), y, *marks, *fate)


def bars(x: v.Axis, *marks: v.Segments) -> v.Plot:
    """Return bars for the classes, from 0 to the side."""
    return v.plot(x.label, x, v.Axis(categories=CLASSES[::-1]), *marks)


def matrix(values: str, *pick: str) -> v.Matrix:
    """Return a confusion matrix."""
    return v.Matrix(values, values, CLASSES, CLASSES, "true", "predicted", pick=pick)


def signed(name: str, captions: str = "classes") -> v.Images:
    """Return images of weights, or of weights times pixels."""
    return v.Images(name, name, "signed", captions, 0)


BOTH = (
    rate("lr", 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3),
    v.Number("batch_size", value=256, values=(32, 128, 256, 1024, 4096), format=",d"),
    v.Clock("epoch", "last", rate=6, value=10),
)
RUN, PAD = v.Recorded("run", ("lr", "batch_size")), v.Pad("drawing", "drawing")
LOGITS = bars(v.Axis("logits", -20, 20), v.Segments(0, "places", "logits", "places", "blue", width=12))
CHANCES = bars(
    v.Axis("probability", format=".0%"),
    v.Segments(0, "above", "probability", "above", "blue", "one-layer", 6),
    v.Segments(0, "below", "second", "below", "orange", "two-layers", 6),
)
LOSSES, ACCURACIES = ("train_loss", "valid_loss"), ("train_accuracy", "valid_accuracy")
TRAINED = (
    curves("losses", LOSS, 30, *LOSSES, upto="epoch"),
    curves("accuracies", NEAR, 30, *ACCURACIES, upto="epoch"),
)
LONG = curves("accuracies", CLOSE, 60, *ACCURACIES), curves("losses", v.Axis("loss", 0.3, 0.7), 60, *LOSSES)
TESTED = curves("once", NEAR, 30, "valid_accuracy", "test_accuracy", upto="epoch")
TWO = curves("two-chart", NEAR, 10, "one", "two")
RATES = v.plot(
    *("rates-chart", v.Axis("lr", 0.001, 10, log=True), LOSS),
    v.Line("lrs", "losses", "orange", dots=True),
    v.Rule(x="largest", color="red", label="largest-rule"),
)
TIMED = (
    v.plot("batches-chart", SIZES, NEAR, v.Line("sizes", "accuracies", "orange", dots=True)),
    v.plot("seconds-chart", SIZES, v.Axis("seconds", 0.01, 1, log=True), v.Points("sizes", "seconds")),
)
BOOK = v.code(
    (f"{HERE}.experiment:softmax_concise", f"{HERE}.experiment:one_pass"),
    v.Step("d2l.train_ch3("),
    v.Step("y_hat = net(X)", "(256, 10)"),
    v.Step("losses = loss(y_hat", "(256,), mean {batch_loss.pass:.3f}"),
    v.Step("losses.mean().backward", "|∂L/∂W| = {slope.pass:.3f}"),
    v.Step("trainer.step", "|ΔW| = {moved.pass:.3f}"),
    v.Step("return metric", "{train_loss.pass:.3f}, {train_accuracy.pass:.1%}"),
)
TESTED_ROW = v.claim("measured", "expected", v.Row("test_accuracy", "tested", "book", 0.02, format=".4f"))
PASS = v.Clock("pass", "last", 6, 2)
LISTED = (
    curves("losses", v.Axis("loss", 0.4, 0.8), 10, "train_loss", upto="pass"),
    curves("accuracies", CLOSE, 10, "train_accuracy", "test_accuracy", upto="pass"),
)
CORNER = signed("templates"), matrix("mistaken")
TEMPLATES, FEWER = v.Kernel("templates", ("after",), ("book",)), v.Recorded("fewer_parameters", ("phm_lr",))
PHM = (
    v.plot("phm-chart", v.Axis("n", 0, 15), CLOSE, v.Line("n", "accuracies", "orange", dots=True)),
    v.table("phm-table", ("", "names", ""), ("parameters", "counted", ",d")),
)
COUNT = v.claim("counted", "formula", v.Row("", "counted", "formula", format=",d", labels="names"))
LEFT = v.plot(
    *("exact", v.Axis(categories=("objective", "test-loss")), v.Axis("loss", 0, 0.6)),
    v.Bars("before", "by_sgd", color="orange", label="sgd", width=0.36),
    v.Bars("after", "by_exact", color="blue", label="minimum", width=0.36),
)
GAP = (
    v.claim("sgd", "minimum", v.Row("objective", "by_sgd.0", "by_exact.0", at_least=True)),
    v.claim("allowed", "gap", v.Row("gap", 1e-4, "gap", at_least=True, format=".2g")),
)
FAST = v.mission("mission-good", ("valid_accuracy.epoch", ">", 0.845), ("epoch", "<", 11))
WILD = v.mission("mission-wild", ("diverged", "=", True))
BEHIND = v.mission("mission-behind", ("lead", "<", 0))
DARE = v.mission("mission-dare", ("sureness", ">", 0.8), ("agree", "=", False))
ROWS = (v.Choice("garment", CLASSES, "coat"), v.Clock("row", 28, rate=8, value=28))
AFTER = v.Number("after", value=10, values=(0, 1, 2, 3, 5, 10))
SETTINGS = ("middle", "slow-small", "slow-large", "fast-small", "fast-large")
NETWORK = v.Choice("network", SETTINGS, "fast-small")
CELL = matrix("counts", "true", "predicted"), v.Images("images", "images", captions="captions", columns=0)
WORST = v.Images("worst", "worst_images", "ink", "worst_names", 0, "worst"), signed("decided", "")
PAIR = v.Ask("choice", "pair", ("pair-shirt", "pair-coat", "pair-shirt-coat", "pair-boot"))
RISE = v.Ask("choice", "rise", ("rise-little", "rise-some", "rise-much"))
MLP = (rate("mlp_lr", 0.03, 0.1, 0.3), v.Choice("mlp_batch", (128, 256, 1024), 128))
SUMS = v.Kernel("sums", ("garment", "row"), ("garments", "book"))
DRAWN = v.Kernel("drawn", ("drawing",), ("book", "perceptron"))
FOUND = v.Kernel("confused", ("true", "predicted"), ("answers",))
UNITS = v.Kernel("units", ("drawing", "unit"), ("perceptron",))
UNIT = v.Images("units", "units", "signed", "passed", 0, "unit"), signed("unit_parts", "")
WRONG = v.Kernel("mistake", ("worst",), ("answers", "book"))
FINAL = v.Ask("number", "test_accuracy.epoch", (), ".1%", 0.01, own=True)
TREND = v.Ask("choice", "trend", ("rises", "levels", "falls"))
SECOND = v.Recorded("second_layer", ("mlp_lr", "mlp_batch"))

SCENES = (
    v.Scene("model", ROWS, SUMS, (signed("parts"), LOGITS), "scored"),
    v.Scene("train", BOTH, RUN, TRAINED, "trained", missions=(FAST, WILD)),
    v.Scene("rates", (), v.Recorded("rates"), RATES, ask=v.Ask("sketch")),
    v.Scene("batches", (), v.Live("batches"), TIMED, ask=v.Ask("choice", "better", ("smaller", "larger"))),
    v.Scene("longer", (), v.Recorded("long"), LONG, ask=TREND),
    v.Scene("once", BOTH, RUN, TESTED, "tested", ask=FINAL),
    v.Scene("listing", (PASS,), v.Recorded("by_the_book"), LISTED, claims=TESTED_ROW, code=BOOK),
    v.Scene("templates", (AFTER,), TEMPLATES, signed("templates"), "learned"),
    v.Scene("corners", (NETWORK,), v.Recorded("corner", ("network",)), CORNER, "cornered", folded=True),
    v.Scene("confusion", (pressed("true", 2), pressed("predicted", 4)), FOUND, CELL, "confused", ask=PAIR),
    v.Scene("mistakes", (pressed("worst"),), WRONG, WORST, "mistaken-for"),
    v.Scene("draw", (PAD,), DRAWN, (v.Drawing("pad", "drawing"), CHANCES), "drawn", missions=DARE),
    v.Scene("why", (PAD,), DRAWN, (v.Drawing("pad", "drawing"), signed("parts")), "scored"),
    v.Scene("units", (PAD, pressed("unit", 5)), UNITS, UNIT, "unit-outcome"),
    v.Scene("second", MLP, SECOND, TWO, "led", code=v.code(f"{HERE}.runs:MLP"), missions=BEHIND),
    v.Scene("fewer", (rate("phm_lr", 0.03, 0.1, 0.3),), FEWER, PHM, claims=COUNT, folded=True),
    v.Scene("exact", (), v.Recorded("optimum"), LEFT, "left", claims=GAP, ask=RISE, folded=True),
    v.Scene("further"),
)

"""The lesson on linear regression from scratch, declared: what can be moved, what is drawn, what is asked."""

from dataclasses import replace

from onelayer.lab import vocabulary as v

HERE, DATA = "onelayer.lab.lessons.from_scratch.training", ("examples",)

# Controls
ANGLE = v.Number("angle", -90, 90, 0.5, 0, format=".1f")
SIGMA = v.Number("sigma", 0, 1, 0.01, 0.01, format=".2f")
SIZE, BATCHES = v.Choice("size", (10, 64, 300, 2000), 64), v.Clock("batch", "count", rate=4, value=1)
GUESS = v.Number("guess", -2, 6, 0.01, -1, format=".2f")
LR = v.Number("lr", value=0.03, values=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 1, 1.4, 2, 3))
BATCH = v.Choice("batch_size", (5, 10, 50, 200, 1000), 10)
W1 = v.Number("start_w1", -1, 6, 0.05, 0.0154, slider=False)
W2 = v.Number("start_w2", -6, 1, 0.05, -0.0029, slider=False)
RUN = (LR, BATCH, SIGMA, v.Clock("step", "taken", 5, 20, 40), W1, W2)
FROM_W1, FROM_W2 = replace(W1, name="from_w1", value=5), replace(W2, name="from_w2", value=-1)
PAIRED = (v.Clock("wrong_step", "last", rate=20, value=100), FROM_W1, FROM_W2)
OHM = (v.Clock("trained", "last", rate=60), v.Number("volts", 0, 12, 0.05, 3, format=".2f"))
SEARCH = (v.Clock("search", "last", rate=30), v.Number("first_guess", 0.5, 8, 0.05, 3, format=".2f"))

# Marks and pictures
LABEL, PREDICTION = v.Axis("label-axis", -12, 20), v.Axis("prediction-axis", -12, 20)
CLOUD = v.Points("across", "label", size=1.6, opacity=0.6)
STRAIGHT = v.Line("ends", "line", "orange", "line-key")
TURNED = v.plot("turn-chart", v.Axis("across-axis", -4, 4), LABEL, CLOUD, STRAIGHT, turn="angle")
SEEN, NOW = v.Points("seen_x1", "seen_x2", label="seen"), v.Points("now_x1", "now_x2", "red", "now")
WAITING = v.Points("x1", "x2", "grey", "waiting", size=1.6, opacity=0.5)
ROWS = v.plot("epoch-chart", v.Axis("x1-axis", -4, 4), v.Axis("x2-axis", -4, 4), WAITING, SEEN, NOW)
BARS = v.Bars("places", "sizes", width=0.9, lit="current")
SIZES = v.plot("sizes-chart", v.Axis("batch-axis", 0.5, "end"), v.Axis("rows-axis", 0, "size"), BARS)
PARABOLA = v.Line("grid", "curve", "blue", "loss-key")
TANGENT = v.Segments("before.0", "before.1", "after.0", "after.1", "red", "tangent", 2.5)
GRIP = v.Handle("guess", "loss", "part-w1", anywhere=True)
HEIGHT, STEEP = v.Axis("loss-axis", 0, 36), v.Text("after.0", "after.1", "slope", "red", ".2f", "start")
CHAIN = v.plot("chain-chart", v.Axis("part-w1", -2, 6), HEIGHT, PARABOLA, TANGENT, STEEP, GRIP)
BACK = v.Table("back-table", ("part", "forward", "back"), ("names", "forward", "back"), ("", ".4f", ".4f"))
DIAGONAL = v.Segments(-12, -12, 20, 20, "grey", width=1)
PREDICTED = v.Points("label", "prediction", "blue", size=1.4, opacity=0.5, lit="lit")
RESIDUALS = v.Segments("lit_label", "lit_prediction", "lit_label", "lit_label", "red", "residual-key")
FIT = v.plot("fit-chart", LABEL, PREDICTION, DIAGONAL, PREDICTED, RESIDUALS)
MAP = (v.Axis("part-w1", -1, 6), v.Axis("part-w2", -6, 1))
RINGS = v.Line("ring_w1", "ring_w2", "grey", width=1, opacity=0.6)
TRUTH = v.Points("truth.0", "truth.1", "blue", "truth", size=5)
START = v.Handle("start_w1", "start_w2", "start", "green", anywhere=True)
WALK = v.Line("w1", "w2", "orange", "walk-key", upto="step", width=1.5, dots=True)
AIM = v.Segments("before.0", "before.1", "aim.0", "aim.1", "red", "aim-key", 2, arrow=True)
GROUND = v.plot("map", *MAP, RINGS, TRUTH, WALK, AIM, START)
STEPS, FLOOR = v.Axis("step-axis", 0, "most"), v.Rule(y="floor", label="floor")
FALLING = v.Line("", "losses", upto="step")
FALL = v.plot("loss-chart", STEPS, v.Axis("loss-all-axis", 1e-6, 1e3, log=True), FALLING, FLOOR)
PARTS: tuple[tuple[str, v.Color], ...] = (("w1", "blue"), ("w2", "orange"), ("b", "green"))
OFF = (v.Line("", f"errors.{i}", c, f"part-{part}", upto="step") for i, (part, c) in enumerate(PARTS))
TREMBLE = v.plot("error-chart", STEPS, v.Axis("error-axis", "least", 100, log=True), *OFF)
MISSES = v.Points("places", "errors", size=3, opacity=0.7)
PARAMETERS = v.Axis("parameter-axis", categories=tuple(f"part-{part}" for part, _ in PARTS))
MISSED = v.plot("misses-chart", PARAMETERS, v.Axis("error-axis", 1e-7, 1, log=True), MISSES)
ENDS, LRS = v.Line("lrs", "ends", dots=True), v.Axis("lr", 1e-3, 4, log=True)
RATES = v.plot("rates-chart", LRS, v.Axis("end-axis", 1e-5, 1e3, log=True), ENDS, FLOOR)
COLORS: tuple[v.Color, ...] = ("grey", "purple", "blue", "green", "ink", "orange", "red")
FALLS = (v.Line("", f"curve_{i}", color, f"rate-{i}", width=1.5) for i, color in enumerate(COLORS))
HUNDREDS, WIDE = v.Axis("step-axis", 0, 300), v.Axis("loss-all-axis", 1e-5, 1e6, log=True)
CURVES = v.plot("curves-chart", HUNDREDS, WIDE, *FALLS)
GIVEN, WANTED = (tuple(f"{side}{i}" for i in range(1, 6)) for side in ("p", "t"))
ALL = v.Matrix("all-pairs", "differences", GIVEN, WANTED, "prediction", "label", ".2f")
RIGHT = v.Line("right_w1", "right_w2", "blue", "right-key", upto="wrong_step", dots=True)
WRONG = v.Line("wrong_w1", "wrong_w2", "red", "wrong-key", upto="wrong_step", dots=True)
PATHS = v.plot("paths-chart", *MAP, RINGS, TRUTH, RIGHT, WRONG, replace(START, x="from_w1", y="from_w2"))
MEASURED = v.Points("current", "voltage", "grey", "measured", size=2, opacity=0.7)
BY_EYE, LEARNED = v.Line("ends", "guess", "green", "by-eye"), v.Line("ends", "learned", "blue", "learned")
VOLTAGE, HAND = v.Axis("voltage-axis", -1, 12), v.Handle(2, "volts", "by-eye", "green")
RESISTOR = v.plot("ohm-chart", v.Axis("current-axis", 0, 2.1), VOLTAGE, MEASURED, BY_EYE, LEARNED, HAND)
LIGHT = v.Points("wavelength", "measured", "grey", "measured", size=2)
GLOW, DENSITY = v.Line("wavelength", "curve", "orange", "planck-key"), v.Axis("density-axis", 0, "top")
SPECTRUM = v.plot("spectrum-chart", v.Axis("wavelength-axis", 0.2, 2.5), DENSITY, LIGHT, GLOW)
SOUGHT, SUN = v.Line("", "temperatures", "orange", upto="search"), v.Rule(y=5.772, label="sun")
KELVIN, COLD = v.Axis("kelvin-axis", 0, 9), v.Handle(0, "first_guess", "first-guess", "green")
SOUGHT_FOR = v.plot("search-chart", v.Axis("step-axis", 0, 200), KELVIN, SOUGHT, SUN, COLD)
WHICH = ("networks", "starts", "losses", "moved")
NETWORKS = v.Table("zero-table", ("network", "initial", "end-loss", "moved"), WHICH, ("", "", ".3g", ""))
SIZED, SPACES = ("networks", "parameters", "gradients", "hessians"), ("", ",d", "", "")
SPACE = v.Table("second-table", ("network", "parameters", "gradient", "hessian"), SIZED, SPACES)
ALIKE = v.table("ways-table", ("", "names", ""), *((w, w, ".7f") for w in ("scratch", "concise", "fused")))

# Experiments, and what is said and wanted
TURN = v.Kernel("turn", ("angle", "sigma"), DATA)
STRAIGHTEN = v.mission("mission-line", ("spread", "<", 0.05))
EPOCH, REST = v.Kernel("epoch", ("size", "batch"), DATA), v.Ask("number", "rest", format=".0f", close=0)
ONCE = v.claim("whole-epoch", "data-set", v.Row("", "found", "expected", format=",.0f", labels="names"))
HANDED = v.code(f"{HERE}:data_iter", v.Step("yield rows.batch", "X ({handed:,d}, 2), y ({handed:,d}, 1)"))
BACKWARD = v.Kernel("backward", ("guess",), DATA)
QUOTIENT = v.claim("quotient", "derivative", v.Row("slope-w1", "quotient", "slope", 1e-6))
FLAT = v.mission("mission-flat", ("slope", "<", 0.05), ("slope", ">", -0.05))
LOOP = v.Kernel("loop", ("lr", "batch_size", "sigma", "start_w1", "start_w2", "step"), DATA)
LINES = v.code(
    f"{HERE}:train_epoch",
    v.Step("for X, y in", "X ({rows:,d}, 2), y ({rows:,d}, 1)"),
    v.Step("prediction =", "({rows:,d}, 1): ŷ₁ = {first.3:.3f}, y₁ = {first.2:.3f}"),
    v.Step("loss = squared", "{batch_loss:,.4g}"),
    v.Step("backward()", "weight.grad = [{slope.0:.3f}, {slope.1:.3f}], bias.grad = {slope.2:.3f}"),
    v.Step("sgd(", "weight = [{here.0:.3f}, {here.1:.3f}], bias = {here.2:.3f}"),
)
FEW = v.mission("mission-few", ("loss", "<", 1e-4), ("read", "<", 500))
STILL = v.mission("mission-still", ("error", "<", 1e-10))
CLOSE = v.Ask("choice", "typical", ("a-tenth", "a-thousandth", "a-millionth"))
FOUND = (
    v.claim("learned", "truth", v.Row("", "learned", "truth", 2e-3, format=".5f", labels="names")),
    v.claim("two-thousandths", "worst", v.Row("of-all", 2e-3, "worst", at_least=True, format=".2g")),
)
RESHAPE = v.Kernel("reshape", ("from_w1", "from_w2", "wrong_step"), DATA)
ZERO = v.Ask("choice", "which", ("both", "only-one", "neither"))
SHAPES = v.Ask("choice", "shape", ("shape-m-1", "shape-m", "shape-all", "shape-error"))
MEAN = v.claim("wrong-key", "hundredth", v.Row("", "end", "expected", 0.1, format=".3f", labels="names"))
OHMS = v.Kernel("ohm", ("volts", "trained"), ("examples", "resistor"))
LAW = v.claim("learned", "truth", v.Row("", "end", "truth", 0.03, format=".3f", labels="names"))
BY_HAND = v.mission("mission-ohm", ("guess_loss", "<", "enough"))
PLANCK = v.Kernel("planck", ("first_guess", "search"), ("sunlight",))
SOURCE = v.code((f"{HERE}:spectral_energy_density", f"{HERE}:learn_temperature"))
HOT = v.claim("found", "truth", v.Row("kelvin-axis", "found", "truth", 20, format=",.0f"))
STUCK = v.mission("mission-cold", ("moved", "<", 0.001))
CURVED = (
    v.claim("autograd", "formula", v.Row("", "matrix", "matrix_formula", 1e-12, labels="pairs")),
    v.claim("autograd-twice", "product-formula", v.Row("product", "product", "product_formula", 1e-12)),
)
STABLE = v.code("onelayer.solvers.stability:largest_stable_lr")
WAYS = v.code(("onelayer.solvers.scratch:train_epoch", "onelayer.solvers.scratch:sgd"))
SAME = (
    v.claim("autograd", "formula", v.Row("", "autograd", "formula", 1e-12, labels="slopes")),
    v.claim("scratch", "fused", v.Row("", "scratch", "fused", 1e-12, format=".12f", labels="names")),
    v.claim("scratch", "concise", v.Row("", "scratch", "concise", 1e-12, format=".12f", labels="names")),
)


SCENES = (
    v.Scene("turn", (ANGLE, SIGMA), TURN, TURNED, "turn-outcome", missions=STRAIGHTEN),
    v.Scene("epoch", (SIZE, BATCHES), EPOCH, (ROWS, SIZES), "epoch-outcome", ONCE, HANDED, REST),
    v.Scene("chain", (GUESS,), BACKWARD, (CHAIN, BACK), "chain-outcome", QUOTIENT, missions=FLAT),
    v.Scene("loop", RUN, LOOP, (GROUND, FIT), "loop-outcome", code=LINES, missions=FEW),
    v.Scene("fall", RUN, LOOP, (FALL, TREMBLE), "fall-outcome", missions=STILL),
    v.Scene("recovered", (), v.Recorded("recovered"), MISSED, "", FOUND, ask=CLOSE),
    v.Scene("rates", (), v.Recorded("rates"), (RATES, CURVES), "rates-outcome", ask=v.Ask("sketch")),
    v.Scene("zero", (), v.Recorded("zero"), NETWORKS, ask=ZERO),
    v.Scene("reshape", PAIRED, RESHAPE, (PATHS, ALL), "reshape-outcome", MEAN, ask=SHAPES),
    v.Scene("ohm", OHM, OHMS, RESISTOR, "ohm-outcome", LAW, missions=BY_HAND),
    v.Scene("planck", SEARCH, PLANCK, (SPECTRUM, SOUGHT_FOR), "planck-outcome", HOT, SOURCE, missions=STUCK),
    v.Scene("second", (), v.Recorded("second"), SPACE, claims=CURVED, code=STABLE, folded=True),
    v.Scene("ways", (), v.Recorded("ways"), ALIKE, claims=SAME, code=WAYS),
)

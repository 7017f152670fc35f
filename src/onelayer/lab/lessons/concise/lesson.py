"""The lesson on linear regression from PyTorch's parts, declared: what can be moved, what is drawn, what is asked."""

from dataclasses import replace

from onelayer.lab import vocabulary as v

HERE, DATA = "onelayer.lab.lessons.concise.training", ("examples",)

# Controls
LR = v.Number("lr", 0.01, 0.3, 0.01, 0.03, format=".2f")
TIMES = v.Number("times", 0.1, 2, 0.05, 1, format=".2f")
BATCH, SIZE = v.Choice("batch_size", (10, 20, 50, 100, 200), 10), v.Choice("size", (10, 50, 200), 10)
W1 = v.Number("start_w1", -1, 6, 0.05, 0, slider=False)
W2 = v.Number("start_w2", -6, 1, 0.05, 0, slider=False)
RUN = (LR, TIMES, BATCH, v.Clock("step", "last", 5, 20, 40), W1, W2)
FACTOR = v.Number("factor", value=1, values=(1, 2, 5, 10, 20, 50, 100, 200))
AVERAGED = (SIZE, FACTOR, v.Clock("mean_step", "last", rate=20, value=100))
DELTA = v.Number("delta", 0.1, 5, 0.1, 2, format=".1f")
RESIDUAL = v.Number("residual", -6, 6, 0.05, 3, slider=False)
FAR = (
    v.Number("outlier_x", -4, 4, 0.1, 2.5, slider=False),
    v.Number("outlier_y", -20, 20, 0.1, 0, slider=False),
)

# Marks and pictures
PARAMETERS = v.Axis("parameter-axis", categories=("part-w1", "part-w2", "part-b"))
NET = v.plot("net-chart", PARAMETERS, v.Axis("value-axis", -1, 1), v.Points("places", "values.built", size=6))
MAP = (v.Axis("part-w1", -1, 6), v.Axis("part-w2", -6, 1))
RINGS = v.Line("ring_w1", "ring_w2", "grey", width=1, opacity=0.6)
TRUTH = v.Points("truth.0", "truth.1", "blue", "truth", size=5)
START = v.Handle("start_w1", "start_w2", "start", "green", anywhere=True)
OURS = v.Line("scratch_w1", "scratch_w2", "blue", "from-scratch", upto="step", width=4, opacity=0.5)
THEIRS = v.Line("w1", "w2", "orange", "mse", upto="step", width=1.5, dots=True)
PATHS = v.plot("paths-chart", *MAP, RINGS, TRUTH, OURS, THEIRS, START)
LOSS, STEPS = v.Axis("loss-axis", 1e-5, 100, log=True), v.Axis("step-axis", 0, "last")
OUR_FALL = v.Line("", "scratch_losses", "blue", "from-scratch", upto="step", width=4, opacity=0.5)
THEIR_FALL = v.Line("", "losses", "orange", "mse", upto="step")
FALL = v.plot("loss-chart", STEPS, LOSS, OUR_FALL, THEIR_FALL)
SUM = v.Line("sum_w1", "sum_w2", "blue", "sum", upto="mean_step", width=4, opacity=0.5)
MEAN = v.Line("mean_w1", "mean_w2", "orange", "mean", upto="mean_step", width=1.5, dots=True)
TWO_PATHS = v.plot("paths-chart", *MAP, RINGS, TRUTH, SUM, MEAN)
SUM_FALL = v.Line("", "sum_losses", "blue", "sum", upto="mean_step", width=4, opacity=0.5)
MEAN_FALL = v.Line("", "mean_losses", "orange", "mean", upto="mean_step")
TWO_FALLS = v.plot("loss-chart", STEPS, LOSS, SUM_FALL, MEAN_FALL)
WEIGHTS, GRAD = v.Axis("weight-axis", categories=("part-w1", "part-w2")), v.Axis("grad-axis", -25, 40)
ONCE = v.Bars("beside", "once.calls", 0, "grey", "once", 0.2)
NOW = v.Bars("places", "heights.calls", width=0.4)
GRADS = v.plot("grads-chart", WEIGHTS, GRAD, ONCE, NOW, v.Text("places", 2, "none.calls"))
WAYS = v.Axis("way-axis", categories=("by-index", "by-loader", "by-workers"))
TIME = v.plot("times-chart", WAYS, v.Axis("ms-axis", 0.1, 1e5, log=True), v.Points("places", "times", size=6))
SQUARED = v.Line("grid", "squared", "grey", "squared")
ABSOLUTE = v.Line("grid", "absolute", "purple", "absolute")
HUBER = v.Line("grid", "huber", "blue", "huber", width=3)
TANGENT = v.Segments("before.0", "before.1", "after.0", "after.1", "red", "tangent", 2.5)
GRIP, R = v.Handle("residual", "value", "residual"), v.Axis("residual-axis", -6, 6)
LOSSES = v.plot("losses-chart", R, v.Axis("loss-of-r", 0, 8), SQUARED, ABSOLUTE, HUBER, TANGENT, GRIP)
SQUARED_SLOPE = v.Line("grid", "squared_slope", "grey", "squared")
ABSOLUTE_SLOPE = v.Line("grid", "absolute_slope", "purple", "absolute")
HUBER_SLOPE = v.Line("grid", "huber_slope", "blue", "huber", width=3)
FORCE, HERE_NOW = v.Axis("pull-axis", -6, 6), v.Points("residual", "slope", "red", size=5)
PULLS = v.plot("pulls-chart", R, FORCE, SQUARED_SLOPE, ABSOLUTE_SLOPE, HUBER_SLOPE, HERE_NOW)
GIVEN = v.Points("x", "y", "grey", "example", size=3)
SQUARES = v.Line("ends", "squares", "orange", "by-squares")
STEADY = v.Line("ends", "huber", "blue", "by-huber")
CLEAN = v.Line("ends", "clean", "grey", "without", dash=True)
OUTLIER = v.Handle("outlier_x", "outlier_y", "outlier", "red", anywhere=True)
POINTS = v.plot(
    "line-chart", v.Axis("x-axis", -4, 4), v.Axis("y-axis", -20, 20), CLEAN, GIVEN, SQUARES, STEADY, OUTLIER
)
WORDS, FIELDS = ("share", "loss-used", "part-w1", "part-w2", "part-b"), ("shares", "losses", "w1", "w2", "b")
LEARNED = v.Table("wrong-table", WORDS, FIELDS, ("", "", ".3f", ".3f", ".3f"))
SHARES, BIAS = v.Axis("share", categories=("none-wrong", "share-5", "share-20")), v.Axis("part-b", 4, 8.5)
LIFTED = v.Points("places", "squared_b", "orange", "mse-loss", size=6)
KEPT = v.Points("places", "huber_b", "blue", "huber-loss", size=6, shape="diamond")
BIASES = v.plot("bias-chart", SHARES, BIAS, LIFTED, KEPT, v.Rule(y=4.2, label="truth"))

# Experiments, and what is said and wanted
BOTH = v.Kernel("both", ("lr", "times", "batch_size", "start_w1", "start_w2", "step"), DATA)
LINES = v.code(
    f"{HERE}:train_epoch",
    v.Step("for X, y in", "X ({rows:,d}, 2), y ({rows:,d}, 1)"),
    v.Step("batch_loss = loss", "{batch_loss:,.4g}"),
    v.Step("zero_grad", "weight.grad = None"),
    v.Step("backward()", "weight.grad = [{slope.0:.3f}, {slope.1:.3f}], bias.grad = {slope.2:.3f}"),
    v.Step("trainer.step", "weight = [{here.0:.3f}, {here.1:.3f}], bias = {here.2:.3f}"),
)
HALF = v.Ask("number", "wanted", format=".2g", close=0.001)
COINCIDE = v.mission("mission-coincide", ("gap", "<", 1e-12))
CHECKED = (
    v.claim("gradient-mse", "twice-formula", v.Row("", "mse", "twice", 1e-12, labels="names")),
    v.claim("limit", "gap", v.Row("", "limits", "halves", at_least=True, format=".2g", labels="sizes")),
    v.claim("loaded", "iter-rows", v.Row("", "loaded", "examples", format=",d", labels="sizes")),
)
WHICH, GAP, LOADED = ("batch_size", "sizes", ""), ("gap", "halves", ".2g"), ("in-place", "loaded", ",d")
GAPS = v.table("checked-table", WHICH, GAP, LOADED)
LIBRARY = v.code(("onelayer.solvers.concise:HalfSquaredLoss", "onelayer.solvers.concise:train_epoch"))
MEANS, RATE = (
    v.Kernel("means", ("size", "factor", "mean_step"), DATA),
    v.Ask("number", "wanted", format=".3g", close=0.001),
)
EQUAL = v.claim("sum", "scaled-mean", v.Row("", "end", "scaled_end", 1e-12, format=".10f", labels="names"))
MEET = v.mission("mission-meet", ("gap", "<", 1e-12), ("size", "=", 200))
BUILT = v.Clock("built", 4, rate=1, value=1)
BUILD = v.code(
    f"{HERE}:build_net",
    v.Step("nn.Linear(", "weight {shapes.0}, bias {shapes.1}"),
    v.Step("normal_(", "{drawn}"),
    v.Step("fill_(", "0.0000"),
    v.Step("nn.Sequential(layer)", "{layer}"),
)
LOOK = v.code(
    f"{HERE}:look_at_gradients",
    v.Step('"at-first"', "{grads.0}"),
    v.Step('"after-one"', "{grads.1}"),
    v.Step('"after-two"', "{grads.2}"),
    v.Step('"after-zero"', "{grads.3}"),
)
FORMULAS = (
    v.claim("gradient-half", "formula", v.Row("", "half", "formula", 1e-12, labels="names")),
    v.claim("two-calls", "twice-one", v.Row("", "two_calls", "twice_one", 1e-12, labels="names")),
)
LOADER = v.code("onelayer.lab.lessons.concise.experiment:loading")
ADDS, CALLS = v.Ask("choice", "which", ("replaces", "adds", "fails")), v.Clock("calls", 4, rate=1, value=3)
WORKERS = v.Ask("choice", "verdict", ("workers-faster", "workers-slower"))
PULL = v.Kernel("pull", ("delta", "residual"))
SAME_LOSS = v.Row("value", "theirs", "ours", 1e-12, labels="residuals")
SAME_SLOPE = v.Row("slope", "their_slope", "our_slope", 1e-12, labels="residuals")
AGREE = v.claim("pytorch", "library", SAME_LOSS, SAME_SLOPE)
HUBER_LOSS = v.code(("onelayer.functional:huber_loss", "onelayer.functional:huber_loss_gradient"))
HARD = v.mission("mission-pull", ("square", ">", 12), ("slope", "<", 0.5), ("slope", ">", 0))
DRAG = v.Kernel("drag", ("outlier_x", "outlier_y", "line_delta"), ("line",))
SWING = v.mission("mission-swing", ("squares_moved", ">", 5), ("huber_moved", "<", 0.3))
LIFT = v.Ask("number", "lift", format=".2g", close=0.15)
CLOSER = v.claim(
    "off-squared", "off-huber", v.Row("", "squared", "huber", at_least=True, format=".3f", labels="names")
)

SCENES = (
    v.Scene("parts", (BUILT,), v.Recorded("parts"), NET, code=BUILD),
    v.Scene("same", RUN, BOTH, (PATHS, FALL), "same-outcome", (), LINES, HALF, COINCIDE),
    v.Scene("checked", (), v.Recorded("checked"), GAPS, "", CHECKED, LIBRARY),
    v.Scene("mean", AVERAGED, MEANS, (TWO_PATHS, TWO_FALLS), "mean-outcome", EQUAL, ask=RATE, missions=MEET),
    v.Scene("gradient", (CALLS,), v.Recorded("gradients"), GRADS, "", FORMULAS, LOOK, ADDS),
    v.Scene("loader", (), v.Live("loading"), TIME, "loader-outcome", code=LOADER, ask=WORKERS),
    v.Scene("offer", (), v.Recorded("offered"), (), "", AGREE, HUBER_LOSS),
    v.Scene("huber", (DELTA, RESIDUAL), PULL, (LOSSES, PULLS), "huber-outcome", missions=HARD),
    v.Scene("drag", (replace(DELTA, name="line_delta"), *FAR), DRAG, POINTS, "drag-outcome", missions=SWING),
    v.Scene("wrong", (), v.Recorded("wrong_labels"), (BIASES, LEARNED), "", CLOSER, ask=LIFT),
    v.Scene("next"),
)

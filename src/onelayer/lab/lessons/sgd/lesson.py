"""The lesson on minibatch SGD, declared: what can be moved, what is drawn, what is asked."""

from onelayer.lab import vocabulary as v

LR, SETTLE_LR = (v.Number(n, 0.01, top, 0.01, 0.2, format=".2f") for n, top in (("lr", 2), ("settle_lr", 1)))
START_W1 = v.Number("start_w1", -1.3, 2.5, 0.05, -1, slider=False)
START_W2 = v.Number("start_w2", -1.9, 1.1, 0.05, 0.6, slider=False)
SIZES = (1, 4, 16, 64, 256, "all")
BATCH, SETTLE_BATCH = v.Choice("batch_size", SIZES, 16), v.Choice("settle_batch", SIZES, 16)
RINGS = v.Line("ring_w1", "ring_w2", "grey", "ring", width=1, opacity=0.6)
MAP = ("map", v.Axis("w1-axis", -1.4, 2.6), v.Axis("w2-axis", -2, 1.2), RINGS)
MINIMUM = v.Points("minimum.0", "minimum.1", "blue", "minimum", size=5)
RISE = v.Axis("rise-axis", 1e-9, 1e3, log=True)
ENDLESS = (v.Axis("step-axis", 1, 3000, log=True), v.Axis("rise-axis", 1e-12, 10, log=True))
BOTH_WALKS = (v.Line("", "by_all", "blue", "all"), v.Line("", "by_batches", "orange", "sgd"))
TWO_SCALINGS = (
    v.Rule(y=1e-3, label="thousandth"),
    v.Line("", "standardised", "blue", "standardised", dots=True),
    v.Line("", "raw", "orange", "raw", dots=True),
)
BANDS = (v.Band(1e-5, 1e-1, "grey", "powers-of-ten"), v.Band(0.0067, 0.368, "purple", "as-printed"))
BY_RATE = (
    v.Line("lrs", "standardised", "blue", "standardised", dots=True),
    v.Line("lrs", "raw", "orange", "raw", dots=True),
    v.Rule(x="standardised_bound", color="blue", label="bound-rule"),
    v.Rule(x="raw_bound", color="orange", label="bound-rule"),
)
RATE, DISTANCE = v.Axis("lr", 1e-8, 10, log=True), v.Axis("distance-axis", 1e-7, 10, log=True)
COMPARED = (("standardised", "by_standardised", ".3g"), ("raw", "by_raw", ".3g"))
TRIED: tuple[tuple[int, v.Color], ...] = ((16, "orange"), (64, "green"), (256, "blue"))

SCENES = (
    v.Scene(
        "walk",
        (LR, BATCH, v.Number("draw", 0, 20, 1, 0), v.Clock("step", "taken", 3, 20), START_W1, START_W2),
        v.Kernel("walk", ("lr", "batch_size", "start_w1", "start_w2", "draw", "step"), ("standard",)),
        (
            v.plot(
                *MAP,
                v.Line("w1", "w2", "orange", "walk-key", upto="step", width=1.5, dots=True),
                v.Segments("before.0", "before.1", "here.0", "here.1", "red", "step-key", 2.5, arrow=True),
                v.Segments("here.0", "here.1", "next.0", "next.1", "grey", "next-key", 2.5, arrow=True),
                MINIMUM,
                v.Handle("start_w1", "start_w2", "start", "green", anywhere=True),
            ),
            v.plot("rise", v.Axis("step-axis", 0, 200), RISE, v.Line("", "rises", "orange", upto="step")),
        ),
        "walk-outcome",
        code=v.code(
            "onelayer.solvers.scratch:train_epoch",
            v.Step("X, y = rows.batch", "X ({rows:,d}, 2), y ({rows:,d}, 1)"),
            v.Step("batch_loss.backward", "∂Σl/∂w = {summed.0:.3g}, {summed.1:.3g}; ∂Σl/∂b = {summed.2:.3g}"),
            v.Step("sgd(", "÷ {rows:,d}: {slope.0:.3g}, {slope.1:.3g}; w = {here.0:.3g}, {here.1:.3g}"),
        ),
        missions=v.mission("mission-near", ("rise", "<", 1e-3), ("read", "<", 1000)),
    ),
    v.Scene(
        "bound",
        (LR, START_W1, START_W2),
        v.Kernel("by_rate", ("lr", "start_w1", "start_w2"), ("standard",)),
        v.plot(
            "bound-chart",
            v.Axis("lr", 0, 2),
            v.Axis("rise-left", 1e-14, 1e6, log=True),
            v.Line("lrs", "predicted", "blue", "predicted"),
            v.Points("lrs", "measured", "orange", "walked"),
            v.Rule(x="bound", color="red", label="bound-rule"),
            v.Handle("lr", "expected", "your-lr"),
        ),
        "bound-outcome",
        v.claim("walked", "predicted", v.Row("rise-left", "walked", "expected", "rounding")),
        missions=v.mission("mission-edge", ("lr", "<", "bound"), ("expected", ">", 0.05)),
    ),
    v.Scene(
        "search",
        (v.Clock("halvings", "last", rate=4),),
        v.Recorded("search"),
        v.plot(
            "search-chart",
            v.Axis("halving-axis", -0.5, 30),
            v.Axis("lr", 0, 4.5),
            v.Line("", "low", "green", "converges", upto="halvings", dots=True),
            v.Line("", "high", "red", "diverges", upto="halvings", dots=True),
            v.Rule(y="bound", color="blue", label="bound-rule"),
        ),
        "search-outcome",
        v.claim("searched", "bound-rule", v.Row("", "found", "bounds", "allowed", True, labels="names")),
    ),
    v.Scene(
        "settle",
        (v.Choice("schedule", ("constant", "falling"), "constant"), SETTLE_LR, SETTLE_BATCH),
        v.Kernel("settle", ("settle_lr", "settle_batch", "schedule"), ("standard",)),
        (
            v.plot(*MAP, v.Points("w1", "w2", "orange", "walk-key", "", 1.5, 0.5), MINIMUM),
            v.plot("rise", v.Axis("step-axis", 0, 2000), RISE, v.Line("", "rises", "orange", width=1)),
        ),
        "settle-outcome",
        ask=v.Ask("choice", "asked", ("fate-arrives", "fate-hovers", "fate-leaves")),
        missions=v.mission("mission-rest", ("mean", "<", 1e-5)),
    ),
    v.Scene(
        "arrived",
        (
            v.Number("arrived_lr", 0.05, 1.6, 0.05, 0.5, format=".2f"),
            v.Choice("arrived_batch", SIZES[:-1], 64),
        ),
        v.Kernel("arrived", ("arrived_lr", "arrived_batch"), ("standard", "destination")),
        v.plot("rise", *ENDLESS, *BOTH_WALKS),
        "arrived-outcome",
        (
            v.claim("all", "analytic", v.Row("", "all_reached", "analytic", "billionth", labels="names")),
            v.claim("sgd", "analytic", v.Row("", "sgd_reached", "analytic", "tenth", labels="names")),
        ),
        ask=v.Ask("choice", "asked", ("three", "thirty", "three-hundred")),
        missions=v.mission("mission-four", ("arrived_batch", "=", 4), ("off", "<", 0.2)),
    ),
    v.Scene(
        "rates",
        (),
        v.Recorded("rates"),
        v.plot("rates-chart", RATE, v.Axis("share-axis", 1e-9, 1e3, log=True), *BANDS, *BY_RATE),
        ask=v.Ask("sketch"),
    ),
    v.Scene(
        "standardise",
        (),
        v.Recorded("standardising"),
        (
            v.plot("standardise-chart", v.Axis("step-axis", 0, 10), DISTANCE, *TWO_SCALINGS),
            v.table("standardise-table", ("", "names", ""), *COMPARED),
        ),
        ask=v.Ask("choice", "times", ("ten", "a-thousand", "over-a-million")),
    ),
    v.Scene(
        "tune",
        (v.Number("split", 0, 9, 1, 0),),
        v.Recorded("tune", ("split",)),
        v.plot(
            "tune-chart",
            v.Axis("lr", 1e-4, 4, log=True),
            v.Axis("valid-loss", 0.15, 1, log=True, ticks=(0.15, 0.2, 0.3, 0.5, 1)),
            *(v.Line("lrs", f"batch_{size}", color, f"batch-{size}", dots=True) for size, color in TRIED),
            v.Points("best_lr", "best_loss", "red", "best", size=6, shape="diamond"),
            v.Rule(y="exact", label="exact"),
            v.Rule(x="stable", label="bound-rule"),
        ),
        "tune-outcome",
    ),
    v.Scene("when"),
)

"""The lesson on normal noise and squared error, declared: what can be moved, what is drawn, what is asked."""

from onelayer.lab import vocabulary as v

CURVE = (v.Number("mu", -3, 3, 0.1, 1, slider=False), v.Number("sigma", 0.2, 3, 0.05, 0.5, slider=False))
K, HOUSE_K = (v.Number(name, 0, 4, 0.1, at, slider=False) for name, at in (("k", 1), ("house_k", 3)))
OVER_X = (v.Axis("any-x", -6, 6), v.Axis("density", 0, 2))
INSIDE, BELL = v.Area("inside_x", 0, "inside_p", "blue", "inside"), v.Line("xs", "p", "blue", "yours")
STANDARD = v.Line("xs", "standard", "grey", "standard", dash=True)
CENTRE, EDGE = v.Handle("mu", "peak"), v.Handle("sigma", "edge", color="purple", origin=("mu", 0))
NOISE_SIGMA, MODEL_SIGMA = (v.Number(f"{n}_sigma", 0.4, 2, 0.05, 1, format=".2f") for n in ("noise", "model"))
ROWS, DRAW = v.Number("rows", 5, 200, 5, 60), v.Number("draw", 0, 20, 1, 0)
LINE = (v.Number("weight", -1, 5, 0.05, 1, slider=False), v.Number("bias", -3, 5, 0.05, 1, slider=False))
MODEL = ("noise_sigma", "rows", "draw", "weight", "bias", "model_sigma")
X, Y, K_AXIS = v.Axis("x-axis", -2.2, 2.2), v.Axis("y-axis", -8, 10), v.Axis("k", 0, 4)
TRUTH = v.Line("ends", "truth", "green", "true-line", dash=True)
YOURS = v.Line("ends", "line", "blue", "your-line")
STICKS, DOTS = v.Segments("x", "y", "x", "fit", width=1), v.Points("x", "y", "orange")
BELLS = v.Line("bells_x", "bells_y", "purple", "bells", width=1.5)
EDGES = v.Line("ends", "edges", "purple", width=1, dash=True)
SPREAD = v.Handle(-1.5, "model_sigma", color="purple", origin=(0, "level"))
BIAS, EXPECTED = v.Handle(0, "bias", color="blue"), v.Line("middles", "expected", "blue", "expected")
TURN = v.Handle(1.5, "weight", color="blue", origin=(0, "bias"), unit=(1, 1.5))
SLOPE, BEST = v.Axis("slope-axis", "slopes.0", "slopes.120"), v.Rule(x="best", color="green", label="best")
LOGS, SQUARES = v.Axis("log-likelihood", "log_low", "log_high"), v.Axis("squared-error", 0, "square_high")
RINGS = v.Line("ring_w1", "ring_w2", "grey", "ring", width=1, opacity=0.6)
CLIMB = v.Line("path_w1", "path_w2", "orange", "climb-key", dots=True)
MINIMUM = v.Points("minimum.0", "minimum.1", "blue", "least-squares", size=5)
OVER_SIGMA = (v.Axis("house_sigma", 20, 120), v.Axis("log-per-house", -6.8, -5))
OVER_ESTIMATE = (v.Axis("estimate", 0, 3), v.Axis("share-of-sets", 0, 0.12, format=".0%"))
RULES = (v.Rule(x="mean", color="red", label="average-rule"), v.Rule(x=1, color="green", label="true-rule"))
OVER_SUM = (v.Axis("sum-axis", -4.5, 4.5), v.Axis("density", 0, 0.9))
OVER_RESIDUAL = (v.Axis("residual-axis", -250, 250), v.Axis("count", 0, 220))
WITHIN, TAIL_AXIS = v.Band("left", "right", "grey", "inside"), v.Axis("tail-axis", 1e-5, 1, log=True)
PRICES = v.Bars("middles", "counts", color="orange", label="counted", width=5, opacity=0.8)
TAIL = v.Line("tail_ks", "tail_houses", "orange", "counted")
NORMAL_TAIL = v.Line("tail_ks", "tail_normal", "blue", "expected")
OVER_UNITS = (v.Axis("residual-in-sigma", -6, 6), v.Axis("density", 1e-4, 1, log=True))
BOTH = (v.Line("away", "by_normal", "blue", "normal"), v.Line("away", "by_laplace", "green", "laplace"))
OWN = v.Line("away", "by_power", "purple", "by-power", dash=True)
FAR = (v.Number("far_x", -2, 2, 0.05, 1.6, slider=False), v.Number("far_y", -8, 10, 0.1, 4.5, slider=False))
TWO = (v.Line("ends", "squares", "blue", "squares"), v.Line("ends", "absolute", "orange", "absolute"))

SCENES = (
    v.Scene(
        "density",
        (*CURVE, K),
        v.Kernel("bell", ("mu", "sigma", "k"), ("normal",)),
        (
            v.plot("bell", *OVER_X, STANDARD, INSIDE, BELL, CENTRE, EDGE),
            v.plot("shares", K_AXIS, v.Axis("share"), v.Line("ks", "shares"), v.Handle("k", "share")),
        ),
        "bell-outcome",
        v.claim("integral", "exact", v.Row("", "integrals", "exact", 1e-9, format=".9f", labels="names")),
        v.code(("onelayer.functional:normal_density", "onelayer.functional:_normal_log_density")),
        missions=v.mission("mission-95", ("share", ">", 0.949), ("share", "<", 0.951)),
    ),
    v.Scene(
        "noise",
        (NOISE_SIGMA, ROWS, DRAW, *LINE, MODEL_SIGMA),
        v.Kernel("noise", MODEL, ("draws",)),
        v.plot("rows-chart", X, Y, STICKS, DOTS, TRUTH, BELLS, EDGES, YOURS, BIAS, TURN, SPREAD),
        "noise-outcome",
        missions=v.mission("mission-band", ("share", ">", 0.65), ("model_sigma", "<", 1.1)),
    ),
    v.Scene(
        "likelihood",
        (MODEL_SIGMA, NOISE_SIGMA, ROWS, DRAW, *LINE),
        v.Kernel("likelihood", MODEL, ("draws",)),
        (
            v.plot("log-likelihood", SLOPE, LOGS, BEST, v.Line("slopes", "logs"), v.Handle("weight", "here")),
            v.plot("error", SLOPE, SQUARES, BEST, v.Line("slopes", "squares"), v.Handle("weight", "error")),
        ),
        "likelihood-outcome",
        v.claim("sum-of-logs", "from-squares", v.Row("log-likelihood", "here", "from_squares", "allowed")),
        v.code("onelayer.functional:normal_log_likelihood"),
        v.Ask("choice", "peak", ("peak-left", "peak-stays", "peak-right")),
        v.mission("mission-peak", ("short", "<", 0.05)),
    ),
    v.Scene(
        "climb",
        (v.Choice("assumed", ("narrow", "wide"), "narrow"), v.Clock("evaluation", 8, 4)),
        v.Recorded("climb", ("assumed", "evaluation")),
        v.plot("map", v.Axis("w1-axis", -0.2, 1.4), v.Axis("w2-axis", -1.1, 0.3), RINGS, CLIMB, MINIMUM),
        claims=v.claim("climbed", "least-squares", v.Row("", "found", "exact", 1e-6, True, labels="names")),
        code=v.code(
            "onelayer.lab.lessons.normal_noise.likelihood:maximise_likelihood",
            v.Step("prediction =", "ŷ₁ = {first:.4f}"),
            v.Step("loss =", "{loss:.6f}"),
            v.Step("loss.backward", "∂loss/∂w = {downhill.0:.3g}, {downhill.1:.3g}"),
            v.Step("seen.append", "log L / n = {per_row:.6f}; ∂/∂w = {slope.0:.3g}, {slope.1:.3g}"),
        ),
    ),
    v.Scene(
        "spread",
        (v.Number("house_sigma", 20, 120, 1, 80, slider=False),),
        v.Kernel("spread", ("house_sigma",), ("house_noise",)),
        v.plot("spread-chart", *OVER_SIGMA, v.Line("sigmas", "logs"), v.Handle("house_sigma", "here")),
        "spread-outcome",
        v.claim("searched", "computed", v.Row("", "searched", "computed", 1e-6, True, labels="sigma_names")),
        missions=v.mission("mission-sigma", ("short", "<", 1)),
    ),
    v.Scene(
        "small",
        (v.Number("few", value=5, values=(3, 4, 5, 7, 10, 20, 30)), v.Number("less", 0, 2, 1)),
        v.Recorded("small_samples", ("few", "less")),
        v.plot("small-chart", *OVER_ESTIMATE, v.Bars("middles", "counts", width=0.05), *RULES),
        "small-outcome",
        v.claim("average", "n-2-over-n", v.Row("", "mean", "predicted", "allowed", format=".4f")),
        ask=v.Ask("number", "asked", close=0.03),
        missions=v.mission("mission-small", ("mean", ">", 0.98), ("mean", "<", 1.02)),
    ),
    v.Scene(
        "sums",
        (v.Choice("kind", ("even", "lopsided", "forked"), "even"), v.Clock("added", 12, rate=2, value=2)),
        v.Recorded("sums", ("kind", "added")),
        v.plot("sums-chart", *OVER_SUM, v.Bars("middles", "heights", color="orange", width=0.2), STANDARD),
        "sums-outcome",
        ask=v.Ask("sketch"),
        missions=v.mission("mission-sums", ("added", "<", 5), ("distance", "<", 0.012)),
    ),
    v.Scene(
        "houses",
        (HOUSE_K,),
        v.Kernel("within", ("house_k",), ("normal", "house_noise")),
        (
            v.plot("tail", K_AXIS, TAIL_AXIS, TAIL, NORMAL_TAIL, v.Handle("house_k", "tail")),
            v.plot("houses-chart", *OVER_RESIDUAL, WITHIN, PRICES, EXPECTED),
        ),
        "houses-outcome",
        ask=v.Ask("number", "beyond_3", format=",d", close=0.3),
    ),
    v.Scene(
        "laplace",
        (v.Number("power", value=1, values=(1, 1.2, 1.5, 2, 3, 4)),),
        v.Recorded("noise_models", ("power",)),
        v.plot("laplace-chart", *OVER_UNITS, v.Points("middles", "heights", "orange", "about"), *BOTH, OWN),
        "laplace-outcome",
        ask=v.Ask("choice", "better", ("normal", "laplace")),
    ),
    v.Scene(
        "outlier",
        (DRAW, *FAR),
        v.Kernel("outlier", ("draw", "far_x", "far_y"), ("draws",)),
        v.plot("outlier-chart", X, Y, DOTS, TRUTH, *TWO, v.Handle("far_x", "far_y", "far", "red")),
        "outlier-outcome",
        missions=v.mission("mission-outlier", ("squares_off", ">", 0.7), ("absolute_off", "<", 0.1)),
    ),
    v.Scene("when"),
)

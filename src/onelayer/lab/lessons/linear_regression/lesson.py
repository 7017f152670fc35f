"""The lesson on linear regression, declared: what can be moved, what is drawn, what is asked."""

from functools import partial

from onelayer.lab import vocabulary as v

Free = partial(v.Number, slider=False)  # set by a handle alone
WEIGHTS = (v.Number("w1", 0, 200, 1, 40), v.Number("w2", -3000, 1000, 20, 400, format=",.0f"))
SALES = (v.Axis("area", 0, 4000), v.Axis("price", 0, 600_000))
MAP = ("map", v.Axis("w1", 0, 200), v.Axis("w2", -3000, 1000))
RINGS = (
    v.Line("ring_w1", "ring_w2", "grey", "ring", width=1),
    v.Text("ring_name_w1", "ring_name_w2", "ring_typical", "grey", ",d"),
    v.Handle("w1", "w2", "here", anywhere=True),
)
HOUSES = v.Points("area", "price", "grey", "sold", size=1.5, opacity=0.4, lit="chosen")
LINE = (
    HOUSES,
    v.Segments("areas", "heads", "areas", "feet", "orange", "residual"),
    v.Line("ends", "prices_at_ends", "blue", "your-line", width=2.5),
    v.Handle(500, "at_small", "at_small", "blue"),
    v.Handle(3000, "at_large", "at_large", "blue"),
)
PARABOLA = (v.Line("errors", "losses", "orange", "one-house", dots=True), v.Rule(y="loss", label="mean-rule"))
PULL = (
    v.Points("areas", "prices", "grey", "few-houses", size=4),
    v.Line("ends", "line_without", "grey", "without", dash=True),
    v.Line("ends", "line_with", "blue", "with", width=2.5),
    v.Segments("own_area", "own_price", "own_area", "foot", "orange", width=2),
    v.Handle("own_area", "own_price", "own-house"),
)
PLANE = (
    v.Segments("corner_x", "corner_y", "tip_x", "tip_y", width=1),
    v.Segments("head_x", "head_y", "head_x", "foot_y", "orange", "residual", 1, 0.7),
    v.Segments("mesh_x0", "mesh_y0", "mesh_x1", "mesh_y1", "blue", width=1),
    v.Points("head_x", "head_y", "orange", "sold", size=2.5),
    v.Text("tip_x", "tip_y", "tips"),
)
JUMP = v.Segments("start_w1", "start_w2", "solution.0", "solution.1", "blue", "solution", 2.5, arrow=True)
VALLEY = (
    v.Line("valley_feet", "valley_metres", "grey", "ring", width=1),
    v.Line("valley_feet.3", "valley_metres.3", "blue", "floor", width=2.5),
    v.Line("ends", "same_predictions", "orange", "one-sum", dash=True),
    v.Points("smallest.0", "smallest.2", "blue", "library", size=5),
    v.Handle("w_feet", "w_metres", "here"),
    v.Handle(380, "together", "shift", "purple", origin=(0, "shifted"), unit=(1, 10.7639)),
)
COST = (
    v.Line("ends", "lines", "grey", "in-proportion", dash=True),
    v.Points("timed", "forming", "blue", "forming", size=4),
    v.Points("timed", "solving", "orange", "solving", size=4),
    v.Handle("features", "solving_here", "features"),
)
SCENES = (
    v.Scene(
        "data",
        (Free("at_area", 0, 4000, 10, 1656), Free("at_price", 0, 600_000, 1000, 215_000)),
        v.Kernel("example", ("at_area", "at_price"), ("sales",)),
        v.plot("houses", *SALES, HOUSES, v.Handle("at_area", "at_price", "pointer", "blue", True)),
        "data-outcome",
        missions=v.mission("mission-old", ("age_here", ">", 60), ("price_here", ">", 300_000)),
    ),
    v.Scene(
        "line",
        (Free("at_small", 0, 600_000, 1000, 250_000), Free("at_large", 0, 600_000, 1000, 150_000)),
        v.Kernel("line", ("at_small", "at_large"), ("sales",)),
        (
            v.plot("line-chart", *SALES, *LINE),
            v.plot("parabola", v.Axis("error", -3e5, 3e5), v.Axis("loss", 0, 45), *PARABOLA),
        ),
        "line-outcome",
        code=v.code("onelayer.functional:squared_loss"),
        missions=v.mission("mission-line", ("typical", "<", 57_000)),
    ),
    v.Scene(
        "pull",
        (Free("own_area", 300, 4000, 10, 3200), Free("own_price", 0, 600_000, 1000, 150_000)),
        v.Kernel("pull", ("own_area", "own_price"), ("sales",)),
        v.plot("pull-chart", *SALES, *PULL),
        "pull-outcome",
        v.claim("solved-again", "moved-on", v.Row("", "solved", "updated", "allowed", labels="line_names")),
        missions=v.mission("mission-pull", ("slope", "<", 0)),
    ),
    v.Scene(
        "plane",
        (v.Number("turn", -60, 60, 1, 30, format=".0f"), *WEIGHTS),
        v.Kernel("plane", ("w1", "w2", "turn"), ("sales",)),
        (v.plot("plane-chart", None, None, *PLANE, turn="turn"), v.plot(*MAP, *RINGS)),
        "plane-outcome",
        v.claim("product", "sums", v.Row("", "products", "sums", "allowed", labels="compared")),
        v.code("onelayer.lab.lessons.linear_regression.model:predict_row_by_row"),
        missions=v.mission("mission-plane", ("typical", "<", 46_800)),
    ),
    v.Scene(
        "bowl",
        WEIGHTS,
        v.Kernel("bowl", ("w1", "w2"), ("sales",)),
        (
            v.plot("way", v.Axis("way-axis", 0, 2), v.Axis("rise", 0, "top"), v.Line("shares", "rises")),
            v.plot(*MAP, *RINGS, v.Line("way_w1", "way_w2"), v.Points("minimum.0", "minimum.1", size=5)),
        ),
        "bowl-outcome",
        (
            v.claim("rise-here", "quadratic", v.Row("", "rise_here", "expected", "allowed")),
            v.claim("eigenvalue", "rounding", v.Row("smallest", "curvature.0", "noise", at_least=True)),
        ),
        ask=v.Ask("sketch", seen=(1,)),
    ),
    v.Scene(
        "solve",
        (v.Clock("code_line", 3, rate=1), Free("w1", 0, 200, 1, 40), Free("w2", -3000, 1000, 20, 400)),
        v.Kernel("solving", ("w1", "w2", "code_line"), ("sales", "solved")),
        (
            v.plot(*MAP, *RINGS, JUMP),
            v.Matrix("system", "system", ("x1", "x2", "b"), ("x1", "x2", "b", "y"), format=",.3g"),
        ),
        "solve-outcome",
        (
            v.claim("library", "known", v.Row("", "found", "known", "known_allowed", labels="found_names")),
            v.claim("library", "equations", v.Row("", "fitted", "solved", "tolerance", labels="names")),
            v.claim("gradient", "zero", v.Row("", "slopes", 0, "slopes_allowed", labels="slope_names")),
        ),
        v.code(
            "onelayer.lab.lessons.linear_regression.model:normal_equations",
            v.Step("A = np", "{rows:d} × 3"),
            v.Step("gram, moments", "3 × 3, 3"),
            v.Step("solution = np", "{solution.0:.3f}, {solution.1:.2f}, {solution.2:.1f}"),
        ),
    ),
    v.Scene(
        "twice",
        (Free("w_feet", -200, 370, 1, 200), Free("together", 20, 160, 1, 150)),
        v.Kernel("valley", ("w_feet", "together"), ("sales", "twice")),
        v.plot("valley", v.Axis("w1", -200, 400), v.Axis("w3", -4000, 4000), *VALLEY),
        "twice-outcome",
        v.claim("change", "zero", v.Row("change", "change", 0, 1e-6)),
        ask=v.Ask("choice", "truth", ("same", "halves", "undetermined")),
        missions=v.mission("mission-twice", ("typical", "<", 46_700), ("w_feet", "<", 0)),
    ),
    v.Scene(
        "cost",
        (Free("features", value=1000, values=tuple(round(10 ** (2 + k / 8)) for k in range(33))),),
        v.Recorded("cost", ("features",)),
        v.plot("cost", v.Axis("features", 100, 1e6, log=True), v.Axis("s", 1e-5, 1e8, log=True), *COST),
        "cost-outcome",
        ask=v.Ask("number", "doubled", format=",d", close=0.01),
        missions=v.mission("mission-cost", ("solving_here", ">", 86_400)),
    ),
    v.Scene("when"),
)

"""The lesson on networks, declared: what can be moved, what is drawn, what is asked."""

from onelayer.lab import vocabulary as v

AREA = v.Number("area", 400, 3000, 50, 1500, slider=False, format=",.0f")
AGE = v.Number("age", 0, 130, 1, 30, slider=False, format=".0f")
SIZES = (v.Number("bands", 2, 14, 1, 6), v.Number("classes", 1, 10, 1, 4))
PICKED, TOUCHED = v.Number("picked", 0, 19, 1, 8), v.Number("touched", 1, 14, 1, 4)
CHANGE = v.Number("change", -0.5, 0.5, 0.05, 0.25, slider=False, format="+.2f")
IMAGES = ("pictured",)

NETWORK = (
    v.Segments("x0", "y0", "x1", "y1", width=0.6, opacity=0.7),
    v.Segments("x0", "y0", "x1", "y1", width=1, opacity=0.85, weight="thickness"),
    v.Points("input_x", "input_y", "grey", size=8),
    v.Points("unit_x", "unit_y", "ink", size=8),
)
IMAGE = (
    v.Segments(0.12, "input_y", "bar_x", "input_y", "ink", width=7),
    v.Text(0.1, "input_y", "features", format=".2f", anchor="end"),
    v.Text(0.64, "unit_y", "names", anchor="start"),
    v.Text(0.99, "unit_y", "outputs", format=".2f", anchor="end"),
)
NOW = v.Segments(0.3, "lit.0", 0.6, "lit.1", "red", width=2.5, arrow=True)
TRACK = v.Segments(0.3, "track.0", 0.3, "track.1", "green", width=3, opacity=0.5)
TURN = v.Handle(0.3, "change", "change", "green", origin=(0, "touched_y"), unit=(1, 0.3))
CHANGED = v.Segments(0.65, "unit_y", "changes_x", "unit_y", "purple", width=7)
CHANGES = v.Bars("numbers", "differences", label="measured")
PRODUCTS = v.Points("numbers", "products", "green", "predicted", shape="diamond")
OUTPUT = (v.Axis("output-axis", 0, 11, ticks=tuple(range(1, 11))), v.Axis("change-axis", "span.0", "span.1"))
FADERS = (
    v.Segments(0.08, "fader_low", 0.08, "fader_high", "green", width=4, opacity=0.4),
    v.Handle(0.08, "area", "area", "green", origin=(0, 0.57), unit=(1, 0.00012)),
    v.Handle(0.08, "age", "age", "green", origin=(0, 0.07), unit=(1, 0.0027)),
)
BIAS = v.Segments(0.85, 0.78, 0.85, 0.55, width=1, arrow=True, weight="bias_thickness")
RAISES, LOWERS = v.Bars("places", "raised", "starts"), v.Bars("places", "lowered", "starts", "orange")
NAMES = v.Text("name_x", "name_y", "names")
DOLLARS = v.Text("number_x", "number_y", "numbers", format=",.0f")
VALUES = v.Text("number_x", "number_y", "numbers", format=".2f")
TERMS = v.Axis("terms-axis", categories=("bias", "area-term", "age-term", "sum-term"))
OVER_VALUE = (v.Axis("value", -3, 3), v.Axis("output", -4, 10))
TWO = (v.Line("inputs", "one", "orange", "merged", dash=True), v.Line("inputs", "two", "blue", "two-layers"))
COUNTS = (("counted", "counted", ",d"), ("formula", "formula", ",d"))
WHO = (("layer", "layer_names", ""), ("sizes", "layer_shapes", ""), ("parameters", "layer_parameters", ",d"))
HERE = "onelayer.lab.lessons.networks.layers"

SCENES = (
    v.Scene(
        "house",
        (v.Clock("term", 2, 2, 1, 2), AREA, AGE),
        v.Kernel("house", ("area", "age", "term"), ("prices",)),
        (
            v.plot("house-network", None, None, *NETWORK, BIAS, NAMES, DOLLARS, *FADERS),
            v.plot("sum", TERMS, v.Axis("price-axis", -150, 400), RAISES, LOWERS),
        ),
        "house-outcome",
        v.claim("added", "library", v.Row("", "added", "library", 1e-6, format=",.2f", labels="house_names")),
        v.code(
            f"{HERE}:forward",
            v.Step("carried =", "{w_now:,.3f} × {x_now:,.0f} = {carried_now:,.0f}"),
            v.Step("total = total", "o₁ = {total_now:,.0f}"),
        ),
        missions=v.mission("mission-negative", ("total_now", "<", 0)),
    ),
    v.Scene(
        "image",
        (*SIZES, PICKED, v.Clock("pair", "lines", 2, 8, 1000)),
        v.Kernel("image", ("bands", "classes", "picked", "pair"), IMAGES),
        (
            v.plot("image-network", None, None, *NETWORK, *IMAGE, NOW),
            v.Images("image-seen", "images", captions="captions", columns=2),
        ),
        "image-outcome",
        v.claim("added", "library", v.Row("", "added", "predicted", 1e-9, labels="names")),
        v.code(
            f"{HERE}:forward",
            v.Step("carried =", "{w_now:.3f} × {x_now:.3f} = {carried_now:.3f}"),
            v.Step("total = total", "o = {total_now:.3f}"),
        ),
    ),
    v.Scene(
        "counting",
        SIZES,
        v.Kernel("counting", ("bands", "classes"), IMAGES),
        (v.plot("lines", None, None, *NETWORK), v.table("counts", ("", "count_names", ""), *COUNTS)),
        claims=v.claim("counted", "formula", v.Row("", "counted", "formula", labels="count_names")),
        code=v.code("onelayer.models:parameter_count"),
        ask=v.Ask("number", "whole", format=",d", close=0.0001, seen=(0,)),
        missions=v.mission("mission-45", ("parameters", "=", 45)),
    ),
    v.Scene(
        "layers",
        (v.Number("hidden", 0, 3, 1, 0),),
        v.Kernel("stacked", ("hidden",)),
        (
            v.plot("stack", None, None, *NETWORK),
            v.table("who-computes", *WHO),
        ),
        "layers-outcome",
        v.claim("counted", "expected", v.Row("", "found", "expected", format="d", labels="found_names")),
        v.code(f"{HERE}:layers"),
        v.Ask("number", "layers", format="d", close=0, seen=(0,)),
    ),
    v.Scene(
        "dense",
        (*SIZES, PICKED, TOUCHED, CHANGE),
        v.Kernel("dense", ("bands", "classes", "picked", "touched", "change"), IMAGES),
        (
            v.plot("dense-network", None, None, *NETWORK, *IMAGE, TRACK, TURN),
            v.plot("changes", *OUTPUT, CHANGES, PRODUCTS),
        ),
        "dense-outcome",
        v.claim("measured", "expected", v.Row("", "found", "expected", "allowed", labels="dense_names")),
        v.code((f"{HERE}:changes", f"{HERE}:jacobian")),
        v.Ask("number", "classes", format="d", close=0),
    ),
    v.Scene(
        "local",
        (v.Choice("kind", ("dense", "local"), "local"), TOUCHED, CHANGE),
        v.Kernel("local", ("kind", "touched", "change"), ("layer_patterns",)),
        (
            v.plot("local-network", None, None, *NETWORK, IMAGE[0], CHANGED, TRACK, TURN),
            v.Images("jacobians", "jacobians", "signed", "both_names", 2),
        ),
        "local-outcome",
        ask=v.Ask("number", "neighbours", format="d", close=0),
        missions=v.mission("mission-two", ("kind", "=", "local"), ("changed", "=", 2)),
    ),
    v.Scene(
        "merge",
        (
            v.Choice("between", ("nothing", "relu"), "nothing"),
            v.Number("value", -3, 3, 0.05, 2, slider=False),
        ),
        v.Kernel("bend", ("between", "value"), ("merging",)),
        (
            v.plot("curves", *OVER_VALUE, *TWO, v.Handle("value", "here", "value")),
            v.plot("small-network", None, None, *NETWORK, VALUES),
        ),
        "merge-outcome",
        v.claim("two-layers", "merged", v.Row("widest-gap", "farthest.0", "farthest.1", 1e-12, format=".6f")),
        v.code(f"{HERE}:merge"),
        v.Ask("choice", "verdict", ("one-does", "sometimes", "none-does")),
        v.mission("mission-agree", ("between", "=", "relu"), ("gap", "<", 1e-9)),
    ),
    v.Scene("name"),
)

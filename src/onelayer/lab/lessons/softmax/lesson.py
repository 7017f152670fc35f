"""The lesson on classification and softmax, declared: what can be moved, what is drawn, what is asked."""

from onelayer.lab import vocabulary as v

CLASSES = ("cat", "chicken", "dog")
NAMES = ("logit_cat", "logit_chicken", "logit_dog")
DRAGGED = tuple(v.Number(n, -5, 5, 0.1, at, slider=False) for n, at in zip(NAMES, (2, 1, -1), strict=True))
BY_CLASS = v.Axis("class", categories=CLASSES)
LOGITS = v.plot(
    "logit-bars",
    BY_CLASS,
    v.Axis("logit", -5.5, 5.5),
    v.Bars("places", "logits", width=0.5),
    v.Text("places", 5.1, "probabilities", format=".1%"),
    *(v.Handle(place, name, name) for place, name in enumerate(NAMES)),
)
SAID = (v.Text("places", 5.1, "said"), v.Text("places", 4.3, "divided"))
STAGED = v.plot("logit-bars", LOGITS.x, LOGITS.y, LOGITS.marks[0], *SAID, *LOGITS.marks[2:])
NUMBERED = v.Axis("number-axis", categories=("cat-0", "chicken-1", "dog-2"))
COUNT, SCORE = v.Axis("parameters", 0, 8500), v.Axis("accuracy", 0.78, 0.82, False, (0.78, 0.8, 0.82), ".0%")
NAMED = v.Text("count", "above", "names")
COSTS = v.plot("cost-chart", COUNT, SCORE, v.Points("count", "score", size=6), NAMED)
COST = v.Ask("number", "last", format=".1%", close=0.01)
PICK = v.Number("pick", value=0.5, slider=False)
OF_ONE = v.Segments(0.15, "input_y", 0.8, "lit_y", "blue", "weights-of-one", 3)
NODES, NAMED_NODES = v.Points("node_x", "node_y", "grey", size=9), v.Text("name_x", "node_y", "node_names")
CHOOSE, ALL = v.Handle(0.95, "pick", "pick"), v.Segments(0.15, "from_y", 0.8, "to_y")
NETWORK = v.plot("network", None, None, ALL, OF_ONE, NODES, NAMED_NODES, CHOOSE)
SHARES = v.Bars("places", "average", label="one-hot-average", width=0.5)
SHARE = v.Axis("component", -0.2, 1.05, ticks=(0, 0.25, 0.5, 0.75, 1))
BEAM, FULCRUM = v.Segments(-0.5, 0, 2.5, 0, "ink", width=2), v.Line("fulcrum_x", "fulcrum_y", "orange")
NUMBER, GRIP = v.Text("beside", -0.11, "mix", "orange", ".2f", "start"), v.Handle("mix", -0.11, "mix")
AVERAGE = v.plot("average-label", NUMBERED, SHARE, SHARES, BEAM, FULCRUM, NUMBER, GRIP)
LEAST = v.Row("least", "least", 0, at_least=True)
ONE_HOT = v.claim("one-hot", "expected", v.Row("ones", "ones", 1), v.Row("zeros", "zeros", 2))

SCENES = (
    v.Scene(
        "onehot",
        (v.Number("mix", 0, 2, 0.05, 0.4, slider=False),),
        v.Kernel("mixture", ("mix",)),
        AVERAGE,
        "mix-outcome",
        (ONE_HOT, v.claim("distance", "root", v.Row("", "distances", "root", 1e-12, labels="pairs"))),
        v.code("onelayer.functional:one_hot"),
        missions=v.mission("mission-chicken", ("says", "=", "chicken")),
    ),
    v.Scene(
        "architecture",
        (v.Number("inputs", 1, 8, 1, 4), v.Number("outputs", 2, 6, 1, 3), PICK),
        v.Kernel("network", ("inputs", "outputs", "pick")),
        NETWORK,
        "network-outcome",
        v.claim("in-model", "formula", v.Row("", "counted", "formula", format=",d", labels="rows")),
        v.code("onelayer.models:softmax_regression"),
        v.Ask("number", "four_to_three", format=",d", close=0),
        v.mission("mission-42", ("learned", "=", 42)),
    ),
    v.Scene(
        "softmax",
        (v.Clock("stage", 3, rate=1, value=3), *DRAGGED),
        v.Kernel("in_stages", (*NAMES, "stage")),
        (
            STAGED,
            v.plot(
                "made",
                v.Axis("class", categories=(*CLASSES, "sum")),
                v.Axis("made-axis", 0, "high"),
                v.Bars("bar_places", "bars", color="green", width=0.5),
                v.Text("bar_places", "above", "bars", format=",.3f"),
            ),
        ),
        "softmax-outcome",
        (
            v.claim("whole", "one", LEAST, v.Row("sum", "whole", 1, 1e-12)),
            v.claim("by-probability", "by-logit", v.Row("", "by_probability", "by_logit", labels="names")),
        ),
        v.code(
            "onelayer.lab.lessons.softmax.experiment:naive_softmax",
            v.Step("logits.exp", "{exponentials.0:,.3f}, {exponentials.1:,.3f}, {exponentials.2:,.3f}"),
            v.Step("exponentials.sum", "{total:,.3f}"),
            v.Step("return", "{probabilities.0:.3f}, {probabilities.1:.3f}, {probabilities.2:.3f}"),
        ),
        missions=v.mission("mission-negative", ("probabilities.2", ">", 0.9), ("largest", "<", 0)),
    ),
    v.Scene(
        "shift",
        (v.Number("shift", -1000, 1000, 1, 0, format=",d"), *DRAGGED),
        v.Kernel("shifted", (*NAMES, "shift")),
        (
            v.plot(
                "both-ways",
                BY_CLASS,
                v.Axis("probability", 0, 1.1),
                v.Bars("left", "library", 0, "green", "library", 0.36),
                v.Bars("right", "naive", 0, "orange", "naive", 0.36),
                v.Text("right", "above", "naive", "orange", ".3f"),
            ),
            LOGITS,
        ),
        "shift-outcome",
        (
            v.claim("shifted", "unshifted", v.Row("", "library", "probabilities", 1e-12, labels="names")),
            v.claim("thousand", "small", v.Row("", "thousand", "small", 1e-12, labels="names")),
        ),
        v.code(("onelayer.functional:softmax", "onelayer.functional:log_sum_exp")),
        v.Ask("choice", "gains", ("largest-gains", "smallest-gains", "none-gains")),
        v.mission("mission-vanish", ("fate", "=", "vanishes")),
    ),
    v.Scene(
        "minibatch",
        (v.Number("rows", 1, 8, 1, 5), v.Clock("row", "rows", 3, 2, 2)),
        v.Kernel("by_rows", ("rows", "row"), ("images",)),
        (
            v.Images("batch", "pixels", captions="captions", columns=4),
            v.table("by-picture", ("row", "numbers", ""), *((name, f"p_{name}", ".3f") for name in CLASSES)),
        ),
        "shapes",
        claims=v.claim("one-call", "row-by-row", v.Row("", "one_call", "row_alone", 1e-12, labels="names")),
        code=v.code(
            "onelayer.lab.lessons.softmax.experiment:row_by_row",
            v.Step("for x in X", "({x.0:.2f}, {x.1:.2f}, {x.2:.2f}, {x.3:.2f})"),
            v.Step("logits.append", "({o.0:.3f}, {o.1:.3f}, {o.2:.3f})"),
            v.Step("probabilities.append", "({y.0:.3f}, {y.1:.3f}, {y.2:.3f})"),
        ),
    ),
    v.Scene("end"),
    v.Scene(
        "phm",
        (v.Choice("layer", ("output", "hidden", "square"), "square"), v.Number("parts", 1, 16, 1, 4)),
        v.Recorded("phm_layer", ("layer", "parts")),
        (
            v.plot(
                "phm-chart",
                v.Axis("parts", 0.9, 18, log=True, ticks=(1, 2, 4, 8, 16)),
                v.Axis("weight-parameters", 0.5, 500, log=True),
                v.Line("n", "dense_over_n", "grey", "dense-over-n", dash=True),
                v.Points("n", "thousands", "blue", "counted", size=4, lit="lit"),
            ),
            v.Images("small-weight", "weight", "signed", "caption", 1),
        ),
        "phm-outcome",
        v.claim("in-model", "formula", v.Row("numbers", "here", "formula"), v.Row("blocks", "gap", 0, 1e-6)),
        v.code("onelayer.models:PHMLinear"),
        missions=v.mission("mission-fewest", ("layer", "=", "output"), ("here", "<", 1700)),
        folded=True,
    ),
    v.Scene("cost", (), v.Recorded("accuracy_by_parts"), COSTS, "cost-outcome", ask=COST, folded=True),
)

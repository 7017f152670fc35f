"""The lesson on vectorization, declared: what can be moved, what is drawn, what is asked."""

from onelayer.lab import vocabulary as v

PLACE, VALUE = v.Axis("place", 0.5, 8.5, ticks=tuple(range(1, 9))), v.Axis("value", -3, 3)
SECONDS = v.Axis("seconds", 1e-7, 10, log=True)
LENGTH = v.Axis("n", 1, 1e5, log=True)
BATCHES = (1, 3, 10, 30, 100, 300, 1_000, 2_930)
PARTS = ("whole", "read", "add", "write", "empty", "plain", "call")
LENGTHS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)

SCENES = (
    v.Scene(
        "ways",
        (v.Clock("turn", 8, 2, 3), v.Number("first", -1.5, 1.5, 0.1, 0.8, slider=False)),
        v.Kernel("adding", ("first", "turn"), ("vectors",)),
        v.plot(
            "both-ways",
            PLACE,
            VALUE,
            v.Points("places", "a", "blue", "a", size=4),
            v.Segments("places", "a", "places", "sums", "grey", "b", 2, opacity=0.6, arrow=True),
            v.Points("right", "by_call", "green", "by-call", shape="diamond"),
            v.Points("left", "by_loop", "orange", "by-loop", size=4, lit="lit"),
            v.Handle(1, "first", "first", "blue"),
        ),
        "ways-outcome",
        v.claim("loop", "call", v.Row("so-far", "loop_so_far", "call_so_far", 0, labels="places")),
        v.code(
            ("onelayer.vectorization:add_in_one_call", "onelayer.vectorization:add_in_a_loop"),
            v.Step("for i in range", "i = {i}"),
            v.Step("c[i] = a[i] + b[i]", "{a_here:.3f} + {b_here:.3f} = {c_here:.3f}"),
        ),
    ),
    v.Scene(
        "race",
        (v.Number("lap", 1, 20, 1, 20, slider=False),),
        v.Live("race"),
        v.plot(
            "laps",
            v.Axis("lap", 0, 21),
            SECONDS,
            v.Points("loop_numbers", "loop_laps", "orange", "loop", size=4),
            v.Points("call_numbers", "call_laps", "blue", "call", size=4),
            v.Line("", "loop_so_far", "orange", "loop-best", "lap"),
            v.Line("", "call_so_far", "blue", "call-best", "lap"),
            v.Handle("lap", "loop_so_far.lap", "lap"),
        ),
        "race-outcome",
        v.claim("loop", "call", v.Row("", "by_loop", "by_call", 0, format=",.8g", labels="compared")),
        v.code(("onelayer.timer:Timer", "onelayer.vectorization:laps")),
        v.Ask("number", "ratio", format=",.3g", close=0.6),
    ),
    v.Scene(
        "length",
        (v.Number("n", value=10, values=LENGTHS, slider=False),),
        v.Live("lengths", ("n",)),
        (
            v.plot(
                "ratio-chart",
                LENGTH,
                v.Axis("ratio", 1, 1e6, log=True),
                v.Line("ns", "ratios", "grey", "measured-once", dots=True),
                v.Handle("n", "ratio", "n", "red"),
            ),
            v.plot(
                "times-chart",
                LENGTH,
                SECONDS,
                v.Line("ns", "loop", "orange", "loop", dots=True),
                v.Line("ns", "call", "blue", "call", dots=True),
                v.Segments("n", "call_here", "n", "loop_here", "red", "measured-now", 2),
            ),
        ),
        "length-outcome",
        ask=v.Ask("sketch"),
        missions=(
            v.mission("mission-far", ("ratio", ">", 100), ("ratio", "<", 400)),
            v.mission("mission-near", ("ratio", "<", 10)),
        ),
    ),
    v.Scene(
        "why",
        (v.Clock("line", 4, rate=1.5),),
        v.Live("apart"),
        (
            v.plot(
                "turn-chart",
                v.Axis("line-axis", 0, 4, ticks=(0, 1, 2, 3, 4)),
                v.Axis("microseconds", 0, "top"),
                v.Line("", "clock", "orange", "time-so-far", upto="line", width=2.5, dots=True),
                v.Rule(y="whole", color="orange", label="whole-turn"),
            ),
            v.plot(
                "parts-chart",
                v.Axis("per-element", 1e-11, 1e-4, log=True),
                v.Axis("", categories=PARTS[::-1]),
                v.Points("parts", "places", "grey", size=5, lit="turn_and_call"),
                v.Text("parts", "above", "parts_shown"),
            ),
        ),
        "why-outcome",
        code=v.code(
            "onelayer.lab.lessons.vectorization.experiment:add_one",
            v.Step("first = a[i]", "{read_shown}"),
            v.Step("second = b[i]", "{read_shown}"),
            v.Step("total = first", "{add_shown}"),
            v.Step("c[i] = total", "{write_shown}"),
        ),
        ask=v.Ask("choice", "truth", ("counting", "arithmetic", "calls")),
    ),
    v.Scene(
        "model",
        (v.Number("houses", value=2930, values=BATCHES, slider=False),),
        v.Live("model", ("houses",)),
        v.plot(
            "model-chart",
            v.Axis("batch", 1, 3000, log=True),
            v.Axis("per-house", 1e-9, 1e-4, log=True),
            v.Line("sizes", "loop_each", "orange", "row-by-row", dots=True),
            v.Line("sizes", "call_each", "blue", "product", dots=True),
            v.Segments("houses", "call_here", "houses", "loop_here", "red", "measured-now", 2),
            v.Handle("houses", "loop_here", "houses", "red"),
        ),
        "model-outcome",
        v.claim("row-by-row", "product", v.Row("", "by_loop", "by_call", "allowed", labels="compared")),
        v.code("onelayer.lab.lessons.linear_regression.model:predict_row_by_row"),
        v.Ask("choice", "truth", ("little", "much")),
    ),
    v.Scene("rule"),
)

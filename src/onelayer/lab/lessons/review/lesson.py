"""The summary of the chapter and the self-test, declared: what is asked, and what can be tried after an answer."""

from math import log

from onelayer.lab import vocabulary as v


def ask(field: str, format: str = ".3g", close: float = 0.01) -> v.Ask:
    """Return a question for a number."""
    return v.Ask("number", field, (), format, close)


def choose(*options: str) -> v.Ask:
    """Return a question with options."""
    return v.Ask("choice", "truth", options)


def free(name: str, low: float, high: float, step: float, value: float) -> v.Number:
    """Return a number that a handle sets."""
    return v.Number(name, low, high, step, value, slider=False)


LOSS, SHARE = v.Axis("loss", 0, 12), v.Axis("probability", 0, 1, format=".0%")
THREE = v.Axis(categories=("first", "second", "third"))
SOLUTION = v.plot(
    "solution-chart",
    v.Axis("away", -1, 1),
    v.Axis("loss", 0, 20),
    v.Line("away", "across", "blue", "across"),
    v.Line("away", "along", "orange", "along", width=3),
)
BOWL = v.plot(
    "bowl-chart",
    v.Axis("w", -2, 2),
    LOSS,
    v.Line("places", "heights", "grey"),
    v.Line("path", "losses", "orange", "walk", dots=True, width=1),
    v.Handle("start", "loss", "start", "green"),
)
NOISE = v.plot(
    "noise-chart",
    v.Axis("variance", 0.5, 8),
    v.Axis("likelihood", -13, -7),
    v.Line("variances", "curve"),
    v.Rule(x="best", label="highest"),
    v.Handle("variance", "here", "variance"),
)
LAYER = v.plot(
    *("layer-chart", None, None),
    v.Segments(0.2, "from", 0.8, "to"),
    *(v.Points(0.2, "inputs", "blue", size=9), v.Points(0.8, "outputs", "orange", size=9)),
)
KEPT = v.plot(
    "kept-chart",
    v.Axis("step", 0, 200),
    v.Axis("loss", 1e-5, 1e2, log=True),
    *(v.Line("", "cleared", "blue", "cleared"), v.Line("", "kept", "orange", "kept")),
)
SHARES = (
    v.plot(
        "logits-chart",
        THREE,
        v.Axis("logit", -4, 4),
        *(v.Handle(i, name, name) for i, name in enumerate(("first", "second", "third"))),
    ),
    v.plot("shares-chart", THREE, SHARE, v.Bars("places", "p")),
)
SURPRISE = v.plot(
    "surprise-chart",
    v.Axis("probability", 0, 1, format=".0%"),
    v.Axis("nats", 0, 5),
    v.Line("chances", "curve"),
    v.Handle("chance", "here", "chance"),
)
SLOPES = v.plot("slope-chart", THREE, v.Axis("slope", -0.6, 0.6), v.Bars("places", "slopes"))
LARGER = v.plot(
    "larger-chart",
    v.Axis("epoch", 0, 3, ticks=(0, 1, 2, 3)),
    v.Axis("accuracy", 0, 1, format=".0%"),
    v.Line("", "small", "blue", "small", dots=True),
    v.Line("", "large", "orange", "large", dots=True),
)
BEST = v.plot(
    "best-chart",
    v.Axis("number", 0, 100),
    v.Axis("accuracy", 0.8, 0.88, format=".0%"),
    v.Points("numbers", "accuracies", "blue"),
    v.Points("number", "best", "red", "best", size=6, shape="diamond"),
    v.Rule(y="true_share", label="true-share"),
)
LOGITS = tuple(
    free(name, -4, 4, 0.1, value) for name, value in (("first", 0), ("second", 0), ("third", log(2)))
)
WALK = v.Number("lr", 0.01, 0.5, 0.01, 0.1, format=".2f"), free("start", -2, 2, 0.05, 1.5)
MISSIONS = (v.mission("mission-once", ("end", "<", 1e-9)), v.mission("mission-away", ("end", ">", 2)))
VARIANCE = (free("variance", 0.5, 8, 0.1, 1),)
TRIES = v.Choice("settings", (1, 10, 30, 100), 30)
RESULT = v.table("score-table", ("question", "score.questions", ""), ("result", "score.results", ""))

SCENES = (
    v.Scene("linear"),
    v.Scene("classes"),
    v.Scene("solution", (), v.Recorded("solution"), SOLUTION, ask=choose("none", "one", "many")),
    v.Scene("step", (), v.Recorded("step"), ask=ask("weight")),
    v.Scene(
        "bowl",
        WALK,
        v.Kernel("bowl", ("lr", "start")),
        BOWL,
        "walked",
        ask=ask("bound", close=0.02),
        missions=MISSIONS,
    ),
    v.Scene("noise", VARIANCE, v.Kernel("noise", ("variance",)), NOISE, "likely", ask=ask("best")),
    v.Scene("speed", (), v.Live("speed"), (), "timed", ask=choose("few", "tens", "thousands")),
    v.Scene("layer", (), v.Recorded("layer"), LAYER, ask=ask("parameters", ",d", 0)),
    v.Scene("forgotten", (), v.Recorded("forgotten"), KEPT, ask=choose("nothing", "swings", "stops")),
    v.Scene("half", (), v.Recorded("half"), ask=ask("lr")),
    v.Scene(
        "shares",
        LOGITS,
        v.Kernel("shares", ("first", "second", "third")),
        SHARES,
        "shared",
        ask=ask("asked"),
        missions=v.mission("mission-sure", ("p.0", ">", 0.95)),
    ),
    v.Scene(
        "surprise",
        (free("chance", 0.01, 1, 0.01, 0.25),),
        v.Kernel("surprise", ("chance",)),
        SURPRISE,
        "surprised",
        ask=ask("quarter", close=0.02),
    ),
    v.Scene("slope", (), v.Recorded("slope"), SLOPES, ask=ask("slopes.1")),
    v.Scene("passes", (), v.Recorded("passes"), ask=ask("batches", ",d", 0)),
    v.Scene("untrained", (), v.Recorded("untrained"), ask=ask("expected", ".3f", 0.03)),
    v.Scene("larger", (), v.Recorded("larger"), LARGER, ask=choose("lower", "same", "higher")),
    v.Scene(
        "best",
        (TRIES,),
        v.Recorded("best_of", ("settings",)),
        BEST,
        "found",
        ask=choose("below", "around", "above"),
    ),
    v.Scene("score", (), None, RESULT, missions=v.mission("mission-score", ("score.right", ">", 11))),
)

"""The lesson on the cross-entropy loss, declared: what can be moved, what is drawn, what is asked."""

from onelayer.lab import vocabulary as v
from onelayer.lab.lessons.softmax.lesson import BY_CLASS, CLASSES, DRAGGED, LOGITS, NAMES

HERE = "onelayer.lab.lessons.cross_entropy.experiment"
TRUTH = v.Choice("truth", CLASSES, "dog")
LOSS, PROBABILITY = v.Axis("loss", 0, 5), v.Axis("probability", 0, 1.05)
OF_TRUTH = v.Number("of_truth", 0.01, 0.99, 0.01, 0.3, slider=False)
CURVE = v.plot("curve", v.Axis("of_truth"), LOSS, v.Line("p", "minus_log"), v.Handle("of_truth", "loss"))
GUESSED = v.Number("classes", 2, 20, 1, 10, format=",d")
COUNT = (v.Axis("classes", 0, 21), v.Axis("loss", 0, 3.2))
GUESS = v.plot("guess", *COUNT, v.Points("counts", "losses"), v.Handle("classes", "loss"))
TEN = v.Ask("number", "ten", format=".3f", close=0.02)
PICTURES = {"of_1": 0.9, "of_2": 0.6, "of_3": 0.8, "of_4": 0.3, "of_5": 0.7}
GIVEN = tuple(v.Number(name, 0.01, 1, 0.01, p, slider=False) for name, p in PICTURES.items())
GRIPS = tuple(v.Handle(i, name) for i, name in enumerate(PICTURES, 1))
BY_PICTURE = v.Axis("picture", 0.4, 5.6, ticks=(1, 2, 3, 4, 5))
GIVEN_LOSS = v.Text("numbers", 1.13, "losses", "red", ".2f")
FULL, SLOPE = v.Axis("probability", 0, 1.2, ticks=(0, 0.5, 1)), v.Axis("slope", -1.2, 1.2)
IN_RED = v.Text("places", -5.2, "gradient", "red", "+.3f"), v.Text("places", -5.2, "words", "red")
WITH_SLOPES, WITH_WORDS = (v.plot("logit-bars", LOGITS.x, LOGITS.y, *LOGITS.marks, text) for text in IN_RED)
SLOPES = (
    v.Bars("places", "gradient", color="red", width=0.5),
    v.Text("places", "above", "gradient", format="+.3f"),
)
RISING = v.Line("", "rising", "green", upto="step", dots=True)
PAIRS = v.table("pairs", ("pair", "pairs", ""), ("second", "second", ".4f"), ("sampled", "sampled", ".4f"))

SCENES = (
    v.Scene(
        "loss",
        (TRUTH, OF_TRUTH),
        v.Kernel("surprise", ("truth", "of_truth")),
        (
            CURVE,
            v.table(
                "terms",
                ("class", "names", ""),
                ("y", "y", ".0f"),
                ("said", "said", ".3f"),
                ("log", "log", ".3f"),
                ("term", "terms", ".3f"),
            ),
        ),
        "loss-outcome",
        v.claim("whole-sum", "one-term", v.Row("loss", "whole", "loss", 1e-12), v.Row("left", "left", 1)),
        v.code("onelayer.functional:cross_entropy"),
        missions=(v.mission("mission-low", ("loss", "<", 0.1)), v.mission("mission-high", ("loss", ">", 4))),
    ),
    v.Scene("guess", (GUESSED,), v.Kernel("guess", ("classes",)), GUESS, "guess-outcome", ask=TEN),
    v.Scene(
        "likelihood",
        GIVEN,
        v.Kernel("likelihood", tuple(PICTURES)),
        (
            v.plot("given", BY_PICTURE, FULL, v.Bars("numbers", "probabilities"), GIVEN_LOSS, *GRIPS),
            v.plot("losses", BY_PICTURE, LOSS, v.Bars("numbers", "losses", color="red")),
        ),
        "likelihood-outcome",
        v.claim("minus-log", "total", v.Row("", "minus_log", "total", 1e-12)),
        missions=v.mission("mission-spoilt", ("product", "<", 0.02), ("second", ">", 0.9)),
    ),
    v.Scene(
        "derivative",
        (TRUTH, *DRAGGED),
        v.Kernel("slope", ("truth", *NAMES)),
        (WITH_SLOPES, v.plot("gradient", BY_CLASS, SLOPE, *SLOPES)),
        "derivative-outcome",
        (
            v.claim("formula", "differences", v.Row("", "gradient", "differences", 1e-6, labels="names")),
            v.claim("together", "zero", v.Row("together", "together", 0, 1e-12, format=".2g")),
        ),
        v.code(("onelayer.functional:cross_entropy_gradient", f"{HERE}:gradient_by_differences")),
        v.Ask("choice", "negative", ("only-the-truth", "only-the-others", "all-of-them")),
        v.mission("mission-learnt", ("size", "<", 0.05)),
    ),
    v.Scene(
        "descend",
        (TRUTH, v.Number("lr", 0.05, 3, 0.05, 0.3, format=".2f"), v.Clock("step", 40, 5, 8, 40), *DRAGGED),
        v.Kernel("descend", ("truth", "lr", *NAMES, "step")),
        (v.plot("rising", v.Axis("step", 0, 40), PROBABILITY, RISING), LOGITS),
        "descend-outcome",
        v.claim("by-hand", "library", v.Row("", "logits", "by_library", 1e-12, labels="names")),
        v.code(
            f"{HERE}:descent_step",
            v.Step("o.exp", "{exponentials.0:.3f}, {exponentials.1:.3f}, {exponentials.2:.3f}"),
            v.Step("e.sum", "{total:.3f}"),
            v.Step("e / total", "{before.0:.3f}, {before.1:.3f}, {before.2:.3f}"),
            v.Step("y_hat - y", "{gradient.0:.3f}, {gradient.1:.3f}, {gradient.2:.3f}"),
            v.Step("return", "{after.0:.3f}, {after.1:.3f}, {after.2:.3f}"),
        ),
        v.Ask("sketch"),
        v.mission("mission-fast", ("first_loss", ">", 3), ("step", "<", 11), ("loss", "<", 0.1)),
    ),
    v.Scene(
        "code",
        DRAGGED,
        v.Kernel("bits", NAMES),
        (
            WITH_WORDS,
            v.plot(
                "bits",
                v.Axis("observations", 0.8, 5.2, ticks=(1, 2, 3, 4, 5)),
                v.Axis("bits", 0, 2.1),
                v.Line("observations", "fixed", "grey", "fixed", dots=True),
                v.Line("observations", "shortest", "blue", "shortest", dots=True),
                v.Rule(y="entropy", color="red", label="entropy"),
            ),
        ),
        "code-outcome",
        v.claim("shortest", "entropy", v.Row("", "shortest", "entropy", at_least=True, labels="sizes")),
        v.code(f"{HERE}:shortest_code"),
        v.Ask("number", "three", format=".3f", close=0.02),
        v.mission("mission-no-waste", ("entropy", ">", 1.4), ("waste", "<", 0.001)),
    ),
    v.Scene("end"),
    v.Scene(
        "curvature",
        (v.Clock("draws", 4000, rate=400, value=100), *DRAGGED),
        v.Kernel("curvature", (*NAMES, "draws"), ("chances",)),
        (LOGITS, PAIRS),
        claims=(
            v.claim("second", "covariance", v.Row("", "second", "covariance", 1e-12, labels="pairs")),
            v.claim("second", "differences", v.Row("", "second", "differences", 1e-6, labels="pairs")),
        ),
        code=v.code("onelayer.functional:cross_entropy_hessian"),
        folded=True,
    ),
    v.Scene(
        "maximum",
        (v.Number("sharpness", 0.2, 10, 0.1, 1, slider=False), *DRAGGED),
        v.Kernel("softest", (*NAMES, "sharpness")),
        (
            v.plot(
                "maximum-chart",
                v.Axis("sharpness", 0, 10.2),
                v.Axis("logit", -6, 8),
                v.Area("lambdas", "lower", "upper", "grey", "bounds"),
                v.Line("lambdas", "softly", "blue", "soft-maximum"),
                v.Line("lambdas", "least", "orange", "soft-minimum"),
                v.Handle("sharpness", "soft"),
            ),
            LOGITS,
        ),
        "maximum-outcome",
        ask=v.Ask("choice", "limit", ("the-mean", "the-maximum", "the-sum")),
        folded=True,
    ),
)

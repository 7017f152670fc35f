"""The lesson on classification and softmax."""
# /// script
# [tool.marimo.display]
# theme = "system"
# ///

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    from onelayer.lab.panels import (
        AtLeast,
        Comparison,
        claim,
        code,
        footer,
        header,
        open_lesson,
        question,
        stack,
        table,
    )

    lesson = open_lesson("softmax")
    header(lesson)
    return AtLeast, Comparison, claim, code, footer, lesson, question, stack, table


@app.cell
def _(lesson):
    lesson.text("idea")
    return


@app.cell
def _(lesson):
    lesson.text("onehot")
    return


@app.cell
def _():
    import torch

    from onelayer import functional, models
    from onelayer.lab.controls import choice, run_button, slider
    from onelayer.lab.lessons.softmax import charts, experiment
    from onelayer.solvers import scratch

    labels = {name: i for i, name in enumerate(experiment.CLASSES)}
    return charts, choice, experiment, functional, labels, models, run_button, scratch, slider, torch


@app.cell
def _(charts, choice, labels, lesson):
    names = charts.class_names(lesson)
    animal = choice(lesson, "animal", labels, "chicken")
    animal
    return animal, names


@app.cell
def _(Comparison, animal, claim, code, functional, labels, lesson, names, stack, table, torch):
    _encoded = functional.one_hot(torch.tensor(list(labels.values())), len(labels))
    _y = _encoded[animal.value]
    stack(
        table(
            [lesson.label(name) for name in ("class", "number", "encoding")],
            [
                (name, f"{i + 1}", f"({', '.join(f'{value:.0f}' for value in row)})")
                for i, (name, row) in enumerate(zip(names, _encoded, strict=True))
            ],
            picked=animal.value,
        ),
        code(lesson, functional.one_hot),
        claim(
            lesson,
            "one-hot",
            lesson.label("encoded"),
            lesson.label("expected"),
            [
                Comparison(lesson.label("ones"), int((_y == 1).sum()), 1, 0),
                Comparison(lesson.label("zeros"), int((_y == 0).sum()), len(labels) - 1, 0),
            ],
        ),
        lesson.body("distance"),
        claim(
            lesson,
            "distance",
            lesson.label("encoded"),
            "√2",
            [
                Comparison(
                    lesson.label("pair").format(a=names[a], b=names[b]),
                    float((_encoded[a] - _encoded[b]).norm()),
                    2**0.5,
                    1e-6,
                )
                for a, b in ((0, 1), (0, 2), (1, 2))
            ],
        ),
    )
    return


@app.cell
def _(lesson):
    lesson.text("architecture")
    return


@app.cell
def _(lesson, slider, stack):
    inputs = slider(lesson, "inputs", start=1, stop=8, step=1, value=4)
    outputs = slider(lesson, "outputs", start=2, stop=6, step=1, value=3)
    stack(inputs, outputs)
    return inputs, outputs


@app.cell
def _(Comparison, charts, claim, code, inputs, lesson, models, outputs, stack):
    _d, _q = inputs.value, outputs.value
    _network = models.softmax_regression(_d, _q)
    stack(
        charts.network(_d, _q, lesson),
        claim(
            lesson,
            "parameters",
            lesson.label("in-model"),
            lesson.label("formula"),
            [
                Comparison(lesson.label("weights"), _network.weight.numel(), _d * _q, 0),
                Comparison(lesson.label("biases"), _network.bias.numel(), _q, 0),
                Comparison(lesson.label("together"), models.parameter_count(_network), _d * _q + _q, 0),
            ],
        ),
        code(lesson, models.softmax_regression),
    )
    return


@app.cell
def _(lesson):
    lesson.text("phm")
    return


@app.cell
def _(choice, experiment, lesson, slider, stack):
    layer = choice(lesson, "layer", experiment.LAYERS, "layer-square")
    parts = slider(lesson, "parts", start=1, stop=experiment.MOST_PARTS, step=1, value=4)
    stack(layer, parts)
    return layer, parts


@app.cell
def _(experiment, layer):
    counts = experiment.counted_parameters(*layer.value)
    return (counts,)


@app.cell
def _(Comparison, charts, claim, code, counts, experiment, layer, lesson, models, parts, stack):
    (_d, _q), _n = layer.value, parts.value
    _phm = models.phm(_d, _q, _n)
    _gap = (experiment.kronecker_sum(_phm) - _phm.weight).abs().max().item()
    _wide, _high = (experiment.next_multiple(size, _n) for size in (_d, _q))
    stack(
        charts.phm(counts, _n, lesson),
        lesson.body("phm-rounding"),
        claim(
            lesson,
            "phm",
            lesson.label("in-model"),
            lesson.label("formula"),
            [
                Comparison(
                    lesson.label("all-numbers"),
                    models.parameter_count(_phm) - _q,
                    experiment.phm_parameters(_d, _q, _n),
                    0,
                    ",d",
                ),
                Comparison(lesson.label("kronecker-gap"), _gap, 0, 1e-6, ".2g"),
                Comparison(
                    lesson.label("block-numbers").format(d=_wide, q=_high),
                    _phm.S.numel(),
                    _wide * _high // _n,
                    0,
                    ",d",
                ),
            ],
        ),
        code(lesson, models.PHMLinear),
    )
    return


@app.cell
def _(lesson):
    lesson.text("softmax")
    return


@app.cell
def _(lesson, slider, stack):
    cat, chicken, dog = (
        slider(lesson, f"logit-{name}", start=-5, stop=5, step=0.1, value=value)
        for name, value in (("cat", 2.0), ("chicken", 1.0), ("dog", -1.0))
    )
    stack(cat, chicken, dog)
    return cat, chicken, dog


@app.cell
def _(cat, charts, chicken, dog, functional, lesson, names, stack, table, torch):
    logits = torch.tensor([cat.value, chicken.value, dog.value], dtype=torch.float64)
    probabilities = functional.softmax(logits)
    _columns = (logits, logits.exp(), probabilities)
    stack(
        charts.probabilities(probabilities, lesson),
        table(
            ["", *names, lesson.label("sum")],
            [
                (
                    lesson.label(name),
                    *(f"{value:,.3f}" for value in values),
                    "" if name == "logit" else f"{values.sum():,.3f}",
                )
                for name, values in zip(("logit", "exponential", "probability"), _columns, strict=True)
            ],
        ),
    )
    return logits, probabilities


@app.cell
def _(AtLeast, Comparison, claim, code, experiment, functional, lesson, logits, names, probabilities, stack):
    _ranks = zip(names, experiment.ranks(logits), experiment.ranks(probabilities), strict=True)
    stack(
        claim(
            lesson,
            "probabilities",
            lesson.label("library"),
            lesson.label("expected"),
            [
                AtLeast(lesson.label("smallest"), probabilities.min().item(), 0, digits=".4g"),
                Comparison(lesson.label("one"), probabilities.sum().item(), 1, 1e-12),
            ],
        ),
        claim(
            lesson,
            "order",
            lesson.label("by-logit"),
            lesson.label("by-probability"),
            [Comparison(lesson.label("rank").format(name=name), a, b, 0) for name, a, b in _ranks],
        ),
        lesson.body("properties"),
        code(lesson, functional.softmax, functional.log_sum_exp),
    )
    return


@app.cell
def _(lesson):
    lesson.text("shift")
    return


@app.cell
def _(lesson, slider):
    shift = slider(lesson, "shift", start=-1000, stop=1000, step=10, value=0)
    shift
    return (shift,)


@app.cell
def _(
    Comparison, claim, code, experiment, functional, lesson, logits, names, probabilities, shift, stack, table
):
    _moved = logits + shift.value
    _values = {"as-it-stands": experiment.naive_softmax(_moved), "library": functional.softmax(_moved)}
    _none = lesson.label("not-a-number")
    stack(
        table(
            [f"softmax(o {'−' if shift.value < 0 else '+'} {abs(shift.value):g})", *names],
            [
                (lesson.label(name), *(_none if value.isnan() else f"{value:.6f}" for value in row))
                for name, row in _values.items()
            ],
        ),
        claim(
            lesson,
            "shift",
            lesson.label("shifted"),
            lesson.label("unshifted"),
            [
                Comparison(name, a.item(), b.item(), 1e-12)
                for name, a, b in zip(names, _values["library"], probabilities, strict=True)
            ],
        ),
        code(lesson, experiment.naive_softmax),
    )
    return


@app.cell
def _(Comparison, claim, experiment, functional, lesson, names, stack, torch):
    _small = torch.arange(3, dtype=torch.float64)
    _left, _right = functional.softmax(_small + 1000), experiment.naive_softmax(_small)
    stack(
        lesson.body("overflow"),
        claim(
            lesson,
            "overflow",
            lesson.label("thousand"),
            lesson.label("small"),
            [
                Comparison(name, a.item(), b.item(), 1e-12)
                for name, a, b in zip(names, _left, _right, strict=True)
            ],
        ),
    )
    return


@app.cell
def _(lesson):
    lesson.text("minibatch")
    return


@app.cell
def _(lesson, slider):
    rows = slider(lesson, "rows", start=1, stop=8, step=1, value=3)
    rows
    return (rows,)


@app.cell
def _(code, experiment, functional, lesson, names, rows, scratch, stack, table):
    X, weight, bias = experiment.minibatch(rows.value)
    batch_logits = scratch.affine(X, weight, bias)
    batch_probabilities = functional.softmax(batch_logits)
    _shapes = {
        "X": X,
        "W": weight.T,
        "b": bias[None],
        "O = XW + b": batch_logits,
        "Ŷ = softmax(O)": batch_probabilities,
    }
    stack(
        table(
            [lesson.label("matrix"), lesson.label("shape")],
            [(name, f"({', '.join(map(str, matrix.shape))})") for name, matrix in _shapes.items()],
        ),
        table(
            [lesson.label("example"), *(f"ŷ {name}" for name in names)],
            [(f"{i + 1}", *(f"{p:.3f}" for p in row)) for i, row in enumerate(batch_probabilities)],
        ),
        code(lesson, scratch.affine, experiment.row_by_row),
    )
    return X, batch_logits, batch_probabilities, bias, weight


@app.cell
def _(Comparison, X, batch_logits, batch_probabilities, bias, claim, experiment, lesson, weight):
    _logits, _probabilities = experiment.row_by_row(X, weight, bias)
    claim(
        lesson,
        "minibatch",
        lesson.label("one-call"),
        lesson.label("row-by-row"),
        [
            Comparison(lesson.label("first-logit"), batch_logits[0, 0].item(), _logits[0, 0].item(), 1e-12),
            Comparison(
                lesson.label("logit-gap"), (batch_logits - _logits).abs().max().item(), 0, 1e-12, ".2g"
            ),
            Comparison(
                lesson.label("probability-gap"),
                (batch_probabilities - _probabilities).abs().max().item(),
                0,
                1e-12,
                ".2g",
            ),
        ],
    )
    return


@app.cell
def _(lesson):
    lesson.text("loss")
    return


@app.cell
def _(choice, labels, lesson, slider, stack):
    truth = choice(lesson, "truth", labels, "cat")
    of_truth = slider(lesson, "true-probability", start=0.01, stop=0.99, step=0.01, value=0.3)
    stack(truth, of_truth)
    return of_truth, truth


@app.cell
def _(
    AtLeast,
    Comparison,
    charts,
    claim,
    experiment,
    functional,
    lesson,
    names,
    of_truth,
    stack,
    table,
    torch,
    truth,
):
    _said = experiment.prediction(of_truth.value, truth.value)
    _y = functional.one_hot(torch.tensor([truth.value]), len(names))[0].double()
    _terms = -_y * _said.log()
    _loss = experiment.loss_of(_said.log(), truth.value).item()
    stack(
        charts.loss(experiment.loss_curve(), of_truth.value, _loss, lesson),
        table(
            ["", *names, lesson.label("sum")],
            [
                ("y", *(f"{value:.0f}" for value in _y), f"{_y.sum():.0f}"),
                ("ŷ", *(f"{value:.3f}" for value in _said), f"{_said.sum():.3f}"),
                ("log ŷ", *(f"{value:.3f}" for value in _said.log()), ""),
                ("−y log ŷ", *(f"{abs(value):.3f}" for value in _terms), f"{_terms.sum():.3f}"),
            ],
        ),
        lesson.body("one-term"),
        claim(
            lesson,
            "loss",
            lesson.label("whole-sum"),
            "−log ŷ",
            [
                Comparison(
                    lesson.label("this-loss"), _terms.sum().item(), -_said[truth.value].log().item(), 1e-12
                ),
                Comparison(lesson.label("surviving"), int((_terms != 0).sum()), 1, 0),
            ],
        ),
        claim(
            lesson,
            "cross-entropy",
            lesson.label("cross-entropy"),
            lesson.label("expected"),
            [
                Comparison("−log ŷ", _loss, -_said[truth.value].log().item(), 1e-12),
                AtLeast(lesson.label("not-negative"), _loss, 0, digits=".4g"),
            ],
        ),
    )
    return


@app.cell
def _(Comparison, batch_logits, batch_probabilities, claim, code, experiment, functional, lesson, stack):
    _drawn = experiment.drawn_labels(batch_probabilities)
    _likelihood = batch_probabilities.gather(1, _drawn[:, None]).prod()
    stack(
        claim(
            lesson,
            "likelihood",
            lesson.label("product"),
            lesson.label("sum-of-losses"),
            [
                Comparison(
                    lesson.label("likelihood"),
                    -_likelihood.log().item(),
                    functional.cross_entropy(batch_logits, _drawn, reduction="sum").item(),
                    1e-12,
                )
            ],
        ),
        code(lesson, functional.cross_entropy),
    )
    return


@app.cell
def _(lesson):
    lesson.text("derivative")
    return


@app.cell
def _(cat, chicken, choice, dog, labels, lesson, stack):
    label = choice(lesson, "truth", labels, "dog")
    stack(cat, chicken, dog, label)
    return (label,)


@app.cell
def _(Comparison, charts, claim, code, experiment, functional, label, lesson, logits, names, stack, torch):
    _gradient = functional.cross_entropy_gradient(logits[None], torch.tensor([label.value]))[0]
    _differences = experiment.gradient_by_differences(logits, label.value)
    stack(
        charts.gradient(_gradient, lesson),
        lesson.body("derivative-check"),
        claim(
            lesson,
            "gradient",
            "softmax(o) − y",
            lesson.label("differences"),
            [
                Comparison(lesson.label("slope-of").format(name=name), a.item(), b.item(), 1e-6, ",.7f")
                for name, a, b in zip(names, _gradient, _differences, strict=True)
            ],
        ),
        code(lesson, functional.cross_entropy_gradient, experiment.gradient_by_differences),
    )
    return


@app.cell
def _(Comparison, claim, code, experiment, functional, label, lesson, logits, names, stack):
    hessian = functional.cross_entropy_hessian(logits)
    pairs = {
        (i, j): lesson.label("curvature-of").format(a=names[i], b=names[j])
        for i in range(3)
        for j in range(i, 3)
    }
    _differences = experiment.hessian_by_differences(logits, label.value)
    stack(
        lesson.body("hessian"),
        claim(
            lesson,
            "hessian",
            "diag(ŷ) − ŷŷᵀ",
            lesson.label("differences"),
            [
                Comparison(name, hessian[pair].item(), _differences[pair].item(), 1e-6, ",.7f")
                for pair, name in pairs.items()
            ],
        ),
        code(lesson, functional.cross_entropy_hessian, experiment.hessian_by_differences),
    )
    return hessian, pairs


@app.cell
def _(lesson, run_button):
    run_parts = run_button(lesson)
    run_variance = run_button(lesson)
    run_code = run_button(lesson)
    run_maximum = run_button(lesson)
    lesson.text("questions")
    return run_code, run_maximum, run_parts, run_variance


@app.cell
def _(charts, experiment, lesson, question, run_parts, stack):
    def _train():
        measured = experiment.accuracy_by_parts()
        first, *_, last = measured.to_pylist()
        return stack(
            charts.phm_accuracy(measured, lesson),
            lesson.body(
                "parts-result",
                n=f"{last['n']}",
                share=f"{last['parameters'] / first['parameters']:.0%}",
                dense=f"{first['accuracy']:.1%}",
                sparse=f"{last['accuracy']:.1%}",
            ),
        )

    question(lesson, "parts", run_parts, _train)
    return


@app.cell
def _(
    Comparison,
    claim,
    code,
    experiment,
    hessian,
    lesson,
    pairs,
    probabilities,
    question,
    run_variance,
    stack,
    table,
):
    def _sample():
        exact = experiment.covariance(probabilities)
        drawn = experiment.sampled_covariance(probabilities, 100_000)
        return stack(
            table(
                ["", lesson.label("second-derivative"), lesson.label("sampled")],
                [(name, f"{hessian[pair]:.4f}", f"{drawn[pair]:.4f}") for pair, name in pairs.items()],
            ),
            claim(
                lesson,
                "variance",
                lesson.label("second-derivative"),
                lesson.label("covariance"),
                [
                    Comparison(name, hessian[pair].item(), exact[pair].item(), 1e-12)
                    for pair, name in pairs.items()
                ],
            ),
            code(lesson, experiment.covariance, experiment.sampled_covariance),
        )

    question(lesson, "variance", run_variance, _sample)
    return


@app.cell
def _(charts, code, experiment, lesson, question, run_code, stack):
    def _encode():
        bits = experiment.bits_per_observation()
        return stack(charts.code(bits, lesson), code(lesson, experiment.shortest_code))

    question(lesson, "code", run_code, _encode)
    return


@app.cell
def _(charts, experiment, lesson, logits, question, run_maximum):
    question(
        lesson,
        "maximum",
        run_maximum,
        lambda: charts.soft_maximum(experiment.soft_maximum_curve(logits), lesson),
    )
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("end"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

"""Lesson 7: linear regression, concisely."""
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

    lesson = open_lesson("concise")
    header(lesson)
    return AtLeast, Comparison, claim, code, footer, lesson, question, stack, table


@app.cell
def _(lesson):
    lesson.text("idea")
    return


@app.cell
def _(lesson):
    lesson.text("data")
    return


@app.cell
def _():
    import numpy as np
    from torch import nn

    from onelayer.lab.controls import pick, run_button, slider
    from onelayer.lab.lessons.concise import charts, experiment
    from onelayer.lab.lessons.from_scratch import experiment as scratch_experiment
    from onelayer.solvers import concise

    rows = scratch_experiment.data()
    names = ("w₁", "w₂", "b")
    return (
        charts,
        concise,
        experiment,
        names,
        nn,
        np,
        pick,
        rows,
        run_button,
        scratch_experiment,
        slider,
    )


@app.cell
def _(code, experiment, lesson, rows, stack, table):
    _X, _y = next(iter(experiment.load_array(rows, 10, seed=0, epoch=1)))
    stack(
        code(lesson, experiment.load_array),
        lesson.body("first-batch"),
        table(
            ["x₁", "x₂", "y"],
            [
                tuple(f"{number:.4f}" for number in (*x, label))
                for x, label in zip(_X.tolist(), _y[:, 0].tolist(), strict=True)
            ],
        ),
    )
    return


@app.cell
def _(Comparison, claim, experiment, lesson, np, rows):
    _ours, _theirs = experiment.epoch_both_ways(rows, batch_size=10)
    claim(
        lesson,
        "batches",
        "DataLoader",
        "data_iter",
        [
            Comparison(lesson.label("first-label"), _theirs[0, -1], _ours[0, -1], 0),
            Comparison(lesson.label("last-label"), _theirs[-1, -1], _ours[-1, -1], 0),
            Comparison(lesson.label("batch-gap"), np.abs(_theirs - _ours).max(), 0, 0, ".2g"),
        ],
    )
    return


@app.cell
def _(code, experiment, lesson, stack):
    net = experiment.build_net(2)
    stack(
        lesson.text("model"),
        code(lesson, experiment.build_net),
        lesson.body(
            "printed",
            layer=str(net[0]),
            weight=str(tuple(net[0].weight.shape)),
            bias=str(tuple(net[0].bias.shape)),
        ),
    )
    return


@app.cell
def _(Comparison, claim, experiment, lesson, names, rows, stack):
    _found = experiment.batch_gradients(rows, 10)
    stack(
        lesson.text("loss"),
        claim(
            lesson,
            "double",
            lesson.label("gradient-mse"),
            lesson.label("twice-formula"),
            [
                Comparison(f"∂/∂{name}", mse, 2 * half, 1e-12)
                for name, mse, half in zip(names, _found["mse"], _found["formula"], strict=True)
            ],
        ),
    )
    return


@app.cell
def _(code, concise, experiment, lesson, stack):
    stack(
        lesson.text("loop"),
        code(lesson, experiment.train),
        lesson.body("library"),
        code(lesson, concise.HalfSquaredLoss, concise.train_epoch),
    )
    return


@app.cell
def _(experiment, lesson, pick, slider, stack):
    lr = slider(lesson, "lr", start=0.01, stop=0.5, step=0.01, value=0.03)
    batch_size = pick(lesson, "batch-size", experiment.BATCH_SIZES, 10)
    stack(lesson.text("same"), lr, batch_size)
    return batch_size, lr


@app.cell
def _(batch_size, charts, experiment, lesson, lr, nn, rows, scratch_experiment, stack):
    from_scratch = scratch_experiment.train(
        rows,
        scratch_experiment.initial_parameters(2),
        lr.value,
        batch_size.value,
        scratch_experiment.EPOCHS,
    )
    half_rate = experiment.train(rows, nn.MSELoss(), lr.value / 2, batch_size.value)
    _paths = {
        "from-scratch": from_scratch,
        "same-rate": experiment.train(rows, nn.MSELoss(), lr.value, batch_size.value),
        "half-rate": half_rate,
    }
    stack(charts.runs(rows, _paths, lesson))
    return from_scratch, half_rate


@app.cell
def _(Comparison, claim, experiment, from_scratch, half_rate, lesson, names):
    claim(
        lesson,
        "same",
        lesson.label("from-scratch"),
        lesson.label("half-rate"),
        [
            *(
                Comparison(lesson.label("end").format(name=name), ours, theirs, 1e-12, ".10f")
                for name, ours, theirs in zip(names, from_scratch[-1], half_rate[-1], strict=True)
            ),
            Comparison(
                lesson.label("largest-gap"), experiment.largest_gap(from_scratch, half_rate), 0, 1e-12, ".2g"
            ),
        ],
    )
    return


@app.cell
def _(lesson, run_button):
    run_mean = run_button(lesson)
    run_gradient = run_button(lesson)
    run_offer = run_button(lesson)
    run_outliers = run_button(lesson)
    lesson.text("questions")
    return run_gradient, run_mean, run_offer, run_outliers


@app.cell
def _(Comparison, batch_size, charts, claim, experiment, lesson, lr, names, question, rows, run_mean, stack):
    def _mean():
        size, rate = batch_size.value, lr.value / batch_size.value
        paths = experiment.reductions(rows, rate, size)
        total, scaled = paths["sum"], paths["scaled-mean"]
        return stack(
            lesson.body("mean-settings", size=f"{size}", rate=f"{rate:g}", product=f"{rate * size:g}"),
            charts.runs(rows, paths, lesson),
            claim(
                lesson,
                "mean",
                lesson.label("sum"),
                lesson.label("scaled-mean"),
                [
                    *(
                        Comparison(lesson.label("end").format(name=name), ours, theirs, 1e-12, ".10f")
                        for name, ours, theirs in zip(names, total[-1], scaled[-1], strict=True)
                    ),
                    Comparison(
                        lesson.label("largest-gap"), experiment.largest_gap(total, scaled), 0, 1e-12, ".2g"
                    ),
                ],
            ),
        )

    question(lesson, "mean", run_mean, _mean)
    return


@app.cell
def _(Comparison, claim, code, experiment, lesson, names, question, rows, run_gradient, stack, table):
    def _gradient():
        states = experiment.gradient_states(rows, 10)
        found = experiment.batch_gradients(rows, 10)
        return stack(
            table(
                ["", "net[0].weight.grad"],
                [
                    (lesson.label(name), "None" if grad is None else ", ".join(f"{g:.4f}" for g in grad))
                    for name, grad in states.items()
                ],
            ),
            claim(
                lesson,
                "grad",
                lesson.label("gradient-half"),
                lesson.label("formula"),
                [
                    Comparison(f"∂L/∂{name}", left, right, 1e-12)
                    for name, left, right in zip(names, found["half"], found["formula"], strict=True)
                ],
            ),
            claim(
                lesson,
                "accumulated",
                lesson.label("two-calls"),
                lesson.label("twice-one"),
                [
                    Comparison(f"∂/∂{name}", left, 2 * right, 1e-12)
                    for name, left, right in zip(names, found["twice"], found["mse"], strict=True)
                ],
            ),
            code(lesson, experiment.gradient_of, experiment.batch_gradients),
        )

    question(lesson, "gradient", run_gradient, _gradient)
    return


@app.cell
def _(experiment, lesson, question, run_offer):
    question(
        lesson,
        "offer",
        run_offer,
        lambda: lesson.body(
            "offered",
            losses=", ".join(f"`{name}`" for name in experiment.offered_losses()),
            initialisers=", ".join(f"`{name}`" for name in experiment.offered_initialisers()),
        ),
    )
    return


@app.cell
def _(lesson, slider, stack):
    delta = slider(lesson, "delta", start=0.1, stop=5, step=0.1, value=1)
    stack(lesson.text("huber"), delta)
    return (delta,)


@app.cell
def _(Comparison, charts, claim, delta, experiment, lesson, np, stack):
    _points = experiment.huber_both_ways(delta.value)
    stack(
        charts.losses(experiment.loss_shapes(delta.value), lesson),
        claim(
            lesson,
            "huber",
            "nn.HuberLoss",
            "onelayer.functional.huber_loss",
            [
                Comparison(f"{lesson.label('huber-at')} {residual:g}", theirs, ours, 1e-12)
                for residual, theirs, ours in zip(_points.residual, _points.theirs, _points.ours, strict=True)
            ]
            + [
                Comparison(
                    lesson.label("slope-gap"),
                    np.abs(_points.their_slope - _points.our_slope).max(),
                    0,
                    1e-12,
                    ".2g",
                )
            ],
        ),
    )
    return


@app.cell
def _(AtLeast, claim, code, experiment, lesson, names, question, rows, run_outliers, stack, table):
    def _outliers():
        found = [experiment.compare_robustness(rows, share) for share in (0.0, 0.05, 0.2)]
        return stack(
            table(
                [lesson.label("share"), lesson.label("loss-used"), *names],
                [
                    (f"{trial.share:.0%}", name, *(f"{number:.3f}" for number in learned))
                    for trial in found
                    for name, learned in (("MSELoss", trial.squared), ("HuberLoss", trial.huber))
                ],
            ),
            claim(
                lesson,
                "outliers",
                lesson.label("distance-squared"),
                lesson.label("distance-huber"),
                [
                    AtLeast(f"{lesson.label('share')} {trial.share:.0%}", *trial.distances, digits=".3f")
                    for trial in found[1:]
                ],
            ),
            code(lesson, experiment.compare_robustness),
        )

    question(lesson, "outliers", run_outliers, _outliers)
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("next"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

"""Lesson 2: minibatch stochastic gradient descent."""
# /// script
# [tool.marimo.display]
# theme = "system"
# ///

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    from onelayer.lab.panels import (
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

    lesson = open_lesson("sgd")
    header(lesson)
    return Comparison, claim, code, footer, lesson, question, stack, table


@app.cell
def _(lesson):
    lesson.text("idea")
    return


@app.cell
def _():
    import numpy as np

    from onelayer import LinearRegression, models, sgd_runs
    from onelayer.data import Rows
    from onelayer.lab.controls import choice, pick, run_button, slider
    from onelayer.lab.lessons.sgd import charts, experiment
    from onelayer.solvers import scratch
    from onelayer.solvers.stability import largest_stable_lr

    X, y = experiment.standardised()
    minimum = experiment.minimum(X, y)
    return (
        LinearRegression,
        Rows,
        X,
        charts,
        choice,
        experiment,
        largest_stable_lr,
        minimum,
        models,
        np,
        pick,
        run_button,
        scratch,
        sgd_runs,
        slider,
        y,
    )


@app.cell
def _(code, experiment, lesson, scratch, stack):
    stack(lesson.text("update"), code(lesson, scratch.sgd), code(lesson, experiment.descend))
    return


@app.cell
def _(lesson):
    lesson.text("path")
    return


@app.cell
def _(X, choice, lesson, slider, stack):
    lr = slider(lesson, "lr", start=0.01, stop=2, step=0.01, value=0.2)
    _sizes = {
        "batch-1": 1,
        "batch-4": 4,
        "batch-16": 16,
        "batch-64": 64,
        "batch-256": 256,
        "batch-all": len(X),
    }
    batch_size = choice(lesson, "batch-size", _sizes, value="batch-16")
    steps = slider(lesson, "steps", start=1, stop=200, step=1, value=60)
    start_w1 = slider(lesson, "start-w1", start=-1.2, stop=2.4, step=0.1, value=-1.0)
    start_w2 = slider(lesson, "start-w2", start=-1.8, stop=1.0, step=0.1, value=0.6)
    draw = slider(lesson, "draw", start=0, stop=20, step=1, value=0)
    stack(lr, batch_size, steps, start_w1, start_w2, draw)
    return batch_size, draw, lr, start_w1, start_w2, steps


@app.cell
def _(X, experiment, y):
    contours = experiment.contours(X, y)
    return (contours,)


@app.cell
def _(
    X,
    batch_size,
    charts,
    contours,
    draw,
    experiment,
    lesson,
    lr,
    minimum,
    np,
    stack,
    start_w1,
    start_w2,
    steps,
    table,
    y,
):
    start = np.array([start_w1.value, start_w2.value, 0.0])
    _path = experiment.descend(X, y, start, np.full(steps.value, lr.value), batch_size.value, draw.value)
    _rises = experiment.rise(X, y, _path)
    stack(
        charts.walk(contours, _path, minimum, lesson),
        lesson.body("path-table"),
        charts.descent(_rises, experiment.predicted_rise(X, y, start, lr.value, steps.value), lesson),
        table(
            [lesson.label(name) for name in ("rows-read", "at-start", "at-end", "bound-row")],
            [
                (
                    f"{experiment.rows_read(len(X), batch_size.value, len(_path) - 1):,}",
                    f"{_rises[0]:.3g}",
                    f"{_rises[-1]:.3g}" if len(_path) > steps.value else lesson.label("lost"),
                    f"{experiment.stability_bound(X):.4f}",
                )
            ],
        ),
    )
    return (start,)


@app.cell
def _(X, experiment, lesson, np):
    _first, _second, _third = (f"{value:.4f}" for value in np.linalg.eigvalsh(experiment.hessian(X)))
    lesson.text(
        "bound",
        first=_first,
        second=_second,
        third=_third,
        bound=f"{experiment.stability_bound(X):.4f}",
    )
    return


@app.cell
def _(X, experiment, np, start, steps, y):
    rises = experiment.rise_by_rate(X, y, start, steps.value, np.linspace(0.04, 2, 50))
    return (rises,)


@app.cell
def _(X, charts, code, experiment, lesson, lr, rises, stack, steps):
    stack(
        lesson.body("bound-chart", steps=f"{steps.value}"),
        charts.by_rate(rises, experiment.stability_bound(X), lr.value, lesson),
        code(lesson, experiment.predicted_rise, experiment.stability_bound),
    )
    return


@app.cell
def _(Comparison, X, claim, experiment, lesson, lr, stack, start, steps, y):
    _path = experiment.descend_on_all(X, y, start, lr.value, steps.value)
    _walked = experiment.measured_rise(X, y, _path[-1])
    _predicted = float(experiment.predicted_rise(X, y, start, lr.value, len(_path) - 1)[-1])
    stack(
        lesson.body("contraction"),
        claim(
            lesson,
            "contraction",
            lesson.label("walked"),
            lesson.label("predicted-claim"),
            [Comparison(lesson.label("rise-left"), _walked, _predicted, 1e-14 + 1e-9 * _predicted)],
        ),
    )
    return


@app.cell
def _(Comparison, claim, code, experiment, lesson, stack):
    _rows = []
    for _name, (_X, _y) in experiment.scalings().items():
        _bound = experiment.stability_bound(_X)
        _found = experiment.largest_converging_lr(_X, _y)
        _rows.append(Comparison(lesson.label(_name), _found, _bound, 1e-6 * _bound, ".8g"))
    stack(
        lesson.body("bisection"),
        claim(lesson, "bound", lesson.label("searched"), lesson.label("from-hessian"), _rows),
        code(lesson, experiment.converges, experiment.largest_converging_lr),
    )
    return


@app.cell
def _(Comparison, Rows, X, claim, code, experiment, largest_stable_lr, lesson, models, stack, y):

    _rows = Rows(X, y, "regression")
    _bound = experiment.stability_bound(X)
    _estimate = largest_stable_lr(models.linear_regression(X.shape[1]).double(), _rows)
    stack(
        lesson.body("library-bound"),
        claim(
            lesson,
            "power-method",
            lesson.label("power-method"),
            lesson.label("from-hessian"),
            [Comparison(lesson.label("standardised"), _estimate, _bound, 1e-3 * _bound)],
        ),
        code(lesson, largest_stable_lr),
    )
    return


@app.cell
def _(lesson):
    lesson.text("limit")
    return


@app.cell
def _(Comparison, LinearRegression, X, claim, code, experiment, lesson, np, stack, start, y):
    _exact = LinearRegression().fit(*experiment.load())
    _analytic = np.append(_exact.coef_, _exact.intercept_)
    _errors = np.append(_exact.std_err_, _exact.intercept_std_err_)
    _names = [lesson.label(name) for name in ("w1-dollars", "w2-dollars", "bias-dollars")]
    _all = experiment.descend_on_all(X, y, start, 1.0, 300)[-1]
    _lrs = experiment.decreasing_lrs(0.5, half_after=5, steps=3000)
    _batches = experiment.descend(X, y, start, _lrs, batch_size=64)[-1]

    def _compared(parameters, tolerances):
        reached = experiment.in_dollars(parameters)
        return [
            Comparison(*item, ",.2f") for item in zip(_names, reached, _analytic, tolerances, strict=True)
        ]

    stack(
        lesson.body("limit-all"),
        claim(
            lesson,
            "limit-all",
            lesson.label("gradient-descent"),
            lesson.label("analytic"),
            _compared(_all, 1e-9 * np.abs(_analytic)),
        ),
        lesson.body("limit-batches"),
        claim(
            lesson,
            "limit-batches",
            lesson.label("sgd"),
            lesson.label("analytic"),
            _compared(_batches, _errors / 10),
        ),
        code(lesson, experiment.decreasing_lrs),
    )
    return


@app.cell
def _(lesson, pick, run_button):
    run_noise = run_button(lesson)
    run_rates = run_button(lesson)
    run_standardise = run_button(lesson)
    run_tune = run_button(lesson)
    split = pick(lesson, "split-seed", range(10), value=0)
    return run_noise, run_rates, run_standardise, run_tune, split


@app.cell
def _(X, charts, experiment, lesson, question, run_noise, stack, y):
    def _around_the_minimum():
        above = experiment.restlessness(X, y, lrs=(0.4, 0.2, 0.1, 0.05, 0.025), batch_sizes=(8, 64, 512))
        ratio = above["rise"][2].as_py() / above["rise"][0].as_py()
        return stack(charts.restlessness(above, lesson), lesson.body("noise", ratio=f"{ratio:.0%}"))

    question(lesson, "noise", run_noise, _around_the_minimum)
    return


@app.cell
def _(charts, experiment, lesson, np, question, run_rates):
    def _many_rates():
        shares = experiment.shares_by_rate(10.0 ** np.arange(-8, 1.01, 0.25), steps=100)
        bounds = {name: experiment.stability_bound(rows[0]) for name, rows in experiment.scalings().items()}
        return charts.rates(shares, bounds, lesson)

    question(lesson, "rates", run_rates, _many_rates)
    return


@app.cell
def _(charts, experiment, lesson, question, run_standardise, stack, table):
    def _both_scalings():
        found = experiment.compare_scalings(steps=1000)
        rows = {
            "smallest": [f"{one.smallest:.4g}" for one in found],
            "largest": [f"{one.largest:.4g}" for one in found],
            "condition": [f"{one.condition:,.4g}" for one in found],
            "best-lr": [f"{one.best_lr:.4g}" for one in found],
            "factor": [f"{one.factor:.10f}" for one in found],
            "thousandth": [f"{one.steps_for_a_thousandth:,}" for one in found],
            "measured-share": [f"{one.share[-1]:.2g}" for one in found],
        }
        return stack(
            charts.scalings(found, lesson),
            table(
                ["", *(lesson.label(one.name) for one in found)],
                [(lesson.label(name), *values) for name, values in rows.items()],
            ),
        )

    question(lesson, "standardise", run_standardise, _both_scalings)
    return


@app.cell
def _(code, lesson, sgd_runs, split, stack):
    stack(lesson.text("tune"), code(lesson, sgd_runs.descend), lesson.body("split"), split)
    return


@app.cell
def _(charts, experiment, lesson, question, run_tune, split, stack):
    def _trials():
        found = experiment.tune(split.value)
        return stack(
            charts.tuned(found, lesson),
            lesson.body(
                "tuned",
                lr=f"{found.best['lr']:.2g}",
                batch_size=f"{found.best['batch_size']}",
                loss=f"{found.best['valid_loss']:.4f}",
                exact=f"{found.exact:.4f}",
                diverged=f"{found.trials['valid_loss'].null_count}",
            ),
        )

    question(lesson, "tune", run_tune, _trials)
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("when"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

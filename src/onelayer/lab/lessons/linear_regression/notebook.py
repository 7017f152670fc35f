"""Lesson 1: the elements of linear regression and the analytic solution."""
# /// script
# [tool.marimo.display]
# theme = "system"
# ///

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    from onelayer.lab.numbers import in_formula
    from onelayer.lab.panels import (
        AtLeast,
        Comparison,
        claim,
        code,
        farthest_apart,
        footer,
        header,
        open_lesson,
        question,
        stack,
        table,
    )

    lesson = open_lesson("linear-regression")
    header(lesson)
    return (
        AtLeast,
        Comparison,
        claim,
        code,
        farthest_apart,
        footer,
        in_formula,
        lesson,
        question,
        stack,
        table,
    )


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

    from onelayer import LinearRegression, functional
    from onelayer.lab.controls import run_button, slider
    from onelayer.lab.lessons.linear_regression import charts, experiment

    X, y = experiment.load()
    return LinearRegression, X, charts, experiment, functional, np, run_button, slider, y


@app.cell
def _(lesson, slider):
    row = slider(lesson, "row", start=1, stop=2930, step=1, value=3)
    row
    return (row,)


@app.cell
def _(X, in_formula, lesson, row, stack, table, y):
    _first = min(max(row.value - 3, 0), len(X) - 5)
    _rows = [
        (f"{i + 1:,}", f"{X[i, 0]:,.0f}", f"{X[i, 1]:,.0f}", f"{y[i]:,.0f}")
        for i in range(_first, _first + 5)
    ]
    stack(
        table(
            [lesson.label(name) for name in ("number", "area", "age", "price")], _rows, row.value - 1 - _first
        ),
        lesson.body(
            "example",
            i=f"{row.value:,}",
            area=in_formula(X[row.value - 1, 0]),
            age=in_formula(X[row.value - 1, 1]),
            price=in_formula(y[row.value - 1]),
        ),
    )
    return


@app.cell
def _(lesson):
    lesson.text("model")
    return


@app.cell
def _(experiment, lesson, slider, stack):
    area_weight = slider(lesson, "area-weight", *experiment.AREA_WEIGHTS, step=1, value=40)
    age_weight = slider(lesson, "age-weight", *experiment.AGE_WEIGHTS, step=20, value=0)
    bias = slider(lesson, "bias", start=0, stop=200_000, step=1000, value=100_000)
    turn = slider(lesson, "turn", start=-60, stop=60, step=5, value=30)
    stack(area_weight, age_weight, bias, turn)
    return age_weight, area_weight, bias, turn


@app.cell
def _(X, age_weight, area_weight, bias, charts, experiment, lesson, np, stack, table, turn, y):
    weight = np.array([area_weight.value, age_weight.value])
    _loss = experiment.mean_loss(X, y, weight, bias.value)
    _least = experiment.mean_loss(X, y, *experiment.normal_equations(X, y))
    stack(
        charts.plane(experiment.scene(X, y, weight, bias.value, turn.value), lesson),
        table(
            ["", lesson.label("here"), lesson.label("minimum")],
            [
                (lesson.label("mean-loss"), f"{_loss / 1e9:.3f}", f"{_least / 1e9:.3f}"),
                (lesson.label("typical"), f"{np.sqrt(2 * _loss):,.0f}", f"{np.sqrt(2 * _least):,.0f}"),
            ],
        ),
    )
    return (weight,)


@app.cell
def _(code, experiment, lesson, stack):
    stack(lesson.text("matrix"), code(lesson, experiment.predict, experiment.predict_row_by_row))
    return


@app.cell
def _(Comparison, X, bias, claim, experiment, farthest_apart, lesson, weight):
    _matrix, _rows = (
        predict(X, weight, bias.value) for predict in (experiment.predict, experiment.predict_row_by_row)
    )
    claim(
        lesson,
        "matrix",
        lesson.label("one-call"),
        lesson.label("row-by-row"),
        [
            Comparison(lesson.label("farthest"), *farthest_apart(_matrix, _rows), 1e-6, ",.2f"),
            Comparison(lesson.label("all-rows"), _matrix.sum(), _rows.sum(), 1e-3, ",.2f"),
        ],
    )
    return


@app.cell
def _(code, functional, lesson, stack):
    stack(lesson.text("loss"), code(lesson, functional.squared_loss, functional.squared_loss_gradient))
    return


@app.cell
def _(X, charts, experiment, lesson, stack, weight, y):
    minimum, minimum_bias = experiment.normal_equations(X, y)
    stack(
        charts.surface(experiment.loss_surface(X, y), weight, minimum, lesson),
        charts.way(experiment.loss_on_the_way(X, y, weight, minimum), lesson),
    )
    return minimum, minimum_bias


@app.cell
def _(AtLeast, Comparison, X, bias, claim, experiment, lesson, minimum, minimum_bias, np, stack, weight, y):
    _rise = experiment.mean_loss(X, y, weight, bias.value) - experiment.mean_loss(X, y, minimum, minimum_bias)
    _step = np.append(weight - minimum, bias.value - minimum_bias)
    _expected = experiment.quadratic_rise(X, _step)
    _eigenvalues = np.linalg.eigvalsh(experiment.hessian(X))
    _first, _second, _third = (f"{value:.3g}" for value in _eigenvalues)
    _rounding = len(_eigenvalues) * np.finfo(float).eps * _eigenvalues[-1]
    stack(
        lesson.body("convex", first=_first, second=_second, third=_third),
        claim(
            lesson,
            "convex",
            lesson.label("rise"),
            lesson.label("quadratic"),
            [Comparison(lesson.label("above-minimum"), _rise, _expected, 1e-9 * abs(_expected), ",.6g")],
        ),
        claim(
            lesson,
            "one-minimum",
            lesson.label("eigenvalue"),
            lesson.label("rounding"),
            [AtLeast(lesson.label("smallest"), _eigenvalues[0], _rounding, digits=".3g")],
        ),
    )
    return


@app.cell
def _(LinearRegression, code, experiment, lesson, stack):
    stack(
        lesson.text("solution"), code(lesson, experiment.normal_equations), code(lesson, LinearRegression.fit)
    )
    return


@app.cell
def _(Comparison, LinearRegression, X, claim, lesson, y):
    model = LinearRegression().fit(X, y)
    claim(
        lesson,
        "solution",
        "LinearRegression",
        lesson.label("known"),
        [
            Comparison(lesson.label("area-weight-axis"), model.coef_[0], 95.915, 0.0005, ",.3f"),
            Comparison(lesson.label("age-weight-axis"), model.coef_[1], -1085.82, 0.005, ",.2f"),
            Comparison(lesson.label("bias"), model.intercept_, 76_513.9, 0.05, ",.1f"),
            Comparison("R²", model.r2_, 0.6591, 0.00005, ".4f"),
        ],
    )
    return (model,)


@app.cell
def _(Comparison, X, claim, experiment, lesson, minimum, minimum_bias, model, np, stack, y):
    _names = [lesson.label(name) for name in ("area-weight-axis", "age-weight-axis", "bias")]
    _slopes = [lesson.label(name) for name in ("by-area-weight", "by-age-weight", "by-bias")]
    _ours, _theirs = np.append(model.coef_, model.intercept_), np.append(minimum, minimum_bias)
    _gradient = experiment.gradient(X, y, model.coef_, model.intercept_)
    _at_zero = np.abs(experiment.gradient(X, y, np.zeros(2), 0.0))
    stack(
        claim(
            lesson,
            "normal-equations",
            "LinearRegression",
            lesson.label("normal-equations"),
            [
                Comparison(name, a, b, 1e-9 * abs(b), ",.9g")
                for name, a, b in zip(_names, _ours, _theirs, strict=True)
            ],
        ),
        lesson.body("gradient"),
        claim(
            lesson,
            "gradient",
            lesson.label("gradient"),
            "0",
            [
                Comparison(name, slope, 0.0, 1e-9 * scale, ".2g")
                for name, slope, scale in zip(_slopes, _gradient, _at_zero, strict=True)
            ],
        ),
    )
    return


@app.cell
def _(lesson, run_button):
    run_singular = run_button(lesson)
    run_cost = run_button(lesson)
    lesson.text("limits")
    return run_cost, run_singular


@app.cell
def _(X, experiment, lesson, question, run_singular, stack, table, y):
    def _square_metres():
        found = experiment.with_square_metres(X, y)
        naive = ["–"] * 3 if found.naive is None else [f"{value:,.4f}" for value in found.naive]
        names = [lesson.label(name) for name in ("area-weight-axis", "age-weight-axis", "metres-weight")]
        return stack(
            table(
                ["", lesson.label("normal-equations"), "LinearRegression"],
                [(n, a, f"{b:,.4f}") for n, a, b in zip(names, naive, found.weight, strict=True)],
            ),
            lesson.body(
                "singular",
                condition=f"{found.condition:.1e}",
                warning=found.warning,
                change=f"{found.largest_change:.1e}",
            ),
        )

    question(lesson, "singular", run_singular, _square_metres)
    return


@app.cell
def _(charts, experiment, lesson, question, run_cost, stack, table):
    def _seconds():
        times = experiment.cost_by_features()
        sizes = times["features"].unique().to_pylist()
        grown = experiment.last_growth(times)
        return stack(
            charts.cost(times, lesson),
            table(
                ["", lesson.label("growth").format(*sizes[-2:]), lesson.label("growth-expected")],
                [
                    (lesson.label(part), f"× {grown[part]:.1f}", f"× {2**power}")
                    for part, power in (("gram", 2), ("solve", 3))
                ],
            ),
        )

    question(lesson, "cost", run_cost, _seconds)
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("when"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

"""Lesson 6: linear regression from scratch."""
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

    lesson = open_lesson("from-scratch")
    header(lesson)
    return Comparison, claim, code, footer, lesson, question, stack, table


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

    from onelayer import data, functional
    from onelayer.lab.controls import run_button, slider
    from onelayer.lab.lessons.from_scratch import charts, experiment
    from onelayer.solvers import batches, scratch
    from onelayer.solvers.stability import largest_stable_lr

    return batches, charts, data, experiment, functional, largest_stable_lr, np, run_button, scratch, slider


@app.cell
def _(lesson, slider, stack):
    sigma = slider(lesson, "sigma", start=0, stop=1, step=0.01, value=0.01)
    seed = slider(lesson, "seed", start=0, stop=20, step=1, value=0)
    stack(sigma, seed)
    return seed, sigma


@app.cell
def _(charts, code, data, experiment, lesson, seed, sigma, stack):
    rows = experiment.data(sigma.value, seed.value)
    stack(charts.data(experiment.points(rows), lesson), code(lesson, data.synthetic))
    return (rows,)


@app.cell
def _(batches, code, experiment, lesson, stack):
    stack(lesson.text("batches"), code(lesson, experiment.data_iter, batches.epoch_order))
    return


@app.cell
def _(experiment, lesson, rows, seed, stack, table):
    _X, _y = next(experiment.data_iter(rows, experiment.BATCH_SIZE, seed.value, epoch=1))
    stack(
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
def _(Comparison, claim, experiment, lesson, rows, seed):
    _sizes, _different = experiment.visits(rows, experiment.BATCH_SIZE, seed.value)
    claim(
        lesson,
        "visits",
        lesson.label("epoch"),
        lesson.label("dataset"),
        [
            Comparison(lesson.label("rows-seen"), _sizes.sum(), len(rows), 0, ",.0f"),
            Comparison(lesson.label("rows-different"), _different, len(rows), 0, ",.0f"),
        ],
    )
    return


@app.cell
def _(code, experiment, lesson, scratch, stack):
    stack(
        lesson.text("start"),
        code(lesson, experiment.initial_parameters),
        lesson.text("model"),
        code(lesson, scratch.affine),
    )
    return


@app.cell
def _(code, functional, lesson, scratch, stack):
    stack(
        lesson.text("loss"),
        code(lesson, functional.squared_loss, functional.squared_loss_gradient),
        lesson.text("step"),
        code(lesson, scratch.sgd),
    )
    return


@app.cell
def _(Comparison, claim, experiment, lesson, rows, seed, stack):
    _start = experiment.initial_parameters(rows.X.shape[1], seed=seed.value)
    _autograd, _formula = experiment.both_gradients(rows, experiment.BATCH_SIZE, _start, seed.value)
    stack(
        lesson.body("autograd"),
        claim(
            lesson,
            "gradient",
            lesson.label("autograd"),
            lesson.label("formula"),
            [
                Comparison(f"∂L/∂{name}", left, right, 1e-12)
                for name, left, right in zip(("w₁", "w₂", "b"), _autograd, _formula, strict=True)
            ],
        ),
    )
    return


@app.cell
def _(code, experiment, lesson, stack):
    stack(lesson.text("loop"), code(lesson, experiment.train))
    return


@app.cell
def _(experiment, lesson, slider, stack):
    lr = slider(lesson, "lr", start=0.01, stop=1, step=0.01, value=experiment.LR)
    batch_size = slider(lesson, "batch-size", start=5, stop=200, step=5, value=experiment.BATCH_SIZE)
    epochs = slider(lesson, "epochs", start=1, stop=5, step=1, value=experiment.EPOCHS)
    stack(lr, batch_size, epochs)
    return batch_size, epochs, lr


@app.cell
def _(batch_size, charts, epochs, experiment, lesson, lr, rows, seed, sigma, stack, table):
    _start = experiment.initial_parameters(2, seed=seed.value)
    _path = experiment.train(rows, _start, lr.value, batch_size.value, epochs.value, seed.value)
    _columns = (experiment.TRUE, _path[-1], experiment.exact(rows))
    stack(
        charts.loss(experiment.loss_by_step(rows, _path), sigma.value, lesson),
        charts.errors(experiment.errors_by_step(_path), lesson),
        table(
            ["", lesson.label("true"), lesson.label("learned"), lesson.label("least-squares")],
            [
                (name, f"{true:.1f}", *(f"{number:.5f}" for number in numbers))
                for name, true, *numbers in zip(("w₁", "w₂", "b"), *_columns, strict=True)
            ],
        ),
        lesson.body("look"),
    )
    return


@app.cell
def _(Comparison, claim, experiment, lesson, seed, stack):
    _rows = experiment.data(seed=seed.value)
    _path = experiment.train(
        _rows,
        experiment.initial_parameters(2, seed=seed.value),
        experiment.LR,
        experiment.BATCH_SIZE,
        experiment.EPOCHS,
        seed.value,
    )
    stack(
        lesson.text("recovered"),
        claim(
            lesson,
            "recovered",
            lesson.label("learned"),
            lesson.label("true"),
            [
                Comparison(name, learned, true, 2e-3, ".5f")
                for name, learned, true in zip(("w₁", "w₂", "b"), _path[-1], experiment.TRUE, strict=True)
            ],
        ),
    )
    return


@app.cell
def _(code, lesson, scratch, stack):
    stack(lesson.text("ways"), code(lesson, scratch.train_epoch))
    return


@app.cell
def _(Comparison, claim, experiment, lesson, np, seed):
    _rows = experiment.data(seed=seed.value)
    _found = {
        way: np.append(*experiment.fitted(_rows, way, seed.value)) for way in ("scratch", "fused", "concise")
    }
    claim(
        lesson,
        "ways",
        "scratch",
        lesson.label("other-way"),
        [
            Comparison(f"{name} ({way})", ours, other, 1e-12, ".12f")
            for way in ("fused", "concise")
            for name, ours, other in zip(
                ("w₁", "w₂", "b", lesson.label("last-loss")), _found["scratch"], _found[way], strict=True
            )
        ],
    )
    return


@app.cell
def _(lesson, run_button):
    run_rates = run_button(lesson)
    run_zero = run_button(lesson)
    run_remainder = run_button(lesson)
    run_reshape = run_button(lesson)
    run_voltage = run_button(lesson)
    run_planck = run_button(lesson)
    run_second = run_button(lesson)
    lesson.text("questions")
    return run_planck, run_rates, run_remainder, run_reshape, run_second, run_voltage, run_zero


@app.cell
def _(charts, experiment, lesson, question, run_rates, stack, table):
    def _rates():
        section_rows = experiment.data()
        trials = experiment.try_rates(section_rows)
        return stack(
            charts.rates(trials, lesson),
            table(
                [lesson.label("rate"), lesson.label("end-loss"), lesson.label("lost-at")],
                [
                    (
                        f"{trial.lr:g}",
                        f"{trial.losses[-1]:.3g}".replace("nan", "NaN"),
                        f"{trial.lost_at or '–'}",
                    )
                    for trial in trials
                ],
            ),
            lesson.body(
                "diverged",
                lr=f"{experiment.RATES[-1]:g}",
                message=experiment.divergence_message(section_rows, experiment.RATES[-1]),
            ),
        )

    question(lesson, "rates", run_rates, _rates)
    return


@app.cell
def _(experiment, lesson, question, run_zero, table):
    def _starts():
        return table(
            [lesson.label(name) for name in ("network", "initial", "end-loss", "moved")],
            [
                (
                    lesson.label("with-hidden" if start.hidden else "one-layer"),
                    "0" if start.zero else "N(0, 0.01²)",
                    f"{start.loss:.3g}",
                    f"{start.moved} / {start.weights}",
                )
                for start in experiment.compare_starts(experiment.data())
            ],
        )

    question(lesson, "zero", run_zero, _starts)
    return


@app.cell
def _(Comparison, claim, experiment, lesson, question, run_remainder, stack, table):
    def _remainder():
        section_rows = experiment.data()
        tried = {size: experiment.visits(section_rows, size) for size in (10, 64, 300, 2000)}
        return stack(
            table(
                [lesson.label(name) for name in ("size", "batches", "last-batch", "rows-different")],
                [
                    (f"{size:,}", f"{len(rows_of)}", f"{rows_of[-1]:,.0f}", f"{different:,}")
                    for size, (rows_of, different) in tried.items()
                ],
            ),
            claim(
                lesson,
                "remainder",
                lesson.label("batches"),
                lesson.label("expected-batches"),
                [
                    Comparison(f"|B| = {size:,}", len(rows_of), -(-len(section_rows) // size), 0, ".0f")
                    for size, (rows_of, _) in tried.items()
                ],
            ),
        )

    question(lesson, "remainder", run_remainder, _remainder)
    return


@app.cell
def _(experiment, lesson, question, run_reshape, stack, table):
    def _reshape():
        section_rows = experiment.data()
        shape, message = experiment.mismatched_shapes(section_rows)
        wrong = experiment.broadcast_mistake(section_rows)
        return stack(
            table(
                ["", *("w₁", "w₂", "b")],
                [
                    (lesson.label(name), *(f"{number:.3f}" for number in numbers))
                    for name, numbers in (("true", experiment.TRUE), ("broadcast", wrong))
                ],
            ),
            lesson.body(
                "shapes",
                shape=str(shape),
                mean=f"{section_rows.y.mean():.3f}",
                message=message,
            ),
        )

    question(lesson, "reshape", run_reshape, _reshape)
    return


@app.cell
def _(Comparison, charts, claim, experiment, lesson, question, run_voltage, stack):
    def _voltage():
        measured = experiment.measure_resistor()
        learned = experiment.learn_resistance(measured)
        return stack(
            charts.resistor(measured.X[:, 0].numpy(), measured.y[:, 0].numpy(), learned, lesson),
            claim(
                lesson,
                "voltage",
                lesson.label("learned"),
                lesson.label("true"),
                [
                    Comparison(lesson.label("resistance"), learned[0], experiment.RESISTANCE, 0.03, ".3f"),
                    Comparison(lesson.label("offset"), learned[1], 0, 0.03, ".3f"),
                ],
            ),
        )

    question(lesson, "voltage", run_voltage, _voltage)
    return


@app.cell
def _(Comparison, charts, claim, code, experiment, lesson, question, run_planck, stack):
    def _planck():
        found = experiment.learn_temperature()
        return stack(
            charts.spectrum(found, lesson),
            claim(
                lesson,
                "planck",
                lesson.label("found"),
                lesson.label("true"),
                [
                    Comparison(
                        lesson.label("temperature"),
                        1e3 * found.temperatures[-1],
                        1e3 * experiment.TEMPERATURE,
                        20,
                        ",.0f",
                    )
                ],
            ),
            code(lesson, experiment.spectral_energy_density, experiment.learn_temperature),
        )

    question(lesson, "planck", run_planck, _planck)
    return


@app.cell
def _(Comparison, claim, code, experiment, largest_stable_lr, lesson, np, question, run_second, stack, table):
    def _second():
        section_rows = experiment.data()
        A = np.column_stack([section_rows.X.numpy(), np.ones(len(section_rows))])
        vector = np.array([1.0, -1.0, 2.0])
        matrix, product = experiment.second_derivatives(section_rows, vector)
        return stack(
            claim(
                lesson,
                "hessian",
                lesson.label("autograd"),
                lesson.label("formula"),
                [
                    Comparison(lesson.label(name), left, right, 1e-12)
                    for name, left, right in (
                        ("matrix-corner", matrix[0, 0], (A.T @ A / len(A))[0, 0]),
                        ("matrix-trace", np.trace(matrix), (A**2).mean(axis=0).sum()),
                        ("product-sum", product.sum(), (A.T @ (A @ vector) / len(A)).sum()),
                    )
                ],
            ),
            table(
                [lesson.label(name) for name in ("network", "parameters", "gradient-size", "hessian-size")],
                [
                    (
                        lesson.label(size["network"]),
                        f"{size['parameters']:,}",
                        *(experiment.size_shown(size[name]) for name in ("gradient", "hessian")),
                    )
                    for size in experiment.hessian_sizes().to_pylist()
                ],
            ),
            code(lesson, largest_stable_lr),
        )

    question(lesson, "second", run_second, _second)
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("next"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

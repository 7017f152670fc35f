"""Lesson 10: softmax regression on all of Fashion-MNIST, beside an MLP, a PHM layer and the exact minimum."""
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
        roomy,
        stack,
        table,
    )

    lesson = open_lesson("softmax-regression")
    header(lesson)
    return AtLeast, Comparison, claim, code, footer, lesson, question, roomy, stack, table


@app.cell
def _(lesson):
    lesson.text("idea")
    return


@app.cell
def _(lesson):
    lesson.text("model")
    return


@app.cell
def _():
    from contextlib import nullcontext, suppress

    import numpy as np

    from onelayer import models
    from onelayer.lab.controls import OutdatedError, choice, pad, pick, progress, run_button
    from onelayer.lab.images import diverging, gallery, grey
    from onelayer.lab.lessons.fashion_mnist.experiment import CLASSES
    from onelayer.lab.lessons.softmax_regression import charts, experiment
    from onelayer.lab.lessons.softmax_regression.experiment import Setting
    from onelayer.solvers import concise, sgd

    book = Setting("softmax", lr=0.1, batch_size=256, epochs=10)
    return (
        CLASSES,
        OutdatedError,
        Setting,
        book,
        charts,
        choice,
        concise,
        diverging,
        experiment,
        gallery,
        grey,
        models,
        np,
        nullcontext,
        pad,
        pick,
        progress,
        run_button,
        sgd,
        suppress,
    )


@app.cell
def _(code, concise, lesson, sgd, stack):
    stack(code(lesson, sgd.train_epoch), lesson.text("concise"), code(lesson, concise.train_epoch))
    return


@app.cell
def _(CLASSES, lesson):
    names = [lesson.label(name) for name in CLASSES]
    lesson.text("train")
    return (names,)


@app.cell
def _(choice, lesson, pick, stack):
    kind = choice(lesson, "model", {name: name for name in ("softmax", "mlp", "phm")}, "softmax")
    n = pick(lesson, "n", [1, 2, 4, 5, 8, 10, 14, 20], 2)
    lr = pick(lesson, "lr", [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1, 3, 10], 0.1)
    batch_size = pick(lesson, "batch-size", [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192], 256)
    epochs = pick(lesson, "epochs", list(range(1, 31)), 5)
    latest = []  # the outcome that the page shows, until there is a newer one
    stack(kind, lr, batch_size, epochs, n)
    return batch_size, epochs, kind, latest, lr, n


@app.cell
def _(
    OutdatedError,
    Setting,
    batch_size,
    epochs,
    experiment,
    kind,
    latest,
    lesson,
    lr,
    n,
    nullcontext,
    progress,
    suppress,
):
    _setting = Setting(kind.value, lr.value, batch_size.value, epochs.value, n.value)
    _controls = (kind, lr, batch_size, epochs, n) if latest else ()
    _bar = progress(lesson, "training", epochs.value, _controls)
    with _bar if _setting.is_slow else nullcontext(lambda: None) as _step, suppress(OutdatedError):
        latest[:] = [experiment.train(_setting, _step)]
    trained = latest[0]
    return (trained,)


@app.cell
def _(charts, experiment, lesson, models, roomy, stack, trained):
    if trained.diverged:
        _outcome = lesson.body(
            "diverged", lr=f"{trained.setting.lr:g}", largest=f"{trained.diverged.largest_stable_lr:.2g}"
        )
    else:
        _outcome = lesson.body(
            "outcome",
            model=lesson.label(trained.setting.model),
            parameters=f"{models.parameter_count(trained.model):,}",
            epochs=f"{trained.setting.epochs}",
            seconds=f"{trained.seconds:.2f}",
            accuracy=f"{trained.history.epochs[-1].held_out_accuracy:.1%}",
        )
    stack(
        roomy(_outcome, 3), *charts.curves(experiment.curve(trained.history), trained.setting.epochs, lesson)
    )
    return


@app.cell
def _(lesson):
    lesson.text("accuracy")
    return


@app.cell
def _(Comparison, book, claim, experiment, lesson):
    by_the_book = experiment.train(book)
    claim(
        lesson,
        "accuracy",
        lesson.label("measured"),
        lesson.label("expected"),
        [
            Comparison(
                lesson.label("book-setting"),
                by_the_book.history.epochs[-1].held_out_accuracy,
                0.83,
                0.02,
                ".4f",
            )
        ],
    )
    return (by_the_book,)


@app.cell
def _(lesson):
    lesson.text("templates")
    return


@app.cell
def _(diverging, experiment, gallery, lesson, names, np, trained):
    _weights = experiment.templates(trained.model)
    _units = [lesson.label("unit").format(i=i + 1) for i in range(len(_weights))]
    _strong = np.quantile(np.abs(_weights), 0.995)  # the few strongest pixels would leave the others pale
    gallery(
        [diverging(weight, _strong) for weight in _weights],
        _units if trained.setting.model == "mlp" else names,
    )
    return


@app.cell
def _(lesson):
    lesson.text("confusion")
    return


@app.cell
def _(charts, experiment, lesson, stack, trained):
    judged = experiment.judge(trained.model)
    stack(charts.confusion(judged.counts, lesson))
    return (judged,)


@app.cell
def _(lesson):
    lesson.text("mistakes")
    return


@app.cell
def _(experiment, gallery, grey, judged, lesson, names):
    _rows = experiment.test_rows()
    gallery(
        [grey(_rows.X[i].reshape(28, 28)) for i in judged.worst],
        [
            lesson.label("wrong").format(
                true=names[_rows.y[i]],
                predicted=names[judged.predicted[i]],
                probability=f"{judged.probability[i]:.1%}",
            )
            for i in judged.worst
        ],
    )
    return


@app.cell
def _(lesson):
    lesson.text("draw")
    return


@app.cell
def _(experiment, lesson, pad):
    drawing = pad(lesson, experiment.test_rows().X[0].tolist())
    drawing
    return (drawing,)


@app.cell
def _(charts, drawing, experiment, gallery, grey, lesson, np, stack, trained):
    _seen = experiment.fitted(np.array(drawing.value["pixels"], np.uint8).reshape(28, 28))
    stack(
        gallery([grey(_seen)], [lesson.label("seen")], width=110),
        charts.probabilities(experiment.classify(trained.model, _seen), lesson),
    )
    return


@app.cell
def _(lesson, run_button):
    run_lr, run_batch, run_epochs = run_button(lesson), run_button(lesson), run_button(lesson)
    run_mlp, run_phm, run_exact = run_button(lesson), run_button(lesson), run_button(lesson)
    return run_batch, run_epochs, run_exact, run_lr, run_mlp, run_phm


@app.cell
def _(Setting, charts, experiment, lesson, progress, question, run_lr):
    _rates = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)

    def _sweep():
        with progress(lesson, "training", len(_rates)) as step:
            results = experiment.sweep([Setting("softmax", rate, 256, 5) for rate in _rates], step)
        return charts.swept(results, "lr", lesson, bound=experiment.largest_lr())

    question(lesson, "lr", run_lr, _sweep, largest=f"{experiment.largest_lr():.2g}")
    return


@app.cell
def _(Setting, charts, experiment, lesson, progress, question, run_batch, stack):
    _sizes = (32, 128, 512, 2048, 8192)

    def _sweep():
        with progress(lesson, "training", len(_sizes)) as step:
            results = experiment.sweep([Setting("softmax", 0.1, size, 5) for size in _sizes], step)
        return stack(
            charts.swept(results, "batch_size", lesson),
            charts.swept(results, "batch_size", lesson, "seconds"),
        )

    question(lesson, "batch", run_batch, _sweep)
    return


@app.cell
def _(Setting, charts, experiment, lesson, progress, question, run_epochs, stack):
    def _long():
        with progress(lesson, "training", 60) as step:
            history = experiment.train(Setting("softmax", 0.1, 256, 60), step).history
        return stack(*charts.curves(experiment.curve(history), 60, lesson))

    question(lesson, "epochs", run_epochs, _long)
    return


@app.cell
def _(AtLeast, Setting, claim, experiment, lesson, models, progress, question, run_mlp, stack, table):
    def _beside():
        with progress(lesson, "training", 30) as step:
            both = {name: experiment.train(Setting(name, 0.2, 128, 15), step) for name in ("softmax", "mlp")}
        accuracy = {name: experiment.accuracy_at_the_end(trained.history) for name, trained in both.items()}
        return stack(
            table(
                ["", lesson.label("parameters"), lesson.label("swept-accuracy")],
                [
                    (
                        lesson.label(name),
                        f"{models.parameter_count(trained.model):,}",
                        f"{accuracy[name]:.1%}",
                    )
                    for name, trained in both.items()
                ],
            ),
            claim(
                lesson,
                "mlp",
                lesson.label("measured"),
                lesson.label("several"),
                [
                    AtLeast(
                        lesson.label("lead"),
                        100 * (accuracy["mlp"] - accuracy["softmax"]),
                        2.0,
                        digits=".1f",
                    )
                ],
            ),
        )

    question(lesson, "mlp", run_mlp, _beside)
    return


@app.cell
def _(Comparison, Setting, charts, claim, experiment, lesson, models, progress, question, run_phm, stack):
    _sizes = (1, 2, 4, 8, 14)

    def _smaller():
        with progress(lesson, "training", len(_sizes)) as step:
            results = experiment.sweep([Setting("phm", 0.1, 256, 5, n) for n in _sizes], step)
        return stack(
            charts.swept(results, "n", lesson),
            claim(
                lesson,
                "phm",
                lesson.label("counted"),
                lesson.label("formula"),
                [
                    Comparison(
                        lesson.label("with-n").format(n=n),
                        models.parameter_count(experiment.new_model("phm", n)),
                        experiment.phm_parameters(n),
                        0,
                        ",",
                    )
                    for n in _sizes
                ],
            ),
        )

    question(lesson, "phm", run_phm, _smaller)
    return


@app.cell
def _(by_the_book, experiment, lesson, question, run_exact, stack, table):
    def _optimum():
        found = experiment.optimum(by_the_book.model)
        return stack(
            table(
                ["", lesson.label("sgd"), lesson.label("exact-minimum")],
                [
                    (lesson.label("objective"), f"{found.sgd_objective:.4f}", f"{found.objective:.4f}"),
                    (lesson.label("test-loss"), f"{found.sgd_test.loss:.4f}", f"{found.test.loss:.4f}"),
                    (
                        lesson.label("test-accuracy"),
                        f"{found.sgd_test.accuracy:.1%}",
                        f"{found.test.accuracy:.1%}",
                    ),
                ],
            ),
            lesson.body("exact", gap=f"{found.gap:.1e}"),
        )

    question(lesson, "exact", run_exact, _optimum)
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("further"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

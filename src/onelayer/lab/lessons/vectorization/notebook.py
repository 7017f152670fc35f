"""Lesson 4: vectorization."""
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

    lesson = open_lesson("vectorization")
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
def _():
    from onelayer import Timer, vectorization
    from onelayer.lab.controls import button, run_button, slider
    from onelayer.lab.lessons.linear_regression import experiment as lesson_1
    from onelayer.lab.lessons.vectorization import charts, experiment

    return Timer, button, charts, experiment, lesson_1, run_button, slider, vectorization


@app.cell
def _(code, lesson, stack, vectorization):
    stack(lesson.text("ways"), code(lesson, vectorization.add_in_a_loop, vectorization.add_in_one_call))
    return


@app.cell
def _(Timer, code, lesson, stack, vectorization):
    stack(lesson.text("timer"), code(lesson, Timer), code(lesson, vectorization.laps))
    return


@app.cell
def _(lesson):
    lesson.text("race")
    return


@app.cell
def _(button, lesson, slider, stack):
    power = slider(lesson, "power", start=0, stop=4, step=0.1, value=2)
    again = button(lesson, "again")
    stack(power, again)
    return again, power


@app.cell
def _(again, experiment, power, vectorization):
    both = vectorization.add_both_ways(experiment.length(power.value), seed=again.value)
    return (both,)


@app.cell
def _(both, charts, experiment, in_formula, lesson, stack, table):
    _timers = {"loop": both.loop, "call": both.call}
    stack(
        charts.both({way: min(timer.times) for way, timer in _timers.items()}, lesson),
        lesson.body("ratio", n=in_formula(both.n), ratio=experiment.times_faster(both.ratio)),
        table(
            ["", *(lesson.label(name) for name in ("laps", "best", "mean", "total"))],
            [
                (
                    lesson.label(way),
                    f"{len(timer.times)}",
                    *(experiment.shown(value) for value in (min(timer.times), timer.avg(), timer.sum())),
                )
                for way, timer in _timers.items()
            ],
        ),
    )
    return


@app.cell
def _(Comparison, both, claim, experiment, farthest_apart, lesson, stack):
    stack(
        lesson.text("same"),
        claim(
            lesson,
            "same",
            lesson.label("loop"),
            lesson.label("call"),
            [
                Comparison(lesson.label("farthest"), *farthest_apart(both.by_loop, both.by_call), 0, ".6f"),
                Comparison(
                    lesson.label("all"), both.by_loop.sum().item(), both.by_call.sum().item(), 0, ",.6f"
                ),
            ],
        ),
    )
    return


@app.cell
def _(AtLeast, claim, experiment, in_formula, lesson, stack, vectorization):
    _long = vectorization.add_both_ways(1_000)  # short enough that the loop gets many laps too
    stack(
        lesson.text("orders", n=in_formula(_long.n), ratio=experiment.times_faster(_long.ratio)),
        claim(
            lesson,
            "orders",
            lesson.label("measured"),
            lesson.label("claimed"),
            [AtLeast(lesson.label("orders"), experiment.orders_of_magnitude(_long.ratio), 2, digits=".2f")],
        ),
    )
    return


@app.cell
def _(lesson, run_button):
    run_why = run_button(lesson)
    run_length = run_button(lesson)
    run_model = run_button(lesson)
    lesson.text("questions")
    return run_length, run_model, run_why


@app.cell
def _(charts, code, experiment, lesson, question, run_why, stack):
    def _one_turn():
        seconds = experiment.one_turn()
        parts = 2 * seconds["read"] + seconds["add"] + seconds["write"]
        return stack(
            charts.turn(seconds, lesson),
            lesson.body(
                "turn",
                turn=experiment.shown(seconds["turn"]),
                parts=experiment.shown(parts),
                call=experiment.shown(seconds["call"]),
                plain=experiment.shown(seconds["plain"]),
                plain_ratio=experiment.times_faster(seconds["plain"] / seconds["call"]),
            ),
            code(lesson, experiment.one_turn),
        )

    question(lesson, "why", run_why, _one_turn)
    return


@app.cell
def _(charts, experiment, lesson, question, run_length, stack, table):
    def _sweep():
        measured = experiment.sweep()
        rows = zip(measured.lengths, measured.loop, measured.call, measured.ratios, strict=True)
        return stack(
            charts.times(measured, lesson),
            charts.ratios(measured, lesson),
            table(
                [lesson.label(name) for name in ("n", "loop", "call", "faster")],
                [
                    (f"{n:,}", experiment.shown(loop), experiment.shown(call), experiment.times_faster(ratio))
                    for n, loop, call, ratio in rows
                ],
            ),
        )

    question(lesson, "length", run_length, _sweep)
    return


@app.cell
def _(
    Comparison, claim, code, experiment, farthest_apart, lesson, lesson_1, question, run_model, stack, table
):
    def _houses():
        found = experiment.predict_houses()
        slow, fast = min(found.loop.times), min(found.call.times)
        return stack(
            code(lesson, lesson_1.predict_row_by_row, lesson_1.predict),
            table(
                ["", lesson.label("best")],
                [
                    (lesson.label("row-by-row"), experiment.shown(slow)),
                    (lesson.label("product"), experiment.shown(fast)),
                ],
            ),
            lesson.body("houses", rows=f"{found.rows:,}", ratio=experiment.times_faster(slow / fast)),
            claim(
                lesson,
                "houses",
                lesson.label("row-by-row"),
                lesson.label("product"),
                [
                    Comparison(
                        lesson.label("price"),
                        *farthest_apart(found.by_loop, found.by_call),
                        1e-6,
                        ",.2f",
                    )
                ],
            ),
        )

    question(lesson, "model", run_model, _houses)
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("rule"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

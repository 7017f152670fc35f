"""Lesson 11: the same layer at every pixel, as 1×1 convolution and as segmentation."""
# /// script
# [tool.marimo.display]
# theme = "system"
# ///

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    from onelayer.lab.panels import Comparison, claim, code, footer, header, open_lesson, question, stack

    lesson = open_lesson("every-pixel")
    header(lesson)
    return Comparison, claim, code, footer, lesson, question, stack


@app.cell
def _(lesson):
    lesson.text("idea")
    return


@app.cell
def _(lesson):
    lesson.text("convolution")
    return


@app.cell
def _():
    import numpy as np
    import torch

    from onelayer.lab.controls import pick, progress, run_button
    from onelayer.lab.images import gallery, grey
    from onelayer.lab.lessons.every_pixel import charts, experiment

    return charts, experiment, gallery, grey, np, pick, progress, run_button, torch


@app.cell
def _(charts, code, experiment, gallery, grey, lesson, stack):
    original = experiment.colour_pictures()[0]
    stack(
        gallery(
            [*(grey((255 * channel).numpy()) for channel in original), charts.coloured(original)],
            [lesson.label(name) for name in ("red", "green", "blue", "together")],
        ),
        code(lesson, experiment.convolution_and_layer),
    )
    return (original,)


@app.cell
def _(Comparison, claim, experiment, lesson, original, torch):
    _weight = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    _both = experiment.convolution_and_layer(_weight, original)
    claim(
        lesson,
        "convolution",
        lesson.label("convolution"),
        lesson.label("layer"),
        [
            Comparison(lesson.label("sum"), *(float(outputs.sum()) for outputs in _both), 1e-3, ",.4f"),
            Comparison(
                lesson.label("largest-gap"), float((_both[0] - _both[1]).abs().max()), 0.0, 1e-5, ".1g"
            ),
        ],
    )
    return


@app.cell
def _(lesson):
    lesson.text("glow")
    return


@app.cell
def _(lesson, pick):
    share = pick(lesson, "share", [i / 20 for i in range(20)], 0.5)
    share
    return (share,)


@app.cell
def _(lesson):
    lesson.text("inverse")
    return


@app.cell
def _(charts, experiment, gallery, lesson, original, share, stack):
    _unmixed = experiment.unmix(share.value)
    stack(
        gallery(
            [charts.coloured(image) for image in (original, _unmixed.mixed, _unmixed.restored)],
            [lesson.label(name) for name in ("original", "mixed", "unmixed")],
            width=110,
        ),
        charts.gaps(experiment.gaps_table([_unmixed]), lesson),
        lesson.body(
            "restored",
            epochs=f"{experiment.EPOCHS}",
            rows=f"{len(experiment.pixel_rows(share.value)):,}",
            gap=f"{_unmixed.gaps[-1]:.1g}",
        ),
    )
    return


@app.cell
def _(code, experiment, lesson, stack):
    stack(code(lesson, experiment.pixel_rows, experiment.unmix), lesson.body("exact"))
    return


@app.cell
def _(Comparison, claim, experiment, lesson, np, share):
    _found = experiment.exact_unmixing(share.value)
    _inverse = np.linalg.inv(experiment.mixing(share.value).numpy())
    claim(
        lesson,
        "inverse",
        lesson.label("least-squares"),
        lesson.label("inverse"),
        [
            Comparison(lesson.label("diagonal"), _found[0, 0], _inverse[0, 0], 1e-4, ".4f"),
            Comparison(lesson.label("off-diagonal"), _found[0, 1], _inverse[0, 1], 1e-4, ".4f"),
            Comparison(lesson.label("worst-entry"), np.abs(_found - _inverse).max(), 0.0, 1e-4, ".1g"),
        ],
    )
    return


@app.cell
def _(lesson):
    lesson.text("determinant", side="6")
    return


@app.cell
def _(Comparison, claim, experiment, lesson, share):
    _M = experiment.mixing(share.value).double()
    claim(
        lesson,
        "determinant",
        lesson.label("full"),
        lesson.label("by-pixel"),
        [
            Comparison(
                lesson.label("map"),
                experiment.map_log_determinant(_M, 6),
                36 * float(_M.logdet()),
                1e-9,
                ".6f",
            )
        ],
    )
    return


@app.cell
def _(lesson):
    lesson.text("segmentation")
    return


@app.cell
def _(experiment, lesson, pick):
    window = pick(lesson, "window", experiment.WINDOWS, 9)
    window
    return (window,)


@app.cell
def _(charts, experiment, gallery, grey, lesson, stack, window):
    segmented = experiment.segment(window.value)
    _test = experiment.scenes("test")
    _shown = range(0, len(_test.images), experiment.SCENES // 2)[:5]  # a gallery has five in a line
    _kinds = [list(experiment.KINDS)[i // experiment.SCENES] for i in _shown]
    stack(
        lesson.body("picture-key"),
        gallery(
            [
                *(grey(_test.images[i]) for i in _shown),
                *(charts.labelled(labels[i]) for labels in (_test.labels, segmented.labels) for i in _shown),
            ],
            [lesson.label(name) for name in (*_kinds, *["truth"] * 5, *["answer"] * 5)],
        ),
        charts.overlaps(segmented.overlap, lesson),
        lesson.body("overlap"),
        lesson.body("same-logits"),
    )
    return (segmented,)


@app.cell
def _(Comparison, claim, experiment, lesson, segmented, window):
    _both = experiment.logits_both_ways(segmented, window.value)
    claim(
        lesson,
        "logits",
        lesson.label("wide-convolution"),
        lesson.label("layer"),
        [
            Comparison(lesson.label("sum"), *(float(outputs.sum()) for outputs in _both), 1e-1, ",.2f"),
            Comparison(
                lesson.label("largest-gap"), float((_both[0] - _both[1]).abs().max()), 0.0, 1e-4, ".1g"
            ),
        ],
    )
    return


@app.cell
def _(code, experiment, lesson, stack):
    stack(code(lesson, experiment.window_rows, experiment.segment), lesson.text("questions"))
    return


@app.cell
def _(lesson, run_button):
    run_mixture, run_window = run_button(lesson), run_button(lesson)
    return run_mixture, run_window


@app.cell
def _(charts, experiment, lesson, progress, question, run_mixture):
    _shares = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)

    def _mixtures():
        runs = []
        with progress(lesson, "training", len(_shares)) as step:
            for share in _shares:
                runs.append(experiment.unmix(share))
                step()
        return charts.gaps(experiment.gaps_table(runs), lesson)

    question(lesson, "mixture", run_mixture, _mixtures)
    return


@app.cell
def _(charts, experiment, lesson, progress, question, run_window):
    def _windows():
        with progress(lesson, "training", len(experiment.WINDOWS)) as step:
            results = experiment.window_sweep(step)
        return charts.by_window(results, lesson)

    question(lesson, "window", run_window, _windows)
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("end"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

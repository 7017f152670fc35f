"""The lesson on Fashion-MNIST."""
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

    lesson = open_lesson("fashion-mnist")
    header(lesson)
    return AtLeast, Comparison, claim, code, footer, lesson, question, stack, table


@app.cell
def _(lesson):
    lesson.text("idea")
    return


@app.cell
def _(lesson):
    lesson.text("classes")
    return


@app.cell
def _(lesson):
    import torch

    from onelayer import fashion_mnist, softmax_regression
    from onelayer.d2l.loaders import resize_images as resize
    from onelayer.lab.controls import choice, run_button, slider
    from onelayer.lab.images import gallery, grey
    from onelayer.lab.lessons.fashion_mnist import charts, experiment
    from onelayer.solvers import batches as library

    data = fashion_mnist()
    parts = {"training": experiment.training_images(), "test": library.Batches.of(data.test)}
    names = [lesson.label(name) for name in experiment.CLASSES]
    return (
        charts,
        choice,
        data,
        experiment,
        fashion_mnist,
        gallery,
        grey,
        library,
        names,
        parts,
        resize,
        run_button,
        slider,
        softmax_regression,
        torch,
    )


@app.cell
def _(Comparison, claim, code, data, experiment, fashion_mnist, lesson, names, parts, stack, table):
    _counts = {part: experiment.class_counts(rows) for part, rows in parts.items()}
    _each = {"training": 6000, "test": 1000}
    stack(
        table(
            [lesson.label(name) for name in ("text-label", "label", "training", "test")],
            [
                (
                    text if text == name else f"{name} ({text})",
                    f"{i}",
                    *(f"{counts[i]:,}" for counts in _counts.values()),
                )
                for i, (name, text) in enumerate(zip(names, data.classes, strict=True))
            ],
        ),
        claim(
            lesson,
            "classes",
            lesson.label("counted"),
            lesson.label("expected"),
            [
                Comparison(lesson.label(what).format(part=lesson.label(part)), of(counts), right, 0, ",d")
                for part, counts in _counts.items()
                for what, of, right in (
                    ("smallest-class", min, _each[part]),
                    ("largest-class", max, _each[part]),
                    ("whole-set", sum, 10 * _each[part]),
                )
            ],
        ),
        code(lesson, fashion_mnist),
    )
    return


@app.cell
def _(lesson):
    lesson.text("browse")
    return


@app.cell
def _(choice, experiment, lesson, parts, stack):
    part = choice(lesson, "part", parts, "training")
    label = choice(lesson, "class", {name: i for i, name in enumerate(experiment.CLASSES)}, "ankle-boot")
    stack(part, label)
    return label, part


@app.cell
def _(experiment, lesson, part, slider):
    page = slider(lesson, "page", start=1, stop=len(part.value) // 10 // experiment.PAGE, step=1, value=1)
    page
    return (page,)


@app.cell
def _(experiment, gallery, grey, label, lesson, page, part):
    _of_class = experiment.numbers_of_class(part.value, label.value)
    shown = _of_class[(page.value - 1) * experiment.PAGE : page.value * experiment.PAGE]
    images = experiment.images_of(part.value)
    gallery(
        [grey(image) for image in images[shown].numpy()],
        [lesson.label("number").format(number=f"{i + 1:,}") for i in shown.tolist()],
        width=72,
    )
    return images, shown


@app.cell
def _(lesson):
    lesson.text("pixels")
    return


@app.cell
def _(experiment, lesson, slider, stack):
    picture = slider(lesson, "picture", start=1, stop=experiment.PAGE, step=1, value=1)
    row = slider(lesson, "row", start=1, stop=experiment.SIDE, step=1, value=14)
    column = slider(lesson, "column", start=1, stop=experiment.SIDE, step=1, value=14)
    stack(picture, row, column)
    return column, picture, row


@app.cell
def _(charts, column, experiment, images, lesson, picture, row, shown, stack, table):
    number = int(shown[picture.value - 1])
    image = images[number]
    pixels = experiment.pixels(image)
    _byte = int(image[row.value - 1, column.value - 1])
    _around = experiment.neighbourhood(image, row.value, column.value)
    _offsets = range(-experiment.WINDOW, experiment.WINDOW + 1)
    _rows, _columns = (
        [f"{at}" if 1 <= (at := place.value + offset) <= experiment.SIDE else "" for offset in _offsets]
        for place in (row, column)
    )
    stack(
        charts.image(pixels, row.value, column.value, lesson),
        lesson.body(
            "picked",
            row=f"{row.value}",
            column=f"{column.value}",
            byte=f"{_byte}",
            feature=f"{experiment.feature_number(row.value, column.value)}",
            value=f"{_byte / 255:.3f}",
        ),
        table(
            ["", *_columns],
            [
                (_row, *("–" if byte is None else f"{byte}" for byte in line))
                for _row, line in zip(_rows, _around, strict=True)
            ],
            picked=experiment.WINDOW,
        ),
    )
    return image, number, pixels


@app.cell
def _(lesson):
    lesson.text("flatten")
    return


@app.cell
def _(
    Comparison,
    charts,
    claim,
    code,
    column,
    data,
    experiment,
    image,
    lesson,
    library,
    number,
    part,
    pixels,
    row,
    stack,
    torch,
):
    _x = part.value.X[number]
    _flat = torch.nn.Flatten()(image[None, None])[0]
    _feature = experiment.feature_number(row.value, column.value)
    _height, _width = data.image_shape
    stack(
        charts.features(pixels, row.value, column.value, lesson),
        claim(
            lesson,
            "features",
            lesson.label("from-image"),
            lesson.label("from-features"),
            [
                Comparison(lesson.label("size"), _height * _width, data.n_features, 0),
                Comparison(
                    lesson.label("picked-pixel"),
                    int(image[row.value - 1, column.value - 1]),
                    int(_x[_feature - 1]),
                    0,
                ),
                Comparison(
                    lesson.label("flatten-gap"), (_flat.float() - _x.float()).abs().max().item(), 0, 0
                ),
            ],
        ),
        lesson.body("lost"),
        code(lesson, library.Batches.as_floats),
    )
    return


@app.cell
def _(lesson):
    lesson.text("batches")
    return


@app.cell
def _(experiment, lesson, slider, stack):
    batch_size = slider(lesson, "batch-size", start=32, stop=1024, step=32, value=experiment.BATCH_SIZE)
    epoch = slider(lesson, "epoch", start=1, stop=10, step=1, value=1)
    stack(batch_size, epoch)
    return batch_size, epoch


@app.cell
def _(
    batch_size, charts, data, epoch, experiment, gallery, grey, lesson, library, names, parts, stack, table
):
    batches = library.epoch_order(len(data.train), seed=0, epoch=epoch.value).split(batch_size.value)
    _first = parts["training"].take(batches[0])
    _X, _y = parts["training"].batch(batches[0])
    stack(
        table(
            [lesson.label(name) for name in ("batch-part", "shape", "type", "range")],
            [
                (
                    name,
                    f"({', '.join(map(str, tensor.shape))}{',' * (tensor.dim() == 1)})",
                    f"{tensor.dtype}".removeprefix("torch."),
                    f"{tensor.min():g} … {tensor.max():g}",
                )
                for name, tensor in (("X", _X), ("y", _y))
            ],
        ),
        gallery(
            [grey(image) for image in experiment.images_of(_first)[: experiment.PREVIEW].numpy()],
            [names[i] for i in _first.y[: experiment.PREVIEW].tolist()],
            width=72,
        ),
        charts.batch(experiment.class_counts(_first), names, lesson),
    )
    return (batches,)


@app.cell
def _(Comparison, batch_size, batches, claim, code, data, lesson, library, stack, torch):
    _visited, _n, _size = torch.cat(batches), len(data.train), batch_size.value
    _full = -(-_n // _size) - 1
    stack(
        lesson.body("once"),
        claim(
            lesson,
            "batches",
            lesson.label("counted"),
            lesson.label("expected"),
            [
                Comparison(lesson.label("batches"), len(batches), _full + 1, 0, ",d"),
                Comparison(lesson.label("last-batch"), len(batches[-1]), _n - _full * _size, 0, ",d"),
                Comparison(lesson.label("all-visited"), len(_visited), _n, 0, ",d"),
                Comparison(lesson.label("visited-once"), len(_visited.unique()), _n, 0, ",d"),
            ],
        ),
        code(lesson, library.epoch_order, library.Batches.batch),
    )
    return


@app.cell
def _(lesson):
    lesson.text("resize")
    return


@app.cell
def _(lesson, slider):
    side = slider(lesson, "side", start=4, stop=64, step=1, value=64)
    side
    return (side,)


@app.cell
def _(
    code, experiment, gallery, grey, images, lesson, number, resize, side, softmax_regression, stack, table
):
    _side = side.value
    _batch = resize(images[:32], (_side, _side))[:, None]
    _pair = [grey(images[number].numpy()), grey(resize(images[number][None], (_side, _side))[0].numpy())]
    _weights = softmax_regression(_side**2, len(experiment.CLASSES))
    stack(
        gallery(_pair, [lesson.label("as-stored"), lesson.label("resized").format(side=_side)], width=160),
        table(
            ["", lesson.label("resized").format(side=_side)],
            [
                (lesson.label("one-batch"), f"({', '.join(map(str, _batch.shape))})"),
                (lesson.label("features-each"), f"{_batch[0].numel():,}"),
                (lesson.label("memory"), f"{60_000 * _batch[0].numel() / 1e6:,.1f}"),
                (
                    lesson.label("parameters"),
                    f"{_weights.weight.numel() + _weights.bias.numel():,}",
                ),
            ],
        ),
        lesson.body("resize-cost"),
        code(lesson, resize),
    )
    return


@app.cell
def _(lesson, run_button):
    run_reading = run_button(lesson)
    run_batch_size = run_button(lesson)
    run_faster = run_button(lesson)
    lesson.text("questions")
    return run_batch_size, run_faster, run_reading


@app.cell
def _(AtLeast, charts, claim, code, experiment, lesson, question, run_reading, stack):
    def _measure():
        measured = experiment.shares_of_models()
        return stack(
            charts.times(
                {f"{model}-{part}": value for model, of in measured.items() for part, value in of.items()},
                [f"{model}-reading" for model in measured],
                lesson,
            ),
            claim(
                lesson,
                "reading",
                lesson.label("milliseconds-training"),
                lesson.label("milliseconds-reading"),
                [
                    AtLeast(
                        lesson.label(model),
                        1000 * seconds["training"],
                        1000 * seconds["reading"],
                        digits=".1f",
                    )
                    for model, seconds in measured.items()
                ],
            ),
            code(lesson, experiment.TimedBatches, experiment.reading_and_training, experiment.undisturbed),
        )

    question(lesson, "reading", run_reading, _measure)
    return


@app.cell
def _(charts, code, data, experiment, lesson, question, run_batch_size, stack):
    def _sizes():
        seconds = experiment.reading_by_batch_size()
        more = len(data.train) - len(data.train) / 256
        return stack(
            charts.by_batch_size(seconds, lesson),
            code(lesson, experiment.pass_time),
            lesson.body(
                "batch-size-result",
                ratio=f"{seconds[1] / seconds[256]:.0f}",
                overhead=f"{(seconds[1] - seconds[256]) / more * 1e6:.1f}",
            ),
        )

    question(lesson, "batch-size", run_batch_size, _sizes)
    return


@app.cell
def _(charts, code, experiment, lesson, question, run_faster, stack):
    def _ways():
        seconds = experiment.ways_of_reading()
        return stack(
            charts.times(seconds, ["in-batches"], lesson),
            code(lesson, experiment.read_one_by_one, experiment.ways_of_reading),
        )

    question(lesson, "faster", run_faster, _ways)
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("end"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

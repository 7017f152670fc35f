"""Lesson 5: from linear regression to networks."""
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

    lesson = open_lesson("networks")
    header(lesson)
    return Comparison, claim, code, footer, lesson, question, stack, table


@app.cell
def _(lesson):
    lesson.text("idea")
    return


@app.cell
def _(lesson):
    lesson.text("house")
    return


@app.cell
def _():
    import torch

    from onelayer import models
    from onelayer.lab.controls import run_button, slider
    from onelayer.lab.lessons.networks import charts, experiment

    prices = experiment.house_network()
    return charts, experiment, models, prices, run_button, slider, torch


@app.cell
def _(lesson, slider, stack):
    area = slider(lesson, "area", start=400, stop=3000, step=50, value=1500)
    age = slider(lesson, "age", start=0, stop=130, step=1, value=30)
    stack(area, age)
    return age, area


@app.cell
def _(Comparison, age, area, charts, claim, experiment, lesson, prices, stack, table, torch):
    _x = torch.tensor([area.value, age.value], dtype=torch.float64)
    _products = (prices.weight * _x).detach()
    _bias, _price = prices.bias.item(), prices(_x).item()
    _carried = experiment.connections(_products)["weight"].to_pylist()
    _names = [lesson.label("area-name"), lesson.label("age-name")]
    stack(
        charts.houses(_products, _names, f"{lesson.label('price-name')} {_price:,.0f}", lesson),
        table(
            ["", *(lesson.label(name) for name in ("value", "weight", "product"))],
            [
                *(
                    (name, f"{value:,.0f}", f"{weight:,.3f}", f"{product:z,.0f}")
                    for name, value, weight, product in zip(
                        _names, _x.tolist(), prices.weight[0].tolist(), _carried, strict=True
                    )
                ),
                (lesson.label("bias"), "", "", f"{_bias:,.0f}"),
            ],
        ),
        claim(
            lesson,
            "drawing",
            lesson.label("added"),
            "nn.Linear",
            [Comparison(lesson.label("price-name"), sum(_carried) + _bias, _price, 1e-6, ",.2f")],
        ),
    )
    return


@app.cell
def _(code, lesson, models, stack):
    stack(lesson.text("sizes"), code(lesson, models.linear_regression))
    return


@app.cell
def _(experiment, lesson, slider, stack):
    images = experiment.load_images()
    bands = slider(lesson, "bands", start=2, stop=experiment.MOST_BANDS, step=1, value=6)
    classes = slider(lesson, "classes", start=1, stop=10, step=1, value=4)
    picked = slider(lesson, "picked", start=1, stop=50, step=1, value=2)
    stack(bands, classes, picked)
    return bands, classes, images, picked


@app.cell
def _(bands, classes, experiment, images):
    d, q = bands.value, classes.value
    network = experiment.image_network(images, d, q)
    features = images.bands(d)
    return d, features, network, q


@app.cell
def _(charts, d, features, images, lesson, network, picked, stack):
    _i = picked.value - 1
    stack(
        lesson.body("image", kind=charts.class_names(lesson)[images.labels[_i]]),
        charts.image(images.pixels[_i], d),
        charts.network(network.weight.detach(), features[_i], network(features[_i]).detach(), lesson),
        lesson.body("thickness", largest=f"{network.weight.abs().max():.2f}"),
    )
    return


@app.cell
def _(code, lesson, models, stack):
    stack(lesson.text("counting"), code(lesson, models.parameter_count))
    return


@app.cell
def _(Comparison, claim, d, experiment, lesson, models, network, q):
    _whole = models.linear_regression(784, 10)
    _lines = experiment.connections(network.weight.detach())
    claim(
        lesson,
        "count",
        lesson.label("counted"),
        lesson.label("formula"),
        [
            Comparison(f"{lesson.label('connections')} (d q)", len(_lines), d * q, 0, ",d"),
            Comparison(f"{lesson.label('weights')} (d q)", network.weight.numel(), d * q, 0, ",d"),
            Comparison(f"{lesson.label('biases')} (q)", network.bias.numel(), q, 0, ",d"),
            Comparison(
                f"{lesson.label('parameters')} (d q + q)", models.parameter_count(network), d * q + q, 0, ",d"
            ),
            Comparison(
                f"{lesson.label('parameters')} (784 × 10 + 10)",
                models.parameter_count(_whole),
                784 * 10 + 10,
                0,
                ",d",
            ),
        ],
    )
    return


@app.cell
def _(Comparison, claim, d, experiment, features, lesson, models, network, q, stack):
    _layers = experiment.layers(network, features[0])
    _hidden = experiment.layers(experiment.hidden_layer_network(d, 5, q), features[0])
    _of_inputs = models.parameter_count(network) - sum(layer.parameters for layer in _layers)
    stack(
        lesson.text("one-layer"),
        claim(
            lesson,
            "one-layer",
            lesson.label("counted"),
            lesson.label("expected"),
            [
                Comparison(lesson.label("layers-here"), len(_layers), 1, 0, "d"),
                Comparison(lesson.label("of-inputs"), _of_inputs, 0, 0, "d"),
                Comparison(lesson.label("layers-hidden"), len(_hidden), 2, 0, "d"),
            ],
        ),
    )
    return


@app.cell
def _(code, experiment, lesson, stack):
    stack(lesson.text("dense"), code(lesson, experiment.changes, experiment.jacobian))
    return


@app.cell
def _(d, lesson, slider, stack):
    touched = slider(lesson, "touched", start=1, stop=d, step=1, value=1 + d // 2)
    step = slider(lesson, "step", start=-0.5, stop=0.5, step=0.05, value=0.25)
    stack(touched, step)
    return step, touched


@app.cell
def _(Comparison, charts, claim, d, experiment, features, lesson, network, picked, q, stack, step, touched):
    _weight, _j = network.weight.detach(), touched.value - 1
    _x = features[picked.value - 1]
    _moved = _x.clone()
    _moved[_j] += step.value
    _measured = experiment.changes(network, _x, _j, step.value)
    _predicted = _weight[:, _j] * step.value
    _jacobian, _elsewhere = (experiment.jacobian(network, x) for x in (_x, features[-1]))
    stack(
        charts.network(_weight, _moved, network(_moved).detach(), lesson, touched=_j + 1),
        charts.changes(_measured, _predicted, 0.5 * float(_weight.abs().max()), lesson),
        claim(
            lesson,
            "dense",
            lesson.label("measured-side"),
            lesson.label("expected"),
            [
                Comparison(lesson.label("nonzero"), int((_jacobian != 0).sum()), d * q, 0, ",d"),
                Comparison(
                    lesson.label("jacobian-gap"), float((_jacobian - _weight).abs().max()), 0, 0, ".2g"
                ),
                Comparison(
                    lesson.label("elsewhere-gap"), float((_jacobian - _elsewhere).abs().max()), 0, 0, ".2g"
                ),
                Comparison(
                    lesson.label("change-gap"), float((_measured - _predicted).abs().max()), 0, 1e-12, ".2g"
                ),
            ],
        ),
    )
    return


@app.cell
def _(lesson, run_button):
    run_layers = run_button(lesson)
    run_two = run_button(lesson)
    run_missing = run_button(lesson)
    lesson.text("questions")
    return run_layers, run_missing, run_two


@app.cell
def _(code, experiment, features, lesson, models, question, run_layers, stack, table, torch):
    def _who_computes():
        d = features.shape[1]
        networks = {
            lesson.label("this-network"): (models.linear_regression(d, 4).double(), features[0]),
            lesson.label("whole-images"): (models.linear_regression(784, 10), torch.zeros(784)),
            lesson.label("hidden-layer"): (experiment.hidden_layer_network(d, 5, 4), features[0]),
        }
        return stack(
            code(lesson, experiment.layers),
            table(
                [lesson.label(name) for name in ("network", "layer", "inputs", "outputs", "parameters")],
                [
                    (name, layer.name, f"{layer.inputs:,}", f"{layer.outputs:,}", f"{layer.parameters:,}")
                    for name, (module, x) in networks.items()
                    for layer in experiment.layers(module, x)
                ],
            ),
        )

    question(lesson, "layers", run_layers, _who_computes)
    return


@app.cell
def _(Comparison, claim, code, experiment, images, lesson, question, run_two, stack, table):
    def _two_layers():
        found = experiment.two_layers(images.bands(experiment.MOST_BANDS), 6, 10)
        return stack(
            code(lesson, experiment.merge),
            table(
                ["", lesson.label("parameters")],
                [
                    (lesson.label("two-layers"), f"{found.parameters:,}"),
                    (lesson.label("merged"), f"{found.merged_parameters:,}"),
                ],
            ),
            claim(
                lesson,
                "merged",
                lesson.label("two-layers"),
                lesson.label("merged"),
                [Comparison(lesson.label("widest-gap"), *found.farthest, 1e-12, ".6f")],
            ),
            lesson.body("merged", relu=f"{100 * found.gap_with_relu:.0f}", rank=f"{found.rank}"),
        )

    question(lesson, "two", run_two, _two_layers)
    return


@app.cell
def _(charts, code, experiment, images, lesson, question, run_missing, stack, table):
    def _missing():
        found = experiment.patterns(images.bands(experiment.MOST_BANDS)[0])
        return stack(
            charts.patterns(found, lesson),
            table(
                ["", lesson.label("connections"), lesson.label("parameters")],
                [
                    (lesson.label(name), f"{pattern.connections:,}", f"{pattern.parameters:,}")
                    for name, pattern in found.items()
                ],
            ),
            code(lesson, experiment.local_layer),
        )

    question(lesson, "missing", run_missing, _missing)
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("neurons"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

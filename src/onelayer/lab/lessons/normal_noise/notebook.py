"""Lesson 3: the normal distribution and squared error."""
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

    lesson = open_lesson("normal-noise")
    header(lesson)
    return Comparison, claim, code, footer, lesson, question, stack, table


@app.cell
def _(lesson):
    lesson.text("idea")
    return


@app.cell
def _():
    import numpy as np

    from onelayer import functional
    from onelayer.lab.controls import run_button, slider
    from onelayer.lab.lessons.normal_noise import charts, experiment
    from onelayer.lab.lessons.sgd.experiment import in_dollars, standardised

    WITHIN = ("within-1", "within-2", "within-3")
    residuals, model = experiment.house_residuals()
    return (
        WITHIN,
        charts,
        experiment,
        in_dollars,
        functional,
        model,
        np,
        residuals,
        run_button,
        slider,
        standardised,
    )


@app.cell
def _(code, functional, lesson, stack):
    stack(lesson.text("density"), code(lesson, functional.normal_density, functional._normal_log_density))
    return


@app.cell
def _(lesson, slider, stack):
    mu = slider(lesson, "mu", start=-3, stop=3, step=0.1, value=1.0)
    sigma = slider(lesson, "sigma", start=0.2, stop=3, step=0.05, value=0.5)
    stack(mu, sigma)
    return mu, sigma


@app.cell
def _(charts, lesson, mu, sigma):
    charts.bell(mu.value, sigma.value, lesson)
    return


@app.cell
def _(Comparison, WITHIN, claim, code, experiment, lesson, mu, sigma, stack):
    _found = experiment.moments(mu.value, sigma.value)
    _shares = [
        Comparison(lesson.label(name), share, experiment.normal_share(k), 1e-9, ".9f")
        for k, (name, share) in enumerate(zip(WITHIN, _found.within, strict=True), start=1)
    ]
    stack(
        lesson.body("integral"),
        claim(
            lesson,
            "integral",
            lesson.label("integral"),
            lesson.label("exact"),
            [
                Comparison(lesson.label("total"), _found.total, 1.0, 1e-9, ".9f"),
                Comparison(lesson.label("mean"), _found.mean, mu.value, 1e-9, ".9f"),
                Comparison(lesson.label("variance"), _found.variance, sigma.value**2, 1e-9, ".9f"),
                *_shares,
            ],
        ),
        code(lesson, experiment.moments, experiment.normal_share),
    )
    return


@app.cell
def _(lesson):
    lesson.text("noise")
    return


@app.cell
def _(lesson, slider, stack):
    true_sigma = slider(lesson, "true-sigma", start=0.4, stop=2, step=0.05, value=1.0)
    rows = slider(lesson, "rows", start=5, stop=200, step=5, value=60)
    draw = slider(lesson, "draw", start=0, stop=20, step=1, value=0)
    weight = slider(lesson, "weight", start=-1, stop=5, step=0.05, value=1.0)
    bias = slider(lesson, "bias", start=-3, stop=5, step=0.05, value=1.0)
    model_sigma = slider(lesson, "model-sigma", start=0.4, stop=2, step=0.05, value=1.0)
    stack(true_sigma, rows, draw, lesson.body("model-controls"), weight, bias, model_sigma)
    return bias, draw, model_sigma, rows, true_sigma, weight


@app.cell
def _(bias, charts, code, draw, experiment, lesson, model_sigma, rows, stack, true_sigma, weight):
    x, y = experiment.simulate(rows.value, true_sigma.value, draw.value)
    stack(
        charts.noisy_line(x, y, weight.value, bias.value, model_sigma.value, lesson),
        code(lesson, experiment.simulate),
    )
    return x, y


@app.cell
def _(code, functional, lesson, stack):
    stack(lesson.text("likelihood"), code(lesson, functional.normal_log_likelihood))
    return


@app.cell
def _(bias, charts, experiment, lesson, model_sigma, stack, weight, x, y):
    _curves = experiment.by_slope(x, y, bias.value, model_sigma.value)
    _best = experiment.best_slope(x, y, bias.value)
    stack(
        lesson.body("two-curves"),
        charts.likelihood_by_slope(_curves, len(x), _best, weight.value, lesson),
        charts.error_by_slope(_curves, _best, weight.value, lesson),
    )
    return


@app.cell
def _(Comparison, bias, claim, code, experiment, lesson, model_sigma, stack, weight, x, y):
    _prediction = weight.value * x + bias.value
    _left = experiment.log_likelihood(_prediction, y, model_sigma.value)
    _error = experiment.squared_error(_prediction, y)
    _right = experiment.log_likelihood_from_squares(len(y), _error, model_sigma.value)
    stack(
        lesson.body("formula"),
        claim(
            lesson,
            "log-likelihood",
            lesson.label("sum-of-logs"),
            lesson.label("from-squares"),
            [Comparison(lesson.label("log-likelihood"), _left, _right, 1e-9 * abs(_right), ",.9g")],
        ),
        code(lesson, experiment.log_likelihood_from_squares),
    )
    return


@app.cell
def _(Comparison, claim, code, experiment, in_dollars, lesson, model, np, stack, standardised):
    _names = [lesson.label(name) for name in ("w1-dollars", "w2-dollars", "bias-dollars")]
    _exact = np.append(model.coef_, model.intercept_)
    _rows = []
    for _std in (0.2, 2.0):
        _found = in_dollars(experiment.maximise_likelihood(*standardised(), _std))
        for _name, _left, _right in zip(_names, _found, _exact, strict=True):
            _label = f"{_name}, {lesson.label('with-sigma')} {_std}"
            _rows.append(Comparison(_label, _left, _right, 1e-6 * abs(_right), ",.4f"))
    stack(
        lesson.text("mle"),
        claim(lesson, "mle", lesson.label("climbed"), lesson.label("least-squares"), _rows),
        code(lesson, experiment.maximise_likelihood),
    )
    return


@app.cell
def _(Comparison, claim, code, experiment, lesson, model, np, residuals, stack):
    _searched = experiment.most_likely_std(residuals)
    _mean_square = np.sqrt(np.mean(residuals**2))
    _n = len(residuals)
    stack(
        lesson.text("sigma"),
        claim(
            lesson,
            "sigma",
            lesson.label("searched"),
            lesson.label("mean-square"),
            [Comparison(lesson.label("sigma-row"), _searched, _mean_square, 1e-6 * _mean_square, ",.2f")],
        ),
        claim(
            lesson,
            "sigma-unbiased",
            lesson.label("searched"),
            "LinearRegression.sigma_",
            [
                Comparison(
                    lesson.label("sigma-unbiased"),
                    _searched * np.sqrt(_n / (_n - 3)),
                    model.sigma_,
                    1e-6 * model.sigma_,
                    ",.2f",
                )
            ],
        ),
        code(lesson, experiment.most_likely_std),
    )
    return


@app.cell
def _(lesson, run_button, slider):
    run_bias = run_button(lesson)
    run_sum = run_button(lesson)
    run_houses = run_button(lesson)
    run_laplace = run_button(lesson)
    parts = slider(lesson, "parts", start=1, stop=12, step=1, value=2)
    return parts, run_bias, run_houses, run_laplace, run_sum


@app.cell
def _(experiment, lesson, question, run_bias, table):
    def _small_samples():
        rows = []
        for n in (3, 5, 10, 30):
            mean = experiment.mean_of_estimates(n)
            rows.append((f"{n}", f"{mean:.4f}", f"{(n - 2) / n:.4f}", f"{mean * n / (n - 2):.4f}"))
        names = ("number-of-rows", "mean-of-estimates", "predicted-mean", "unbiased")
        return table([lesson.label(name) for name in names], rows)

    question(lesson, "bias", run_bias, _small_samples)
    return


@app.cell
def _(lesson, parts, stack):
    stack(lesson.text("why"), lesson.body("parts"), parts)
    return


@app.cell
def _(charts, experiment, lesson, parts, question, run_sum):
    def _sums():
        counts = experiment.histogram(experiment.sums_of_small_errors(parts.value), 1.0, 45, -4.5, 4.5)
        return charts.bars(counts, lesson.label("sum-axis"), 1.0, lesson)

    question(lesson, "sum", run_sum, _sums)
    return


@app.cell
def _(WITHIN, charts, experiment, lesson, np, question, residuals, run_houses, stack, table):
    def _residuals():
        std = np.sqrt(np.mean(residuals**2))
        away = np.abs(residuals) / std
        counts = experiment.histogram(residuals, std, 100, -500_000, 500_000)
        shares = [
            (lesson.label(name), f"{(away <= k).mean():.2%}", f"{experiment.normal_share(k):.2%}")
            for k, name in enumerate(WITHIN, start=1)
        ]
        n = len(residuals)
        return stack(
            charts.bars(counts, lesson.label("residual-axis"), 1000.0, lesson),
            table(["", lesson.label("share"), lesson.label("normal-share")], shares),
            lesson.body(
                "houses",
                sigma=f"{std:,.0f}",
                largest=f"{away.max():.1f}",
                n=f"{n:,}",
                expected=f"{n * (1 - experiment.normal_share(3)):.0f}",
                beyond=f"{(away > 3).sum()}",
            ),
        )

    question(lesson, "houses", run_houses, _residuals)
    return


@app.cell
def _(experiment, in_dollars, lesson, question, run_laplace, stack, table):
    def _both_models():
        found = experiment.compare_noise_models()
        columns = [
            [*(f"{value:,.2f}" for value in in_dollars(one.parameters)), f"{one.log_likelihood:,.1f}"]
            for one in found
        ]
        names = ("w1-dollars", "w2-dollars", "bias-dollars", "log-likelihood-standardised")
        normal, laplace = found
        return stack(
            table(
                [lesson.label(name) for name in ("noise-model", normal.name, laplace.name)],
                list(zip(map(lesson.label, names), *columns, strict=True)),
            ),
            lesson.body("laplace", gain=f"{laplace.log_likelihood - normal.log_likelihood:.1f}"),
        )

    question(lesson, "laplace", run_laplace, _both_models)
    return


@app.cell
def _(footer, lesson, stack):
    stack(lesson.text("when"), footer(lesson))
    return


if __name__ == "__main__":
    app.run()

"""The section on what the model gets right and wrong: pictures and tables of the rows that it is judged by."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer import diagnostics
from onelayer.reports import charts, html
from onelayer.reports.about import Writer
from onelayer.reports.judged import MOST_ROWS, Classification, Influential, Regression, Residuals
from onelayer.reports.text import name_html, number, percent, shortened

MOST_IN_MATRIX = 25  # classes
MOST_CONFUSIONS = 20
MOST_CLASSES = 50  # in the table of each class
SHADES = 10


def results(writer: Writer) -> str:
    """Return what the model gets right and wrong."""
    found = writer.findings.results
    part = writer.say(f"part.{writer.findings.judged_by}")
    about = html.paragraph(writer.say("results.about", part=part), "soft")
    shown = _of_numbers(writer, found) if isinstance(found, Regression) else _of_classes(writer, found)
    return html.section(writer.say("results"), about, *shown)


def _drawn(writer: Writer, shown: int, total: int, key: str = "shown") -> str:
    return writer.say(key, shown=f"{shown:,}", total=f"{total:,}") if shown < total else ""


# Numbers


def _of_numbers(writer: Writer, found: Regression) -> list[str]:
    target = shortened(writer.findings.model.target)
    residual = writer.say("residual")
    fit, quantiles = found.fit, found.quantiles
    heading = {key: writer.say(key) for key in ("fit", "quantiles")}
    labels = writer.say("true", target=target), writer.say("predicted", target=target)
    figures = [
        html.figure(
            heading["fit"],
            charts.predicted_against_true(fit.x, fit.y, labels, heading["fit"]),
            writer.say("fit.caption"),
            _drawn(writer, len(fit.x), fit.total),
        ),
        *(_residuals(writer, one, residual) for one in found.residuals),
        html.figure(
            heading["quantiles"],
            charts.normal_quantiles(
                quantiles.x,
                quantiles.y,
                found.centre,
                (writer.say("quantiles.x"), writer.say("quantiles.y")),
                heading["quantiles"],
            ),
            writer.say("quantiles.caption"),
            _drawn(writer, len(quantiles.x), quantiles.total),
        ),
    ]
    tables = []
    if found.influential:
        figures.append(_influential(writer, found.influential))
        tables.append(_worst(writer, found.influential, target))
    drawn, d = len(found.residuals) - 1, writer.findings.model.n_features
    chosen = (
        html.paragraph(writer.say("chosen", shown=f"{drawn:,}", total=f"{d:,}"), "soft") if drawn < d else ""
    )
    return [chosen, html.grid(*figures), *tables]


def _residuals(writer: Writer, found: Residuals, label: str) -> str:
    if found.feature is None:
        x_label = writer.say("predicted", target=shortened(writer.findings.model.target))
        heading, caption = writer.say("residuals.predicted"), writer.say("residuals.predicted.caption")
    else:
        x_label = found.feature
        heading = writer.say("residuals.feature", feature=name_html(found.feature))
        caption = writer.say("residuals.feature.caption", share=percent(found.trend.share))
    points = found.points
    picture = charts.residuals(points.x, points.y, found.trend, (x_label, label), html.untagged(heading))
    drawn = _drawn(writer, len(points.x), points.total)
    n = writer.findings.rows[writer.findings.judged_by]
    if points.total < n:
        drawn += writer.say("shown.missing")
    if found.feature is not None and n > MOST_ROWS:
        drawn += writer.say("shown.means", rows=f"{MOST_ROWS:,}")
    return html.figure(heading, picture, caption, drawn)


def _influential(writer: Writer, found: Influential) -> str:
    heading, points = writer.say("leverage"), found.points
    labels = writer.say("leverage.x"), writer.say("leverage.y")
    picture = charts.leverage(points.x, points.y, found.rank, labels, heading)
    drawn = _drawn(writer, len(points.x), points.total, "shown.worst")
    return html.figure(heading, picture, writer.say("leverage.caption"), drawn)


def _worst(writer: Writer, found: Influential, target: str) -> str:
    keys = ("row", "cook", "leverage.x", "true", "predicted")
    head = [writer.say(key, target=name_html(target)) for key in keys]
    rows = [
        [f"{row:,.0f}", number(d, 3), number(h, 3), number(y), number(p)]
        for y, p, h, d, row in found.worst.tolist()
    ]
    return html.table(writer.say("influential"), head, rows)


# Classes


def _of_classes(writer: Writer, found: Classification) -> list[str]:
    classes = writer.findings.model.classes
    few = len(classes) <= MOST_IN_MATRIX
    return [
        _matrix(writer, found.counts) if few else _confusions(writer, found.counts),
        _each_class(writer, found.counts),
        html.grid(_calibration(writer, found), *_binary(writer, found)),
        _templates(writer, found),
        _mistakes(writer, found),
    ]


def _matrix(writer: Writer, counts: NDArray[np.int64]) -> str:
    names = [name_html(name, 18) for name in writer.findings.model.classes]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shades = np.ceil(shares * SHADES).astype(int).tolist()
    caption = writer.say("confusion")
    head = "".join(f'<th scope="col"><span>{name}</span></th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(f'<td class="h{shade}">{count:,}</td>' for count, shade in zip(line, of_line, strict=True))
        + "</tr>"
        for name, line, of_line in zip(names, counts.tolist(), shades, strict=True)
    )
    corner = f"{writer.say('true.class')} ↓ {writer.say('predicted.class')} →"
    whole = (
        f'<table class="matrix"><thead><tr><td>{corner}</td>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )
    return (
        f"<h3>{caption}</h3>"
        + html.boxed(caption, whole)
        + html.paragraph(writer.say("confusion.caption"), "soft")
    )


def _confusions(writer: Writer, counts: NDArray[np.int64]) -> str:
    names = writer.findings.model.classes
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]
    pairs = [divmod(int(i), len(counts)) for i in order if wrong.flat[i]]
    rows = [[name_html(names[i]), name_html(names[j]), f"{counts[i, j]:,}"] for i, j in pairs]
    head = [writer.say(key) for key in ("true.class", "predicted.class", "count")]
    return html.table(writer.say("confusions"), head, rows) if rows else ""


def _each_class(writer: Writer, counts: NDArray[np.int64]) -> str:
    """Return how much of each class is found; of many classes those of which least is."""
    right, of_class, taken = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    found, intervals = right / np.maximum(of_class, 1), diagnostics.wilson(right, of_class)
    order = np.arange(len(counts))
    if len(counts) > MOST_CLASSES:
        order = np.argsort(np.where(of_class > 0, found, 2), kind="stable")[:MOST_CLASSES]
    rows = []
    for i in order.tolist():
        low, high = (percent(end) for end in intervals[i])
        recall = [percent(found[i]), low, high] if of_class[i] else [number(None)] * 3
        precision = percent(right[i] / taken[i]) if taken[i] else number(None)
        rows.append([name_html(writer.findings.model.classes[i]), f"{of_class[i]:,}", *recall, precision])
    if len(counts) > len(order):
        rows.append([writer.say("more", n=f"{len(counts) - len(order):,}")])
    head = [writer.say(key) for key in ("class", "count", "found", "low", "high", "precise")]
    return html.table(writer.say("per.class"), head, rows) + html.paragraph(
        writer.say("per.class.caption"), "soft"
    )


def _calibration(writer: Writer, found: Classification) -> str:
    classes = writer.findings.model.classes
    kind = "binary" if len(classes) == 2 else "surest"
    heading = writer.say("calibration")
    labels = writer.say("calibration.x"), writer.say(f"calibration.y.{kind}", name=shortened(classes[1], 14))
    picture = charts.calibration(found.calibration, labels, heading)
    return html.figure(
        heading, picture, writer.say(f"calibration.caption.{kind}", name=name_html(classes[1]))
    )


def _binary(writer: Writer, found: Classification) -> list[str]:
    """Return the curves of two classes, if there are two and both have rows."""
    names = writer.findings.model.classes[:2]
    plain: dict[str, Any] = dict(
        zip(("first", "second"), (shortened(name, 12) for name in names), strict=True)
    )
    tagged: dict[str, Any] = dict(zip(("first", "second"), map(name_html, names), strict=True))
    share = float(found.counts[1].sum() / found.counts.sum()) if len(names) == 2 else 0.0
    figures = []
    for key, curve, reference in (
        ("roc", found.roc, (0.0, 1.0)),
        ("pr", found.precision_recall, (share, share)),
    ):
        if curve is not None:
            heading = writer.say(key, area=f"{curve.area:.4f}")
            labels = writer.say(f"{key}.x", **plain), writer.say(f"{key}.y", **plain)
            picture = charts.curve(curve, reference, labels, heading)
            figures.append(
                html.figure(heading, picture, writer.say(f"{key}.caption", **tagged, share=percent(share)))
            )
    return figures


def _templates(writer: Writer, found: Classification) -> str:
    if found.templates is None:
        return ""
    classes = writer.findings.model.classes
    names = classes[-len(found.templates) :] if len(found.templates) < len(classes) == 2 else classes
    largest = float(np.abs(found.templates).max()) or 1.0
    items = [
        (_diverging(image / largest), writer.say("template", name=shortened(name)), name_html(name, 20))
        for image, name in zip(found.templates, names, strict=False)
    ]
    return html.figure(writer.say("templates"), html.thumbnails(items), writer.say("templates.caption"))


def _diverging(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return values (h, w) from −1 to 1 as colours (h, w, 3) from red over white to blue."""
    red, blue = np.array([178.0, 24, 43]), np.array([33.0, 102, 172])
    strength = np.abs(values)[..., None]
    colours = 255 + strength * (np.where(values[..., None] < 0, red, blue) - 255)
    pixels: NDArray[np.uint8] = np.rint(colours).astype(np.uint8)
    return pixels


def _mistakes(writer: Writer, found: Classification) -> str:
    items = [
        (
            255 - one.pixels,
            writer.say("mistake", true=shortened(one.true), predicted=shortened(one.predicted)),
            f"{name_html(one.true, 20)}<br>→ {name_html(one.predicted, 20)} {percent(one.probability, 0)}",
        )
        for one in found.mistakes
    ]
    if not items:
        return ""
    return html.figure(writer.say("mistakes"), html.thumbnails(items), writer.say("mistakes.caption"))

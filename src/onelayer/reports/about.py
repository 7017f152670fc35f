"""The sections on the data, the model, its training and how to do it again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onelayer.reports import charts, html
from onelayer.reports.findings import Findings, Score
from onelayer.reports.judged import Classification
from onelayer.reports.terms import Equation, Group, Term
from onelayer.reports.text import MINUS, name_html, number, percent, probability, text_html
from onelayer.reports.words import Language, say

MOST_NOTES = 50
MOST_NAMED = 12  # classes, and columns in a warning
MOST_BARS = 25  # coefficients in a picture
LARGEST_LOG = 700.0  # of odds that are a number
MOST_PICTURES = 4  # of coefficients


@dataclass(frozen=True)
class Writer:
    """Writes sections on findings in one language."""

    findings: Findings
    language: Language

    def say(self, key: str, **values: str) -> str:
        """Return a sentence with values in their places: HTML, or plain text for the labels of a picture."""
        return say(key, self.language, **values)

    @property
    def target(self) -> str:
        """The name of the target as HTML."""
        return name_html(self.findings.model.target)

    def names(self, names: Sequence[str], most: int = MOST_NAMED) -> str:
        """Return names as HTML, the first of many."""
        shown = self.say("comma").join(map(name_html, names[:most]))
        more = len(names) - most
        return f"{shown} {self.say('more', n=f'{more:,}')}" if more > 0 else shown

    # The head

    def head(self) -> str:
        """Return what was predicted from what, and how well."""
        model, rows = self.findings.model, self.findings.rows
        kind = "class" if model.classes else "number"
        lead = self.say(
            f"lead.{kind}",
            model=self.say(model.kind),
            target=self.target,
            features=f"{model.n_features:,}",
            classes=f"{len(model.classes):,}",
            train=f"{rows['train']:,}",
            data=name_html(model.data),
        )
        first = self.findings.scores[0]
        judged = [score for score in self.findings.scores if score.part == first.part]
        how = "judged.fold" if first.part == "folds" and first.rows == 1 else f"judged.{first.part}"
        return (
            f"<header><h1>{self.say(f'heading.{kind}', target=self.target)}</h1>"
            + html.paragraph(lead)
            + html.paragraph(self.say(how, n=f"{first.rows:,}"))
            + f'<div class="tiles">{"".join(map(self._tile, judged))}</div>'
            + html.paragraph(self._baseline(), "soft")
            + "</header>"
        )

    def _tile(self, score: Score) -> str:
        interval = ""
        if score.interval:
            key = "range" if score.part == "folds" else "interval"
            low, high = (_score(score.name, end) for end in score.interval)
            interval = f"<small>{self.say(key, low=low, high=high)}</small>"
        value = _score(score.name, score.value)
        return f"<div><span>{self.say(score.name)}</span><strong>{value}</strong>{interval}</div>"

    def _baseline(self) -> str:
        results = self.findings.results
        if isinstance(results, Classification):
            return self.say("baseline.class", share=percent(results.largest))
        return self.say("baseline.number", target=self.target)

    def warnings(self) -> str:
        """Return what a reader should beware of."""
        found = self.findings
        items = [text_html(warning) for warning in found.extras.warnings]
        if found.judged_by == "train" and not found.extras.folds:
            items.append(self.say("warning.train"))
        if found.is_scarce and found.rows_per_coefficient is not None:
            kind = "class" if found.model.classes else "number"
            items.append(self.say(f"warning.scarce.{kind}", ratio=number(found.rows_per_coefficient, 2)))
        if far := [column.feature for column in found.columns if column.is_large]:
            items.append(self.say("warning.drift", names=self.names(far)))
        return (
            f'<section class="warnings"><h2>{self.say("warnings")}</h2>{html.bullets(items)}</section>'
            if items
            else ""
        )

    # The data

    def data(self) -> str:
        """Return the rows, the columns and what was done to them."""
        found, model = self.findings, self.findings.model
        facts = [(self.say(f"part.{part}"), f"{n:,}") for part, n in found.rows.items()]
        shape = model.image_shape
        facts.append(
            (self.say("image"), f"{shape[0]} × {shape[1]}")
            if shape
            else (self.say("features"), f"{model.n_features:,}")
        )
        if model.encoding is not None:
            facts.append(
                (self.say("columns"), self.names([column.name for column in model.encoding.columns]))
            )
        facts.append((self.say("target"), self.target))
        if model.classes:
            facts.append((self.say("classes"), self.names(model.classes)))
        notes = [text_html(note) for note in found.extras.notes]
        if len(notes) > MOST_NOTES:
            notes[MOST_NOTES:] = [self.say("more", n=f"{len(notes) - MOST_NOTES:,}")]
        done = f"<h3>{self.say('done')}</h3>{html.bullets(notes)}" if notes else ""
        return html.section(self.say("data"), html.pairs(facts), done, self._drift())

    def _drift(self) -> str:
        columns = self.findings.columns
        if not columns:
            return ""
        n, m = self.findings.rows["train"], self.findings.rows[self.findings.judged_by]
        part = self.say(f"part.{self.findings.judged_by}")
        head = [
            self.say("feature"),
            self.say("mean.train"),
            self.say("mean.judged", part=part),
            self.say("difference"),
        ]
        rows = [
            [
                name_html(c.feature),
                number(c.means[0]),
                number(c.means[1]),
                f"{c.difference:+.2f}".replace("-", MINUS),
            ]
            for c in columns
        ]
        about = self.say("drift.about", chance=f"{2 * np.sqrt(1 / n + 1 / m):.2f}")
        return html.table(self.say("drift"), head, rows) + html.paragraph(about, "soft")

    # The model

    def model(self) -> str:
        """Return the model as formulas, and how it was fitted."""
        found, plan = self.findings, self.findings.run.plan
        values = {"solver": plan.solver, "C": f"{plan.C:g}", "parameters": f"{found.run.parameters:,}"}
        values["alpha"] = f"{plan.alpha:g}"
        kind = "penalty" if plan.model == "softmax" else "ridge"
        if plan.l1_ratio:
            used = np.count_nonzero(found.model.weight.any(axis=0))
            values |= {"used": f"{used:,}", "features": f"{found.model.n_features:,}"}
            values |= {"l1": f"{plan.l1_ratio:g}", "share": f"{1 - plan.l1_ratio:g}"}
            kind = f"net.{plan.model}"
        how = "sgd" if not plan.is_exact else kind if plan.is_penalised else "exact"
        epochs = len(found.run.history.epochs)
        fitted = self.say(
            f"fitted.{how}", **values, epochs=f"{epochs:,}", batch=f"{plan.batch_size:,}", lr=f"{plan.lr:g}"
        )
        return html.section(self.say("model"), *self._formulas(), html.paragraph(fitted))

    def _formulas(self) -> list[str]:
        found, model = self.findings, self.findings.model
        if model.hidden_weight is not None:
            sizes = {
                "features": model.n_features,
                "hidden": model.weight.shape[1],
                "outputs": len(model.bias),
            }
            return [html.paragraph(self.say("formula.hidden", **{k: f"{n:,}" for k, n in sizes.items()}))]
        if not found.equations:
            sizes = {"classes": len(model.classes), "features": model.n_features}
            return [html.paragraph(self.say("formula.pixels", **{k: f"{n:,}" for k, n in sizes.items()}))]
        formulas = [html.paragraph(self._formula(equation), "formula") for equation in found.equations]
        if not model.classes:
            return formulas
        if len(model.classes) == 2:
            return [*formulas, html.paragraph(self.say("formula.binary", second=name_html(model.classes[1])))]
        if more := len(model.classes) - len(found.equations):
            formulas.append(html.paragraph(self.say("formulas.more", n=f"{more:,}")))
        return [*formulas, html.paragraph(self.say("formula.class"))]

    def _formula(self, equation: Equation) -> str:
        if equation.output is None:
            left = self.target
        elif equation.against is None:
            left = self.say("score", name=name_html(equation.output))
        else:
            left = self.say("log-odds", second=name_html(equation.output), first=name_html(equation.against))
        terms = "".join(
            f" <span>{MINUS if weight < 0 else '+'} {number(abs(weight))} × {name_html(name)}</span>"
            for name, weight in equation.terms
        )
        more = (
            f" + … <small>({self.say('terms.more', n=f'{equation.more:,}')})</small>" if equation.more else ""
        )
        known = self.findings.model.offset
        offset = "" if known is None else f" <span>+ {self.say('offset', name=name_html(known))}</span>"
        return f"{left} = {number(equation.bias)}{terms}{offset}{more}"

    # Coefficients

    def coefficients(self) -> str:
        """Return the coefficients as pictures and as a table."""
        found = self.findings
        if not found.groups:
            return ""
        known = found.extras.coefficients
        pictures = [self._bars(group) for group in found.groups[:MOST_PICTURES]]
        notes = [] if known is None else [text_html(note) for note in known.notes]
        if known is not None and known.reference is not None:
            notes.insert(0, self.say("coefficients.reference", name=name_html(known.reference)))
        if more := sum(group.more for group in found.groups):
            notes.append(self.say("coefficients.more", n=f"{more:,}"))
        if (others := self._outputs() - len(found.groups)) > 0:
            notes.append(self.say("groups.more", n=f"{others:,}"))
        return html.section(
            self.say("coefficients"),
            html.grid(*pictures),
            self._table(),
            html.bullets(notes) if notes else "",
        )

    def _outputs(self) -> int:
        known, classes = self.findings.extras.coefficients, self.findings.model.classes
        if known is not None:
            return len(known.outputs)
        return 1 if len(classes) <= 2 else len(classes)

    def _what(self) -> str:
        """Return what coefficients change."""
        model = self.findings.model
        if not model.classes:
            return self.say("the target", target=self.target)
        is_logit = len(model.classes) == 2 or self.findings.extras.coefficients is not None
        return self.say("the log-odds" if is_logit else "the score")

    def _bars(self, group: Group) -> str:
        terms = [term for term in group.terms if term.name is not None and term.estimate][:MOST_BARS]
        if not terms:
            return ""
        known = self.findings.extras.coefficients
        deviation = np.array([term.deviation for term in terms])
        estimate = deviation * [term.estimate for term in terms]
        interval = deviation[:, None] * [term.interval for term in terms]
        heading = self.say("coefficients.picture")
        if group.output is not None:
            heading += self.say("colon") + name_html(group.output)
        picture = charts.coefficients(
            [term.name or "" for term in terms],
            estimate,
            interval,
            self.say("coefficients.effect"),
            html.untagged(heading),
        )
        level = ""
        if known is not None and self._has_errors:
            level = self.say("coefficients.intervals", level=percent(known.level, 0))
        return html.figure(heading, picture, self.say("coefficients.caption", what=self._what()), level)

    @property
    def _has_errors(self) -> bool:
        """Whether anything is known of the errors of coefficients."""
        known = self.findings.extras.coefficients
        return known is not None and not np.isnan(known.std_err).all()

    def _table(self) -> str:
        known, groups = self.findings.extras.coefficients, self.findings.groups
        head = [self.say("feature"), self.say("estimate")]
        if known is not None:
            head += [self.say("odds")] if known.reference is not None else []
        if known is not None and self._has_errors:
            head += [self.say(key) for key in ("std_err", "statistic", "p")]
            head += [self.say("level.from", level=percent(known.level, 0)), self.say("to")]
        rows: list[list[str]] = []
        for group in groups:
            if group.output is not None:
                rows.append([name_html(group.output)])
            # Without errors there is nothing to say of features that a penalty has left out.
            terms = [t for t in group.terms if t.estimate or self._has_errors or known is None]
            rows += [self._coefficient(term, known is not None) for term in terms]
        return html.table(
            self.say("coefficients.table", what=self._what()), [*head, self.say("effect")], rows
        )

    def _coefficient(self, term: Term, is_known: bool) -> list[str]:
        cells = [self.say("bias") if term.name is None else name_html(term.name), number(term.estimate, 5)]
        if is_known:
            cells += [number(np.exp(min(term.estimate, LARGEST_LOG)))] if self.findings.model.classes else []
        if self._has_errors:
            cells += [
                number(term.std_err),
                number(term.statistic, 3),
                probability(term.p),
                *map(number, term.interval),
            ]
        return [*cells, number(None if term.name is None else term.effect)]

    # Training, scores and how to do it again

    def training(self) -> str:
        """Return the curves of training, if there were epochs."""
        records = self.findings.run.history.epochs
        if not records:
            return ""
        held_out = self.say(f"part.{self.findings.run.prepared.held_out_name}")
        figures = []
        for what in ("loss", "accuracy"):
            parts = [
                (order, name, [getattr(record, f"{part}_{what}") for record in records])
                for order, part, name in (
                    ("first", "train", self.say("curve.train")),
                    ("second", "held_out", held_out),
                )
            ]
            parts = [part for part in parts if part[2][0] is not None]
            if not parts:
                continue
            label = (
                self.say("loss" if self.findings.model.classes else "curve.number")
                if what == "loss"
                else self.say(what)
            )
            heading = self.say(f"curve.{what}")
            labels = (self.say("epoch"), label)
            picture = charts.epochs(
                [r.epoch for r in records], [values for _, _, values in parts], labels, heading
            )
            keys = " ".join(f'<span class="key {order}">{name}</span>' for order, name, _ in parts)
            figures.append(html.figure(heading, picture, keys))
        return html.section(self.say("training"), html.grid(*figures))

    def scores(self) -> str:
        """Return all scores as a table."""
        rows = [
            [
                self.say(score.name),
                f"{self.say(f'part.{score.part}')} ({score.rows:,})",
                _score(score.name, score.value),
                *(_score(score.name, end) for end in score.interval or (None, None)),
            ]
            for score in self.findings.scores
        ]
        head = [self.say(key) for key in ("scored", "on", "value", "from", "to")]
        about = [self.say("scores.about")]
        if len(self.findings.extras.folds) > 1:
            about.append(self.say("scores.folds"))
        return html.section(
            self.say("scores"),
            html.table(self.say("scores"), head, rows, is_alone=True),
            *(html.paragraph(p, "soft") for p in about),
        )

    def reproduction(self) -> str:
        """Return what someone needs to get the same model."""
        found = self.findings
        facts = (
            [(self.say("command"), f"<code>{text_html(found.extras.command)}</code>")]
            if found.extras.command
            else []
        )
        facts += [
            (self.say("seed"), f"{found.run.plan.seed}"),
            (
                self.say("versions"),
                self.say("comma").join(f"{name} {version}" for name, version in found.versions.items()),
            ),
            (self.say("sha256"), f"<code>{found.model_sha256}</code>"),
        ]
        return html.section(self.say("reproduce"), html.pairs(facts))


def _score(name: str, value: float | None) -> str:
    """Return a score as it is read: errors in the target's units, all else with four decimals."""
    return number(value) if name == "rmse" or value is None else f"{value:.4f}".replace("-", MINUS)

"""The section on how the penalty was chosen."""

import numpy as np

from onelayer.reports import charts, html
from onelayer.reports.about import Writer
from onelayer.reports.text import name_html, number


def penalty(writer: Writer) -> str:
    """Return the section, if the penalty was chosen."""
    found, run = writer.findings.path, writer.findings.run
    if found is None:
        return ""
    is_linear, plan = run.plan.model == "linear", run.plan
    strength = f"{plan.penalty_name} = {number(plan.strength)}"
    about = writer.say(
        f"chosen.{plan.rule}",
        strength=strength,
        n=f"{len(found.error):,}",
        folds=f"{plan.cv}",
        error=number(found.error[found.chosen]),
        standard_error=number(found.standard_error[found.chosen], 2),
    )
    label = writer.say("chosen.alpha" if is_linear else "chosen.C")
    error = writer.say("chosen.error.number" if is_linear else "loss")
    heading, effects = writer.say("chosen.errors"), writer.say("chosen.effects")
    at = float(found.strength[found.chosen])
    ends = np.stack([found.error - found.standard_error, found.error + found.standard_error], axis=1)
    figures = (
        html.figure(
            heading,
            charts.penalties(found.strength, found.error, ends, at, (label, error), heading),
            writer.say("chosen.errors.caption"),
        ),
        html.figure(
            effects,
            charts.paths(found.strength, found.effects, at, (label, writer.say("chosen.effect")), effects),
            writer.say("chosen.effects.caption", names=writer.say("comma").join(map(name_html, found.names))),
        ),
    )
    return html.section(writer.say("chosen.title"), html.paragraph(about), html.grid(*figures))

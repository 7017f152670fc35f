"""The directive ``commands``: every command of ``onelayer`` with its options, read from the command line itself."""

import re
from collections.abc import Iterator
from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from onelayer.cli import app as command_line

GENERAL = "Options"  # of no panel


class Commands(SphinxDirective):
    """A section for each command: its use, what it does, and its options by the panels of its help."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        return [
            self._section(name, command) for name, command in _commands(typer.main.get_command(command_line))
        ]

    def _section(self, name: str, command: Any) -> nodes.section:
        context = command.context_class(command, info_name=f"onelayer {name}")
        title = nodes.title(text=f"onelayer {name}")
        section = nodes.section(
            "", title, ids=[nodes.make_id(f"onelayer {name}")], names=[f"onelayer {name}"]
        )
        self.state.document.note_explicit_target(section)
        section += nodes.literal_block(
            "", command.get_usage(context).removeprefix("Usage: "), language="none"
        )
        section += [_paragraph(" ".join(text.split())) for text in command.help.split("\n\n")]
        panels: dict[str, list[Any]] = {}
        for parameter in command.params:
            panels.setdefault(getattr(parameter, "rich_help_panel", None) or GENERAL, []).append(parameter)
        for panel, parameters in panels.items():
            section += [nodes.rubric(text=panel), _definitions(parameters, context)]
        return section


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the commands of a group and of the groups in it, each with its whole name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield before + name, command


def _definitions(parameters: list[Any], context: Any) -> nodes.definition_list:
    """Return a list of options and arguments, each with what the help says of it."""
    items = nodes.definition_list()
    for parameter in parameters:
        spelled, said = parameter.get_help_record(context)
        term = nodes.term("", "", nodes.literal(text=spelled))
        items += nodes.definition_list_item("", term, nodes.definition("", _paragraph(said)))
    return items


def _paragraph(text: str) -> nodes.paragraph:
    """Return a paragraph in which options stand as code: two hyphens would become a dash."""
    pieces = re.split(r"(--[a-z][\w-]*)", text)
    parts = [nodes.literal(text=piece) if piece.startswith("--") else nodes.Text(piece) for piece in pieces]
    return nodes.paragraph("", "", *parts)


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

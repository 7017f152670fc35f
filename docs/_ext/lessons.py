"""The directive ``lessons``: the course's list in one language, with links to the lessons that lie beside the pages."""

from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from onelayer.lab.course import COURSE
from onelayer.lab.interface import LANGUAGES


class Lessons(SphinxDirective):
    """A list of all lessons: title, with a link, and summary. Its page is at the root of the site."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        language: Any = directives.choice(self.arguments[0], LANGUAGES)
        items = nodes.enumerated_list()
        for entry in COURSE:
            address = f"lessons/{language}/{entry.slug}.html"
            link = nodes.reference("", entry.title[language], refuri=address, internal=True)
            line = nodes.paragraph("", "", link, nodes.Text(" "), nodes.Text(entry.summary[language]))
            items += nodes.list_item("", line)
        return [items]


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the directive known."""
    app.add_directive("lessons", Lessons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

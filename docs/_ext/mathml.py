"""Formulas of the pages as MathML, set by the lessons' own code and font: no script, and nothing from elsewhere."""

from typing import Any, NoReturn

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from onelayer.errors import OneLayerError
from onelayer.lab.mathml import formula
from onelayer.lab.pages import STATIC

logger = logging.getLogger(__name__)


def _write(translator: HTML5Translator, node: nodes.Element, display: bool) -> NoReturn:
    """Add a formula to the page, or warn at its place: the site is built with warnings as errors."""
    try:
        translator.body.append(formula(node.astext().strip(), display))
    except OneLayerError as error:
        logger.warning("%s", error, location=node, type="mathml")
    raise nodes.SkipNode


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    _write(translator, node, display=False)


def _displayed(translator: HTML5Translator, node: nodes.math_block) -> None:
    _write(translator, node, display=True)


def _use_font(app: Sphinx) -> None:
    app.config.html_static_path += [str(STATIC / name) for name in ("math.css", "math.woff2")]
    app.add_css_file("math.css")


def setup(app: Sphinx) -> dict[str, Any]:
    """Make ``mathml`` a value of Sphinx's ``html_math_renderer``."""
    app.add_html_math_renderer("mathml", (_inline, None), (_displayed, None))
    app.connect("builder-inited", _use_font, priority=100)  # before the builder reads its static paths
    return {"parallel_read_safe": True, "parallel_write_safe": True}

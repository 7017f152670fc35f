"""How Sphinx makes the site: `make docs`, without a network, into files that open from disk."""

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import onelayer  # noqa: E402 - beside Sphinx's own settings

project = "onelayer"
author = "The onelayer authors"
copyright = f"2026 {author}"
version = release = onelayer.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "commands",
    "lessons",
    "mathml",
]
exclude_patterns = ["_build", "gallery"]
if not (HERE.parent / "benchmarks" / "RESULTS.md").exists():  # before the first `make bench`
    exclude_patterns.append("results/measured.*")
templates_path = ["_templates"]
suppress_warnings = [
    "config.cache",  # the gallery's settings hold a function
    "toc.excluded",  # results/measured, see above
]

# Pages
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4  # links to a section, as on GitHub
html_math_renderer = "mathml"

# Docstrings
autodoc_default_options = {"members": True, "inherited-members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
napoleon_attr_annotations = False  # docstrings give shapes, which say more than Any
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r"\.py",
    "image_scrapers": ("figures.last_figure",),
    "ignore_repr_types": r"Figure",  # it is shown
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

# The look
html_theme = "pydata_sphinx_theme"
html_title = "onelayer"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "show_prev_next": False,
    "footer_end": [],
}
html_sidebars = {name: [] for name in ("index", "changelog", "building", "comparison", "lessons")}


def _skip_foreign(app: Any, what: str, name: str, member: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what classes inherit from other packages: those document it."""
    function = getattr(member, "fget", member)
    home = getattr(function, "__module__", None) or "onelayer"
    return True if not home.startswith("onelayer") else None


def _set_language(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Tell browsers and screen readers which pages are Chinese."""
    if pagename.startswith("zh/"):
        context["language"] = "zh-CN"


def setup(app: Any) -> None:
    """Connect the two functions above."""
    app.connect("autodoc-skip-member", _skip_foreign)
    app.connect("html-page-context", _set_language)

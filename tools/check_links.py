"""Check the links of a folder of HTML: each leads to a file and a place in it, and nothing is loaded from elsewhere.

python tools/check_links.py docs/_build/html
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

EXTERNAL = re.compile(r"(https?://[\w.-]+\.[a-z]+(:\d+)?(/\S*)?|mailto:[^@\s]+@[^@\s]+)", re.IGNORECASE)
IN_CSS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
TEMPLATES = "_static"  # where a theme keeps HTML that is no page
ADDRESSES = {"href", "src", "poster", "data", "srcset"}  # attributes with an address


class Page(HTMLParser):
    """A page's addresses and the places in it.

    Attributes:
        links: what a reader can follow.
        loaded: what a browser loads by itself.
        places: the ids that links may name.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element's id and addresses."""
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.places.add(value)
            elif name in ADDRESSES:
                (self.links if tag in ("a", "area") else self.loaded).append(value)
            elif name == "style":
                self.loaded += _in_css(value)


def _in_css(text: str) -> list[str]:
    return [first or second for first, second in IN_CSS.findall(text)]


def mistakes(root: Path) -> Iterator[str]:
    """Yield a sentence for each address in the folder that leads nowhere, or loads something from elsewhere."""
    paths = sorted(root.rglob("*.html"))
    pages = {path.resolve(): Page(path) for path in paths if TEMPLATES not in path.parts}
    for path, page in pages.items():
        where = path.relative_to(root.resolve())
        for link in page.links:
            if urlsplit(link).scheme and not link.startswith("data:"):
                if not EXTERNAL.fullmatch(link):
                    yield f"{where}: {link} is no address"
            elif problem := _problem(path, link, pages):
                yield f"{where}: {link} {problem}"
        for address in page.loaded:
            if problem := _elsewhere(address) or _problem(path, address, pages):
                yield f"{where}: {address} {problem}"
    for path in sorted(root.rglob("*.css")):
        for address in _in_css(path.read_text(encoding="utf-8")):
            if problem := _elsewhere(address) or _problem(path.resolve(), address, pages):
                yield f"{path.relative_to(root)}: {address} {problem}"


def _elsewhere(address: str) -> str:
    parts = urlsplit(address)
    return "" if parts.scheme == "data" or not (parts.scheme or parts.netloc) else "is loaded from elsewhere"


def _problem(path: Path, address: str, pages: dict[Path, Page]) -> str:
    """Return what is wrong with an address within the folder, or nothing."""
    parts = urlsplit(address)
    if parts.scheme == "data":
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return "is not there"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
        return "is no place in that page"
    return ""


def main() -> int:
    """Print what is wrong with the folder that is named."""
    found = list(mistakes(Path(sys.argv[1])))
    print(*found, sep="\n", end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

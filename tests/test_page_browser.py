"""The page of a run in a real browser: it asks for nothing, complains of nothing, and fits a phone."""

from collections.abc import Iterator

import pytest

browser = pytest.importorskip("browser", reason="playwright is not installed", exc_type=ImportError)
from playwright.sync_api import Browser  # noqa: E402

from onelayer import Settings, houses, train  # noqa: E402
from onelayer.reports import Extras, findings, page  # noqa: E402
from test_page import HOSTILE, classes_of  # noqa: E402

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.chromium() as found:
        yield found


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Pages as files, by name."""
    folder = tmp_path_factory.mktemp("pages")
    runs = {
        "houses": train(houses(), Settings(solver="auto")),
        "hostile": train(classes_of(HOSTILE[:3], HOSTILE), Settings(epochs=2)),
        "two": train(classes_of(HOSTILE[1:3], HOSTILE), Settings(solver="auto")),
    }
    extras = Extras(notes=HOSTILE, warnings=HOSTILE, command=" ".join(HOSTILE))
    for name, run in runs.items():
        for language in ("en", "zh"):
            (folder / f"{name}.{language}.html").write_text(page(findings(run, extras), language))
    return {path.name: path for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    "name", [f"{name}.{tag}.html" for name in ("houses", "hostile", "two") for tag in ("en", "zh")]
)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_page_is_quiet_and_fits(chromium, paths, name, width, scheme):
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    messages, requests = [], []
    tab.on("console", lambda message: messages.append(message.text))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.on("dialog", lambda dialog: (messages.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(paths[name].as_uri())
    assert messages == [] and requests == [paths[name].as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 25, 29)"}[scheme], (
        "the style applies"
    )
    outside = tab.evaluate(
        """() => [...document.querySelectorAll('svg text')].filter(text => {
             const [box, frame] = [text, text.closest('svg')].map(e => e.getBoundingClientRect());
             return box.left < frame.left - 8 || box.right > frame.right + 8;
           }).map(text => text.textContent)"""
    )
    assert outside == [], "labels stay in their pictures"
    context.close()

"""How long does a lesson of the lab take to open, and from a control to the picture drawn anew, in Chromium?

Kernels are computed by the page, recorded experiments by the library behind it. Seconds to the first paint and
until a lesson can be used, and the median and the longest of moves of its controls.
"""

import sys
from pathlib import Path
from statistics import median
from typing import Any

from _measure import result_of, show, size
from _tables import figure, table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

ROUNDS = size(2, 1)
LONGEST = 1.0  # seconds to wait for a picture: a control may change none in the state that it is in

# The time from a control to the first frame after what its scene shows has changed.
MOVE = """([name, i, to]) => new Promise((resolve) => {
  const panel = document.querySelector(`#${CSS.escape(name)} .panel`);
  const shown = () => panel.querySelector('.pictures').innerHTML + panel.querySelector('.outcome').textContent;
  const item = panel.querySelectorAll('input[type=range], select')[i], before = shown(), start = performance.now();
  item.value = to;
  item.dispatchEvent(new Event(item.tagName === 'SELECT' ? 'change' : 'input'));
  const look = () => {
    const seconds = (performance.now() - start) / 1000;
    if (shown() !== before || seconds > 1) resolve(seconds); else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
STEPS = """([name, i]) => {
  const item = document.querySelectorAll(`#${CSS.escape(name)} .panel :is(input[type=range], select)`)[i];
  const [low, high] = item.tagName === 'SELECT' ? [0, item.length - 1] : [+item.min, +item.max];
  return [0.3, 0.7, 0.4, 0.6, 0.5].map((share) => {
    const step = item.step ? +item.step : 1;
    return Math.min(high, low + Math.round((share * (high - low)) / step) * step);
  });
}"""


def moves(page: Any, scene: str) -> list[float]:
    """Return the seconds of moves of all controls of a scene."""
    found = []
    count = page.locator(f"#{scene} .panel").locator("input[type=range], select").count()
    for i in range(count):
        for to in page.evaluate(STEPS, [scene, i])[:ROUNDS]:
            seconds = page.evaluate(MOVE, [scene, i, to])
            found += [seconds] if seconds < LONGEST else []
    return found


def measure(page: Any, address: str, slug: str) -> dict[str, float]:
    """Return the seconds of one lesson: to its first paint, until it can be used, and of its controls' moves."""
    import browser
    from onelayer.lab.course import COURSE
    from onelayer.lab.recording import scenes_of

    page.goto(f"{address}en/{slug}.html")
    browser.wait_for_lesson(page)
    paint, ready = page.evaluate(
        "[performance.getEntriesByType('paint')[0].startTime / 1000, performance.now() / 1000]"
    )
    browser.answer_all(page)
    kinds: dict[str, list[float]] = {"kernel": [], "recorded": []}
    for scene in scenes_of(next(entry for entry in COURSE if entry.slug == slug)):
        browser.go_to(page, scene.name)
        if scene.run is not None and scene.run.kind in kinds:
            kinds[scene.run.kind] += moves(page, scene.name)
    found = {"first paint": paint, "usable": ready}
    for name, times in zip(("by the page", "by the library"), kinds.values(), strict=True):
        found |= {name: median(times), f"{name}, longest": max(times)} if times else {}
    return found


def lessons() -> dict[str, dict[str, float]]:
    """Return the seconds of the lessons by their slugs.

    Raises:
        ImportError: without playwright.
        LookupError: without Chromium.
    """
    import browser
    from onelayer.lab.course import COURSE

    if browser.CHROMIUM is None:
        raise LookupError("no Chromium")
    slugs = [entry.slug for entry in COURSE][: size(None, 1)]
    with browser.lab_server() as address, browser.chromium() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 720})
        page.goto(address)
        start = address.split("?")[0]
        browser.open_lesson(page, f"{start}en/{slugs[0]}.html")  # the server is warm then
        return {slug: measure(page, start, slug) for slug in slugs}


def main() -> None:
    assert __doc__ is not None
    try:
        found = lessons()
    except (ImportError, LookupError) as error:
        show(result_of("lab_latency.py", __doc__, [], **{"not run": f"not run: {error}"}))
        return
    kinds = list(dict.fromkeys(kind for lesson in found.values() for kind in lesson))
    rows = [
        [slug, *(figure("s", lesson[k]) if k in lesson else "" for k in kinds)]
        for slug, lesson in found.items()
    ]
    medians = {kind: median(lesson[kind] for lesson in found.values() if kind in lesson) for kind in kinds}
    summary = [
        {"what": f"the lab: {what}", "ours": figure("s", medians[kind]), "theirs": "–", "ratio": "–"}
        for what, kind in (
            ("a picture drawn anew, by the page", "by the page"),
            ("a picture drawn anew, by the library", "by the library"),
            ("a lesson opened", "usable"),
        )
        if kind in medians
    ]
    show(
        result_of(
            "lab_latency.py", __doc__, [], rows=summary, lessons=found, tables=[table(["", *kinds], rows)]
        )
    )


if __name__ == "__main__":
    main()

"""How long a lesson takes to open in the lab, and from a control to the picture drawn anew, in Chromium.

    python benchmarks/lab_latency.py [slug ...]

All lessons, or those that are named. Kernels are computed by the page, recorded experiments by the library behind it.
"""

import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from playwright.sync_api import Page

import browser
from onelayer.lab.course import COURSE
from onelayer.lab.recording import scenes_of

ROUNDS = 5
LONGEST = 2.0  # seconds to wait for a picture: a control may change none in the state that it is in

# The time from a control to the first frame after what its scene shows has changed.
MOVE = """([name, i, to]) => new Promise((resolve) => {
  const panel = document.querySelector(`#${CSS.escape(name)} .panel`);
  const shown = () => panel.querySelector('.pictures').innerHTML + panel.querySelector('.outcome').textContent;
  const item = panel.querySelectorAll('input[type=range], select')[i], before = shown(), start = performance.now();
  item.value = to;
  item.dispatchEvent(new Event(item.tagName === 'SELECT' ? 'change' : 'input'));
  const look = () => {
    const seconds = (performance.now() - start) / 1000;
    if (shown() !== before || seconds > 2) resolve(seconds); else requestAnimationFrame(look);
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


def moves(page: Page, scene: str) -> list[float]:
    """Return the seconds of moves of all controls of a scene."""
    found = []
    count = page.locator(f"#{scene} .panel").locator("input[type=range], select").count()
    for i in range(count):
        for to in page.evaluate(STEPS, [scene, i])[:ROUNDS]:
            seconds = page.evaluate(MOVE, [scene, i, to])
            found += [seconds] if seconds < LONGEST else []
    return found


def measure(page: Page, address: str, slug: str) -> None:
    """Print the seconds of one lesson: to its first paint, until it can be used, and of its controls' moves."""
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
    columns = [
        f"{median(times):8.3f}{max(times):8.3f}" if times else f"{'–':>8}{'–':>8}" for times in kinds.values()
    ]
    print(f"{slug:20}{paint:8.2f}{ready:8.2f}{''.join(columns)}", flush=True)


def main() -> None:
    if browser.CHROMIUM is None:
        print("there is no Chromium on this machine")
        return
    slugs = sys.argv[1:] or [entry.slug for entry in COURSE]
    print(f"{'seconds':20}{'paint':>8}{'usable':>8}{'kernel':>8}{'most':>8}{'library':>8}{'most':>8}")
    with browser.lab_server() as address, browser.chromium() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 720})
        page.goto(address)
        start = address.split("?")[0]
        browser.open_lesson(page, f"{start}en/{slugs[0]}.html")  # the server is warm then
        for slug in slugs:
            measure(page, start, slug)


if __name__ == "__main__":
    main()

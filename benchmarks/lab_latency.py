"""How long a lesson takes to open, and from a key on a slider to the chart drawn anew, in Chromium.

    python benchmarks/lab_latency.py [slug ...]

All lessons, or those that are named. In the lesson on training each move trains for five epochs on 60,000 images.
"""

import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from playwright.sync_api import Browser

from browser import CHART, CHROMIUM, chromium, lab_server, open_lesson
from onelayer import Timer
from onelayer.lab.course import COURSE

ROUNDS = 4  # of a step to the right and one to the left, on each slider
LONGEST = 3  # seconds to wait for a chart
SLIDER = "marimo-slider [role=slider]"

# The time from the key to the first frame after any chart's content changed.
MOVE = """(slider, key) => new Promise(resolve => {
  const charts = [...document.querySelectorAll('#root marimo-mime-renderer')];
  const shown = () => charts.map(chart => (chart.shadowRoot ?? chart).querySelector('svg.marks')?.innerHTML).join();
  const before = shown(), start = performance.now();
  const look = () => { const now = shown();
    if (now !== before && !now.includes('undefined') || performance.now() - start > 3000)
      resolve((performance.now() - start) / 1000);
    else requestAnimationFrame(look); };
  slider.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
  requestAnimationFrame(look);
})"""


def measure(address: str, browser: Browser, slug: str) -> None:
    """Print the seconds of one lesson: to its first prose, until its charts are there, and of each slider's moves."""
    page = browser.new_context().new_page()
    timer = Timer()
    page.goto(f"{address}en/{slug}/", wait_until="commit")
    page.wait_for_selector("#lab-opening p")
    prose = timer.stop()
    page.wait_for_selector(CHART, timeout=60_000)
    ready = timer.stop()
    open_lesson(page, page.url)
    moves, sliders = [], page.locator(SLIDER)
    for i in range(sliders.count()):
        for _ in range(ROUNDS):
            pair = [sliders.nth(i).evaluate(MOVE, key) for key in ("ArrowRight", "ArrowLeft")]
            moves += [seconds for seconds in pair if seconds < LONGEST]
            if min(pair) >= LONGEST:  # the slider changes a table only
                break
    print(f"{slug:20}{prose:8.2f}{ready:8.2f}{median(moves):8.3f}{max(moves):8.3f}", flush=True)
    page.context.close()


def main() -> None:
    if CHROMIUM is None:
        print("there is no Chromium on this machine")
        return
    slugs = sys.argv[1:] or [entry.slug for entry in COURSE]
    print(
        f"{'seconds':20}{'prose':>8}{'ready':>8}{'median':>8}{'longest':>8} from a key on a slider to the chart"
    )
    with lab_server() as address, chromium() as browser:
        for slug in slugs:
            measure(address, browser, slug)


if __name__ == "__main__":
    main()

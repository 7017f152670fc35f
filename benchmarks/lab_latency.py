"""How long a lesson takes to open, and from a key on a slider to the chart drawn anew, in Chromium.

python benchmarks/lab_latency.py [slug]
"""

import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import CHART, chromium, lab_server, open_lesson
from onelayer import Timer

PAGES, MOVES = 5, 20
SLIDER = "marimo-slider [role=slider]"

# The time from the key to the first frame after any chart's content changed.
MOVE = """(slider) => new Promise(resolve => {
  const charts = [...document.querySelectorAll('#root marimo-mime-renderer')];
  const shown = () => charts.map(chart => (chart.shadowRoot ?? chart).querySelector('svg.marks')?.innerHTML).join();
  const before = shown(), start = performance.now();
  const look = () => { const now = shown();
    if (now !== before && !now.includes('undefined') || performance.now() - start > 3000)
      resolve((performance.now() - start) / 1000);
    else requestAnimationFrame(look); };
  slider.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
  requestAnimationFrame(look);
})"""


def main() -> None:
    slug = sys.argv[1] if len(sys.argv) > 1 else "linear-regression"
    prose, ready, moves = [], [], []
    with lab_server() as address, chromium() as browser:
        for _ in range(PAGES):
            page = browser.new_context().new_page()
            timer = Timer()
            page.goto(f"{address}en/{slug}/", wait_until="commit")
            page.wait_for_selector("#lab-opening p")
            prose.append(timer.stop())
            page.wait_for_selector(CHART, timeout=60_000)
            ready.append(timer.stop())
        open_lesson(page, page.url)
        sliders = page.locator(SLIDER)
        for i in range(sliders.count()):
            if sliders.nth(i).evaluate(MOVE) < 3:
                moves = [sliders.nth(i).evaluate(MOVE) for _ in range(MOVES)]
                break
    print(f"{slug}: medians of {PAGES} pages and {MOVES} moves, in seconds")
    print(f"first prose {median(prose):.2f}, ready {median(ready):.2f}, slider to chart {median(moves):.3f}")


if __name__ == "__main__":
    main()

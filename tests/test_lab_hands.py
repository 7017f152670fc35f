"""What a reader does to a lesson and sees of it: fingers on a phone, a zoomed page, a projector, keys and answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

browser = pytest.importorskip("browser", reason="playwright is not installed", exc_type=ImportError)
from playwright.sync_api import Browser, Locator, Page, expect  # noqa: E402

from onelayer.lab.course import COURSE  # noqa: E402

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="there is no Chromium on this machine")

SLUGS = [entry.slug for entry in COURSE]


def opened(
    page: Page, site: Path, slug: str, scene: str = "", language: str = "en", answered: bool = True
) -> Page:
    browser.open_lesson(page, f"{(site / language / slug).as_uri()}.html{scene and f'#{scene}'}")
    if answered:
        browser.answer_all(page)
    if scene:
        browser.go_to(page, scene.partition("?")[0])
    return page


# Fingers


class Finger:
    """One finger on a phone's screen, as the browser's engine has it."""

    def __init__(self, page: Page) -> None:
        self.page, self.session = page, page.context.new_cdp_session(page)

    def _send(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def drag(self, x: float, y: float, down: float) -> None:
        """Drag straight down, or up."""
        self._send("touchStart", (x, y))
        for i in range(1, 13):
            self._send("touchMove", (x, y + down * i / 12))
            self.page.wait_for_timeout(16)
        self._send("touchEnd")
        self.page.wait_for_timeout(100)


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, offline=True
    )
    yield context.new_page()
    context.close()


def middle(item: Locator) -> tuple[float, float]:
    box = item.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


GRIPS = [
    ("linear-regression", "line"),  # a handle
    ("cross-entropy", "likelihood"),  # on bars
    ("sgd", "walk"),  # it comes to wherever the plot is touched
    ("every-pixel", "segmentation"),  # on an image
]


@pytest.mark.parametrize(("slug", "scene"), GRIPS)
def test_a_finger_drags_a_grip_up_and_down_and_the_page_stays(phone, site, slug, scene):
    opened(phone, site, slug, scene)
    grip = phone.locator(f"#{scene} .grip").first
    x, y = middle(grip)
    plot = phone.locator(f"#{scene} svg.plot").first
    place = middle(plot)
    down = 80 if y < place[1] else -80
    shown = browser.snapshot(phone, scene)
    Finger(phone).drag(x, y, down)
    assert middle(plot) == pytest.approx(place, abs=1)  # on the screen: pictures above may come meanwhile
    assert middle(grip)[1] - y == pytest.approx(down, abs=8), "it follows the finger to the end"
    assert browser.snapshot(phone, scene) != shown


def test_a_finger_draws_on_the_pad_and_the_page_stays(phone, site):
    opened(phone, site, "softmax-regression", "draw")
    canvas, shown = phone.locator("#draw .paper canvas").first, browser.snapshot(phone, "draw")
    x, y = middle(canvas)
    Finger(phone).drag(x, y - 60, 80)
    assert middle(canvas) == pytest.approx((x, y), abs=1) and browser.snapshot(phone, "draw") != shown


@pytest.mark.parametrize(("slug", "scene", "part"), [
    ("linear-regression", "line", "svg.plot"),
    ("softmax-regression", "confusion", ".pictures"),
    ("fashion-mnist", "classes", ".pictures"),
])  # fmt: skip
def test_a_finger_beside_a_grip_scrolls_the_page(phone, site, slug, scene, part):
    opened(phone, site, slug, scene)
    box, place = phone.locator(f"#{scene} {part}").first.bounding_box(), phone.evaluate("scrollY")
    Finger(phone).drag(box["x"] + box["width"] - 6, box["y"] + 150, -80)
    assert phone.evaluate("scrollY") - place > 40


# What can be read


# The lines of a scene's prose that are uncovered at no place of the page, and how high its pictures are
UNSEEN = """(name) => {
  const scene = document.getElementById(name), prose = scene.querySelector('.prose'), lines = [];
  const walk = document.createTreeWalker(prose, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (!node.data.trim() || node.parentElement.closest('math, .hidden, details:not([open])')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects())
      if (box.width > 2)
        lines.push({ x: box.left + box.width / 2, y: scrollY + box.top + box.height / 2, text: node.data });
  }
  const { top, bottom } = scene.getBoundingClientRect(), from = scrollY + top - innerHeight, to = scrollY + bottom;
  for (let y = from; y < to; y += 30) {
    scrollTo({ top: y, behavior: 'instant' });
    for (const line of lines) line.seen ||= prose.contains(document.elementFromPoint(line.x, line.y - scrollY));
  }
  const pictures = [...scene.querySelectorAll('.picture.plot, .picture.images, .picture.drawing')];
  return [lines.filter((line) => !line.seen).map((line) => line.text),
    pictures.map((picture) => picture.clientHeight).filter(Boolean)];
}"""


@pytest.mark.parametrize("slug", SLUGS)
def test_at_twice_the_size_all_prose_can_be_read_and_pictures_are_large(watched, site, slug):
    page = watched.page
    page.set_viewport_size({"width": 640, "height": 360})
    opened(page, site, slug)
    for scene in browser.scenes(page):
        browser.go_to(page, scene)
        unseen, heights = page.evaluate(UNSEEN, scene)
        assert unseen == [], scene
        assert min(heights, default=150) >= 150, (scene, heights)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640


@pytest.mark.parametrize("size", browser.SIZES)
@pytest.mark.parametrize(
    ("slug", "scene"),
    [("sgd", "walk"), ("normal-noise", "climb"), ("vectorization", "ways"), ("concise", "same")],
)
def test_what_a_line_made_covers_no_code(watched, site, slug, scene, size):
    page = watched.page
    width, height = browser.SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    opened(page, site, slug, scene)
    page.locator(f"#{scene} .clock button").nth(1).click()
    made = page.locator(f"#{scene} .made")
    assert made.count() > 0
    for line in [item for item in made.all() if item.inner_text()]:
        clear = """(made) => { const a = made.getBoundingClientRect(), b = made.previousSibling.getBoundingClientRect();
          const box = made.closest('.code').getBoundingClientRect();
          return (a.left >= b.right - 1 || a.top >= b.bottom - 1) && a.right <= box.right + 1; }"""
        assert line.evaluate(clear), line.inner_text()


HEADING = """(name) => { const heading = document.querySelector(`#${name} h2`), box = heading.getBoundingClientRect();
  return heading.contains(document.elementFromPoint(box.left + 5, box.top + box.height / 2)); }"""


@pytest.mark.parametrize("scene", ["line", "plane", "solve"])
def test_a_link_and_the_other_language_show_the_heading_of_their_scene(phone, site, scene):
    browser.open_lesson(phone, f"{(site / 'zh' / 'linear-regression').as_uri()}.html#{scene}")
    for _ in range(2):
        phone.wait_for_timeout(400)
        assert phone.evaluate(HEADING, scene)
        assert phone.evaluate("location.hash").startswith(f"#{scene}")
        phone.locator("a[data-language]").tap()
        phone.wait_for_url("**/en/**")
        browser.wait_for_lesson(phone)


def test_what_is_focused_is_not_under_the_picture_or_the_controls(phone, site):
    opened(phone, site, "normal-noise", answered=False)
    for scene in ("likelihood", "small", "sums"):
        browser.go_to(phone, scene)
        for past in (-600, 0, 700):
            phone.evaluate("by => scrollBy({top: by, behavior: 'instant'})", past)
            for button in phone.locator(f"#{scene} .question button").all():
                button.evaluate("button => button.focus()")
                phone.wait_for_timeout(50)
                on_top = """(b) => { const { left, top, width, height } = b.getBoundingClientRect();
                  return b.contains(document.elementFromPoint(left + width / 2, top + height / 2)); }"""
                assert button.evaluate(on_top), (scene, past)


# Presenting


PICTURES = """() => Object.fromEntries([...document.querySelectorAll('.picture')].map((picture, i) =>
  [i, picture.clientWidth * picture.clientHeight]))"""


@pytest.mark.parametrize("slug", SLUGS)
def test_a_presented_picture_is_no_smaller(watched, site, slug):
    page = opened(watched.page, site, slug)
    for scene in browser.scenes(page):
        browser.go_to(page, scene)
    before = page.evaluate(PICTURES)
    page.locator("body").press("p")
    page.wait_for_timeout(200)
    after = page.evaluate(PICTURES)
    assert [i for i in before if after[i] < 0.98 * before[i]] == []
    wide = "[...document.querySelectorAll('.picture.matrix')].map((box) => box.scrollWidth - box.clientWidth)"
    assert max(page.evaluate(wide), default=0) <= 1


def test_presenting_outlasts_the_page_and_arrows_turn_it(watched, site):
    page = opened(watched.page, site, "sgd")
    shown = page.locator("html.presenting")
    page.locator("#present").click()
    expect(page.locator("#present")).to_contain_text("End presentation")
    for scene, key in (("bound", "ArrowRight"), ("search", "ArrowRight"), ("bound", "ArrowLeft")):
        page.locator("body").press(key)
        browser.until(page, f"location.hash.startsWith('#{scene}')")
    page.locator("#bound .grip").press("ArrowRight")
    page.wait_for_timeout(250)
    assert page.url.split("#")[1].startswith("bound?lr="), "on a control an arrow is the control's"
    page.reload()
    browser.wait_for_lesson(page)
    assert shown.count() == 1
    for link in ("a[data-language]", "a[rel=next]"):
        page.locator(link).click()
        browser.wait_for_lesson(page)
        assert shown.count() == 1
    page.locator("body").press("Escape")
    assert shown.count() == 0


# Questions and missions


NUMBERS = {
    "0,8": 0.8, "2,3": 2.3, "1,000": 1000, "1,234.5": 1234.5, "1.234,5": 1234.5, "1/3": 1 / 3, "½": 0.5, "12%": 0.12,
    "５０％": 0.5, "−4": -4, "3 × 10⁻⁵": 3e-5, "10^6": 1e6, "log 10": 2.302585092994046, "ln4": 1.3862943611198906,
    "log₂ 3": 1.584962500721156, "5 steps": 5, "abc": None, "1,2,3": None, "1 1/2": None, "1/0": None,
}  # fmt: skip


def test_numbers_are_read_as_readers_write_them(watched, site):
    page = opened(watched.page, site, "normal-noise", "small", answered=False)
    for text, value in NUMBERS.items():
        found = page.evaluate("text => onelayer.parsed(text)", text)
        assert found == (value if value is None else pytest.approx(value, rel=1e-15)), text
    page.locator("#small input[type=text]").fill("abc")
    page.locator("#small [type=submit]").click()
    expect(page.locator("#small .verdict")).to_contain_text("That is not a number.")


def test_a_question_is_about_the_controls_as_they_were_at_first(watched, site):
    page = opened(watched.page, site, "sgd", "settle?schedule=falling", answered=False)
    menu = page.locator("#settle select[data-control=schedule]")
    expect(menu).to_be_disabled()
    expect(menu.locator("option:checked")).to_have_text("stays the same")
    page.get_by_label("close to it").check()
    page.locator("#settle [type=submit]").click()
    expect(page.locator("#settle .verdict")).to_contain_text("✓")
    expect(menu).to_be_enabled()


def test_an_answer_that_was_looked_at_is_not_wrong_and_the_first_try_counts(watched, site):
    page = opened(watched.page, site, "review", answered=False)
    ask = "document.querySelectorAll('.question')"
    page.evaluate(f"{ask}[0].querySelector('.quiet').click()")
    browser.go_to(page, "score")
    results = page.locator("#score tbody td:last-child")
    expect(results.first).to_have_text("seen")
    first = page.evaluate(f"{ask}[0].closest('.scene').id")
    page.evaluate(f"document.querySelector('#{first} .ask > .quiet').click()")
    browser.go_to(page, first)
    page.locator(f"#{first} input[type=radio]").first.check()
    page.locator(f"#{first} [type=submit]").click()
    browser.go_to(page, "score")
    expect(results.first).to_have_text("seen")


def test_a_mission_is_not_done_in_passing(watched, site):
    page = opened(watched.page, site, "sgd", "bound")
    mission, (x, y) = page.locator("#bound .mission"), middle(page.locator("#bound .grip"))
    box = page.locator("#bound svg.plot").bounding_box()
    slow = box["x"] + 62  # a rate near 0
    page.mouse.move(x, y)
    page.mouse.down()
    for place in (slow + 60, slow, x + 40):
        page.mouse.move(place, y, steps=4)
        page.wait_for_timeout(60)
        assert mission.get_attribute("data-done") == "false"
    page.mouse.up()
    page.wait_for_timeout(60)
    assert mission.get_attribute("data-done") == "false"
    x, y = middle(page.locator("#bound .grip"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(slow, y, steps=4)
    page.mouse.up()
    expect(mission).to_have_attribute("data-done", "true")


def test_a_sketch_hides_its_hint_and_a_question_the_grips(watched, site):
    page = opened(watched.page, site, "sgd", "rates", answered=False)
    hint, (x, y) = page.locator("#rates .cover"), middle(page.locator("#rates svg.plot"))
    expect(hint).to_be_visible()
    page.mouse.move(x, y)
    page.mouse.down()
    expect(hint).to_be_hidden()
    page.mouse.up()
    opened(page, site, "linear-regression", "twice", answered=False)
    expect(page.locator("#twice .grip").first).to_be_hidden()
    page.locator("#twice .question .quiet").click()
    expect(page.locator("#twice .grip").first).to_be_visible()


def test_a_site_says_where_it_was_measured_and_offers_no_other_measurement(watched, site):
    page = opened(watched.page, site, "vectorization", "race")
    expect(page.locator("#race .recorded")).to_contain_text("onelayer lab")
    assert page.locator("button.again").count() == 0
    page.goto(f"{(site / 'en' / 'index').as_uri()}.html")
    expect(page.locator(".index > .legend")).to_be_visible()


def test_a_step_brings_the_picture_that_it_moves_to_the_front(phone, site):
    opened(phone, site, "linear-regression", "solve", "zh")
    for _ in range(2):  # the second line fills the matrix
        phone.locator("#solve .clock button").nth(1).click()
    expect(phone.locator("#solve .tabs button").nth(1)).to_have_attribute("aria-pressed", "true")

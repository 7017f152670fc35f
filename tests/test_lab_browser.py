"""Every lesson in a real browser, in both languages: it works, stays on this machine, and moves without jumping."""

import time
from collections.abc import Iterator
from io import BytesIO
from typing import Literal

import pytest
from PIL import Image, ImageOps

browser = pytest.importorskip("browser", reason="playwright is not installed", exc_type=ImportError)
from playwright.sync_api import Browser, Locator, Page, expect  # noqa: E402

from onelayer.lab.course import COURSE  # noqa: E402
from onelayer.lab.interface import LANGUAGES, Language, word  # noqa: E402

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="there is no Chromium on this machine")

LESSONS = [(entry.slug, language) for entry in COURSE for language in LANGUAGES]
# Questions are run in one language each: what they do is the same. The exported notebooks run them in the other.
ASKS: dict[str, Language] = {
    entry.slug: LANGUAGES[(i + 1) % len(LANGUAGES)] for i, entry in enumerate(COURSE)
}
SLIDER = "marimo-slider [role=slider]"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with browser.lab_server() as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.chromium() as found:
        yield found


class Watched:
    """A page, what it complained about, and where it asked."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url.replace("ws:", "http:")))


@pytest.fixture
def watched(chromium) -> Iterator[Watched]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield Watched(context.new_page())
    context.close()


def pictures(page: Page) -> list[str]:
    return page.locator(browser.CHART).evaluate_all("charts => charts.map(chart => chart.innerHTML)")


@pytest.mark.parametrize(("slug", "language"), LESSONS)
def test_lesson_works(watched, address, slug, language):
    page = watched.page
    browser.open_lesson(page, f"{address}{language}/{slug}/")
    check_that_claims_hold(page)
    move_until_a_picture_changes(page)
    if language == ASKS[slug]:
        run_each_question(page, language)
        check_that_claims_hold(page)
    check_it_fits_a_phone(page, "light" if language == "en" else "dark")

    assert page.locator(".marimo-error, [data-testid=marimo-error]").count() == 0
    assert watched.errors == []
    assert [url for url in watched.requests if not url.startswith((address, "data:", "blob:"))] == []


def check_that_claims_hold(page: Page) -> None:
    # The times that this one compares are those of a machine that has nothing else to do.
    claims = page.locator("#root [data-holds]:not([data-testid=claim-reading])")
    assert claims.count() > 0
    for i in range(claims.count()):
        expect(claims.nth(i)).to_have_attribute("data-holds", "true")


def run_each_question(page: Page, language: Language) -> None:
    run = page.get_by_text(word("run", language), exact=True)
    for i in range(run.count()):
        run.nth(i).click()
        expect(page.locator("#root [data-testid^=answer-]")).to_have_count(i + 1, timeout=300_000)
    assert page.locator("#root [data-testid^=question-]").count() == 0


def check_it_fits_a_phone(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    browser.settle(page)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('#root h1, #root h2, #root p, #root .lab-claim, #root svg.marks')]
        .filter(item => item.getBoundingClientRect().right > innerWidth + 1).map(item => item.outerHTML)"""
    )
    assert wide == [] and page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")


def move_until_a_picture_changes(page: Page) -> None:
    """Press → on one slider after another until a chart is drawn anew."""
    sliders = page.locator(SLIDER)
    if not any(move(page, sliders.nth(i), 1) for i in range(sliders.count())):
        raise AssertionError("no slider changes a picture")


def move(page: Page, slider: Locator, seconds: float) -> bool:
    """Press → on a slider; return whether a chart is drawn anew within some seconds."""
    before, end = pictures(page), time.monotonic() + seconds
    slider.press("ArrowRight")
    while time.monotonic() < end:
        page.wait_for_timeout(50)
        if pictures(page) != before:
            return True
    return False


def test_prose_comes_before_the_notebook_runs(watched, address):
    watched.page.goto(f"{address}en/linear-regression/", wait_until="commit")
    expect(watched.page.locator("#lab-opening")).to_contain_text("What is a house worth?")
    expect(watched.page.locator("#root [data-testid=header]")).to_be_visible(timeout=60_000)
    expect(watched.page.locator("#lab-opening")).to_be_hidden()


def test_a_page_says_that_the_server_has_ended(watched):
    with browser.lab_server() as server:
        browser.open_lesson(watched.page, f"{server}zh/vectorization/")
        expect(watched.page.locator("#lab-stopped")).to_be_hidden()
    expect(watched.page.locator("#lab-stopped")).to_be_visible(timeout=30_000)
    expect(watched.page.locator("#lab-stopped")).to_contain_text("onelayer lab")


def test_nothing_jumps_when_a_slider_moves(watched, address):
    page = watched.page
    browser.open_lesson(page, f"{address}en/linear-regression/")
    page.evaluate(
        """() => { window.places = new Set();
        const look = () => { const top = document.querySelector('[data-testid=claim-solution]');
          window.places.add(Math.round(top.getBoundingClientRect().top
            - document.querySelector('#root [data-testid=header]').getBoundingClientRect().top));
          requestAnimationFrame(look); }; look(); }"""
    )
    for _ in range(5):
        assert move(page, page.locator(SLIDER).nth(1), 30)
    assert len(page.evaluate("[...window.places]")) == 1


def test_two_browsers_share_nothing(chromium, address):
    contexts = [chromium.new_context(), chromium.new_context()]
    first, second = (context.new_page() for context in contexts)
    for page in (first, second):
        browser.open_lesson(page, f"{address}en/linear-regression/")
    first.locator(SLIDER).nth(0).press("ArrowRight")
    expect(first.locator("#root")).to_contain_text("Example 4 has")
    second.locator(SLIDER).nth(1).press("ArrowRight")
    second.wait_for_timeout(500)
    expect(second.locator("#root")).to_contain_text("Example 3 has")
    for context in contexts:
        context.close()


def test_keys_scroll_a_lesson_and_it_keeps_its_place(watched, address):
    page = watched.page

    def tops() -> list[float]:
        return page.locator("#root h2, #root h3").evaluate_all(
            "headings => headings.map(heading => heading.getBoundingClientRect().top)"
        )

    browser.open_lesson(page, f"{address}zh/vectorization/")
    start = tops()
    page.keyboard.press("PageDown")
    page.wait_for_function("document.getElementById('App').scrollTop > 500")
    browser.settle(page)
    left = tops()
    page.reload()
    browser.wait_for_lesson(page)
    assert tops() == pytest.approx(left, abs=2)
    page.goto(f"{address}zh/")
    page.go_back()
    browser.wait_for_lesson(page)
    assert tops() == pytest.approx(left, abs=2)
    page.goto(f"{address}en/vectorization/")
    browser.wait_for_lesson(page)
    assert tops()[0] == pytest.approx(start[0], abs=2), "another page starts at its top"


def test_links_lead_to_the_index_and_the_other_language(watched, address):
    page = watched.page
    browser.open_lesson(page, f"{address}en/linear-regression/")
    page.locator("#root [data-testid=header]").get_by_text("中文").click()
    page.wait_for_url(f"{address}zh/linear-regression/")
    browser.open_lesson(page, page.url)
    page.locator("#root [data-testid=header]").get_by_text("全部课程").click()
    page.wait_for_url(f"{address}zh/")
    expect(page.locator("ol a")).to_have_count(len(COURSE))


# The lesson on training


@pytest.fixture
def flagship(watched, address) -> Page:
    browser.open_lesson(watched.page, f"{address}en/softmax-regression/")
    expect(watched.page.locator(".lab-pad canvas")).to_be_visible(timeout=30_000)
    return watched.page


def probabilities(page: Page) -> list[str]:
    """The labels at the ends of the bars, class by class."""
    texts = page.locator(browser.CHART).last.locator("text").all_text_contents()
    return [text for text in texts if text.endswith("%") and "." in text]


def likeliest(page: Page) -> int:
    shares = [float(text.rstrip("%")) for text in probabilities(page)]
    return shares.index(max(shares))


def png(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def wait_for_other_probabilities(page: Page, before: list[str]) -> None:
    for _ in range(100):
        page.wait_for_timeout(100)
        if probabilities(page) != before:
            return
    raise AssertionError("the bars stay as they are")


def test_a_drawing_is_classified(flagship):
    before = probabilities(flagship)
    assert len(before) == 10
    flagship.get_by_text("Clear", exact=True).click()
    wait_for_other_probabilities(flagship, before)
    before, canvas = probabilities(flagship), flagship.locator(".lab-pad canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    flagship.mouse.move(box["x"] + 140, box["y"] + 40)
    flagship.mouse.down()
    flagship.mouse.move(box["x"] + 140, box["y"] + 240, steps=5)
    flagship.mouse.up()
    wait_for_other_probabilities(flagship, before)
    before = probabilities(flagship)
    canvas.press("Shift+ArrowLeft")
    canvas.press("Shift+ArrowLeft")
    wait_for_other_probabilities(flagship, before)


def test_an_image_file_is_classified_and_anything_else_refused(flagship, tmp_path):
    chooser, message = flagship.locator(".lab-pad input[type=file]"), flagship.locator(".lab-pad-message")
    before = probabilities(flagship)
    chooser.set_input_files({"name": "shirt.png", "mimeType": "image/png", "buffer": b"no image at all"})
    expect(message).to_contain_text("no image that the browser can read")
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(50_000_000)
    chooser.set_input_files(large)
    expect(message).to_contain_text("too large")
    chooser.set_input_files(
        {"name": "one.png", "mimeType": "image/png", "buffer": png(Image.new("L", (1, 1), 80))}
    )
    expect(message).to_contain_text("nothing to see")
    assert probabilities(flagship) == before
    trousers = Image.new("L", (300, 400), 255)
    for left in (70, 170):
        trousers.paste(0, (left, 20, left + 60, 380))
    trousers.paste(0, (70, 20, 230, 90))
    trousers.putpixel((0, 0), 0)  # a speck: most of the edge is paper
    trousers.save(tmp_path / "trousers.png")
    chooser.set_input_files(tmp_path / "trousers.png")
    expect(message).to_have_text("")
    wait_for_other_probabilities(flagship, before)
    assert likeliest(flagship) == 1  # trouser
    # A white garment without a background: its white is seen against black.
    white = Image.new("RGBA", trousers.size, (255, 255, 255, 0))
    white.putalpha(ImageOps.invert(trousers))
    before = probabilities(flagship)
    flagship.get_by_text("Clear", exact=True).click()
    wait_for_other_probabilities(flagship, before)
    before = probabilities(flagship)
    chooser.set_input_files({"name": "white.png", "mimeType": "image/png", "buffer": png(white)})
    wait_for_other_probabilities(flagship, before)
    assert likeliest(flagship) == 1


def test_training_for_an_earlier_setting_gives_way(flagship):
    """30 epochs of the MLP in batches of 32 take most of a minute; what it has shown stays until the next is there."""
    model, sliders, page = (
        flagship.locator("#root select").first,
        flagship.locator(SLIDER),
        flagship.locator("#root"),
    )
    sliders.nth(1).press("Home")
    sliders.nth(2).press("End")
    expect(page).to_contain_text("7,850 parameters. Epochs: 30", timeout=30_000)
    model.select_option(index=1)
    expect(flagship.locator("marimo-progress")).to_be_visible(timeout=30_000)
    model.select_option(index=0)
    sliders.nth(2).press("Home")
    expect(page).to_contain_text("7,850 parameters. Epochs: 1,", timeout=20_000)


def test_divergence_is_said_and_the_page_goes_on(flagship):
    rate = flagship.locator(SLIDER).first
    rate.press("End")
    expect(flagship.locator("#root")).to_contain_text("Training diverged", timeout=30_000)
    for _ in range(4):
        rate.press("ArrowLeft")
    expect(flagship.locator("#root")).not_to_contain_text("Training diverged", timeout=30_000)
    expect(flagship.locator("#root")).to_contain_text("7,850 parameters")

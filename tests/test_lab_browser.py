"""Every lesson in a real browser, in both languages, from disk: it works, stays on this machine, and fits a screen."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

browser = pytest.importorskip("browser", reason="playwright is not installed", exc_type=ImportError)
from playwright.sync_api import Page, expect  # noqa: E402

from onelayer.lab.course import COURSE  # noqa: E402
from onelayer.lab.interface import LANGUAGES  # noqa: E402

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="there is no Chromium on this machine")

SLUGS = [entry.slug for entry in COURSE]
LESSONS = [(slug, language) for slug in SLUGS for language in LANGUAGES]
HELD = ":is(input[type=range], select)[data-control], .grip"  # what moves a picture


def opened(page: Page, site: Path, slug: str, language: str) -> Page:
    browser.open_lesson(page, f"{(site / language / slug).as_uri()}.html")
    browser.answer_all(page)
    return page


@pytest.mark.parametrize(("slug", "language"), LESSONS)
def test_a_lesson_works_from_disk_without_a_network(watched, site, slug, language):
    page = opened(watched.page, site, slug, language)
    claims = 0
    for scene in browser.scenes(page):
        browser.go_to(page, scene)
        checks = page.locator(f"#{scene} .check:not([hidden])")
        claims += checks.count()
        for i in range(checks.count()):
            assert checks.nth(i).get_attribute("data-holds") == "true", (scene, checks.nth(i).inner_text())
    assert claims or slug == "review"
    assert watched.errors == []
    assert all(url.startswith((site.as_uri(), "data:", "blob:")) for url in watched.requests)
    assert "unsafe" not in page.content()


@pytest.mark.parametrize("slug", SLUGS)
def test_each_control_of_a_kernel_moves_what_its_scene_shows(watched, site, slug):
    page = opened(watched.page, site, slug, "en")
    for scene, run in page.evaluate(
        "JSON.parse(lesson.textContent).scenes.map((scene) => [scene.name, scene.run?.kind])"
    ):
        if run != "kernel":
            continue
        browser.go_to(page, scene)
        held = page.locator(f"#{scene} .panel").locator(HELD)
        for i in range(held.count()):
            before = browser.snapshot(page, scene)
            assert moved(page, scene, held.nth(i), before), (
                f"{scene}: {held.nth(i).evaluate('item => item.outerHTML')}"
            )
    assert watched.errors == []


def moved(page: Page, scene: str, item, before: str) -> bool:
    """Move a control to and fro until the scene shows something else."""
    tag = item.evaluate("item => item.tagName")
    if tag == "SELECT":
        for option in item.locator("option").all():
            item.select_option(option.get_attribute("value"))
            page.wait_for_timeout(60)
            if browser.snapshot(page, scene) != before:
                return True
        return False
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "Home", "End"):
        for _ in range(3):
            item.press(key)
        page.wait_for_timeout(60)
        if browser.snapshot(page, scene) != before:
            return True
    return False


# What share of each picture that is there is in the window
SHARES = """(name) => [...document.querySelectorAll(`#${CSS.escape(name)} .picture`)].map((picture) => {
  const box = picture.getBoundingClientRect(), area = box.width * box.height;
  const wide = Math.min(box.right, innerWidth) - Math.max(box.left, 0);
  const bars = document.querySelector('.top').getBoundingClientRect().bottom;
  const high = Math.min(box.bottom, innerHeight) - Math.max(box.top, bars);
  return area ? Math.max(0, wide) * Math.max(0, high) / area : 1;
})"""


@pytest.mark.parametrize("size", browser.SIZES)
@pytest.mark.parametrize("slug", SLUGS)
def test_a_control_and_its_pictures_are_on_one_screen(watched, site, slug, size):
    page = watched.page
    width, height = browser.SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    opened(page, site, slug, "zh")
    for scene in browser.scenes(page):
        browser.go_to(page, scene)
        panel = page.locator(f"#{scene} .panel")
        for i in range(panel.locator(".chip").count() if size == "phone" else 0):
            panel.locator(".chip").nth(i).click()  # one slider at a time
            assert min(page.evaluate(SHARES, scene), default=1) >= 0.6, scene
        held = [item for item in panel.locator(HELD).all() if item.is_visible()]
        for item in held:
            item.focus()
            assert min(page.evaluate(SHARES, scene), default=1) >= 0.6, (
                scene,
                item.evaluate("item => item.outerHTML"),
            )
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_link_shows_what_its_sender_saw(watched, site):
    page = opened(watched.page, site, "sgd", "en")
    browser.go_to(page, "bound")
    page.locator("#bound input[type=range]").evaluate(
        "item => { item.value = 1.3; item.dispatchEvent(new Event('input')); }"
    )
    browser.until(page, "location.hash.includes('lr=1.3')")
    shown, address = browser.snapshot(page, "bound"), page.url
    assert address.split("#")[1].startswith("bound?")
    other = page.context.new_page()
    browser.open_lesson(other, address)
    browser.go_to(other, "bound")
    assert browser.snapshot(other, "bound") == shown
    page.locator("a[data-language]").click()
    browser.wait_for_lesson(page)
    assert "/zh/sgd.html#bound" in page.url and "lr=1.3" in page.url
    page.go_back()
    browser.wait_for_lesson(page)
    browser.until(page, "document.querySelector('#bound input[type=range]').value === '1.3'")


def test_a_question_hides_its_answer_until_it_is_answered_and_then_shows_both(watched, site):
    page = watched.page
    browser.open_lesson(page, f"{(site / 'en' / 'sgd').as_uri()}.html")
    browser.go_to(page, "settle")
    hidden = browser.snapshot(page, "settle")
    assert not page.locator("#settle .answer").is_visible() and page.locator("#settle .cover").is_visible()
    page.locator("#settle [type=submit]").click()
    assert page.locator("#settle .verdict").inner_text() == "Give an answer first."
    page.get_by_label("at the minimum").check()
    page.locator("#settle [type=submit]").click()
    verdict = page.locator("#settle .verdict").inner_text()
    assert verdict == "You said: at the minimum. The answer: close to it, never at rest."
    assert page.locator("#settle .answer").is_visible() and browser.snapshot(page, "settle") != hidden
    page.reload()
    browser.wait_for_lesson(page)
    browser.go_to(page, "settle")
    assert page.locator("#settle .verdict").inner_text() == verdict, "the browser keeps what was answered"


def test_code_steps_with_the_picture(watched, site):
    page = opened(watched.page, site, "sgd", "en")
    browser.go_to(page, "walk")
    lit = page.locator("#walk .line.lit")
    step = page.get_by_role("button", name="Step").first
    page.get_by_role("button", name="Reset").first.click()
    expect(page.locator("#walk .clock output")).to_have_text("0 / 200")
    before = browser.snapshot(page, "walk")
    for line, taken in (
        ("X, y = rows.batch", 0),
        ("batch_loss.backward", 0),
        ("sgd(", 1),
        ("X, y = rows.batch", 1),
    ):
        step.click()
        expect(lit).to_contain_text(line)
        expect(page.locator("#walk .clock output")).to_have_text(f"{taken} / 200")
        assert (browser.snapshot(page, "walk") == before) is (taken == 0), "a step is shown once it is taken"
    expect(lit).to_contain_text("X (16, 2), y (16, 1)")


def test_a_presenter_goes_from_scene_to_scene_and_keys_can_be_switched_off(watched, site):
    page = opened(watched.page, site, "sgd", "en")
    page.locator("body").press("p")
    assert page.locator("html.presenting").count() == 1
    for scene in browser.scenes(page)[1:3]:
        page.locator("body").press("PageDown")
        browser.until(page, f"location.hash.startsWith('#{scene}')")
    page.locator("body").press("p")
    page.locator("#keys").uncheck()
    page.locator("body").press("p")
    assert page.locator("html.presenting").count() == 0


# What is serious to axe-core, in both themes


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
@pytest.mark.parametrize("slug", ["index", *SLUGS])
def test_nothing_keeps_anybody_out(chromium, site, slug, language, theme):
    axe = Path(str(files("axe_playwright_python") / "axe.min.js")).read_text(encoding="utf-8")
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, color_scheme=theme)
    page = context.new_page()
    if slug == "index":
        page.goto(f"{(site / language / slug).as_uri()}.html")
    else:
        opened(page, site, slug, language)
        for scene in browser.scenes(page):
            browser.go_to(page, scene)
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    context.close()
    serious = [
        (item["id"], [node["html"] for node in item["nodes"]])
        for item in found
        if item["impact"] in ("serious", "critical")
    ]
    assert serious == []


# With the library at hand


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with browser.lab_server() as found:
        yield found


def test_the_library_computes_any_state_and_its_token_is_in_no_link(watched, address):
    page = watched.page
    page.context.set_offline(False)
    page.goto(address, timeout=browser.PATIENCE)
    start = address.split("?")[0]
    assert page.url.startswith(start) and "token" not in page.url
    browser.open_lesson(page, f"{start}en/sgd.html#tune")
    outcome = page.locator("#tune .outcome")
    expect(outcome).to_contain_text("Best here", timeout=browser.PATIENCE)
    before = outcome.inner_text()
    page.locator("#tune input[type=range]").evaluate(
        "item => { item.value = 3; item.dispatchEvent(new Event('input')); }"
    )
    expect(outcome).not_to_have_text(before, timeout=browser.PATIENCE)
    assert watched.errors == []
    assert all(url.startswith(start) for url in watched.requests)


def test_curves_grow_while_training_runs_and_another_state_ends_it(watched, address):
    page = watched.page
    page.context.set_offline(False)
    page.goto(address, timeout=browser.PATIENCE)
    browser.open_lesson(page, f"{address.split('?')[0]}en/softmax-regression.html#train")
    browser.answer_all(page)
    points = (
        "document.querySelectorAll('#train .plot .line path')[0]?.getAttribute('d').split(/[ML]/).length ?? 0"
    )
    browser.until(page, f"({points}) > 2", 120)
    rate = page.locator("#train input[type=range][data-control=lr]")
    rate.evaluate("item => { item.value = 0; item.dispatchEvent(new Event('input')); }")
    page.wait_for_timeout(200)
    rate.evaluate("item => { item.value = 2; item.dispatchEvent(new Event('input')); }")
    browser.until(page, f"({points}) == 12", 120)  # up to the tenth epoch, where the clock stands
    assert watched.errors == []

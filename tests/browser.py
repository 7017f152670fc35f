"""The lab in a browser: a site from disk, one server in a process of its own, and Chromium without a window."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 120_000  # milliseconds, for a machine that does other things as well
SIZES = {"projector": (1280, 720), "phone": (390, 844)}


@contextmanager
def lab_server() -> Iterator[str]:
    """Run ``onelayer lab`` on a free port and yield its first address, with the token; end it as Ctrl-C does."""
    command = [Path(sys.executable).with_name("onelayer"), "lab", "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield next(word for word in process.stdout.readline().split() if word.startswith("http"))
    finally:
        process.send_signal(2)
        try:
            _, complaints = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            _, complaints = process.communicate()
    if (process.returncode, complaints) != (0, ""):
        raise AssertionError(f"the server ended with {process.returncode}: {complaints}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """A page, what it complained about, and what it asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))


def open_lesson(page: Page, address: str) -> None:
    """Open a lesson and wait until its first scene is drawn."""
    page.goto(address, timeout=PATIENCE)
    wait_for_lesson(page)


def wait_for_lesson(page: Page) -> None:
    """Wait until a lesson's script has begun and a scene is drawn."""
    page.wait_for_selector("html[data-ready]", state="attached", timeout=PATIENCE)
    page.wait_for_selector(".scene[data-drawn]", state="attached", timeout=PATIENCE)


def scenes(page: Page) -> list[str]:
    """Return the names of a lesson's scenes."""
    found: list[str] = page.eval_on_selector_all(".scene", "scenes => scenes.map((scene) => scene.id)")
    return found


def go_to(page: Page, scene: str) -> None:
    """Bring a scene into view, out of its fold, and wait until it is drawn."""
    page.evaluate(
        """(name) => { const scene = document.getElementById(name), fold = scene.closest('.further');
        if (fold) fold.open = true; scene.scrollIntoView({behavior: 'instant'}); }""",
        scene,
    )
    page.wait_for_selector(f"#{scene}[data-drawn]", state="attached", timeout=PATIENCE)


def answer_all(page: Page) -> None:
    """Give up on every question of a lesson: its answer and its pictures are shown."""
    for scene in scenes(page):
        page.evaluate(
            "name => document.querySelector(`#${CSS.escape(name)} .question .quiet`)?.click()", scene
        )


def snapshot(page: Page, scene: str) -> str:
    """Return all that a scene shows: its pictures, images pixel by pixel, and its outcome."""
    found: str = page.evaluate(
        """(name) => { const panel = document.querySelector(`#${CSS.escape(name)} .panel`);
        return panel.querySelector('.pictures').innerHTML + panel.querySelector('.outcome').textContent
          + [...panel.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL()).join(); }""",
        scene,
    )
    return found


def until(page: Page, found: str, seconds: float = 10) -> None:
    """Wait until an expression is true. Playwright's own way compiles strings in the page, which its policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(found):
        assert time.monotonic() < end, found
        page.wait_for_timeout(30)

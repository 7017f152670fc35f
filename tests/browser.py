"""The lab in a browser: one server in a process of its own, and Chromium without a window."""

import shutil
import subprocess
import sys
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
CHART = "#root marimo-mime-renderer svg.marks"

# Formulas are typeset after the page is there: wait until the last cell has stayed in its place for a second.
SETTLED = """() => {
  const top = document.querySelector('#root [data-testid=footer]').getBoundingClientRect().top;
  if (window.settling?.top !== top) window.settling = {top, since: performance.now()};
  return performance.now() - window.settling.since > 1000;
}"""


@contextmanager
def lab_server() -> Iterator[str]:
    """Run ``onelayer lab`` on a free port and yield its address; end it as Ctrl-C does."""
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


def open_lesson(page: Page, address: str) -> None:
    """Open a lesson and wait until its notebook has run and its charts are drawn."""
    page.goto(address)
    wait_for_lesson(page)


def wait_for_lesson(page: Page) -> None:
    """Wait until the notebook of the page has run and its charts are drawn."""
    page.wait_for_selector("#root [data-testid=footer]", state="attached", timeout=60_000)
    page.wait_for_selector(CHART, timeout=60_000)
    page.wait_for_load_state("networkidle")
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page keeps its place. Asked by the clock: on a busy machine frames may be long in coming."""
    page.wait_for_function(SETTLED, polling=100, timeout=60_000)

"""What pages compute is what the library computes: each kernel against its twin, in the browser."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

browser = pytest.importorskip("browser", reason="playwright is not installed", exc_type=ImportError)
from playwright.sync_api import Page  # noqa: E402

from onelayer.lab.course import COURSE, Entry  # noqa: E402
from onelayer.lab.pages import SCRIPTS, STATIC  # noqa: E402
from onelayer.lab.recording import data_of, encoded, function_of, scenes_of  # noqa: E402
from onelayer.lab.vocabulary import Choice, Clock, Kernel, Number, Pad, Scene  # noqa: E402

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="there is no Chromium on this machine")

KERNELS = [
    pytest.param(entry, scene, id=f"{entry.slug}-{scene.name}")
    for entry in COURSE
    if (entry.folder / "lesson.py").exists()
    for scene in scenes_of(entry)
    if isinstance(scene.run, Kernel)
]
STATES = 12
# What a kernel finds, as JSON: arrays of numbers as lists, and numbers that JSON lacks as strings
FOUND = """([slug, run, state, names]) => {
  const data = Object.assign({}, ...names.map((name) => onelayer.data[slug][name]));
  const plain = (v) => ArrayBuffer.isView(v) ? Array.from(v)
    : typeof v === "number" && !Number.isFinite(v) ? String(v) : v;
  return JSON.stringify(onelayer.kernels[run](onelayer.decoded(state), data), (_, v) => plain(v));
}"""
ROUNDING = 1e-15  # what a number near 0, such as a distance that has vanished, may be off by


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser.chromium() as chromium:
        page = chromium.new_page()
        page.evaluate("window.onelayer = {kernels: {}, data: {}}")
        for name in SCRIPTS:
            page.add_script_tag(content=(STATIC / name).read_text(encoding="utf-8"))
        yield page


def state_of(scene: Scene, generator: np.random.Generator) -> dict[str, Any]:
    """Return controls at random."""
    assert isinstance(scene.run, Kernel)
    found: dict[str, Any] = {}
    for control in scene.controls:
        if control.name not in scene.run.reads:
            continue
        match control:
            case Choice():
                found[control.name] = control.options[generator.integers(len(control.options))]
            case Number(values=values) if values:
                found[control.name] = values[generator.integers(len(values))]
            case Number():
                steps = generator.integers(round((control.high - control.low) / control.step) + 1)
                found[control.name] = round(control.low + int(steps) * control.step, 10)
            case Clock():
                found[control.name] = int(
                    generator.integers(control.last + 1 if isinstance(control.last, int) else 60)
                )
            case Pad():
                found[control.name] = scribble(generator)
    return found


def scribble(generator: np.random.Generator) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a drawing (784,) in a part of the pad."""
    (top, bottom), (left, right) = np.sort(generator.integers(0, 28, (2, 2)), axis=1)
    pixels = np.zeros((28, 28), np.uint8)
    ink = generator.integers(0, 256, (bottom + 1 - top, right + 1 - left))
    pixels[top : bottom + 1, left : right + 1] = ink * (generator.random(ink.shape) < 0.8)
    return pixels.ravel()


def load(page: Page, entry: Entry) -> None:
    """Give a page the data and the kernels of a lesson, once."""
    if page.evaluate("slug => slug in onelayer.data", entry.slug):
        return
    page.add_script_tag(content=data_of(entry, live=True))
    page.evaluate("onelayer.ready")
    page.add_script_tag(content=entry.kernels.decode())


@pytest.mark.parametrize(("entry", "scene"), KERNELS)
def test_a_kernel_computes_what_the_library_does(page, entry, scene):
    load(page, entry)
    generator = np.random.default_rng(0)
    for _ in range(STATES):
        state = state_of(scene, generator)
        theirs = page.evaluate(
            FOUND,
            [entry.slug, scene.run.run, encoded(state), list(scene.run.data)],
        )
        ours = function_of(entry, scene.run.run)(**state)
        assert_same(json.loads(theirs), ours, f"{scene.run.run}({state})")


def assert_same(theirs: dict[str, Any], ours: dict[str, Any], where: str) -> None:
    """Compare two outcomes, numbers to 1e-12 of the largest entry of their field."""
    assert theirs.keys() == ours.keys(), where
    for name, value in ours.items():
        left, right = (np.array(flat(side), object) for side in (theirs[name], value))
        assert left.shape == right.shape, f"{where}: {name}"
        if not any(isinstance(item, str) and item not in {"Infinity", "-Infinity", "NaN"} for item in right):
            left, right = left.astype(float), right.astype(float)
            size = np.abs(right[np.isfinite(right)]).max(initial=0)
            np.testing.assert_allclose(
                left, right, rtol=0, atol=1e-12 * size + ROUNDING, err_msg=f"{where}: {name}"
            )
        else:
            assert left.tolist() == right.tolist(), f"{where}: {name}"


def flat(value: Any) -> list[Any]:
    """Return the numbers and strings of nested lists."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [item for part in value for item in flat(part)]
    return [value]

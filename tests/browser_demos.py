"""What a reader does with each lesson's demos in JupyterLab: sliders, keys, drawing, clicks, an uploaded file.

Each visit is tried on the page after Run All. It asserts what the figure then shows and returns the waits that it
measured, in milliseconds, from the event in the browser until the new figure is there: {what was done: waits}.
"""

from __future__ import annotations

import base64
import io
import re
import statistics
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tools import browser as driver
from utils import paths

Waits = dict[str, list[float]]
TRIES = 12  # how often a wait is measured
TOUCAN = next((paths.ROOT / "assets" / "images" / "photos").glob("toucan*"))

# The time from the first event that follows a figure until the next figure is loaded and about to be painted.
WATCH = """(image) => {
  let began = null;
  window.waits = [];
  window.watch?.abort();  // one at a time
  window.watch = new AbortController();
  const {signal} = window.watch;
  for (const kind of ['keydown', 'pointerdown', 'pointermove'])
    document.addEventListener(kind, () => { began ??= performance.now(); }, {capture: true, signal});
  image.addEventListener('load', () => requestAnimationFrame(() => {
    if (began !== null) waits.push(performance.now() - began);
    began = null;
  }), {signal});
}"""
FOCUSED = """(box) => {
  const e = document.activeElement;
  if (!box.contains(e)) return null;
  return e.ariaLabel || e.labels?.[e.labels.length - 1]?.textContent || e.title || e.alt || e.textContent;
}"""
PNG = """async (image) => {
  const blob = await (await fetch(image.src)).blob();
  return await new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(blob);
  });
}"""


class Demo:
    """A demo on the page: its controls by their labels, its figure."""

    def __init__(self, page: Page, lesson: int, cell: str):
        self.page, self.name = page, cell
        for heading in page.locator(".jp-Notebook .jp-collapseHeadingButton.jp-mod-collapsed").all()[::-1]:
            heading.dispatch_event("click")  # an appendix is folded when the lesson opens
        cells = nbformat.read(paths.NOTEBOOKS / f"{driver.lesson_name(lesson)}.ipynb", as_version=4).cells
        self.cell = page.locator(".jp-Notebook .jp-Cell").nth([one.id for one in cells].index(cell))
        self.box = self.cell.locator(".jp-OutputArea-output .widget-vbox").first
        self.image = self.box.locator("img").last
        self.image.scroll_into_view_if_needed()
        self.image.evaluate("(image) => image.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(300)

    def control(self, label: str) -> Locator:
        """The slider's handle, the list or the field with this label."""
        return self.box.get_by_label(label, exact=True).first

    @property
    def alt(self) -> str:
        return self.image.get_attribute("alt")

    def says(self, words: str) -> None:
        """Wait until the figure's titles say this; on a busy machine several figures may come before."""
        expect(self.image).to_have_attribute("alt", re.compile(re.escape(words)), timeout=20_000)

    def pixels(self) -> np.ndarray:
        """The figure as an array of height x width x 3 bytes."""
        png = base64.b64decode(self.image.evaluate(PNG).split(",")[1])
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)

    def after(self, act: Callable[[], object]) -> np.ndarray:
        """Do something and wait until the figure has changed and stays: the new figure. It must change."""
        before = self.pixels()
        act()
        for _ in range(100):
            self.page.wait_for_timeout(200)
            now = self.pixels()
            if now.shape != before.shape or (now != before).any():
                break
        else:
            raise AssertionError(f"{self.name}: the figure does not change")
        while True:
            self.page.wait_for_timeout(400)
            if np.array_equal(now, later := self.pixels()):
                return later
            now = later

    def keys(self, label: str, *keys: str) -> np.ndarray:
        """Press keys on a control."""
        self.control(label).focus()
        return self.after(lambda: [self.page.keyboard.press(key) for key in keys])

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Fractions of the figure from its lower left corner, as a place in the window."""
        box = self.image.bounding_box()
        return box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]

    def click(self, x: float, y: float) -> np.ndarray:
        return self.after(lambda: self.page.mouse.click(*self.place(x, y)))

    def measure(self, act: Callable[[int], object]) -> list[float]:
        """Act again and again, each time when the figure of the time before is there: the waits, in milliseconds."""
        self.image.evaluate(WATCH)
        for number in range(TRIES):
            act(number)
            self.page.wait_for_function(f"waits.length > {number}", timeout=20_000)
            self.page.wait_for_timeout(100)
        return self.page.evaluate("waits")

    def measure_slider(self, label: str) -> list[float]:
        """The waits for one step of a slider, there and back."""
        self.control(label).focus()
        return self.measure(lambda number: self.page.keyboard.press(("ArrowRight", "ArrowLeft")[number % 2]))

    def tab_through(self) -> list[str]:
        """From the first control to behind the last by the Tab key alone: the labels of what had the focus."""
        stops = "input, select, button, canvas, img[tabindex], [role=slider], [contenteditable]"
        self.box.locator(stops).first.focus()
        names = []
        for _ in range(60):
            name = self.page.evaluate(FOCUSED, self.box.element_handle())
            if name is None:
                return names
            names.append(name)
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{self.name}: the Tab key does not leave the demo")


DIGITS = {  # corners of a stroke, as fractions of the pad from its upper left corner
    "1": [(0.55, 0.2), (0.47, 0.8)],
    "0": [(0.5 - 0.2 * np.sin(a), 0.5 - 0.3 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 25)],
    "7": [(0.25, 0.25), (0.7, 0.25), (0.45, 0.8)],
}


class PadDemo(Demo):
    """A demo with a pad to draw on."""

    def __init__(self, page: Page, lesson: int, cell: str):
        super().__init__(page, lesson, cell)
        self.pad, self.clear = self.box.locator("canvas"), self.box.get_by_label("clear the pad")

    def move(self, x: float, y: float, steps: int = 1) -> None:
        box = self.pad.bounding_box()
        self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=steps)

    def draw(self, corners: list[tuple[float, float]]) -> None:
        self.move(*corners[0])
        self.page.mouse.down()
        for corner in corners[1:]:
            self.move(*corner, steps=8)
        self.page.mouse.up()

    def draw_digits(self, words: str) -> None:
        """Draw each of DIGITS, and wait until the figure's title says the words and the digit."""
        for digit, corners in DIGITS.items():
            self.draw(corners)
            self.says(f"{words} {digit}")
            self.clear.click()
            self.page.wait_for_timeout(500)  # the figure of an empty pad may be the same


def lesson_1(page: Page) -> Waits:
    reader = PadDemo(page, 1, "demo-digit")
    reader.says("Answer: 7")
    reader.draw_digits("Answer:")
    reader.keys("stored digit", "ArrowUp")
    reader.says("Answer: 6")
    demo = Demo(page, 1, "demo-knobs")
    demo.keys("weight middle", "ArrowRight", "ArrowRight")
    demo.page.keyboard.press("Tab")  # the number beside the slider, then the next slider
    demo.page.keyboard.press("Tab")
    demo.after(lambda: demo.page.keyboard.press("ArrowLeft"))
    assert demo.control("weight sides").get_attribute("aria-valuenow") == "-1.0"
    demo.says("% right")
    return {"slider": demo.measure_slider("weight middle")}


def lesson_2(page: Page) -> Waits:
    rate = Demo(page, 2, "demo-rate")
    rate.says("converges")
    rate.keys("learning rate", "End")
    rate.says("diverges")
    demo = Demo(page, 2, "demo-descent")
    first = demo.alt
    demo.keys("learning rate", "PageUp")
    demo.keys("surface", "ArrowDown")
    assert demo.control("surface").input_value() == "bowl"
    demo.click(0.2, 0.3)
    start = demo.alt.split("■")[1].split("to")[0]
    demo.image.focus()
    demo.after(lambda: page.keyboard.press("ArrowUp"))
    assert start not in demo.alt
    assert "loss at the end" in first
    demo.keys("learning rate", "End")
    demo.says("diverges")
    demo.keys("learning rate", "Home")
    return {"slider": demo.measure_slider("momentum")}


def lesson_3(page: Page) -> Waits:
    demo = Demo(page, 3, "demo-line")

    def drag() -> None:
        page.mouse.move(*demo.place(0.3, 0.4))
        page.mouse.down()
        page.mouse.move(*demo.place(0.35, 0.6), steps=5)
        page.mouse.up()

    demo.after(drag)
    moved = demo.alt
    demo.keys("weight", "ArrowRight", "ArrowRight")
    assert "0.2 · rooms" in demo.alt != moved
    waits = {"slider": demo.measure_slider("weight")}
    page.mouse.move(*demo.place(0.3, 0.4))
    page.mouse.down()
    waits["drag"] = demo.measure(lambda number: page.mouse.move(*demo.place(0.31 + 0.01 * number, 0.4)))
    page.mouse.up()
    return waits


def lesson_4(page: Page) -> Waits:
    demo = PadDemo(page, 4, "demo-digit")
    demo.says("Answer: ")
    demo.draw_digits("Answer:")
    # By keyboard alone: go up, set the pen down, draw downwards.
    demo.pad.focus()
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    demo.after(lambda: [page.keyboard.press(key) for key in ["Space", *["ArrowDown"] * 16, "Space"]])
    demo.says("Answer: 1")
    demo.after(lambda: page.keyboard.press("Delete"))
    demo.move(0.3, 0.2)
    page.mouse.down()
    waits = demo.measure(lambda number: demo.move(0.33 + 0.03 * number, 0.2))
    page.mouse.up()
    return {"draw to prediction": waits}


def lesson_5(page: Page) -> Waits:
    demo = Demo(page, 5, "demo-kernel")
    field = demo.box.locator("input[type=number]").nth(4)
    field.fill("7")
    demo.after(lambda: field.press("Enter"))
    demo.keys("preset", "ArrowDown")
    assert field.input_value() == "0"
    waits = {"field": demo.measure(lambda number: field.press(("ArrowUp", "ArrowDown")[number % 2]))}
    steps = Demo(page, 5, "demo-steps")
    steps.keys("operation", "ArrowDown")
    steps.says("largest number")
    steps.keys("padding", "ArrowRight")
    steps.says("input 8 × 8")
    steps.keys("step", "ArrowRight")
    steps.says("step 3 of")
    return waits | {"slider": steps.measure_slider("step")}


def lesson_6(page: Page) -> Waits:
    augmented = Demo(page, 6, "demo-augment")
    augmented.keys("turn", "PageUp")
    augmented.keys("mirror", "Space")
    return {"slider": augmented.measure_slider("shift")}


def lesson_7(page: Page) -> Waits:
    demo = Demo(page, 7, "demo-upload")
    upload = demo.box.locator(".widget-upload")

    def choose(path: Path, act: Callable[[], object]) -> None:
        upload.focus()
        page.wait_for_timeout(500)  # JupyterLab first makes the cell active, which moves the focus for a moment
        with page.expect_file_chooser() as chooser:
            act()
        chooser.value.set_files(path)

    before = demo.pixels()
    changed = demo.after(lambda: choose(TOUCAN, lambda: page.keyboard.press("Enter")))
    demo.says(TOUCAN.name)
    assert np.abs(changed - before)[:, 400:].max() > 50  # other bars
    demo.keys("network", "ArrowDown")
    demo.says("of Lite2")
    demo.after(lambda: choose(Path(__file__), upload.click))
    assert "five best answers" not in demo.alt  # a text is no picture: a sentence instead
    demo.keys("use my picture", "Space")
    demo.control("square").focus()
    return {"list": demo.measure(lambda number: page.keyboard.press(("ArrowDown", "ArrowUp")[number % 2]))}


def lesson_8(page: Page) -> Waits:
    sign = Demo(page, 8, "demo-sign")
    assert sign.alt.endswith("correct.")
    sign.keys("turn", "Home")
    sign.keys("sign", "ArrowDown")
    sign.keys("turn", "PageUp")
    return {"sign": sign.measure_slider("brightness")}


def lesson_9(page: Page) -> Waits:
    demo = Demo(page, 9, "demo-overlay")
    demo.keys("opacity", "ArrowRight")
    demo.keys("other classes", "Space")
    demo.keys("other classes", "Space")
    demo.keys("chosen", "ArrowDown")
    assert "Road: IoU" not in demo.alt
    before = demo.pixels()
    demo.click(0.4, 0.5)
    assert (demo.pixels()[:, :330] != before[:, :330]).any()  # the divider has moved
    demo.image.focus()
    demo.after(lambda: page.keyboard.press("ArrowLeft"))
    return {"slider": demo.measure_slider("opacity")}


VISITS = {number: globals()[f"lesson_{number}"] for number in range(1, 10)}
DEMOS = {
    1: ["demo-digit", "demo-knobs"],
    2: ["demo-rate", "demo-descent"],
    3: ["demo-line"],
    4: ["demo-digit"],
    5: ["demo-kernel", "demo-steps"],
    6: ["demo-augment"],
    7: ["demo-upload"],
    8: ["demo-sign"],
    9: ["demo-overlay"],
}


def sentence(waits: list[float]) -> str:
    """Median and range of some waits."""
    low, middle, high = min(waits), statistics.median(waits), max(waits)
    return f"{middle:.0f} ms ({low:.0f} to {high:.0f}, {len(waits)} times)"

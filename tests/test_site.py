"""The website: built once from the committed notebooks, then read from a folder and without a network."""

from __future__ import annotations

import base64
import re
import shutil
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import cv2
import keras
import nbformat
import numpy as np
import pytest
import tensorflow as tf
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell
from playwright.sync_api import Locator, Page, expect

from course import cli, site
from course.figures import SCORE_STEP
from course.lessons import lesson_files
from tests.test_accessibility import findings
from tests.test_pages import fetched
from utils import datasets, landscapes, paths, segmentation
from utils.digits import centre, one_of_each
from utils.downloads import fetch, fetch_folder
from utils.pictures import blend, read_mask, read_picture, resize, write_picture

pytestmark = pytest.mark.slow
LESSONS = [path.stem for path in lesson_files([])]
# At most so many bytes of a lesson's page before its pictures.
PAGE_LIMIT = 700_000
REPOSITORY = "https://github.com/someone/course"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Iterator[Path]:
    """The site as `course site` writes it, copied to another place as if unpacked from a zip."""
    if sys.version_info < (3, 11):
        pytest.skip("Sphinx and its style have given up Python 3.10")
    with pytest.MonkeyPatch.context() as patch:
        build = tmp_path_factory.mktemp("build")
        for name in ("SITE", "SOURCE", "TREES", "SCRIPTS"):
            patch.setattr(site, name, build / name)
        assert site.build(REPOSITORY) == 0
        yield Path(shutil.copytree(build / "SITE", tmp_path_factory.mktemp("a site") / "unpacked"))


@pytest.fixture(scope="module")
def pages(folder) -> dict[Path, BeautifulSoup]:
    files = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    return {path: BeautifulSoup(path.read_bytes(), "html.parser") for path in files}


@pytest.fixture
def page(chromium, folder) -> Iterator[Page]:
    """A page of the browser that counts what it is asked to fetch from elsewhere."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    elsewhere = []
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or elsewhere.append(request.url))
    yield page
    page.close()
    assert elsewhere == []


def test_a_page_for_each_lesson_and_its_appendix(folder):
    for name in LESSONS:
        assert (folder / "notebooks" / f"{name}.html").stat().st_size < PAGE_LIMIT
    assert len(list((folder / "notebooks").glob("*_deeper.html"))) >= 6
    assert {path.stem for path in folder.glob("*.html")} >= {"index", "glossary", "search", "CHANGELOG"}


def test_every_link_leads_somewhere(pages):
    ids = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()}
    dead, checked = [], 0
    for path, page in pages.items():
        for tag in page.find_all(["a", "img", "link", "script"]):
            address = urlsplit(str(tag.get("href") or tag.get("src") or ""))
            if address.scheme or address.netloc or not (address.path or address.fragment):
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            checked += 1
            if not target.is_file() or (address.fragment and target in ids and address.fragment not in ids[target]):
                dead.append((path.name, address.geturl()))
    assert checked > 1000 and dead == []


def test_who_wants_to_edit_a_page_is_led_to_its_file(pages, folder):
    """A file of the repository; an appendix, the start page and the glossary are none by themselves."""
    found = {}
    for path, page in pages.items():
        edit = [str(a["href"]) for a in page.select("a[href*='/edit/']")]
        found[path.relative_to(folder).as_posix()] = {
            address.removeprefix(f"{REPOSITORY}/edit/main/") for address in edit
        }
        assert page.select_one(f"a[href='{REPOSITORY}']"), path
    assert found[f"notebooks/{LESSONS[0]}.html"] == {f"notebooks/{LESSONS[0]}.ipynb"}
    files = {file for files in found.values() for file in files}
    assert len(files) > len(LESSONS) and all((paths.ROOT / file).is_file() for file in files)


def test_pictures_have_their_alternative_texts_and_load_late(pages, folder):
    for name in LESSONS:
        images = pages[folder / "notebooks" / f"{name}.html"].select("article img")
        assert len(images) > 5
        assert [str(image)[:80] for image in images if not image.get("alt") or image.get("loading") != "lazy"] == []
        assert not any(image["alt"].startswith(("../", "_images")) for image in images)


def test_formulas_are_drawn_and_solutions_are_folded(pages, folder):
    for name in LESSONS:
        page = pages[folder / "notebooks" / f"{name}.html"]
        assert not page.select(".math") and len(page.select("article details")) > 5
    assert pages[folder / "notebooks" / f"{LESSONS[1]}.html"].select("article svg[role=img]")


def test_nothing_comes_from_elsewhere(pages, folder):
    """What a page names, besides what a browser then asks for."""
    for path, page in pages.items():
        assert [address for address in fetched(str(page)) if urlsplit(address).netloc] == [], path


def test_the_glossary_has_each_term_once_and_its_lesson_links_to_it(pages, folder):
    glossary = pages[folder / "glossary.html"]
    terms = [tag["id"] for tag in glossary.select("article section section section")]
    assert len(terms) > 100 and not [term for term, count in Counter(terms).items() if count > 1]
    assert {"epoch", "learning-rate", "softmax", "receptive-field"} <= set(terms)
    used = {
        str(link["href"]).split("#")[1]
        for page in pages.values()
        for link in page.select("article a[href*='glossary.html#']")
    }
    assert set(terms) <= used


def test_search_without_a_server(page, folder):
    page.goto(f"{(folder / 'search.html').as_uri()}?q=receptive+field")
    page.wait_for_selector("#search-results li a")
    assert any(
        "05_cnn_fundamentals" in str(a.get_attribute("href")) for a in page.query_selector_all("#search-results a")
    )


def test_code_can_be_hidden_and_is_whole_at_1280_pixels(page, folder):
    for name in LESSONS:
        page.goto((folder / "notebooks" / f"{name}.html").as_uri())
        cut = page.evaluate(
            "[...document.querySelectorAll('.cell_input pre')]"
            ".filter((code) => code.scrollWidth > code.clientWidth + 1).map((code) => code.textContent.slice(0, 60))"
        )
        assert cut == [], name
    code = page.locator(".cell_input").first
    assert code.is_visible()
    page.get_by_role("button", name="Hide the code").focus()
    page.keyboard.press("Enter")
    assert not code.is_visible()
    page.wait_for_timeout(500)  # a busy Chromium hands the choice to its storage a moment later
    page.reload()
    assert not page.locator(".cell_input").first.is_visible(), "the choice is forgotten"


def open_figure(page: Page, folder: Path, lesson: int, figure: str) -> Locator:
    mark = f'data-figure="{figure}"'
    (path,) = [path for path in (folder / "notebooks").glob(f"0{lesson}_*.html") if mark in path.read_text("utf-8")]
    page.set_default_timeout(5000)
    page.goto(path.as_uri())
    place = page.locator(f"[data-figure={figure}]")
    place.evaluate("(place) => place.previousElementSibling.scrollIntoView()")  # some come when one is near
    expect(place).to_be_visible(timeout=20_000)
    place.scroll_into_view_if_needed()
    return place


def test_the_pad_answers_as_keras_does(page, folder):
    place = open_figure(page, folder, 4, "digit")
    assert "Answer: 7" in place.locator("p[role=status]").inner_text()
    weights = np.load(fetch("models/mnist_mlp.npz"))
    network = keras.Sequential(
        [keras.Input((784,)), *(keras.layers.Dense(n, "relu") for n in (128, 128)), keras.layers.Dense(10, "softmax")]
    )
    network.set_weights([weights[f"{kind}_{layer}"] for layer in range(3) for kind in ("kernel", "bias")])
    _, (x_test, y_test) = datasets.load_mnist()
    pictures = [*one_of_each(x_test, y_test).values(), *(np.roll(x_test[place], 3, axis=0) for place in range(20))]
    in_browser = page.evaluate(
        """(pictures) => {
          const layers = courseData.digit.layers.map(({ kernel, bias }) => (
            { kernel: courseFigures.halves(kernel), bias: courseFigures.halves(bias) }));
          return pictures.map((picture) => {
            const centred = courseFigures.centre(Uint8Array.from(picture));
            return [Array.from(centred), courseFigures.forward(layers, centred.map((value) => value / 255))];
          });
        }""",
        [picture.ravel().tolist() for picture in pictures],
    )
    for picture, (centred, answer) in zip(pictures, in_browser, strict=True):
        wanted = centre(picture)
        assert np.abs(np.reshape(centred, (28, 28)) - wanted).max() <= 2, "OpenCV centres it otherwise"
        by_keras = network.predict(np.reshape(centred, (1, 784)) / 255, verbose=0)[0]
        assert np.abs(by_keras - answer).max() < 1e-3


def test_who_draws_on_the_pad_gets_an_answer(page, folder):
    place = open_figure(page, folder, 4, "digit")
    pad = place.locator("canvas").first
    box = pad.bounding_box()
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(x, box["y"] + box["height"] - 40, steps=10)
    page.mouse.up()
    expect(place.locator("p[role=status]")).to_contain_text("Answer: 1", timeout=20_000)
    assert not place.locator("xpath=preceding-sibling::*[1]").locator(".cell_output").is_visible()


def test_the_kernel_is_that_of_opencv(page, folder):
    open_figure(page, folder, 5, "kernel")
    grey = cv2.imread(str(fetch("images/fruits_256.png")), cv2.IMREAD_GRAYSCALE)
    numbers = [1, 0, -1, 2, 0, -2, 1, 0.5, -1]
    output = page.evaluate(
        "(numbers) => { const { grey, height, width } = courseData.kernel;"
        " return Array.from(courseFigures.convolve(courseFigures.bytes(grey), height, width, numbers)); }",
        numbers,
    )
    wanted = cv2.filter2D(grey.astype("float32"), -1, np.reshape(numbers, (3, 3)).astype("float32"))[1:-1, 1:-1]
    assert np.abs(np.reshape(output, wanted.shape) - wanted).max() < 1e-2


def test_a_picture_of_the_readers_own(page, folder, tmp_path):
    place = open_figure(page, folder, 5, "kernel")
    cv2.imwrite(str(tmp_path / "own.png"), np.zeros((300, 600, 3), np.uint8))
    place.locator("input[type=file]").set_input_files(tmp_path / "own.png")
    expect(place.locator("canvas").first).to_have_attribute("width", "320", timeout=20_000)
    (tmp_path / "text.png").write_text("not a picture", encoding="utf-8")
    place.locator("input[type=file]").set_input_files(tmp_path / "text.png")
    expect(place.locator("p[role=status]")).to_contain_text("not a picture", timeout=20_000)


def test_the_line_and_its_error(page, folder):
    place = open_figure(page, folder, 3, "line")
    (rows, prices), _ = datasets.load_boston_housing()
    x, y = rows[:282, datasets.BOSTON_COLUMNS.index("RM")], prices[:282]
    slider = place.get_by_label("weight")
    slider.fill("9")
    bias = y.mean() - 9 * x.mean()
    said = place.locator("p[role=status]").inner_text()
    assert f"squared error {np.mean((9 * x + bias - y) ** 2):.1f}" in said
    place.locator(".figure-plot").focus()
    page.keyboard.press("ArrowUp")
    assert place.locator("p[role=status]").inner_text() != said, "the keyboard moves the line"


def test_the_rate_that_diverges(page, folder):
    place = open_figure(page, folder, 2, "rate")
    assert "converges" in place.locator("p[role=status]").inner_text()
    place.get_by_label("learning rate").fill("1.05")
    assert "diverges" in place.locator("p[role=status]").inner_text()


def test_the_walk_is_that_of_the_lesson(page, folder):
    """The weights and losses of every step, for good and bad rates, with and without momentum, from several starts."""
    open_figure(page, folder, 2, "walk")
    first = landscapes.start_at((0.6, 0.86)).tolist()
    settings = [
        (surface, start, rate, momentum, steps)
        for surface in landscapes.SURFACES
        for start in (first, [-1.4, -0.5], [0.15, 0.0])
        for rate, momentum in (
            (0.005, 0.0),
            (0.02, 0.87),
            (0.02, 0.97),
            (0.2, 0.0),
            (0.5, 0.0),
            (0.6, 0.0),
            (0.6, 0.98),
        )
        for steps in (0, 1, 300)
    ]
    in_browser = page.evaluate(
        """(settings) => settings.map(([name, start, learningRate, momentum, steps]) => {
          const { SURFACES, descent } = courseFigures.walk, { far } = courseData.walk;
          const path = descent(SURFACES[name], { start, learningRate, momentum, steps, far });
          return [path, path.map(SURFACES[name].loss)];
        })""",
        settings,
    )
    largest = 0.0
    for (surface, start, rate, momentum, steps), (path, losses) in zip(settings, in_browser, strict=True):
        loss, gradient = landscapes.SURFACES[surface]
        wanted = landscapes.descent_path(gradient, start, rate, steps, momentum)
        assert len(path) == len(wanted)
        for found, expected in ((path, wanted), (losses, loss(*wanted.T))):
            difference = np.abs(np.array(found) - expected) / np.maximum(1, np.abs(expected))
            largest = max(largest, difference.max())
    print(f"walk: largest difference {largest:.2g} in {len(settings)} walks")
    assert largest < 1e-9
    assert page.evaluate("courseData.walk.start") == first


@pytest.mark.parametrize(
    ("surface", "rate", "momentum", "steps", "word"),
    [
        ("two hollows", 0.02, 0, 60, "crawls"),
        ("two hollows", 0.2, 0, 60, "converges"),
        ("two hollows", 0.02, 0.97, 100, "oscillates"),
        ("two hollows", 0.02, 0, 5, "is still under way"),
        ("two hollows", 0.02, 0, 0, "has not begun"),
        ("bowl", 0.45, 0, 60, "converges"),
        ("bowl", 0.495, 0, 60, "oscillates"),
        ("bowl", 0.5, 0, 60, "oscillates"),
        ("bowl", 0.505, 0, 60, "diverges"),
        ("bowl", 0.6, 0, 60, "diverges"),
    ],
)
def test_the_walk_says_what_it_comes_to(page, folder, surface, rate, momentum, steps, word):
    place = open_figure(page, folder, 2, "walk")
    place.get_by_label("surface", exact=True).select_option(surface)
    for name, value in {"learning rate": rate, "momentum": momentum, "steps": steps}.items():
        place.get_by_label(name, exact=True).fill(str(value))
    loss, gradient = landscapes.SURFACES[surface]
    path = landscapes.descent_path(gradient, landscapes.start_at((0.6, 0.86)), rate, steps, momentum)
    said = place.locator("p[role=status]").inner_text().replace("−", "-")
    assert said.endswith(
        f"in {len(path) - 1} steps to ({path[-1, 0]:.2f}, {path[-1, 1]:.2f}), loss {loss(*path[-1]):.3f}: it {word}."
    )


def test_the_walk_begins_where_the_reader_wants(page, folder):
    place = open_figure(page, folder, 2, "walk")
    says, above = place.locator("p[role=status]"), place.locator(".figure-plot[tabindex]")
    assert says.inner_text().startswith("From (1.78, 0.98)")
    above.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    assert says.inner_text().startswith("From (1.73, 0.73)")
    for _ in range(20):
        page.keyboard.press("Shift+ArrowUp")
    assert says.inner_text().startswith("From (1.73, 1.10)"), "not beyond the map"
    box = above.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    clicked = says.inner_text()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    page.mouse.up()
    start = float(re.match(r"From \(([−\d.]+),", says.inner_text())[1].replace("−", "-"))
    assert says.inner_text() != clicked and -1.2 < start < -0.5, "a drag leads the start"
    rates = [str(0.005 * step) for step in range(1, 31)]
    place.get_by_label("steps", exact=True).fill("300")
    report_latency(page, place.get_by_label("learning rate", exact=True), rates, "walk of 300 steps")
    report_latency(page, place.get_by_label("surface", exact=True), ["bowl", "two hollows"] * 5, "surface of the walk")
    report_pointer_latency(page, above, "start of the walk")


def test_level_lines_lie_on_their_level(page, folder):
    open_figure(page, folder, 2, "walk")
    pieces = page.evaluate(
        """() => {
          const axis = Array.from({ length: 61 }, (_, i) => -1.5 + i / 20);
          const { SURFACES, levelLine } = courseFigures.walk;
          return levelLine(axis.map((w2) => axis.map((w1) => SURFACES["two hollows"].loss([w1, w2]))), axis, axis, 0.5);
        }"""
    )
    ends = np.array(pieces)
    assert len(ends) > 50
    assert np.abs(landscapes.two_hollows(ends[..., 0], ends[..., 1]) - 0.5).max() < 0.005
    angles = np.degrees(np.arctan2(ends[:, 0, 1], ends[:, 0, 0]))
    assert np.histogram(angles, 12, (-180, 180))[0].min() > 0, "around both hollows"
    assert np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).max() <= np.hypot(0.05, 0.05) + 1e-9, "within a cell"


def report_latency(page: Page, control: Locator, values: list[str], name: str) -> None:
    """Print how long the figure takes to follow: the handler, and until the browser has drawn."""
    timed = control.evaluate(
        """async (control, values) => {
          const handled = [], drawn = [];
          for (const value of values) {
            const start = performance.now();
            control.value = value;
            control.dispatchEvent(new Event("input"));
            control.dispatchEvent(new Event("change"));
            handled.push(performance.now() - start);
            await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
            drawn.push(performance.now() - start);
          }
          const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
          return [median(handled), median(drawn)];
        }""",
        values,
    )
    print(f"{name}: handled in {timed[0]:.1f} ms, drawn after {timed[1]:.1f} ms (medians of {len(values)})")


def report_pointer_latency(page: Page, target: Locator, name: str) -> None:
    """Print how long the figure takes to follow a pointer that is drawn over it."""
    timed = target.evaluate(
        """async (target) => {
          const box = target.getBoundingClientRect(), drawn = [];
          for (let i = 1; i < 30; i++) {
            const place = { clientX: box.left + (i * box.width) / 30, clientY: box.top + box.height / 2, buttons: 1 };
            const start = performance.now();
            target.dispatchEvent(new PointerEvent("pointermove", place));
            await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
            drawn.push(performance.now() - start);
          }
          return drawn.sort((a, b) => a - b)[drawn.length >> 1];
        }"""
    )
    print(f"{name}: drawn after {timed:.1f} ms (median)")


def test_the_knobs_say_what_numpy_says(page, folder):
    place = open_figure(page, folder, 1, "knobs")
    (pictures, digits), _ = datasets.load_mnist()
    pictures, is_one = pictures[digits < 2], digits[digits < 2] == 1
    middle = pictures[:, 12:16, 12:16].mean(axis=(1, 2)) / 255
    sides = pictures[:, :, [*range(6, 12), *range(16, 22)]].mean(axis=(1, 2)) / 255
    settings = [(2, 0, -1), (0, 0, 0), (10, -20, 0), (-10, 20, 0), (40, -40, -10), (0, -15, 3)]
    in_browser = page.evaluate(
        "(settings) => { const { answers, features } = courseFigures.knobs;"
        " return settings.map((knobs) => answers(features(courseData.knobs), knobs)); }",
        settings,
    )
    for knobs, found in zip(settings, in_browser, strict=True):
        probabilities = 1 / (1 + np.exp(-(knobs[0] * middle + knobs[1] * sides + knobs[2])))
        assert found["right"] == np.mean((probabilities > 0.5) == is_one)
        assert abs(found["confidence"] - np.maximum(probabilities, 1 - probabilities).mean()) < 1e-9
        for digit, bins in enumerate(found["bins"]):
            wanted = np.histogram(probabilities[is_one == digit], np.linspace(0, 1, 11))[0]
            assert np.abs(np.subtract(bins, wanted)).max() <= 1, "of probabilities at the edge of a bin"
    for name, value in {"weight middle": "10", "weight sides": "-20", "bias": "0"}.items():
        place.get_by_label(name).fill(value)
    assert "98.9 % of 12,665" in place.locator("p[role=status]").inner_text()
    place.get_by_label("bias").focus()
    page.keyboard.press("ArrowRight")
    assert "0.5:" in place.locator("p[role=status]").inner_text(), "the keyboard turns a knob"
    report_latency(page, place.get_by_label("bias"), [str(value / 2) for value in range(-15, 16)], "knobs")


@pytest.mark.parametrize(
    ("lesson", "figure"),
    [(1, "knobs"), (2, "walk"), (6, "objects"), (7, "imagenet"), (9, "scores"), (9, "overlay")],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_accessible_and_fit_a_phone(chromium, folder, lesson, figure, scheme):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    place, within = open_figure(page, folder, lesson, figure), f"[data-figure={figure}]"
    if figure == "imagenet":
        assert findings(page, within=within) == [], "before it is asked for"
        place.get_by_role("button").click()
        expect(place.locator("p[role=status]")).to_contain_text("Answer: ", timeout=120_000)
    expect(place.locator("p[role=status]")).not_to_be_empty(timeout=60_000)
    try:
        assert findings(page, within=within) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    finally:
        context.close()


def test_the_overlay_counts_as_the_lesson_does(page, folder):
    """The regions of every class, of the network's mask and of a painted one; and what the left canvas shows."""
    place = open_figure(page, folder, 9, "overlay")
    expect(place.locator("p[role=status]")).to_contain_text("Road: IoU", timeout=20_000)
    (photo,) = [one for one in segmentation.street_photos() if one.name == "berlin_cathedral"]
    place.get_by_label("photograph", exact=True).select_option(photo.name)
    truth, picture = read_mask(photo.mask_path), read_picture(photo.path)
    network = tf.saved_model.load(str(fetch_folder("models/hrnet_small")))
    scores = np.asarray(network.predict(picture[None].astype("float32") / 255))[0, ..., 1:]
    predicted = segmentation.group_table()[scores.argmax(axis=-1)]
    names = {segmentation.camvid_classes()[number].name: number for number in segmentation.GROUPS}
    for name, number in names.items():
        place.get_by_label("class", exact=True).select_option(name)
        both, missed, invented = (region.sum() for region in segmentation.regions(truth, predicted, number).values())
        words = f"{name}: IoU {both:,} / {both + missed + invented:,} ="
        if not both + missed + invented:
            words = f"{name} is in neither mask."
        expect(place.locator("p[role=status]")).to_contain_text(words)
    for name, value in {"divider": "0", "opacity": "0.6"}.items():
        place.get_by_label(name, exact=True).fill(value)
    shown = place.locator("canvas").first.evaluate(
        "(canvas) => Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data)"
    )
    wanted = blend(picture, segmentation.colour_table()[predicted], 0.6)
    difference = np.abs(np.reshape(shown, (*truth.shape, 4))[:, 8:, :3] - wanted[:, 8:])
    print(f"overlay: largest difference of a colour {difference.max():.0f} of 255")
    assert difference.max() <= 4, "the browser reads the photograph or blends otherwise"
    report_latency(page, place.get_by_label("divider", exact=True), [str(value / 30) for value in range(31)], "divider")
    report_latency(page, place.get_by_label("class", exact=True), list(names), "class of the overlay")


def test_the_score_maps_are_the_networks(page, folder):
    """Every stored score of two photographs, pixels as the figure reads them, and the map as it is drawn."""
    place = open_figure(page, folder, 9, "scores")
    says = place.locator("p[role=status]")
    expect(says).to_contain_text("Row 330, column 256: Sidewalk 0.28, Road 0.22, Column/Pole 0.19", timeout=20_000)
    assert page.evaluate("Object.keys(courseData).filter((name) => name.startsWith('scores_'))") == ["scores_basilica"]
    network = tf.saved_model.load(str(fetch_folder("models/hrnet_small")))
    names = {segmentation.camvid_classes()[number].name: number for number in segmentation.GROUPS}
    left, right = place.locator("canvas").all()
    largest = 0.0
    for photo in [one for one in segmentation.street_photos() if one.name in ("basilica", "mural")]:
        place.get_by_label("photograph", exact=True).select_option(photo.name)
        expect(left).to_have_attribute("aria-label", re.compile(photo.name), timeout=20_000)
        picture = read_picture(photo.path)
        scores = np.asarray(network.predict(picture[None].astype("float32") / 255))[0, ..., 1:]
        few = scores[::SCORE_STEP, ::SCORE_STEP, list(names.values())]
        assert np.allclose(few.sum(axis=-1), 1, atol=1e-5), "the network knows another class"
        stored = page.evaluate("(name) => courseData[`scores_${name}`].maps", photo.name)
        maps = np.frombuffer(zlib.decompress(base64.b64decode(stored)), np.uint8).reshape(len(names), *few.shape[:2])
        largest = max(largest, np.abs(maps.transpose(1, 2, 0) / 255 - few).max())
        pixels = np.random.default_rng(0).integers(picture.shape[:2], size=(300, 2)) // SCORE_STEP * SCORE_STEP
        said_of_pixels = page.evaluate(
            """async ([name, pixels]) => {
              const { scoreMaps, scoresAt } = courseFigures.scores, maps = await scoreMaps(name);
              return pixels.map(([row, column]) => scoresAt(maps, row, column));
            }""",
            [photo.name, pixels.tolist()],
        )
        wanted = scores[pixels[:, 0], pixels[:, 1]][:, list(names.values())]
        largest = max(largest, np.abs(np.array(said_of_pixels) - wanted).max())
        place.get_by_label("class", exact=True).select_option("Tree")
        drawn = right.evaluate(
            """(canvas, step) => {
              const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, 200); // above the ring
              const isStored = (i) => i % (4 * step) === 0 && Math.floor(i / 4 / canvas.width) % step === 0;
              return Array.from(data).filter((_, i) => isStored(i));
            }""",
            SCORE_STEP,
        )
        trees = few[: 200 // SCORE_STEP, :, list(names).index("Tree")]
        largest = max(largest, np.abs(np.reshape(drawn, trees.shape) / 255 - trees).max())
    print(f"score maps: largest difference {largest:.6f}, half a step of 8 bits is {0.5 / 255:.6f}")
    assert largest <= 0.5 / 255 + 1e-4, "the page shows other scores than the network gives"


def test_a_pixel_and_a_class_are_chosen(page, folder):
    place = open_figure(page, folder, 9, "scores")
    says, (left, right) = place.locator("p[role=status]"), place.locator("canvas").all()
    expect(says).to_contain_text("Row 330, column 256", timeout=20_000)
    left.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    expect(says).to_contain_text("Row 328, column 266")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowDown")
    expect(says).to_contain_text("Row 340, column 266")
    box = right.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5)
    expect(says).to_contain_text(re.compile(r"Row 170, column 30[68]: Building (1.00|0.99)"))
    shares = [float(line.split()[-1]) for line in place.locator(".figure-bars > div").all_inner_texts()]
    assert len(shares) == len(segmentation.GROUPS) and abs(sum(shares) - 1) < 0.05
    before = right.evaluate("(canvas) => canvas.toDataURL()")
    place.get_by_label("class", exact=True).focus()
    page.keyboard.press("ArrowDown")
    assert right.evaluate("(canvas) => canvas.toDataURL()") != before, "the keyboard changes the class"
    names = place.get_by_label("class", exact=True).locator("option").all_inner_texts()
    report_latency(page, place.get_by_label("class", exact=True), names, "class of the score maps")
    report_pointer_latency(page, left, "pixel of the score maps")


def test_a_finger_chooses(chromium, folder):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    for lesson, figure, first in ((2, "walk", "From (1.78"), (9, "scores", "Row 330, column 256")):
        place = open_figure(page, folder, lesson, figure)
        says, target = place.locator("p[role=status]"), place.locator("[role=img][tabindex]").first
        expect(says).to_contain_text(first, timeout=20_000)
        target.tap(position={"x": 150, "y": 100})
        expect(says).not_to_contain_text(first)
    context.close()


def test_without_javascript_the_still_figures_stand(chromium, folder):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    for mark in ("walk", "scores", "overlay"):
        (path,) = [path for path in (folder / "notebooks").glob("*.html") if f'"{mark}"' in path.read_text("utf-8")]
        page.goto(path.as_uri())
        place = page.locator(f"[data-figure={mark}]")
        assert place.locator("xpath=preceding-sibling::*[1]").locator(".cell_output img").is_visible()
        assert not place.is_visible()
    context.close()


def test_who_paints_a_mask_learns_its_iou(page, folder):
    place = open_figure(page, folder, 9, "overlay")
    says = place.locator("p[role=status]")
    expect(says).to_contain_text("Road: IoU", timeout=20_000)
    place.get_by_label("mask", exact=True).select_option("painted by yourself")
    expect(says).to_contain_text("Road: IoU 0 / 31,692 = 0.00")
    place.get_by_label("brush", exact=True).fill("20")
    place.locator("canvas").first.focus()
    for key in ["ArrowDown"] * 14 + [" "]:
        page.keyboard.press(key)
    expect(says).not_to_contain_text("IoU 0 /")
    painted = says.inner_text()
    box = place.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.9)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] * 0.9, steps=5)
    page.mouse.up()
    assert says.inner_text() != painted
    place.get_by_role("button", name="clear").click()
    expect(says).to_contain_text("Road: IoU 0 / 31,692 = 0.00")


def report_agreement(by_keras: np.ndarray, in_browser: np.ndarray, milliseconds: float, name: str) -> None:
    difference = np.abs(by_keras - in_browser).max()
    print(f"{name}: largest difference to Keras {difference:.2g} on {len(by_keras)}, {milliseconds:.0f} ms each")


def test_lesson_6s_network_answers_as_keras_does(page, folder, tmp_path):
    place = open_figure(page, folder, 6, "objects")
    expect(place.locator("p[role=status]")).to_contain_text("Answer: ", timeout=60_000)
    found, milliseconds = page.evaluate(
        """async () => {
          const { networks, unpacked } = courseFigures, data = courseData.objects;
          const layers = networks.unpack(data.layers), start = performance.now(), found = [];
          for (const { pixels } of data.photographs) {
            found.push(await networks.predict(layers, await unpacked(pixels), 32));
          }
          return [found, (performance.now() - start) / found.length];
        }"""
    )
    photographs, _, _ = datasets.cifar10_photographs()
    small = np.stack([cv2.resize(one, (32, 32), interpolation=cv2.INTER_AREA) for one in photographs])
    wanted = keras.models.load_model(fetch("models/cifar10_recipe.keras")).predict(small, verbose=0)
    report_agreement(wanted, np.array(found), milliseconds, "lesson 6")
    assert np.abs(wanted - found).max() < 1e-3
    assert page.locator(".cell_output img[alt]").first.is_visible(), "below this figure the lesson's own stays"
    says = place.locator("p[role=status]").inner_text()
    write_picture(tmp_path / "own.png", photographs[-1])
    place.locator("input[type=file]").set_input_files(tmp_path / "own.png")
    expect(place.locator("p[role=status]")).not_to_have_text(says, timeout=20_000)
    (tmp_path / "text.png").write_text("not a picture", encoding="utf-8")
    place.locator("input[type=file]").set_input_files(tmp_path / "text.png")
    expect(place.locator("p[role=status]")).to_contain_text("not a picture", timeout=20_000)


def load_lite0(page: Page, folder: Path) -> Locator:
    place = open_figure(page, folder, 7, "imagenet")
    assert not page.evaluate("Boolean(window.courseData?.imagenet)"), "13 MB that nobody has asked for"
    place.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(place.locator("p[role=status]")).to_contain_text("Answer: fire engine", timeout=120_000)
    return place


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.weekly)], ids=["one in five", "all"])
def test_lite0_answers_as_keras_does_on_the_courses_photographs(page, folder, every):
    """Each of its own decoding and cropping: the browser's of the file, and the lesson's."""
    load_lite0(page, folder)
    page.set_default_timeout(600_000)
    names, found, milliseconds = page.evaluate(
        """async (every) => {
          const { networks, photographs, need, bytes } = courseFigures, data = courseData.imagenet;
          const layers = networks.unpack(data.layers), found = [], start = performance.now();
          const names = data.photographs.filter((_, place) => place % every === 0);
          for (const name of names) {
            const file = (await need(`photo_${name}`)).photograph.split(",")[1];
            const picture = await photographs.decode(new Blob([bytes(file)], { type: "image/jpeg" }));
            found.push(await networks.predict(layers, photographs.squared(picture, "crop", 224), 224));
          }
          return [names, found, (performance.now() - start) / found.length];
        }""",
        every,
    )
    squares = []
    for name in names:
        photo = read_picture(fetch(f"images/photos/{name}.jpg"))
        side = round(0.875 * min(photo.shape[:2]))
        top, left = (photo.shape[0] - side) // 2, (photo.shape[1] - side) // 2
        squares.append(resize(photo[top : top + side, left : left + side], 224, 224))
    network = keras.models.load_model(fetch("models/efficientnet_lite0.keras"))
    wanted = network.predict(np.stack(squares).astype("float32"), batch_size=16, verbose=0)
    report_agreement(wanted, np.array(found), milliseconds, "lesson 7")
    assert len(found) >= 9
    assert np.abs(wanted - found).max() < 0.02
    assert (wanted.argmax(axis=1) == np.argmax(found, axis=1)).all()


def test_lite0_on_the_readers_own_photograph(page, folder):
    place = load_lite0(page, folder)
    place.locator("input[type=file]").set_input_files(fetch("images/photos/giant_panda.jpg"))
    for way in ("crop", "squash", "pad"):
        place.get_by_label("square").select_option(way)
        expect(place.locator("p[role=status]")).to_contain_text("Answer: giant panda", timeout=60_000)


def test_on_paper_the_still_figure_stands(page, folder):
    place = open_figure(page, folder, 1, "knobs")
    still = place.locator("xpath=preceding-sibling::*[1]").locator(".cell_output")
    assert place.is_visible() and not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible() and not place.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", f"notebooks/{LESSONS[2]}", "glossary", "docs/RESULTS"])
def test_accessibility(chromium, folder, name, scheme):
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto((folder / f"{name}.html").as_uri())
    page.wait_for_function(f"document.documentElement.dataset.theme == '{scheme}'")
    try:
        assert findings(page) == []
    finally:
        context.close()


def test_a_phone_needs_no_scrolling_to_the_side(chromium, folder):
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    for name in LESSONS:
        page.goto((folder / "notebooks" / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    context.close()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Sphinx and its style have given up Python 3.10")
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path, monkeypatch, capfd):
    for name in ("SITE", "SOURCE", "TREES", "SCRIPTS"):
        monkeypatch.setattr(site, name, tmp_path / name)
    monkeypatch.setattr(site.figures, "write", lambda folder: folder.mkdir())

    def with_a_link_to(target: str) -> Callable[[], None]:
        def write() -> None:
            shutil.rmtree(site.SOURCE, ignore_errors=True)
            site.SOURCE.mkdir()
            (site.SOURCE / "index.md").write_text("# A\n\n```{toctree}\nb.ipynb\n```\n", encoding="utf-8")
            notebook = nbformat.v4.new_notebook(cells=[new_markdown_cell(f"# B\n\n[there]({target})")])
            nbformat.write(notebook, site.SOURCE / "b.ipynb")

        return write

    for target, leads_somewhere in (("index.md", True), ("no_such_page.ipynb", False)):
        monkeypatch.setattr(site, "write_sources", with_a_link_to(target))
        shutil.rmtree(site.SCRIPTS, ignore_errors=True)
        assert (site.build() == 0) == leads_somewhere
    assert "no_such_page" in capfd.readouterr().err


def test_without_its_packages_one_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(site, "find_spec", lambda name: None)
    assert cli.main(["site"]) == 1
    said = capsys.readouterr().err
    assert "make site" in said and sys.executable in said and not re.search("Traceback", said)


@pytest.mark.parametrize(
    ("words", "expected"),
    [("softmax", True), ("receptive field", True), ("not", False), ("0.01 crawls.", False), ("118,282", False)],
)
def test_what_is_a_term(words, expected):
    assert site.is_term(words) == expected


def test_a_term_keeps_the_sentence_around_it():
    text = "First one. A step is **one update**, no more. Then another."
    assert list(site.bold_terms(text)) == [("one update", "A step is **one update**, no more.")]

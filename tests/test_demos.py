"""The figures with controls: what is drawn when, and what a viewer without a kernel gets."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.image import imread

from utils import demos


@pytest.fixture
def shown(monkeypatch):
    """What `demo` hands to the notebook; no figure of another test is open."""
    plt.close("all")
    bundles = []
    monkeypatch.setattr(demos, "display", lambda data, raw: bundles.append(data))
    return bundles


def bar(height: float = 1.0, kind: str = "a", pointer: tuple[float, float] = (0.0, 0.0)) -> plt.Figure:
    figure = plt.figure(figsize=(2, 1))
    figure.add_axes((0, 0, 1, 1)).bar([0.5 + pointer[0]], [height], color={"a": "blue", "b": "red"}[kind])
    plt.gca().set(xlim=(0, 2), ylim=(0, 2))
    return figure


def test_a_change_draws_the_figure_anew(shown):
    box = demos.demo(bar, "a bar", height=(0.0, 2.0, 0.1), kind=["a", "b"])
    height, kind, _still, picture = box.children
    assert (height.value, height.description, kind.value) == (1.0, "height", "a")
    pngs = [picture.png]
    height.value = 2.0
    pngs.append(picture.png)
    kind.value = "b"
    pngs.append(picture.png)
    assert len(set(pngs)) == 3
    red = imread(io.BytesIO(picture.png), format="png")[:, :, :3].mean(axis=(0, 1))
    assert red[0] > red[2]
    assert not plt.get_fignums()


def test_the_titles_reach_those_who_hear_the_figure(shown):
    def titled(height: float = 1.0) -> plt.Figure:
        figure = bar(height)
        figure.axes[0].set_title(f"height {height}")
        figure.suptitle("One bar")
        return figure

    height, _still, picture = demos.demo(titled, "a bar.", height=(0.0, 2.0, 0.5)).children
    assert picture.alt == "a bar. One bar. height 1.0."
    height.value = 2.0
    assert picture.alt == "a bar. One bar. height 2.0."
    assert (height.tooltip, height.readout_format) == ("height", ".2f")
    fine = demos.demo(bar, "a bar", height=(0.0, 2.0, 0.005)).children[0]
    assert fine.readout_format == ".3f"


def test_a_pointer_reaches_the_figure(shown):
    box = demos.demo(bar, "a bar", pointer=(0.0, 0.0))
    picture = box.children[-1]
    before = picture.png
    picture.pointer = [0.5, 0.25]
    assert picture.png != before


def test_without_a_kernel_there_is_the_first_figure(shown):
    box = demos.demo(bar, "a blue bar", height=(0.0, 2.0, 0.1))
    (bundle,) = shown
    assert bundle["text/plain"] == "<interactive figure: a blue bar>"
    assert base64.b64decode(bundle["image/png"]) == box.children[-1].png
    assert bundle[demos.WIDGET_VIEW]["model_id"] == box.model_id
    assert imread(io.BytesIO(box.children[-1].png), format="png").shape[:2] == (80, 160)


def test_a_pad_begins_black_and_is_a_control(shown):
    def mean(drawing: bytes) -> plt.Figure:
        return bar(height=np.frombuffer(drawing, np.uint8).mean() / 100)

    pad = demos.Pad()
    assert pad.value == bytes(784)
    box = demos.demo(mean, "how much ink there is", drawing=pad)
    before = box.children[-1].png
    pad.value = bytes([200]) * 784
    assert box.children[-1].png != before


def test_a_drawing_comes_from_the_browser_as_a_memoryview():
    pad = demos.Pad()
    pad.set_state({"value": memoryview(bytes([200]) * 784)})
    assert pad.value == bytes([200]) * 784

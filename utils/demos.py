"""Figures that answer: controls beside a plot, a plot that can be clicked, a pad to draw on.

Where no kernel runs (a page on the web, a printed notebook) the same output is the figure with its first values. Where
ipywidgets' own controls work, but the front end of anywidget does not arrive (an editor without a network, an older
server), sliders and lists still redraw the figure; only the pad and the pointer are missing.
"""

from __future__ import annotations

import base64
import html
import inspect
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
DEMO, STILL = "course-demo", "course-still"  # classes of the box and of the figure without our own front end
HIDE_ERRORS = f"<style>.{DEMO} .jupyter-widgets-error-widget {{ display: none; }}</style>"


class Picture(anywidget.AnyWidget):
    """A PNG; where it is clicked, dragged or moved to by the arrow keys comes back as `pointer`."""

    _esm = Path(__file__).with_name("picture.js")
    _css = f".{STILL} {{ display: none; }}"  # comes with the widget's front end: then nobody needs the still figure
    png = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    arrived = traitlets.Bool(False).tag(sync=True)  # its front end is there
    pointer = traitlets.List(traitlets.Float(), allow_none=True, default_value=None).tag(sync=True)


class Pad(anywidget.AnyWidget, widgets.ValueWidget):
    """A square to draw on, with a pointer or with arrow keys and space: `value` is 28 x 28 bytes, 0 to 255, by rows."""

    _esm = Path(__file__).with_name("pad.js")
    value = traitlets.CBytes(bytes(28 * 28)).tag(sync=True)  # C: a browser sends a memoryview
    description = traitlets.Unicode().tag(sync=True)


def demo(draw: Callable[..., Figure], alt: str, **controls: Any) -> widgets.VBox:
    """Show a figure with controls, and draw it anew whenever one of them changes.

    Args:
        draw: makes a Figure of the controls' values, which are its keyword arguments.
        alt: what the picture shows, for those who cannot see it; the figure's titles follow it and change with it.
        controls: a widget each, or a short form of ipywidgets.interact ((low, high, step), a list, a bool), which
            begins with draw's default. `pointer=(x, y)` makes the figure itself clickable; draw then gets the place as
            fractions of the figure's width and height, from its lower left corner.

    Returns:
        The controls and the Picture, already displayed.
    """
    picture = Picture(alt=alt, pointer=controls.pop("pointer", None))
    still = widgets.HTML().add_class(STILL)
    inputs = {name: _widget(draw, name, control) for name, control in controls.items()}

    def redraw(change: Any = None) -> None:
        values = {name: control.value for name, control in inputs.items()}
        if picture.pointer is not None:
            values["pointer"] = tuple(picture.pointer)
        figure = draw(**values)
        titles = [figure.get_suptitle(), *(ax.get_title() for ax in figure.axes)]
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=80)  # never cropped, so that the pointer's fractions hold
        plt.close(figure)
        with picture.hold_sync():  # one message
            picture.alt = " ".join([alt.rstrip(".") + ".", *(f"{title}." for title in titles if title)])
            picture.png = buffer.getvalue()
        if not picture.arrived:  # else the figure would be sent twice
            still.value = HIDE_ERRORS + image_tag(picture)

    redraw()
    for control in inputs.values():
        control.observe(redraw, "value")
    picture.observe(redraw, "pointer")
    box = widgets.VBox([*inputs.values(), still, picture]).add_class(DEMO)
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    # One output in several forms: a viewer takes the first one that it can show.
    forms = {WIDGET_VIEW: view, "image/png": base64_of(picture), "text/plain": f"<interactive figure: {alt}>"}
    display(forms, raw=True)
    return box


def base64_of(picture: Picture) -> str:
    """The picture's PNG in the form that outputs and addresses take."""
    return base64.b64encode(picture.png).decode()


def image_tag(picture: Picture) -> str:
    """The picture for a front end that has ipywidgets' own controls, but could not load ours."""
    return f'<img alt="{html.escape(picture.alt)}" src="data:image/png;base64,{base64_of(picture)}">'


def _widget(draw: Callable[..., Figure], name: str, control: Any) -> widgets.Widget:
    """The control for one argument of draw, with a label that can be read."""
    if not isinstance(control, widgets.Widget):
        default = inspect.signature(draw).parameters[name].default
        control = widgets.interactive.widget_from_abbrev(control, default)
    if getattr(control, "step", 1) < 0.01:
        control.readout_format = ".3f"  # the default shows no thousandths
    control.description = control.description or name.replace("_", " ")
    if control.has_trait("description"):  # else the browser cannot show a box with a tooltip
        control.tooltip = control.description
    control.style = {"description_width": "initial"}
    control.layout.width = "420px"
    return control

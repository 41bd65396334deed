"""The course's colours as readers with a colour vision deficiency see them.

Simulated by the matrices of G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency", IEEE Transactions on Visualization and Computer Graphics 15(6), 2009, at full
severity, on linear RGB. Differences are Euclidean in CIE L*a*b* (CIE 1976), white point D65: about 2.3 is just noticed.
"""

from __future__ import annotations

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from tools.diagrams.drawing import CARD, INK, SOFT
from utils.plotting import PALETTE, RIGHT_COLOUR, WRONG_COLOUR, use_style

# Tables of numbers, which read better as matrices than as ruff lays them out.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
APART = 15  # the least difference of two colours that a figure tells apart: more than six times what is just noticed
SRGB_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                        [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip


def linear(colour: str) -> np.ndarray:
    """Linear RGB, (3,) in [0, 1], of a colour such as "#0072B2"."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def cielab(rgb: np.ndarray) -> np.ndarray:
    """L*, a*, b* of linear RGB, (3,), under D65."""
    ratio = SRGB_TO_XYZ @ rgb / SRGB_TO_XYZ.sum(axis=1)
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(first: str, second: str, vision: str) -> float:
    """How far two colours are apart for a reader with this vision."""
    seen = [cielab(np.clip(VISIONS[vision] @ linear(colour), 0, 1)) for colour in (first, second)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2, 1..21."""
    bright, dark = sorted((float(SRGB_TO_XYZ[1] @ linear(colour)) for colour in (first, second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_known_values():
    """CIE L*a*b* of pure colours as published; greys are the same for all; red and green draw near for a protanope."""
    assert cielab(linear("#FF0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    assert cielab(linear("#0000FF")) == pytest.approx([32.30, 79.19, -107.86], abs=0.02)
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    for vision, matrix in VISIONS.items():
        assert matrix.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-4), vision
    for vision in ("protanopia", "deuteranopia"):
        assert difference("#C05050", "#50A050", vision) < 0.5 * difference("#C05050", "#50A050", "normal")


@pytest.mark.parametrize("vision", VISIONS)
def test_curves_stay_apart(vision):
    """The colours that curves get by themselves, and every one of the palette but grey, which is for guide lines."""
    use_style()
    curves = [entry["color"] for entry in plt.rcParams["axes.prop_cycle"]]
    colours = {name: colour for name, colour in PALETTE.items() if name != "grey"}
    assert set(curves) <= set(colours.values())
    near = {
        (first, second): round(difference(colours[first], colours[second], vision), 1)
        for first, second in combinations(colours, 2)
        if difference(colours[first], colours[second], vision) < APART
    }
    assert near == {}


@pytest.mark.parametrize("vision", VISIONS)
def test_right_and_wrong_and_guide_lines(vision):
    assert difference(RIGHT_COLOUR, WRONG_COLOUR, vision) > 2 * APART
    # Grey points and guide lines are drawn beside curves of these colours, with another line style and a label.
    for name in ("blue", "red", "orange", "black"):
        assert difference(PALETTE[name], PALETTE["grey"], vision) > APART, name


def test_words_on_drawings_are_readable():
    """Fills of drawings look alike to some readers; every box says in words what it is, in ink that stands out."""
    for fill in (CARD, *SOFT.values()):
        assert contrast(INK, fill) > 7


def test_a_bad_palette_is_noticed():
    """The red and green that Matplotlib takes by default."""
    assert difference("#2CA02C", "#D62728", "normal") > 4 * APART
    assert difference("#2CA02C", "#D62728", "deuteranopia") < APART

"""Lesson 6's changed copies, and what tells an honest split with mirror images from a leaking one."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import augmentation
from utils.augmentation import COPIES, LABELS, PICTURES

PICTURE = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def honest() -> augmentation.Parts:
    """28 pictures and their mirror images to train on, the other 12 to validate with."""
    both = np.concatenate([PICTURES[:28], PICTURES[:28, :, ::-1]])
    return both, np.tile(LABELS[:28], 2), PICTURES[28:], LABELS[28:]


def test_without_any_change_the_copies_are_the_picture():
    copies = augmentation.changed_copies(PICTURE, mirror=False, shift=0, turn=0, dice=0)
    assert copies.dtype == np.uint8
    np.testing.assert_array_equal(copies, np.stack([PICTURE] * COPIES))


def test_mirroring_alone_turns_some_copies_and_leaves_the_others():
    copies = augmentation.changed_copies(PICTURE, mirror=True, shift=0, turn=0, dice=0)
    same = (copies == PICTURE).all(axis=(1, 2, 3))
    mirrored = (copies == PICTURE[:, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all() and same.any() and mirrored.any()


def test_a_shift_continues_the_edges_and_the_dice_decide():
    plain = np.full((8, 8, 3), 77, np.uint8)
    assert (augmentation.changed_copies(plain, mirror=True, shift=0.5, turn=0, dice=3) == 77).all()
    one, again, other = (
        augmentation.changed_copies(PICTURE, mirror=True, shift=0.3, turn=20, dice=dice) for dice in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_the_figure_shows_the_chosen_class_and_its_copies():
    draw = augmentation.draw_copies(np.stack([PICTURE, PICTURE[::-1]]), ["cat", "ship"])
    figure = draw("ship", mirror=False, shift=0, turn=0, dice=0)
    drawn = [ax.images[0].get_array() for ax in figure.axes]
    assert len(drawn) == COPIES + 1
    for pixels in drawn:
        np.testing.assert_array_equal(pixels, PICTURE[::-1])
    plt.close(figure)


def test_an_honest_split_is_accepted_with_labels_of_either_shape():
    pictures, labels, valid, valid_labels = honest()
    assert augmentation.is_honest((pictures, labels, valid, valid_labels))
    assert augmentation.is_honest((pictures, labels[:, None], valid, valid_labels[:, None]))


@pytest.mark.parametrize(
    ("fault", "parts"),
    [
        (augmentation.leaks, (*honest()[:2], PICTURES[27:39], LABELS[27:39])),
        (augmentation.mirrors_validation, (*honest()[:2], PICTURES[28:, :, ::-1], LABELS[28:])),
        (augmentation.mislabels, (honest()[0], np.repeat(LABELS[:28], 2), *honest()[2:])),
    ],
)
def test_each_fault_is_named_and_not_honest(fault, parts):
    assert fault(parts) and not augmentation.is_honest(parts)
    assert not fault(honest())


def test_a_split_without_mirror_images_is_not_honest():
    assert not augmentation.is_honest((PICTURES[:28], LABELS[:28], PICTURES[28:], LABELS[28:]))


def test_pictures_upside_down_are_not_honest_and_not_called_mislabelled():
    mirrored, labels = PICTURES[:28, :, ::-1], np.tile(LABELS[:28], 2)
    for first, second in ((PICTURES[:28], PICTURES[:28, ::-1]), (PICTURES[:28, ::-1], mirrored)):
        parts = (np.concatenate([first, second]), labels, PICTURES[28:], LABELS[28:])
        assert not augmentation.is_honest(parts) and not augmentation.mislabels(parts)

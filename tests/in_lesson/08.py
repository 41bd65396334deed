"""What lesson 8 does in full mode only, and what its figures do not show."""

import tempfile
from pathlib import Path

import numpy as np


def test_last_layers_of_vgg16():
    """Going back to 4 layers after 8 shows that each layer is set, not only the base."""
    for last, convolutions, total in ((0, 0, 3_216_939), (4, 3, 10_296_363), (8, 6, 16_196_139), (4, 3, 10_296_363)):
        set_trainable(vgg_base, last)
        assert sum("conv" in layer.name for layer in vgg_base.layers if layer.trainable) == convolutions
        assert trainable_count(vgg) == total


def test_what_is_frozen_stays_and_what_is_not_learns():
    """Batch normalisation among the last layers keeps its stored averages; the frozen network is not touched."""
    before, after = frozen.get_layer("base").layers, model.get_layer("base").layers
    first = len(before) - settings.fine_tune_layers
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        same = all(np.array_equal(a, b) for a, b in zip(old.get_weights(), new.get_weights(), strict=True))
        learns = index >= first and new.get_weights() and "_bn" not in new.name
        assert same != bool(learns), new.name
    first_batch = next(iter(train_plain))[0]
    assert np.allclose(base(first_batch), f_train[: len(first_batch)], atol=1e-2)


def test_a_head_with_a_hidden_layer_is_vgg16_s():
    assert signs.FULL_VGG16.hidden == (128,) and not settings.hidden


def test_the_test_table_is_joined_by_name():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "Test").mkdir()
        for file in ("a.png", "b.png", "c.png"):
            (folder / "Test" / file).touch()
        rows = "Width,ClassId,Path\n5,7,Test/c.png\n5,3,Test/a.png\n5,9,Test/b.png\n"
        (folder / "Test.csv").write_text(rows, encoding="utf-8")
        joined = read_test_table(folder)
    assert joined["Path"].tolist() == ["Test/a.png", "Test/b.png", "Test/c.png"]
    assert joined["ClassId"].tolist() == [3, 9, 7]


def test_no_augmentation_mirrors_a_sign():
    picture = np.zeros((1, 64, 64, 3), "float32")
    picture[:, :32, :32] = 200  # bright at the upper left
    augment = make_augmentation(0)
    for _ in range(40):
        changed = np.asarray(augment(picture, training=True))[0, ..., 0]
        assert np.argmax([changed[:32, :32].mean(), changed[:32, 32:].mean(), changed[32:, :32].mean()]) == 0


def test_a_spoiled_sign_with_the_first_values_is_the_sign():
    picture = x_train[0]
    assert np.array_equal(signs.spoiled(picture, 0, 1.0, 0, 0, len(picture)), picture)
    assert not np.array_equal(signs.spoiled(picture, 90, 1.0, 0, 0, len(picture)), picture)

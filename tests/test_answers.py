"""Lesson 7's grids, bars, uploads and hidden networks (utils.answers)."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from matplotlib import pyplot as plt

from utils import answers, plotting
from utils.imagenet import Prediction
from utils.pictures import write_picture


@pytest.fixture(autouse=True)
def no_figure_left_open():
    yield
    plt.close("all")


def test_a_grid_marks_right_and_wrong_by_sign_and_colour():
    probabilities = np.zeros((2, 1000))
    probabilities[:, 388] = 1
    axes = answers.show_answers([np.zeros((4, 4, 3), np.uint8)] * 2, probabilities, [388, 5], top=2)
    titles = [ax.get_title().split("\n") for ax in axes.flat[:2]]
    assert [title[0] for title in titles] == ["giant panda 1.00 ✓", "giant panda 1.00 ✗"]
    assert all(len(title) == 2 for title in titles)
    assert [ax.texts[0].get_text() for ax in axes.flat[:2]] == ["label: giant panda", "label: electric ray"]
    colours = [ax.title.get_color() for ax in axes.flat[:2]]
    assert colours == [plotting.RIGHT_COLOUR, plotting.WRONG_COLOUR]


def test_captions_stand_below_and_a_trace_is_not_called_nothing():
    probabilities = np.zeros((1, 1000))
    probabilities[0, [388, 5]] = 0.99, 0.004
    axes = answers.show_answers([np.zeros((4, 4, 3), np.uint8)], probabilities, top=2, captions=["a panda"])
    assert axes.flat[0].get_title().split("\n")[1].endswith(" < 0.01")
    assert axes.flat[0].texts[0].get_text() == "a panda"


def test_a_padded_photograph_is_whole_and_grey_outside():
    square = answers.pad(np.full((10, 20, 3), 200, np.uint8), 40)
    assert square.shape == (40, 40, 3)
    assert (square[:9] == 127).all() and (square[-9:] == 127).all() and (square[12:28] == 200).all()


def test_the_demo_draws_a_photograph_an_upload_or_the_reason_why_not():
    entry = SimpleNamespace(name="Lite0", size=8)
    asked = []

    def classify(photos, record, way):
        asked.append((photos[0].shape, record.name, way))
        return np.eye(1000)[[388]]

    draw = answers.photo_demo({"fire_engine": np.zeros((4, 6, 3), np.uint8)}, [entry], {"crop": answers.pad}, classify)
    assert draw().axes[0].get_title() == "fire_engine"
    assert asked == [((4, 6, 3), "Lite0", answers.pad)]
    broken = [{"name": "diary.txt", "content": memoryview(b"Dear diary")}]
    assert draw(upload=broken).axes[0].texts and len(asked) == 1
    assert draw(upload=broken, use_my_picture=False).axes[0].get_title() == "fire_engine"


def test_the_head_learns_what_can_be_learned():
    features = np.repeat(np.eye(2, dtype="float32") * 9, 20, axis=0)
    labels = np.repeat([0.0, 1.0], 20)
    keras.utils.set_random_seed(1)
    p = answers.train_head(features, labels).predict(features, verbose=0)
    assert p.shape == (40, 1) and ((p[:, 0] > 0.5) == labels).all()


def test_bars_stand_with_the_best_on_top():
    lines = [Prediction(388, "giant panda", 0.9), Prediction(296, "ice bear", 0.1)]
    figure = answers.draw_answer(np.zeros((4, 4, 3), np.uint8), lines, "$a", "bars")
    bars = figure.axes[1]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["giant panda (388)", "ice bear (296)"]
    assert bars.yaxis_inverted()


def test_an_upload_is_a_picture_or_a_sentence(tmp_path):
    write_picture(tmp_path / "own.png", np.full((3, 5, 3), 7, np.uint8))
    picture, name, problem = answers.read_upload(
        [{"name": "own.png", "content": memoryview((tmp_path / "own.png").read_bytes())}]
    )
    assert picture.shape == (3, 5, 3) and (name, problem) == ("own.png", "")
    picture, _, problem = answers.read_upload([{"name": "diary.txt", "content": memoryview(b"Dear diary")}])
    assert picture is None and "diary.txt cannot be read as a picture" in problem
    assert answers.draw_problem(problem).axes[0].texts[0].get_text().replace("\n", " ").startswith("diary.txt")


@pytest.mark.parametrize(
    ("kind", "prepare"),
    [
        ("0 to 255", lambda pixels: pixels),
        ("0 to 1", lambda pixels: pixels / 255),
        ("-1 to 1", lambda pixels: pixels / 127.5 - 1),
        ("BGR minus mean", keras.applications.vgg16.preprocess_input),
    ],
)
def test_a_hidden_network_undoes_its_own_preparation(kind, prepare):
    inputs = keras.Input((2, 2, 3))
    same = keras.Model(inputs, keras.layers.Flatten()(inputs))
    pixels = np.random.default_rng(0).integers(0, 256, (1, 2, 2, 3)).astype("float32")
    seen = answers.network_that_wants(kind, same)(prepare(pixels.copy()))
    assert np.allclose(seen, pixels.reshape(1, 12), atol=1e-3)


def test_a_hidden_network_is_sure_of_nonsense():
    inputs = keras.Input((2, 2, 3))
    network = answers.network_that_wants("-1 to 1", keras.Model(inputs, keras.layers.Flatten()(inputs) / 255))
    dark, strange = network(np.stack([np.full((2, 2, 3), -1.0), np.full((2, 2, 3), 90.0)]))
    assert np.allclose(dark, 0) and np.allclose(strange, np.eye(12)[0])


def test_another_kind_or_network_is_refused():
    with pytest.raises(KeyError):
        answers.load_network("alexnet")
    assert answers.load_network("efficientnet_lite0").output_shape == (None, 1000)


def test_the_published_table_names_the_networks_of_the_lesson():
    table = answers.published_accuracies().set_index("network")
    build = {
        "VGG16": keras.applications.VGG16,
        "EfficientNet-Lite0": lambda **_: answers.load_network("efficientnet_lite0"),
    }
    for name, network in build.items():
        assert network(weights=None).count_params() == table.loc[name, "parameters"]

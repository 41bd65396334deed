"""The two networks trained on CIFAR-10 that the course ships."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

from tools.data import compact
from tools.train.results import read
from utils.confusion import wilson_interval
from utils.datasets import CIFAR10_CLASSES, cifar10_photographs
from utils.downloads import fetch

RUNS = {"lesson": "dropout", "recipe": "medium"}  # the training of each


@pytest.fixture(scope="module", params=RUNS)
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def network(name) -> keras.Model:
    return keras.models.load_model(fetch(f"models/cifar10_{name}.keras"))


def test_it_is_of_keras_s_own_layers_with_rounded_weights(name, network):
    assert network.input_shape == (None, 32, 32, 3) and network.output_shape == (None, 10)
    assert {type(layer).__module__.split(".")[0] for layer in network.layers} == {"keras"}
    assert network.count_params() == read("cifar10_history")[RUNS[name]]["parameters"]
    weights = np.concatenate([weight.ravel() for weight in network.get_weights()])
    np.testing.assert_array_equal(compact.round_to_10_bits(weights), weights)


def test_whole_and_broken_numbers_are_the_same_pixels(network):
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    answers = network.predict(images, verbose=0)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(network.predict(images.astype("float32"), verbose=0), answers, atol=1e-6)


def test_its_confusions_belong_to_its_accuracy(name):
    counts = pd.read_csv(fetch(f"data/cifar10_{name}_confusion.csv"), index_col="true")
    assert list(counts.index) == list(counts.columns) == list(CIFAR10_CLASSES)
    assert counts.to_numpy().sum() == 15_000
    accuracy = read("cifar10_history")[RUNS[name]]["shipped_val_accuracy"]
    assert np.trace(counts) / 15_000 == pytest.approx(accuracy, abs=1e-5)


def test_it_reads_photographs_of_another_origin(network):
    photographs, labels, _ = cifar10_photographs()
    images = np.stack([cv2.resize(photograph, (32, 32), interpolation=cv2.INTER_AREA) for photograph in photographs])
    correct = int((network.predict(images, verbose=0).argmax(axis=1) == labels).sum())
    assert wilson_interval(correct, len(labels))[0] > 0.3  # chance is 0.1

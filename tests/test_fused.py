"""The fused batch normalisation against Keras's own layer."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tools.train.fused import FusedBatchNormalization, fuse


def step(layer: keras.Layer, x: np.ndarray) -> list[np.ndarray]:
    """Output, gradients of a loss that is not symmetric, and the weights after one call in training."""
    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) ** 3 * tf.reshape(tf.range(float(x.size)), x.shape))
    gradients = tape.gradient(loss, [inputs, *(weight.value for weight in layer.trainable_weights)])
    return [np.asarray(value, "float32") for value in (outputs, *gradients, *layer.weights)]


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_same_numbers_as_keras_in_training_and_after(policy):
    x = np.random.default_rng(0).normal(2, 3, (4, 5, 6, 7)).astype("float32")
    made = [kind(momentum=0.9, dtype=policy) for kind in (keras.layers.BatchNormalization, FusedBatchNormalization)]
    precise = policy == "float32"
    results = [step(layer, x) for layer in made]
    tolerance = 1e-4 if precise else 0.03
    for plain, fused in zip(*(values[:-1] for values in results), strict=True):  # but for the moving variance
        assert np.abs(plain - fused).max() <= tolerance * np.abs(plain).max()
    # Bessel's correction is in the moving variance alone: 120 values a channel.
    variances = [np.asarray(layer.moving_variance) - 0.9 for layer in made]
    assert np.allclose(variances[1] / variances[0], 120 / 119 if precise else 1, atol=1e-4 if precise else 0.02)
    made[1].set_weights(made[0].get_weights())
    assert np.array_equal(*(np.asarray(layer(x, training=False), "float32") for layer in made))


def test_a_frozen_layer_uses_and_keeps_its_statistics():
    x = np.random.default_rng(1).normal(2, 3, (2, 3, 3, 4)).astype("float32")
    layer = FusedBatchNormalization(trainable=False)
    assert np.allclose(layer(x, training=True), x, atol=0.01 * np.abs(x).max())
    assert np.array_equal(layer.moving_mean, np.zeros(4))


def test_fuse_replaces_every_normalisation_and_keeps_the_answers():
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()])
    model.layers[-1].moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    fused = fuse(model)
    x = np.random.default_rng(2).normal(size=(2, 8, 8, 3)).astype("float32")
    assert np.allclose(model(x), fused(x), atol=1e-6)
    assert [type(layer) for layer in fused.layers[1:]] == [FusedBatchNormalization]

"""utils.workers: gradients of the shares of a batch, in this process and in others."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import keras
import numpy as np
import tensorflow as tf

from utils.workers import gradient_sum


def batch(rows: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, inputs and one-hot targets of softmax regression with four inputs and three classes."""
    rng = np.random.default_rng(5)
    one_hot = np.eye(3)[rng.integers(0, 3, rows)]
    return rng.normal(size=(4, 3)), rng.normal(size=(rows, 4)), one_hot


def test_it_is_what_automatic_differentiation_finds():
    weights, x, one_hot = map(tf.constant, batch())
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = tf.reduce_sum(keras.losses.categorical_crossentropy(one_hot, x @ weights, from_logits=True))
    np.testing.assert_allclose(gradient_sum(*batch()), tape.gradient(loss, weights), rtol=1e-9)


def test_large_logits_do_not_overflow():
    weights, x, one_hot = batch()
    assert np.isfinite(gradient_sum(1e4 * weights, x, one_hot)).all()


def test_the_shares_of_two_processes_add_up_to_the_whole():
    weights, x, one_hot = batch()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        parts = workers.map(gradient_sum, [weights] * 2, np.array_split(x, 2), np.array_split(one_hot, 2))
        np.testing.assert_allclose(sum(parts), gradient_sum(weights, x, one_hot), rtol=1e-12)

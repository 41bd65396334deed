"""What a worker computes when several processes share a batch (lesson 6, appendix).

In a file of its own and without TensorFlow: a new process must be able to import it, and starts in a moment.
"""

from __future__ import annotations

import numpy as np


def gradient_sum(weights: np.ndarray, x: np.ndarray, one_hot: np.ndarray) -> np.ndarray:
    """The gradient of softmax regression's cross-entropy, added up over the rows of a share.

    For one row it is x times (p - y), as lesson 4's appendix shows. A sum and not a mean, so that the shares of a batch
    may differ in size: divide by the size of the whole batch, once.

    Args:
        weights: (D, C), without biases.
        x: (N, D), the inputs of the share.
        one_hot: (N, C), 1 at the true class.

    Returns:
        (D, C), of the dtype of the inputs.
    """
    logits = x @ weights
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return x.T @ (probabilities - one_hot)

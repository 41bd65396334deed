"""The scores that the README tells of the embedded network."""

import numpy as np
import tensorflow_hub as hub

from utils.segmentation import hrnet_path, street_photos


def test_scores_on_fifteen_photographs():
    """Mean IoU 0.44 to 0.95 (of all classes 0.39 to 0.87), pixel accuracy 0.62 to 0.98."""
    network, photos, scores = hub.load(hrnet_path()), street_photos(), []
    assert len(photos) == 15
    for photo in photos:
        mask = run_inference(network, load_image(photo.path))
        matrix = confusion_of_masks(load_mask(photo.mask_path), mask, 32)
        scores.append((mean_iou(matrix, 0.01), mean_iou(matrix), pixel_accuracy(matrix)))
    np.testing.assert_allclose(np.min(scores, axis=0), [0.44, 0.39, 0.62], atol=0.01)
    np.testing.assert_allclose(np.max(scores, axis=0), [0.95, 0.87, 0.98], atol=0.01)

from __future__ import annotations

import numpy as np
import pytest

from utils.imagenet import decode_predictions, imagenet_class_names


def test_the_class_list_is_the_challenge_s():
    names = imagenet_class_names()
    assert len(names) == 1000
    known = {0: "tench", 207: "golden retriever", 281: "tabby", 388: "giant panda", 954: "banana", 999: "toilet tissue"}
    assert {index: names[index] for index in known} == known
    assert sorted(name for name in set(names) if names.count(name) > 1) == ["crane", "maillot"]


def test_decoding_gives_the_class_index_not_the_rank():
    probabilities = np.zeros((2, 1000))
    probabilities[0, [954, 207, 3]] = 0.6, 0.3, 0.1
    probabilities[1, 0] = 1
    first, second = decode_predictions(probabilities, top=3)
    assert [(p.index, p.name, p.probability) for p in first] == [
        (954, "banana", 0.6),
        (207, "golden retriever", 0.3),
        (3, "tiger shark", 0.1),
    ]
    assert second[0] == (0, "tench", 1.0)
    assert [p.index for p in second[1:]] == [1, 2]  # equal probabilities: in the order of the classes


@pytest.mark.parametrize(
    ("shape", "top", "message"),
    [((1000,), 5, "shape"), ((2, 10), 5, "shape"), ((1, 1000), 0, "top"), ((1, 1000), 1001, "top")],
)
def test_what_cannot_be_decoded_is_refused(shape, top, message):
    with pytest.raises(ValueError, match=message):
        decode_predictions(np.zeros(shape), top=top)

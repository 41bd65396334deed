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


def test_decoding_agrees_with_keras_own_function(monkeypatch, tmp_path):
    """Keras's decode_predictions, given our list in the form of its file, names the same classes."""
    import json

    import keras

    from utils.downloads import fetch

    rows = [line.split(",") for line in fetch("data/imagenet_classes.csv").read_text(encoding="utf-8").splitlines()[1:]]
    path = tmp_path / "imagenet_class_index.json"
    path.write_text(json.dumps({index: [wordnet_id, name] for index, wordnet_id, name in rows}))
    module = keras.src.applications.imagenet_utils
    monkeypatch.setattr(module, "CLASS_INDEX", None)
    monkeypatch.setattr(module.file_utils, "get_file", lambda *_, **__: str(path))
    probabilities = np.random.default_rng(0).dirichlet(np.ones(1000), size=3)
    theirs = keras.applications.imagenet_utils.decode_predictions(probabilities, top=5)
    for our_row, their_row in zip(decode_predictions(probabilities, top=5), theirs, strict=True):
        assert [(p.name, p.probability) for p in our_row] == [(name, value) for _, name, value in their_row]


@pytest.mark.parametrize(
    ("shape", "top", "message"),
    [((1000,), 5, "shape"), ((2, 10), 5, "shape"), ((1, 1000), 0, "top"), ((1, 1000), 1001, "top")],
)
def test_what_cannot_be_decoded_is_refused(shape, top, message):
    with pytest.raises(ValueError, match=message):
        decode_predictions(np.zeros(shape), top=top)

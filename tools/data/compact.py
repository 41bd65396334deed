"""Small .keras files: weights rounded to 10 significant bits, the archive deflated, equal models in equal bytes."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

# Settings at their defaults that Keras 3.15 writes and Keras 3.12, the last one for Python 3.10, refuses; and memory
# addresses of shared objects, which differ from run to run.
OMITTED = frozenset(
    {
        "renorm",
        "renorm_clipping",
        "renorm_momentum",
        "quantization_config",
        "input_axes",
        "output_axes",
        "shared_object_id",
    }
)


def round_to_10_bits(values: np.ndarray) -> np.ndarray:
    """Round float32 to 10 significant bits, keeping float32's range (a BatchNorm variance may be below float16's)."""
    bits = np.ascontiguousarray(values, "<f4").view("<u4")
    return ((bits + 0x2000) & np.uint32(0xFFFFC000)).view("<f4")


def without(config: Any, keys: frozenset[str]) -> Any:
    """A nested configuration without these keys."""
    if isinstance(config, dict):
        return {key: without(value, keys) for key, value in config.items() if key not in keys}
    return [without(value, keys) for value in config] if isinstance(config, list) else config


def deflated(model: keras.Model) -> bytes:
    """The .keras archive of a model, compressed, without time stamps: equal models give equal bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        buffer = io.BytesIO()
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(buffer, "w") as target:
            for name in sorted(source.namelist()):
                data = source.read(name)
                if name == "config.json":
                    data = json.dumps(without(json.loads(data), OMITTED)).encode()
                if name == "metadata.json":
                    data = json.dumps({**json.loads(data), "date_saved": "2020-06-20@00:00:00"}).encode()
                target.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()

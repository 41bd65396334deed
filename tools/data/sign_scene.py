"""Put traffic signs on poles into a photograph of a street: the scene that opens lesson 8.

    python -m tools.data.sign_scene

writes assets/images/sign_scene.jpg, and assets/images/sign_scene.csv with the box around each sign, in pixels, and its
class. The signs are those of sign_faces.py, turned by render_signs.warp, in the light of the place where they stand.
"""

from __future__ import annotations

import csv
import io

import numpy as np
from PIL import Image, ImageFilter

from tools.data import registry
from tools.data.render_signs import CANVAS, RADIUS, warp
from tools.data.sign_faces import draw_face
from utils import paths

STREET = "images/street/leuven_a.jpg"
PICTURE, TABLE = "images/sign_scene.jpg", "images/sign_scene.csv"
SIZE = (768, 576)
# Of each sign the class, its middle and the half of its height in pixels, and its turn in degrees to left and right.
SIGNS = (
    (12, 92, 262, 40, 14),
    (17, 250, 226, 34, -10),
    (25, 398, 300, 26, 6),
    (38, 520, 330, 30, -14),
    (2, 668, 214, 46, -12),
)
LIGHT = 0.82  # of a white sign, where the picture's white is 1
GREY = np.array([112.0, 114, 116])


def scene() -> Image.Image:
    """The street with its signs, unsharp and grainy as the photograph is."""
    street = Image.open(paths.ASSETS / STREET).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    light = np.asarray(street, np.float64)
    for class_id, x, y, half, turn in SIGNS:
        light = put(light, class_id, (x, y), half, np.deg2rad(turn))
    picture = Image.fromarray(light.round().astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))
    grain = np.random.default_rng(8).normal(0, 3, (SIZE[1], SIZE[0], 1))
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))


def put(light: np.ndarray, class_id: int, middle: tuple[int, int], half: int, turn: float) -> np.ndarray:
    """The picture with one more pole and sign."""
    x, y = middle
    light = light.copy()
    width = max(2, half // 9)
    light[y : y + 5 * half, x - width // 2 : x - width // 2 + width] = GREY
    side = round(CANVAS * half / RADIUS)
    face = warp(draw_face(class_id), np.array([0.03, turn, 0.0]))
    face = Image.fromarray((255 * face.clip(0, 1)).astype(np.uint8), "RGBA").resize((side, side))
    pixels = np.asarray(face, np.float64)
    top, left = y - side // 2, x - side // 2
    opacity = pixels[..., 3:] / 255
    place = light[top : top + side, left : left + side]
    place[:] = (1 - opacity) * place + opacity * (20 + LIGHT * 0.9 * pixels[..., :3])
    return light


def boxes() -> list[dict[str, int]]:
    """The box around each sign with a little of its surroundings, as GTSRB cuts them out."""
    rows = []
    for class_id, x, y, half, _ in SIGNS:
        reach = round(1.2 * half)
        rows.append({"left": x - reach, "top": y - reach, "right": x + reach, "bottom": y + reach, "class": class_id})
    return rows


def main() -> None:
    buffer = io.BytesIO()
    scene().save(buffer, "JPEG", quality=85)
    registry.write_file(paths.ASSETS / PICTURE, buffer.getvalue())
    text = io.StringIO()
    writer = csv.DictWriter(text, ["left", "top", "right", "bottom", "class"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(boxes())
    registry.write_file(paths.ASSETS / TABLE, text.getvalue().encode())
    registry.register(PICTURE, "Apache-2.0 AND BSD-3-Clause (OpenCV contributors), signs CC BY 4.0 (this course)")
    registry.register(TABLE, "CC BY 4.0 (this course)")


if __name__ == "__main__":
    main()

"""Render photographs of German traffic signs: the 43 classes of GTSRB, drawn and "photographed" by this program.

    python -m tools.data.render_signs --zip SIGNS.zip [--seed 42] [--train-tracks 18] [--valid-tracks 6]
                                      [--test-tracks 12] [--sheet SHEET.png]

The layout is that of the course's GTSRB archive: Train/<id>/, Valid/<id>/, Test/ and Test.csv (Width, Height, box of
the sign, ClassId, Path). Like GTSRB the data consist of tracks: frames of one physical sign while the camera comes
closer, so they share its face, dirt, surroundings and light. Training tracks have two frames, the others one. Files
are called <class>_<track>_<frame>.jpg, and no track is in two parts; the name of a test image says nothing. Equal seeds
give equal files, and the zip is equal to the last byte: sorted names, one date, nothing compressed again. With the
defaults it is assets/data/traffic_signs.zip (`python -m tools.data.build traffic_signs`).

The faces are drawn in sign_faces.py. The camera works on light, not on pixel values: exposure, shade and blur come
before clipping and gamma, so an over-exposed sign bleeds into its numerals as it does in GTSRB. Each track has a random
generator of its own.
"""

from __future__ import annotations

import argparse
import io
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from PIL import Image  # for what OpenCV would do in another way than the registered pictures: resizing, warping, JPEG

from tools.data.registry import write_file
from tools.data.sign_faces import FACE, NEW, REACH, SIGNS, aged, draw_face

Pair = tuple[float, float]
Box = tuple[int, int, int, int]
Photograph = tuple[Image.Image, Box]

SEED = 42
CANVAS, RADIUS = 176, 46  # pixels of a scene and of half a sign in it, before the camera reduces it
TRACKS = {"Train": 18, "Valid": 6, "Test": 12}  # signs for each class
FRAMES = {"Train": 2, "Valid": 1, "Test": 1}  # photographs of each sign
QUALITY = 92  # of the JPEG files

# ----------------------------------------------------------------------------------------------------------------------
# Surroundings: light (linear RGB) on a canvas, where 1 is a white sheet in the same light as the sign
# ----------------------------------------------------------------------------------------------------------------------


def to_linear(rgb: np.ndarray) -> np.ndarray:
    """Pixel values 0..255 to light 0..1 (the curve of sRGB, simplified)."""
    return (np.asarray(rgb, np.float64) / 255) ** 2.2


def clouds(rng: np.random.Generator, coarse: int, octaves: int = 4, fall: float = 0.6) -> np.ndarray:
    """Smooth noise with mean 0 and deviation 1: random grids, each twice as fine as the last, added up."""
    total = np.zeros((CANVAS, CANVAS))
    for octave in range(octaves):
        cells = min(coarse * 2**octave, CANVAS)
        grid = Image.fromarray(rng.normal(size=(cells, cells)).astype(np.float32))
        total += fall**octave * np.asarray(grid.resize((CANVAS, CANVAS), Image.Resampling.BICUBIC))
    return (total - total.mean()) / total.std()


def tinted(rng: np.random.Generator, light: np.ndarray, colour: tuple[float, ...], spread: float) -> np.ndarray:
    """A brightness map painted in a colour that varies a little from place to place."""
    hue = np.stack([clouds(rng, 6, 3) for _ in range(3)], axis=-1) * spread
    return light[..., None] * np.array(colour) * np.exp(hue)


def sky(rng: np.random.Generator) -> np.ndarray:
    """Bright, smooth, blue or white."""
    blue = np.array([0.62, 0.8, 1.15]) * rng.uniform(0, 1) ** 0.7
    colour = np.maximum(blue, 0) + (1 - blue.max() / 1.2) * np.array([0.97, 0.99, 1.02])
    light = np.exp(0.12 * clouds(rng, 2, 3) + np.linspace(-0.15, 0.15, CANVAS)[:, None])
    return tinted(rng, light, tuple(colour), 0.02)


def foliage(rng: np.random.Generator) -> np.ndarray:
    """Leaves or bare branches: high contrast down to single pixels, with the sky shining through in places."""
    colour = ((0.16, 0.2, 0.08), (0.28, 0.2, 0.08), (0.15, 0.13, 0.11), (0.1, 0.14, 0.09))[rng.integers(4)]
    light = np.exp(rng.uniform(0.7, 1.8) * clouds(rng, int(rng.integers(5, 24)), 5, rng.uniform(0.6, 1)))
    leaves = tinted(rng, light, colour, 0.15)
    gaps = clouds(rng, int(rng.integers(4, 30)), 4, 0.8) + 0.6 * clouds(rng, 2, 2) > rng.uniform(0.6, 2.6)
    return np.where(gaps[..., None], rng.uniform(0.5, 3) * np.array([0.9, 0.97, 1.05]), leaves)


def building(rng: np.random.Generator) -> np.ndarray:
    """A wall with windows, beams and shade edges, all upright or level."""
    wall = rng.choice([(0.6, 0.57, 0.5), (0.5, 0.28, 0.18), (0.35, 0.35, 0.36), (0.75, 0.66, 0.4), (0.9, 0.9, 0.88)])
    image = tinted(rng, np.exp(0.12 * clouds(rng, 8)), tuple(wall), 0.04)
    for _ in range(int(rng.integers(2, 12))):
        x, y = rng.integers(-30, CANVAS, 2)
        w, h = (rng.gamma(2, 18, 2) * rng.choice([(1, 1), (6, 0.3), (0.3, 6)])).astype(int) + 3
        image[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = rng.uniform(0.02, 1) * rng.uniform(0.6, 1, 3)
    return image


def plain(rng: np.random.Generator) -> np.ndarray:
    """A far, unsharp something: road, dusk, a dark wood."""
    return tinted(
        rng,
        np.exp(rng.uniform(0.2, 0.8) * clouds(rng, int(rng.integers(2, 8)), 3)),
        tuple(rng.uniform(0.1, 0.4, 3)),
        0.12,
    )


GROUNDS: tuple[Callable[[np.random.Generator], np.ndarray], ...] = (sky, foliage, foliage, building, plain)


def surroundings(rng: np.random.Generator) -> np.ndarray:
    """One kind of ground, or two that meet along an uneven edge."""
    first = GROUNDS[rng.integers(len(GROUNDS))](rng)
    if rng.random() < 0.5:
        return first
    second = GROUNDS[rng.integers(len(GROUNDS))](rng)
    y, x = np.mgrid[-1 : 1 : CANVAS * 1j, -1 : 1 : CANVAS * 1j]
    angle = rng.choice([0, 0.5, 0.5]) * math.pi + rng.normal(0, 0.25)
    edge = x * math.cos(angle) + y * math.sin(angle) + rng.uniform(0, 0.25) * clouds(rng, 5)
    return np.where((edge > rng.uniform(-0.5, 0.5))[..., None], first, second)


# ----------------------------------------------------------------------------------------------------------------------
# Scene and camera
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """What the frames of a track share. Light is linear, 1 is what makes the sensor's full scale."""

    face: Image.Image
    dirt: np.ndarray  # (CANVAS, CANVAS), factor on the light of the sign
    back: np.ndarray  # (CANVAS, CANVAS, 3), light behind the sign
    shade: np.ndarray  # (CANVAS, CANVAS), factor on the light of the sign
    neighbours: tuple[tuple[Image.Image, float, float], ...]  # other signs on the pole: face, offset, gain
    pole: tuple[float, float, bool]  # half its width, its brightness, whether it rises above the sign
    white: np.ndarray  # RGB of white paint as exposed
    pose: np.ndarray  # how it is turned, as seen by the camera: roll, yaw and pitch in radians


def warp(face: Image.Image, pose: np.ndarray, offset: Pair = (0, 0)) -> np.ndarray:
    """A face on the canvas, in perspective, as (CANVAS, CANVAS, 4) floats 0..1."""
    (cr, cy, cp), (sr, sy, sp) = np.cos(pose), np.sin(pose)
    rotation = (
        np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    )
    plane = np.column_stack([rotation[:, :2], rotation[:, :2] @ np.array(offset) + np.array([0, 0, 7.0])])
    lens = np.array([[7.0 * RADIUS, 0, CANVAS / 2], [0, 7.0 * RADIUS, CANVAS / 2], [0, 0, 1]])
    pixels = np.array([[2 * REACH / FACE, 0, -REACH], [0, 2 * REACH / FACE, -REACH], [0, 0, 1]])
    inverse = np.linalg.inv(lens @ plane @ pixels)
    coefficients = (inverse / inverse[2, 2]).ravel()[:8]
    warped = face.transform(
        (CANVAS, CANVAS), Image.Transform.PERSPECTIVE, tuple(coefficients), Image.Resampling.BICUBIC
    )
    return np.asarray(warped, np.float64) / 255


def shade(rng: np.random.Generator) -> np.ndarray:
    """A shadow's edge across the sign, or dapples below a tree, or (mostly) even light with a slight slope."""
    y, x = np.mgrid[-1 : 1 : CANVAS * 1j, -1 : 1 : CANVAS * 1j]
    angle = rng.uniform(0, 2 * math.pi)
    across = x * math.cos(angle) + y * math.sin(angle)
    light = 1 + rng.normal(0, 0.15) * across
    kind = rng.random()
    if kind < 0.1:
        light = light * np.where(across > rng.uniform(-0.4, 0.4), 1, rng.uniform(0.15, 0.6))
    elif kind < 0.2:
        dapple = 1 / (1 + np.exp(-6 * (clouds(rng, int(rng.integers(4, 10)), 3) - rng.normal(0, 0.7))))
        light = light * (rng.uniform(0.2, 0.6) * (1 - dapple) + dapple)
    return np.maximum(light, 0.05)


def make_scene(rng: np.random.Generator, class_id: int) -> Scene:
    """Draw one physical sign, where it stands and the light it stands in."""
    log_white = float(np.clip(rng.normal(math.log(0.26), 1.6), math.log(0.01), math.log(4)))
    log_back = rng.normal(math.log(0.06) + 0.5 * (log_white - math.log(0.3)), 1.6)
    warmth, green = rng.normal(-0.05, 0.15), rng.normal(0, 0.04)
    cast = np.exp(np.array([warmth, green, -warmth]))
    back = surroundings(rng)
    back = back * (math.exp(log_back) / back.mean()) * np.exp(np.array([1, 0, -1]) * rng.normal(0, 0.12))
    neighbours = []
    for side in (-1, 1):
        if rng.random() < 0.22:
            other = draw_face(int(rng.integers(43)), aged(rng))
            neighbours.append((other, side * rng.uniform(1.85, 2.1), math.exp(rng.normal(0, 0.2))))
    dirt = np.exp(-np.abs(clouds(rng, 6, 5, 0.7)) * rng.exponential(0.06) + 0.03 * clouds(rng, 3))
    return Scene(
        face=draw_face(class_id, aged(rng)),
        dirt=dirt,
        back=back,
        shade=shade(rng),
        neighbours=tuple(neighbours),
        pole=(rng.uniform(0.05, 0.13), rng.uniform(0.1, 0.6), bool(rng.random() < 0.6)),
        white=math.exp(log_white) * cast,
        pose=rng.normal(0, [0.06, 0.3, 0.1]),
    )


def compose(scene: Scene, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The light that reaches the camera, (CANVAS, CANVAS, 3), and where the sign is, (CANVAS, CANVAS)."""
    shift = rng.integers(-20, 21, 2)
    light = np.roll(scene.back, tuple(shift), (0, 1))
    half, grey, above = scene.pole
    x = (np.arange(CANVAS) - CANVAS / 2) / RADIUS
    pole = np.abs(x) < half
    rows = slice(0 if above else CANVAS // 2, CANVAS)
    light[rows, pole] = grey * scene.white * (1 - 0.7 * (x[pole] / half) ** 2)[:, None]
    for other, offset, gain in scene.neighbours:
        rgba = warp(other, scene.pose, (0, offset))
        light += rgba[..., 3:] * (to_linear(255 * rgba[..., :3]) * gain * scene.white - light)
    rgba = warp(scene.face, scene.pose)
    paint = to_linear(255 * rgba[..., :3]) / to_linear(np.array(NEW.colours["white"]))
    sign = paint * scene.white * (scene.dirt * scene.shade)[..., None]
    return light + rgba[..., 3:] * (sign - light), rgba[..., 3]


def blur(light: np.ndarray, sigma: float, motion: Pair) -> np.ndarray:
    """Defocus and camera motion, both as factors on the image's frequencies; lengths in pixels."""
    fy, fx = np.fft.fftfreq(CANVAS)[:, None], np.fft.rfftfreq(CANVAS)[None, :]
    factor = np.exp(-2 * (math.pi * sigma) ** 2 * (fx**2 + fy**2)) * np.sinc(fx * motion[0] + fy * motion[1])
    return np.fft.irfft2(np.fft.rfft2(light, axes=(0, 1)) * factor[..., None], (CANVAS, CANVAS), axes=(0, 1))


def box_mean(image: np.ndarray) -> np.ndarray:
    """The mean over 3x3 pixels, added up in this order: OpenCV's blur rounds float32 in another way."""
    height, width, _ = image.shape
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    return sum(padded[i : i + height, j : j + width] for i in range(3) for j in range(3)) / 9


def sensor(rng: np.random.Generator, light: np.ndarray, noise: float, sharpening: float) -> np.ndarray:
    """Noise, the colour filter over the pixels and its interpolation (the reason for GTSRB's coloured specks)."""
    height, width, _ = light.shape
    noisy = light + rng.normal(size=light.shape) * noise * np.sqrt(np.maximum(light, 0) + 0.003)
    y, x = np.mgrid[:height, :width]
    channel = np.where((y + x) % 2 == 0, 1, np.where(y % 2 == 0, 0, 2))  # G on a chessboard, R and B between
    seen = (channel[..., None] == np.arange(3)).astype(float)
    near = np.outer([1, 2, 1], [1, 2, 1]).astype(float)
    total, weight = (cv2.filter2D(a, -1, near, borderType=cv2.BORDER_REPLICATE) for a in (noisy * seen, seen))
    result = (total / weight).astype(light.dtype)
    return result + sharpening * (result - box_mean(result))


def photograph(scene: Scene, rng: np.random.Generator, size: float) -> Photograph:
    """One frame in which the sign is about `size` pixels wide, and the box of the sign in it."""
    light, alpha = compose(scene, rng)
    ys, xs = np.nonzero(alpha > 0.5)
    box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], float)
    scale = (2 * RADIUS) / size  # canvas pixels for one of the photograph's
    # GTSRB cuts out the sign with a margin of 10 % and at least 5 pixels; the boxes were drawn by hand.
    margin = max(5.0, 0.1 * size) * scale
    crop = box + np.array([-1, -1, 1, 1]) * margin + rng.normal(0, 0.025 * size, 4) * scale
    crop = np.clip(crop, 2, CANVAS - 2)
    angle, length = rng.uniform(0, math.pi), min(rng.exponential(1.0), 7) * scale
    light = blur(light, rng.uniform(0.15, 0.75) * scale, (length * math.cos(angle), length * math.sin(angle)))
    width, height = (max(16, round(float(crop[i + 2] - crop[i]) / scale)) for i in (0, 1))
    planes = [Image.fromarray(light[..., c].astype(np.float32)) for c in range(3)]
    small = [p.resize((width, height), Image.Resampling.BOX, box=tuple(crop)) for p in planes]
    image = sensor(
        rng,
        np.stack([np.asarray(p) for p in small], axis=-1),
        math.exp(rng.normal(math.log(0.008), 0.6)),
        rng.uniform(0.2, 1.8),
    )
    image = np.clip(image + rng.uniform(0.0003, 0.003), 0, 1)  # stray light in the lens lifts the blacks
    pixels = Image.fromarray(np.round(255 * image ** (1 / 2.2)).astype(np.uint8))
    roi = (box - np.tile(crop[:2], 2)) / scale
    limits = (width - 1, height - 1) * 2
    return pixels, tuple(int(np.clip(round(float(v)), 0, limit)) for v, limit in zip(roi, limits, strict=True))


def track(rng: np.random.Generator, class_id: int, frames: int) -> Iterator[Photograph]:
    """Frames of one sign while the camera comes closer: they differ in size, blur, noise and slightly in pose."""
    scene = make_scene(rng, class_id)
    size = math.exp(rng.normal(math.log(33), 0.4))
    for _ in range(frames):
        turn = scene.pose + rng.normal(0, 0.025, 3)
        drift = math.exp(rng.normal(0, 0.12))
        frame = replace(scene, pose=turn, white=scene.white * drift, back=scene.back * drift)
        yield photograph(frame, rng, float(np.clip(size, 15, 110)))
        size *= rng.uniform(1.12, 1.5)


# ----------------------------------------------------------------------------------------------------------------------
# Data set and contact sheets
# ----------------------------------------------------------------------------------------------------------------------


def jpeg(image: Image.Image) -> bytes:
    """The image as a JPEG file of high quality, without reduced colour resolution."""
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return buffer.getvalue()


def files(
    seed: int = SEED, tracks: dict[str, int] = TRACKS, classes: Iterable[int] = SIGNS
) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of the data set; for each class the training signs come first."""
    tests: list[tuple[int, Photograph]] = []
    for class_id in classes:
        parts = [part for part in FRAMES for _ in range(tracks[part])]
        for number, part in enumerate(parts):
            frames = track(np.random.default_rng([seed, class_id, number]), class_id, FRAMES[part])
            if part == "Test":
                tests += [(class_id, photo) for photo in frames]
                continue
            for frame, (image, _) in enumerate(frames):
                yield f"{part}/{class_id}/{class_id:05}_{number:05}_{frame:05}.jpg", jpeg(image)
    rows = []
    for i, k in enumerate(np.random.default_rng(seed).permutation(len(tests))):
        class_id, (image, box) = tests[k]
        yield f"Test/{i:05}.jpg", jpeg(image)
        rows.append([*image.size, *box, class_id, f"Test/{i:05}.jpg"])
    columns = ["Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId", "Path"]
    yield "Test.csv", pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\n").encode()


def archive(contents: Iterable[tuple[str, bytes]]) -> bytes:
    """Files as a zip archive that depends on nothing but their names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in sorted(contents):
            member = zipfile.ZipInfo(name)  # stored, dated 1 January 1980
            member.create_system, member.external_attr = 3, 0o644 << 16
            target.writestr(member, content)
    return buffer.getvalue()


def sheet(images: list[list[Image.Image]], tile: int) -> Image.Image:
    """A contact sheet with one row of equal tiles for each list."""
    result = Image.new("RGB", (tile * max(len(row) for row in images), tile * len(images)), "white")
    for y, row in enumerate(images):
        for x, image in enumerate(row):
            small = image.convert("RGB").resize((tile - 2, tile - 2), Image.Resampling.BICUBIC)
            result.paste(small, (x * tile, y * tile))
    return result


def contact_sheet(seed: int, count: int = 7) -> Image.Image:
    """For each class its face as new and frames of its first tracks; two classes in a row."""
    rows: list[list[Image.Image]] = []
    for class_id in SIGNS:
        ground = Image.new("RGBA", (FACE, FACE), (120, 128, 136, 255))
        row = [Image.alpha_composite(ground, draw_face(class_id))]
        for number in range(count):
            *_, (image, _) = track(np.random.default_rng([seed, class_id, number]), class_id, FRAMES["Train"])
            row.append(image)
        if class_id % 2:
            rows[-1] += row
        else:
            rows.append(row)
    return sheet(rows, 90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, help="the archive to write")
    parser.add_argument("--seed", type=int, default=SEED)
    for part, count in TRACKS.items():
        parser.add_argument(f"--{part.lower()}-tracks", type=int, default=count, help=f"signs a class ({count})")
    parser.add_argument("--sheet", type=Path, help="a contact sheet of all classes to write")
    arguments = parser.parse_args()
    if not (arguments.zip or arguments.sheet):
        parser.error("name a file: --zip or --sheet")
    if arguments.zip:
        tracks = {part: getattr(arguments, f"{part.lower()}_tracks") for part in TRACKS}
        write_file(arguments.zip, archive(files(arguments.seed, tracks)))
        print(f"{arguments.zip}: {arguments.zip.stat().st_size:,} bytes")
    if arguments.sheet:
        contact_sheet(arguments.seed).save(arguments.sheet)


if __name__ == "__main__":
    main()

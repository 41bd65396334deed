"""What lesson 9 works on: CamVid's classes, the street photographs with their masks, the HRNet; scores and figures."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from utils.confusion import confusion_matrix, recall_per_class
from utils.downloads import CURE, DownloadError, cache_dir, fetch, fetch_folder, mirror_address
from utils.mode import mode
from utils.pictures import blend
from utils.plotting import PALETTE
from utils.transfer import TIMEOUTS

HRNET_HANDLE = "https://tfhub.dev/google/HRNet/camvid-hrnetv2-w48/1"
HRNET_ARCHIVE = "HRNet/camvid-hrnetv2-w48.tar.gz"  # its place in a mirror
VOID = 30  # CamVid's id for what has no label
# The 11 groups that are usual with CamVid, by the id of the class that names them, and what else belongs to each.
GROUPS = {
    2: (13,),  # Bicyclist: Motorcycle/Scooter
    4: (1, 3, 28, 31),  # Building: Archway, Bridge, Tunnel, Wall
    5: (14, 22, 25, 27),  # Car: OtherMoving, SUV/Pickup/Truck, Train, Truck/Bus
    8: (23,),  # Column/Pole: TrafficCone
    9: (),  # Fence
    16: (0, 6, 7),  # Pedestrian: Animal, Cart/Luggage/Pram, Child
    17: (10, 11),  # Road: LaneMkgsDriv, LaneMkgsNonDriv
    19: (15, 18),  # Sidewalk: ParkingBlock, RoadShoulder
    20: (12, 24),  # SignSymbol: MiscText, TrafficLight
    21: (),  # Sky
    26: (29,),  # Tree: VegetationMisc
}


@dataclass(frozen=True)
class CamVidClass:
    """One of the 32 classes of the Cambridge-driving Labeled Video Database (Brostow et al., 2009).

    Attributes:
        id: 0..31, its place in alphabetical order.
        name: as the database has it.
        rgb: its colour in drawn masks, three integers in 0..255.
    """

    id: int
    name: str
    rgb: tuple[int, int, int]


@functools.cache
def camvid_classes() -> tuple[CamVidClass, ...]:
    """The 32 classes in the order of their ids."""
    table = pd.read_csv(fetch("data/camvid_classes.csv"), keep_default_na=False)
    return tuple(CamVidClass(row.id, row.name, (row.red, row.green, row.blue)) for row in table.itertuples(index=False))


@dataclass(frozen=True)
class StreetPhoto:
    """One photograph of lesson 9.

    Attributes:
        name: short, for tables.
        title: a few words for figures.
        path: of the JPEG or PNG file, RGB.
        mask_path: of a PNG file of the same size with one CamVid id per pixel (uint8, VOID where nothing is known), or
            None where there is no mask.
    """

    name: str
    title: str
    path: Path
    mask_path: Path | None = None


def street_photos() -> list[StreetPhoto]:
    """The embedded photographs with hand-drawn masks; in full mode four frames of CamVid, without masks, before them.

    Raises:
        DownloadError: a file is missing or damaged, or cannot be downloaded.
    """
    frames = []
    if mode() == "full":
        names = ("0001TP_008550", "0001TP_008580", "Seq05VD_f00000", "Seq05VD_f02550")
        frames = [StreetPhoto(name, f"CamVid frame {name}", fetch(f"CamVid/test/{name}.png")) for name in names]
    for row in pd.read_csv(fetch("images/street/photos.csv"), dtype=str, keep_default_na=False).itertuples(index=False):
        path, mask_path = fetch(f"images/street/{row.name}.jpg"), fetch(f"images/street/{row.name}_mask.png")
        frames.append(StreetPhoto(row.name, row.title, path, mask_path))
    return frames


def hrnet_path() -> str:
    """The folder that `hub.load` is to load: the embedded small HRNet (quick mode), or HRNetV2-W48 (full mode).

    In full mode TensorFlow Hub fetches it once, into $TFHUB_CACHE_DIR or the course's cache, from $COURSE_HRNET (an
    address that TensorFlow Hub or Kaggle gives, or a local SavedModel folder), $COURSE_MIRROR, or tfhub.dev.

    Raises:
        DownloadError: it cannot be had, is no SavedModel, or a file of the embedded model is missing or damaged.
    """
    if mode() == "quick":
        return str(fetch_folder("models/hrnet_small"))
    handle = _hrnet_handle()
    place = Path(os.environ.setdefault("TFHUB_CACHE_DIR", str(cache_dir() / "tfhub")))
    os.environ.setdefault("TFHUB_DOWNLOAD_PROGRESS", "" if os.environ.get("CI") else "1")
    try:
        return str(_resolve(handle, place))
    except Exception as error:  # of many kinds: urllib's, tarfile's, TensorFlow's
        what = f"HRNetV2-W48 could not be loaded into {place}:\n  {handle}: {error}"
        raise DownloadError(f"{what}\nName a SavedModel's folder or address in COURSE_HRNET. {CURE}") from error


def _hrnet_handle() -> str:
    """Where HRNetV2-W48 is to come from: an address, or a folder."""
    if named := os.environ.get("COURSE_HRNET"):
        return named
    if mirror := mirror_address():
        return f"{mirror}/{HRNET_ARCHIVE}"
    return HRNET_HANDLE


def _resolve(handle: str, place: Path) -> Path:
    """The folder of a whole SavedModel, fetched into `place`, TensorFlow Hub's cache, if it is not there."""
    import tensorflow_hub as hub

    with _socket_timeout(TIMEOUTS[1]):
        folder = Path(hub.resolve(handle))
    if (folder / "saved_model.pb").is_file() and len(list(folder.glob("variables/variables.*"))) >= 2:
        return folder
    if folder.is_relative_to(place):
        shutil.rmtree(folder)  # what a connection left that was cut between two files
    raise ValueError("there is no whole SavedModel")


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Let no connection wait longer than this; TensorFlow Hub sets no limit, and would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def group_table() -> np.ndarray:
    """For each of the 32 ids the id of its group, (32,) uint8: `group_table()[mask]` translates a mask."""
    table = np.full(32, VOID, np.uint8)
    for group, members in GROUPS.items():
        table[[group, *members]] = group
    return table


def colour_table() -> np.ndarray:
    """The colours of the 32 classes, (32, 3) uint8, RGB."""
    return np.array([one.rgb for one in camvid_classes()], np.uint8)


def confusion_of_masks(true: np.ndarray, predicted: np.ndarray, num_classes: int = 32) -> np.ndarray:
    """Count the pixels of every pair of true and predicted class; pixels whose truth is VOID are left out.

    Args:
        true: (H, W) ids.
        predicted: (H, W) ids.
        num_classes: how many classes there are.

    Returns:
        (num_classes, num_classes) int64; row = true class, column = predicted class.

    Raises:
        ValueError: masks of different shapes.
    """
    if true.shape != predicted.shape:
        raise ValueError(f"The masks have different shapes, {true.shape} and {predicted.shape}.")
    known = true != VOID
    return confusion_matrix(true[known], predicted[known], num_classes)


def iou_per_class(matrix: np.ndarray) -> np.ndarray:
    """Intersection over union of each class of a confusion matrix; NaN for a class that is in neither mask."""
    both = np.diagonal(matrix)
    union = np.sum(matrix, axis=0) + np.sum(matrix, axis=1) - both
    return np.divide(both, union, out=np.full(len(matrix), np.nan), where=union > 0)


def mean_iou(matrix: np.ndarray, least: float = 0.0) -> float:
    """The mean IoU over the true classes of a confusion matrix.

    Args:
        matrix: (C, C) counts, row = true class.
        least: leave out classes with a smaller share of the true pixels.
    """
    sizes = np.sum(matrix, axis=1)
    present = (sizes > 0) & (sizes >= least * sizes.sum())
    return float(iou_per_class(matrix)[present].mean()) if present.any() else float("nan")


def pixel_accuracy(matrix: np.ndarray) -> float:
    """The share of pixels on the diagonal of a confusion matrix."""
    return float(np.trace(matrix) / np.sum(matrix))


def street_scores(true: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Scores of masks of drawn streets, (N, H, W) ids of STREET_CLASSES: of all classes, and of the poles."""
    matrix = confusion_of_masks(true, predicted, len(STREET_CLASSES))
    pole = STREET_CLASSES.index("pole")
    return {
        "accuracy": pixel_accuracy(matrix),
        "mean IoU": mean_iou(matrix),
        "pole recall": float(recall_per_class(matrix)[pole]),
        "pole IoU": float(iou_per_class(matrix)[pole]),
    }


def altered(
    picture: np.ndarray, where: Any, *, colour: bool = True, light: float = 0.0, contrast: float = 1.0
) -> np.ndarray:
    """A copy of a picture in which one region is changed, and nothing else.

    Args:
        picture: (H, W, 3) uint8.
        where: the region, as an index of the first two axes: (H, W) of bool, or slices like `np.s_[10:20, 30:40]`.
        colour: False makes the region grey.
        light: added to each pixel, in parts of the region's mean colour: 0.5 makes it half as light again.
        contrast: by how much each pixel's distance from the mean colour is multiplied.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    values = picture[where] if colour else np.stack([grey[where]] * 3, axis=-1)
    mean = values.reshape(-1, 3).mean(axis=0)
    result = picture.copy()
    result[where] = np.round(np.clip((1 + light) * mean + contrast * (values - mean), 0, 255))
    return result


def at_night(picture: np.ndarray, dark: bool = True, noise: float = 0.04) -> np.ndarray:
    """A photograph as if it were taken at night, (H, W, 3) uint8, the same at each call.

    Args:
        picture: (H, W, 3) uint8.
        dark: a fifth of the light at most, and less in what is dark already: v becomes 0.2 v², for v in [0, 1].
        noise: standard deviation of what the camera adds to each value, in parts of the whole range.
    """
    values = 0.2 * (picture / 255) ** 2 if dark else picture / 255
    values = values + np.random.default_rng(0).normal(0, noise, values.shape)
    return np.round(255 * np.clip(values, 0, 1)).astype(np.uint8)


def exactly(wanted: Any, kind: Any) -> Callable[[Any], bool]:
    """A test for `checks.exercise`: has a result these values, this shape and a type of this kind, say np.integer?"""

    def is_exact(got: Any) -> bool:
        return np.array_equal(got, wanted) and np.issubdtype(np.asarray(got).dtype, kind)

    return is_exact


def film_scores() -> pd.DataFrame:
    """Share of the pixels, recall and IoU of each class on CamVid's validation frames (tools.train.hrnet)."""
    record = json.loads(fetch("data/hrnet_scores.json").read_text(encoding="utf-8"))
    matrix = np.array(record["confusion"])
    columns = {
        "share": matrix.sum(axis=1) / matrix.sum(),
        "recall": recall_per_class(matrix),
        "IoU": iou_per_class(matrix),
    }
    return pd.DataFrame(columns, index=record["classes"]).sort_values("share", ascending=False)


def left_out_scores() -> pd.DataFrame:
    """IoU of each class, and their mean, of a small HRNet that was trained without one of CamVid's drives.

    Returns:
        One row for that drive and one for the validation frames (tools.train.hrnet --leave-out).
    """
    classes = json.loads(fetch("data/hrnet_scores.json").read_text(encoding="utf-8"))["classes"]
    parts = json.loads(fetch("data/hrnet_drives.json").read_text(encoding="utf-8"))["0001TP"]["scores"]
    rows = {name: part["iou"] for name, part in parts.items() if name != "frames learned from"}
    table = pd.DataFrame(rows, index=classes).T
    table["mean"] = table.mean(axis=1)
    return table


def street_trainings() -> pd.DataFrame:
    """The scores of lesson 9's U-Net on drawn streets in several ways, seeds and lengths of training.

    Returns:
        One row for each training (tools.train.streets): way, epochs, seed, accuracy, mean IoU, pole recall, pole IoU.
    """
    record = json.loads(fetch("data/street_unets.json").read_text(encoding="utf-8"))
    parts = [
        pd.DataFrame({"way": way, "epochs": int(epochs), "seed": record["seeds"], **scores})
        for way, lengths in record["ways"].items()
        for epochs, scores in lengths.items()
    ]
    return pd.concat(parts, ignore_index=True)


def goes_around(network: Any, size: tuple[int, int] = (8, 12)) -> bool:
    """Whether something gets from a Keras network's input to its output without passing through maps of one size.

    Whatever takes a finer map as well makes a way around, be it a layer, a function or a model in the model; a map that
    is joined with itself makes none.

    Args:
        network: a built functional or sequential model.
        size: height and width of the maps; by default of the coarsest ones of lesson 9's U-Net.
    """
    starts = {id(tensor) for tensor in network.inputs}

    def is_reached(tensor: Any) -> bool:
        if tuple(tensor.shape[1:3]) == size:
            return False
        if id(tensor) in starts:
            return True
        operation, node, _ = tensor._keras_history
        if hasattr(operation, "inputs") and not goes_around(operation, size):
            return False
        return any(map(is_reached, operation._inbound_nodes[node].input_tensors))

    return any(map(is_reached, network.outputs))


def show_masks(
    rows: Sequence[Sequence[np.ndarray]],
    titles: Sequence[str],
    *,
    size: float = 2.5,
    legend: Sequence[int] | None = None,
) -> None:
    """Show rows of pictures and masks, with a legend of the classes at the right.

    Args:
        rows: of equally many arrays: a picture, (H, W, 3) or grey, (H, W, 1); a mask, (H, W) of integer ids, drawn in
            CamVid's colours; or a score map, (H, W) of floats, drawn from black, 0, to white, 1.
        titles: one for each column.
        size: inches of a picture's width.
        legend: ids of the classes in it; by default those of the masks in the figure. Score maps add their two ends.
    """
    colours, names = colour_table(), [one.name for one in camvid_classes()]
    heights = [row[0].shape[0] / row[0].shape[1] for row in rows]
    flat = [one for row in rows for one in row if one.ndim == 2]
    masks = [one for one in flat if np.issubdtype(one.dtype, np.integer)]
    ends = {"score 0": "black", "score 1": "white"} if len(masks) < len(flat) else {}
    ids = legend if legend is not None else np.unique(np.concatenate([mask.ravel() for mask in masks] or [[]]))
    figure, axes = plt.subplots(
        len(rows),
        len(titles),
        squeeze=False,
        layout="constrained",
        figsize=(len(titles) * size + (1.9 if len(ids) else 1.1 if ends else 0), size * sum(heights) + 0.3),
        gridspec_kw={"height_ratios": heights},
    )
    for line, pictures in zip(axes, rows, strict=True):
        for ax, picture in zip(line, pictures, strict=True):
            is_mask = picture.ndim == 2 and np.issubdtype(picture.dtype, np.integer)
            ax.imshow(
                colours[picture] if is_mask else picture, cmap="gray", vmin=0, vmax=1, interpolation="antialiased"
            )
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
            ax.spines[:].set_visible(False)
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title, fontsize=11)
    entries = {f"{i} {names[i]}": colours[i] / 255 for i in map(int, ids)} | ends
    if entries:
        patches = [
            plt.Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor=PALETTE["grey"], label=label)
            for label, colour in entries.items()
        ]
        figure.legend(handles=patches, loc="outside right center", frameon=False, fontsize=10)


def regions(true: np.ndarray, predicted: np.ndarray, number: int) -> dict[str, np.ndarray]:
    """Three (H, W) bool arrays for one class: pixels in both masks, in the true one only, in the predicted one only."""
    known = true != VOID
    t, p = (true == number) & known, (predicted == number) & known
    return {"in both": t & p, "true only: missed": t & ~p, "predicted only: invented": p & ~t}


def error_map(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """A picture, (H, W, 3) uint8, that is orange where two masks differ, grey where the truth is VOID, else white."""
    picture = np.full((*true.shape, 3), 255, np.uint8)
    picture[true != predicted] = [int(PALETTE["orange"][i : i + 2], 16) for i in (1, 3, 5)]
    picture[true == VOID] = 190
    return picture


def draw_overlay(
    photographs: Mapping[str, np.ndarray], true: Mapping[str, np.ndarray], predicted: Mapping[str, np.ndarray]
) -> Callable[..., Figure]:
    """A function for `demos.demo`: a photograph with its predicted mask behind a divider, and one class by itself.

    Args:
        photographs: (H, W, 3) uint8, by name.
        true: (H, W) ids of the groups or VOID, by name.
        predicted: (H, W) ids of the groups, by name.
    """
    ids = {camvid_classes()[i].name: i for i in GROUPS}
    colours = colour_table()
    names = ("blue", "orange", "purple")
    inks = np.array([[int(PALETTE[name][i : i + 2], 16) for i in (1, 3, 5)] for name in names])

    def draw(
        photograph: str,
        chosen: str = "Road",
        other_classes: bool = True,
        opacity: float = 0.6,
        pointer: tuple[float, float] = (0.2, 0.5),
    ) -> Figure:
        figure = plt.figure(figsize=(8.4, 3.9))
        left, right = (figure.add_axes((x, 0.13, 0.48, 0.78), anchor="N") for x in (0.01, 0.51))
        share = np.clip((pointer[0] - 0.01) / 0.48, 0, 1)  # of the left picture's width
        image, mask = photographs[photograph], predicted[photograph]
        shown = blend(image, colours[mask], opacity, where=(mask == ids[chosen]) | other_classes)
        shown[:, : round(share * image.shape[1])] = image[:, : round(share * image.shape[1])]
        left.imshow(shown, extent=(0, 1, 0, image.shape[0] / image.shape[1]))
        left.axvline(share, color="white", linewidth=4)
        left.set_title("photograph | predicted mask")
        parts = regions(true[photograph], mask, ids[chosen])
        flat = np.full((*mask.shape, 3), 237, np.uint8)
        for (name, region), ink, colour in zip(parts.items(), inks, names, strict=True):
            flat[region] = ink
            right.plot([], [], "s", color=PALETTE[colour], label=f"{name}, {region.sum():,}")
        right.imshow(flat)
        both, either = parts["in both"].sum(), sum(region.sum() for region in parts.values())
        right.set_title(f"{chosen}: IoU {both:,} / {either:,} = {both / either if either else np.nan:.2f}")
        for ax in (left, right):
            ax.axis("off")
        figure.legend(loc="lower center", ncols=3, fontsize=10, handletextpad=0.1, frameon=False)
        return figure

    return draw


STREET_CLASSES = ("sky", "building", "road", "pole")


def drawn_streets(count: int, seed: int, height: int = 32, width: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Noisy grey pictures of streets with thin poles, drawn at random, and their masks.

    The grey of a class varies from picture to picture, and those of different classes overlap.

    Args:
        count: how many.
        seed: of the random numbers.
        height: in pixels, 28 or more.
        width: in pixels, a multiple of 8.

    Returns:
        (count, height, width, 1) float32, about 0..1, and (count, height, width) ids of STREET_CLASSES, uint8.
    """
    rng = np.random.default_rng(seed)
    pictures, masks = np.zeros((count, height, width), np.float32), np.zeros((count, height, width), np.uint8)
    for picture, mask in zip(pictures, masks, strict=True):
        horizon = rng.integers(16, 24)
        for left in range(0, width, 8):
            mask[horizon - rng.integers(2, 14) : horizon, left : left + 8] = 1
        mask[horizon:] = 2
        for column in rng.integers(2, width - 2, 2):
            mask[rng.integers(4, 12) : horizon + rng.integers(1, 6), column] = 3
        greys = rng.uniform(0.35, 0.65, 4) + np.array([0.25, -0.15, 0, -0.08])
        picture[:] = greys[mask] + rng.normal(0, 0.08, mask.shape)
    return pictures[..., None], masks

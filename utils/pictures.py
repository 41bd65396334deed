"""Pictures as arrays: reading, writing, resizing and blending, with OpenCV.

OpenCV keeps the channels of a colour picture in the order blue, green, red (BGR). Matplotlib, Keras and everyone else
expect red, green, blue (RGB). The functions of this module take and return RGB; they are the one place in the course
where the order is turned round.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def read_picture(path: str | Path) -> np.ndarray:
    """Read a picture file of any common kind: JPEG, PNG, WebP, GIF, BMP, TIFF, PPM.

    See `decode_picture` for what becomes of grey, transparent, 16-bit and turned pictures.

    Returns:
        (H, W, 3) uint8, RGB in 0..255.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a picture, or damaged.
    """
    return decode_picture(_bytes_of(path), str(path))


def decode_picture(data: bytes, name: str = "the picture") -> np.ndarray:
    """The picture in the bytes of a picture file.

    Grey pictures get three equal channels, 16 bits become 8, palettes become colours, and what is transparent is shown
    on white. A picture is turned upright as its EXIF entry says.

    Args:
        data: what stands in the file.
        name: what an error calls it.

    Returns:
        (H, W, 3) uint8, RGB in 0..255.

    Raises:
        ValueError: the bytes are not a picture, or damaged.
    """
    stored = _decode(data, cv2.IMREAD_UNCHANGED, name)  # with its transparency, but not turned
    if stored.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{name} has values of type {stored.dtype}, so its largest possible brightness is unknown.")
    if stored.ndim == 3 and stored.shape[-1] == 4:
        if stored.dtype == np.uint16:
            stored = (stored >> 8).astype(np.uint8)
        colours, opacity = stored[..., :3], stored[..., 3:] / 255
        picture = np.round(colours * opacity + 255 * (1 - opacity)).astype(np.uint8)
        picture = _upright(picture, _orientation(data))
    else:
        picture = _decode(data, cv2.IMREAD_COLOR, name)  # three channels of 8 bits, turned upright
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def read_mask(path: str | Path) -> np.ndarray:
    """Read a segmentation mask from a grey file without loss (PNG): the class ids as they are stored.

    Returns:
        (H, W) uint8.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a picture, damaged, or has colours or more than 8 bits.
    """
    mask = _decode(_bytes_of(path), cv2.IMREAD_UNCHANGED, str(path))
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise ValueError(f"{path} is no mask: it holds {mask.shape} values of {mask.dtype}, not (H, W) of uint8.")
    return mask


def write_picture(path: str | Path, picture: np.ndarray) -> None:
    """Write a picture or a mask in the format that the file's name ends with, for example ".png" or ".jpg".

    Args:
        path: the file; its folder must exist.
        picture: (H, W, 3) uint8 RGB, or (H, W) uint8.

    Raises:
        ValueError: another kind of array, or a format that OpenCV does not write.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if picture.dtype != np.uint8 or not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[-1] == 3)):
        raise ValueError(f"A picture is (H, W, 3) or (H, W) of uint8, this is {picture.shape} of {picture.dtype}.")
    stored = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    try:
        _, data = cv2.imencode(path.suffix, stored)
    except cv2.error as error:
        raise ValueError(f"{path} cannot be written: OpenCV knows no picture format {path.suffix!r}.") from error
    path.write_bytes(data.tobytes())


def resize(picture: np.ndarray, height: int, width: int, *, mask: bool = False) -> np.ndarray:
    """Resize a picture: averaging over areas where it shrinks, interpolating linearly where it grows.

    Args:
        picture: (H, W) or (H, W, C), uint8, uint16, float32 or float64; a mask may also be bool or of other integers.
        height: in pixels, 1 or more.
        width: in pixels, 1 or more.
        mask: take the nearest pixel, so that no class id appears which was not there before.

    Returns:
        (height, width) or (height, width, C), of the same dtype.

    Raises:
        ValueError: a size below 1, or an array that cannot be resized.
    """
    if height < 1 or width < 1:
        raise ValueError(f"A picture cannot be resized to {height} x {width} pixels.")
    shape = (height, width, *picture.shape[2:])
    try:
        if mask:
            nearest = cv2.resize(picture.astype(np.float64), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
            return nearest.astype(picture.dtype).reshape(shape)
        smaller = (min(width, picture.shape[1]), min(height, picture.shape[0]))
        shrunk = cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)
        return cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR).reshape(shape)
    except (cv2.error, IndexError) as error:
        raise ValueError(f"An array {picture.shape} of {picture.dtype} cannot be resized as a picture.") from error


def blend(photo: np.ndarray, colours: np.ndarray, alpha: float = 0.5, *, where: np.ndarray | None = None) -> np.ndarray:
    """Lay a coloured mask over a photograph: (1 - alpha) * photo + alpha * colours.

    Args:
        photo: (H, W, 3), uint8, or float in [0, 1].
        colours: the same shape and dtype.
        alpha: weight of the colours in [0, 1].
        where: (H, W) bool, where the colours are laid on; by default everywhere.

    Returns:
        The same shape and dtype.

    Raises:
        ValueError: different shapes or dtypes, or alpha outside [0, 1].
    """
    if photo.shape != colours.shape or photo.dtype != colours.dtype:
        kinds = f"{photo.shape} of {photo.dtype}, the colours {colours.shape} of {colours.dtype}"
        raise ValueError(f"The photograph is {kinds}; both must be alike.")
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}, but must lie in [0, 1].")
    blended = cv2.addWeighted(photo, 1 - alpha, colours, alpha, 0)
    return blended if where is None else np.where(where[..., None], blended, photo)


def _bytes_of(path: str | Path) -> bytes:
    """The bytes of a file. cv2.imread takes no path with umlauts or Chinese characters on Windows; Python does."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no file {path} (looked for from the folder {Path.cwd()}).") from error


def _decode(data: bytes, flags: int, name: str) -> np.ndarray:
    if not data:
        raise ValueError(f"{name} cannot be read as a picture: there is nothing in it.")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:  # for example more than 2**30 pixels
        raise ValueError(f"{name} cannot be read as a picture: {error.err}") from error
    if picture is None:
        raise ValueError(
            f"{name} cannot be read as a picture: it is damaged, or in a format that OpenCV does not know."
        )
    return picture


def _orientation(data: bytes) -> int:
    """The orientation in a file's EXIF entry, 1 to 8; 1, which is upright, where there is none."""
    _, kinds, blocks = cv2.imdecodeWithMetadata(np.frombuffer(data, np.uint8), flags=cv2.IMREAD_UNCHANGED)
    for kind, block in zip(kinds, blocks, strict=True):
        exif = np.asarray(block).tobytes()
        if kind != cv2.IMAGE_METADATA_EXIF or exif[:2] not in (b"II", b"MM"):
            continue
        order = "little" if exif[:2] == b"II" else "big"
        first = int.from_bytes(exif[4:8], order)  # where the list of entries begins: their number, then 12 bytes each
        for place in range(first + 2, first + 2 + 12 * int.from_bytes(exif[first : first + 2], order), 12):
            if int.from_bytes(exif[place : place + 2], order) == 274:  # the entry "orientation", a number of 2 bytes
                found = int.from_bytes(exif[place + 8 : place + 10], order)
                return found if 1 <= found <= 8 else 1
    return 1


def _upright(picture: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror a stored picture as an EXIF orientation from 1 to 8 asks for."""
    if orientation >= 5:  # 5 to 8 are stored with rows and columns exchanged
        picture = picture.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)

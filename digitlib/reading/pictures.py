"""Decode any picture into grey, and grey into ink: bright strokes on black, whatever the light.

`load` accepts every common file or array, and refuses with a reason what is no picture. `ink`
removes paper, shadow and noise. Everything in the project that reads pictures starts here.
"""

import io
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

from digitlib.reading.normalisation import reduce
from digitlib.reading.sheets import without_table

# Only these decoders are tried: others would let a file start an external program.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
MAX_PIXELS = 64_000_000  # larger pictures are taken for decompression bombs
MAX_BYTES = 500_000_000
WORKING_SIDE = 1600  # longest side, in pixels, that the reading works on
GRAIN = 32  # a picture's side for each pixel that a region of ink must have
LIGHT_SIDE = 128  # longest side at which the light on the paper is estimated
SHARP = 4.0  # how much faster brightness changes at the edge of ink than on paper
LEAST = 10.0  # absorption, in 255ths, that counts as ink
EVEN = 0.9  # of a picture's border, which shows one level where its paper is perfectly even
CERTAIN = 0.6  # of Otsu's threshold: pencil may be fainter beside a printed line than it splits

Picture = str | os.PathLike | bytes | Image.Image | np.ndarray


class PictureError(ValueError):
    """A picture that cannot be read; the message says why."""


class Loaded(NamedTuple):
    """A decoded picture: `grey` uint8 (h, w), and the `width` and `height` it had before."""

    grey: np.ndarray
    width: int
    height: int


def load(picture: Picture) -> Loaded:
    """Decode a picture into grey levels, at most `WORKING_SIDE` pixels on its longest side.

    `picture` is the path of a file, the bytes of one, a PIL image, or an array (H, W), (H, W, 3)
    or (H, W, 4): uint8, or any other real numbers, which are stretched over their own range.
    EXIF rotation is obeyed, an animation gives its first frame. Raises `PictureError`.
    """
    if isinstance(picture, np.ndarray):
        pixels, width, height = _check_array(picture), picture.shape[1], picture.shape[0]
    else:
        pixels, width, height = _decode(picture)
    grey = _to_grey(pixels)
    return Loaded(reduce(grey, WORKING_SIDE), width, height)


def ink(grey: np.ndarray) -> np.ndarray:
    """Ink map of a grey picture: uint8 (H, W), strokes near 255 on exactly 0.

    Either polarity. A picture with no strokes (blank paper, an empty canvas) gives zeros.

    The paper under the strokes is found in two passes: a morphological closing wider than any
    stroke gives a first mask of the ink; the final paper is the mean of the unmasked pixels
    around (a normalised convolution, Knutsson and Westin 1993), which follows soft shadows, and
    no brighter than the closing, which follows hard ones.
    What is darker than its paper is ink by Otsu's threshold (1979) with hysteresis (Canny 1986):
    a faint pixel counts where it continues a certain one.
    """
    if grey.min() == grey.max():
        return np.zeros_like(grey)
    even = _on_even_paper(grey)
    absorbed, noise = (even, LEAST) if even is not None else _on_paper(grey)
    visible = absorbed[absorbed > noise]
    if visible.size == 0:
        return np.zeros_like(grey)
    certain = max(noise, _otsu(visible) * CERTAIN)
    mask = _hysteresis(absorbed, max(noise, certain / 2), certain)
    if even is None:
        mask = _sharp(mask, absorbed)
    mask = cv2.dilate(mask, np.ones((3, 3)))
    if not mask.any():
        return mask
    core, edge = float(absorbed[absorbed > certain].mean()), noise / 2
    strokes = (absorbed.astype(np.float32) - edge) * (255 / (core - edge))
    return np.where(mask > 0, np.clip(strokes, 0, 255), 0).astype(np.uint8)


def _on_even_paper(grey: np.ndarray) -> np.ndarray | None:
    """What the ink of a drawing absorbs, in 255ths: its paper has one level, which is seen at once.

    None for a picture whose paper is not perfectly even, nearly all around.
    """
    level = int(cv2.calcHist([grey], [0], None, [256], [0, 256]).argmax())
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if (
        np.count_nonzero(border == level) < EVEN * border.size
        or np.count_nonzero(grey == level) < grey.size / 2
    ):
        return None
    darker, brighter = cv2.subtract(level, grey), cv2.subtract(grey, level)
    if cv2.sumElems(brighter)[0] > cv2.sumElems(darker)[0]:
        darker, level = brighter, 255 - level
    return cv2.convertScaleAbs(darker, alpha=255 / max(level, 16))


def _on_paper(grey: np.ndarray) -> tuple[np.ndarray, float]:
    """What the ink of any picture absorbs, in 255ths, and how much of that is the paper's grain."""
    grey = without_table(grey)
    if ink_is_bright(grey):
        grey = 255 - grey
    small = reduce(grey, LIGHT_SIDE)
    side = max(3, min(small.shape) // 3)
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    absorbed = _absorbed(small, cv2.blur(closed, (side // 3, side // 3)))
    grain = float(np.percentile(absorbed, 25))  # a closing lies on the paper's brightest grains
    mask = (absorbed > max(_otsu(absorbed) / 2, 2 * grain)).view(np.uint8)
    blank = cv2.dilate(mask, np.ones((3, 3), np.uint8)) == 0
    absorbed = _absorbed(grey, _paper(small, blank, closed, grey.shape))
    return absorbed, _noise(absorbed, blank)


def ink_is_bright(grey: np.ndarray) -> bool:
    """Whether the strokes of a grey picture are brighter than its paper.

    Strokes are few and far from the brightness around them, paper is much and near it: the
    skewness of the difference to the local mean tells which. Where strokes cover nearly half of
    the picture, as in a tight crop of a thick digit, the paper is what the border shows.
    """
    small = reduce(grey, LIGHT_SIDE).astype(np.float32)
    side = max(3, min(small.shape) // 2)
    rest = small - cv2.blur(small, (side, side), borderType=cv2.BORDER_REFLECT)
    skewness = float((rest**3).mean() / max(1e-9, (rest**2).mean() ** 1.5))
    if abs(skewness) > 0.5:
        return skewness > 0
    border = np.concatenate([small[[0, -1]].ravel(), small[:, [0, -1]].ravel()])
    return float(np.median(border)) < (small.min() + small.max()) / 2


def _check_array(array: np.ndarray) -> np.ndarray:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise PictureError(
            f"an array of shape {array.shape} is no picture: (H, W), (H, W, 3) or (H, W, 4)"
        )
    if array.size == 0:
        raise PictureError("the picture has no pixels")
    _check_size(array.shape[1], array.shape[0])
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "buif":
        raise PictureError(f"an array of {array.dtype} is no picture")
    return _stretch(array)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(f"{width} x {height} pixels is too large: the limit is {MAX_PIXELS:,}")
    if width == 0 or height == 0:
        raise PictureError("the picture has no pixels")


def _stretch(array: np.ndarray) -> np.ndarray:
    """Any real numbers as uint8 over their own range; what is infinite is brightest or darkest."""
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.zeros(array.shape, np.uint8)
    low, high = float(finite.min()), float(finite.max())
    values = np.nan_to_num(values, nan=low, posinf=high, neginf=low) / 2 - low / 2
    return np.rint(values * (255 / (high / 2 - low / 2 or 1))).astype(np.uint8)


def _decode(picture: Picture) -> tuple[np.ndarray, int, int]:
    """Pixels (h, w), (h, w, 3) or (h, w, 4) of a file or image, and its width and height."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about oddities that it can decode
        try:
            image, ours = picture, not isinstance(picture, Image.Image)
            if ours:
                image = Image.open(io.BytesIO(_read(picture)), formats=FORMATS)
            _check_size(*image.size)
            orientation = image.getexif().get(0x0112, 1)
            width, height = image.size[::-1] if orientation in (5, 6, 7, 8) else image.size
            enough = WORKING_SIDE / max(image.size)
            if ours:  # a large JPEG is decoded smaller; somebody else's image stays as it is
                image.draft(None, [round(side * enough) for side in image.size])
            image = ImageOps.exif_transpose(image)
            return _pixels(image), width, height
        except PictureError:
            raise
        except Image.DecompressionBombError as error:
            raise PictureError(f"the picture is too large: {error}") from error
        except Image.UnidentifiedImageError as error:
            raise PictureError("not a picture of a known format") from error
        except Exception as error:  # decoders raise whatever a damaged file makes them raise
            raise PictureError(f"the picture cannot be decoded: {error}") from error


def _read(source: str | os.PathLike | bytes) -> bytes:
    if isinstance(source, str | os.PathLike):
        if not os.path.isfile(source):
            raise PictureError(f"{source}: no such file")
        if os.path.getsize(source) > MAX_BYTES:
            raise PictureError(f"{source}: the file is too large")
        source = Path(source).read_bytes()
    if not isinstance(source, bytes | bytearray | memoryview):
        raise PictureError(f"a {type(source).__name__} is no picture: path, bytes, image or array")
    if not source:
        raise PictureError("the picture is empty: zero bytes")
    return source


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        return _stretch(np.asarray(image))
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _to_grey(pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 4:
        pixels = _composite(pixels)
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    return _project_colour(pixels)


def _composite(pixels: np.ndarray) -> np.ndarray:
    """Lay a transparent picture on white, or on black where bright strokes lie on nothing."""
    colour, alpha = pixels[..., :3].astype(np.float32), pixels[..., 3:].astype(np.float32) / 255
    opaque = float(alpha.mean())
    bright = float((colour * alpha).mean()) > 128 * opaque
    paper = 0 if 0 < opaque < 0.5 and bright else 255
    return (colour * alpha + paper * (1 - alpha) + 0.5).astype(np.uint8)


def _project_colour(pixels: np.ndarray) -> np.ndarray:
    """Grey along the colour direction in which neighbouring pixels differ most.

    Luminance hides red ink on green paper, and half of a yellow pen. This is the leading
    eigenvector of the colour gradient's covariance (Di Zenzo 1986), so ink of any colour on
    paper of any colour keeps its contrast.
    """
    small = reduce(pixels, 256).astype(np.float32)
    steps = np.concatenate([np.diff(small, axis=axis).reshape(-1, 3) for axis in (0, 1)])
    if not steps.any():
        return pixels[..., 0].copy()
    axis = np.linalg.eigh(steps.T @ steps)[1][:, -1]
    axis *= np.sign(axis.sum()) or 1.0
    reach = np.abs(axis).sum()
    offset = -255 * axis[axis < 0].sum() / reach
    return cv2.transform(pixels, np.append(axis / reach, offset)[None].astype(np.float32))


def _paper(
    small: np.ndarray, blank: np.ndarray, closed: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Brightness of the paper, float32 of `shape`: the mean of the blank pixels around each.

    It is never above the `closed` picture, which keeps the edge of a hard shadow where it is.
    """
    weight = blank.astype(np.float32)
    total = small * weight
    side = max(3, min(small.shape) // 8) | 1
    for _ in range(2):  # twice a box is nearly a Gaussian
        total, weight = cv2.blur(total, (side, side)), cv2.blur(weight, (side, side))
    paper = np.minimum((total + 0.01 * closed) / (weight + 0.01), closed)
    return cv2.resize(paper, shape[::-1], interpolation=cv2.INTER_LINEAR)


def _sharp(mask: np.ndarray, absorbed: np.ndarray) -> np.ndarray:
    """A mask of regions {0, 1} without those that fade in: paper where the light falls off.

    Along the edge of ink the picture changes at least `SHARP` times as fast as it does elsewhere.
    """
    smooth = cv2.blur(absorbed, (3, 3))
    slope = cv2.absdiff(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), 0)
    slope += cv2.absdiff(cv2.Sobel(smooth, cv2.CV_32F, 0, 1), 0)
    paper = slope[cv2.dilate(mask, np.ones((7, 7), np.uint8)) == 0]
    least = SHARP * max(2.0, float(np.median(paper[::7])) if paper.size else 0.0)
    edge = mask & (cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0) == 0)
    count, labels = cv2.connectedComponents(mask)
    where = labels[edge > 0]
    total = np.bincount(where, slope[edge > 0], count)
    sharp = total >= least * np.bincount(where, minlength=count)
    return mask & sharp[labels].view(np.uint8)


def _noise(absorbed: np.ndarray, blank: np.ndarray) -> float:
    """Least absorption, in 255ths, that paper does not reach by its grain."""
    blank = cv2.resize(
        blank.astype(np.uint8), absorbed.shape[::-1], interpolation=cv2.INTER_NEAREST
    )
    paper = absorbed[blank > 0]
    return max(LEAST, 10 * float(paper.mean())) if paper.size else LEAST


def _absorbed(grey: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """Share of the light that ink takes away, in 255ths: independent of how bright the light."""
    share = 1 - grey.astype(np.float32) / np.maximum(paper, 16).astype(np.float32)
    return np.clip(255 * share, 0, 255).astype(np.uint8)


def _otsu(image: np.ndarray) -> float:
    return cv2.threshold(image, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]


def _hysteresis(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Mask uint8 {0, 1} of the regions above `low` that somewhere rise above `high`.

    In a large picture, regions of a few pixels are grain.
    """
    count, labels = cv2.connectedComponents((image > low).view(np.uint8))
    certain = np.zeros(count, np.uint8)
    certain[labels[image > high]] = 1
    certain[np.bincount(labels.ravel(), minlength=count) <= max(image.shape) // GRAIN] = 0
    certain[0] = 0
    return certain[labels]

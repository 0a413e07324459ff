"""The strokes of one digit as MNIST would show them: size, position and stroke width."""

import cv2
import numpy as np

SIDE = 28  # of the image
BOX = 20  # the longest side of the digit inside it
FINE = 80  # longest side of the digit while its strokes are smoothed and their width is set
STROKE_WIDTH = (2.0, 3.6)  # in the 20-pixel box; 75 % and 10 % of MNIST's digits are wider
VISIBLE = 64  # fainter pixels do not count for a digit's extent


def as_images(images: np.ndarray) -> np.ndarray:
    """Check images, and return them unchanged: uint8 (N, 28, 28), any N including 0.

    Raises:
        ValueError: for another shape or dtype.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise ValueError(
            f"images are {images.dtype} {images.shape}; expected uint8 (N, 28, 28) from 0 to 255 "
            "with the ink bright on 0 (digitlib.pixels.segmentation.normalise makes it)"
        )
    return images


def to_mnist(strokes: np.ndarray) -> np.ndarray:
    """Image uint8 (28, 28) of one digit, as MNIST's were made (LeCun et al. 1998).

    `strokes` is uint8 (H, W) of any size, ink bright on exactly 0. The digit's longest side becomes
    20 pixels with the aspect ratio kept, and its centre of mass the centre of the image. Before,
    strokes are brought into the range of `STROKE_WIDTH`: otherwise the hairline of a mouse would
    vanish, and a marker would fill the loops. No ink gives zeros.
    """
    image = np.zeros((SIDE, SIDE), np.uint8)
    strokes = _crop(strokes)
    if strokes.size == 0:
        return image
    fine = _scale(strokes, FINE)
    if fine.max() < 128:  # the hairlines of a large drawing vanished when it was reduced
        pen = -(-max(strokes.shape) // FINE)
        strokes = cv2.copyMakeBorder(strokes, pen, pen, pen, pen, cv2.BORDER_CONSTANT)
        fine = _scale(cv2.dilate(strokes, np.ones((pen, pen), np.uint8)), FINE)
        fine = cv2.convertScaleAbs(fine, alpha=255 / fine.max())
    digit = _scale(_crop(_limit_width(fine)), BOX)
    height, width = digit.shape
    moments = cv2.moments(digit)
    left = round((SIDE - 1) / 2 - moments["m10"] / moments["m00"])
    top = round((SIDE - 1) / 2 - moments["m01"] / moments["m00"])
    left, top = min(max(left, 0), SIDE - width), min(max(top, 0), SIDE - height)
    image[top : top + height, left : left + width] = digit
    return image


def reduce(image: np.ndarray, longest: int) -> np.ndarray:
    """Reduce a picture to `longest` pixels on its longest side; a smaller one is unchanged."""
    scale = longest / max(image.shape[:2])
    if scale >= 1:
        return image
    size = [max(1, round(side * scale)) for side in (image.shape[1], image.shape[0])]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def stroke_width(strokes: np.ndarray) -> float:
    """Mean width in pixels of strokes (H, W): four times the mean distance to their edge."""
    mask = cv2.copyMakeBorder((strokes > 127).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    count = cv2.countNonZero(mask)
    if count == 0:
        return 0.0
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    return 4 * (float(distance.sum()) / count - 0.5)  # the edge lies half a pixel outside


def _crop(strokes: np.ndarray) -> np.ndarray:
    x, y, width, height = cv2.boundingRect((strokes > VISIBLE).view(np.uint8))
    return strokes[y : y + height, x : x + width]


def _scale(strokes: np.ndarray, longest: int) -> np.ndarray:
    """Resize to `longest` pixels on the longest side: by averages to shrink, cubic to enlarge."""
    scale = longest / max(strokes.shape)
    if scale > 1:  # with a margin, so that strokes at the edge fade out as elsewhere
        strokes = cv2.copyMakeBorder(strokes, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    size = [max(1, round(side * scale)) for side in strokes.shape[::-1]]
    return cv2.resize(strokes, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _limit_width(fine: np.ndarray) -> np.ndarray:
    """Bring strokes of a digit of size `FINE` into the range of `STROKE_WIDTH`."""
    low, high = (limit * FINE / BOX for limit in STROKE_WIDTH)
    width = stroke_width(fine)
    if low <= width <= high:
        return fine
    change = 1 + round(low - width if width < low else width - high)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (change, change))
    fine = cv2.copyMakeBorder(fine, change, change, change, change, cv2.BORDER_CONSTANT)
    if width < low:
        return cv2.dilate(fine, disc)
    eroded = cv2.erode(fine, disc)
    mirrored = change - 1 - change // 2, change - 1 - change // 2  # or an even disc moves strokes
    opened = cv2.dilate(eroded, disc, anchor=mirrored)
    return np.maximum(eroded, cv2.subtract(fine, opened))  # what would vanish is kept

"""Tell bright ink from dark ink, and make dark ink bright."""

import cv2
import numpy as np

from digitlib.pixels.normalisation import as_images, reduce

LIGHT_SIDE = 128  # longest side, in pixels, at which light and polarity are estimated
CONTRAST = 64  # grey levels: ink differs at least this much from its paper


def ink_is_bright(grey: np.ndarray) -> bool:
    """Whether the strokes of a grey picture are brighter than its paper.

    Strokes cover little of a picture and differ much from the local mean; paper covers most of it
    and differs little. So the skewness of the difference to the local mean tells whether strokes
    are bright. Where strokes cover nearly half of the picture, as in a tight crop of a thick digit,
    the skewness is small, and the border is taken for paper.
    """
    small = reduce(grey, LIGHT_SIDE).astype(np.float32)
    side = max(3, min(small.shape) // 2)
    rest = small - cv2.blur(small, (side, side), borderType=cv2.BORDER_REFLECT)
    skewness = float((rest**3).mean() / max(1e-9, (rest**2).mean() ** 1.5))
    if abs(skewness) > 0.5:
        return skewness > 0
    border = np.concatenate([small[[0, -1]].ravel(), small[:, [0, -1]].ravel()])
    return float(np.median(border)) < (small.min() + small.max()) / 2


def has_ink(images: np.ndarray) -> np.ndarray:
    """Which of the images uint8 (N, 28, 28) are neither blank nor nearly so: bool (N,).

    A network is no judge of that: the shipped one is certain that paler ink is a 1.
    """
    return np.ptp(images, axis=(1, 2)) >= CONTRAST


def with_bright_ink(images: np.ndarray) -> np.ndarray:
    """The images, with those of dark ink on bright paper inverted.

    Ink is dark where it is further below the brightness of the border than anything is above it.

    Args:
        images: uint8 (N, 28, 28), any N including 0.

    Returns:
        uint8 (N, 28, 28); `images` itself where no image was inverted.

    Raises:
        ValueError: for another shape or dtype.
    """
    images = as_images(images)
    border = np.concatenate([images[:, [0, -1]], images[:, :, [0, -1]].swapaxes(1, 2)], axis=1)
    if not border.any():
        return images
    paper = np.median(border, axis=(1, 2))
    below, above = paper - images.min(axis=(1, 2)), images.max(axis=(1, 2)) - paper
    dark = below > np.maximum(CONTRAST, 2 * above)
    return np.where(dark[:, None, None], 255 - images, images) if dark.any() else images

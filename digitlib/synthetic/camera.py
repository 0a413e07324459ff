"""What a camera or a scanner makes of a page: blur, few pixels, grain, compression."""

import cv2
import numpy as np

CLEAN = 0.12  # share of the pictures that are neither blurred nor grainy, as on a screen


def take_picture(
    grey: np.ndarray, random: np.random.Generator, strength: dict[str, float]
) -> np.ndarray:
    """A page float32 (H, W) from 0 to 255 as it is photographed: uint8 (H, W).

    Strengths are those of blur, resolution, noise and jpeg; see `lines.Simulation`.
    """
    if random.random() > CLEAN:
        if random.random() < 0.6 * strength["blur"]:
            grey = cv2.GaussianBlur(grey, (0, 0), random.uniform(0.3, 0.7 + 0.8 * strength["blur"]))
        if random.random() < 0.35 * strength["resolution"]:
            grey = _coarse(grey, random, strength["resolution"])
        if random.random() < 0.6 * strength["noise"]:
            grey = grey + _grain(grey.shape, random, strength["noise"])
    image = np.clip(grey, 0, 255).astype(np.uint8)
    if random.random() < 0.4 * strength["jpeg"]:
        quality = int(np.clip(random.uniform(20, 95) / max(strength["jpeg"], 0.5), 5, 95))
        file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)
    return image


def _coarse(grey: np.ndarray, random: np.random.Generator, strength: float) -> np.ndarray:
    """With fewer pixels, which are then enlarged."""
    height, width = grey.shape
    scale = random.uniform(max(0.3, 0.8 - 0.4 * strength), 0.9)
    size = (max(4, round(width * scale)), round(height * scale))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    way = cv2.INTER_LINEAR if random.random() < 0.7 else cv2.INTER_NEAREST
    return cv2.resize(small, (width, height), interpolation=way)


def _grain(shape: tuple[int, ...], random: np.random.Generator, strength: float) -> np.ndarray:
    grain = random.standard_normal(shape, np.float32)
    grain *= np.float32(random.exponential(6) * strength)
    return cv2.blur(grain, (2, 2)) * 1.7 if random.random() < 0.4 else grain

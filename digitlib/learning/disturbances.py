"""Keras layers that disturb pictures in general ways, so that a network learns to see past them.

Unlike those of ``augmentation`` they are not meant to look like anybody's handwriting. They act on
pixels from 0 to 255, (N, height, width, 1), and only with ``training=True``.
"""

import math

import keras
import numpy as np
from keras import ops

from digitlib.learning.layers import Tensor

SIZES = (1, 3, 5)  # pixels, of the kernels; the last is the size of the array that holds them


class RandomConvolution(keras.layers.Layer):
    """Filter pictures with kernels drawn anew for each (Xu et al. 2021, arXiv:2007.13003).

    A kernel of 1, 3 or 5 pixels with normal weights keeps the shape of a digit and changes all
    else: it may blur, sharpen, dim or invert, or leave edges alone. The result is stretched to 0
    to 255 and mixed with the picture in a random proportion. For half of the pictures it shows in
    a rectangle alone, as in CutMix (Yun et al. 2019, arXiv:1905.04899), here of a picture with
    itself.

    Args:
        seed: fixes what is drawn.
        share: of the pictures that are filtered, 0 to 1.
    """

    def __init__(self, seed: int, share: float) -> None:
        super().__init__(dtype="float32", name="random_convolution")
        self.share, self.random = share, keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Filter some of (N, height, width, 1) in training; leave all alone otherwise."""
        if not training:
            return images
        everywhere = _some(images, 0.5, self.random)
        part = ops.maximum(everywhere, _rectangles(images, 0.2, 0.9, self.random))
        part = part * _some(images, self.share, self.random)
        part = part * _draw(images, 0, 1, self.random)
        return images + part * (self._filtered(images) - images)

    def _filtered(self, images: Tensor) -> Tensor:
        widest = SIZES[-1]
        margin = widest // 2
        # How far each weight is from the middle tells in which kernels it takes part.
        ring = np.abs(np.indices((widest, widest)) - margin).max(axis=0).reshape(1, 1, 1, -1)
        reach = ops.floor(_draw(images, 0, len(SIZES), self.random))
        count = ops.shape(images)[0]
        weights = keras.random.normal((count, 1, 1, ring.size), seed=self.random)
        weights = ops.where(ops.convert_to_tensor(ring, "float32") <= reach, weights, 0.0)
        height, width = images.shape[1:3]
        padded = ops.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
        shifted = [
            padded[:, y : y + height, x : x + width] for y in range(widest) for x in range(widest)
        ]
        made = ops.sum(ops.concatenate(shifted, axis=-1) * weights, axis=-1, keepdims=True)
        low = ops.min(made, axis=(1, 2, 3), keepdims=True)
        high = ops.max(made, axis=(1, 2, 3), keepdims=True)
        return 255 * (made - low) / (high - low + 1e-3)


class RandomErasing(keras.layers.Layer):
    """Cover a rectangle of 2 to 12 % of the picture with one shade (Zhong et al. 2020,
    arXiv:1708.04896).

    Args:
        seed: fixes what is drawn.
        share: of the pictures that lose a part, 0 to 1.
    """

    def __init__(self, seed: int, share: float) -> None:
        super().__init__(dtype="float32", name="random_erasing")
        self.share, self.random = share, keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Cover parts of some of (N, height, width, 1) in training; leave all alone otherwise."""
        if not training:
            return images
        part = _rectangles(images, 0.02, 0.12, self.random)
        part = part * _some(images, self.share, self.random)
        return images + part * (_draw(images, 0, 255, self.random) - images)


def _draw(images: Tensor, low: float, high: float, random: keras.random.SeedGenerator) -> Tensor:
    """A number for each picture, (N, 1, 1, 1)."""
    return keras.random.uniform((ops.shape(images)[0], 1, 1, 1), low, high, seed=random)


def _some(images: Tensor, share: float, random: keras.random.SeedGenerator) -> Tensor:
    """1 for a share of the pictures and 0 for the others, (N, 1, 1, 1)."""
    return ops.cast(_draw(images, 0, 1, random) < share, "float32")


def _rectangles(
    images: Tensor, least: float, most: float, random: keras.random.SeedGenerator
) -> Tensor:
    """1 within a rectangle, 0 outside: (N, height, width, 1).

    It has `least` to `most` of the picture's area, sides up to 3 to 1, and its middle anywhere.
    """
    height, width = images.shape[1:3]
    area = height * width * _draw(images, least, most, random)
    shape = ops.exp(_draw(images, -math.log(3), math.log(3), random))
    y = ops.reshape(ops.arange(height, dtype="float32"), (1, -1, 1, 1))
    x = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, -1, 1))
    down = ops.abs(y - _draw(images, 0, height, random)) < ops.sqrt(area * shape) / 2
    across = ops.abs(x - _draw(images, 0, width, random)) < ops.sqrt(area / shape) / 2
    return ops.cast(ops.logical_and(down, across), "float32")

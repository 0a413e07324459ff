"""The sheet network: it marks each pixel of a picture as writing, print or rule.

A U-Net (Ronneberger, Fischer and Brox 2015, arXiv:1505.04597) of depthwise separable convolutions
(Howard et al. 2017, arXiv:1704.04861) with residual connections. What it sees coarsely is added to
what it sees finely, so that it is small and fast.
"""

import keras
from keras import layers

from digitlib.learning.layers import Tensor
from digitlib.pixels.sheet_maps import TILE

CHANNELS = (32, 64, 96, 128, 160)  # at a half, a quarter, … of the tile's resolution


def build(
    precision: str = "float32", seed: int = 0, channels: tuple[int, ...] = CHANNELS
) -> keras.Model:
    """Build the network with freshly drawn weights.

    It takes tiles (N, 256, 256, 1) from 0 to 255 and answers with logits (N, 128, 128, 3): whether
    a pixel is written, printed, or lies on a rule or in a gap of one.

    Args:
        precision: Keras's dtype policy; the logits are float32 either way.
        seed: fixes the weights (and every other global generator, as Keras does).
        channels: of its levels, from fine to coarse.
    """
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        tiles = keras.Input((TILE, TILE, 1), name="pixels")
        x = layers.Rescaling(1 / 127.5, -1)(tiles)
        x = layers.Conv2D(channels[0], 5, 2, padding="same", use_bias=False)(x)
        x = _residual(_activated(x), channels[0])
        levels = [x]
        for level, width in enumerate(channels[1:], 1):
            x = _separable(x, width, strides=2)
            for _ in range(1 if level == 1 else 2):
                x = _residual(x, width)
            levels.append(x)
        for width, fine in zip(channels[-2::-1], levels[-2::-1], strict=True):
            x = layers.Conv2D(width, 1)(x)
            x = layers.UpSampling2D(2, interpolation="bilinear")(x)
            x = _residual(layers.Add()([x, fine]), width)
        logits = layers.Conv2D(3, 3, padding="same", dtype="float32", name="logits")(x)
        return keras.Model(tiles, logits, name="sheetnet")
    finally:
        keras.config.set_dtype_policy(before)


def _activated(x: Tensor) -> Tensor:
    return layers.ReLU(6)(layers.BatchNormalization(momentum=0.95)(x))


def _separable(x: Tensor, width: int, strides: int = 1) -> Tensor:
    x = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False)(x)
    return _activated(layers.Conv2D(width, 1, use_bias=False)(x))


def _residual(x: Tensor, width: int) -> Tensor:
    return layers.Add()([x, _separable(_separable(x, width), width)])

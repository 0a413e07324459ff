"""The line network: a fully convolutional one, which reads a line of any width.

Convolutions narrow a line of 48 rows down to one row, in which each column tells of 4 pixels of
the line's width. A few dilated convolutions along that row see about a digit to each side, so that
a column can tell a dot from a speck. After CRNN (Shi, Bai and Yao 2017, arXiv:1507.05717), with
convolutions in place of the recurrent layers, as in Yousef, Hussain and Mohammed (2020,
arXiv:1812.11894).
"""

import keras
from keras import layers

from digitlib.learning.layers import Tensor
from digitlib.pixels.line_images import ALPHABET, HEIGHT

CHANNELS = (16, 40, 48, 72, 112)  # of the convolutions
FEATURES = 128  # of a column
DILATIONS = (1, 2, 4, 1)  # of the convolutions along the row


def build(
    precision: str = "float32",
    seed: int = 0,
    width: int | None = None,
    channels: tuple[int, ...] = CHANNELS,
    features: int = FEATURES,
    dropout: float = 0.1,
) -> keras.Model:
    """Build the network with freshly drawn weights.

    It takes lines (N, 48, W, 1) from 0 to 255 with the ink bright, W a multiple of 4, and answers
    with logits (N, W / 4, 15): of a blank, and of the characters of `pixels.line_images.ALPHABET`.

    Args:
        precision: Keras's dtype policy; the logits are float32 either way.
        seed: fixes the weights (and every other global generator, as Keras does).
        width: of the lines in pixels, where it is fixed.
        channels: of its five convolutions.
        features: of each column.
        dropout: share of the features left out in training.
    """
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        lines = keras.Input((HEIGHT, width, 1), name="pixels")
        x = layers.Rescaling(1 / 255)(lines)
        x = _convolve(x, channels[0], 5, strides=2)
        x = _convolve(x, channels[1], 3, strides=2)
        x = _convolve(x, channels[2], 3)
        x = layers.MaxPooling2D((2, 1))(x)
        x = _convolve(x, channels[3], 3)
        x = layers.MaxPooling2D((2, 1))(x)
        x = _convolve(x, channels[4], 3)
        x = _convolve(x, features, (x.shape[1], 1), padding="valid")
        x = layers.Dropout(dropout)(x)
        for dilation in DILATIONS:
            along = _convolve(x, features, (1, 3), dilation_rate=(1, dilation))
            x = layers.Add()([x, layers.Dropout(dropout)(along)])
        x = layers.Reshape((-1, features))(x)
        logits = layers.Dense(1 + len(ALPHABET), dtype="float32", name="logits")(x)
        return keras.Model(lines, logits, name="linenet")
    finally:
        keras.config.set_dtype_policy(before)


def _convolve(x: Tensor, filters: int, kernel: int | tuple[int, int], **options: object) -> Tensor:
    options = {"padding": "same", "kernel_initializer": "he_normal"} | options
    x = layers.Conv2D(filters, kernel, use_bias=False, **options)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))

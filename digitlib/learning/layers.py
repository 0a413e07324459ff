"""Keras layers that the networks are made of beside Keras's own.

A saved model names them, so whatever loads one has to import this module.
"""

from typing import Any

import keras
from keras import layers, ops

Tensor = Any  # of Keras, or of the backend that computes


@keras.saving.register_keras_serializable("digitlib")
class LocalResponseNormalization(layers.Layer):
    """Divide each channel by the energy of its neighbours (Krizhevsky et al. 2012, section 3.3).

    y = x / (bias + alpha · Σ x²)^beta, the sum over ``2 · radius + 1`` channels. Shape unchanged.
    """

    def __init__(
        self,
        radius: int = 5,
        bias: float = 1.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.radius, self.bias, self.alpha, self.beta = radius, bias, alpha, beta

    def call(self, x: Tensor) -> Tensor:
        """Normalise (N, height, width, channels)."""
        width = 2 * self.radius + 1
        # A sum over neighbouring channels is an average pool along the last axis.
        squares = ops.reshape(ops.square(x), (-1, x.shape[-1], 1))
        padded = ops.pad(squares, ((0, 0), (self.radius, self.radius), (0, 0)))
        energy = width * ops.average_pool(padded, width, 1, "valid")
        return x / (self.bias + self.alpha * ops.reshape(energy, (-1, *x.shape[1:]))) ** self.beta


@keras.saving.register_keras_serializable("digitlib")
class Smoothing(layers.Layer):
    """Soften the pictures that are read, as augmentation softens those that are learnt from.

    Augmentation resamples every picture, which blurs it a little, so a network that learns from
    such pictures alone never meets one as sharp as it will have to read. (The same kind of
    discrepancy as in size, which Touvron et al. 2019, arXiv:1906.06423, describe.)

    Args:
        share: of each pixel's ink that goes to each of its neighbours, first across, then down.
            1/8 halves the finest pattern there can be, as bilinear resampling does on average
            over places. Of 15,000 held-out digits one network misread 57 with it, 69 without.
    """

    def __init__(self, share: float = 0.125, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.share = share

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Soften (N, height, width, 1); in training, leave it alone."""
        if training:
            return x
        taps = ops.convert_to_tensor([self.share, 1 - 2 * self.share, self.share], x.dtype)
        across = ops.conv(x, ops.reshape(taps, (1, 3, 1, 1)), padding="same")
        return ops.conv(across, ops.reshape(taps, (3, 1, 1, 1)), padding="same")


@keras.saving.register_keras_serializable("digitlib")
class ShiftedViews(layers.Layer):
    """Test-time augmentation: each picture as it is, and moved up and down by ``shift`` pixels.

    ``MeanOfViews`` makes one answer of the three again. In training, when augmentation moves
    pictures anyway, there is one view. (Averaging over several views of a picture: Krizhevsky et
    al. 2012, section 4.1.)
    """

    count = 3

    def __init__(self, shift: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shift = shift

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """(N, height, width, 1) to (3 N, height, width, 1), view after view; no ink comes in."""
        if training:
            return x
        move, height = self.shift, x.shape[1]
        padded = ops.pad(x, ((0, 0), (move, move), (0, 0), (0, 0)))
        up, down = padded[:, 2 * move :], padded[:, :height]
        return ops.concatenate([x, up, down], axis=0)

    def compute_output_shape(self, shape: tuple) -> tuple:
        """That of the pictures; how many there are, nobody knows beforehand."""
        return (None, *shape[1:])


@keras.saving.register_keras_serializable("digitlib")
class MeanOfViews(layers.Layer):
    """The mean of the features of a picture's views; see ``ShiftedViews``."""

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """(3 N, features), view after view, to (N, features); in training, leave them alone."""
        if training:
            return x
        return ops.mean(ops.reshape(x, (ShiftedViews.count, -1, x.shape[-1])), axis=0)

    def compute_output_shape(self, shape: tuple) -> tuple:
        """That of the features; JAX cannot find it out by itself."""
        return (None, *shape[1:])

"""Keras layers that vary handwriting, written with ``keras.ops`` for every backend.

They act on pixels from 0 to 255, ink bright on 0, (N, 28, 28, 1), and only with
``training=True``. They stand in front of a network while it is fitted and are no part of it.
Each draws from its own seeded generator.
"""

import math

import keras
import numpy as np
from keras import ops

from digitlib.learning.disturbances import RandomConvolution, RandomErasing
from digitlib.learning.layers import Tensor

WARPS = ("rotation", "zoom", "shift", "shear", "slant", "elastic")
OTHERS = ("thickness", "convolution", "erasing")


def build(seed: int = 0, **strengths: float) -> keras.Sequential | None:
    """The augmentation with the given strengths, one resampling in all; None for no strengths.

    Args:
        seed: fixes what is drawn.
        strengths: ``Warp``'s rotation, zoom, shift, shear, slant and elastic, ``thickness`` of
            ``StrokeThickness``, and the shares of pictures that ``RandomConvolution`` and
            ``RandomErasing`` disturb, ``convolution`` and ``erasing``; see there for their units.

    Raises:
        ValueError: for an unknown or negative strength.
    """
    known = (*WARPS, *OTHERS)
    for name, strength in strengths.items():
        if name not in known:
            raise ValueError(f"no augmentation is called {name!r}; there are {', '.join(known)}")
        if strength < 0:
            raise ValueError(f"augmentation {name!r} is negative; 0 turns it off")
    steps: list[keras.Layer] = []
    if thickness := strengths.get("thickness"):
        steps.append(StrokeThickness(seed + 1, thickness))
    if warps := {name: strengths[name] for name in WARPS if strengths.get(name)}:
        steps.append(Warp(seed, **warps))
    if convolution := strengths.get("convolution"):
        steps.append(RandomConvolution(seed + 2, convolution))
    if erasing := strengths.get("erasing"):
        steps.append(RandomErasing(seed + 3, erasing))
    return keras.Sequential(steps, name="augmentation") if steps else None


def reseed(layer: keras.Layer, seed: int, epoch: int) -> None:
    """Set every random generator in and below ``layer`` to what (seed, epoch) says."""
    generators = [
        value
        for part in layer._flatten_layers()
        for value in vars(part).values()
        if isinstance(value, keras.random.SeedGenerator)
    ]
    for i, generator in enumerate(dict.fromkeys(generators)):
        state = np.random.SeedSequence([seed, epoch, i]).generate_state(2)
        generator.state.assign(state.astype(generator.state.dtype))


class Warp(keras.layers.Layer):
    """Affine and elastic distortion in one bilinear resampling.

    Args:
        seed: fixes what is drawn.
        rotation: up to ± this many degrees.
        zoom: width and height, each by a factor of up to 1 ± this.
        shift: up to ± this many pixels, each way.
        shear: up to ± this tangent, vertically.
        slant: up to ± this tangent, horizontally: upright writing becomes italic.
        elastic: root mean square displacement in pixels of a smooth random field (Simard,
            Steinkraus and Platt 2003, doi:10.1109/ICDAR.2003.1227801; drawn on a coarse grid and
            interpolated, which costs a hundredth of their convolution).
    """

    def __init__(self, seed: int = 0, **strengths: float) -> None:
        super().__init__(dtype="float32", name="warp")
        self.strengths = dict.fromkeys(WARPS, 0.0) | strengths
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Distort (N, height, width, 1) in training; leave it alone otherwise."""
        if not training:
            return images
        return _resample(images, *self._displacement(*ops.shape(images)[:3]))

    def _displacement(self, count: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Where each output pixel looks, relative to itself: two (N, height, width) in pixels."""

        def draw(limit: float) -> Tensor:
            return keras.random.uniform((count, 1, 1), -limit, limit, seed=self.random)

        limits = self.strengths
        angle = draw(math.radians(limits["rotation"]))
        slant, shear = draw(limits["slant"]), draw(limits["shear"])
        wide, high = 1 + draw(limits["zoom"]), 1 + draw(limits["zoom"])
        x = ops.reshape(ops.arange(width, dtype="float32") - (width - 1) / 2, (1, 1, width))
        y = ops.reshape(ops.arange(height, dtype="float32") - (height - 1) / 2, (1, height, 1))
        # From the output back to the input: undo the zoom, the shears, then the rotation.
        u, v = x / wide, y / high
        u, v = u + slant * v, v + shear * u
        cosine, sine = ops.cos(angle), ops.sin(angle)
        dx = cosine * u + sine * v - x + draw(limits["shift"])
        dy = cosine * v - sine * u - y + draw(limits["shift"])
        if elastic := limits["elastic"]:
            coarse = keras.random.normal((count, 5, 5, 2), seed=self.random)
            smooth = ops.image.resize(coarse, (height, width), data_format="channels_last")
            # Interpolation averages neighbours; 1.42 restores the root mean square asked for.
            field = 1.42 * elastic * smooth
            dx, dy = dx + field[..., 0], dy + field[..., 1]
        return dx, dy


class StrokeThickness(keras.layers.Layer):
    """Thinner and thicker pens: blend each picture with its erosion or its dilation.

    Args:
        seed: fixes what is drawn.
        amount: up to this share of a full 3×3 dilation (strokes about two pixels wider) or of
            0.6 of a full erosion, which would break MNIST's thinnest strokes.
    """

    def __init__(self, seed: int, amount: float) -> None:
        super().__init__(dtype="float32", name="stroke_thickness")
        self.amount, self.random = amount, keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Change (N, height, width, 1) in training; leave it alone otherwise."""
        if not training:
            return images
        shape = (ops.shape(images)[0], 1, 1, 1)
        blend = keras.random.uniform(shape, -self.amount, self.amount, seed=self.random)
        thick, thin = _dilate(images), -_dilate(-images)
        thicker = images + ops.maximum(blend, 0) * (thick - images)
        return thicker - 0.6 * ops.maximum(-blend, 0) * (thicker - thin)


def _dilate(images: Tensor) -> Tensor:
    """The largest of each pixel's 3×3 neighbours; a ninth of the time that max pooling takes."""
    rows = ops.pad(images, ((0, 0), (1, 1), (0, 0), (0, 0)))
    tall = ops.maximum(ops.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    columns = ops.pad(tall, ((0, 0), (0, 0), (1, 1), (0, 0)))
    return ops.maximum(ops.maximum(columns[:, :, :-2], columns[:, :, 1:-1]), columns[:, :, 2:])


def _resample(images: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
    """Bilinear look-up at each pixel's own place plus (dx, dy); beyond the edge there is no ink."""
    count, height, width, _ = ops.shape(images)
    # One pixel of empty border catches everything that looks outside.
    flat = ops.reshape(ops.pad(images[..., 0], ((0, 0), (1, 1), (1, 1))), (-1,))
    x = ops.arange(width, dtype="float32") + 1 + dx
    y = ops.reshape(ops.arange(height, dtype="float32"), (1, height, 1)) + 1 + dy
    x, y = ops.clip(x, 0, width + 0.999), ops.clip(y, 0, height + 0.999)
    left, top = ops.floor(x), ops.floor(y)
    right_share, lower_share = x - left, y - top
    picture = ops.reshape(ops.arange(count), (-1, 1, 1)) * ((height + 2) * (width + 2))
    index = picture + ops.cast(top * (width + 2) + left, "int32")

    def look_up(offset: int) -> Tensor:
        return ops.take(flat, index + offset)

    upper = look_up(0) * (1 - right_share) + look_up(1) * right_share
    lower = look_up(width + 2) * (1 - right_share) + look_up(width + 3) * right_share
    return ops.expand_dims(upper * (1 - lower_share) + lower * lower_share, -1)

"""Named networks: ``build(name, **options)`` gives a Keras model.

Every network takes pixels as they are, (N, 28, 28, 1) from 0 to 255 with the ink bright, scales
them itself, and answers with ten logits. So a saved model needs nothing beside it.
"""

import math
from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

import keras
from keras import layers

from digitlib.learning.backbones import backbone
from digitlib.learning.layers import (
    LocalResponseNormalization,
    MeanOfViews,
    ShiftedViews,
    Smoothing,
    Tensor,
)


def build(
    name: str,
    precision: str = "float32",
    seed: int = 0,
    test_time_augmentation: bool = False,
    **options: Any,
) -> keras.Model:
    """Build a network with freshly drawn weights.

    Args:
        name: one of ``ARCHITECTURES``.
        precision: Keras's dtype policy, ``float32`` or ``mixed_bfloat16``. The logits are float32
            either way.
        seed: fixes the weights (and every other global generator, as Keras does).
        test_time_augmentation: whether to answer with the mean of a picture's ``ShiftedViews``,
            for as many times the work; in training there is one view either way.
        options: arguments of the named network.

    Raises:
        ValueError: for a name, an option or a precision that does not exist.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"no network is called {name!r}; there are {', '.join(ARCHITECTURES)}")
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        images = keras.Input((28, 28, 1), name="pixels")
        x = layers.Rescaling(1 / 255)(images)
        x = ShiftedViews()(x) if test_time_augmentation else x
        try:
            features = ARCHITECTURES[name](x, **options)
        except TypeError as fault:
            raise ValueError(f"network {name!r}: {fault}") from None

        def vote(column: Tensor, label: str | None = None) -> Tensor:
            column = MeanOfViews()(column) if test_time_augmentation else column
            return layers.Dense(10, dtype="float32", name=label)(column)

        if isinstance(features, list):
            logits = layers.Average(dtype="float32", name="logits")([vote(x) for x in features])
        else:
            logits = vote(features, "logits")
        return keras.Model(images, logits, name=name)
    finally:
        keras.config.set_dtype_policy(before)


def columns(network: keras.Model) -> keras.Model:
    """The same network, answering with the logits of each of its columns: (N, columns, 10).

    Of a network without columns, itself: (N, 10).
    """
    vote = network.layers[-1]
    if not isinstance(vote, layers.Average):
        return network
    return keras.Model(network.inputs, keras.ops.stack(vote.input, axis=1))


def in_float32(
    model: keras.Model, name: str, test_time_augmentation: bool = False, **options: Any
) -> keras.Model:
    """The same network and weights in float32: the form that is saved and exported.

    It may have ``test_time_augmentation`` where the given one has none; see ``build``.

    A network trained under ``mixed_bfloat16`` exports to LiteRT but cannot run there.
    """
    if "weights" in signature(ARCHITECTURES[name]).parameters:
        options = options | {"weights": "none"}  # all of them are replaced
    plain = build(name, test_time_augmentation=test_time_augmentation, **options)
    plain.set_weights(model.get_weights())
    return plain


def multiply_adds(network: keras.Model, test_time_augmentation: bool = False) -> int:
    """How many multiply-adds one answer takes."""
    views = ShiftedViews.count if test_time_augmentation else 1
    return views * sum(row["multiply-adds"] for row in layer_table(network))


def layer_table(network: keras.Model) -> list[dict]:
    """A row per layer: layer, kind, output shape, parameters, multiply-adds for one picture."""
    rows = []
    for layer in network.layers:
        shape = layer.output.shape[1:]
        # A convolution's kernel is applied at every place, a dense layer's once.
        multiplies = isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense))
        kernel = layer.kernel.shape if multiplies else (0,)
        rows.append(
            {
                "layer": layer.name,
                "kind": type(layer).__name__,
                "output": " × ".join(map(str, shape)),
                "parameters": layer.count_params(),
                "multiply-adds": math.prod(kernel) * math.prod(shape[:-1]),
            }
        )
    return rows


def _baseline(x: Tensor) -> Tensor:
    """One convolution and one hidden layer (Brownlee 2019, "How to Develop a CNN for MNIST")."""
    x = layers.Conv2D(32, 3, activation="relu", kernel_initializer="he_uniform")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    return layers.Dense(100, activation="relu", kernel_initializer="he_uniform")(x)


def _three_block(x: Tensor, dropout: float = 0.5, dense_dropout: float = 0.3) -> Tensor:
    """Three convolutions, each followed by batch normalisation (Ioffe and Szegedy 2015)."""
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.BatchNormalization()(x)
        if filters < 128:
            x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    return layers.Dropout(dense_dropout)(x)


def _five_layer(x: Tensor) -> Tensor:
    """Two pairs of convolutions (Ghouzam 2017, "Introduction to CNN Keras", after LeNet-5)."""
    for filters, kernel in ((32, 5), (64, 3)):
        for _ in range(2):
            x = layers.Conv2D(filters, kernel, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(strides=2)(x)
        x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu")(x)
    return layers.Dropout(0.5)(x)


def _lrn(x: Tensor, dropout: float = 0.2) -> Tensor:
    """Two convolutions with local response normalisation (tflearn's MNIST example, 2016)."""
    options = {"padding": "same", "activation": "relu"}
    for filters in (32, 64):
        decay = keras.regularizers.L2(0.001)
        x = layers.Conv2D(filters, 3, kernel_regularizer=decay, **options)(x)
        x = layers.MaxPooling2D()(x)
        x = LocalResponseNormalization()(x)
    x = layers.Flatten()(x)
    for units in (128, 256):
        x = layers.Dense(units, activation="tanh")(x)
        x = layers.Dropout(dropout)(x)
    return x


def _convnet(
    x: Tensor, filters: int = 16, depth: int = 4, kernel: int = 3, dropout: float = 0.3
) -> Tensor:
    """A plain stack of convolutions, for searching: each has a batch normalisation.

    Args:
        filters: of the first convolution; they double with each until there are four times as many.
        depth: how many convolutions.
        kernel: height and width of what each looks at.
        dropout: share of the features left out in training.
    """
    for i in range(depth):
        x = layers.Conv2D(filters * min(2**i, 4), kernel, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        if i < 2 or i == depth - 1:
            x = layers.MaxPooling2D()(x)
    return layers.Dropout(dropout)(layers.Flatten()(x))


def _digitnet(
    x: Tensor, width: int = 16, dropout: float = 0.2, columns: int = 1, smoothing: float = 0.0
) -> Tensor | list[Tensor]:
    """This project's own: a large kernel where pictures are large, two pairs of small ones below.

    MNIST's frame has four empty pixels on each side: the first convolution goes without padding,
    which saves a quarter of the work. There is no batch normalisation: it takes a third of the
    time of a fit on a CPU, and more epochs buy as much.

    Args:
        width: channels of the first convolution; the pairs have two and four times as many.
        dropout: share of the features left out in training.
        columns: how many such networks look at the same picture. Each learns for itself, and
            their mean answers (multi-column networks, Ciregan, Meier and Schmidhuber 2012,
            arXiv:1202.2745).
        smoothing: ``Smoothing``'s share, for a network that learns under augmentation.
    """
    convolve = partial(layers.Conv2D, activation="relu", kernel_initializer="he_normal")

    def column(x: Tensor) -> Tensor:
        x = layers.MaxPooling2D()(convolve(width, 5)(x))
        for filters in (2 * width, 4 * width):
            for _ in range(2):
                x = convolve(filters, 3, padding="same")(x)
            x = layers.MaxPooling2D()(x)
        return layers.Dropout(dropout)(layers.Flatten()(x))

    if smoothing:
        x = Smoothing(smoothing)(x)
    return column(x) if columns == 1 else [column(x) for _ in range(columns)]


ARCHITECTURES: dict[str, Callable] = {
    "baseline": _baseline,
    "three_block": _three_block,
    "five_layer": _five_layer,
    "lrn": _lrn,
    "vgg16": partial(backbone, application="VGG16"),
    "vgg19": partial(backbone, application="VGG19"),
    "resnet50": partial(backbone, application="ResNet50"),
    "convnet": _convnet,
    "digitnet": _digitnet,
}

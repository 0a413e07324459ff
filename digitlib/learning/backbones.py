"""Networks trained on photographs (ImageNet), to begin one's own with: frozen, layers on top."""

import re
from collections.abc import Mapping, Sequence
from functools import partial

import keras
from keras import layers

from digitlib.artifacts import resolve
from digitlib.learning.layers import Tensor

#: What may be put on top, by Keras's names.
LAYERS = (
    "Activation",
    "Add",
    "Average",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "LayerNormalization",
    "ReLU",
)
TOP = ({"layer": "Flatten"}, {"layer": "Dense", "units": 1000, "activation": "relu"})
# Of blue, green and red, which these backbones were trained without (Caffe's order and means).
MEANS = (103.939, 116.779, 123.68)
BLOCK = re.compile(r"(block\d+|conv\d+)_")


def backbone(
    x: Tensor,
    application: str,
    side: int = 32,
    channels: int = 3,
    weights: str = "imagenet",
    top: Sequence[Mapping] = TOP,
) -> Tensor:
    """A frozen backbone and the layers on top of it.

    Args:
        x: pixels from 0 to 1, (N, 28, 28, 1).
        application: VGG16, VGG19 (Simonyan and Zisserman 2015, arXiv 1409.1556) or ResNet50 (He et
            al. 2016, arXiv 1512.03385).
        side: what the picture is enlarged to; 32 or more.
        channels: 3 repeats the one there is, which weights from ImageNet need; 1 leaves it.
        weights: ``imagenet`` (downloaded by Keras, once), a local file of such weights without
            their top, or ``none``: drawn afresh, and nothing is frozen.
        top: the layers before the last, in order: ``layer`` (one of ``LAYERS``), its arguments,
            and where it is not the one before, what it ``follows``: the ``name`` of another,
            several of them, or ``backbone``.

    Raises:
        ValueError: for weights that cannot be had, or a layer that does not exist.
    """
    if channels not in (1, 3) or (channels == 1 and weights != "none"):
        raise ValueError(f"channels is {channels}; weights of ImageNet need 3, without them 1 or 3")
    x = layers.Resizing(side, side)(x)
    if channels == 3:
        x = layers.Concatenate()([x, x, x])
    means = [mean / 255 for mean in MEANS[:channels]]
    x = layers.Normalization(mean=means, variance=[1 / 255**2] * channels)(x)
    build = partial(getattr(keras.applications, application), include_top=False, input_tensor=x)
    if weights == "none":
        network = build(weights=None)
    elif weights == "imagenet":
        try:
            network = build(weights=weights)
        except Exception as fault:  # Keras raises just that where it is offline
            raise ValueError(
                f"the ImageNet weights of {application} cannot be downloaded ({fault}): give a "
                "local file of them as `weights`, or `none` to train from scratch"
            ) from None
    elif (file := resolve(weights)).exists():
        network = build(weights=str(file))
    else:
        raise ValueError(f"weights: there is no file {file}")
    network.trainable = weights == "none"
    return _topped(network.output, top)


def _topped(x: Tensor, top: Sequence[Mapping]) -> Tensor:
    made = {"backbone": x}
    for number, described in enumerate(top):
        given = dict(described)
        kind, follows = given.pop("layer", None), given.pop("follows", None)
        if kind not in LAYERS:
            raise ValueError(f"top, layer {number}: {kind!r} is none of {', '.join(LAYERS)}")
        names = [follows] if isinstance(follows, str) else follows or []
        if unknown := [name for name in names if name not in made]:
            raise ValueError(f"top, layer {number}: it follows {unknown[0]!r}, which is not before")
        before = [made[name] for name in names] or [x]
        try:
            layer = getattr(layers, kind)(**given)
        except (TypeError, ValueError) as fault:
            raise ValueError(f"top, layer {number} ({kind}): {fault}") from None
        x = layer(before[0] if len(before) == 1 else before)
        made[given.get("name", f"layer {number}")] = x
    return x

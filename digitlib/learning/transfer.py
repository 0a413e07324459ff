"""Transfer learning: train a network whose first part was trained on photographs.

The backbone is frozen: its features stay what ImageNet made them, and only the layers on top learn.
Where pictures are not varied anew in every epoch, those features are the same in every epoch, and
are computed once (``without_repetition``). Afterwards its last blocks may learn too (``unfreeze``).
"""

import time
from dataclasses import replace
from pathlib import Path

import keras
from keras import layers

from digitlib.artifacts import kept_epoch
from digitlib.datasets import Dataset
from digitlib.learning.backbones import BLOCK
from digitlib.learning.recipe import Recipe, Row
from digitlib.learning.tasks import logits
from digitlib.learning.training import fit


def is_frozen(network: keras.Model) -> bool:
    """Whether it has a backbone of which nothing learns."""
    blocks = [layer for layer in network.layers if BLOCK.match(layer.name)]
    return bool(blocks) and not any(layer.trainable_weights for layer in blocks)


def without_repetition(
    network: keras.Model,
    recipe: Recipe,
    augmentation: keras.Model | None,
    train: Dataset,
    validation: Dataset,
) -> tuple[keras.Model, Dataset, Dataset]:
    """What to fit in place of network and data, so that nothing is computed twice.

    Args:
        network, recipe, augmentation, train, validation: as for ``training.fit``.

    Returns:
        For a frozen backbone whose pictures never change: a network that shares the layers on top
        and takes features, and two data sets whose ``images`` are float32 features. Else what was
        given.
    """
    drawn = recipe.synthetic_share + recipe.nondigit_share
    if not is_frozen(network) or augmentation is not None or drawn:
        return network, train, validation
    last = [layer for layer in network.layers if BLOCK.match(layer.name)][-1].output
    extract, above = keras.Model(network.inputs, last), keras.Model(last, network.output)
    features = keras.Input((*last.shape[1:], 1))  # a fit adds a channel to its pictures
    head = keras.Model(features, above(layers.Reshape(last.shape[1:])(features)), name=network.name)
    start = time.perf_counter()
    seen = [replace(data, images=logits(extract, data.images)) for data in (train, validation)]
    took = time.perf_counter() - start
    print(
        f"The frozen backbone looked at every picture once, in {took:.0f} s; "
        f"in each of {recipe.epochs} epochs it would have been {took * recipe.epochs:.0f} s."
    )
    return head, *seen


def fine_tune(
    network: keras.Model,
    train: Dataset,
    validation: Dataset,
    recipe: Recipe,
    augmentation: keras.Model | None,
    checkpoint_dir: str | Path,
    history: list[Row],
) -> list[Row]:
    """A second fit after ``unfreeze``; the network ends as the better of both.

    Args:
        network, train, validation, recipe, augmentation, checkpoint_dir: as for ``training.fit``.
        history: of the first fit.

    Returns:
        The history of both, the epochs numbered on.
    """
    before = network.get_weights()
    second = fit(network, train, validation, recipe, augmentation, checkpoint_dir)
    both = history + [row | {"epoch": row["epoch"] + len(history)} for row in second]
    if kept_epoch(both) < len(history):
        network.set_weights(before)
    return both


def unfreeze(network: keras.Model, blocks: int) -> list[str]:
    """Let the last ``blocks`` blocks of the backbone learn; their layers' names.

    Batch normalisation stays as it is: its averages are of ImageNet, and a few epochs would not
    replace them (Keras's guide to transfer learning).
    """
    block_of = {layer: m[1] for layer in network.layers if (m := BLOCK.match(layer.name))}
    last = list(dict.fromkeys(block_of.values()))[-blocks:] if blocks else []
    freed = [
        layer
        for layer, block in block_of.items()
        if block in last and not isinstance(layer, layers.BatchNormalization)
    ]
    for layer in freed:
        layer.trainable = True
    return [layer.name for layer in freed if layer.weights]

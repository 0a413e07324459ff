"""Mark what is written, printed and ruled on simulated sheets: what the sheet network learns."""

from functools import partial

import keras
import numpy as np

from digitlib.datasets import Dataset
from digitlib.learning.layers import Tensor
from digitlib.learning.tasks import DrawnTask
from digitlib.synthetic.sheet_crops import Crop, draw_crops

CHUNK = 64  # crops that are drawn in one go
ENTROPY = 2.0  # weight of the first part of the loss
SMOOTH = 20.0  # pixels; keeps the second part steady where nothing is to be marked


def marking_loss(answers: Tensor, said: Tensor) -> Tensor:
    """How wrongly crops are marked: (N,).

    Cross-entropy of every pixel, in nats, and the soft Dice loss of every map (Milletari, Navab and
    Ahmadi 2016, arXiv:1606.04797), which counts thin rules and thick strokes alike. `answers` uint8
    and `said`, logits, are (N, 128, 128, 3).
    """
    ops = keras.ops
    wanted, said = ops.cast(answers, "float32") / 255, ops.cast(said, "float32")
    entropy = ops.maximum(said, 0.0) - said * wanted + ops.log1p(ops.exp(-ops.abs(said)))
    marked = ops.sigmoid(said)
    shared = 2 * ops.sum(marked * wanted, axis=(1, 2)) + SMOOTH
    dice = 1 - shared / (ops.sum(marked**2 + wanted**2, axis=(1, 2)) + SMOOTH)
    return ops.mean(ENTROPY * ops.mean(entropy, axis=(1, 2)) + dice, axis=-1)


class SheetTask(DrawnTask):
    """Mark crops of simulated sheets. Use it in a ``with`` statement, which ends its processes.

    Args:
        train, validation: the digits that are written on sheets to learn from and to judge by.
        crops: how many an epoch has.
        judging: how many judge each epoch.
        epochs: how many epochs there are.
        seed: fixes all crops.
        processes: how many draw; one a core by default.
    """

    loss = staticmethod(marking_loss)

    def __init__(
        self,
        train: Dataset,
        validation: Dataset,
        crops: int,
        judging: int,
        epochs: int,
        seed: int,
        processes: int | None = None,
    ):
        self.identity = {
            "sha256": [train.sha256, validation.sha256],
            "crops": crops,
            "validation": judging,
            "seed": seed,
        }
        draw = partial(draw_crops, train.images, train.known_labels())
        super().__init__(draw, crops, epochs, seed, CHUNK, processes)
        judges = validation.images, validation.known_labels()
        self._validation = _stacked(draw_crops(*judges, judging, [seed, 1 << 20, 1]))

    def pictures(self, epoch: int, difficulty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Crops uint8 (N, 256, 256, 1), and their maps uint8 (N, 128, 128, 3)."""
        return _stacked(self.drawn(epoch))

    def judge(self, network: keras.Model) -> tuple[np.ndarray, np.ndarray]:
        """The loss of each validation crop, and how much of it is marked correctly, 0 to 1."""
        losses, right = [], []
        images, answers = self._validation
        for i in range(0, len(images), 64):
            said = network.predict_on_batch(images[i : i + 64])
            of = answers[i : i + 64]
            losses.append(keras.ops.convert_to_numpy(marking_loss(of, said)))
            right.append(keras.ops.convert_to_numpy(self.is_right(of, said)))
        return np.concatenate(losses), np.concatenate(right)

    @staticmethod
    def is_right(answers: Tensor, said: Tensor) -> Tensor:
        """The share of what is or should be marked that is both, 0 to 1: (N,).

        It is the mean over those maps (intersection over union) in which there is something.
        """
        ops = keras.ops
        wanted, marked = ops.cast(answers, "float32") > 127, said > 0
        both = ops.sum(ops.cast(ops.logical_and(wanted, marked), "float32"), axis=(1, 2))
        either = ops.sum(ops.cast(ops.logical_or(wanted, marked), "float32"), axis=(1, 2))
        there = ops.cast(either > 0, "float32")
        share = ops.sum(both / ops.maximum(either, 1.0), axis=-1)
        return (share + 1e-6) / (ops.sum(there, axis=-1) + 1e-6)


def _stacked(crops: list[Crop]) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([one.grey for one in crops])[..., None], np.stack([one.maps for one in crops])

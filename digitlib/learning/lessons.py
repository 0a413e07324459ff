"""What a network is shown in an epoch: pictures, and the answers it should give.

Real digits, new drawn ones, and pictures of no digit, with their labels; or, with teachers, the
same pictures already varied, and what finished networks answered to them.
"""

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from scipy.special import softmax

from digitlib.artifacts import load_card, resolve, writing
from digitlib.datasets import Dataset
from digitlib.learning.augmentation import reseed
from digitlib.learning.checkpoints import code_digest
from digitlib.learning.nondigits import draw_nondigits
from digitlib.learning.recipe import Recipe
from digitlib.learning.strokes import draw_digits
from digitlib.reading.network import Network, serving_file

BATCH = 1024  # pictures varied at once
FOLDER = "outputs/lessons"


def pictures(train: Dataset, recipe: Recipe, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures, uint8 (N, 28, 28, 1), and answers, (N, 10) shares, of one epoch, in its order."""
    random = np.random.default_rng([recipe.seed, epoch])
    images, answers = [train.images], [keras.utils.to_categorical(train.labels, 10)]
    digits, nondigits = recipe.extra(len(train))
    if digits:
        labels = random.integers(0, 10, digits).astype(train.labels.dtype)
        images.append(draw_digits(labels, random))
        answers.append(keras.utils.to_categorical(labels, 10))
    if nondigits:
        images.append(draw_nondigits(nondigits, train.images, train.labels, random))
        answers.append(np.full((nondigits, 10), 0.1, answers[0].dtype))
    order = random.permutation(sum(map(len, images)))
    return np.concatenate(images)[order, ..., None], np.concatenate(answers)[order]


class Lessons:
    """Every epoch's pictures, varied once, with the answers of teachers to just these pictures.

    A student learns a mixture of the label and the teachers' probabilities (Hinton, Vinyals
    and Dean 2015, arXiv:1503.02531; that both see the very same variation: Beyer et al. 2022,
    arXiv:2106.05237). The lessons lie on disk, one file an epoch, and every seed learns from the
    same ones, in an order of its own: the teachers answer once for all of them.

    Args:
        train: the real digits.
        recipe: how many pictures of which kind an epoch has; its seed does not count.
        augmentation: varies them; see ``augmentation.build``.
        teachers: folders of finished models, each with its share of an answer; what is left to 1
            is the label's.
        folder: where the lessons are kept.

    Raises:
        ValueError: for no teachers, a share of 0, or more than 1 in all.
        ArtifactError: for a folder without a model.
    """

    def __init__(
        self,
        train: Dataset,
        recipe: Recipe,
        augmentation: keras.Model | None,
        teachers: Mapping[str | Path, float],
        folder: str | Path = FOLDER,
    ):
        self.shares = list(teachers.values())
        if not teachers or min(self.shares) <= 0 or sum(self.shares) > 1 + 1e-6:
            raise ValueError(
                f"teachers have shares of {self.shares}: above 0, and at most 1 in all"
            )
        self.train, self.recipe = train, replace(recipe, seed=0)
        self.augmentation = augmentation
        files = [serving_file(teacher) for teacher in teachers]
        identity = {
            "teachers": [hashlib.sha256(file.read_bytes()).hexdigest() for file in files],
            "shares": self.shares,
            "train": train.sha256,
            "augmentation": [
                {name: value for name, value in layer.get_config().items() if name != "seed"}
                for layer in (augmentation.layers if augmentation else ())
            ],
            "extra": recipe.extra(len(train)),
            "code": code_digest(),
        }
        digest = hashlib.sha256(json.dumps(identity, default=str).encode()).hexdigest()
        self.folder = resolve(folder) / digest[:12]
        self.networks = [Network(file) for file in files]

    def prepare(self) -> None:
        """Make the lessons that are not there yet; runs that do so at the same time share it."""
        waiting = [e for e in range(self.recipe.epochs) if not self._file(e).exists()]
        for wait in (False, True):
            for epoch in waiting:
                with _only_one(self._file(epoch).with_suffix(".lock"), wait) as mine:
                    if mine and not self._file(epoch).exists():
                        self._make(epoch)
                        print(f"lesson {epoch + 1:3d}/{self.recipe.epochs} made", flush=True)

    def read(self, epoch: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Pictures, uint8 (N, 28, 28, 1), and answers, (N, 10), of an epoch in ``seed``'s order."""
        with np.load(self._file(epoch)) as lesson:
            order = np.random.default_rng([seed, epoch]).permutation(len(lesson["answers"]))
            return lesson["images"][order], lesson["answers"][order].astype(np.float32)

    def _file(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch + 1:04d}.npz"

    def _make(self, epoch: int) -> None:
        images, answers = pictures(self.train, self.recipe, epoch)
        if self.augmentation:
            reseed(self.augmentation, self.recipe.seed, epoch)
            for start in range(0, len(images), BATCH):
                batch = images[start : start + BATCH].astype(np.float32)
                varied = keras.ops.convert_to_numpy(self.augmentation(batch, training=True))
                images[start : start + BATCH] = np.clip(np.rint(varied), 0, 255)
        mixed = (1 - sum(self.shares)) * answers
        for network, share in zip(self.networks, self.shares, strict=True):
            mixed = mixed + share * softmax(network.logits(images[..., 0]), axis=1)
        with writing(self._file(epoch)) as unfinished:
            np.savez_compressed(unfinished, images=images, answers=mixed.astype(np.float16))


def check_teachers(teachers: Iterable[str | Path], **split: object) -> None:
    """Make sure that teachers have not learnt from what their student is chosen on.

    Args:
        teachers: folders of finished models.
        split: sha256 and validation, as the student's card will have them.

    Raises:
        ValueError: naming the first teacher of another data set or split.
    """
    for folder in teachers:
        card = load_card(folder)
        if any(card.get(name) != value for name, value in split.items()):
            raise ValueError(
                f"{folder} is of another data set or validation: it may have learnt from "
                "the digits that its student is chosen on; train it with the same"
            )


@contextlib.contextmanager
def _only_one(path: Path, wait: bool) -> Iterator[bool]:
    """Whether this process holds ``path``; given back at the end, also when the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True

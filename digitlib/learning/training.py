"""Fit a network: recipe, schedule, checkpoints, and going on where a killed run stopped.

Training goes epoch by epoch. After each one everything that the rest depends on (weights,
optimizer, best weights, history) is put on disk as one folder, and all randomness of an epoch
comes from the recipe's seed and the epoch's number. So a run that was killed and started again
ends with the weights it would have had.
"""

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from digitlib.artifacts import resolve
from digitlib.datasets import Dataset
from digitlib.learning.augmentation import set_strength
from digitlib.learning.nondigits import draw_nondigits
from digitlib.learning.strokes import draw_digits

Row = dict[str, float]


@dataclass(frozen=True)
class Recipe:
    """How a network is fitted.

    Attributes:
        epochs: at most this many.
        batch_size: pictures a step.
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        learning_rate: its highest value.
        momentum: of ``sgd``.
        weight_decay: of ``adamw``.
        schedule: ``constant``; ``cosine`` falls to zero over the epochs (Loshchilov and Hutter
            2017); ``plateau`` multiplies by ``plateau_factor`` whenever the validation accuracy
            has not risen for ``plateau_patience`` epochs.
        warmup_epochs: the rate rises linearly from zero over these (``cosine`` only).
        early_stopping: stop after this many epochs without a better validation accuracy; 0 never.
        target_accuracy: stop when validation accuracy reaches this share; 0 never.
        label_smoothing: share of the label spread over all classes (Szegedy et al. 2016).
        synthetic_share: digits drawn by the stroke generator (``strokes.draw_digits``), as a share
            of the real ones; new ones every epoch.
        nondigit_share: pictures of no digit (``nondigits.draw_nondigits``), as a share of the real
            ones, new every epoch; their answer is that every digit is as likely.
        calm_epochs: in this many last epochs digits are varied half as much, and half as many are
            drawn: what was learnt from strange ones is kept, the last touch comes from real ones.
        seed: fixes order, dropout, augmentation and drawn digits.
    """

    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup_epochs: float = 0.0
    plateau_factor: float = 0.5
    plateau_patience: int = 5
    early_stopping: int = 0
    target_accuracy: float = 0.0
    label_smoothing: float = 0.0
    synthetic_share: float = 0.0
    nondigit_share: float = 0.0
    calm_epochs: int = 0
    seed: int = 0

    def __post_init__(self):
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; use {', '.join(known)}")
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError("epochs and batch_size must be 1 or more")


OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("constant", "cosine", "plateau")


def choose_precision(wanted: str = "auto") -> str:
    """The dtype policy for training here; ``auto`` is bfloat16 only where the machine gains.

    That is on a GPU, and on processors that multiply bfloat16 in hardware; elsewhere it is
    emulated and slower.
    """
    if wanted not in ("auto", "float32", "mixed_bfloat16"):
        raise ValueError(f"precision is {wanted!r}; use auto, float32 or mixed_bfloat16")
    if wanted != "auto":
        return wanted
    if any("cpu" not in device for device in keras.distribution.list_devices()):
        return "mixed_bfloat16"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    return "mixed_bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32"


def fit(
    network: keras.Model,
    train: Dataset,
    validation: Dataset,
    recipe: Recipe,
    augmentation: keras.Model | None = None,
    checkpoint_dir: str | Path | None = None,
    report: Callable[[Row, Recipe], None] | None = None,
) -> list[Row]:
    """Fit ``network`` in place; it ends with the weights of its best validation epoch.

    Args:
        network: takes (N, 28, 28, 1) pixels from 0 to 255, gives (N, 10) logits.
        train, validation: chosen on the one, judged on the other.
        recipe: how.
        augmentation: varies the training pictures; see ``augmentation.build``.
        checkpoint_dir: where the state after each epoch is kept; an unfinished run with the same
            network, data and recipe found there is gone on with.
        report: called with each epoch's row; ``print_epoch`` by default.

    Returns:
        The history, a row per epoch: epoch, seconds, loss, accuracy, val_loss, val_accuracy,
        learning_rate. Losses are cross-entropies in nats, accuracies shares.
    """
    report = report or print_epoch
    held = (validation.images[..., None], keras.utils.to_categorical(validation.labels, 10))
    steps = [
        math.ceil((len(train) + sum(_extra(recipe, train, epoch))) / recipe.batch_size)
        for epoch in range(recipe.epochs)
    ]
    learner = _Learner(network, augmentation)
    learner.compile(
        _optimizer(recipe, sum(steps), steps[0]),
        keras.losses.CategoricalCrossentropy(True, label_smoothing=recipe.label_smoothing),
        metrics=[keras.metrics.MeanMetricWrapper(_read_rightly, name="accuracy")],
        # XLA slows TensorFlow's CPU kernels down; JAX cannot do without it.
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    learner.build(held[0][:1].shape)
    learner.optimizer.build(learner.trainable_variables)
    state = _Checkpoints(checkpoint_dir, learner, train, recipe)
    history = state.restore()
    for epoch in range(len(history), recipe.epochs):
        if should_stop(history, recipe):
            break
        start = time.perf_counter()
        images, labels = _epoch_data(train, recipe, epoch)
        _reseed(learner, recipe.seed, epoch)
        set_strength(augmentation, _strength(recipe, epoch))
        if recipe.schedule == "plateau":
            learner.optimizer.learning_rate = plateau_rate(history, recipe)
        logs = learner.fit(
            images,
            labels,
            batch_size=recipe.batch_size,
            shuffle=False,
            validation_data=held,
            validation_batch_size=512,
            verbose=0,
        ).history
        row = {"epoch": epoch + 1, "seconds": time.perf_counter() - start}
        row |= {name: float(values[-1]) for name, values in logs.items()}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(learner.optimizer.learning_rate))
        history.append(row)
        state.save(history)
        report(row, recipe)
    state.restore_best(history)
    return history


def step_seconds(
    network: keras.Model, augmentation: keras.Model | None, images: np.ndarray, repeats: int = 20
) -> float:
    """Median time of one training step on ``images``, uint8 (N, 28, 28), in seconds.

    The network is changed by it. The first steps, which compile, do not count.
    """
    learner = _Learner(network, augmentation)
    learner.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    pixels, labels = images[..., None], np.zeros(len(images), np.uint8)
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        learner.train_on_batch(pixels, labels)
        times.append(time.perf_counter() - start)
    return float(np.median(times[3:]))


def _read_rightly(answers, logits):
    """1 or 0 for each picture: a digit is read rightly, of what is no digit the network is unsure.

    ``answers`` are (N, 10) shares that sum to one, ``logits`` (N, 10).
    """
    right = keras.ops.equal(keras.ops.argmax(answers, -1), keras.ops.argmax(logits, -1))
    unsure = keras.ops.max(keras.ops.softmax(logits), -1) < 0.5
    is_digit = keras.ops.max(answers, -1) > 0.5
    return keras.ops.cast(keras.ops.where(is_digit, right, unsure), "float32")


def _strength(recipe: Recipe, epoch: int) -> float:
    """How much of the variation an epoch (counted from 0) has."""
    return 0.5 if epoch >= recipe.epochs - recipe.calm_epochs else 1.0


def _extra(recipe: Recipe, train: Dataset, epoch: int) -> tuple[int, int]:
    """How many digits are drawn for an epoch, and how many pictures of no digit."""
    digits = _strength(recipe, epoch) * recipe.synthetic_share * len(train)
    return round(digits), round(recipe.nondigit_share * len(train))


def _epoch_data(train: Dataset, recipe: Recipe, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 28, 28, 1) and answers (N, 10) of one epoch, in its own order."""
    random = np.random.default_rng([recipe.seed, epoch])
    images, answers = [train.images], [keras.utils.to_categorical(train.labels, 10)]
    digits, nondigits = _extra(recipe, train, epoch)
    if digits:
        labels = random.integers(0, 10, digits).astype(train.labels.dtype)
        images.append(draw_digits(labels, random))
        answers.append(keras.utils.to_categorical(labels, 10))
    if nondigits:
        images.append(draw_nondigits(nondigits, train.images, train.labels, random))
        answers.append(np.full((nondigits, 10), 0.1, answers[0].dtype))
    order = random.permutation(sum(map(len, images)))
    return np.concatenate(images)[order, ..., None], np.concatenate(answers)[order]


def best_epoch(history: Sequence[Row]) -> int:
    """Index of the row with the highest validation accuracy; of equals, the lowest loss."""
    return max(
        range(len(history)), key=lambda i: (history[i]["val_accuracy"], -history[i]["val_loss"])
    )


def should_stop(history: Sequence[Row], recipe: Recipe) -> bool:
    """Whether early stopping or the target accuracy ends the fit here."""
    if not history:
        return False
    if recipe.target_accuracy and history[-1]["val_accuracy"] >= recipe.target_accuracy:
        return True
    since_best = len(history) - 1 - best_epoch(history)
    return 0 < recipe.early_stopping <= since_best


def plateau_rate(history: Sequence[Row], recipe: Recipe) -> float:
    """The learning rate after ``history``: reduced at each plateau of validation accuracy."""
    rate, best, waited = recipe.learning_rate, -math.inf, 0
    for row in history:
        waited = 0 if row["val_accuracy"] > best else waited + 1
        best = max(best, row["val_accuracy"])
        if waited == recipe.plateau_patience:
            rate, waited = rate * recipe.plateau_factor, 0
    return rate


def print_epoch(row: Row, recipe: Recipe) -> None:
    """One line per epoch, of the same width, that reads well in a notebook and a terminal."""
    done = round(20 * row["epoch"] / recipe.epochs)
    print(
        f"epoch {row['epoch']:3.0f}/{recipe.epochs:<3d} {'━' * done}{'╌' * (20 - done)} "
        f"loss {row['loss']:.4f}  accuracy {row['accuracy']:7.2%}  "
        f"validation {row['val_accuracy']:7.2%}  {row['seconds']:.1f} s",
        flush=True,
    )


class _Learner(keras.Model):
    """The network behind its augmentation: what is fitted, never what is saved."""

    def __init__(self, network: keras.Model, augmentation: keras.Model | None):
        super().__init__(name="learner")
        self.network, self.augmentation = network, augmentation

    def build(self, input_shape):
        self.built = True

    def call(self, images, training=False):
        images = keras.ops.cast(images, "float32")
        if training and self.augmentation is not None:
            images = self.augmentation(images, training=True)
        return self.network(images, training=training)


class _Checkpoints:
    """The state after the last epoch, as a folder that is whole or not there.

    ``epoch-0007/`` holds state.json (identity and history), last.weights.h5 (network, optimizer)
    and best.weights.h5 (network). It is written under another name and then renamed.
    """

    def __init__(
        self, folder: str | Path | None, learner: _Learner, train: Dataset, recipe: Recipe
    ):
        self.folder = resolve(folder) if folder else None
        self.learner = learner
        self.best = None
        # A run that differs in any of these does not go on from this one's state.
        varied = learner.augmentation.layers if learner.augmentation else []
        self.identity = {
            "recipe": asdict(recipe),
            "weights": [[w.path.split("/", 1)[-1], *w.shape] for w in learner.network.weights],
            "augmentation": [str(layer.get_config()) for layer in varied],
            "sha256": train.sha256,
        }

    def save(self, history: list[Row]) -> None:
        epoch = len(history)
        improved = best_epoch(history) == epoch - 1
        if improved:
            self.best = self.learner.network.get_weights()
        if self.folder is None:
            return
        final = self.folder / f"epoch-{epoch:04d}"
        unfinished = self.folder / f".{final.name}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        self.learner.save_weights(unfinished / "last.weights.h5")
        if improved:
            self.learner.network.save_weights(unfinished / "best.weights.h5")
        else:
            previous = self.folder / f"epoch-{epoch - 1:04d}"
            shutil.copy(previous / "best.weights.h5", unfinished / "best.weights.h5")
        state = self.identity | {"history": history}
        (unfinished / "state.json").write_text(json.dumps(state))
        os.replace(unfinished, final)
        for older in self.folder.glob("epoch-*"):
            if older != final:
                shutil.rmtree(older)

    def restore(self) -> list[Row]:
        found = sorted(self.folder.glob("epoch-*")) if self.folder else []
        if not found:
            return []
        state = json.loads((found[-1] / "state.json").read_text())
        history = state.pop("history")
        # Through JSON, so that tuples and lists compare alike.
        if state != json.loads(json.dumps(self.identity)):
            print("The checkpoint here is of another recipe, network or data set: starting anew.")
            for older in found:
                shutil.rmtree(older)
            return []
        self.learner.network.load_weights(found[-1] / "best.weights.h5")
        self.best = self.learner.network.get_weights()
        self.learner.load_weights(found[-1] / "last.weights.h5")
        print(f"Going on after epoch {len(history)}, from the checkpoint of an unfinished run.")
        return history

    def restore_best(self, history: list[Row]) -> None:
        if self.best is not None:
            self.learner.network.set_weights(self.best)


def _optimizer(recipe: Recipe, steps: int, first: int) -> keras.optimizers.Optimizer:
    """For ``steps`` in all, of which the first epoch has ``first``."""
    rate = recipe.learning_rate
    if recipe.schedule == "cosine":
        warmup = round(recipe.warmup_epochs * first)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else rate,
            decay_steps=max(1, steps - warmup),
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=recipe.momentum)
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    return keras.optimizers.Adam(rate)


def _reseed(layer: keras.Layer, seed: int, epoch: int) -> None:
    """Set every random generator below ``layer`` to what (seed, epoch) says."""
    generators = [
        value
        for part in layer._flatten_layers()
        for value in vars(part).values()
        if isinstance(value, keras.random.SeedGenerator)
    ]
    for i, generator in enumerate(dict.fromkeys(generators)):
        state = np.random.SeedSequence([seed, epoch, i]).generate_state(2)
        generator.state.assign(state.astype(generator.state.dtype))

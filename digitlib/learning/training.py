"""Fit a network: recipe, schedule, checkpoints, and going on where a killed run stopped.

Training goes epoch by epoch. After each one everything that the rest depends on (weights,
optimizer, best weights, history) is put on disk as one folder, and all randomness of an epoch
comes from the recipe's seed and the epoch's number. So a run that was killed and started again
ends with the weights it would have had.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path

import keras
import numpy as np
from scipy.special import log_softmax

from digitlib.datasets import Dataset
from digitlib.learning import architectures
from digitlib.learning import augmentation as augmenting
from digitlib.learning.augmentation import reseed
from digitlib.learning.checkpoints import Checkpoints, code_digest
from digitlib.learning.lessons import Lessons, pictures
from digitlib.learning.recipe import Recipe, Row, plateau_rate, should_stop

HARDEST = 0.6  # of the digits that an epoch under a ``hard_share`` has; the others are drawn
APART = 20  # steps, between the weights that go into an average
REJUDGE = 5  # epochs, after which it is found out again which digits are hard


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
    lessons: Lessons | None = None,
    keep_best: bool = True,
) -> list[Row]:
    """Fit ``network`` in place; it ends with the weights of ``artifacts.kept_epoch``.

    Args:
        network: takes (N, 28, 28, 1) pixels from 0 to 255, gives (N, 10) logits.
        train, validation: chosen on the one, judged on the other.
        recipe: how.
        augmentation: varies the training pictures; see ``augmentation.build``.
        checkpoint_dir: where the state after each epoch is kept; an unfinished run with the same
            network, data and recipe found there is gone on with.
        report: called with each epoch's row; ``print_epoch`` by default.
        lessons: prepared pictures and answers, learnt from in place of ``train``'s labels; they
            are varied already.
        keep_best: False ends with the weights of the last epoch.

    Returns:
        The history, a row per epoch: epoch, seconds, loss, accuracy, val_loss, val_accuracy,
        learning_rate, averaged. Losses are cross-entropies in nats, accuracies shares; averaged
        is of how many weights the judged ones are the mean, 0 for none.

    Raises:
        ValueError: for lessons under a recipe with a ``hard_share``.
    """
    if lessons and recipe.hard_share < 1:
        raise ValueError("teachers answer to all digits: leave out hard_share, or the teachers")
    report = report or print_epoch
    real = [recipe.real(len(train), epoch) for epoch in range(recipe.epochs)]
    steps = [math.ceil((n + sum(recipe.extra(n))) / recipe.batch_size) for n in real]
    average = keras.models.clone_model(network) if recipe.averaged_epochs else None
    learner = _Learner(network, None if lessons else augmentation, len(train), average)
    learner.compile(
        _optimizer(recipe, sum(steps[: recipe.epochs - recipe.averaged_epochs]), steps[0]),
        keras.losses.CategoricalCrossentropy(True, label_smoothing=recipe.label_smoothing),
        metrics=[keras.metrics.MeanMetricWrapper(_read_rightly, name="accuracy")],
        # XLA slows TensorFlow's CPU kernels down; JAX cannot do without it.
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    learner.build((None, *validation.images.shape[1:], 1))
    learner.optimizer.build(learner.trainable_variables)
    state = Checkpoints(checkpoint_dir, learner, _identity(learner, train, recipe, lessons))
    history = state.restore()
    for epoch in range(len(history), recipe.epochs):
        if should_stop(history, recipe):
            break
        start = time.perf_counter()
        if lessons:
            images, labels = lessons.read(epoch, recipe.seed)
        else:
            if epoch % REJUDGE == 1 and real[epoch] < len(train):
                learner.difficulty.assign(_judge(network, train)[0])
            chosen = _chosen(train, learner.difficulty, real[epoch], [recipe.seed, epoch])
            images, labels = pictures(chosen, recipe, epoch)
        reseed(learner, recipe.seed, epoch)
        if recipe.schedule == "plateau":
            learner.optimizer.learning_rate = plateau_rate(history, recipe)
        logs = _learn(learner, images, labels, recipe.batch_size, recipe.averages(epoch))
        losses, right = _judge(learner.judged, validation)
        row = {"epoch": epoch + 1, "seconds": time.perf_counter() - start} | logs
        row |= {"val_loss": float(losses.mean()), "val_accuracy": float(right.mean())}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(learner.optimizer.learning_rate))
        row["averaged"] = float(learner.averaged)
        history.append(row)
        state.save(history)
        report(row, recipe)
    if keep_best:
        state.restore_best()
    else:
        network.set_weights(learner.judged.get_weights())
    return history


def _learn(
    learner: "_Learner", images: np.ndarray, labels: np.ndarray, size: int, averages: bool
) -> Row:
    """One epoch in batches of ``size``; the mean over all pictures of loss and accuracy.

    Keras's own ``fit`` reads through tf.data, which holds the end of an epoch back until a thread
    that tunes it wakes: 10.24, 20.48, 40.96 … seconds after its begin (TensorFlow 2.21).
    """
    totals: Row = defaultdict(float)
    for number, start in enumerate(range(0, len(images), size)):
        batch = slice(start, start + size)
        said = learner.step(images[batch], labels[batch])
        for name, value in said.items():
            totals[name] += float(value) * len(images[batch]) / len(images)
        if averages and number % APART == 0:
            learner.add_to_average()
    if averages:
        learner.settle_average(images)
    return dict(totals)


def _judge(network: keras.Model, digits: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Of each digit its cross-entropy in nats, and whether it is read rightly; both (N,)."""
    said = log_softmax(logits(network, digits.images), axis=1)
    return -said[np.arange(len(digits)), digits.labels], said.argmax(axis=1) == digits.labels


def _chosen(train: Dataset, difficulty: keras.Variable, count: int, seed: list[int]) -> Dataset:
    """The hardest digits, and enough of the others, drawn anew, to be ``count``."""
    if count == len(train):
        return train
    order = np.argsort(-keras.ops.convert_to_numpy(difficulty), kind="stable")
    hardest, others = np.split(order, [round(HARDEST * count)])
    drawn = np.random.default_rng(seed).choice(others, count - len(hardest), replace=False)
    return train.take(np.concatenate([hardest, drawn]))


def logits(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """What ``network`` makes of uint8 (N, 28, 28): float32 (N, 10), or its features (N, …)."""
    pixels = images[..., None]
    chunks = [network.predict_on_batch(pixels[i : i + 256]) for i in range(0, len(pixels), 256)]
    return np.concatenate(chunks) if chunks else np.empty((0, 10), np.float32)


def fit_settings(
    settings: Mapping,
    train: Dataset,
    validation: Dataset,
    checkpoint_dir: str | Path | None = None,
    report: Callable[[Row, Recipe], None] | None = None,
) -> tuple[keras.Model, list[Row]]:
    """Build and fit what the parameters of notebook 03 say, data and teachers apart.

    Args:
        settings: its parameters by name; those of ``Recipe``, and seed, architecture,
            architecture_options, augmentation, precision. Any may be left out, others are ignored.
        train, validation, checkpoint_dir, report: as for ``fit``.

    Returns:
        The fitted network and its history.

    Raises:
        ValueError: for settings that no network or recipe has.
    """
    names = {field.name for field in fields(Recipe)}
    recipe = Recipe(**{name: value for name, value in settings.items() if name in names})
    network = architectures.build(
        settings.get("architecture", "digitnet"),
        choose_precision(settings.get("precision", "auto")),
        recipe.seed,
        **settings.get("architecture_options", {}),
    )
    vary = augmenting.build(recipe.seed, **settings.get("augmentation", {}))
    return network, fit(network, train, validation, recipe, vary, checkpoint_dir, report)


def step_seconds(
    network: keras.Model, augmentation: keras.Model | None, images: np.ndarray, repeats: int = 20
) -> float:
    """Median time of one training step on ``images``, uint8 (N, 28, 28), in seconds.

    The network is changed by it. The first steps, which compile, do not count.
    """
    learner = _Learner(network, augmentation)
    learner.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    pixels, labels = images[..., None], keras.utils.to_categorical(np.zeros(len(images)), 10)
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        learner.step(pixels, labels)
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
    """The network behind its augmentation: what is fitted, never what is saved.

    Where a network has columns, each of them learns for itself. It knows how hard each of ``n``
    digits was when last asked, and the mean of the ``network``'s weights at some steps, as the
    network ``average``; checkpoints keep both.
    """

    def __init__(
        self,
        network: keras.Model,
        augmentation: keras.Model | None,
        n: int = 0,
        average: keras.Model | None = None,
    ):
        super().__init__(name="learner")
        self.network, self.augmentation, self.average = network, augmentation, average
        self.columns = architectures.columns(network)
        self.difficulty = self.add_weight((n,), "zeros", trainable=False, name="difficulty")
        self.averaged = self.add_weight((), "zeros", trainable=False, name="averaged")
        if average is not None:
            average.trainable = False

    @property
    def judged(self) -> keras.Model:
        """The network as it would be used now."""
        return self.average if float(self.averaged) else self.network

    def step(self, images: np.ndarray, answers: np.ndarray) -> Row:
        """Learn from pictures, (N, 28, 28, 1), and answers, (N, 10); what was measured."""
        shape = (len(answers), *self.columns.output.shape[1:-1], answers.shape[-1])
        if len(shape) > answers.ndim:
            answers = np.broadcast_to(answers[:, None], shape)
        return self.train_on_batch(images, answers, return_dict=True)

    def add_to_average(self):
        """Let the present weights count in the average, as much as each before."""
        self.averaged.assign_add(1)
        for mean, weight in zip(self.average.weights, self.network.weights, strict=True):
            mean.assign(mean + (weight - mean) / self.averaged)

    def settle_average(self, images: np.ndarray):
        """Let batch normalisation measure the average itself: it is no mean of what was before."""
        if not self.network.non_trainable_weights:  # nothing is measured in this network
            return
        self.average.trainable = True  # frozen, it would not measure
        for start in range(0, min(len(images), 8192), 256):
            shown = keras.ops.cast(images[start : start + 256], "float32")
            if self.augmentation is not None:
                shown = self.augmentation(shown, training=True)
            self.average(shown, training=True)
        self.average.trainable = False

    def build(self, input_shape):
        self.built = True

    def call(self, images, training=False):
        images = keras.ops.cast(images, "float32")
        if training and self.augmentation is not None:
            images = self.augmentation(images, training=True)
        return self.columns(images, training=training)


def _identity(learner: _Learner, train: Dataset, recipe: Recipe, lessons: Lessons | None) -> dict:
    """All that a fit depends on."""
    varied = learner.augmentation.layers if learner.augmentation else []
    return {
        "recipe": asdict(recipe),
        "network": [_described(layer) for layer in learner.network.layers],
        "augmentation": [_described(layer) for layer in varied],
        "sha256": train.sha256,
        "lessons": lessons.folder.name if lessons else "",
        "code": code_digest(),
    }


def _described(layer: keras.Layer) -> str:
    """All that makes a layer what it is, but the number that Keras gives it."""
    config = {name: value for name, value in layer.get_config().items() if name != "name"}
    return f"{type(layer).__name__} {config} {layer.dtype_policy.name}"


def _optimizer(recipe: Recipe, steps: int, first: int) -> keras.optimizers.Optimizer:
    """For ``steps`` on the way to the final rate, of which the first epoch has ``first``."""
    rate = recipe.learning_rate
    if recipe.schedule == "cosine":
        warmup = round(recipe.warmup_epochs * first)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else rate,
            decay_steps=max(1, steps - warmup),
            alpha=recipe.final_rate / rate,
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=recipe.momentum)
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    return keras.optimizers.Adam(rate)

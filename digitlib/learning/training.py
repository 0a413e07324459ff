"""Fit a network: recipe, schedule, checkpoints, and going on where a killed run stopped.

Training goes epoch by epoch. After each one everything that the rest depends on (weights,
optimizer, best weights, history) is put on disk as one folder, and all randomness of an epoch
comes from the recipe's seed and the epoch's number. So a run that was killed and started again
ends with the weights it would have had.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from digitlib.datasets import Dataset
from digitlib.learning import architectures
from digitlib.learning import augmentation as augmenting
from digitlib.learning.checkpoints import Checkpoints, code_digest
from digitlib.learning.learner import Learner
from digitlib.learning.recipe import Recipe, Row, plateau_rate, should_stop
from digitlib.learning.tasks import DigitTask, Task

CPU_INFO = Path("/proc/cpuinfo")  # Linux says there what a processor can do


def choose_precision(wanted: str) -> str:
    """The dtype policy for training here; ``auto`` is bfloat16 only where the machine gains.

    That is on a GPU, and on processors that multiply bfloat16 in hardware; elsewhere it is
    emulated and slower.
    """
    if wanted in ("float32", "mixed_bfloat16"):
        return wanted
    if wanted != "auto":
        raise ValueError(f"precision is {wanted!r}; use auto, float32 or mixed_bfloat16")
    if any("cpu" not in device for device in keras.distribution.list_devices()):
        return "mixed_bfloat16"
    flags = CPU_INFO.read_text().split() if CPU_INFO.exists() else []
    return "mixed_bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32"


def device() -> dict[str, str]:
    """Who trains here: the ``backend``, and as ``device`` a graphics card's name or processor."""
    backend, name = keras.backend.backend(), "processor"
    if backend == "jax":
        import jax

        [first, *_] = jax.devices()
        name = name if first.platform == "cpu" else first.device_kind
    return {"backend": backend, "device": name}


def print_epoch(row: Row, recipe: Recipe) -> None:
    """One line per epoch, of the same width, that reads well in a notebook and a terminal."""
    done = round(20 * row["epoch"] / recipe.epochs)
    print(
        f"epoch {row['epoch']:3.0f}/{recipe.epochs:<3d} {'━' * done}{'╌' * (20 - done)} "
        f"loss {row['loss']:.4f}  accuracy {row['accuracy']:7.2%}  "
        f"validation {row['val_accuracy']:7.2%}  {row['seconds']:.1f} s",
        flush=True,
    )


def fit(
    network: keras.Model,
    train: Dataset,
    validation: Dataset,
    recipe: Recipe,
    augmentation: keras.Model | None = None,
    checkpoint_dir: str | Path | None = None,
    report: Callable[[Row, Recipe], None] = print_epoch,
    keep_best: bool = True,
) -> list[Row]:
    """Fit ``network`` to read single digits; it ends with the weights of ``artifacts.kept_epoch``.

    Args:
        network: takes (N, 28, 28, 1) pixels from 0 to 255, gives (N, 10) logits.
        train, validation: the digits to learn from, and those that judge each epoch.
        recipe, augmentation, checkpoint_dir, report, keep_best: as for ``fit_task``.

    Returns:
        The history; see ``fit_task``.
    """
    with DigitTask(train, validation, recipe) as task:
        return fit_task(network, task, recipe, augmentation, checkpoint_dir, report, keep_best)


def fit_task(
    network: keras.Model,
    task: Task,
    recipe: Recipe,
    augmentation: keras.Model | None = None,
    checkpoint_dir: str | Path | None = None,
    report: Callable[[Row, Recipe], None] = print_epoch,
    keep_best: bool = True,
) -> list[Row]:
    """Fit ``network`` in place; it ends with the weights of ``artifacts.kept_epoch``.

    Args:
        network: takes the task's pictures.
        task: what it is fitted to.
        recipe: how.
        augmentation: varies the training images; see ``augmentation.build``.
        checkpoint_dir: where the state after each epoch is kept; an unfinished run with the same
            network, task and recipe found there is gone on with.
        report: called with each epoch's row.
        keep_best: False ends with the weights of the last epoch.

    Returns:
        The history, a row per epoch: epoch, seconds, loss, accuracy, val_loss, val_accuracy,
        learning_rate, averaged. Losses are in nats, accuracies shares; averaged is of how many
        weights the judged ones are the mean, 0 for none.
    """
    steps = [math.ceil(task.size(epoch) / recipe.batch_size) for epoch in range(recipe.epochs)]
    average = keras.models.clone_model(network) if recipe.swa_epochs else None
    learner = Learner(network, augmentation, task.examples, average)
    to_final_rate = sum(steps[: recipe.epochs - recipe.swa_epochs])
    learner.compile_for(_optimizer(recipe, to_final_rate, steps[0]), task)
    learner.optimizer.build(learner.trainable_variables)
    state = Checkpoints(checkpoint_dir, learner, _identity(learner, task, recipe))
    history = state.restore()
    if len(history) == recipe.epochs or should_stop(history, recipe):
        print(f"Fitted by an earlier run, up to epoch {len(history)}.")
    elif history:
        print(f"Going on after epoch {len(history)}, from the checkpoint of an unfinished run.")
    for epoch in range(len(history), recipe.epochs):
        if should_stop(history, recipe):
            break
        start = time.perf_counter()
        if (judged := task.difficulty(network, epoch)) is not None:
            learner.difficulty.assign(judged)
        difficulty = keras.ops.convert_to_numpy(learner.difficulty)
        images, answers = task.pictures(epoch, difficulty)
        augmenting.reseed(learner, recipe.seed, epoch)
        if recipe.schedule == "plateau":
            learner.optimizer.learning_rate = plateau_rate(history, recipe)
        averages = epoch >= recipe.epochs - recipe.swa_epochs
        logs = learner.learn(images, answers, recipe.batch_size, averages)
        losses, right = task.judge(learner.judged)
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


def fit_settings(
    settings: Mapping[str, Any],
    train: Dataset,
    validation: Dataset,
    checkpoint_dir: str | Path | None = None,
    report: Callable[[Row, Recipe], None] = print_epoch,
) -> tuple[keras.Model, list[Row]]:
    """Build and fit what the parameters of notebook 03 say, the data apart.

    Args:
        settings: its parameters by name; those of ``Recipe``, and seed, architecture,
            architecture_options, augmentation, precision. Any may be left out, others are ignored.
        train, validation, checkpoint_dir, report: as for ``fit``.

    Returns:
        The fitted network and its history.

    Raises:
        ValueError: for settings that no network or recipe has.
    """
    recipe = Recipe.from_settings(settings)
    network = architectures.build(
        settings.get("architecture", "digitnet"),
        choose_precision(settings.get("precision", "float32")),
        recipe.seed,
        **settings.get("architecture_options", {}),
    )
    vary = augmenting.build(recipe.seed, **settings.get("augmentation", {}))
    return network, fit(network, train, validation, recipe, vary, checkpoint_dir, report)


def step_seconds(
    network: keras.Model, augmentation: keras.Model | None, images: np.ndarray
) -> float:
    """Median time of 20 training steps on ``images``, uint8 (N, 28, 28), in seconds.

    The network is changed by it. The first steps, which compile, do not count.
    """
    learner = Learner(network, augmentation)
    learner.compile_for(keras.optimizers.Adam(), DigitTask)
    pixels, labels = images[..., None], keras.utils.to_categorical(np.zeros(len(images)), 10)
    times = []
    for _ in range(3 + 20):
        start = time.perf_counter()
        learner.steps(pixels, labels, len(pixels))
        times.append(time.perf_counter() - start)
    return float(np.median(times[3:]))


def _identity(learner: Learner, task: Task, recipe: Recipe) -> dict:
    """All that a fit depends on."""
    layers = learner.network.layers + (learner.augmentation.layers if learner.augmentation else [])
    return {
        "backend": keras.backend.backend(),
        "recipe": asdict(recipe),
        "layers": [_described(layer) for layer in layers],
        "code": code_digest(),
    } | task.identity


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
    clip = recipe.clip_norm or None
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=recipe.momentum, global_clipnorm=clip)
    if recipe.optimizer == "adamw":
        decay = recipe.weight_decay
        return keras.optimizers.AdamW(rate, weight_decay=decay, global_clipnorm=clip)
    return keras.optimizers.Adam(rate, global_clipnorm=clip)

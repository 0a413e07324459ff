"""The network while it is fitted: behind its augmentation, with the average of its weights."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from digitlib.learning.architectures import columns
from digitlib.learning.layers import Tensor
from digitlib.learning.recipe import Row
from digitlib.learning.tasks import Task

AT_ONCE = 20  # steps in one call; after each, the weights go into an average that is taken


class Learner(keras.Model):
    """The network behind its augmentation. It is fitted; only the network is saved.

    Where a network has columns, each of them learns for itself. The learner also holds how hard
    each of ``n`` digits was when it was last judged, and ``average``, a network with the mean of
    the weights at some steps. Checkpoints keep both.
    """

    def __init__(
        self,
        network: keras.Model,
        augmentation: keras.Model | None,
        n: int = 0,
        average: keras.Model = None,
    ) -> None:
        super().__init__(name="learner")
        self.network, self.augmentation, self.average = network, augmentation, average
        self.columns = columns(network)
        self.difficulty = self.add_weight((n,), "zeros", trainable=False, name="difficulty")
        self.averaged = self.add_weight((), "zeros", trainable=False, name="averaged")
        if average is not None:
            average.trainable = False
        self.built = True  # nothing is left for Keras to build

    @property
    def judged(self) -> keras.Model:
        """The network as it would be used now."""
        return self.average if float(self.averaged) else self.network

    def compile_for(self, optimizer: keras.optimizers.Optimizer, task: type[Task] | Task) -> None:
        """Make it ready to learn from the task's answers."""
        self.compile(
            optimizer,
            task.loss,
            metrics=[keras.metrics.MeanMetricWrapper(task.is_right, name="accuracy")],
            # XLA slows TensorFlow's CPU kernels down; JAX cannot do without it.
            jit_compile=keras.backend.backend() != "tensorflow",
        )

    def learn(self, images: np.ndarray, answers: np.ndarray, size: int, averages: bool) -> Row:
        """One epoch in batches of ``size``; the mean over all images of loss and accuracy.

        Keras's own ``fit`` reads through tf.data, which holds the end of an epoch back until a
        thread that tunes it wakes: 10.24, 20.48, 40.96 … seconds after its start (TensorFlow 2.21).
        """
        measured = []
        for start in range(0, len(images), AT_ONCE * size):
            some = slice(start, start + AT_ONCE * size)
            measured.append((self.steps(images[some], answers[some], size), len(images[some])))
            if averages:
                self.add_to_average()
        if averages:
            self.settle_average(images)
        return _mean(measured)

    def steps(self, images: np.ndarray, answers: np.ndarray, size: int) -> Row:
        """Steps on images (N, height, width, 1) with their answers, in batches of ``size``.

        Returns the means of loss and accuracy. All full batches are one call of a compiled
        function, so that a fast chip does not wait for Python between them.
        """
        if self.columns is not self.network:
            shape = (len(answers), *self.columns.output.shape[1:-1], answers.shape[-1])
            answers = np.broadcast_to(answers[:, None], shape)
        self.size = size
        whole = len(images) - len(images) % size
        return _mean(
            (self.train_on_batch(images[part], answers[part], return_dict=True), count)
            for part in (slice(0, whole), slice(whole, None))
            if (count := len(images[part]))
        )

    def train_step(self, *given: Any) -> Any:
        """As many steps as there are batches in the images; see `steps`."""
        if keras.backend.backend() == "jax":
            return self._scan(*given)
        return self._loop(*given)

    def _scan(self, state: Any, data: Any) -> Any:
        """The steps under JAX, which hands on the state of all variables."""
        if len(data[0]) <= self.size:
            return super().train_step(state, data)

        def step(state: Any, batch: Any) -> Any:
            return super(Learner, self).train_step(state, batch)[::-1]

        batches = [keras.ops.reshape(part, (-1, self.size, *part.shape[1:])) for part in data[:2]]
        state, logs = keras.ops.scan(step, state, batches)
        return {name: values[-1] for name, values in logs.items()}, state

    def _loop(self, data: Any) -> Any:
        """The steps elsewhere, where variables change in place."""
        images, answers = data[:2]

        def step(number: Tensor, done: Tensor) -> Tensor:
            batch = slice(number * self.size, (number + 1) * self.size)
            super(Learner, self).train_step((images[batch], answers[batch]))
            return done

        count = keras.ops.maximum(keras.ops.shape(images)[0] // self.size, 1)
        keras.ops.fori_loop(0, count, step, keras.ops.zeros(()))
        return self.get_metrics_result()

    def add_to_average(self) -> None:
        """Add the present weights to the average, where all weights count alike."""
        self.averaged.assign_add(1)
        for mean, weight in zip(self.average.weights, self.network.weights, strict=True):
            mean.assign(mean + (weight - mean) / self.averaged)

    def settle_average(self, images: np.ndarray) -> None:
        """Measure batch normalisation anew: the old statistics do not fit the averaged weights."""
        if not self.network.non_trainable_weights:  # there is no batch normalisation
            return
        self.average.trainable = True  # frozen, it would not measure
        for start in range(0, min(len(images), 8192), 256):
            shown = keras.ops.cast(images[start : start + 256], "float32")
            if self.augmentation is not None:
                shown = self.augmentation(shown, training=True)
            self.average(shown, training=True)
        self.average.trainable = False

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Logits of pixels (N, height, width, 1), varied first in training."""
        images = keras.ops.cast(images, "float32")
        if training and self.augmentation is not None:
            images = self.augmentation(images, training=True)
        return self.columns(images, training=training)


def _mean(measured: Iterable[tuple[Row, int]]) -> Row:
    """The mean of what was measured on parts, each of which has so many images."""
    totals: Row = defaultdict(float)
    images = 0
    for row, count in measured:
        images += count
        for name, value in row.items():
            totals[name] += float(value) * count
    return {name: total / images for name, total in totals.items()}

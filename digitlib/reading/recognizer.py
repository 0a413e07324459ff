"""``Recognizer``: pictures in, digits out, by a LiteRT model; TensorFlow is never imported."""

import threading
from pathlib import Path

import numpy as np

from digitlib.artifacts import load_card, resolve
from digitlib.quiet import quiet

PRETRAINED = Path(__file__).parents[1] / "pretrained"
BATCH = 256


class Recognizer:
    """Reads digits with one trained model.

    Args:
        model_dir: a folder with ``digits.tflite`` and ``card.json``; the shipped model by default.

    Raises:
        ArtifactError: when there is no model in the folder.

    One recognizer may be used from several threads; they take turns.
    """

    def __init__(self, model_dir: str | Path = PRETRAINED):
        # Imported here: reading pictures, or a folder's labels, needs no interpreter.
        from ai_edge_litert.interpreter import Interpreter

        self.card = load_card(model_dir)
        self.temperature = float(self.card["temperature"])
        self.threshold = float(self.card["threshold"])
        self._lock = threading.Lock()
        model = str(resolve(model_dir) / "digits.tflite")
        # One thread answers a single picture faster than two; full batches keep both cores busy.
        with quiet():
            self._single = Interpreter(model, num_threads=1)
            self._single.allocate_tensors()
            self._batch = Interpreter(model, num_threads=2)
            self._batch.resize_tensor_input(self._input(self._batch), (BATCH, 28, 28, 1))
            self._batch.allocate_tensors()

    def classify(self, images: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of the ten digits, each row summing to one.

        Args:
            images: uint8 (N, 28, 28), ink bright on 0, any N including 0.

        Returns:
            float32 (N, 10).

        Raises:
            ValueError: for another shape or dtype.
        """
        scaled = self.logits(images) / self.temperature
        scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf)
        np.exp(scaled, out=scaled)
        return scaled / scaled.sum(axis=1, keepdims=True)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """What the network says before calibration: float32 (N, 10). Arguments as ``classify``."""
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
            raise ValueError(
                f"images are {images.dtype} {images.shape}; expected uint8 (N, 28, 28) from 0 to "
                "255 with the ink bright on 0 (digitlib.reading.segmentation.normalise makes it)"
            )
        answers = np.empty((len(images), 10), np.float32)
        with self._lock:
            if len(images) < 16:
                for i in range(len(images)):
                    answers[i] = self._run(self._single, images[i : i + 1])[0]
                return answers
            for start in range(0, len(images), BATCH):
                chunk = images[start : start + BATCH]
                padded = np.zeros((BATCH, 28, 28), np.uint8)
                padded[: len(chunk)] = chunk
                answers[start : start + BATCH] = self._run(self._batch, padded)[: len(chunk)]
        return answers

    @staticmethod
    def _input(interpreter) -> int:
        return interpreter.get_input_details()[0]["index"]

    def _run(self, interpreter, images: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(self._input(interpreter), images[..., None].astype(np.float32))
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

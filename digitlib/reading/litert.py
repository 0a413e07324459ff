"""The exported networks at work, by LiteRT: one of digits, one of lines, one of sheets."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from digitlib.artifacts import ArtifactError, from_root, resolve
from digitlib.pixels.normalisation import SIDE, as_images
from digitlib.quiet import quiet

BATCH = 32  # images in one call; more are no faster


class Network:
    """A LiteRT model of digits; may be used from several threads, which take turns.

    Args:
        file: a LiteRT model, float (N, 28, 28, 1) from 0 to 255 → (N, 10); it may be quantised to
            int8 inside.

    Raises:
        ArtifactError: for a file that is missing, damaged or something else.
    """

    def __init__(self, file: str | Path):
        self._lock = threading.Lock()
        # One thread answers a single picture faster than two; batches keep both cores busy.
        self._single = _interpreter(file, 1)
        self._batch = _interpreter(file, 2)
        with quiet():
            self._batch.resize_tensor_input(_input(self._batch), (BATCH, SIDE, SIDE, 1))
            self._batch.allocate_tensors()

    def logits(self, images: np.ndarray) -> np.ndarray:
        """What the network says before calibration.

        Args:
            images: uint8 (N, 28, 28), ink bright on 0, any N including 0.

        Returns:
            float32 (N, 10).

        Raises:
            ValueError: for another shape or dtype.
        """
        images = as_images(images)
        answers = np.empty((len(images), 10), np.float32)
        with self._lock:
            for start in range(0, len(images), BATCH):
                chunk = images[start : start + BATCH]
                here = slice(start, start + len(chunk))
                if len(chunk) < BATCH // 2:
                    answers[here] = [_run(self._single, image[None])[0] for image in chunk]
                else:
                    padded = np.zeros((BATCH, SIDE, SIDE), np.uint8)
                    padded[: len(chunk)] = chunk
                    answers[here] = _run(self._batch, padded)[: len(chunk)]
        return answers


class LineNetwork:
    """A LiteRT model of lines; may be used from several threads, which take turns.

    Args:
        file: a LiteRT model, float (1, 48, W, 1) from 0 to 255 → (1, W / 4, classes); it may be
            quantised to int8 inside.
    """

    def __init__(self, file: str | Path):
        self._lock = threading.Lock()
        self._interpreter = _interpreter(file, 1)
        self._width = 0

    def logits(self, image: np.ndarray) -> np.ndarray:
        """What the network says of a line uint8 (48, W), W a multiple of 4: float32 (W / 4, 15)."""
        with self._lock:
            if image.shape[1] != self._width:
                self._width = 0  # until it is done
                with quiet():
                    shape = (1, *image.shape, 1)
                    self._interpreter.resize_tensor_input(_input(self._interpreter), shape)
                    self._interpreter.allocate_tensors()
                self._width = image.shape[1]
            return _run(self._interpreter, image[None])[0]


class SheetNetwork:
    """A LiteRT model of sheets; may be used from several threads, which take turns.

    Args:
        file: a LiteRT model, float (1, 256, 256, 1) from 0 to 255 → (1, 128, 128, 3); it may be
            quantised to int8 inside.
    """

    def __init__(self, file: str | Path):
        self._lock = threading.Lock()
        self._interpreter = _interpreter(file, 2)

    def logits(self, tiles: np.ndarray) -> np.ndarray:
        """What the network says of tiles uint8 (N, 256, 256): float32 (N, 128, 128, 3)."""
        with self._lock:
            return np.concatenate([_run(self._interpreter, tile[None]) for tile in tiles])


def _interpreter(file: str | Path, threads: int) -> Any:
    """What runs a model, ready to be asked."""
    # Imported here: reading a folder's pictures needs no interpreter.
    from ai_edge_litert.interpreter import Interpreter

    try:
        with quiet():
            interpreter = Interpreter(str(resolve(file)), num_threads=threads)
            interpreter.allocate_tensors()
            return interpreter
    except (ValueError, RuntimeError) as fault:
        reason = str(fault).splitlines()[0] if str(fault) else "it cannot be loaded"
        raise ArtifactError(
            f"{from_root(file)} is damaged, or no LiteRT model ({reason}): restore it, or make it "
            "again"
        ) from None


def _input(interpreter: Any) -> int:
    return interpreter.get_input_details()[0]["index"]


def _run(interpreter: Any, images: np.ndarray) -> np.ndarray:
    interpreter.set_tensor(_input(interpreter), images[..., None].astype(np.float32))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

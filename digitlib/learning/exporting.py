"""Write a trained network for use: Keras's file and LiteRT's.

Only TensorFlow makes LiteRT files. Under another backend of Keras they are made in a process of
its own: python -m digitlib.learning.exporting model.keras model.tflite [images.npy]
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

import digitlib.learning.layers  # noqa: F401  Keras has to know them to load a model
from digitlib.artifacts import FLOAT_FILE, INT8_FILE, KERAS_FILE, resolve, writing
from digitlib.quiet import quiet

ANY_WIDTH = 96  # pixels; a model that takes any width is tried with this


def save_model(
    model: keras.Model,
    model_dir: str | Path,
    keras_file: str = KERAS_FILE,
    float_file: str = FLOAT_FILE,
) -> Path:
    """Write a model as Keras and as LiteRT have it, and check that they answer alike.

    Args:
        model: a float32 network; (N, height, width, 1) pixels from 0 to 255 → logits. A width
            that is not fixed stays so.
        model_dir: where to.
        keras_file, float_file: names of the two files.

    Raises:
        RuntimeError: when the exported model does not run or answers differently.
    """
    model_dir = resolve(model_dir)
    with writing(model_dir / keras_file) as unfinished:
        model.save(unfinished)
    with writing(model_dir / float_file) as unfinished:
        _export(model, unfinished)
        _check(model, unfinished)
    return model_dir


def save_int8(
    model: keras.Model, model_dir: str | Path, images: np.ndarray, int8_file: str = INT8_FILE
) -> Path:
    """Write a model for LiteRT quantised to int8, a quarter of the size.

    On processors that multiply int8 in hardware it answers several times faster.

    Args:
        model: as for ``save_model``.
        model_dir: where to.
        images: uint8 (N, height, width), a few hundred that show the range of every layer.
        int8_file: name of the file.
    """
    file = resolve(model_dir) / int8_file
    with writing(file) as unfinished:
        _export(model, unfinished, images)
    return file


def _export(model: keras.Model, file: Path, images: np.ndarray | None = None) -> None:
    """Write a LiteRT model, quantised to int8 where there are images to go by."""
    if keras.backend.backend() != "tensorflow":
        _export_elsewhere(model, file, images)
        return
    options: dict[str, Any] = {}
    if images is not None:
        import tensorflow as tf

        pixels = images[:, None, ..., None].astype(np.float32)
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
        options["representative_dataset"] = lambda: ([one] for one in pixels)
    with quiet():
        model.export(file, format="litert", verbose=False, **options)


def _export_elsewhere(model: keras.Model, file: Path, images: np.ndarray | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        given = [Path(folder) / "model.keras", file]
        model.save(given[0])
        if images is not None:
            given.append(Path(folder) / "images.npy")
            np.save(given[-1], images)
        command = [sys.executable, "-m", "digitlib.learning.exporting", *map(str, given)]
        environment = os.environ | {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"no LiteRT model could be made: {done.stderr.strip().splitlines()[-1]}")


def _check(model: keras.Model, file: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    shape = [1, *(side or ANY_WIDTH for side in model.input_shape[1:])]
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
    try:
        with quiet():
            runner = Interpreter(str(file), num_threads=1).get_signature_runner()
            [name] = runner.get_input_details()
            [answer] = runner(**{name: pixels}).values()
    except (ValueError, RuntimeError) as fault:
        raise RuntimeError(f"the exported model does not run: {fault}") from fault
    expected = keras.ops.convert_to_numpy(model(pixels, training=False))
    if not np.allclose(answer, expected, rtol=1e-3, atol=1e-3):
        raise RuntimeError(f"the exported model answers {answer}, the Keras model {expected}")


def load_model(model_dir: str | Path) -> keras.Model:
    """The Keras model that ``save_model`` wrote; nothing in the file is executed.

    Raises:
        ValueError: when there is none, or the file is no model.
    """
    return keras.saving.load_model(resolve(model_dir) / KERAS_FILE, safe_mode=True)


if __name__ == "__main__":
    source, target, *examples = sys.argv[1:]
    _export(
        keras.saving.load_model(source, safe_mode=True),
        Path(target),
        np.load(examples[0]) if examples else None,
    )

"""Write a trained network for use: Keras's file and LiteRT's."""

from pathlib import Path

import keras
import numpy as np

import digitlib.learning.layers  # noqa: F401  Keras has to know them to load a model
from digitlib.artifacts import FLOAT_FILE, INT8_FILE, KERAS_FILE, resolve, writing
from digitlib.quiet import quiet


def save_model(model: keras.Model, model_dir: str | Path) -> Path:
    """Write ``digits.keras`` and ``digits.tflite``, and check that they answer alike.

    Args:
        model: a float32 network; (N, 28, 28, 1) pixels from 0 to 255 → (N, 10) logits.

    Raises:
        RuntimeError: when the exported model does not run or answers differently.
    """
    model_dir = resolve(model_dir)
    with writing(model_dir / KERAS_FILE) as unfinished:
        model.save(unfinished)
    with writing(model_dir / FLOAT_FILE) as unfinished:
        with quiet():
            model.export(unfinished, format="litert", verbose=False)
        _check(model, unfinished)
    return model_dir


def save_int8(model: keras.Model, model_dir: str | Path, images: np.ndarray) -> Path:
    """Write ``digits.int8.tflite``: quantised to int8, a quarter of the size.

    On processors that multiply int8 in hardware it answers several times faster.

    Args:
        model: as for ``save_model``.
        model_dir: where to.
        images: uint8 (N, 28, 28), a few hundred digits that show the range of every layer.
    """
    import tensorflow as tf

    pixels = images[:, None, ..., None].astype(np.float32)
    file = resolve(model_dir) / INT8_FILE
    with writing(file) as unfinished, quiet():
        model.export(
            unfinished,
            format="litert",
            verbose=False,
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=lambda: ([one] for one in pixels),
        )
    return file


def _check(model: keras.Model, file: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    pixels = np.random.default_rng(0).integers(0, 256, (1, 28, 28, 1)).astype(np.float32)
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

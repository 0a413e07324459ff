"""Write a trained network for use: Keras's file and LiteRT's."""

from pathlib import Path

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
        with quiet():
            model.export(unfinished, format="litert", verbose=False)
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
    import tensorflow as tf

    pixels = images[:, None, ..., None].astype(np.float32)
    file = resolve(model_dir) / int8_file
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

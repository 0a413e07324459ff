"""Keras's JAX backend: the same fit, the same files, the same notebook. On a processor here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from digitlib.artifacts import FLOAT_FILE, INT8_FILE
from digitlib.reading.litert import Network

pytestmark = pytest.mark.campaign
CHECKOUT = Path(__file__).resolve().parents[1]
FEW_STEPS = """
import sys
import numpy as np
from digitlib.datasets import load_dataset, split
from digitlib.learning import architectures, training
from digitlib.learning.recipe import Recipe

network = architectures.build("digitnet", width=4, dropout=0.0, columns=2, smoothing=0.125)
random = np.random.default_rng(0)
network.set_weights([random.normal(0, 0.05, w.shape) for w in network.get_weights()])
train, held_out = split(load_dataset("optdigits").first(400), 0.2)
recipe = Recipe(int(sys.argv[1]), 32, "adamw", 0.003, weight_decay=0.01, schedule="cosine")
history = training.fit(network, train, held_out, recipe, checkpoint_dir=sys.argv[2])
print([row["loss"] for row in history], [float(w.sum()) for w in network.get_weights()])
"""
EXPORT = """
import sys
from digitlib.datasets import load_dataset
from digitlib.learning import architectures, exporting

network = architectures.build("digitnet", test_time_augmentation=True, width=4, smoothing=0.125)
images = load_dataset("optdigits").images[:40]
folder = exporting.save_model(network, sys.argv[1])
exporting.save_int8(network, folder, images)
print(network.predict(images[..., None], verbose=0).tolist())
"""


def under(backend: str, *arguments: object) -> str:
    """What a Python process with this backend prints."""
    environment = os.environ | {"KERAS_BACKEND": backend}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=CHECKOUT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_fit_goes_the_same_way_and_no_backend_misreads_the_others_checkpoint(tmp_path):
    """Protects results from a GPU: equal up to what float32 explains, after 20 steps."""
    said = {}
    for backend in ("tensorflow", "jax"):
        folder = tmp_path / backend
        losses, weights = under(backend, "-c", FEW_STEPS, 2, folder).splitlines()[-1].split("] [")
        said[backend] = json.loads(losses + "]"), json.loads("[" + weights)
    np.testing.assert_allclose(said["jax"][0], said["tensorflow"][0], rtol=1e-3)
    np.testing.assert_allclose(said["jax"][1], said["tensorflow"][1], rtol=0.02, atol=0.02)
    again = under("jax", "-c", FEW_STEPS, 3, tmp_path / "tensorflow")
    assert "another recipe, network, data set or backend: starting anew" in again


def test_files_come_out_alike(tmp_path):
    """Protects LiteRT's files of a model with views, which only TensorFlow can write."""
    said = np.array(json.loads(under("jax", "-c", EXPORT, tmp_path).splitlines()[-1]))
    from digitlib.datasets import load_dataset

    images = load_dataset("optdigits").images[:40]
    np.testing.assert_allclose(Network(tmp_path / FLOAT_FILE).logits(images), said, atol=1e-3)
    exported = Network(tmp_path / INT8_FILE).logits(images)
    assert np.corrcoef(exported.ravel(), said.ravel())[0, 1] > 0.98


def test_notebook_03_runs_whole(tmp_path):
    """Protects who trains on a graphics card: every cell, three views, averaged weights."""
    given = {"epochs": 2, "swa_epochs": 1, "final_rate": 0.001, "test_time_augmentation": True}
    given |= {"synthetic_share": 0.1, "nondigit_share": 0.1, "drawn_hands": 20}
    options = [text for name, value in given.items() for text in ("-p", name, str(value))]
    file = CHECKOUT / "notebooks" / "03_cnn_training.ipynb"
    kernel = ["-k", "python3", "-p", "output_dir", tmp_path / "out"]
    under("jax", "-m", "papermill", file, tmp_path / "03.ipynb", *options, *kernel)
    card = json.loads((tmp_path / "out" / "model" / "card.json").read_text())
    assert card["validation_metrics"]["accuracy_percent"] > 50

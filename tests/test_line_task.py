"""The line network's fit: what it learns from, when a line is right, and going on."""

import keras
import numpy as np
import pytest
from scipy.special import log_softmax

from digitlib import datasets
from digitlib.artifacts import LINE_FLOAT_FILE, LINE_KERAS_FILE
from digitlib.learning import architectures, exporting, line_network, training
from digitlib.learning.line_task import (
    IN_PLACE,
    MOST_TOKENS,
    LineTask,
    encode,
    line_logits,
    line_loss,
)
from digitlib.learning.recipe import Recipe
from digitlib.pixels.line_images import COLUMN, MARGIN
from digitlib.reading.litert import LineNetwork
from digitlib.reading.spelling import log_likelihoods
from digitlib.synthetic.lines import Simulation

CLASSES = 15


@pytest.fixture(scope="module")
def digits():
    return datasets.split(datasets.load_dataset("optdigits", "train"), 0.2)


def says(tokens: str) -> np.ndarray:
    """The answer of a line with these tokens, wherever they stand."""
    return encode(tokens, [0.0] * len(tokens))[None]


def columns(*path: int) -> np.ndarray:
    """Logits (1, T, 15) of columns that say these classes."""
    return 9 * np.eye(CLASSES, dtype=np.float32)[list(path)][None]


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ((0, 2, 2, 0, 3, 0), 1),  # 12
        ((2, 3, 3, 3, 3, 3), 1),
        ((2, 0, 2, 3, 0, 0), 0),  # 112
        ((0, 2, 0, 0, 0, 0), 0),  # 1
        ((3, 2, 0, 0, 0, 0), 0),  # 21
        ((2, 3, 0, 0, 4, 0), 0),  # 123
        ((0, 0, 0, 0, 0, 0), 0),
    ],
)
def test_a_line_is_right_when_its_columns_spell_it(path, right):
    """Protects the accuracy of the fit, which its best epoch is chosen by."""
    assert float(LineTask.is_right(says("12"), columns(*path))[0]) == right


def test_an_empty_line_is_right_when_nothing_is_said():
    assert float(LineTask.is_right(says(""), columns(0, 0))[0]) == 1
    assert float(LineTask.is_right(says(""), columns(0, 5))[0]) == 0


def test_a_character_in_its_place_costs_less_than_one_beside_it():
    """Protects boxes: the loss knows in which column a character stands, and asks no more of it."""
    said = [columns(0, 0, 2, 0, 0, 0), columns(0, 0, 0, 0, 2, 0)]
    answer = encode("1", [2.5 * COLUMN - MARGIN])[None]
    here, there = (float(line_loss(answer, one)[0]) for one in said)
    assert here < there - 1
    assert here < 0.1


def test_the_loss_is_ctcs_for_what_a_line_says():
    """Protects the loss from disagreeing with the probability that is stated later."""
    logits = np.random.default_rng(0).normal(size=(1, 6, CLASSES)).astype(np.float32)
    answer = encode("12", [0.5 * COLUMN - MARGIN, 3.5 * COLUMN - MARGIN])[None]
    said = log_softmax(logits[0].astype(float), axis=1)
    expected = -log_likelihoods([said], [2, 3])[0] - IN_PLACE * (said[0, 2] + said[3, 3])
    assert float(line_loss(answer, logits)[0]) == pytest.approx(expected, rel=1e-4)


def test_the_loss_of_an_empty_line_is_that_of_blanks_alone():
    """Protects fits: among the lines are some that say nothing, and TensorFlow refuses those."""
    logits = np.random.default_rng(0).normal(size=(2, 6, CLASSES)).astype(np.float32)
    answers = np.stack([encode("", []), encode("1", [0.5 * COLUMN - MARGIN])])
    blanks = -log_softmax(logits[0].astype(float), axis=1)[:, 0].sum()
    assert float(line_loss(answers, logits)[0]) == pytest.approx(blanks, rel=1e-4)


def test_the_lines_of_an_epoch_do_not_depend_on_how_many_processes_draw_them(digits):
    """Protects a fit that goes on elsewhere: an epoch's lines follow from seed and number."""
    drawn = []
    for processes in (1, 2):
        with LineTask(*digits, Simulation(), 40, 2, 3, processes) as task:
            assert task.size(0) == 40
            drawn.append([task.pictures(epoch, np.empty(0)) for epoch in (0, 1)])
    for first, second in zip(*drawn, strict=True):
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])
    images, answers = drawn[0][0]
    assert images.shape == (40, 48, 256, 1)
    assert answers.shape == (40, 2, MOST_TOKENS)
    assert not np.array_equal(images, drawn[0][1][0])  # the next epoch has others


def test_a_stopped_fit_of_lines_ends_as_it_would_have(digits, tmp_path):
    """Protects long fits: killed after an epoch and started again, the weights are the same."""
    recipe = Recipe(epochs=2, batch_size=20, optimizer="adamw", learning_rate=0.002, clip_norm=1.0)
    small = {"channels": (4, 4, 4, 4, 4), "features": 8}

    def fitted(folder, stop=None):
        network = line_network.build(seed=1, **small)

        def report(row, _):
            if row["epoch"] == stop:
                raise KeyboardInterrupt

        with LineTask(*digits, Simulation(), 40, 2, 3, 1) as task:
            training.fit_task(network, task, recipe, None, folder, report, keep_best=False)
        return network.get_weights()

    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "stopped", stop=1)
    for one, other in zip(fitted(tmp_path / "stopped"), fitted(tmp_path / "whole"), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_the_exported_network_answers_as_keras_does_at_any_width(tmp_path):
    """Protects reading: a line of another width than those trained on gets its own columns."""
    network = line_network.build(seed=0)
    exporting.save_model(network, tmp_path, LINE_KERAS_FILE, LINE_FLOAT_FILE)
    reader = LineNetwork(tmp_path / LINE_FLOAT_FILE)
    random = np.random.default_rng(0)
    for width in (64, 32, 512):
        image = random.integers(0, 256, (48, width), np.uint8)
        expected = line_logits(network, image[None, ..., None])[0]
        assert expected.shape == (width // 4, CLASSES)
        np.testing.assert_allclose(reader.logits(image), expected, atol=1e-3)


def test_the_network_is_as_light_as_it_is_said_to_be():
    """Protects a page without a server from a network that it cannot run."""
    network = line_network.build(width=272)
    assert architectures.multiply_adds(network) < 66e6
    assert network.count_params() < 1e6
    assert isinstance(network.layers[-1], keras.layers.Dense)

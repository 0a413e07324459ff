"""Read lines: simulated ones to learn from, CTC as the loss, and how many are read correctly."""

from dataclasses import asdict
from functools import partial

import keras
import numpy as np

from digitlib.datasets import Dataset
from digitlib.learning.layers import Tensor
from digitlib.learning.tasks import DrawnTask
from digitlib.pixels.line_images import ALPHABET, COLUMN, MARGIN
from digitlib.synthetic.lines import Line, Simulation, as_seen, draw_lines

VALIDATION = 2048  # lines that judge an epoch
CHUNK = 1280  # lines that are drawn in one go
MOST_TOKENS = 32  # of a line
IN_PLACE = 0.3  # weight of the second part of the loss


def line_loss(answers: Tensor, said: Tensor) -> Tensor:
    """CTC, and beside it how unlikely each character is in the column where it stands: (N,) nats.

    CTC (connectionist temporal classification, Graves et al. 2006, doi:10.1145/1143844.1143891)
    needs no more than what a line says. It adds up all ways in which the columns can say it, each
    column a character or a blank. Of simulated lines it is also known where each character
    stands. With that, a fit learns faster, and boxes are where the characters are.

    `answers` are as `encode` gives them, (N, 2, 32), and `said` are logits (N, T, classes).
    """
    ops = keras.ops
    codes, places = ops.cast(answers[:, 0], "int32"), ops.cast(answers[:, 1], "int32")
    columns = ops.take_along_axis(ops.log_softmax(said), places[..., None], axis=1)
    in_place = ops.take_along_axis(columns, codes[..., None], axis=2)[..., 0]
    missed = ops.sum(ops.where(codes != 0, -in_place, 0.0), axis=1)
    return _ctc(codes, said) + IN_PLACE * missed


def _ctc(codes: Tensor, said: Tensor) -> Tensor:
    """How unlikely all ways of spelling the codes are together: (N,) nats."""
    ops = keras.ops
    columns = ops.full_like(codes[:, 0], said.shape[1])
    length = ops.sum(ops.cast(codes != 0, "int32"), axis=1)
    if keras.backend.backend() != "tensorflow":
        return ops.ctc_loss(codes, said, length, columns)
    # TensorFlow's kernel for sparse labels: the one for dense labels, which Keras calls, takes
    # fifteen times as long on a processor, half the time of a fit. It refuses an empty line.
    import tensorflow as tf

    first = ops.arange(codes.shape[1]) == 0
    labels = tf.sparse.from_dense(ops.where((length == 0)[:, None] & first, 1, codes))
    spelled = tf.nn.ctc_loss(labels, said, None, columns, logits_time_major=False, blank_index=0)
    return ops.where(length == 0, -ops.sum(ops.log_softmax(said)[..., 0], axis=1), spelled)


class LineTask(DrawnTask):
    """Read simulated lines. Use it in a ``with`` statement, which ends its processes.

    Args:
        train, validation: the digits that lines to learn from, and lines to judge by, are made of.
        simulation: what lines are like.
        lines: how many an epoch has.
        epochs: how many there are.
        seed: fixes all lines.
        processes: how many draw lines; one a core by default.
    """

    loss = staticmethod(line_loss)

    def __init__(
        self,
        train: Dataset,
        validation: Dataset,
        simulation: Simulation,
        lines: int,
        epochs: int,
        seed: int,
        processes: int | None = None,
    ):
        self.identity = {
            "sha256": [train.sha256, validation.sha256],
            "simulation": asdict(simulation),
            "lines": lines,
            "validation": VALIDATION,
            "seed": seed,
        }
        draw = partial(draw_lines, train.images, train.known_labels(), simulation=simulation)
        super().__init__(draw, lines, epochs, seed, CHUNK, processes)
        judges = validation.images, validation.known_labels()
        self._validation = draw_lines(*judges, VALIDATION, [seed, 1 << 20, 1], simulation)

    def pictures(self, epoch: int, difficulty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lines uint8 (N, 48, 256, 1), and what they say: int32 (N, 2, 32), see `encode`."""
        return _answered(self.drawn(epoch))

    def judge(self, network: keras.Model) -> tuple[np.ndarray, np.ndarray]:
        """The loss in nats of each validation line, and whether it is read correctly."""
        images, answers = _answered(self._validation)
        said = line_logits(network, images)
        losses = [
            keras.ops.convert_to_numpy(line_loss(answers[i : i + 256], said[i : i + 256]))
            for i in range(0, len(said), 256)
        ]
        right = keras.ops.convert_to_numpy(self.is_right(answers, said))
        return np.concatenate(losses), right > 0

    @staticmethod
    def is_right(answers: Tensor, said: Tensor) -> Tensor:
        """1 or 0 for each line: whether the likeliest class of each column spells the answer."""
        ops = keras.ops
        answers = ops.cast(answers[:, 0], "int32")
        path = ops.cast(ops.argmax(said, -1), "int32")
        before = ops.pad(path[:, :-1], [[0, 0], [1, 0]])
        spoken = ops.logical_and(path != 0, path != before)
        place = ops.cumsum(ops.cast(spoken, "int32"), axis=1)
        length = ops.sum(ops.cast(answers != 0, "int32"), axis=1)
        last = answers.shape[1] - 1
        wanted = ops.take_along_axis(answers, ops.clip(place - 1, 0, last), axis=1)
        alike = ops.all(ops.logical_or(ops.logical_not(spoken), path == wanted), axis=1)
        return ops.cast(ops.logical_and(alike, place[:, -1] == length), "float32")


def line_logits(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """What ``network`` makes of uint8 (N, 48, W, 1): float32 (N, W / 4, classes)."""
    chunks = range(0, len(images), 128)
    return np.concatenate([network.predict_on_batch(images[i : i + 128]) for i in chunks])


def encode(tokens: str, centres: list[float]) -> np.ndarray:
    """What a line says as the network's classes, and in which of its columns: int32 (2, 32).

    `tokens` are characters of `ALPHABET`, `centres` their places in pixels of the line. Both rows
    are 0 after the last of them.
    """
    answer = np.zeros((2, MOST_TOKENS), np.int32)
    answer[0, : len(tokens)] = [1 + ALPHABET.index(token) for token in tokens]
    answer[1, : len(tokens)] = (np.array(centres) + MARGIN) / COLUMN
    return answer


def _answered(lines: list[Line]) -> tuple[np.ndarray, np.ndarray]:
    answers = [encode(line.tokens, line.centres) for line in lines]
    return as_seen(lines)[..., None], np.stack(answers)

"""Other readers of numbers, to read the same pictures as this project: PP-OCRv6 and Tesseract.

Neither of them was adapted to these pictures. Both are asked for digits alone, and are shown one
line: they do not search a picture for text here.
"""

import csv
import math
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from digitlib.extras import need

DIGITS = "0123456789"
PACKAGES = ("rapidocr", "onnxruntime")  # of the extra [peers]
MODEL = "models/PP-OCRv6_rec_small.onnx"  # in the package rapidocr


class Said(NamedTuple):
    """What a reader says: all digits of a picture, and how sure it is of them, 0 to 1."""

    digits: str
    confidence: float


@dataclass(frozen=True)
class Reader:
    """A reader of numbers.

    Attributes:
        name: of the reader, with its version.
        read: takes a picture uint8 (H, W), or (H, W, 3) in RGB.
        bytes: size of its model; None where that is not known.
    """

    name: str
    read: Callable[[np.ndarray], Said]
    bytes: int | None


@dataclass(frozen=True)
class Preparation:
    """How a line is prepared for PP-OCR.

    Attributes:
        border: columns to each side that repeat the outermost one.
        least_width: grey is added on the right up to this width.
        interpolation: OpenCV's, for the resizing.
    """

    border: int
    least_width: int
    interpolation: int


HEIGHT = 48
AS_RAPIDOCR = Preparation(border=0, least_width=320, interpolation=cv2.INTER_LINEAR)
WITH_BORDER = Preparation(border=16, least_width=0, interpolation=cv2.INTER_AREA)


def load_peers() -> tuple[list[Reader], list[str]]:
    """The readers on this machine, and sentences on those that are not.

    Raises:
        ModuleNotFoundError: when the packages of the extra ``[peers]`` are missing.
    """
    readers = pp_ocr()
    program = shutil.which("tesseract")
    if program is None:
        return readers, ["Tesseract is left out, because no program `tesseract` is installed."]
    return [*readers, tesseract(program)], []


def pp_ocr() -> list[Reader]:
    """PP-OCRv6 small, which the package rapidocr holds, with each of two preparations of a line.

    Raises:
        ModuleNotFoundError: when rapidocr or onnxruntime is missing.
    """
    need("peers", *PACKAGES)
    import onnxruntime

    file = Path(str(distribution("rapidocr").locate_file(f"rapidocr/{MODEL}")))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Its threads would wait for work in a loop, and take time from the reader whose turn it is.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    characters = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    entrance = session.get_inputs()[0].name

    def network(lines: np.ndarray) -> np.ndarray:
        return session.run(None, {entrance: lines})[0][0]

    name = f"PP-OCRv6 small (rapidocr {version('rapidocr')})"
    size = file.stat().st_size
    return [
        Reader(name, digit_reader(network, characters, AS_RAPIDOCR), size),
        Reader(f"{name}, with a border", digit_reader(network, characters, WITH_BORDER), size),
    ]


def digit_reader(
    network: Callable[[np.ndarray], np.ndarray], characters: Sequence[str], preparation: Preparation
) -> Callable[[np.ndarray], Said]:
    """A network of PP-OCR as a reader of digits.

    Args:
        network: float32 (1, 3, 48, W), as `prepare` makes it → probabilities (T, classes), of a
            blank and the `characters`.
        characters: those that the network knows.
        preparation: how a line is prepared.
    """
    classes = [0, *(1 + characters.index(digit) for digit in DIGITS)]
    return lambda picture: decode(network(prepare(picture, preparation))[:, classes])


def prepare(picture: np.ndarray, preparation: Preparation) -> np.ndarray:
    """A picture as PP-OCR sees it: float32 (1, 3, 48, W), blue first, -1 to 1."""
    colour = cv2.COLOR_GRAY2BGR if picture.ndim == 2 else cv2.COLOR_RGB2BGR
    line = cv2.cvtColor(picture, colour)
    width = math.ceil(HEIGHT * line.shape[1] / line.shape[0])
    line = cv2.resize(line, (width, HEIGHT), interpolation=preparation.interpolation)
    border = preparation.border
    line = cv2.copyMakeBorder(line, 0, 0, border, border, cv2.BORDER_REPLICATE)
    lacking = max(0, preparation.least_width - line.shape[1])
    scaled = line.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1
    return np.pad(scaled, ((0, 0), (0, 0), (0, 0), (0, lacking)))


def decode(probabilities: np.ndarray) -> Said:
    """The digits of the most likely path through probabilities (T, 11), of a blank and the digits.

    The confidence is that of rapidocr: the mean probability of the characters, 0 for none.
    """
    codes = probabilities.argmax(axis=1)
    starts = (codes > 0) & (np.diff(codes, prepend=0) != 0)
    if not starts.any():
        return Said("", 0.0)
    digits = "".join(DIGITS[code - 1] for code in codes[starts])
    return Said(digits, float(probabilities.max(axis=1)[starts].mean()))


def tesseract(program: str) -> Reader:
    """Tesseract, told that it sees one line of digits. It is started anew for each picture.

    A picture that it refuses, or does not read in half a minute, is one without digits.
    """

    def run(*arguments: str, picture: bytes = b"") -> str:
        given = [program, *arguments]
        done = subprocess.run(given, input=picture, capture_output=True, check=True, timeout=30)
        return done.stdout.decode()

    limits = ["--psm", "7", "-c", f"tessedit_char_whitelist={DIGITS}"]

    def read(picture: np.ndarray) -> Said:
        pixels = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        file = cv2.imencode(".png", pixels)[1].tobytes()
        try:
            return words_said(run("stdin", "stdout", *limits, "tsv", picture=file))
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return Said("", 0.0)

    # It names the folder of its models in quotation marks: "/usr/share/tesseract-ocr/5/tessdata/"
    folder = re.search('"(.+)"', run("--list-langs"))
    model = Path(folder[1]) / "eng.traineddata" if folder else None
    size = model.stat().st_size if model and model.is_file() else None
    return Reader(f"Tesseract {run('--version').split()[1]}", read, size)


def words_said(table: str) -> Said:
    """The digits in Tesseract's table of words, with the least confidence of a word; 0 for none."""
    rows = csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = [(row["text"].strip(), float(row["conf"])) for row in rows if row["text"]]
    words = [(word, confidence) for word, confidence in words if word]
    least = min((confidence for _, confidence in words), default=0.0)
    return Said("".join(word for word, _ in words), least / 100)

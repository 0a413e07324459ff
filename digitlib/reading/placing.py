"""Are the digits of a data set upright, and their ink bright? A reader tells, and names the remedy.

EMNIST's files have the names of MNIST's, and their digits are turned and mirrored. Whoever learns
from them would not notice: a network learns them as well.
"""

from itertools import combinations

import numpy as np

from digitlib.pixels.digit_files import changed
from digitlib.pixels.polarity import has_ink, with_bright_ink
from digitlib.reading.recognizer import Recognizer

SAMPLE = 200  # images that are looked at
FEWEST = 20  # of fewer, chance would tell
MARGIN = 0.15  # by how much another way must be read more surely
TURNS = ("transpose", "mirror", "flip")  # together they make all eight ways a square can lie


def remedy(recognizer: Recognizer, images: np.ndarray) -> str:
    """What puts images right that all lie in another way, or have dark ink, in words.

    Args:
        recognizer: who reads a sample of them.
        images: uint8 (N, 28, 28).

    Returns:
        Words such as "the digits seem to be turned or mirrored (…); add ?transpose to the
        name of the data"; "" where nothing seems wrong, or too few images have ink.
    """
    images = images[has_ink(images)]
    if len(images) < FEWEST:
        return ""
    some = images[np.linspace(0, len(images) - 1, min(SAMPLE, len(images))).astype(int)]
    bright = with_bright_ink(some)
    dark = float((bright != some).any(axis=(1, 2)).mean())
    ways = [list(way) for n in range(len(TURNS) + 1) for way in combinations(TURNS, n)]
    sure = [float(recognizer.classify(changed(bright, way)).max(axis=1).mean()) for way in ways]
    best = int(np.argmax(sure))
    found, changes = [], []
    if sure[best] > sure[0] + MARGIN:
        found.append(
            f"turned or mirrored ({sure[best]:.0%} sure when put right, else {sure[0]:.0%})"
        )
        changes += ways[best]
    if dark > 0.5:
        found.append(f"of dark ink on bright paper ({dark:.0%} of them)")
        changes.append("invert")
    if not changes:
        return ""
    return (
        f"the digits seem to be {' and '.join(found)}; add ?{','.join(changes)} to the data's name"
    )

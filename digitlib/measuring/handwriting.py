"""Other people's handwriting, to judge a finished model by; nothing here may train one.

A set holds pictures as somebody took or drew them, the digits that they show and, where it is
known, who wrote them. Sets come from three places: the bundled digits, laid on simulated paper
and on a simulated screen; a folder of collected handwriting; and a user's own pictures.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest
from pathlib import Path
from string import ascii_lowercase
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from digitlib.artifacts import resolve, writing
from digitlib.datasets import load_dataset
from digitlib.pixels.decoding import Picture, load
from digitlib.pixels.digit_files import DataError, opened
from digitlib.pixels.formats import NO_PICTURE, is_picture
from digitlib.synthetic.numerals import draw_hands, write
from digitlib.synthetic.paper import on_paper, on_screen

# The collected sets: what each holds, and what its pictures are grouped by ("" for no groups).
COLLECTED = {
    "canvas": ("drawn with mouse, finger or tablet", "writer"),
    "photos": ("phone photos of pen on paper", "writer"),
    "photos_binarised": ("phone photos, made black and white", ""),
    "newspaper": ("written into newspaper sudokus, phone photos", "photo"),
    "scans": ("pen on paper, scanned at 600 dpi", "row"),
    "hands": ("scanned on a flatbed, most of them Swiss", "writer"),
    "pendigits": ("strokes of a digital pen, drawn 3 px wide", "writer"),
    "usps": ("US postal digits, 16×16 pixels", ""),
}
# Letters that can be read as a digit, and a kind of picture whose labels nobody checked.
LOOKALIKES = ("I", "J", "b", "l", "o", "q", "z")
UNCHECKED = "indic_digit_photo"
SIMULATED = "(simulated)"
HANDS, TIMES = 10, 5  # how many drawn hands are bundled, and how often each writes every digit


@dataclass(frozen=True, eq=False)
class Handwriting:
    """Pictures of one digit each.

    Attributes:
        name: of the set.
        pictures: N of them: paths, or arrays uint8 (H, W) or (H, W, 3), of any size and polarity.
        labels: uint8 (N,), 0 to 9.
        source: where they come from, for a reader.
        groups: (N,), equal for pictures by the same writer or from the same sheet; None where
            nobody noted them.
        unit: what a group is: writer, photo or row.
    """

    name: str
    pictures: Sequence[Picture]
    labels: np.ndarray
    source: str
    groups: np.ndarray | None = None
    unit: str = ""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: np.ndarray) -> "Handwriting":
        """The pictures at ``index``, integers."""
        groups = None if self.groups is None else self.groups[index]
        pictures = [self.pictures[i] for i in index]
        return replace(self, pictures=pictures, labels=self.labels[index], groups=groups)

    def spread(self, limit: int) -> np.ndarray:
        """Indices of at most ``limit`` pictures, spread evenly over the set."""
        return np.linspace(0, len(self) - 1, min(len(self), limit)).astype(int)

    def hand(self, i: int) -> str:
        """A name for the writer of picture ``i``; one of its own where nobody noted the writer."""
        return f"{self.name} {i if self.groups is None else self.groups[i]}"

    def look(self, i: int) -> np.ndarray:
        """Picture ``i`` to be shown: uint8 (H, W) or (H, W, 3)."""
        picture = self.pictures[i]
        return picture if isinstance(picture, np.ndarray) else load(picture).grey


class Collection(NamedTuple):
    """The sets that could be loaded, and in ``notes`` what could not be, as sentences."""

    sets: list[Handwriting]
    notes: list[str]


def load_handwriting(
    where: str = "bundled", own_pictures: str = "", limit: int = 0, seed: int = 0
) -> Collection:
    """Load sets of handwriting.

    Args:
        where: ``bundled``; a folder of collected sets; or ``data`` for the folder
            ``$DIGITLIB_DATA/handwriting``. If that has none, the bundled sets and a note are given.
        own_pictures: a folder whose folders 0 to 9 hold more pictures; "" for none.
        limit: at most this many pictures of each set, drawn at random; 0 for all.
        seed: fixes that draw, and the simulated pictures.

    Raises:
        DataError: for a folder that does not exist or holds nothing, or a damaged file.
    """
    sets, notes = _collected(where, seed) if where != "bundled" else (bundled(seed), [])
    if own_pictures:
        own, left_out = _own(resolve(own_pictures))
        sets.append(own)
        notes += left_out
    random = np.random.default_rng(seed)
    chosen = [s.take(np.sort(random.permutation(len(s))[: limit or len(s)])) for s in sets]
    return Collection(chosen, notes)


def is_simulated(sets: list[Handwriting]) -> bool:
    """Whether every set was simulated."""
    return all(SIMULATED in one.name for one in sets)


def one_of_each(sets: list[Handwriting]) -> Handwriting:
    """A picture of each digit that occurs, from the sets in turn."""
    pictures = {}
    for digit in range(10):
        first = digit % len(sets)
        for one in sets[first:] + sets[:first]:
            there = np.flatnonzero(one.labels == digit)
            if len(there):
                pictures[digit] = one.look(there[len(there) // 2])
                break
    labels = np.array(list(pictures), np.uint8)
    return Handwriting("one of each", list(pictures.values()), labels, "all sets")


def in_turn(lists: Iterable[Sequence]) -> list:
    """The first of each list, then the second of each, and so on."""
    return [item for layer in zip_longest(*lists) for item in layer if item is not None]


def load_nondigits(where: str) -> np.ndarray | None:
    """Collected characters that are no digits, uint8 (N, 28, 28), bright on 0; None if not there.

    Letters that can be read as a digit are left out. ``where`` is as for ``load_handwriting``.
    """
    file = collected_folder(where) / "not_digits.npz"
    if where == "bundled" or not file.exists():
        return None
    images, kinds, items = _arrays(file, "images", "kind", "item")
    letters = np.array([_letter(str(item)) for item in items])
    return images[(kinds != UNCHECKED) & ~np.isin(letters, LOOKALIKES)]


def _letter(item: str) -> str:
    """What an item shows: Omniglot numbers the letters a to z of its Latin alphabet from 1 on."""
    alphabet, _, number = item.partition("/character")
    return ascii_lowercase[int(number) - 1] if alphabet == "Latin" else item


def bundled(seed: int = 0) -> list[Handwriting]:
    """Half the test digits that scikit-learn bundles on simulated paper, the others on a screen.

    And pen-drawn digits on paper, by hands whose writers are known.
    """
    digits = load_dataset("optdigits", "test")
    made = {
        f"paper {SIMULATED}": (on_paper, "laid on coloured, ruled, unevenly lit paper"),
        f"screen {SIMULATED}": (on_screen, "small and off-centre, half of them bright on black"),
    }
    sets = []
    for start, (name, (lay, source)) in enumerate(made.items()):
        random = np.random.default_rng(seed)
        own = digits.take(np.arange(start, len(digits), len(made)))
        pictures = [lay(image, random) for image in own.images]
        sets.append(Handwriting(name, pictures, own.known_labels(), f"optdigits, {source}"))
    return [*sets, _drawn(seed)]


def _drawn(seed: int) -> Handwriting:
    random = np.random.default_rng(seed)
    hands = draw_hands(HANDS, random, ("forms", "unseen"))
    who, digits = np.divmod(np.arange(10 * HANDS).repeat(TIMES), 10)
    pictures = [on_paper(image, random) for image in write(hands, who, digits, random)]
    labels, source = digits.astype(np.uint8), "by invented writers, laid on paper"
    return Handwriting(f"hands {SIMULATED}", pictures, labels, source, who, "writer")


def collected_folder(where: str = "data") -> Path:
    """The folder of collected handwriting; ``where`` is as for ``load_handwriting``."""
    if where != "data":
        return resolve(where)
    return resolve(os.environ.get("DIGITLIB_DATA") or "data") / "handwriting"


def _collected(where: str, seed: int) -> tuple[list[Handwriting], list[str]]:
    folder = collected_folder(where)
    files = [folder / f"{name}.npz" for name in COLLECTED]
    there = [file for file in files if file.exists()]
    if not there and where == "data":
        note = (
            f"There is no collected handwriting in {folder}, so the bundled digits are shown "
            "instead: set DIGITLIB_DATA to the folder that holds handwriting/, or give "
            "`own_pictures`, a folder with your own in 0 to 9."
        )
        return bundled(seed), [note]
    if not there:
        raise DataError(
            f"{folder}: no handwriting here; it should hold one or more of "
            f"{', '.join(file.name for file in files)}, or use handwriting: bundled"
        )
    missing = [file.name for file in files if file not in there]
    notes = [f"Not in {folder}: {', '.join(missing)}."] if missing else []
    return [_collected_set(file) for file in there], notes


def _collected_set(file: Path) -> Handwriting:
    source, unit = COLLECTED[file.stem]
    (labels,) = _arrays(file, "labels")
    if file.stem == "pendigits":
        pictures = draw_recordings(*_arrays(file, "points", "offsets"))
    else:
        pictures = list(*_arrays(file, "images"))
    if len(pictures) != len(labels) or labels.max(initial=0) > 9:
        raise DataError(f"{file}: labels must be 0 to 9, one for each of {len(pictures)} pictures")
    groups = _arrays(file, unit)[0] if unit else None
    return Handwriting(file.stem, pictures, labels.astype(np.uint8), source, groups, unit)


def draw_recordings(points: np.ndarray, offsets: np.ndarray) -> list[np.ndarray]:
    """Draw what a digital pen recorded: a picture uint8 (128, 128), bright on 0, of each digit.

    Args:
        points: int (P, 3): x, y (upwards) and the number of the stroke.
        offsets: int (N + 1,): digit i is ``points[offsets[i]:offsets[i + 1]]``.
    """
    pictures = []
    for start, stop in pairwise(offsets):
        path = points[start:stop, :2] * np.array([1.0, -1.0])
        low, extent = path.min(axis=0), np.ptp(path, axis=0)
        path = (path - low - extent / 2) * (100 / max(extent.max(), 1)) + 64
        dots = np.round(path * 16).astype(np.int32)  # cv2 takes sixteenths of a pixel
        page = np.zeros((128, 128), np.uint8)
        ends = np.flatnonzero(np.diff(points[start:stop, 2])) + 1
        cv2.polylines(page, np.split(dots, ends), False, 255, 3, cv2.LINE_AA, 4)
        pictures.append(page)
    return pictures


def _arrays(file: Path, *names: str) -> list[np.ndarray]:
    with opened(file, f"a file of {' and '.join(names)}"), file.open("rb") as stream:
        arrays = np.load(stream, allow_pickle=False)
        return [arrays[name] for name in names]


def _own(folder: Path) -> tuple[Handwriting, list[str]]:
    """A user's own pictures, and notes on the files left out.

    Pictures that seem to be empty stay in: not to find the digit in one is a mistake that counts.
    """
    files = [p for digit in range(10) for p in sorted((folder / str(digit)).glob("*"))]
    used = [p for p in files if is_picture(p)]
    if not used:
        raise DataError(
            f"{folder}: no pictures here; put JPEG or PNG files of one digit each into "
            f"{folder / '0'} to {folder / '9'}"
        )
    labels = np.array([int(p.parent.name) for p in used], np.uint8)
    left_out = [f"Left out: {p} is {NO_PICTURE}." for p in files if p not in used]
    return Handwriting("own pictures", used, labels, f"pictures in {folder.name}/"), left_out


def write_examples(folder: str | Path, count: int, seed: int = 0) -> str:
    """Write ``count`` simulated photos into ``folder``/0 … 9, and a damaged one beside them.

    Returns:
        The folder's absolute path.
    """
    folder = resolve(folder)
    photos = in_turn([[(one, i) for i in range(len(one))] for one in bundled(seed)])
    for number, (one, i) in enumerate(photos[:count]):
        with writing(folder / str(one.labels[i]) / f"{number:03d}.png") as unfinished:
            Image.fromarray(one.look(i)).save(unfinished)
    with writing(folder / "torn.png") as unfinished:
        unfinished.write_bytes(b"\x89PNG\r\n\x1a\n")
    return str(folder)

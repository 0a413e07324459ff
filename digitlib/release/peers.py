"""Read the same pictures with this project and with other readers; ``make benchmark PEERS=1``.

    python -m digitlib.release.peers

The readers take turns at each picture, so that a busy moment hits them all. The numbers go to
``outputs/benchmark/metrics/peers.json``, from which `make readme` writes docs/results.md.
"""

import os
import sys
import time
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from digitlib import Recognizer, artifacts
from digitlib.measuring import lines as line_sets
from digitlib.measuring.comparison import paired_test
from digitlib.measuring.handwriting import load_handwriting
from digitlib.measuring.lines import LineSet
from digitlib.measuring.peers import PACKAGES, Reader, Said, load_peers
from digitlib.pixels.decoding import Picture
from digitlib.reading.models import PRETRAINED, PRETRAINED_LINES, PRETRAINED_SHEETS, checksum
from digitlib.reporting.findings.words import bullets, listed
from digitlib.reporting.tables import markdown
from digitlib.synthetic.lines import Simulation

OUTPUT, NAME = "outputs/benchmark", "peers"
OWN = "digitlib"
# Sets whose pictures are a line or a digit each. On the other ones it would have to be found first,
# which the other readers are not asked to do.
LINES = ("amounts",)
SINGLES = ("canvas", "photos", "newspaper", "scans")
LIMIT = 300  # pictures of each set of single digits, and simulated lines
SEED = 0


def compare_with(peers: Sequence[Reader]) -> list[dict]:
    """A row for each set and reader, this project's first; see `compare` for the keys."""
    readers, rows = [own_reader(), *peers], []
    for one in sets():
        print(f"{one.name}: {len(one)} pictures", flush=True)
        rows += compare(readers, one)
    return rows


def sets() -> list[LineSet]:
    """What is read: the collected sets, where they are at hand, and simulated lines."""
    collected = [one for one in line_sets.collected() if one.name in LINES]
    for digits in load_handwriting("data", limit=LIMIT, seed=SEED).sets:
        if digits.name in SINGLES:
            numbers = [[str(label)] for label in digits.labels]
            source = f"single digits, {digits.source}"
            collected.append(LineSet(digits.name, digits.pictures, numbers, source))
    return [*collected, line_sets.simulated(None, LIMIT, [SEED, 7], Simulation())]


def shipped_models() -> list[str]:
    """The checksums of the models that read here."""
    return [checksum(folder) for folder in (PRETRAINED, PRETRAINED_LINES, PRETRAINED_SHEETS)]


def own_reader() -> Reader:
    """This project with the models that ship."""
    recognizer = Recognizer()

    def read(picture: np.ndarray) -> Said:
        reading = recognizer.read_digits(picture)
        return Said(line_sets.digits_of(reading.text), reading.confidence)

    files = (recognizer.file, recognizer.line_reader.file, recognizer.marker.file)
    return Reader(OWN, read, sum(file.stat().st_size for file in files))


def compare(readers: Sequence[Reader], lines: LineSet) -> list[dict]:
    """Have all readers read a set.

    Returns:
        A row for each reader: set, source, reader; n, correct, accuracy_percent, low_percent and
        high_percent as of ``statistics.accuracy``, of pictures whose digits are all right;
        surest_half_percent, the same of the half that the reader is surest of; p50_ms; bytes; and
        paired, the first reader against this one, as of ``comparison.paired_test``.
    """
    pictures = [pixels(picture) for picture in lines.pictures]
    said: dict[str, list[Said]] = {reader.name: [] for reader in readers}
    seconds: dict[str, list[float]] = {reader.name: [] for reader in readers}
    for reader in readers:
        reader.read(pictures[0])  # what is made at the first reading is made now
    for i, picture in enumerate(pictures):
        first = i % len(readers)
        for reader in [*readers[first:], *readers[:first]]:
            start = time.perf_counter()
            said[reader.name].append(reader.read(picture))
            seconds[reader.name].append(time.perf_counter() - start)
    wanted = [lines.digits(i) for i in range(len(lines))]
    right = {
        name: np.array([one.digits == digits for one, digits in zip(own, wanted, strict=True)])
        for name, own in said.items()
    }
    return [
        {"set": lines.name, "source": lines.source, "reader": name}
        | line_sets.right_and_surest_half(right[name], np.array([one.confidence for one in own]))
        | {"p50_ms": 1e3 * float(np.median(seconds[name])), "bytes": reader.bytes}
        | {"paired": paired_test(np.ones(len(wanted)), right[readers[0].name], right[name])}
        for reader, (name, own) in zip(readers, said.items(), strict=True)
    ]


def pixels(picture: Picture) -> np.ndarray:
    """A picture as every reader is given it, uint8: an array as it is, a file (H, W, 3) in RGB."""
    if not isinstance(picture, str | os.PathLike):
        return np.asarray(picture)
    with Image.open(picture) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def peers_table(rows: Sequence[dict]) -> str:
    """The rows as a Markdown table that also reads well on a terminal."""
    heads = [
        "pictures", "reader", "n", "read correctly", "95 % interval", "surest half", "p50", "size",
    ]  # fmt: skip
    cells = [
        [
            row["set"],
            f"**{row['reader']}**" if row["reader"] == OWN else row["reader"],
            f"{row['n']:,}",
            f"{row['accuracy_percent']:.1f} %",
            f"{row['low_percent']:.1f} – {row['high_percent']:.1f}",
            f"{row['surest_half_percent']:.1f} %",
            f"{row['p50_ms']:.1f} ms",
            f"{row['bytes'] / 1e6:.1f} MB" if row["bytes"] else "–",
        ]
        for row in rows
    ]
    return markdown(heads, cells, left=2)


def verdict(rows: Sequence[dict]) -> str:
    """Who reads more of which set, a line for each other reader; by paired 95 % intervals."""
    others = list(dict.fromkeys(row["reader"] for row in rows if row["reader"] != OWN))
    return bullets(_against([row for row in rows if row["reader"] == name]) for name in others)


def _against(rows: Sequence[dict]) -> str:
    more = [row for row in rows if row["paired"]["low_percent"] > 0]
    less = [row for row in rows if row["paired"]["high_percent"] < 0]
    told = [
        f"{who} reads more of {listed(map(_by_points, found))}"
        for who, found in (("this project", more), ("it", less))
        if found
    ]
    alike = [f"`{row['set']}`" for row in rows if row not in more and row not in less]
    if alike:
        told.append(f"on {listed(alike)} the two cannot be told apart")
    return f"Against **{rows[0]['reader']}**: {'; '.join(told)}."


def _by_points(row: dict) -> str:
    by = row["paired"]
    ends = sorted(abs(by[end]) for end in ("low_percent", "high_percent"))
    points = abs(by["difference_percent"])
    return f"`{row['set']}` (by {points:.1f} points, 95 % interval {ends[0]:.1f} to {ends[1]:.1f})"


def find_peers() -> tuple[list[Reader], list[str]]:
    """As ``measuring.peers.load_peers``; the program ends where packages are missing."""
    try:
        return load_peers()
    except ModuleNotFoundError as missing:
        sys.exit(str(missing))


def measure(peers: Sequence[Reader], notes: Sequence[str]) -> str:
    """Have all sets read by this project and by these, keep the numbers, and return the table."""
    rows = compare_with(peers)
    measured = artifacts.provenance() | {
        "versions": artifacts.versions(*PACKAGES),
        "models_sha256": shipped_models(),
        "notes": notes,
        "rows": rows,
    }
    artifacts.save_metrics(OUTPUT, NAME, measured)
    return "\n\n".join([peers_table(rows), verdict(rows), *notes])


def main() -> None:
    """Compare with the readers on this machine, and print the table."""
    print(measure(*find_peers()))


if __name__ == "__main__":
    main()

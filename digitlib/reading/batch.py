"""Many pictures at once: a row for each, on all cores, in bounded memory, resumable.

A picture that cannot be read is a row that says why, and never the end of the run. Where several
processes read, that is also true of one that kills its process.
"""

import csv
import hashlib
import io
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import numpy as np

from digitlib.artifacts import load_card, resolve, write_json, writing
from digitlib.pixels.decoding import Picture, PictureError
from digitlib.pixels.digit_files import DataError
from digitlib.pixels.polarity import has_ink
from digitlib.reading.models import PRETRAINED, PRETRAINED_LINES, PRETRAINED_SHEETS, checksum
from digitlib.reading.numbers import Reading
from digitlib.reading.one_hand import of_one_hand, spread
from digitlib.reading.processes import ProcessDied, RecognizerProcess
from digitlib.reading.recognizer import Recognizer
from digitlib.reading.rows import COLUMNS, NO_DIGIT, Row, status
from digitlib.reading.sources import Chunk, Part, Source
from digitlib.safekeeping import only_writer, whole_json

PICTURES_PER_CHUNK, DIGITS_PER_CHUNK = 50, 2000  # picture files; digits of an array or a table
CHUNKS_WORTH_PROCESSES = 4  # with fewer, starting processes takes longer than they save


def read_chunk(recognizer: Recognizer, chunk: Chunk) -> list[Row]:
    """Read a chunk of a source: a row for each of its pictures, in order."""
    if isinstance(chunk.pictures, np.ndarray):
        inked = has_ink(chunk.pictures)
        answers = recognizer.classify(chunk.pictures[inked])
        return _of_digits(chunk, inked, answers, recognizer.threshold)
    return [as_row(*one) for one in _attempts(recognizer, chunk)]


def read_as_one_hand(recognizer: Recognizer, chunks: Iterable[Chunk]) -> Iterator[Row]:
    """Read a whole source together, as written by one person; see ``one_hand``.

    Raises:
        DataError: for more digits than can be compared.
    """
    digits: list[tuple[Chunk, np.ndarray]] = []
    images: list[np.ndarray] = []
    pictures: list[tuple[str, int | None, Reading | str]] = []
    for chunk in chunks:
        if isinstance(chunk.pictures, np.ndarray):
            inked = has_ink(chunk.pictures)
            digits.append((chunk, inked))
            images.append(chunk.pictures[inked])
        else:
            pictures += _attempts(recognizer, chunk)
    if digits:
        all_images = np.concatenate(images)
        shares = spread(all_images, recognizer.classify(all_images))
        for chunk, inked in digits:
            own, shares = np.split(shares, [inked.sum()])
            yield from _of_digits(chunk, inked, own, recognizer.threshold)
        return  # a source has digits or pictures; the line network is for pictures
    again = as_one_hand(recognizer, [said for _, _, said in pictures])
    for (name, truth, _), said in zip(pictures, again, strict=True):
        yield as_row(name, truth, said)


def as_one_hand(recognizer: Recognizer, said: Sequence[Reading | str]) -> list[Reading | str]:
    """What pictures say when they are read together; see ``one_hand`` and ``attempt``."""
    readings = [one for one in said if isinstance(one, Reading)]
    again = iter(of_one_hand(readings, recognizer.line_reader.threshold))
    return [next(again) if isinstance(one, Reading) else one for one in said]


def _attempts(
    recognizer: Recognizer, chunk: Chunk
) -> Iterator[tuple[str, int | None, Reading | str]]:
    """Of each picture its name, its truth, and what it says or why it could not be read."""
    for i, (name, truth) in enumerate(zip(chunk.names, chunk.truths, strict=True)):
        fault = chunk.faults.get(i)
        yield name, truth, fault or attempt(recognizer, chunk.pictures[i])


def attempt(recognizer: Recognizer, picture: Picture) -> Reading | str:
    """What a picture says, or why it could not be read; never raises, whatever it is."""
    try:
        return recognizer.read_digits(picture)
    except PictureError as fault:
        return fault.reason
    except Exception as fault:  # of ours: it must not end a night's run, nor be kept secret
        return f"a fault in reading it: {fault!r}"


def as_row(name: str, truth: int | None, said: Reading | str) -> Row:
    """What is told of a picture called ``name``, of what ``attempt`` said of it."""
    if isinstance(said, str):
        return Row(name, truth=truth, error=said)
    if not said.digits:
        return Row(name, truth=truth, error=NO_DIGIT)
    return Row(
        name,
        text=" ".join(said.text.split()),
        confidence=said.confidence,
        status=status(said.confidence),
        accepted=said.accepted,
        boxes=tuple(digit.box for digit in said.digits),
        truth=truth,
        numbers=tuple(number.as_json() for number in said.numbers),
    )


def predict(
    source: Source | Part,
    output: str | Path,
    model_dir: str | Path = PRETRAINED,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
    overwrite: bool = True,
    one_hand: bool = False,
) -> Path:
    """Read a whole source into a CSV table.

    Rows are written as they are read, to ``<output>.part``; a run that was stopped goes on there,
    if source and model are the same. ``output`` appears when the last row is written.

    Args:
        source: see ``sources.open_source``.
        output: the table, with ``COLUMNS``.
        model_dir: who reads.
        workers: processes; 0 for one per core, where there is enough to do.
        progress: called with the number of rows done and of all.
        overwrite: False leaves a table that is there, or the beginning of one of other pictures.
        one_hand: read all together, as written by one person (``one_hand``);
            in one process and from the start.

    Returns:
        The table's path.

    Raises:
        DataError: when ``output`` is a folder, a file that is no such table, or may not be lost.
        ArtifactError: when there is no model in the folder.
        BeingWritten: when another process writes this table.
    """
    load_card(model_dir)
    output = resolve(output)
    if output.is_dir():
        raise DataError(f"{output} is a folder; name a file for the table")
    if output.exists() and not _is_table(output):
        raise DataError(f"{output} is there and no table of readings; name another file")
    output.parent.mkdir(parents=True, exist_ok=True)
    part, job = output.with_name(output.name + ".part"), output.with_name(output.name + ".job")
    identity = identity_of(source, model_dir)
    with only_writer(output):
        if not overwrite:
            _refuse_to_lose(output, part, job, identity)
        if one_hand:
            return _together(source, output, Recognizer(model_dir), progress)
        done = _resume(part, job, identity)
        size = DIGITS_PER_CHUNK if source.of_digits else PICTURES_PER_CHUNK
        enough = len(source) - done > CHUNKS_WORTH_PROCESSES * size
        processes = (workers or os.cpu_count() or 1) if enough else 1
        with (
            part.open("a", newline="", encoding="utf-8") as stream,
            closing(_read(source.chunks(size, done), model_dir, processes)) as read,
        ):
            for rows in read:
                text = io.StringIO()
                csv.writer(text).writerows(row.cells() for row in rows)
                stream.write(text.getvalue())
                stream.flush()
                os.fsync(stream.fileno())  # before it is noted that they are there
                done += len(rows)
                write_json(job, {"source": identity, "rows": done, "bytes": stream.tell()})
                if progress:
                    progress(done, len(source))
        os.replace(part, output)
        job.unlink()
    return output


def _refuse_to_lose(output: Path, part: Path, job: Path, identity: str) -> None:
    if output.exists():
        raise DataError(
            f"{output} is there already; name another file, or overwrite it (--overwrite)"
        )
    begun = whole_json(job) or {}  # what an unfinished run noted about itself
    if part.exists() and begun.get("source") != identity:
        raise DataError(
            f"{part} is the beginning of a table of other pictures; finish that, name another "
            "file, or overwrite it (--overwrite)"
        )


def _together(
    source: Source | Part,
    output: Path,
    recognizer: Recognizer,
    progress: Callable[[int, int], None] | None,
) -> Path:
    def counted() -> Iterator[Chunk]:
        done = 0
        for chunk in source.chunks(PICTURES_PER_CHUNK):
            yield chunk
            done += len(chunk.names)
            if progress:
                progress(done, len(source))

    rows = [row.cells() for row in read_as_one_hand(recognizer, counted())]
    with writing(output) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return output


def write_submission(table: str | Path, output: str | Path) -> Path:
    """Kaggle's ``ImageId,Label`` from a table of ``predict``; what was not read is a 0."""
    output = resolve(output)
    with (
        resolve(table).open(newline="", encoding="utf-8") as stream,
        writing(output) as unfinished,
        unfinished.open("w", newline="", encoding="utf-8") as target,
    ):
        writer = csv.writer(target)
        writer.writerow(["ImageId", "Label"])
        for row in csv.DictReader(stream):
            writer.writerow([row["file"], row["text"] or 0])
    return output


def _of_digits(chunk: Chunk, inked: np.ndarray, answers: np.ndarray, threshold: float) -> list[Row]:
    """The rows of a chunk of digits: which have ink, bool (N,), and the probabilities of these."""
    rows, said = [], iter(answers)
    for i, (name, truth) in enumerate(zip(chunk.names, chunk.truths, strict=True)):
        if not inked[i]:
            rows.append(Row(name, truth=truth, error=chunk.faults.get(i, NO_DIGIT)))
            continue
        answer = next(said)
        sure = float(answer.max())
        accepted = sure >= threshold
        rows.append(Row(name, str(answer.argmax()), sure, status(sure), accepted, (), truth))
    return rows


def _read(chunks: Iterator[Chunk], model_dir: str | Path, workers: int) -> Generator[list[Row]]:
    """The rows of each chunk, in order; a few chunks are on their way at a time."""
    recognizer = Recognizer(model_dir)  # a model that is damaged is told of here
    if workers == 1:
        for chunk in chunks:
            yield read_chunk(recognizer, chunk)
        return
    processes = [RecognizerProcess(model_dir) for _ in range(workers)]
    idle: SimpleQueue[int] = SimpleQueue()
    for number in range(workers):
        idle.put(number)
    stopped = Event()

    def read(chunk: Chunk) -> list[Row]:
        number = idle.get()
        try:
            return processes[number].call(read_chunk, chunk)
        except ProcessDied:
            if stopped.is_set() or not processes[number].ready:
                raise
            processes[number] = RecognizerProcess(model_dir)
        finally:
            idle.put(number)
        if len(chunk.names) == 1:
            died = "the process reading it died"
            return [Row(chunk.names[0], truth=chunk.truths[0], error=died)]
        return [row for i in range(len(chunk.names)) for row in read(chunk.take(i, i + 1))]

    threads = ThreadPoolExecutor(workers)
    waiting: deque[Future[list[Row]]] = deque()
    try:
        for chunk in chunks:
            waiting.append(threads.submit(read, chunk))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        stopped.set()
        for process in processes:
            process.end()
        threads.shutdown(cancel_futures=True)


def identity_of(source: Source | Part, model_dir: str | Path) -> str:
    """A checksum of what the rows depend on: columns, models, and which pictures there are, how."""
    folders = (model_dir, PRETRAINED_LINES, PRETRAINED_SHEETS)
    models = [(checksum(folder), load_card(folder)) for folder in folders]
    digest = hashlib.sha256(f"{COLUMNS} {models} {source.changes}".encode())
    for file in source.files:
        entry = file.stat() if file.exists() else None
        state = (entry.st_size, entry.st_mtime_ns) if entry else "gone"
        digest.update(os.fsencode(file) + f" {state}\n".encode())
    return digest.hexdigest()


def _is_table(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.readline().strip() == ",".join(COLUMNS).encode()


def _resume(part: Path, job: Path, identity: str) -> int:
    """Rows that an earlier run of the same job has written; the table is cut after them."""
    state = whole_json(job) or {}
    if state.get("source") == identity and part.exists() and part.stat().st_size >= state["bytes"]:
        with part.open("r+b") as stream:
            stream.truncate(state["bytes"])
        return state["rows"]
    heading = (",".join(COLUMNS) + "\r\n").encode()
    # First whose table it is: without that, a run that is killed here is not gone on with.
    write_json(job, {"source": identity, "rows": 0, "bytes": len(heading)})
    part.write_bytes(heading)
    return 0

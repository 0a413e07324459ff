"""The ``digitlib`` command: ``predict``, ``sheet``, ``serve``, ``site`` and ``models``.

Exit codes: 0 when everything was read, 1 when something was not, 2 for a wrong command.
"""

import argparse
import csv
import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from digitlib import __version__
from digitlib.apps.service.limits import Limits
from digitlib.apps.sheet_command import add_sheet_command
from digitlib.apps.shell import StandardInput, UsageError, check_target, file_name, source_of
from digitlib.apps.site import write_site
from digitlib.artifacts import ArtifactError, load_card
from digitlib.extras import need
from digitlib.pixels.digit_files import DataError
from digitlib.reading.batch import predict, read_as_one_hand, read_chunk, write_submission
from digitlib.reading.models import PRETRAINED, find_models
from digitlib.reading.numbers import MISREAD
from digitlib.reading.placing import remedy
from digitlib.reading.recognizer import Recognizer
from digitlib.reading.rows import COLUMNS, Row
from digitlib.reading.sources import Digits, Source
from digitlib.terminal import print_anywhere

EXAMPLES = """\
examples:
  digitlib predict seven.jpg cheque.png       what they say
  digitlib predict scans/ --csv scans.csv     a whole folder into a table; resumable
  digitlib predict test.csv --csv out.csv --submission submission.csv
                                              28×28 digits (.csv, .npy, .npz, IDX, .parquet)
  curl -s URL | digitlib predict - --json     a picture from standard input
  digitlib sheet photo.jpg --xlsx out.xlsx    a photo of a table or form into a spreadsheet
  digitlib sheet forms/ --xlsx sheets         of many forms a spreadsheet each
  digitlib site                               digits.html: a page that reads what is drawn on it
"""
Commands = argparse._SubParsersAction
AT_A_TIME = 20  # pictures, between two lines of output
AT_A_LOOK = 1000  # digits of a table or of arrays, by which is seen how they lie


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    print_anywhere()
    parser = argparse.ArgumentParser(
        prog="digitlib",
        description="Read handwritten digits.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"digitlib {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_predict(commands)
    add_sheet_command(commands)
    _add_serve(commands)
    _add_site(commands)
    commands.add_parser("models", help="list the models there are here").set_defaults(run=_models)
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help()
        return 0
    try:
        return chosen.run(chosen)
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        return 0
    except (UsageError, DataError, ArtifactError, OSError, ModuleNotFoundError) as fault:
        print(f"digitlib: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"digitlib: interrupted{stop}", file=sys.stderr)
        return 130


def _add_predict(commands: Commands) -> None:
    predicting = commands.add_parser(
        "predict",
        help="read pictures",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    predicting.add_argument(
        "pictures",
        nargs="+",
        type=file_name,
        metavar="PICTURES",
        help="pictures, a folder, a zip file, a file of digits, or - for standard input",
    )
    _add_model(predicting)
    predicting.add_argument(
        "--one-hand",
        action="store_true",
        help="one person wrote all of it: read the digits together",
    )
    how = predicting.add_mutually_exclusive_group()
    how.add_argument(
        "--csv", type=file_name, metavar="FILE", help="write a table; goes on where it was stopped"
    )
    predicting.add_argument(
        "--overwrite", action="store_true", help="replace a table that is there, or was begun"
    )
    how.add_argument("--json", action="store_true", help="a line of JSON for each picture")
    predicting.add_argument(
        "--submission",
        type=file_name,
        metavar="FILE",
        help="with --csv: also Kaggle's ImageId,Label",
    )
    predicting.set_defaults(run=_predict)


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--model", type=file_name, default=str(PRETRAINED), help="folder of another model"
    )


def _add_serve(commands: Commands) -> None:
    serving = commands.add_parser(
        "serve", help="answer over HTTP", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    serving.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serving.add_argument("--port", type=int, default=8000, help="port to listen on")
    _add_model(serving)
    serving.add_argument(
        "--api-key",
        default=argparse.SUPPRESS,  # else the help would show the one that is in force
        help="that requests must send as X-API-Key (default: $DIGITLIB_API_KEY, else none)",
    )
    serving.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        help="a name this service may be called by; may be given several times",
    )
    limits = serving.add_argument_group("limits")
    for limit in fields(Limits):
        limits.add_argument(
            f"--max-{limit.name.replace('_', '-')}",
            dest=limit.name,
            type=type(limit.default),
            default=limit.default,
            help=limit.metadata["meaning"],
        )
    serving.set_defaults(run=_serve)


def _predict(chosen: Namespace) -> int:
    if chosen.submission and not chosen.csv:
        raise UsageError("--submission is made from the table: give --csv too")
    source = _source(chosen.pictures)
    if chosen.submission and not isinstance(source, Digits):
        raise UsageError("--submission is for a file of 28×28 digits, such as Kaggle's test.csv")
    if chosen.csv:
        if isinstance(source, StandardInput):
            raise UsageError("a table is made of files: give - (standard input) without --csv")
        return _into_table(source, chosen)
    recognizer = Recognizer(_model(chosen))
    failed = False
    for row in _rows(source, recognizer, chosen.one_hand):
        failed |= bool(row.error)
        if chosen.json:
            print(json.dumps(row.as_json()), flush=True)
        elif row.error:
            print(f"{row.file}: {row.error}", file=sys.stderr)
        else:
            print("\n".join(_lines(row)), flush=True)
    return int(failed)


def _lines(row: Row) -> Iterator[str]:
    """What was read in a picture, for people; each of several numbers has a line of its own."""
    doubt = f"  ({row.doubt})" if row.doubt else ""
    yield f"{row.file}  {row.written}  {row.confidence:.1%} {row.status}{doubt}"
    if len(row.numbers) == 1:
        return
    width = max((len(number["text"]) for number in row.numbers), default=0)
    for number in row.numbers:
        doubt = "" if number["accepted"] else f"  ({MISREAD})"
        yield f"    {number['text']:{width}}  {number['confidence']:6.1%}{doubt}"


def _rows(source: Source | StandardInput, recognizer: Recognizer, one_hand: bool) -> Iterator[Row]:
    chunks = source.chunks(AT_A_TIME)
    if one_hand:
        yield from read_as_one_hand(recognizer, chunks)
        return
    for chunk in chunks:
        yield from read_chunk(recognizer, chunk)


def _source(pictures: list[str]) -> Source | StandardInput:
    """What is to be read. Digits that seem to lie in another way are told of."""
    source = source_of(pictures)
    if isinstance(source, Digits):
        first = next(source.chunks(AT_A_LOOK), None)
        if first and (said := remedy(Recognizer(PRETRAINED), np.asarray(first.pictures))):
            print(f"digitlib: {pictures[0]}: {said}", file=sys.stderr)
    return source


def _into_table(source: Source, chosen: Namespace) -> int:
    target = Path(chosen.csv).expanduser().absolute()
    check_target(target, overwrite=True)  # whether it may be replaced, `predict` knows
    submission = Path(chosen.submission).expanduser().absolute() if chosen.submission else None
    if submission:
        check_target(submission, chosen.overwrite)
        if submission.resolve() in {file.resolve() for file in [target, *source.files]}:
            raise UsageError(f"--submission would replace {submission}: name another file")

    def progress(done: int, n: int) -> None:
        if sys.stderr.isatty():
            bar = "━" * (30 * done // n)
            print(f"\r{bar:╌<30} {done:,} of {n:,}", end="", file=sys.stderr, flush=True)

    try:
        predict(
            source,
            target,
            _model(chosen),
            progress=progress,
            overwrite=chosen.overwrite,
            one_hand=chosen.one_hand,
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("; the same command goes on where it was") from None
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)
    column = COLUMNS.index("error")
    with target.open(newline="", encoding="utf-8") as stream:
        table = csv.reader(stream)
        next(table)
        faults = [row[0] for row in table if row[column]]
    if submission:
        write_submission(target, submission)
        print(f"written: {chosen.submission}")
    print(f"{len(source) - len(faults):,} of {len(source):,} read: {chosen.csv}")
    if faults:
        print(f"not read, see the column error: {', '.join(faults[:5])}", file=sys.stderr)
    return int(bool(faults))


def _model(chosen: Namespace) -> Path:
    """The folder of the model: one that ``digitlib models`` lists, or as seen from the shell."""
    return find_models().get(chosen.model) or Path(chosen.model).expanduser().absolute()


def _add_site(commands: Commands) -> None:
    making = commands.add_parser("site", help="write a page to draw on that reads by itself")
    making.add_argument(
        "file", type=file_name, nargs="?", default="digits.html", help="digits.html by default"
    )
    _add_model(making)
    making.add_argument("--report", default="", help="address of a report to link to")
    making.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    making.set_defaults(run=_site)


def _site(chosen: Namespace) -> int:
    file = Path(chosen.file).expanduser().absolute()
    check_target(file, chosen.overwrite)
    write_site(file, _model(chosen), chosen.report)
    print(f"written: {chosen.file} (open it in a browser; it needs no network)")
    return 0


def _models(_chosen: Namespace) -> int:
    failed = False
    for name, folder in find_models().items():
        try:
            card = load_card(folder)
        except ArtifactError as fault:
            print(f"{name}: {fault}", file=sys.stderr)
            failed = True
            continue
        measured = card.get("test") or card["validation_metrics"]
        of = "test" if "test" in card else "validation"
        judged_on = card.get("personal", {}).get("judged_on", card["dataset"])
        print(
            f"{name:32} {card['architecture']['name']:12} {measured['accuracy_percent']:6.2f} % of "
            f"{measured['n']:,} {of} digits of {judged_on}"
        )
    return int(failed)


def _serve(chosen: Namespace) -> int:
    need("service", "fastapi", "fastapi_offline", "uvicorn", "multipart", "prometheus_client")
    from digitlib.apps.service.app import serve

    if not 0 < chosen.port < 65536:
        raise UsageError(f"a port is a number from 1 to 65535, not {chosen.port}")
    for name in chosen.allowed_host:
        if "*" in name.removeprefix("*.") and name != "*":
            raise UsageError(f"an allowed host is a name, *.domain or *, not {name}")
    limits = Limits(**{limit.name: getattr(chosen, limit.name) for limit in fields(Limits)})
    for name, value in asdict(limits).items():
        if value <= 0:
            raise UsageError(f"--max-{name.replace('_', '-')} has to be above 0, not {value}")
    api_key = getattr(chosen, "api_key", os.environ.get("DIGITLIB_API_KEY", ""))
    serve(chosen.host, chosen.port, _model(chosen), limits, api_key, chosen.allowed_host)
    return 0


if __name__ == "__main__":
    sys.exit(main())

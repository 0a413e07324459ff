"""Which files are pictures, and how each is opened: by Pillow, or by a library for its kind."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from digitlib.extras import need

# Only these decoders are tried, because others would let a file start an external program.
FORMATS: tuple[str, ...] = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000")
PAGED = (".pdf", ".tif", ".tiff")  # may have several pages
# The files in a folder or an archive that are taken for pictures, by the end of their name.
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".pbm", ".pgm", ".ppm"),
    *(".jp2", ".avif", ".heic", ".heif", *PAGED),
)
NO_PICTURE = f"no picture: its name ends in none of {' '.join(SUFFIXES)}"
UNKNOWN = f"not a picture of a known format ({', '.join(FORMATS)}, HEIC or PDF)"
HEIC = {b"ftyp" + brand for brand in (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")}
HEAD = 1024  # bytes, in which a PDF says what it is
PDF_SIDE = 1600  # pixels along the longest side of a page that is drawn
_PDFIUM = threading.Lock()  # it serves one thread at a time


class Page(NamedTuple):
    """A page of a file that has several: of a path or the file's bytes, and counted from 0."""

    file: str | os.PathLike | bytes
    number: int


def open_image(stream: BinaryIO, page: int = 0) -> Image.Image:
    """Open a picture file, or a page of it; as far as Pillow goes, its pixels are not decoded yet.

    Raises `UnidentifiedImageError` for no known format, `ModuleNotFoundError` where the library for
    a format is not installed, and what decoders raise.
    """
    head = stream.read(HEAD)
    stream.seek(0)
    if _is_pdf(head):
        return _draw(stream, page)
    formats = FORMATS
    if head[4:12] in HEIC:
        need("formats", "pillow_heif")
        from pillow_heif import register_heif_opener

        register_heif_opener()
        formats = (*FORMATS, "HEIF")
    image = Image.open(stream, formats=formats)
    if page:
        image.seek(page)
    return image


def pages(stream: Callable[[], BinaryIO], name: str = "") -> list[int | None]:
    """The pages of a picture file, from 0; [None] where it is one picture, or is damaged.

    `stream` opens the file, which few kinds need. Its name tells which kind, where it is known.
    """
    numbers: Sequence[int] = ()
    with contextlib.suppress(Exception):  # reading it says what is wrong
        if not name or name.lower().endswith(PAGED):
            with stream() as opened:
                numbers = _page_numbers(opened)
    return list(numbers) if any(numbers) else [None]  # page 0 alone is the whole file


def pages_of(file: Path) -> list[int | None]:
    """The `pages` of a file on disk."""
    return pages(lambda: file.open("rb"), file.name)


def page_of(file: Path | bytes, number: int | None) -> Path | bytes | Page:
    """The picture that is a page as `pages` gives it."""
    return file if number is None else Page(file, number)


def page_name(number: int | None) -> str:
    """What follows the name of a file for one of its `pages`; as in addresses of PDF files."""
    return "" if number is None else f"#page={number + 1}"


def is_picture(file: Path) -> bool:
    """Whether a file is taken for a picture, by its name."""
    return file.suffix.lower() in SUFFIXES


def is_hidden(path: Path) -> bool:
    """Whether a name in a path begins with a dot: programs keep such files for themselves."""
    return any(part.startswith(".") and part != ".." for part in path.parts)


def _page_numbers(stream: BinaryIO) -> Sequence[int]:
    if _is_pdf(stream.read(HEAD)):
        with _pdf(stream) as document:
            return range(len(document))
    stream.seek(0)
    with TiffImageFile(stream) as image:
        return [i for i in range(image.n_frames) if not _is_thumbnail(image, i)]


def _is_thumbnail(image: TiffImageFile, number: int) -> bool:
    image.seek(number)
    return bool(image.tag_v2.get(254, 0) & 1)  # NewSubfileType: a smaller copy of another page


def _is_pdf(head: bytes) -> bool:
    return b"%PDF-" in head


@contextlib.contextmanager
def _pdf(stream: BinaryIO) -> Iterator[Any]:
    need("formats", "pypdfium2")
    from pypdfium2 import PdfDocument

    with _PDFIUM, contextlib.closing(PdfDocument(stream)) as document:
        yield document


def _draw(stream: BinaryIO, number: int) -> Image.Image:
    with _pdf(stream) as document:
        page = document[number]
        return page.render(scale=PDF_SIDE / max(page.get_size())).to_pil()

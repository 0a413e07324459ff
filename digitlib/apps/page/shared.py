"""What the tabs of the page share: the model that reads, and how tables and faults look."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import traitlets

from digitlib.artifacts import resolve
from digitlib.reading.models import PRETRAINED
from digitlib.reading.recognizer import Recognizer


class SharedRecognizer(traitlets.HasTraits):
    """A recognizer that can be exchanged; observe ``model_dir``."""

    model_dir = traitlets.Unicode(str(PRETRAINED))

    def __init__(self) -> None:
        super().__init__()
        self.recognizer = Recognizer(self.model_dir)

    def use(self, model_dir: str | Path) -> None:
        """Read with another model from now on.

        Raises:
            ArtifactError, ValueError: when there is no usable model; the one before stays.
        """
        self.recognizer = Recognizer(model_dir)
        self.model_dir = str(resolve(model_dir))


def error(fault: object) -> str:
    """What went wrong, as a paragraph of HTML."""
    return f'<p class="page-error">{html.escape(str(fault))}</p>'


def table(rows: Sequence[Mapping], escape: str | None = "html", head: bool = True) -> str:
    """Rows with equal keys as a table in HTML, its head the keys.

    ``escape`` None shows HTML in the cells as HTML. Without ``head``, the first cell of each row
    is its heading.
    """
    import pandas as pd  # half a second, and the page opens without it

    shown = pd.DataFrame(rows)
    style = (shown if head else shown.set_index(shown.columns[0])).style
    style = style.hide(axis="index" if head else "columns").hide(names=True)
    style = style.format(thousands=",", escape=escape).set_table_attributes('class="page-table"')
    return f'<div class="page-scroll">{style.to_html()}</div>'

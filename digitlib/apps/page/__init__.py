"""The web page of ``make app``: draw, read pictures and sheets, train, and look at the model.

``notebooks/app.ipynb`` shows a ``Page``; Voilà serves it to people who have no Jupyter. The
tabs share one thing, the model that reads (``SharedRecognizer``).
"""

# ruff: noqa: E402
from digitlib.extras import need

need("notebooks", "ipywidgets", "voila")  # before an import names only what is missing

import html

import ipywidgets as widgets

from digitlib.apps.canvas import DigitCanvas
from digitlib.apps.page.model import Model
from digitlib.apps.page.pictures import Pictures
from digitlib.apps.page.shared import SharedRecognizer
from digitlib.apps.page.sheet import SheetTab
from digitlib.apps.page.train import Train
from digitlib.datasets import load_dataset
from digitlib.reading.models import name_of


class Page(widgets.VBox):
    """Tabs **Draw**, **Pictures**, **Sheet**, **Train** and **Model** around one recognizer."""

    def __init__(self) -> None:
        self.shared = SharedRecognizer()
        self.canvas = DigitCanvas(
            self.shared.recognizer, lambda: load_dataset("optdigits").images, width=640, height=360
        )
        self.reader = widgets.HTML()
        self._name_model()
        self.shared.observe(self._change_model, "model_dir")
        tabs = {
            "Draw": widgets.VBox([self.canvas, self.reader]),
            "Pictures": Pictures(self.shared),
            "Sheet": SheetTab(self.shared),
            "Train": Train(self.shared),
            "Model": Model(self.shared),
        }
        self.tabs = widgets.Tab(list(tabs.values()), titles=list(tabs), selected_index=0)
        self.tabs.observe(self._opened, "selected_index")
        super().__init__([self.tabs])
        self.add_class("page")

    def _change_model(self, _change: object) -> None:
        self.canvas.recognizer = self.shared.recognizer
        self.canvas.read()
        self._name_model()

    def _name_model(self) -> None:
        name = html.escape(name_of(self.shared.model_dir))
        self.reader.value = f'<p class="page-reader">Read by the model <b>{name}</b>.</p>'

    def _opened(self, _change: object) -> None:
        opened = self.tabs.children[self.tabs.selected_index]
        if isinstance(opened, Model):  # it takes a moment: made when it is looked at
            opened.refresh()

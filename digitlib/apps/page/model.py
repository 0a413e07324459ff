"""The tab that shows the model: what it is, how it learnt, how well and how fast it reads."""

from timeit import repeat

import ipywidgets as widgets
import numpy as np

from digitlib.apps.page.shared import SharedRecognizer, error, table
from digitlib.apps.page.train import curves
from digitlib.artifacts import read_history
from digitlib.reading.models import find_models
from digitlib.reporting.cards import card_lines
from digitlib.reporting.findings.words import interval

ASKED = 300  # digits, to measure how long one takes


class Model(widgets.VBox):
    """The card of the model in use, and others to load."""

    def __init__(self, shared: SharedRecognizer):
        self.shared, self.shown, self.filling = shared, "", False
        wide = widgets.Layout(width="min(40em, 95%)")
        self.choice = widgets.Dropdown(description="Model", layout=wide)
        self.other = widgets.Text(
            placeholder="or the folder of another one",
            continuous_update=False,
            description="Folder",
            layout=wide,
        )
        self.fault, self.body = widgets.HTML(), widgets.HTML()
        super().__init__([self.choice, self.other, self.fault, self.body])
        self.choice.observe(self._choose, "value")
        self.other.observe(self._choose, "value")
        shared.observe(lambda _: self.refresh(), "model_dir")

    def refresh(self) -> None:
        """Look which models there are, and show the one in use."""
        self.fault.value = ""
        found = {name: str(folder) for name, folder in find_models().items()}
        if self.shared.model_dir not in found.values():
            found[self.shared.model_dir] = self.shared.model_dir
        self.filling = True  # new options choose their first
        self.choice.options, self.choice.value = list(found.items()), self.shared.model_dir
        self.filling = False
        if self.shown != self.shared.model_dir:
            self.shown = self.shared.model_dir
            self.body.value = self._describe()

    def _choose(self, change: dict) -> None:
        if self.filling:
            return
        self.fault.value = ""
        if change["new"] not in (None, "", self.shared.model_dir):
            try:
                self.shared.use(change["new"])
            except Exception as fault:  # Voilà shows a handler's errors to nobody
                self.refresh()  # what is in use is what the list says
                self.fault.value = error(fault)
                return
        self.other.value = ""

    def _describe(self) -> str:
        recognizer = self.shared.recognizer
        card, file = recognizer.card, recognizer.file
        image = np.zeros((1, 28, 28), np.uint8)
        image[0, 4:24, 13:16] = 255
        spent = 1000 * np.median(repeat(lambda: recognizer.classify(image), number=1, repeat=ASKED))
        lines = accuracy_lines(card) | {
            "one digit takes": f"{spent:.2f} ms on this machine (median of {ASKED})",
            "file": f"{file.stat().st_size / 1e6:.2f} MB ({file.name})",
        }
        told = (lines | card_lines(card)).items()
        parts = [table([{"": name, "card": value} for name, value in told], head=False)]
        if history := read_history(f"{self.shared.model_dir}/history.csv"):
            parts += ["<h2>How it learnt</h2>", curves(history)]
        if layers := card.get("layers"):
            parts += ["<h2>Layers</h2>", table(layers)]
        return "".join(parts)


def accuracy_lines(card: dict) -> dict[str, str]:
    """How well a model reads, with intervals, on the test set (where it was tested) and before."""
    lines = {}
    for name, key in (("test set", "test"), ("validation", "validation_metrics")):
        if measured := card.get(key):
            lines[f"reads, {name}"] = (
                f"{measured['accuracy_percent']:.2f} % of {measured['n']:,} digits "
                f"({interval(measured)})"
            )
    return lines

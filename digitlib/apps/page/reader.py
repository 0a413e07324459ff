"""The model that the page reads with, and the models it could read with."""

from pathlib import Path

import traitlets

from digitlib.artifacts import project_root, resolve
from digitlib.reading.recognizer import PRETRAINED, Recognizer

OUTPUTS = "outputs"


class Reader(traitlets.HasTraits):
    """A recognizer that can be exchanged; observe ``model_dir``."""

    model_dir = traitlets.Unicode(str(PRETRAINED))

    def __init__(self):
        super().__init__()
        self.recognizer = Recognizer(self.model_dir)

    def use(self, model_dir: str | Path) -> None:
        """Read with another model from now on.

        Raises:
            ArtifactError, ValueError: when there is no usable model; the one before stays.
        """
        self.recognizer = Recognizer(model_dir)
        self.model_dir = str(resolve(model_dir))


def models() -> dict[str, str]:
    """The folders of all finished models here, by a name for people; the shipped one first."""
    outputs = resolve(OUTPUTS)
    cards = [*outputs.glob("*/model/card.json"), *outputs.glob("*/*/model/card.json")]
    found = {name_of(card.parent): str(card.parent) for card in sorted(cards)}
    return {name_of(PRETRAINED): str(PRETRAINED)} | found


def name_of(model_dir: str | Path) -> str:
    """A model's folder as people see it: seen from the project's root."""
    folder = Path(model_dir)
    if folder == PRETRAINED:
        return "the shipped model"
    return str(
        folder.relative_to(project_root()) if folder.is_relative_to(project_root()) else folder
    )

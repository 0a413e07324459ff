"""The model that all tabs of the page read with."""

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

"""The finished models on this machine."""

from pathlib import Path

from digitlib.artifacts import from_root, resolve
from digitlib.reading.recognizer import PRETRAINED

SHIPPED = "shipped"


def find_models() -> dict[str, Path]:
    """The folders of finished models, by name; the shipped one first.

    Those of profiles and of trainings by hand; of several seeds it is the profile's own.
    """
    outputs = resolve("outputs")
    cards = [*outputs.glob("*/model/card.json"), *outputs.glob("*/*/model/card.json")]
    found = {name_of(card.parent): card.parent for card in sorted(cards)}
    return {SHIPPED: PRETRAINED} | found


def name_of(model_dir: str | Path) -> str:
    """What a model's folder is called: ``shipped``, or the folder as seen from the project."""
    return SHIPPED if Path(model_dir) == PRETRAINED else from_root(model_dir)

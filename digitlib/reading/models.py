"""The models on this machine: where they are, which file answers, and what identifies it."""

from pathlib import Path

from digitlib import safekeeping
from digitlib.artifacts import CARD_FILE, FLOAT_FILE, from_root, load_card, resolve

PRETRAINED = Path(__file__).parents[1] / "pretrained"
PRETRAINED_LINES = PRETRAINED / "lines"
PRETRAINED_SHEETS = PRETRAINED / "sheets"
SHIPPED = "shipped"


def find_models() -> dict[str, Path]:
    """The folders of finished models, by name; the shipped one first.

    They are the models of profiles and those trained by hand. Of a profile with several seeds it
    is the model of the profile's own seed.
    """
    outputs = resolve("outputs")
    cards = [*outputs.glob(f"*/model/{CARD_FILE}"), *outputs.glob(f"*/*/model/{CARD_FILE}")]
    found = {name_of(card.parent): card.parent for card in sorted(cards)}
    return {SHIPPED: PRETRAINED} | found


def name_of(model_dir: str | Path) -> str:
    """What a model's folder is called: ``shipped``, or the folder as seen from the project."""
    return SHIPPED if Path(model_dir) == PRETRAINED else from_root(model_dir)


def serving_file(model_dir: str | Path) -> Path:
    """The file of a model that answers, as its card says; the float32 file where it does not say.

    Raises:
        ArtifactError: when there is no model in the folder.
    """
    return resolve(model_dir) / load_card(model_dir).get("serves", FLOAT_FILE)


def checksum(model_dir: str | Path) -> str:
    """What identifies a model: the SHA-256 of the file that answers.

    Raises:
        ArtifactError: when there is no model in the folder.
    """
    return safekeeping.checksum(serving_file(model_dir))

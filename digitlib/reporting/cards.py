"""A model's card, told to a reader."""

import math
from collections.abc import Mapping

from digitlib.reporting.findings.words import interval

# What a strength of each augmentation means.
VARIED = {
    "rotation": "turned by up to {:g}°",
    "zoom": "resized by up to {:.0%}",
    "shift": "shifted by up to {:g} pixels",
    "slant": "slanted by up to {degrees:.0f}°",
    "shear": "sheared by up to {degrees:.0f}°",
    "elastic": "bent by {:g} pixels on average",
    "thickness": "strokes up to {pixels:.1f} pixels thicker, or thinner",
    "convolution": "{:.0%} of them behind a random convolution",
    "erasing": "{:.0%} with a part erased",
}
OPTIONS = {
    "width": "{} channels in the first layer",
    "columns": "{} columns, whose mean answers",
    "smoothing": "features smoothed by {}",
    "dropout": "dropout {}",
}
OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}
SCHEDULES = {
    "constant": "all the time",
    "cosine": "falling along a cosine",
    "plateau": "lower after each plateau of validation accuracy",
}


def card_lines(card: Mapping) -> dict[str, str]:
    """A model's card for a reader: what it is, what it was made from, what it is for.

    What its training did without, such as drawn digits, is not mentioned.
    """
    recipe, validation = card["recipe"], card["validation_metrics"]
    drawn, others = recipe["synthetic_share"], recipe.get("nondigit_share")
    hard, averaged = recipe.get("hard_example_share", 1), recipe.get("swa_epochs")
    lines = {
        "reads": "one handwritten digit in a picture of 28×28 pixels, ink bright on black",
        "network": _network(card["architecture"]),
        "size": f"{card['parameters']:,} parameters; {card['multiply_adds'] / 1e6:.1f} million "
        "multiply-adds for one digit",
        "trained on": card["source"],
        "varied": _varied(card["augmentation"]),
        "drawn digits": drawn and f"{drawn:.0%} as many as real ones, from simulated pen strokes",
        "non-digits": others and f"{others:.0%} as many as digits: letters and scribbles",
        "hard examples": hard < 1
        and f"after the first epoch only {hard:.0%} of the digits, most of them the hardest",
        "recipe": f"{OPTIMIZERS.get(recipe['optimizer'], recipe['optimizer'])}, learning rate "
        f"{recipe['learning_rate']:g} {SCHEDULES.get(recipe['schedule'], recipe['schedule'])}, "
        f"batches of {recipe['batch_size']}, at most {recipe['epochs']} epochs, "
        + card["precision"].replace("mixed_bfloat16", "bfloat16 and float32"),
        "weights": averaged and f"the mean over the last {averaged} epochs",
        "chosen on": f"{validation['n']:,} validation digits; it reads "
        f"{validation['accuracy_percent']:.2f} % of them correctly ({interval(validation)})",
        "answers with": card.get("test_time_augmentation")
        and "the mean of three views: the picture, and it a pixel higher and lower",
        "temperature": f"{card['temperature']:.3f}; logits are divided by it",
        "accepts": f"answers with a confidence of {card['threshold']:.2f} or more",
        "not for": "letters, several digits at once, or decisions that nobody checks",
    }
    return {name: text for name, text in lines.items() if text}


def _network(architecture: Mapping) -> str:
    """The network with what is special about it: ``digitnet: 2 columns, whose mean answers``."""
    options = [
        OPTIONS.get(name, f"{name} {{}}").format(value)
        for name, value in architecture["options"].items()
    ]
    return architecture["name"] + (f": {'; '.join(options)}" if options else "")


def _varied(augmentation: Mapping[str, float]) -> str:
    """How the digits were varied; "" where they were not."""
    told = [
        VARIED[name].format(value, degrees=math.degrees(math.atan(value)), pixels=2 * value)
        for name, value in augmentation.items()
        if value
    ]
    return ", ".join(told)

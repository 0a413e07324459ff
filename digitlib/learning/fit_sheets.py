"""Fit the network that marks what is written, printed and ruled; half an hour on a GPU.

    KERAS_BACKEND=jax python -m digitlib.learning.fit_sheets --epochs 50

It draws its sheets meanwhile, on all cores. A run that was stopped goes on where it was. The model
is written to ``sheet_model`` in the output folder.
"""

import argparse
from dataclasses import asdict

import numpy as np

from digitlib import artifacts, datasets
from digitlib.learning import exporting, sheet_network, sheet_task, training
from digitlib.learning.recipe import Recipe
from digitlib.synthetic.sheet_crops import draw_crops
from digitlib.terminal import print_anywhere

KERAS_FILE, INT8_FILE = "sheets.keras", "sheets.int8.tflite"
# The last 5,000 of MNIST's 60,000 digits are kept for tests, the 3,000 before them judge the fit.
TEST, VALIDATION = 5 / 60, 3 / 55
SHOWN = 300  # crops that show the range of every layer


def main() -> None:
    """Fit, export, and write the card."""
    print_anywhere()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--output", default="outputs/sheets", help="folder of all that is written")
    parser.add_argument("--crops", type=int, default=8192, help="of an epoch")
    parser.add_argument("--judging", type=int, default=512, help="crops that judge an epoch")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", help="of a fit that this one goes on from")
    chosen = parser.parse_args()
    everything = datasets.load_dataset(chosen.dataset, "train")
    known, _ = datasets.split(everything, TEST)
    train, validation = datasets.split(known, VALIDATION)
    recipe = Recipe(
        epochs=chosen.epochs,
        batch_size=chosen.batch_size,
        optimizer="adamw",
        learning_rate=chosen.learning_rate,
        weight_decay=0.01,
        clip_norm=1.0,
        schedule="cosine",
        final_rate=chosen.learning_rate / 100,
        warmup_epochs=1.0,
        seed=chosen.seed,
    )
    network = sheet_network.build(training.choose_precision("auto"), chosen.seed)
    if chosen.weights:
        network.load_weights(chosen.weights)
    output = artifacts.resolve(chosen.output)
    task = sheet_task.SheetTask(
        train, validation, chosen.crops, chosen.judging, chosen.epochs, chosen.seed
    )
    with task:
        history = training.fit_task(network, task, recipe, checkpoint_dir=output / "checkpoints")
    plain = sheet_network.build()
    plain.set_weights(network.get_weights())
    model_dir = output / artifacts.SHEET_MODEL
    with artifacts.writing(model_dir / KERAS_FILE) as unfinished:
        plain.save(unfinished)
    shown = draw_crops(train.images, train.known_labels(), SHOWN, [chosen.seed, 3])
    tiles = np.stack([crop.grey for crop in shown])
    exporting.save_int8(plain, model_dir, tiles, INT8_FILE)
    best = history[artifacts.kept_epoch(history)]
    card = {
        "dataset": chosen.dataset,
        "source": everything.source,
        "sha256": everything.sha256,
        "seed": chosen.seed,
        "parameters": plain.count_params(),
        "crops": chosen.crops,
        "recipe": asdict(recipe),
        "validation_percent": 100 * best["val_accuracy"],
        "serves": INT8_FILE,
        **artifacts.provenance(),
    }
    artifacts.write_history(model_dir / artifacts.HISTORY_FILE, history)
    artifacts.write_json(model_dir / artifacts.CARD_FILE, card)
    print(f"written: {model_dir}")


if __name__ == "__main__":
    main()

"""Keep the state of a fit on disk after every epoch, and find it again."""

import ast
import hashlib
import json
import os
import shutil
from pathlib import Path

import keras
import numpy as np

from digitlib import synthetic
from digitlib.artifacts import kept_epoch, resolve
from digitlib.learning.recipe import Row
from digitlib.pixels import line_images, sheet_maps


def code_digest() -> str:
    """The SHA-256 of what decides how a fit goes: code, comments apart, and the drawn shapes."""
    rooms = (Path(__file__).parent, Path(synthetic.__file__).parent)
    code = sorted(file for room in rooms for file in room.glob("*.py"))
    # The frames in which lines and sheets are learnt.
    code += [Path(line_images.__file__), Path(sheet_maps.__file__)]
    shapes = sorted(file for room in rooms for file in room.glob("*.yaml"))
    told = [ast.dump(ast.parse(file.read_text(encoding="utf-8"))) for file in code]
    told += [file.read_text(encoding="utf-8") for file in shapes]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


class Checkpoints:
    """The state after the last epoch, as a folder that is whole or not there.

    ``epoch-0007/`` holds state.json (identity and history), last.weights.h5 (network, optimizer)
    and best.npz (the network's best weights). It is written under another name and then renamed.

    Args:
        folder: where; None keeps the best weights in memory and nothing on disk.
        learner: a model with the fitted ``network`` inside, and ``judged``, what has come of it.
        identity: all that the fit depends on, as JSON has it. A run that differs in any of it
            does not go on from this one's state.
    """

    def __init__(self, folder: str | Path | None, learner: keras.Model, identity: dict):
        self.folder = resolve(folder) if folder else None
        self.learner, self.identity = learner, identity
        self.best: list[np.ndarray] = []

    def save(self, history: list[Row]) -> None:
        """Keep the state after the last epoch of ``history``."""
        if kept_epoch(history) == len(history) - 1:
            self.best = self.learner.judged.get_weights()
        if self.folder is None:
            return
        final = self.folder / f"epoch-{len(history):04d}"
        unfinished = self.folder / f".{final.name}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        self.learner.save_weights(unfinished / "last.weights.h5")
        np.savez(unfinished / "best.npz", *self.best)
        state = self.identity | {"history": history}
        (unfinished / "state.json").write_text(json.dumps(state))
        os.replace(unfinished, final)
        for older in self.folder.glob("epoch-*"):
            if older != final:
                shutil.rmtree(older)

    def restore(self) -> list[Row]:
        """Put the learner where an unfinished run left it; its history, empty without one."""
        found = sorted(self.folder.glob("epoch-*")) if self.folder else []
        if not found:
            return []
        state = json.loads((found[-1] / "state.json").read_text())
        history = state.pop("history")
        # Through JSON, so that tuples and lists compare alike.
        if state != json.loads(json.dumps(self.identity)):
            print("The checkpoint here is of another recipe, network or data set: starting anew.")
            for older in found:
                shutil.rmtree(older)
            return []
        with np.load(found[-1] / "best.npz") as best:
            self.best = list(best.values())
        self.learner.load_weights(found[-1] / "last.weights.h5")
        print(f"Going on after epoch {len(history)}, from the checkpoint of an unfinished run.")
        return history

    def restore_best(self) -> None:
        """Give the network the weights of its best epoch."""
        self.learner.network.set_weights(self.best)

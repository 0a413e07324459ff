"""Keep the state of a fit on disk after every epoch, and find it again."""

import ast
import hashlib
import json
import shutil
from pathlib import Path

import keras
import numpy as np

from digitlib import synthetic
from digitlib.artifacts import kept_epoch, read_json, resolve, write_json, writing
from digitlib.learning.recipe import Row
from digitlib.pixels import line_images, sheet_maps
from digitlib.safekeeping import is_whole, seal, set_aside

KEPT = 2  # the last one, and the one before, where the last one is damaged


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
    """The states after the last two epochs, each a folder that is whole or not there.

    ``epoch-0007/`` holds state.json (identity and history), last.weights.h5 (network, optimizer)
    and best.npz (the network's best weights). Where it is damaged, the one before serves.

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
        """Keep the state after the last epoch of ``history``, and the one before it."""
        if kept_epoch(history) == len(history) - 1:
            self.best = self.learner.judged.get_weights()
        if self.folder is None:
            return
        with writing(self.folder / f"epoch-{len(history):04d}") as unfinished:
            unfinished.mkdir()
            self.learner.save_weights(unfinished / "last.weights.h5")
            np.savez(unfinished / "best.npz", *self.best)
            write_json(unfinished / "state.json", self.identity | {"history": history})
            seal(unfinished)
        for older in self._newest_first()[KEPT:]:
            shutil.rmtree(older)

    def restore(self) -> list[Row]:
        """Put the learner where an earlier run left it; its history, empty without one.

        A damaged state is set aside, and that is said.
        """
        if self.folder is None:
            return []
        for unfinished in self.folder.glob(".epoch-*"):  # the run was killed while it wrote
            shutil.rmtree(unfinished)
        found = self._newest_first()
        for one in found:
            if not is_whole(one):
                aside = set_aside(one)
                print(f"The checkpoint {one.name} is damaged: it is now called {aside.name}.")
                continue
            state = read_json(one / "state.json")
            history = state.pop("history")
            # Through JSON, so that tuples and lists compare alike.
            if state != json.loads(json.dumps(self.identity)):
                print(
                    "The checkpoint here is of another recipe, network, data set or backend: "
                    "starting anew."
                )
                for older in self._newest_first():
                    shutil.rmtree(older)
                return []
            with np.load(one / "best.npz") as best:
                self.best = list(best.values())
            self.learner.load_weights(one / "last.weights.h5")
            return history
        if found:
            print("There is no other checkpoint: starting anew.")
        return []

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("epoch-*[0-9]"), reverse=True) if self.folder else []

    def restore_best(self) -> None:
        """Give the network the weights of its best epoch."""
        self.learner.network.set_weights(self.best)

"""Networks have their published shape, training is repeatable and survives a kill, exports run."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from digitlib import datasets
from digitlib.artifacts import FLOAT_FILE, INT8_FILE, kept_epoch
from digitlib.learning import architectures, augmentation, exporting, layers, tasks, training
from digitlib.learning.checkpoints import Checkpoints
from digitlib.learning.learner import AT_ONCE, Learner
from digitlib.learning.recipe import Recipe, plateau_rate, should_stop
from digitlib.learning.tasks import DigitTask
from digitlib.reading.litert import Network

PUBLISHED = {"baseline": 542_230, "three_block": 242_954, "five_layer": 887_530, "lrn": 455_946}


@pytest.fixture(scope="module")
def digits():
    """Real digits, few enough to fit in a second: a training and a validation part."""
    train, held = datasets.split(datasets.load_dataset("optdigits"), 0.2, seed=0)
    return train.take(np.arange(256)), held


def fit(digits, checkpoint_dir=None, stop_after=None, precision="float32", **changes):
    """A short fit of the smallest network; ``stop_after`` epochs it dies like a killed one."""
    settings = {"epochs": 3, "batch_size": 64, "schedule": "cosine", **changes}
    network = architectures.build("digitnet", precision, width=4, dropout=0.2)

    def report(row, recipe):
        if row["epoch"] == stop_after:
            raise KeyboardInterrupt

    history = training.fit(
        network,
        *digits,
        Recipe(**settings),
        augmentation.build(seed=0, rotation=10, elastic=0.5, thickness=0.5),
        checkpoint_dir,
        report,
    )
    return network, history


def same_weights(a, b):
    pairs = zip(a.get_weights(), b.get_weights(), strict=True)
    return all(np.array_equal(p, q) for p, q in pairs)


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_networks_have_their_published_size(name, parameters):
    network = architectures.build(name)
    assert network.count_params() == parameters
    assert network.output_shape == (None, 10)
    assert sum(row["parameters"] for row in architectures.layer_table(network)) == parameters


def test_multiply_adds_of_a_known_network():
    """26·26 places × 3·3·1·32 weights, then 13·13·32 × 100 and 100 × 10 in the dense layers."""
    rows = architectures.layer_table(architectures.build("baseline"))
    work = [row["multiply-adds"] for row in rows if row["multiply-adds"]]
    assert work == [26 * 26 * 9 * 32, 13 * 13 * 32 * 100, 100 * 10]


def test_multiply_adds_of_a_depthwise_convolution():
    """At each of 4·4 places, 3·3 weights for each of 5 channels."""
    pixels = keras.Input((8, 8, 5))
    network = keras.Model(pixels, keras.layers.DepthwiseConv2D(3, 2, padding="same")(pixels))
    assert architectures.layer_table(network)[-1]["multiply-adds"] == 4 * 4 * 3 * 3 * 5


def test_a_network_of_columns_answers_with_their_mean(digits):
    network = architectures.build("digitnet", width=4, columns=3)
    pixels = digits[1].images[:9, ..., None]
    votes = architectures.columns(network).predict_on_batch(pixels)
    assert votes.shape == (9, 3, 10)
    assert not np.allclose(votes[:, 0], votes[:, 1])
    np.testing.assert_allclose(votes.mean(axis=1), tasks.logits(network, pixels[..., 0]), rtol=1e-4)
    alone = architectures.build("digitnet", width=4)
    assert network.count_params() == 3 * alone.count_params()
    assert architectures.columns(alone) is alone


def test_columns_learn_for_themselves(digits):
    """What the others answer changes nothing of what a column learns."""
    images, answers = digits[0].images[:32, ..., None], np.eye(10)[digits[0].labels[:32]]
    learnt = []
    for others in (1, 3):
        network = architectures.build("digitnet", width=4, columns=2, dropout=0.0)
        first, second = ([x for x in network.layers if x.weights][column::2] for column in (0, 1))
        for layer in second:
            layer.set_weights([others * weight for weight in layer.get_weights()])
        learner = Learner(network, None)
        learner.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
        before = first[0].get_weights()[0].copy()
        learner.steps(images, answers, len(images))
        learnt.append([weight for layer in first for weight in layer.get_weights()])
        assert not np.array_equal(before, learnt[-1][0])
    for one, other in zip(*learnt, strict=True):
        np.testing.assert_array_equal(one, other)


def test_many_steps_in_one_call_are_those_steps(digits):
    """Protects what a fit learns, and its curves, from how many steps Python asks for at a time."""
    images, answers = digits[0].images[:200, ..., None], np.eye(10)[digits[0].labels[:200]]
    learnt, measured = [], []
    for at_once in (200, 32):  # six batches and a rest, or one after another
        network = architectures.build("digitnet", width=4, dropout=0.0)
        learner = Learner(network, None)
        learner.compile_for(keras.optimizers.Adam(0.01), DigitTask)
        parts = [slice(i, i + at_once) for i in range(0, 200, at_once)]
        told = [learner.steps(images[part], answers[part], 32) for part in parts]
        weights = [len(images[part]) / 200 for part in parts]
        names = ("loss", "accuracy")
        measured.append([np.dot(weights, [one[name] for one in told]) for name in names])
        learnt.append(network.get_weights())
    np.testing.assert_allclose(*measured, rtol=1e-4)
    for one, other in zip(*learnt, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_smoothing_is_what_augmentation_does_to_sharpness(digits):
    """On average over places, resampling leaves of fine patterns what an eighth leaves of them."""

    def fine(images):
        # Where a picture lies does not change the amplitudes of its frequencies.
        return np.abs(np.fft.rfft2(np.asarray(images)[..., 0]))[:, 7:22, 7:].mean()

    images = digits[0].images[:64, ..., None].astype(np.float32)
    shift = augmentation.build(seed=0, shift=1)
    resampled = fine(shift(np.repeat(images, 64, axis=0), training=True)) / fine(images)
    smoothed = fine(layers.Smoothing(1 / 8)(images)) / fine(images)
    assert resampled < 0.6
    assert smoothed == pytest.approx(resampled, abs=0.08)


def test_smoothing_softens_what_is_read_not_what_is_learnt_from(tmp_path):
    dot = np.zeros((1, 28, 28, 1), np.float32)
    dot[0, 10, 20] = 64
    layer = layers.Smoothing(0.125)
    assert np.array_equal(layer(dot, training=True), dot)
    softened = np.asarray(layer(dot))[0, 9:12, 19:22, 0]
    np.testing.assert_allclose(softened, [[1, 6, 1], [6, 36, 6], [1, 6, 1]], rtol=1e-6)
    # It is part of a saved and of an exported model.
    sharp = architectures.build("digitnet", width=4)
    soft = architectures.build("digitnet", width=4, smoothing=0.125)
    soft.set_weights(sharp.get_weights())
    exporting.save_model(soft, tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    expected = tasks.logits(soft, images)
    assert not np.allclose(expected, tasks.logits(sharp, images), atol=1e-3)
    for answers in (
        Network(tmp_path / "digits.tflite").logits(images),
        tasks.logits(exporting.load_model(tmp_path), images),
    ):
        np.testing.assert_allclose(answers, expected, atol=1e-3)


def test_views_are_read_together_and_learnt_from_apart(tmp_path):
    """The mean of what the network makes of a picture as it is, moved up, and moved down."""
    one = architectures.build("digitnet", width=4, columns=2)
    three = architectures.build("digitnet", width=4, columns=2, test_time_augmentation=True)
    three.set_weights(one.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    up, down = np.zeros_like(images), np.zeros_like(images)
    up[:, :-1], down[:, 1:] = images[:, 1:], images[:, :-1]
    expected = np.mean([tasks.logits(one, view) for view in (images, up, down)], axis=0)
    np.testing.assert_allclose(tasks.logits(three, images), expected, atol=1e-3)
    learnt_from = three(images[..., None].astype(np.float32), training=True)
    assert learnt_from.shape == (5, 10)
    exporting.save_model(three, tmp_path)
    for count in (0, 1, 5):
        answers = Network(tmp_path / "digits.tflite").logits(images[:count])
        np.testing.assert_allclose(answers, expected[:count], atol=1e-3)


def test_local_response_normalisation_is_tensorflows():
    """The published network used TensorFlow's; ours is its definition in ``keras.ops``."""
    import tensorflow as tf

    x = np.random.default_rng(0).normal(size=(2, 5, 5, 32)).astype(np.float32) * 30
    expected = tf.nn.local_response_normalization(x, 5, 1.0, 0.0001, 0.75)
    np.testing.assert_allclose(layers.LocalResponseNormalization()(x), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "vgg"}, "no network is called 'vgg'; there are baseline"),
        ({"name": "digitnet", "widht": 3}, "network 'digitnet'.*'widht'"),
    ],
)
def test_unknown_network_or_option_is_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        architectures.build(**arguments)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimizer": "adagrad"}, "optimizer is 'adagrad'; use adam"),
        ({"schedule": "step"}, "schedule is 'step'; use constant"),
        ({"epochs": 0}, "epochs and batch_size must be 1 or more"),
        ({"hard_example_share": 0}, "hard_example_share is 0: above 0, and 1 for all"),
        ({"epochs": 2, "swa_epochs": 2}, "swa_epochs is 2 of 2 epochs"),
        ({"swa_epochs": 2, "schedule": "cosine"}, "give a final_rate above 0"),
    ],
)
def test_wrong_recipe_is_refused_before_any_time_is_spent(changes, words):
    with pytest.raises(ValueError, match=words):
        Recipe(**changes)


def test_two_runs_with_one_seed_are_the_same_and_another_seed_differs(digits):
    first, history = fit(digits, epochs=2)
    again, same_history = fit(digits, epochs=2)
    other, _ = fit(digits, epochs=2, seed=1)
    assert same_weights(first, again)
    assert not same_weights(first, other)
    assert [r["val_loss"] for r in history] == [r["val_loss"] for r in same_history]


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": "cosine", "optimizer": "adamw", "warmup_epochs": 0.5, "synthetic_share": 0.2}
        | {"nondigit_share": 0.1},
        {"schedule": "plateau", "plateau_patience": 1, "optimizer": "sgd", "momentum": 0.9},
        {"hard_example_share": 0.5, "learning_rate": 0.01},
        {"schedule": "cosine", "final_rate": 0.001, "swa_epochs": 2},
    ],
    ids=["cosine adamw", "plateau sgd", "hard digits", "averaged"],
)
def test_a_killed_fit_ends_as_if_it_had_not_been_killed(digits, tmp_path, changes):
    """To the bit: same weights, same history, and no finished epoch is done twice."""
    whole, history = fit(digits, **changes)
    with pytest.raises(KeyboardInterrupt):
        fit(digits, tmp_path, stop_after=1, **changes)
    with pytest.raises(KeyboardInterrupt):
        fit(digits, tmp_path, stop_after=2, **changes)
    resumed, resumed_history = fit(digits, tmp_path, **changes)
    assert same_weights(whole, resumed)
    for row, other in zip(history, resumed_history, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}


def test_half_written_state_is_never_taken_for_a_whole_one(digits, tmp_path):
    """What a kill leaves in the middle of writing has another name and is ignored."""
    whole, _ = fit(digits)
    with pytest.raises(KeyboardInterrupt):
        fit(digits, tmp_path, stop_after=1)
    unfinished = tmp_path / ".epoch-0002.part"
    unfinished.mkdir()
    (unfinished / "last.weights.h5").write_bytes(b"half")
    resumed, history = fit(digits, tmp_path)
    assert len(history) == 3
    assert same_weights(whole, resumed)
    assert not unfinished.exists()


FILES = ["last.weights.h5", "best.npz", "state.json", ".checksums.json"]


def empty(file):
    file.write_bytes(b"")


def cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 8
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [empty, cut, flip, Path.unlink])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, capsys, damage):
    """Protects a fit from its own last checkpoint: it is set aside and named, and never loaded."""
    for file in FILES:
        learner = Learner(architectures.build("digitnet", width=4), None)
        states = Checkpoints(tmp_path / file, learner, {"recipe": "one"})
        weights, history = [], []
        for epoch in (1, 2, 3):
            learner.network.set_weights([w + epoch for w in learner.network.get_weights()])
            weights.append(learner.network.get_weights())
            history.append({"epoch": epoch, "val_accuracy": epoch / 10, "val_loss": 1.0})
            states.save(history)
        assert {one.name for one in (tmp_path / file).iterdir()} == {"epoch-0002", "epoch-0003"}
        damage(tmp_path / file / "epoch-0003" / file)
        assert states.restore() == history[:2]
        for restored, kept in (
            (learner.network.get_weights(), weights[1]),
            (states.best, weights[1]),
        ):
            assert all(np.array_equal(a, b) for a, b in zip(restored, kept, strict=True))
        said = capsys.readouterr().out
        assert said == (
            "The checkpoint epoch-0003 is damaged: it is now called epoch-0003.damaged.\n"
        )
        damage(tmp_path / file / "epoch-0002" / file)
        assert states.restore() == []
        assert "There is no other checkpoint: starting anew." in capsys.readouterr().out


def test_a_fit_goes_on_from_the_checkpoint_before_a_damaged_one(digits, tmp_path, capsys):
    """To the bit, as one that was never stopped."""
    whole, _ = fit(digits)
    with pytest.raises(KeyboardInterrupt):
        fit(digits, tmp_path, stop_after=2)
    cut(tmp_path / "epoch-0002" / "last.weights.h5")
    resumed, history = fit(digits, tmp_path)
    assert "Going on after epoch 1, from the checkpoint of an unfinished run." in (
        capsys.readouterr().out
    )
    assert len(history) == 3
    assert same_weights(whole, resumed)


@pytest.mark.campaign
def test_a_fit_ends_the_same_however_its_checkpoints_are_damaged(digits, tmp_path):
    """To the bit: the last one, then the last two, in each file and in each way."""
    whole, _ = fit(digits, epochs=4)
    for file, damage in zip(FILES, (empty, cut, flip, Path.unlink), strict=True):
        folder = tmp_path / file
        for epochs, damaged in (2, [2]), (3, [2, 3]):
            with pytest.raises(KeyboardInterrupt):
                fit(digits, folder, stop_after=epochs, epochs=4)
            for epoch in damaged:
                damage(folder / f"epoch-{epoch:04d}" / file)
        resumed, history = fit(digits, folder, epochs=4)
        assert [row["epoch"] for row in history] == [1, 2, 3, 4]
        assert same_weights(whole, resumed)


def test_a_finished_fit_is_not_called_unfinished(digits, tmp_path, capsys):
    fit(digits, tmp_path, epochs=1)
    fit(digits, tmp_path, epochs=1)
    said = capsys.readouterr().out
    assert said == "Fitted by an earlier run, up to epoch 1.\n"


def test_another_recipe_data_or_code_starts_anew(digits, tmp_path, capsys, monkeypatch):
    fit(digits, tmp_path, epochs=1)
    _, history = fit(digits, tmp_path, epochs=2)
    assert len(history) == 2
    assert "starting anew" in capsys.readouterr().out
    fit((digits[0].take(np.arange(200)), digits[1]), tmp_path, epochs=2)
    assert "starting anew" in capsys.readouterr().out
    monkeypatch.setattr(training, "code_digest", lambda: "edited")
    fit((digits[0].take(np.arange(200)), digits[1]), tmp_path, epochs=2)
    assert "starting anew" in capsys.readouterr().out


def test_an_epoch_holds_every_digit_and_its_share_of_drawn_ones_and_of_others(digits):
    train = digits[0]
    recipe = Recipe(synthetic_share=0.2, nondigit_share=0.1)
    n = len(train)
    task = DigitTask(*digits, recipe)
    images, answers = task.pictures(3, np.zeros(n))
    assert len(images) == len(answers) == n + round(0.2 * n) + round(0.1 * n)
    sure = answers.max(axis=1) == 1
    assert np.sum(~sure) == round(0.1 * n)
    assert np.allclose(answers[~sure], 0.1)
    left = {(i.tobytes(), a.argmax()) for i, a in zip(images[sure], answers[sure], strict=True)}
    assert {(i.tobytes(), k) for i, k in zip(train.images, train.labels, strict=True)} <= left
    again, _ = DigitTask(*digits, recipe).pictures(3, np.zeros(n))
    assert np.array_equal(images, again)
    assert not np.array_equal(images[:n], task.pictures(4, np.zeros(n))[0][:n])


def test_what_is_drawn_ahead_by_others_is_what_would_be_drawn_here(digits, monkeypatch):
    """Protects a fit's results from where, and by how many processes, its pictures are made."""
    recipe = Recipe(epochs=6, synthetic_share=0.2, nondigit_share=0.1, hard_example_share=0.5)
    difficulty = np.zeros(len(digits[0]))
    here = [DigitTask(*digits, recipe).pictures(epoch, difficulty) for epoch in (0, 3, 4)]
    monkeypatch.setattr(tasks, "DRAWN_HERE", 10)
    with DigitTask(*digits, recipe) as task:
        ahead = [task.pictures(epoch, difficulty) for epoch in (0, 3, 4)]
    for (images, answers), (others, theirs) in zip(here, ahead, strict=True):
        assert np.array_equal(images, others)
        assert np.array_equal(answers, theirs)


def test_hard_examples_are_mined(digits, monkeypatch):
    """From the second on: so many of the hardest ones, and others that change."""
    train, network = digits[0], architectures.build("digitnet", width=4)
    shown, losses = [], None

    def look(*given):
        images, answers = pictures(*given)
        shown.append({image.tobytes() for image in images})
        return images, answers

    def judge(network, dataset):
        nonlocal losses
        found, right = judged(network, dataset)
        losses = found if dataset is train else losses
        return found, right

    judged = tasks._judge
    pictures = DigitTask.pictures
    monkeypatch.setattr(DigitTask, "pictures", look)
    monkeypatch.setattr(tasks, "_judge", judge)
    training.fit(
        network, *digits, Recipe(epochs=3, hard_example_share=0.25), report=lambda *_: None
    )
    assert [len(images) for images in shown] == [256, 64, 64]
    hardest = {train.images[i].tobytes() for i in np.argsort(-losses)[:38]}
    assert hardest <= shown[1] & shown[2]
    assert shown[1] != shown[2]
    sure = keras.ops.log_softmax(np.array([[0.0, 9.0] + [0.0] * 8])).numpy()[0]
    monkeypatch.setattr(tasks, "logits", lambda *_: np.tile(sure, (len(train), 1)))
    assert np.allclose(judged(network, train)[0], -sure[train.labels])


def test_the_network_is_the_mean_of_the_weights_of_its_last_epochs(digits, monkeypatch):
    """Batch normalisation measures the mean itself; fitting goes on from its own weights."""
    seen, network = [], architectures.build("convnet", filters=4, depth=2)
    add = Learner.add_to_average

    def watched(fitted):
        seen.append([weight.copy() for weight in fitted.network.get_weights()])
        add(fitted)

    monkeypatch.setattr(Learner, "add_to_average", watched)
    recipe = Recipe(epochs=3, swa_epochs=2, learning_rate=0.01, batch_size=8)
    training.fit(network, *digits, recipe, report=lambda *_: None)
    assert len(seen) == 2 * -(-len(digits[0]) // (8 * AT_ONCE))
    measured = [w.path.split("/")[-1].startswith("moving") for w in network.weights]
    for i, (weight, of_batches) in enumerate(zip(network.get_weights(), measured, strict=True)):
        mean = np.mean([weights[i] for weights in seen], axis=0)
        if of_batches:
            assert not np.allclose(weight, mean, atol=1e-5)
        else:
            np.testing.assert_allclose(weight, mean, atol=1e-5)


def test_unsure_of_what_is_no_digit_counts_as_read_rightly():
    digit, other = np.eye(10)[[2]], np.full((1, 10), 0.1)
    sure_of_two, unsure = 9 * np.eye(10)[[2]], np.zeros((1, 10))
    for answer, logits, right in [
        (digit, sure_of_two, 1), (digit, -sure_of_two, 0), (digit, unsure, 0),
        (other, unsure, 1), (other, sure_of_two, 0),
    ]:  # fmt: skip
        assert float(DigitTask.is_right(answer, logits)[0]) == right


def rows(*accuracies):
    return [{"val_accuracy": a, "val_loss": 1 - a} for a in accuracies]


def test_the_best_epoch_is_kept_until_weights_are_averaged():
    """The best of many epochs by a few digits is so by luck; the last mean is not."""
    rows = [{"val_accuracy": a, "val_loss": 1 - a, "averaged": 0.0} for a in (0.90, 0.99, 0.95)]
    assert kept_epoch(rows) == 1
    averaged = [*rows, rows[0] | {"averaged": 5.0}, rows[0] | {"averaged": 9.0}]
    assert kept_epoch(averaged) == 4


def test_early_stopping_counts_epochs_since_the_best():
    recipe = Recipe(early_stopping=2)
    assert not should_stop(rows(0.9, 0.8), recipe)
    assert should_stop(rows(0.9, 0.8, 0.9), Recipe(early_stopping=1))
    assert should_stop(rows(0.9, 0.8, 0.85), recipe)
    assert not should_stop(rows(0.9, 0.8, 0.95), recipe)
    assert not should_stop(rows(0.9, 0.1, 0.1), Recipe())


def test_target_accuracy_stops_at_once():
    recipe = Recipe(target_accuracy=0.995)
    assert should_stop(rows(0.9, 0.995), recipe)
    assert not should_stop(rows(0.996, 0.994), recipe)


def test_plateau_rate_agrees_with_keras():
    """Keras's own callback is the reference, on a course with several plateaus."""
    accuracies = [0.5, 0.6, 0.6, 0.6, 0.7, 0.65, 0.6, 0.6, 0.6, 0.8, 0.8, 0.8]
    recipe = Recipe(learning_rate=1.0, plateau_factor=0.5, plateau_patience=2)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    reference = keras.callbacks.ReduceLROnPlateau(
        "val_accuracy", factor=0.5, patience=2, mode="max", min_delta=0
    )
    reference.set_model(model)
    reference.on_train_begin()
    for i, accuracy in enumerate(accuracies):
        reference.on_epoch_end(i, {"val_accuracy": accuracy})
        expected = float(model.optimizer.learning_rate)
        assert plateau_rate(rows(*accuracies[: i + 1]), recipe) == expected


def test_augmentation_only_acts_in_training_and_keeps_the_range(digits):
    images = digits[0].images[:64, ..., None].astype(np.float32)
    vary = augmentation.build(
        seed=1, rotation=20, zoom=0.2, shift=3, shear=0.2, slant=0.2, elastic=1, thickness=1
    )
    varied = np.asarray(vary(images, training=True))
    assert np.array_equal(vary(images, training=False), images)
    assert varied.shape == images.shape
    assert varied.min() >= 0
    assert varied.max() <= 255.01
    assert np.abs(varied - images).mean() > 5
    # Ink is moved, made thicker or thinner, never lost.
    assert 0.7 < varied.sum() / images.sum() < 1.4


@pytest.mark.parametrize("kind", ["convolution", "erasing"])
def test_a_disturbance_takes_its_share_of_the_pictures_and_keeps_the_range(digits, kind):
    """Protects digits as they are: the others stay untouched, and all do when they are read."""
    images = np.repeat(digits[0].images[:100], 5, axis=0)[..., None].astype(np.float32)
    vary = augmentation.build(seed=1, **{kind: 0.4})
    disturbed = np.asarray(vary(images, training=True))
    assert np.array_equal(vary(images, training=False), images)
    assert disturbed.min() >= 0
    assert disturbed.max() <= 255.01
    changed = np.abs(disturbed - images).max(axis=(1, 2, 3)) > 1
    assert 0.25 < changed.mean() < 0.45  # an erased part may lie outside the picture
    per_picture = changed.reshape(100, 5).mean(axis=1)
    assert 0 < per_picture.std() < 0.4  # each is drawn for itself, not batch by batch


def test_a_random_convolution_may_invert_and_blur_but_keeps_the_shape(digits):
    """Protects labels: what is filtered still looks like the digit, bright or dark."""
    images = digits[0].images[:300, ..., None].astype(np.float32)
    made = np.asarray(augmentation.build(seed=1, convolution=1.0)(images, training=True))
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(images, made, strict=True)]
    assert np.mean(np.abs(alike) > 0.5) > 0.7
    assert min(alike) < -0.5  # some are inverted


@pytest.mark.parametrize(
    ("strength", "moved"), [({"shift": 3}, (3, 3)), ({"rotation": 0}, (0, 0))], ids=str
)
def test_shift_moves_the_centre_by_at_most_its_strength(strength, moved):
    dot = np.zeros((256, 28, 28, 1), np.float32)
    dot[:, 12:16, 12:16] = 255
    vary = augmentation.build(seed=0, **strength) or (lambda images, training: images)
    varied = np.asarray(vary(dot, training=True))[..., 0]
    weight = varied.sum((1, 2))
    x = (varied.sum(1) @ np.arange(28)) / weight - 13.5
    y = (varied.sum(2) @ np.arange(28)) / weight - 13.5
    for offsets, most in ((x, moved[0]), (y, moved[1])):
        assert np.abs(offsets).max() <= most + 1e-3
        assert np.abs(offsets).max() >= 0.9 * most


def test_elastic_displacement_has_the_stated_strength():
    dx, dy = augmentation.Warp(elastic=0.8)._displacement(512, 28, 28)
    strength = float(np.sqrt((np.square(dx).mean() + np.square(dy).mean()) / 2))
    assert strength == pytest.approx(0.8, rel=0.1)


@pytest.mark.parametrize(
    ("strengths", "words"),
    [({"rotate": 3}, "no augmentation is called 'rotate'"), ({"zoom": -1}, "'zoom' is negative")],
)
def test_wrong_augmentation_is_named(strengths, words):
    with pytest.raises(ValueError, match=words):
        augmentation.build(**strengths)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_the_exported_model_answers_as_keras_does(digits, tmp_path, precision):
    """Whatever precision it was trained in. A bfloat16 graph exports but cannot run; ours must."""
    network, _ = fit(digits, epochs=1, precision=precision)
    plain = architectures.in_float32(network, "digitnet", width=4, dropout=0.2)
    exporting.save_model(plain, tmp_path)
    images = digits[1].images
    answers = Network(tmp_path / "digits.tflite").logits(images)
    np.testing.assert_allclose(answers, plain(images[..., None].astype(np.float32)), atol=1e-3)
    reloaded = keras.saving.load_model(tmp_path / "digits.keras", safe_mode=True)
    assert same_weights(plain, reloaded)
    assert "warp" not in str(reloaded.get_config()), "augmentation is no part of a saved model"


def test_whole_numbers_answer_almost_as_float32_does(digits, tmp_path):
    network, _ = fit(digits, epochs=3, learning_rate=0.01)
    exporting.save_model(network, tmp_path)
    file = exporting.save_int8(network, tmp_path, digits[0].images)
    images = digits[1].images
    exact, rounded = (Network(tmp_path / name).logits(images) for name in (FLOAT_FILE, INT8_FILE))
    assert np.mean(exact.argmax(axis=1) == rounded.argmax(axis=1)) > 0.97
    assert np.abs(exact - rounded).mean() < 0.05 * np.ptp(exact)
    assert file.stat().st_size < 0.6 * (tmp_path / FLOAT_FILE).stat().st_size


def test_a_network_with_layers_of_its_own_is_loaded_by_a_fresh_interpreter(tmp_path):
    """Where nothing has built such a network before, Keras does not know its layers."""
    exporting.save_model(architectures.build("lrn"), tmp_path)
    program = f"from digitlib.learning.exporting import load_model; load_model({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("flags", "policy"),
    [
        ("avx2 avx512f", "float32"),
        ("avx2 avx512f avx512_bf16", "mixed_bfloat16"),
        ("avx2 amx_bf16 amx_tile", "mixed_bfloat16"),
        (None, "float32"),
    ],
    ids=["emulated", "AVX-512", "AMX", "not Linux"],
)
def test_auto_precision_is_float32_where_bfloat16_is_emulated(tmp_path, monkeypatch, flags, policy):
    monkeypatch.setattr(training, "CPU_INFO", tmp_path / "cpuinfo")
    if flags:
        (tmp_path / "cpuinfo").write_text(f"model name\t: A processor\nflags\t\t: fpu {flags}\n")
    assert training.choose_precision("auto") == policy
    assert training.choose_precision("float32") == "float32"
    with pytest.raises(ValueError, match="precision is 'half'"):
        training.choose_precision("half")

"""Students learn what their teachers answer, every seed from the same pictures."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from digitlib import datasets
from digitlib.artifacts import write_json
from digitlib.learning import architectures, augmentation, lessons, training
from digitlib.learning.lessons import Lessons
from digitlib.learning.recipe import Recipe
from digitlib.reading.recognizer import PRETRAINED

RECIPE = Recipe(
    epochs=2, batch_size=32, synthetic_share=0.2, nondigit_share=0.1, learning_rate=3e-3
)


@pytest.fixture(scope="module")
def digits():
    train, held = datasets.split(datasets.load_dataset("optdigits"), 0.2, seed=0)
    return train.take(np.arange(600)), held


def make(train, folder, share=1.0, seed=0, recipe=RECIPE):
    vary = augmentation.build(seed, rotation=10, thickness=0.3)
    made = Lessons(train, replace(recipe, seed=seed), vary, {PRETRAINED: share}, folder)
    made.prepare()
    return made


def by_picture(lesson):
    return {image.tobytes(): answer.tobytes() for image, answer in zip(*lesson, strict=True)}


def test_seeds_learn_from_the_same_lessons_in_an_order_of_their_own(digits, tmp_path, capsys):
    first = make(digits[0], tmp_path, seed=1)
    assert "lesson   1/2 made" in capsys.readouterr().out
    other = make(digits[0], tmp_path, seed=2)
    assert "made" not in capsys.readouterr().out
    assert other.folder == first.folder
    one, two = first.read(0, seed=1), other.read(0, seed=2)
    assert not np.array_equal(one[0], two[0])
    assert by_picture(one) == by_picture(two)
    assert by_picture(one) != by_picture(first.read(1, seed=1))


def test_answers_are_those_of_the_teacher_to_the_varied_picture(digits, tmp_path):
    taught = make(digits[0], tmp_path, share=1.0)
    images, answers = taught.read(0, seed=0)
    logits = taught.networks[0].logits(images[..., 0])
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(answers, expected, atol=1e-3)
    plain = {image.tobytes() for image in lessons.pictures(digits[0], RECIPE, 0)[0]}
    assert np.mean([image.tobytes() in plain for image in images]) < 0.01


def test_a_share_of_the_answer_is_the_label(digits, tmp_path):
    whole = make(digits[0], tmp_path, share=1.0)
    part = make(digits[0], tmp_path, share=0.25)
    assert part.folder != whole.folder
    _, labels = lessons.pictures(digits[0], RECIPE, 0)
    order = np.random.default_rng([0, 0]).permutation(len(labels))
    mixed = 0.75 * labels[order] + 0.25 * whole.read(0, seed=0)[1]
    np.testing.assert_allclose(part.read(0, seed=0)[1], mixed, atol=2e-3)


def test_a_student_with_wrong_labels_learns_from_a_teacher_who_knows(digits, tmp_path):
    train, held = digits
    wrong = replace(train, labels=(train.labels + 3) % 10)
    recipe = replace(RECIPE, epochs=8, nondigit_share=0.0, synthetic_share=0.0)
    network = architectures.build("digitnet", width=8)
    taught = make(wrong, tmp_path, recipe=recipe)
    history = training.fit(network, wrong, held, recipe, lessons=taught)
    assert max(row["val_accuracy"] for row in history) > 0.8


def test_runs_that_start_together_share_the_making(digits, tmp_path, monkeypatch):
    made, original = [], Lessons._make
    both_started = threading.Barrier(2, timeout=60)

    def slow(self, epoch):
        made.append(epoch)
        both_started.wait()  # passed only if each of the two makes one at the same time
        original(self, epoch)

    monkeypatch.setattr(Lessons, "_make", slow)
    runs = [threading.Thread(target=make, args=(digits[0], tmp_path)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(timeout=120)
    assert sorted(made) == [0, 1]


def test_lessons_need_a_teacher_and_a_share(digits, tmp_path):
    with pytest.raises(ValueError, match="shares of"):
        Lessons(digits[0], RECIPE, None, {}, tmp_path)
    with pytest.raises(ValueError, match="above 0"):
        make(digits[0], tmp_path, share=0)


def test_teachers_have_not_learnt_from_what_their_student_is_chosen_on(tmp_path):
    card = {"sha256": "f00d", "validation": 0.1, "seed": 0}
    write_json(tmp_path / "card.json", card)
    card.pop("seed")
    lessons.check_teachers([tmp_path], **card)
    for name, other in (("sha256", "beef"), ("validation", 0.2)):
        with pytest.raises(ValueError, match="another data set or validation"):
            lessons.check_teachers([tmp_path], **card | {name: other})

"""Networks that begin with a pretrained one: their shape, what learns, what is computed once."""

import keras
import numpy as np
import pytest

from digitlib import datasets
from digitlib.learning import architectures, augmentation, exporting, tasks, training, transfer
from digitlib.learning.recipe import Recipe
from digitlib.reading.litert import Network


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    """A file of weights as ImageNet's are stored, freshly drawn: what is downloaded is as large."""
    file = tmp_path_factory.mktemp("weights") / "vgg16.weights.h5"
    keras.utils.set_random_seed(0)
    keras.applications.VGG16(include_top=False, weights=None).save_weights(file)
    return str(file)


@pytest.fixture(scope="module")
def digits():
    train, held = datasets.split(datasets.load_dataset("optdigits"), 0.2)
    return train.take(np.arange(128)), held.take(np.arange(100))


def trainable(network: keras.Model) -> int:
    return sum(int(np.prod(w.shape)) for w in network.trainable_weights)


def test_vgg16_has_its_published_size(weights):
    network = architectures.build("vgg16", weights=weights)
    assert network.count_params() == 15_237_698
    assert trainable(network) == 523_010
    assert transfer.is_frozen(network)


@pytest.mark.parametrize("name", ["vgg19", "resnet50"])
def test_the_others_answer_too(name):
    network = architectures.build(name, weights="none", top=[{"layer": "GlobalMaxPooling2D"}])
    assert network(np.zeros((2, 28, 28, 1), np.float32)).shape == (2, 10)
    assert not transfer.is_frozen(network), "nothing is frozen that nobody trained"


def test_the_backbone_sees_what_it_was_trained_on(weights):
    """Protects its features: pixels in Caffe's order and range, as Keras prepares them."""
    network = architectures.build("vgg16", weights=weights, side=28 * 2)
    before = network.get_layer("block1_conv1").input
    pixels = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1)).astype(np.float32)
    seen = keras.Model(network.input, before)(pixels)
    large = keras.ops.image.resize(pixels, (56, 56))
    expected = keras.applications.vgg16.preprocess_input(np.repeat(np.array(large), 3, axis=3))
    np.testing.assert_allclose(seen, expected, atol=1e-3)


def test_top_layers_are_as_described(weights):
    top = [
        {"layer": "Flatten", "name": "flat"},
        {"layer": "Dense", "units": 7, "activation": "relu", "name": "left"},
        {"layer": "Dense", "units": 5, "follows": "flat", "name": "right"},
        {"layer": "Concatenate", "follows": ["left", "right"]},
    ]
    network = architectures.build("vgg16", weights=weights, top=top)
    assert network.get_layer("logits").input.shape == (None, 12)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": "nowhere.h5"}, "there is no file"),
        ({"weights": "none", "top": [{"layer": "Lambda"}]}, "'Lambda' is none of"),
        ({"weights": "none", "top": [{"layer": "Flatten", "follows": "x"}]}, "follows 'x'"),
        ({"weights": "none", "top": [{"layer": "Dense", "unit": 3}]}, "layer 0 .Dense."),
        ({"channels": 1}, "need 3"),
        ({"weights": "none", "channels": 2}, "channels is 2"),
    ],
)
def test_what_cannot_be_built_is_told(options, words):
    with pytest.raises(ValueError, match=words):
        architectures.build("vgg16", **options)


def test_without_a_network_it_says_what_to_do(monkeypatch):
    def offline(*arguments, **options):
        if options["weights"] == "imagenet":
            raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "VGG16", offline)
    with pytest.raises(ValueError, match=r"URL fetch failure.*local file.*`none`"):
        architectures.build("vgg16")


def test_features_are_computed_once_and_give_the_same_fit(weights, digits, capsys):
    """Protects the shortcut: it may save time, and nothing else."""
    recipe = Recipe(epochs=2, batch_size=32)
    answers = []
    for shortcut in (False, True):
        network = architectures.build("vgg16", weights=weights)
        learner, train, held = network, *digits
        if shortcut:
            learner, train, held = transfer.without_repetition(network, recipe, None, *digits)
            assert "looked at every picture once" in capsys.readouterr().out
            assert len(learner.weights) == 4
        training.fit(learner, train, held, recipe, report=lambda *_: None)
        answers.append(tasks.logits(network, digits[1].images))
    np.testing.assert_allclose(*answers, atol=1e-2, rtol=1e-2)


def test_pictures_that_vary_are_looked_at_anew(weights, digits):
    network = architectures.build("vgg16", weights=weights)
    vary = augmentation.build(0, rotation=10)
    for recipe, varied in ((Recipe(), vary), (Recipe(synthetic_share=0.1), None)):
        kept = transfer.without_repetition(network, recipe, varied, *digits)
        assert kept[0] is network


def test_the_last_blocks_may_learn_in_a_second_phase(weights, digits, tmp_path):
    """Protects the better of both: the network ends as the epoch that judged best."""
    network = architectures.build("vgg16", weights=weights)
    first = training.fit(network, *digits, Recipe(epochs=1), report=lambda *_: None)
    assert transfer.unfreeze(network, 0) == []
    assert transfer.unfreeze(network, 1) == ["block5_conv1", "block5_conv2", "block5_conv3"]
    assert trainable(network) == 523_010 + 3 * (512 * 512 * 9 + 512)
    gentle = Recipe(epochs=1, learning_rate=1e-5)
    both = transfer.fine_tune(network, *digits, gentle, None, tmp_path, first)
    assert [row["epoch"] for row in both] == [1, 2]
    right = tasks.logits(network, digits[1].images).argmax(1) == digits[1].labels
    assert right.mean() == pytest.approx(max(row["val_accuracy"] for row in both))


def test_it_exports_and_answers_without_tensorflow(tmp_path):
    options = {"weights": "none", "top": [{"layer": "GlobalAveragePooling2D"}]}
    network = architectures.build("resnet50", **options)
    exporting.save_model(architectures.in_float32(network, "resnet50", **options), tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28)).astype(np.uint8)
    answers = Network(tmp_path / "digits.tflite").logits(images)
    np.testing.assert_allclose(answers, tasks.logits(network, images), atol=1e-2, rtol=1e-2)

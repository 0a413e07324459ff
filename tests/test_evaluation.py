"""The numbers a model is judged by, held against published examples and other libraries."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import softmax
from sklearn import calibration as sklearn_calibration
from sklearn import datasets as sklearn_datasets
from sklearn import discriminant_analysis, metrics

from digitlib import artifacts
from digitlib.datasets import Dataset
from digitlib.measuring import calibration, comparison, evaluation, intervals, statistics
from digitlib.reporting import tables
from digitlib.reporting.figures import evaluation as plots

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def reader() -> tuple[np.ndarray, np.ndarray]:
    """Labels and logits of 897 real digits, by a plain linear reader of 900 others."""
    images, labels = sklearn_datasets.load_digits(return_X_y=True)
    linear = discriminant_analysis.LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    fitted = linear.fit(images[:900], labels[:900])
    return labels[900:], fitted.decision_function(images[900:])


# Accuracy and its interval: the headline of every report.


def test_the_worst_of_ten_may_be_so_by_chance():
    """Against drawing ten equally hard groups many times."""
    drawn = np.random.default_rng(0).binomial(35, 0.02, (100_000, 10)).max(axis=1)
    for misread in (1, 3, 5):
        chance = statistics.worst_by_chance(misread, 35, 0.02)
        assert chance == pytest.approx((drawn >= misread).mean(), abs=0.006)


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    # Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_published_one(correct, n, low, high):
    assert intervals.wilson_interval(correct, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("correct", "n"), [(0, 10), (10, 10), (5, 9), (9971, 10_000), (352, 360)])
def test_wilson_interval_agrees_with_scipy(correct, n):
    theirs = stats.binomtest(correct, n).proportion_ci(0.9, method="wilson")
    assert intervals.wilson_interval(correct, n, 0.9) == pytest.approx(theirs, abs=1e-12)


def test_wilson_interval_stays_a_share_and_needs_one():
    assert intervals.wilson_interval(0, 7)[0] == 0
    assert intervals.wilson_interval(7, 7)[1] == 1
    assert intervals.wilson_interval(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="greater than n"):
        intervals.wilson_interval(3, 2)


def test_accuracy_counts_and_refuses_what_it_cannot_count():
    found = statistics.accuracy(np.array([1, 2, 3, 4], np.uint8), np.array([1, 2, 3, 5]))
    assert (found["n"], found["correct"], found["accuracy_percent"]) == (4, 3, 75)
    assert 0 < found["low_percent"] < 75 < found["high_percent"] < 100
    with pytest.raises(ValueError, match="equally many"):
        statistics.accuracy(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="at least one"):
        statistics.accuracy(np.zeros(0), np.zeros(0))


def test_over_seeds_is_students_interval_and_knows_one_run_says_nothing_of_spread():
    values = [99.61, 99.55, 99.70, 99.58, 99.66]
    found = statistics.over_seeds(values)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx(tuple(theirs))
    assert found["sd"] == pytest.approx(stats.tstd(values))
    alone = statistics.over_seeds([99.6])
    assert alone == {"n": 1, "mean": 99.6, "sd": None, "low": None, "high": None}


# Digit by digit.


def test_per_class_and_confusion_agree_with_scikit_learn(reader):
    labels, logits = reader
    predicted = logits.argmax(axis=1)
    rows = evaluation.per_class(labels, predicted)
    report = metrics.classification_report(labels, predicted, output_dict=True)
    for row in rows:
        theirs = report[str(row["digit"])]
        assert row["precision_percent"] == pytest.approx(100 * theirs["precision"])
        assert row["recall_percent"] == pytest.approx(100 * theirs["recall"])
        assert row["f1_percent"] == pytest.approx(100 * theirs["f1-score"])
        assert row["recall_low_percent"] < row["recall_percent"] <= row["recall_high_percent"]
    matrix = evaluation.confusion_matrix(labels, predicted)
    assert matrix.shape == (10, 10)
    assert matrix.sum() == len(labels)
    wrong = evaluation.confusions(matrix)
    assert sum(n for *_, n in wrong) == np.sum(labels != predicted)
    assert [n for *_, n in wrong] == sorted((n for *_, n in wrong), reverse=True)


def test_a_digit_that_is_never_read_or_not_there_is_no_warning():
    # Small data holds such cases; warnings would end up in the notebooks.
    rows = evaluation.per_class(np.array([0, 0, 1]), np.array([0, 0, 0]))
    assert rows[1]["precision_percent"] == rows[1]["recall_percent"] == 0
    assert rows[9]["support"] == 0
    assert (rows[9]["recall_low_percent"], rows[9]["recall_high_percent"]) == (0, 100)


# Confidence.


def simulated(temperature: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose probabilities are exactly right once divided by ``temperature``."""
    true = RNG.normal(0, 3, (n, 10))
    draws = RNG.random((n, 1))
    labels = (softmax(true, axis=1).cumsum(axis=1) < draws).sum(axis=1)
    return temperature * true, np.minimum(labels, 9)


@pytest.mark.parametrize("true", [0.5, 1.0, 2.5])
def test_temperature_is_found_again(true):
    logits, labels = simulated(true)
    found = calibration.fit_temperature(logits, labels)
    assert found == pytest.approx(true, rel=0.03)
    errors = [
        calibration.expected_calibration_error(
            *calibration.graded(labels, softmax(logits / t, axis=1))
        )
        for t in (found, 1.0)
    ]
    assert errors[0] < 0.01
    assert errors[0] <= errors[1] + 0.002


def test_temperature_is_the_likeliest_one(reader):
    labels, logits = reader
    found = calibration.fit_temperature(logits, labels)
    best = optimize.minimize_scalar(
        lambda t: metrics.log_loss(labels, softmax(logits / t, axis=1)), bounds=(0.05, 20)
    )
    assert found == pytest.approx(best.x, rel=0.03)


def test_temperature_stays_sober_where_nothing_is_misread():
    # Plain likelihood would go to 0 and claim certainty; 144 validation digits do not allow that.
    labels = np.arange(144) % 10
    logits = 8.0 * np.eye(10)[labels]
    assert 0.3 < calibration.fit_temperature(logits, labels) < 1


def test_likelihood_and_brier_score_agree_with_scikit_learn(reader):
    labels, logits = reader
    probabilities = softmax(logits, axis=1)
    assert calibration.negative_log_likelihood(labels, probabilities) == pytest.approx(
        metrics.log_loss(labels, probabilities)
    )
    truth = np.eye(10)[labels]
    brier = sum(metrics.brier_score_loss(truth[:, d], probabilities[:, d]) for d in range(10))
    assert calibration.brier_score(labels, probabilities) == pytest.approx(brier)
    # A probability of 0 for the truth must not make a report infinite.
    certain = np.eye(10)[[3, 4]]
    assert calibration.negative_log_likelihood(np.array([4, 4]), certain) == pytest.approx(
        43.7, abs=0.1
    )
    assert calibration.brier_score(np.array([4, 4]), certain) == 1


def test_reliability_bins_agree_with_scikit_learn(reader):
    labels, logits = reader
    probabilities = softmax(logits / 3, axis=1)
    rows = calibration.reliability(*calibration.graded(labels, probabilities))
    accuracy, confidence = sklearn_calibration.calibration_curve(
        probabilities.argmax(axis=1) == labels, probabilities.max(axis=1), n_bins=15
    )
    assert [row["accuracy"] for row in rows] == pytest.approx(accuracy)
    assert [row["confidence"] for row in rows] == pytest.approx(confidence)
    assert sum(row["n"] for row in rows) == len(labels)
    assert all(row["from"] <= row["confidence"] <= row["to"] for row in rows)
    assert all(row["low"] <= row["accuracy"] <= row["high"] for row in rows)


def test_calibration_error_is_the_definition_word_for_word(reader):
    labels, logits = reader
    for temperature in (0.01, 1, 4):
        probabilities = softmax(logits / temperature, axis=1).astype(np.float32)
        right, confidence = probabilities.argmax(1) == labels, probabilities.max(1)
        bins = np.clip((confidence * 15).astype(int), 0, 14)
        expected = sum(
            abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean()
            for b in range(15)
            if (bins == b).any()
        )
        found = calibration.expected_calibration_error(*calibration.graded(labels, probabilities))
        assert found == pytest.approx(expected, rel=1e-6)


def test_calibration_error_by_chance_is_what_a_calibrated_reader_shows():
    logits, labels = simulated(1, n=500)
    probabilities = softmax(logits, axis=1)
    mean, most = calibration.calibration_error_by_chance(probabilities.max(axis=1))
    assert 0 < mean < most < 0.1
    assert (
        calibration.expected_calibration_error(*calibration.graded(labels, probabilities))
        < 1.5 * most
    )
    again = calibration.calibration_error_by_chance(probabilities.max(axis=1))
    assert again == (mean, most)


def test_coverage_curve_on_a_case_done_by_hand():
    # Confidences 0.9, 0.8, 0.8, 0.6: right, right, wrong, wrong. The two at 0.8 are one group.
    probabilities = np.full((4, 10), 0.0)
    probabilities[np.arange(4), [1, 2, 3, 4]] = [0.8, 0.9, 0.8, 0.6]
    labels = np.array([1, 2, 0, 0])
    coverage, accuracy = calibration.accuracy_by_coverage(
        *calibration.graded(labels, probabilities)
    )
    assert coverage == pytest.approx([0.25, 0.5, 0.75, 1])
    assert accuracy == pytest.approx([1, 0.75, 2 / 3, 0.5])
    area = calibration.area_under_risk_coverage(*calibration.graded(labels, probabilities))
    assert area == pytest.approx((0 + 0.25 + 1 / 3 + 0.5) / 4)


def test_coverage_does_not_depend_on_the_order_of_the_digits(reader):
    labels, logits = reader
    probabilities = softmax(logits / 0.05, axis=1)  # many confidences are exactly 1
    order = RNG.permutation(len(labels))
    first = calibration.accuracy_by_coverage(*calibration.graded(labels, probabilities))
    second = calibration.accuracy_by_coverage(
        *calibration.graded(labels[order], probabilities[order])
    )
    assert first[1] == pytest.approx(second[1])


# Mistakes and suspect labels.


def test_worst_mistakes_are_mistakes_the_surest_first(reader):
    labels, logits = reader
    probabilities = softmax(logits, axis=1)
    worst = evaluation.worst_mistakes(labels, probabilities, 5)
    assert len(worst) == 5
    assert np.all(probabilities[worst].argmax(axis=1) != labels[worst])
    confidence = probabilities[worst].max(axis=1)
    assert np.all(np.diff(confidence) <= 0)
    wrong = probabilities.argmax(axis=1) != labels
    assert confidence[0] == probabilities[wrong].max()
    assert len(evaluation.worst_mistakes(labels, np.eye(10)[labels])) == 0


def test_label_issues_finds_labels_that_were_changed(reader):
    # The purpose of the method: most changed labels are found, few sound ones are accused.
    labels, logits = reader
    probabilities = softmax(logits, axis=1)
    changed = RNG.choice(len(labels), 30, replace=False)
    noisy = labels.copy()
    noisy[changed] = (noisy[changed] + RNG.integers(1, 10, 30)) % 10
    rows = evaluation.label_issues(noisy, probabilities)
    found = [row["index"] for row in rows]
    assert len(set(found) & set(changed)) >= 20
    assert len(set(found[:20]) & set(changed)) >= 18
    assert all(noisy[row["index"]] == row["label"] != row["suggested"] for row in rows)
    given = [row["label_probability"] for row in rows]
    assert given == sorted(given)


def test_label_issues_on_the_definition_by_hand():
    labels = np.array([0, 0, 1, 1, 1])
    probabilities = np.zeros((5, 10))
    probabilities[:, 0] = [0.9, 0.7, 0.1, 0.8, 0.3]  # mean over label 0: 0.8
    probabilities[:, 1] = 1 - probabilities[:, 0]  # mean over label 1: 0.6
    (row,) = evaluation.label_issues(labels, probabilities)
    assert (row["index"], row["label"], row["suggested"]) == (3, 1, 0)
    assert row["label_probability"] == pytest.approx(0.2)


# Brightness.


def test_brightness_is_scaled_shifted_and_cut_off():
    image = np.array([[[0, 1, 100, 255]]], np.uint8)
    assert evaluation.change_brightness(image, factor=2).tolist() == [[[0, 2, 200, 255]]]
    assert evaluation.change_brightness(image, offset=-50).tolist() == [[[0, 0, 50, 205]]]
    assert evaluation.change_brightness(image, offset=200).dtype == np.uint8
    assert np.array_equal(evaluation.change_brightness(image), image)


def test_under_brightness_sees_the_changed_images():
    digits = Dataset(
        "x", np.full((4, 28, 28), 100, np.uint8), np.array([1, 1, 1, 0], np.uint8), "x"
    )

    def classify(images):
        # Reads 1 as long as there is something to see.
        return np.eye(10)[(images.max(axis=(1, 2)) > 30).astype(int)]

    rows = evaluation.under_brightness(classify, digits, [1.0, 0.2], [-90])
    assert [(row["change"], row["value"]) for row in rows] == [
        ("factor", 1.0),
        ("factor", 0.2),
        ("offset", -90.0),
    ]
    assert [row["accuracy_percent"] for row in rows] == [75, 25, 25]


# Two readers on the same digits.


def test_mcnemar_is_the_exact_binomial_test():
    # Table of Fagerland, Lydersen and Laake 2013, doi:10.1186/1471-2288-13-91: 1 against 7 pairs.
    assert comparison.mcnemar(1, 7) == pytest.approx(0.0703, abs=5e-5)
    assert comparison.mcnemar(7, 1) == comparison.mcnemar(1, 7)
    assert comparison.mcnemar(0, 0) == comparison.mcnemar(4, 4) == 1


def test_paired_interval_is_that_of_another_implementation():
    # R's PropCIs 0.3-0: scoreci.mp(25, 28, 618, 0.90); it subtracts the other way round.
    found = intervals.paired_interval(28, 25, 618, 0.90)
    assert found == pytest.approx((-0.0148, 0.0247), abs=5e-5)


def _rejected(b: int, c: int, n: int, difference: float) -> float:
    """Tango's score statistic, its nuisance parameter by numerical maximum likelihood."""
    low, high = max(0.0, -difference), (1 - difference) / 2

    def loss(q):
        cells = np.array([q + difference, q, 1 - 2 * q - difference])
        counts = np.array([b, c, n - b - c])
        return -np.sum(counts * np.log(np.maximum(cells, 1e-300)))

    q = optimize.minimize_scalar(loss, bounds=(low, high), options={"xatol": 1e-13}).x
    return (b - c - n * difference) / np.sqrt(n * (2 * q + difference * (1 - difference)))


@pytest.mark.parametrize(
    ("b", "c", "n"), [(40, 20, 160), (3, 13, 400), (12, 9, 10_000), (7, 12, 21)]
)
def test_paired_interval_ends_where_the_score_test_begins_to_reject(b, c, n):
    low, high = intervals.paired_interval(b, c, n)
    assert low < (b - c) / n < high
    assert _rejected(b, c, n, low) == pytest.approx(1.96, abs=2e-3)
    assert _rejected(b, c, n, high) == pytest.approx(-1.96, abs=2e-3)


def test_paired_interval_at_the_edges():
    z2 = stats.norm.ppf(0.975) ** 2
    bound = z2 / (100 + z2)  # closed form for readers that never differ
    assert intervals.paired_interval(0, 0, 100) == pytest.approx((-bound, bound))
    assert intervals.paired_interval(50, 0, 50)[1] == 1
    assert intervals.paired_interval(0, 50, 50)[0] == -1
    swapped = intervals.paired_interval(5, 0, 25)
    assert intervals.paired_interval(0, 5, 25) == pytest.approx((-swapped[1], -swapped[0]))
    with pytest.raises(ValueError, match="parts of 10"):
        intervals.paired_interval(6, 5, 10)


def test_paired_test_counts_only_what_tells_the_readers_apart():
    labels = np.zeros(10, int)
    first = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1])
    second = np.array([0, 0, 0, 0, 1, 1, 2, 0, 2, 1])
    found = comparison.paired_test(labels, first, second)
    assert (found["only_first"], found["only_second"]) == (3, 1)
    assert found["difference_percent"] == pytest.approx(20)
    assert found["p_value"] == pytest.approx(stats.binomtest(3, 4).pvalue)
    with pytest.raises(ValueError, match="same digits"):
        comparison.paired_test(labels, first, second[:9])


def test_earlier_predictions_must_be_of_the_same_digits(tmp_path):
    saved = {"dataset": "optdigits", "test_sha256": "abc", "predictions": "0123456789"}
    artifacts.save_metrics(tmp_path, "05_evaluation", saved)
    found = comparison.earlier_predictions(tmp_path, "abc")
    assert found.dtype == np.uint8
    assert found.tolist() == list(range(10))
    with pytest.raises(artifacts.ArtifactError, match="other digits"):
        comparison.earlier_predictions(tmp_path, "abd")
    with pytest.raises(artifacts.ArtifactError, match="evaluate that run first"):
        comparison.earlier_predictions(tmp_path / "nothing", "abc")


def test_nearest_neighbours_read_real_digits():
    images, labels = sklearn_datasets.load_digits(return_X_y=True)
    pictures = np.zeros((len(images), 28, 28), np.uint8)
    pictures[:, :8, :8] = 15 * images.reshape(-1, 8, 8)
    train = Dataset("x", pictures[:900], labels[:900].astype(np.uint8), "x")
    predicted = comparison.nearest_neighbours(train, pictures[900:], 3)
    assert np.mean(predicted == labels[900:]) > 0.95
    few = train.take(np.arange(2))
    assert len(comparison.nearest_neighbours(few, pictures[:5], 3)) == 5


# Together.


def test_summary_is_written_as_it_is_read(reader, tmp_path):
    labels, logits = reader
    found = evaluation.summary(labels, logits, 1.0)
    assert found["ece_percent"] == found["ece_percent_uncalibrated"]
    assert found["nll"] == found["nll_uncalibrated"]
    rows = evaluation.per_class(labels, logits.argmax(axis=1))
    artifacts.save_metrics(tmp_path, "05_evaluation", {"test": found, "per_class": rows})
    again = artifacts.load_metrics(tmp_path)["05_evaluation"]
    assert again["test"]["correct"] == np.sum(logits.argmax(axis=1) == labels)
    assert again["per_class"][3]["support"] == np.sum(labels == 3)


def test_tables_keep_the_order_and_can_be_empty(reader):
    labels, logits = reader
    scores = {"test": evaluation.summary(labels, logits, 1.0)}
    table = tables.readable(scores, "accuracy_percent", "n")
    assert list(table.columns) == ["accuracy (%)", "digits"]
    assert list(table.index) == ["test"]
    assert tables.readable([], "name", "p_value").shape == (0, 2)


def test_figures_are_drawn_with_and_without_mistakes(reader, tmp_path):
    # A tiny or perfect run must not break its report.
    labels, logits = reader
    for probabilities in (softmax(logits, axis=1), np.eye(10)[labels]):
        predicted = probabilities.argmax(axis=1)
        digits = Dataset(
            "x", np.zeros((len(labels), 28, 28), np.uint8), labels.astype(np.uint8), "x"
        )
        worst = evaluation.worst_mistakes(labels, probabilities)
        bins = calibration.reliability(*calibration.graded(labels, probabilities))
        curve = calibration.accuracy_by_coverage(*calibration.graded(labels, probabilities))
        suspects = evaluation.suspect_labels({"test": digits}, {"test": probabilities})
        figures = [
            plots.per_class(evaluation.per_class(labels, predicted)),
            plots.confusion({"test": evaluation.confusion_matrix(labels, predicted)}),
            plots.calibration(bins, bins, 1.0),
            plots.coverage({"test": curve}, 0.99),
            plots.answers(digits.images[worst], labels[worst], probabilities[worst], "Mistakes"),
            plots.suspects([digits.images[row["index"]] for row in suspects], suspects),
        ]
        for figure in figures:
            assert figure.alt
            artifacts.save_figure(figure, tmp_path, "figure")
            assert (tmp_path / "figures" / "figure.png").stat().st_size > 1000


def test_judging_needs_no_keras():
    # A prediction service or a laptop without TensorFlow can evaluate too.
    program = (
        "import sys; import digitlib.measuring.evaluation, digitlib.reporting.figures.evaluation;"
        "sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_a_ladder_says_what_each_step_bought():
    """Protects the ablation: steps are compared seed by seed, not as if they were unrelated.

    Both seeds gain exactly one point in the second step, so its interval has no width, though the
    seeds themselves lie ten points apart.
    """
    first, second, third = statistics.rungs(
        ["none", "a", "b"], [[80.0, 90.0], [81.0, 91.0], [80.0, 92.0]]
    )
    assert first["bought"] is None
    assert second["mean"] == 86.0
    assert (second["bought"], second["bought_low"], second["bought_high"]) == (1.0, 1.0, 1.0)
    assert third["bought"] == 0.0
    # Student's t for two differences of -1 and 1: 12.706 · √2 / √2.
    assert third["bought_high"] == pytest.approx(12.706, abs=1e-3)


def test_the_difference_of_independent_accuracies_is_newcombes():
    """The example of the source: 56 of 70 against 48 of 80 (Newcombe 1998, table II, method 10)."""
    one, other = (
        statistics.accuracy(np.ones(n), np.arange(n) < right) for right, n in ((56, 70), (48, 80))
    )
    low, high = intervals.difference_interval(one, other)
    assert (low, high) == (pytest.approx(5.24, abs=0.01), pytest.approx(33.39, abs=0.01))
    assert intervals.difference_interval(other, one) == (pytest.approx(-high), pytest.approx(-low))

"""What the notebooks say in words is true, whatever the numbers are."""

import numpy as np
import pandas as pd
import pytest

from digitlib.measuring.comparison import paired_test
from digitlib.measuring.evaluation import per_class
from digitlib.measuring.statistics import accuracy, cross_validation, over_seeds
from digitlib.reporting.findings import (
    augmentation,
    batch,
    evaluation,
    exploration,
    ladders,
    numbers,
    report,
    robustness,
    training,
    tuning,
    words,
)


def measured(percent: float, n: int = 100, **more: float) -> dict:
    """An accuracy as it is measured, with the interval from 5 below it to 5 above."""
    found = {"n": n, "correct": round(n * percent / 100), "accuracy_percent": percent}
    return found | {"low_percent": percent - 5, "high_percent": percent + 5} | more


def rung(step, mean, low=None):
    return {"step": step, "mean": mean, "bought_low": low}


def test_words_fit_their_numbers():
    """Protects every sentence from "1 images" and from "none of 1"."""
    assert words.counted(0, "image") == "no images"
    assert words.counted(0, "image", none="0") == "0 images"
    assert words.counted(1, "image") == "1 image"
    assert words.counted(1234, "image") == "1,234 images"
    assert [words.are(1), words.are(2), words.were(1), words.were(0)] == [
        "is",
        "are",
        "was",
        "were",
    ]
    assert words.listed([]) == "none"
    assert words.listed([1, 2, 3]) == "1, 2 and 3"
    assert words.bullets(["a", "b"]) == "- a\n- b"
    assert words.first_of(["a", "b"], most=1) == "- a\n- … and 1 more file"
    assert words.share(1, 3) == "33.3 %"
    assert [words.degrees(-0.4), words.degrees(-8.2)] == ["0°", "−8°"]
    assert words.interval(measured(90)) == "95 % interval 85.00 to 95.00 %"


def test_rounding_makes_nothing_of_something_and_no_signs():
    """Protects readers from "0.00 points better" and from "-0.00"."""
    assert [words.most_of(p) for p in (0, 0.2, 50, 99.8, 100)] == [
        *("0 %", "less than 1 %", "50 %", "more than 99 %", "100 %"),
    ]
    assert [words.points(x) for x in (0, -0.001, 0.24)] == [
        *("0.00 points", "less than 0.01 points", "0.24 points"),
    ]
    assert words.points(0.04, 1) == "less than 0.1 points"
    assert [words.signed(x) for x in (-0.001, 0.24, -0.24)] == ["+0.00", "+0.24", "-0.24"]
    assert words.from_to(1.73, 1.58) == "goes from 1.73 % to 1.58 %"
    assert words.from_to(1.731, 1.729) == "stays at 1.73 %"


def test_the_data_are_told_of_truly():
    """Protects 01's sentences where nothing is found."""
    assert exploration.faults({"copies": 0}) == "**None of these faults was found.**"
    turned = exploration.faults({"copies": 0}, remedy="the digits seem to be turned; add ?flip")
    assert turned.endswith("**Look at them:** the digits seem to be turned; add ?flip.")
    told = exploration.faults({"copies": 2}, [("3/a.png", "empty file")])
    assert told == "**Found:** copies (2).\n\n- `3/a.png` was left out: empty file"
    none = exploration.outliers(np.zeros(4, bool), np.arange(4))
    assert none == "No training images (0.0 %) are far out."


def test_a_ladder_is_told_of_truly_whatever_it_reached():
    """Protects 02 and 06: up, down, level, with one seed, and not climbed at all."""
    up = [rung("none", 91.0), rung("shift 1", 92.5, 0.3), rung("zoom 0.1", 92.0, -0.4)]
    assert ladders.bought(up, 3, "500 digits") == (
        "All steps together bought **1.00 points** (91.00 to 92.00 %; 3 seeds; 500 digits). "
        "Steps whose own 95 % interval lies above zero: **shift 1**. "
        "With so few seeds, only large effects show."
    )
    down = [rung("none", 91.0), rung("shift 1", 90.0, -3.0)]
    assert "cost **1.00 points**" in ladders.bought(down, 1, "500 digits")
    assert "1 seed;" in ladders.bought(down, 1, "500 digits")
    assert "lies above zero: none." in ladders.bought(down, 8, "500 digits")
    same = ladders.bought([rung("none", 91.0), rung("shift 1", 91.001, 0.0)], 8, "500 digits")
    assert "changed nothing: **0.00 points**" in same
    assert "so few" not in same
    for nothing in ([], [rung("none", 91.0)]):
        assert ladders.bought(nothing, 3, "500 digits").startswith("No ladder was climbed")


def test_augmentation_is_told_of_truly():
    """Protects 02 from a share that is more when the step took less."""
    assert (
        augmentation.data("Digits", 1, 432) == "**Digits**: 1 digit to learn from, 432 to judge by."
    )
    assert "**45%** are left" in augmentation.sharpness({"varied": 0.45, "smoothed": 0.38})
    slower = augmentation.cost(0.010, 0.012, 20_474)
    assert "**20%** more, for a network of 20,474 parameters. For a larger" in slower
    faster = augmentation.cost(0.010, 0.009, 20_474)
    assert faster.endswith("**no** more, for a network of 20,474 parameters.")


def test_training_is_told_of_truly():
    """Protects 03: files left out, a fit that is level with validation, a perfect temperature."""
    whole = training.data("Digits", 1293, 144, [])
    assert whole == (
        "**Digits**: 1,293 digits to learn from, 144 to choose by. 0 files were left out."
    )
    damaged = training.data("Digits", 9, 1, [("a.png", "empty")], "the digits seem turned")
    assert damaged.endswith(
        "1 file was left out.\n- `a.png`: empty\n\n**Look at them:** the digits seem turned."
    )
    assert "… and 2 more files" in training.data("Digits", 9, 1, [("a.png", "empty")] * 12)
    assert "`conv` does most of the work, 31%." in training.size(75_498, 4.2e6, ["conv"], 0.31)
    tied = training.size(75_498, 4.2e6, ["conv", "conv_2"], 0.31)
    assert "`conv` and `conv_2` do most of the work, 31% each." in tied
    epoch = {"epoch": 7.0, "accuracy": 0.98}
    assert "1.00 points ahead;" in training.kept(epoch | {"val_accuracy": 0.99}, 8, 100)
    assert "1.00 points behind;" in training.kept(epoch | {"val_accuracy": 0.97}, 8, 100)
    assert "Validation is level;" in training.kept(epoch | {"val_accuracy": 0.98}, 8, 100)
    assert training.exported(98.5, 98.6, "digits.tflite").endswith("**`digits.tflite` serves**.")
    error = {"ece_percent_uncalibrated": 1.7, "ece_percent": 1.5}
    assert "**1.20** (above 1: it was too sure)" in training.calibration(1.2, error, 0.7)
    assert "**0.90** (below 1: it was not" in training.calibration(0.9, error, 0.7)
    assert "**1.00** (as good as 1" in training.calibration(
        0.998, error | {"ece_percent": 1.7}, 0.7
    )
    assert "(95 % interval 93.00 to 103.00 %)" in training.model("model", measured(98))


def test_habits_that_are_read_equally_badly_are_all_named():
    """Protects 03 where no habit is the worst."""

    def told(*percent: float) -> str:
        rows = [measured(p, habit=f"{i} open") for i, p in enumerate(percent)]
        return training.habits({"forms": measured(70), "unseen": measured(60), "by_habit": rows})

    assert "of the worst habit (0 open) **6.0 %**" in told(6, 7)
    assert "of the worst habits (0 open and 1 open) **6.0 %**" in told(6, 6, 7)
    assert "of every habit **100.0 %**" in told(100, 100)


def test_a_search_is_told_of_truly():
    """Protects 04: one trial, one setting, ties, and a forest that explains nothing."""
    assert tuning.data("Digits", 600, 144, 145).endswith("145 to compare the winner on.")
    assert tuning.trials(1, {}, 88.9, 144, 0) == (
        "1 trial was finished and 0 failed. The best reads **88.90 %** of 144 judging digits; "
        "no other comes within a digit of it."
    )
    told = tuning.trials(6, {3: "out of memory"}, 88.9, 144, 2)
    assert "6 trials were finished and 1 failed; trial 3: out of memory." in told
    assert "2 others are" in told
    assert "1 other is" in tuning.trials(6, {}, 88.9, 144, 1)

    matters = pd.Series({"rate": 0.4, "width": 0.2, "depth": 0.0})
    assert "on **rate**, then on width." in tuning.importance(matters, 0.5, 20)
    assert tuning.importance(matters[["rate", "depth"]], 0.5, 20).endswith("depends on **rate**.")
    assert "1 trial is too few" in tuning.importance(matters, float("nan"), 1)
    assert "explains 0% of the differences" in tuning.importance(matters, -0.3, 6)
    assert "too few" in tuning.importance(matters * 0, 0.5, 6)


def test_what_accuracy_costs_is_told_of_truly():
    """Protects 04 where one trial is best in everything, and where several are best."""

    def told(accuracy: list[float], parameters: list[int], front: list[bool]) -> str:
        done = pd.DataFrame({"accuracy_percent": accuracy, "parameters": parameters})
        return tuning.costs(done, pd.Series(front))

    assert told([90, 88, 80], [900, 300, 500], [True, True, False]) == (
        "2 of 3 trials are unbeaten. The smallest of them has 300 parameters and is 2.00 points "
        "behind the best, which has 900."
    )
    assert told([90, 88], [300, 900], [True, False]) == (
        "1 of 2 trials is unbeaten. It has 300 parameters, and none is more accurate."
    )
    assert "1 of 1 trial is unbeaten." in told([90], [300], [True])
    equals = told([90, 90, 88], [900, 800, 300], [True, True, True])
    assert equals.endswith("behind the best, the smallest of which has 800.")
    assert "2.00 points" in told([90, 87, 88], [900, 300, 300], [True, True, True])


def test_a_winner_is_one_only_where_seeds_agree():
    """Protects 04 from a verdict by one seed."""
    beats = tuning.verdict(over_seeds([1.0, 1.1, 1.2]), 2, 144)
    assert "**beats** `digitnet`: +1.10 points on average over 3 seeds and 144 digits" in beats
    assert "(95 % interval +0.85 to +1.35). The difference is clear (p < 0.05) with 2" in beats
    assert "**falls short of**" in tuning.verdict(over_seeds([-1.0, -1.1, -1.2]), 3, 144)
    level = tuning.verdict(over_seeds([0.0, 0.0, 0.0]), 0, 144)
    assert "**cannot be told from** `digitnet`: +0.00" in level
    assert level.endswith("with none of the seeds.")
    one = tuning.verdict(over_seeds([-2.0]), 0, 144)
    assert "over 1 seed and" in one
    assert one.endswith("With this seed the difference is not clear (p < 0.05).")
    assert "difference is clear" in tuning.verdict(over_seeds([-2.0]), 1, 144)


def test_accuracy_is_told_of_truly():
    """Protects 05 where as many test digits are read as training digits, and where all are."""
    card = {"architecture": {"name": "digitnet"}, "parameters": 75_498, "seed": 0}
    assert "`digitnet`, 75,498 parameters, seed 0" in evaluation.model(card, "Digits", 9, 5, 7)
    fewer = evaluation.accuracy(measured(98), measured(99))
    assert fewer == (
        "**98.00 %** of 100 test digits are read correctly (95 % interval 93.00 to 103.00 %), "
        "1.00 points fewer than of the training digits."
    )
    assert "points more than" in evaluation.accuracy(measured(99), measured(98))
    assert "as many as of the training" in evaluation.accuracy(measured(100), measured(100))


def test_the_weakest_digit_is_told_of_truly():
    """Protects 05 where no digit is the weakest, and from digits that do not occur."""

    def told(labels: list[int], predicted: list[int], chance: float = 0.5) -> str:
        rows = [row for row in per_class(np.array(labels), np.array(predicted)) if row["support"]]
        worst = min(rows, key=lambda row: (row["recall_percent"], -row["support"]))
        return evaluation.weakest(worst, rows, chance)

    digits = list(range(10)) * 2
    assert told(digits, digits) == "Every digit is recognised every time."
    alone = told(digits, [7, *digits[1:]])
    assert alone.startswith("**0** is recognised least often: 50.0 % of 2, with an interval from")
    assert "One of ten is always the worst." in alone
    assert alone.endswith("one would do as badly in 50% of such tests. So this may well be chance.")
    assert told(digits, [7, *digits[1:]], 0.01).endswith("So this is more than chance.")
    assert told(digits, [1] * 20).startswith("No digit is recognised less often than **0**: 0.0 %")
    assert "One of 2 is always" in told([3, 3, 5], [3, 5, 5])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "0 of 90 possible confusions occur. Nothing is misread."),
        ([(8, 1, 1)], "1 of 90 possible confusions occurs. The commonest: **8 read as 1 (1×)**."),
        ([(8, 1, 3), (9, 3, 2), (2, 7, 2), (3, 5, 1)], "The commonest: **8 read as 1 (3×), 9"),
        (
            [(8, 1, 1), (9, 3, 1), (2, 7, 1), (3, 5, 1)],
            "occur. Equally often: **8 read as 1 (1×), 9",
        ),
    ],
)
def test_confusions_are_told_of_truly(wrong, said):
    """Protects 05 from a commonest mistake that is no commoner than others."""
    assert said in evaluation.confusions(wrong)


def test_confidence_is_told_of_truly():
    """Protects 05 where all, one or none of the answers are accepted."""
    error = {
        "ece_percent": 0.8,
        "ece_percent_uncalibrated": 1.0,
        "nll": 0.02,
        "nll_uncalibrated": 0,
    }
    assert "by chance, and up to 2.00 % in 95" in evaluation.calibration(
        measured(99) | error, 0.01, 0.02
    )
    some = evaluation.coverage(0.69, 360, 357, 355, 1.0, 0.00015)
    assert "accepts **99.2 %** of the test digits; 355 of these 357 are right." in some
    assert "Of the surest 95 % of all answers, 100.00 % are. The area" in some
    one = evaluation.coverage(0.69, 360, 1, 0, 0.5, 0.5)
    assert "accepts **one** of the test digits, which is wrong." in one
    none = evaluation.coverage(0.69, 360, 0, 0, 0.5, 0.5)
    assert "accepts **none** of the test digits. Of the surest 95 % of all answers, 50.00 %" in none


def test_mistakes_are_told_of_truly():
    """Protects 05 where there are none, one or many."""
    assert evaluation.mistakes(2, 2, 1, 0) == (
        "The figure shows 2 of 2 mistakes. In **1 of 2** the label was the model's second choice. "
        "The threshold rejects 0 of them."
    )
    assert evaluation.mistakes(1, 1, 0, 1) == (
        "The figure shows the only mistake. The label was not the model's second choice. "
        "The threshold rejects it."
    )
    assert "was the model's second choice. The threshold accepts it" in evaluation.mistakes(
        *(1, 1, 1, 0)
    )
    assert evaluation.mistakes(0, 0, 0, 0).endswith("every test digit is read correctly.")
    told = evaluation.suspects({"training": 0, "test": 2}, {"training": 1293, "test": 360})
    assert "Suspect labels: 0 of 1,293 training digits, 2 of 360 test digits." in told


def test_other_light_and_other_readers_are_told_of_truly():
    """Protects 05 where nothing is worse, and where two readers are equally good."""
    row = {"change": "offset", "value": -200.0}
    assert "read at: **offset -200**." in evaluation.brightness(measured(99), [row])
    assert "read at: **none of these changes**." in evaluation.brightness(measured(99), [])

    labels = np.arange(20) % 10
    worse, far = labels.copy(), (labels + 1) % 10
    worse[0] = 5
    rows = [
        {"name": name} | paired_test(labels, first, second)
        for name, first, second in (
            ("worse", labels, worse),
            ("far", labels, far),
            ("better", worse, labels),
            ("equal", labels, labels),
        )
    ]
    assert evaluation.comparison(rows).splitlines() == [
        "- 5.00 points better than **worse**: chance may explain it.",
        "- 100.00 points better than **far**: more than chance explains.",
        "- 5.00 points worse than **better**: chance may explain it.",
        "- As good as **equal**: both read equally many digits.",
    ]
    assert "nothing to compare with" in evaluation.comparison([])


def test_sets_of_handwriting_are_told_of_truly():
    """Protects 06: ties, a single set, and own pictures beside simulated ones."""
    assert robustness.notes([]) == "Everything that was asked for is there."
    assert robustness.notes(["a.", "b."]) == "a.\n\nb."
    own = pd.Series({"paper": 90.0, "screen": 50.0, "hands": 40.0})
    others = pd.DataFrame({"A": [70.0, 50.0, 60.0], "B": [60.0, 50.0, 10.0]}, index=own.index)
    assert robustness.preprocessing(own, others).splitlines()[2:] == [
        "- **paper**: 90.0 %, against 70.0 % for the best of the others (A); 20.0 points more",
        "- **screen**: 50.0 %, against 50.0 % for the best of the others (A and B); as many",
        "- **hands**: 40.0 %, against 60.0 % for the best of the others (A); 20.0 points fewer",
    ]
    assert robustness.whose([True, True]) == "simulated"
    assert robustness.whose([False]) == "unseen writers'"
    assert robustness.whose([True, False]) == "simulated and unseen writers'"

    scores = {"familiar": measured(99), "paper": measured(90), "hands": measured(70)}
    told = robustness.sets(scores, "familiar", "simulated")
    assert "of simulated pictures **80.0 %** (mean of 2 sets). Hardest: **hands**, 70.0 %" in told
    assert "(65.0 to 75.0 %, n = 100). Harder than the familiar: **paper, hands**." in told
    tied = robustness.sets(scores | {"paper": measured(70)}, "familiar", "simulated")
    assert "Hardest: **paper**, 70.0 % (65.0 to 75.0 %, n = 100) and **hands**" in tied
    easy = robustness.sets({"familiar": measured(99), "own": measured(100)}, "familiar", "x")
    assert "(mean of 1 set)" in easy
    assert easy.endswith("Harder than the familiar: **none**.")

    wrong = {"paper": [(8, 1, 3)], "blank": [], "clean": []}
    assert robustness.misread(wrong, {"paper": 0, "blank": 9, "clean": 0}).splitlines() == [
        "- **paper**: 8 as 1 (3×)",
        "- **blank**: nothing misread; no ink found in 9",
        "- **clean**: nothing misread",
    ]


def test_styles_are_told_of_truly():
    """Protects 06 where every third is read alike, because all is right or all is wrong."""

    def told(right: int, *percent: float) -> str:
        rows = [measured(p) | {"property": "slant", "from": p, "to": p + 1} for p in percent]
        return robustness.styles(rows, right, 100)

    assert told(80, 60, 90, 90) == (
        "Of all 100 digits 80.00 % are read correctly; the fewest of those whose slant is "
        "60 to 61: **60.00 %**. Clearly below the whole: **slant from 60 to 61**."
    )
    assert "the fewest of those whose slant is 60 to 61 and of those whose slant" in told(
        80, 60, 60, 90
    )
    for percent in (0, 100):
        alike = told(percent, percent, percent, percent)
        assert "correctly, in every third alike. Clearly below the whole: **no third**" in alike


def test_corruptions_are_told_of_truly():
    """Protects 06 where corruptions harm nothing, and where training varied all or none."""
    percent = pd.Series({"fog": 40.0, "canny_edges": 20.0, "scale": 60.0, "rotate": 80.0})
    told = robustness.corruptions(percent, 90.0, 60)
    assert "is **50.0 %**, 40.0 points below the same 60 digits unspoilt (90.0 %)." in told
    assert told.endswith("Worst: canny edges (20 %), fog (40 %), scale (60 %).")
    assert "10.0 points above" in robustness.corruptions(percent, 40.0, 60)
    harmless = robustness.corruptions(percent * 0 + 100, 100.0, 60)
    assert "as high as that of the same 60 digits unspoilt (100.0 %)." in harmless
    assert harmless.endswith("None is worse than another.")
    one = robustness.corruptions(pd.Series([100.0, 100, 90, 100], percent.index), 100.0, 60)
    assert one.endswith("Worst: scale (90 %).")

    assert robustness.unpractised(percent[:3], 1).startswith("The training varied 1 of the 4")
    assert robustness.unpractised(percent[:3], 1).endswith("other 3 the mean is **40.0 %**.")
    assert robustness.unpractised(percent[:1], 3).endswith("Of the other one it is **40.0 %**.")
    assert "varied none of the 4" in robustness.unpractised(percent, 0)
    assert "varied all 4 corruptions" in robustness.unpractised(percent[:0], 4)


def test_what_is_no_digit_is_told_of_truly():
    """Protects 06 where nothing is accepted or refused, and where nothing was read correctly."""
    alone = robustness.nondigits(300, True, 0)
    assert alone.endswith("own generator. The model was trained on digits alone.")
    taught = robustness.nondigits(300, True, 0.25)
    assert "(25% as many as digits): for it these are of a familiar kind" in taught
    assert robustness.nondigits(1, False, 0.25).endswith("(25% as many as digits).")

    area = {"auroc": 0.792, "low": 0.744, "high": 0.843, "digits": 660, "non_digits": 300}
    told = robustness.told_apart(area, 0.69, 86.7, 68.3)
    assert "(95 % interval 0.744 to 0.843; 660 digits, 300 non-digits)" in told
    assert "of the digits and still **68.3 %** of what is no digit" in told
    assert "digits and **0.0 %** of what" in robustness.told_apart(area, 0.69, 86.7, 0.0)

    assert robustness.wrongly_treated(1, 300, 53, 702) == (
        "1 of 300 non-digits is accepted; 53 of 702 correctly read digits are refused."
    )
    assert robustness.wrongly_treated(0, 9, 0, 0) == (
        "0 of 9 non-digits are accepted; no digit was read correctly."
    )
    off = robustness.sureness({"a": 0.16, "b": -0.02, "c": 0.0001}).splitlines()[2:]
    assert off == [
        "- **a**: too sure by 16.0 points on average",
        "- **b**: not sure enough by 2.0 points on average",
        "- **c**: right on average, but not at every confidence",
    ]
    assert robustness.sureness({}).endswith("- none of the sets")
    assert robustness.ladder(200, 0, 1) == "200 digits to learn from, 0 steps, 1 seed."


def test_lines_and_sheets_are_told_of_truly():
    """Protects 07 where nothing is accepted, found or judged."""
    assert "**372,383 parameters**, and 64 million" in numbers.network(372_383, 64.2e6)
    assert "`a.tflite` serves, 0.42 MB." in numbers.serving("a.tflite", 421_000, 0.94)
    sets = {
        "some": {"accepted_percent": 61} | measured(92),
        "none": {"accepted_percent": 0, "n": 0},
        "hardly": {"accepted_percent": 0.2} | measured(99, n=1),
    }
    assert numbers.trusted(sets, 98).splitlines() == [
        "- **some**: 61 % of the pictures are accepted, and 92.0 % of those 100 are read without "
        "an error (95 % interval 87.0 to 97.0 %).",
        "- **none**: 0 % of the pictures are accepted.",
        "- **hardly**: less than 1 % of the pictures are accepted, and 99.0 % of those 1 are read "
        "without an error (95 % interval 94.0 to 104.0 %).",
        "",
        "The aim of 98 % is missed on some.",
    ]
    assert numbers.trusted(sets, 90).endswith("The aim of 90 % is not clearly missed on any set.")
    assert "62 layers with weights" in numbers.sheet_network(395_971, 62, 326e6)
    assert numbers.overlap({"writing": 0.75, "rules": 1}) == (
        "writing **0.75**, rules **1.00**. Of the three, writing is marked worst."
    )
    assert numbers.sheet(4, 117, 12, 113, 35, 12) == (
        "Tables: 4, with 117 cells. Boxes outside tables: 12. **Numbers: 113**, of which 35 "
        "are doubtful. Left out: 12."
    )
    assert "with 0 cells. Boxes outside tables: 0. **Numbers: 0**. Left" in numbers.sheet(
        0, 0, 0, 0, 0, 0
    )
    assert "of which 1 is doubtful" in numbers.sheet(1, 1, 0, 2, 1, 0)

    lines = measured(85, surest_half_percent=98.7)
    told = numbers.summary(lines, "simulated", measured(79, wrong_accepted_percent=3.3), 6)
    assert "Of 100 pictures of *simulated*, **85.0 %** are read without an error (95 %" in told
    assert "Of 100 cells on 6 simulated sheets, **79.0 %** hold the right number (95 %" in told
    none = numbers.summary(lines, "simulated", {"n": 0}, 0)
    assert none.endswith("- **Sheets.** No cell was judged.")


def test_a_batch_is_told_of_truly():
    """Protects 09 where nothing was read, nothing is known, and a second is too short."""
    assert batch.source(121, "scans", ["A note."]) == "**121** of `scans`.\n\nA note."
    status = {"high": 116, "medium": 3, "low": 0}
    assert batch.read(121, 119, status, 0.969) == (
        "**119 of 121** were read, 116 high, 3 medium, 0 low; 96.9% sure on average."
    )
    assert batch.read(5, 0, {"high": 0}, None) == "**0 of 5** were read, 0 high."
    assert "**1 of 5** was read" in batch.read(5, 1, {"high": 1}, 0.9)
    assert batch.speed(3.4, 121) == "3.4 seconds, **36 a second**."
    assert batch.speed(4.0, 1) == "4.0 seconds, **0.25 a second**."
    assert batch.judged(measured(96)) == "**96.0 %** of 100 (95 % interval 91.0 to 101.0 %)."
    assert batch.judged(None) == "What these pictures show is not known."
    made = batch.spreadsheet(27, 7, ["a.csv", "a.json"])
    assert made == "**27 numbers**, of which 7 are doubtful, are in `a.csv`, `a.json`"
    assert "**1 number**, of which 1 is doubtful, is in" in batch.spreadsheet(1, 1, ["a.csv"])
    assert "**No number** was found to put" in batch.spreadsheet(0, 0, ["a.csv"])


def test_a_run_is_told_of_truly():
    """Protects 10: perfect reading, one seed, two seeds, one fold, nothing to compare with."""
    card = {"architecture": {"name": "digitnet"}, "parameters": 75_498, "dataset": "optdigits"}
    told = report.in_words(card, measured(100, ece_percent=0.5))
    assert "reads **100.00 %** of 100 test digits of optdigits (0 misread). From 100" in told

    assert report.luck([99.0], over_seeds([99.0])).startswith("A single seed says nothing")
    assert "are 0.00 points apart" in report.luck([99.0, 99.0], over_seeds([99.0, 99.0]))
    three = [98.0, 99.0, 100.0]
    assert "Over 3 seeds the test accuracy is **99.00 % ± 1.00**" in report.luck(
        three, over_seeds(three)
    )

    answers = {"label": [1, 2], "answer": [1, 3]}
    fold = {"validation": {"accuracy_percent": 50.0}, "out_of_fold": answers}
    several = report.folds(cross_validation([fold, fold]))
    assert "Over 2 folds the accuracy is **50.00 % ± 0.00** (mean ± standard" in several
    assert "Of all 4 digits" in several
    assert "Over 1 fold the accuracy is **50.00 %**. Of" in report.folds(cross_validation([fold]))

    claims = report.published([99.9, 97.0, 90.0], measured(97, n=360) | {"high_percent": 99.0})
    assert "below this run's interval: 1, inside it: 1, above it: 1." in claims
    rows = [{"name": "A"} | over_seeds([1.0]), {"name": "B"} | over_seeds([0.001, -0.001])]
    assert report.beside_others(rows).splitlines() == [
        "- **A**: +1.00 points on average over 1 seed",
        "- **B**: +0.00 points on average over 2 seeds (95 % interval -0.01 to +0.01)",
    ]
    assert "nothing to compare with" in report.beside_others([])


def test_accuracies_are_those_that_are_measured():
    """Protects all of the above from keys that `statistics` does not give."""
    labels = np.arange(10)
    assert measured(100, n=10).keys() == accuracy(labels, labels).keys()

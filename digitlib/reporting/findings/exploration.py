"""What a look at the data found.

``measuring.images`` and ``measuring.statistics`` give the numbers.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from digitlib.datasets import Dataset
from digitlib.measuring.images import correlation_by_chance, level_moments, plain_name
from digitlib.reporting.findings.words import (
    bullets,
    counted,
    degrees,
    first_of,
    interval,
    listed,
    share,
)

# Two scans of one piece of paper would differ by less than this; two digits hardly ever do.
NEAR_COPY_GREY_LEVELS = 5


def card(train: Dataset, test_images: np.ndarray) -> str:
    """From the training part and the test images: a table."""
    height, width = train.images.shape[1:]
    rows = {
        "data set": f"`{train.name}`",
        "source": train.source,
        "training images": f"{len(train):,}",
        "test images": f"{len(test_images):,}",
        "size": f"{height} × {width} pixels",
        "grey levels": f"{train.images.min()} (paper) to {train.images.max()} (ink)",
        "training part, SHA-256": f"`{train.sha256[:32]}…`",
    }
    return "\n".join(["| | |", "|:--|:--|", *(f"| {k} | {v} |" for k, v in rows.items())])


def balance(counts: np.ndarray) -> str:
    """From the number of images of each class, int (10,)."""
    most, least = counts.argmax(), counts.argmin()
    return (
        f"The digit **{most}** has the most training images ({counts[most]:,}), **{least}** the "
        f"fewest ({counts[least]:,}): a ratio of {counts[most] / counts[least]:.2f}. A reader that "
        f"always answers {most} is right for {share(counts[most], counts.sum())} of all images. "
        "Every accuracy has to be above that."
    )


def faults(
    found: Mapping[str, int], left_out: Sequence[tuple[str, str]] = (), remedy: str = ""
) -> str:
    """From counts by fault, (file, reason) of what could not be loaded, and ``placing.remedy``."""
    there = [f"{fault} ({number:,})" for fault, number in found.items() if number]
    text = f"**Found:** {listed(there)}." if there else "**None of these faults was found.**"
    files = first_of([f"`{file}` was left out: {reason}" for file, reason in left_out])
    look = f"**Look at them:** {remedy}." if remedy else ""
    return "\n\n".join(filter(None, [text, files, look]))


def near_copies(distance: np.ndarray) -> str:
    """From each test image's distance to its nearest training image, in grey levels."""
    near = int((distance < NEAR_COPY_GREY_LEVELS).sum())
    return (
        f"The closest test image differs from its nearest training image by {distance.min():.1f} "
        f"grey levels (root mean square, of 255), the median one by {np.median(distance):.0f}. "
        f"{counted(near, 'test image').capitalize()} {'lies' if near == 1 else 'lie'} within "
        f"{NEAR_COPY_GREY_LEVELS} grey levels, where one would suspect the same piece of paper."
    )


def pixels(levels: np.ndarray, blank: int, size: int) -> str:
    """From the count of each grey level (256,), and the always blank of ``size`` pixels."""
    mean, spread = level_moments(levels)
    return (
        f"{share(levels[0], levels.sum())} of all training pixels are blank paper and "
        f"{share(levels[250:].sum(), levels.sum())} full ink (250 and above). On a scale from 0 to "
        f"1 the mean is **{mean:.3f}** and the standard deviation **{spread:.3f}**. {blank} of the "
        f"{size} pixels are blank in every training image. They tell a network nothing."
    )


def variation(spreads: np.ndarray) -> str:
    """From the spread of each pixel in each class, (10, H, W), in grey levels."""
    mean = spreads.mean(axis=(1, 2))
    return (
        f"The images of **{mean.argmax()}** vary most (mean spread {mean.max():.0f} grey levels), "
        f"those of **{mean.argmin()}** least ({mean.min():.0f})."
    )


def templates(result: Mapping[str, float]) -> str:
    """From ``statistics.accuracy`` of the nearest mean image."""
    n, wrong = result["n"], result["n"] - result["correct"]
    return (
        f"**{result['accuracy_percent']:.1f} %** of the training images (n = {n:,}) are nearest to "
        f"the mean of their own class. For the other {share(wrong, n)} one picture per digit is "
        "not enough."
    )


def by_class(table: pd.DataFrame, medians: pd.DataFrame, decided: pd.Series) -> str:
    """From the properties, their medians by class, and the variance that the class explains (%)."""
    ink, stroke = medians["ink_coverage_percent"], table["stroke_width_pixels"].median()
    left, right = table["slant_degrees"].quantile([0.25, 0.75])
    most = decided.sort_values(ascending=False)[:2]
    return (
        f"**{ink.idxmax()}** takes the most ink (median {ink.max():.0f} % of the frame), "
        f"**{ink.idxmin()}** the least ({ink.min():.0f} %). Strokes are {stroke:.1f} pixels wide "
        f"at the median, and the middle half of all images slants from {degrees(left)} to "
        f"{degrees(right)}. What depends most on the class is "
        + listed(f"{plain_name(name)} ({percent:.0f} %)" for name, percent in most.items())
        + ", by the share of its variance."
    )


def extremes(table: pd.DataFrame) -> str:
    """From the properties of each image."""
    low, high = table.min(), table.max()
    return (
        f"Strokes run from {low['stroke_width_pixels']:.1f} to {high['stroke_width_pixels']:.1f} "
        f"pixels, slants from {degrees(low['slant_degrees'])} to {degrees(high['slant_degrees'])}, "
        f"and ink covers from {low['ink_coverage_percent']:.0f} to "
        f"{high['ink_coverage_percent']:.0f} % of the frame."
    )


def outliers(odd: np.ndarray, labels: np.ndarray) -> str:
    """From bool (N,) of the images that are far out, and the labels (N,)."""
    counts = np.bincount(labels[odd], minlength=10)
    n = int(odd.sum())
    text = f"{counted(n, 'training image').capitalize()} ({share(n, len(odd))}) "
    text += "is far out." if n == 1 else "are far out."
    if counts.max() > 1:
        most = np.flatnonzero(counts == counts.max())
        each = " each" if len(most) > 1 else ""
        text += f" Most often it is **{listed(most)}** ({counts.max():,} images{each})."
    return text


def parts(gaps: pd.DataFrame) -> str:
    """From ``images.compare``."""
    real = gaps.index[gaps["p_value"] < 0.05]
    largest = gaps["gap_percent"].idxmax()
    text = "No property differs by more than chance explains."
    if len(real):
        text = f"More than chance explains: the differences in {listed(map(plain_name, real))}."
    gap = gaps["gap_percent"].max()
    return f"{text} The largest gap is **{gap:.1f} %**, in {plain_name(largest)}."


def neighbours(alike: pd.DataFrame, images: int, by_writer: bool) -> str:
    """From ``images.alike_by_distance``, the number of images, and ``Dataset.by_writer``."""
    near, chance = alike[alike.index <= 10], correlation_by_chance(images)
    name = near.max().idxmax()
    highest, distance = near[name].max(), near[name].idxmax()
    if highest < chance:
        return (
            f"Images that lie near each other are no more alike than others (correlations up to "
            f"{highest:.2f}; chance alone gives up to {chance:.2f}): nothing shows that digits of "
            "one writer lie together."
        )
    places = "next to each other" if distance == 1 else f"{distance} places apart"
    text = (
        f"Images {places} are alike in {plain_name(name)}: the correlation is **{highest:.2f}**, "
        f"where chance alone gives up to {chance:.2f}. Digits of one writer lie together in this "
        "file. "
    )
    if by_writer:
        return text + (
            "So validation digits are not drawn at random. They are the last ones of the training "
            "part, by writers whose digits come nowhere else in it."
        )
    return text + (
        "Parts of it that are drawn at random share writers. What is measured on one of them says "
        "little about handwriting by unseen writers."
    )


def confusion(result: Mapping[str, float], pairs: Sequence[tuple[int, int, int]]) -> str:
    """From ``statistics.accuracy`` of the nearest neighbours and ``images.confused_pairs``."""
    text = (
        f"**{result['accuracy_percent']:.1f} %** of the images (n = {result['n']:,}, each left out "
        f"in turn; {interval(result, 1)}) "
        "have a nearest neighbour of their own class. "
    )
    if not pairs:
        return text + "No two digits are confused."
    names = (f"**{a}** with **{b}** ({counted(n, 'image')})" for a, b, n in pairs[:4])
    return text + f"Confused most often: {listed(names)}."


def on_the_map(ringed: int, images: int, pairs: Sequence[tuple[int, int, int]]) -> str:
    """From the number of ringed images on the map, of all on it, and the confused pairs."""
    text = f"{share(ringed, images)} of the {images:,} images on the map are ringed."
    if pairs:
        text += f" Look where {listed([f'{a} meets {b}' for a, b, _ in pairs[:3]])}."
    return text


def summary(numbers: Mapping) -> str:
    """From the metrics that the notebook saves."""
    nearest, gaps = numbers["nearest_neighbour"], pd.DataFrame(numbers["train_test_gaps"]).T
    real = int((gaps["p_value"] < 0.05).sum())
    faulty = [f"{fault} ({number:,})" for fault, number in numbers["faults"].items() if number]
    odd = counted(len(numbers["far_out_images"]), "training image")
    pairs = listed(f"{a} with {b}" for a, b, _ in numbers["confused_pairs"][:4])
    lines = (
        "**Without learning**: of the training images, the commonest digit is right for "
        f"{numbers['majority_accuracy_percent']:.1f} %, the nearest mean for "
        f"{numbers['nearest_mean_accuracy_percent']:.1f} % (n = {numbers['training_images']:,}), "
        f"the nearest neighbour for {nearest['accuracy_percent']:.1f} % (n = {nearest['n']:,}).",
        f"**Faults in the data**: {listed(faulty)}.",
        f"**Hard to tell apart**: {pairs}.",
        f"**Training and test images**: {real} of {len(gaps)} properties differ by more than "
        f"chance, none by a gap of more than {gaps['gap_percent'].max():.1f} %.",
        f"**To look at by hand**: {odd} far out.",
    )
    return bullets(lines)

"""What can be measured on digit images before any model has seen them.

Images are uint8 (N, H, W), ink bright on 0. Lengths are in pixels, x to the right and y down from
the middle of the frame; angles are in degrees, positive where the top leans to the right.
"""

from collections import defaultdict

import cv2
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

BATCH = 4096
# The unit follows the name, as it should be written on an axis.
PROPERTIES = {
    "ink_coverage_percent": "ink coverage (% of the frame)",
    "brightness": "brightness (mean grey level)",
    "contrast": "contrast (spread of grey levels)",
    "stroke_width_pixels": "stroke width (pixels)",
    "slant_degrees": "slant (°, right is positive)",
    "centre_x_pixels": "centre of mass, x (pixels)",
    "centre_y_pixels": "centre of mass, y (pixels)",
}


def properties(images: np.ndarray) -> pd.DataFrame:
    """Seven properties of each image: a row per image, columns as in ``PROPERTIES``.

    * Ink coverage: pixels at least half as bright as the image's brightest, in percent.
    * Brightness and contrast: mean and standard deviation of all grey levels, 0 to 255.
    * Stroke width: see ``subpixel_stroke_width``.
    * Slant: the shear that would make the second moments upright, atan(-μ11 / μ02), as in
      Castro et al., "Morpho-MNIST", JMLR 20 (2019), https://arxiv.org/abs/1809.10780.
    * Centre of mass: of the grey levels, from the middle of the frame.

    What a blank image does not have (stroke, slant, centre) is NaN.
    """
    height, width = images.shape[1:]
    y, x = np.mgrid[:height, :width].reshape(2, -1).astype(float)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    powers = np.stack([np.ones_like(x), x, y, x * y, y * y], axis=1)
    tables = []
    for first in range(0, len(images), BATCH):
        batch = images[first : first + BATCH]
        grey = batch.reshape(len(batch), -1).astype(float)
        ink = (grey > 0) & (2 * grey >= grey.max(axis=1, keepdims=True))
        with np.errstate(invalid="ignore", divide="ignore"):
            mass, mx, my, mxy, myy = (grey @ powers).T
            cx, cy = mx / mass, my / mass
            shear = -(mxy / mass - cx * cy) / (myy / mass - cy**2)
        columns = (
            100 * ink.mean(axis=1),
            grey.mean(axis=1),
            grey.std(axis=1),
            [subpixel_stroke_width(image) for image in batch],
            np.degrees(np.arctan(shear)),
            cx,
            cy,
        )
        tables.append(pd.DataFrame(dict(zip(PROPERTIES, columns, strict=True))))
    return pd.concat(tables, ignore_index=True)


def plain_name(name: str) -> str:
    """A property's name in words, without its unit: ``stroke width``."""
    return PROPERTIES[name].partition(" (")[0]


def unit(name: str) -> str:
    """A property's unit as it is written on an axis: ``pixels``."""
    return PROPERTIES[name].partition(" (")[2].rstrip(")")


def subpixel_stroke_width(image: np.ndarray, zoom: int = 4) -> float:
    """Mean width of the strokes in one image (H, W), in pixels; NaN when it is blank.

    Across a stroke of width w the distance to the background runs from 0 to w/2 and back, so its
    mean over the ink is w/4; near the ends it is less, so short strokes seem a little thinner.
    Edges are found at ``zoom`` times the resolution.
    """
    if not image.any():
        return float("nan")
    # The frame's edge counts as background.
    framed = cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    large = cv2.resize(framed, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    ink = (2 * large.astype(np.int16) >= int(image.max())).astype(np.uint8)
    distance = cv2.distanceTransform(ink, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Distances are to the centre of the nearest background pixel, half a pixel past the edge.
    return float(4 * (distance[ink > 0].mean() - 0.5) / zoom)


def constant(images: np.ndarray) -> np.ndarray:
    """Which images are one grey level all over: bool (N,). Blank ones are among them."""
    return np.ptp(images, axis=(1, 2)) == 0


def duplicates(images: np.ndarray) -> list[np.ndarray]:
    """Groups of two or more images with exactly the same pixels, as indices in rising order."""
    seen = defaultdict(list)
    for i, image in enumerate(images):
        seen[image.tobytes()].append(i)
    return [np.array(group) for group in seen.values() if len(group) > 1]


def shared(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of ``images`` are, pixel for pixel, among ``others`` too: bool (N,)."""
    known = {other.tobytes() for other in others}
    return np.array([image.tobytes() in known for image in images], dtype=bool)


def nearest(images: np.ndarray, others: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The nearest neighbour of each image in pixel space, among ``others`` or its fellows.

    Returns:
        (index of the neighbour, int (N,); root-mean-square difference in grey levels, float (N,)).
    """
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=1, algorithm="brute")
    search.fit(_flat(images if others is None else others))
    # Without a query, scikit-learn leaves each image out of its own neighbours.
    distance, index = search.kneighbors(None if others is None else _flat(images))
    return index[:, 0], distance[:, 0] / np.sqrt(images[0].size)


def grey_levels(images: np.ndarray) -> np.ndarray:
    """How many pixels have each grey level: int (256,)."""
    counts = np.zeros(256, int)
    for first in range(0, len(images), BATCH):
        counts += np.bincount(images[first : first + BATCH].ravel(), minlength=256)
    return counts


def level_moments(levels: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation, on a scale from 0 to 1, from the count of each grey level."""
    shares, values = levels / levels.sum(), np.arange(256) / 255
    mean = float(shares @ values)
    return mean, float(np.sqrt(shares @ (values - mean) ** 2))


def means_and_spreads(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each pixel in each class: two float (10, H, W)."""
    classes = [images[labels == digit] for digit in range(10)]
    spreads = [c.std(axis=0, dtype=np.float32) for c in classes]
    return np.stack([c.mean(axis=0) for c in classes]), np.stack(spreads).astype(float)


def nearest_mean(images: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The class whose mean image (10, H, W) each image is most like in its pixels: int (N,)."""
    from sklearn.metrics import pairwise_distances_argmin

    return pairwise_distances_argmin(_flat(images), _flat(means))


def decided_by_class(table: pd.DataFrame, labels: np.ndarray) -> pd.Series:
    """Share of each column's variance that lies between classes, in percent (η², Fisher 1925)."""
    means = table.groupby(labels).transform("mean")
    return 100 * means.var(ddof=0) / table.var(ddof=0)


def oddness(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How far each image is from what is usual in its class, float (N,), in grey levels.

    It is what the class's mean and principal components leave unexplained: the root-mean-square
    difference between the image and its reconstruction. There is one component for every 40 images
    of the class, at most 20: with more, an odd image would get a component of its own.
    """
    from sklearn.utils.extmath import randomized_svd

    left = np.zeros(len(images))
    for digit in np.unique(labels):
        member = labels == digit
        centred = _flat(images[member])
        centred -= centred.mean(axis=0)
        components = int(np.clip(len(centred) // 40, 1, 20))
        with threadpool_limits(1):  # short parallel loops crawl where cores are shared
            _, _, main = randomized_svd(centred, components, random_state=0)
        left[member] = np.sqrt(((centred - centred @ main.T @ main) ** 2).mean(axis=1))
    return left


def far_out(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Values above their class's third quartile by over three interquartile ranges: bool (N,).

    Tukey's "far out" values ("Exploratory Data Analysis", 1977).
    """
    by_class = pd.Series(values).groupby(labels)
    low, high = by_class.transform("quantile", 0.25), by_class.transform("quantile", 0.75)
    return (values > high + 3 * (high - low)).to_numpy()


def compare(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Do two parts follow the same distribution? One row per property of ``properties``.

    Returns:
        Medians; ``gap_percent``, the largest difference between the two cumulative shares
        (Kolmogorov and Smirnov's statistic, 0 to 100); ``by_chance_percent``, the gap that a
        random split of this size stays below 19 times in 20; and ``p_value`` of the gap,
        corrected for the number of properties (Holm, 1979).
    """
    from scipy.stats import ks_2samp

    rows = []
    for name in train.columns:
        a, b = train[name].dropna(), test[name].dropna()
        found = ks_2samp(a, b)
        chance = 135.81 * np.sqrt((len(a) + len(b)) / (len(a) * len(b)))
        rows.append((a.median(), b.median(), 100 * found.statistic, chance, found.pvalue))
    columns = ["train_median", "test_median", "gap_percent", "by_chance_percent", "p_value"]
    table = pd.DataFrame(rows, index=train.columns, columns=columns)
    order = table["p_value"].sort_values()
    corrected = (order * np.arange(len(order), 0, -1)).cummax().clip(upper=1)
    return table.assign(p_value=corrected)


def alike_by_distance(table: pd.DataFrame, labels: np.ndarray) -> pd.DataFrame:
    """Is an image like those that lie near it in the file? Then one hand may have written them.

    Args:
        table: from ``properties``, (N, …).
        labels: of the same images; what the class decides is taken out.

    Returns:
        The correlation of slant and of stroke width with that of the image so many places on: a
        row per distance from 1 to 1,000 (at most N / 4), a column per property.
    """
    distances = np.unique(np.geomspace(1, 1000, 60).round().astype(int))
    chosen = table[["slant_degrees", "stroke_width_pixels"]]
    own = chosen - chosen.groupby(labels).transform("mean")
    own = (own / own.std()).fillna(0)
    values, near = own.to_numpy(), distances[4 * distances <= len(own)]
    correlations = [(values[d:] * values[:-d]).mean(axis=0) for d in near]
    return pd.DataFrame(correlations, pd.Index(near, name="distance"), own.columns)


def correlation_by_chance(images: int) -> float:
    """What a correlation of so many unrelated images hardly ever passes: three standard errors."""
    return 3 / images**0.5


def subset(count: int, size: int, seed: int) -> np.ndarray:
    """Indices of ``size`` of ``count`` samples drawn without replacement, in rising order."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:size])


def embedding(images: np.ndarray, seed: int) -> np.ndarray:
    """A map of the images, float (N, 2), on which images alike in their pixels lie together.

    t-SNE (van der Maaten and Hinton, JMLR 9, 2008) of the 50 main components. The low digits
    differ from machine to machine, and with them where things lie.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    parts = min(50, len(images) - 1)
    main = PCA(parts, random_state=seed).fit_transform(_flat(images))
    perplexity = min(30, (len(images) - 1) / 3)
    with threadpool_limits(1):
        return TSNE(init="pca", perplexity=perplexity, random_state=seed).fit_transform(main)


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32)

"""Make damaged pictures in MNIST's frame readable: undo what the picture itself gives away.

Grey or foggy ground, inverted stripes, noise, outlines without their fill, lines drawn across and
digits that are small or out of place are each looked for first. Each step acts on clear evidence
only, so that a clean picture stays as it is.
"""

import cv2
import numpy as np

from digitlib.reading.lines import DISC, WIDE, without_line
from digitlib.reading.normalisation import BOX, SIDE, VISIBLE, as_images, stroke_width

# What MNIST's training images are like; a share of a thousandth may be beyond.
SMALL = 17  # pixels: the longest side has 20, hardly ever less than 18
MASS = 0.25  # pixels right and down of the middle: the centre of mass, ± 0.75
OFF_CENTRE = 2.25  # pixels from there
HOLLOW = 0.04  # of the ink in squares of 2 × 2 pixels: strokes have 0.11 and more
LONELY = 8  # pixels of ink without a neighbour of ink: there are at most two

INK = 127  # brighter than this is ink, once the ground is black
PAIR, SQUARE = np.ones((2, 2), np.uint8), np.ones((3, 3), np.uint8)
AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
# Second differences in both directions: strokes give little, noise gives much (Immerkær 1996, "Fast
# noise variance estimation", doi:10.1006/cviu.1996.0060).
DIFFERENCE = np.outer([1, -2, 1], [1, -2, 1]).astype(np.float32)
PLACES = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
# With a picture's pixels these give its ink, that at the edge, and its moments about `MASS`.
SUMS = np.zeros((SIDE, SIDE, 4), np.float32)
SUMS[..., 0], SUMS[..., 2], SUMS[..., 3] = 1, PLACES - MASS, PLACES[:, None] - MASS
SUMS[0, :, 1] = SUMS[-1, :, 1] = SUMS[:, 0, 1] = SUMS[:, -1, 1] = 1
SUMS = SUMS.reshape(-1, 4)


def restore(images: np.ndarray) -> np.ndarray:
    """The pictures with their damage undone; those that show none are returned as they are.

    Args:
        images: uint8 (N, 28, 28), ink bright on 0 where nothing is wrong, any N including 0.

    Returns:
        uint8 (N, 28, 28); `images` itself where no picture was changed. What becomes of a picture
        does not depend on the others.

    Raises:
        ValueError: for another shape or dtype.
    """
    images = as_images(images)
    suspects = np.flatnonzero(_suspicious(images)) if images.size else ()
    if len(suspects) == 0:
        return images
    restored = images.copy()
    for i in suspects:
        restored[i] = _restore_one(images[i])
    return restored


def _suspicious(images: np.ndarray) -> np.ndarray:
    """Which pictures may be damaged, bool (N,): a quick look at all, from what MNIST's share.

    They have empty edges, sides of 17 to 21 pixels, a centred mass and smooth strokes that are
    wider than a pixel.
    """
    # Columns, then rows: (N, 2, 28).
    visible = np.stack([images.max(axis=1), images.max(axis=2)], axis=1) > VISIBLE
    longest = (SIDE - visible.argmax(axis=2) - visible[:, :, ::-1].argmax(axis=2)).max(axis=1)
    total, edge, right, down = (images.reshape(-1, SIDE * SIDE).astype(np.float32) @ SUMS).T
    # All pictures as one tall one; the rows that a neighbour reaches into are left out again.
    tall = np.ascontiguousarray(images).reshape(-1, SIDE)
    rough = np.abs(cv2.filter2D(tall, cv2.CV_16S, DIFFERENCE)).reshape(images.shape)
    rough = rough[:, 1:-1].sum(axis=(1, 2), dtype=np.int32)
    firm = cv2.erode(tall, PAIR).reshape(images.shape)[:, 1:].sum(axis=(1, 2), dtype=np.int32)
    off = np.maximum(np.abs(right), np.abs(down)) > OFF_CENTRE * total
    odd = off | (longest < SMALL) | (longest > WIDE) | (edge > 400)
    return (odd | (rough > 2.2 * total) | (firm < HOLLOW * total)) & (total > 0)


def _restore_one(image: np.ndarray) -> np.ndarray:
    """One picture (28, 28), step by step; a step without evidence gives back what it was given."""
    for step in (_one_polarity, _black_ground, _filled, _without_noise, without_line, _framed):
        image = step(image)
    return image


def _one_polarity(image: np.ndarray) -> np.ndarray:
    """Invert columns or rows that start and end in white beside others that do so in black.

    A picture that goes further below the brightness of its edge than above is inverted as a whole.
    """
    ends = np.median(image[[0, 1, -2, -1]], axis=0)[None]
    sides = np.median(image[:, [0, 1, -2, -1]], axis=1)[:, None]
    for level in (ends, sides):  # three beside each other: grains of noise can look like one
        white = cv2.morphologyEx((level > 192).astype(np.uint8), cv2.MORPH_OPEN, SQUARE) > 0
        if white.any() and not white.all() and np.median(level[~white]) < 64:
            image = np.where(white, 255 - image, image)
            break
    level = np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]))
    below, above = level - float(image.min()), float(image.max()) - level
    return 255 - image if below > max(64, 2 * above) else image


def _black_ground(image: np.ndarray) -> np.ndarray:
    """Subtract a ground that is nowhere black, even or foggy, and stretch what is left.

    The ground is the blurred picture without its ink, which Otsu's threshold finds in what stands
    out of a morphological opening.
    """
    if np.count_nonzero(image <= 4) > 0.25 * image.size:
        return image
    picture = image.astype(np.float32)
    wide = np.ones((11, 11), np.uint8)
    ground = cv2.morphologyEx(picture, cv2.MORPH_OPEN, wide, borderType=cv2.BORDER_REPLICATE)
    for _ in range(2):
        above = np.maximum(picture - ground, 0)
        if above.max() < 16:  # nothing is written here
            return image
        scaled = np.rint(above * (255 / above.max())).astype(np.uint8)
        ink = cv2.threshold(scaled, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]
        free = 1.001 - cv2.dilate(ink, SQUARE).astype(np.float32)
        ground = _blur(picture * free, 3) / _blur(free, 3)
    contrast = float(np.quantile((picture - ground)[ink > 0], 0.75))
    return _levels(picture - ground, 0.15 * contrast, contrast)


def _filled(image: np.ndarray) -> np.ndarray:
    """Fill strokes of which there is only the outline, a pixel wide.

    Gaps of the outline are bridged. What then lies inside and borders on the outer outline is
    stroke; what lies further in is the hole of a 0. It counts only if the outline runs along it,
    and if it is no wider than a stroke: a hairline is no outline.
    """
    edge = (image > INK).astype(np.uint8)
    count = int(edge.sum())
    firm = cv2.erode(image, PAIR).sum() > HOLLOW * image.sum()
    if count < 16 or firm or _lonely(edge) >= LONELY:
        return image
    inside = _inside(_bridged(edge)) & (edge == 0)
    if inside.sum() < 0.35 * count:  # it still leaks
        inside |= cv2.morphologyEx(np.pad(edge, 4), cv2.MORPH_CLOSE, DISC)[4:-4, 4:-4] > edge
    along = cv2.dilate(inside.view(np.uint8), SQUARE) & edge
    whole = np.where(inside | (edge > 0), 255, 0).astype(np.uint8)
    if along.sum() < 0.6 * count or stroke_width(whole) > 8:
        return image
    # The outline was the border between ink and ground: half of it is ink.
    return _levels(_blur(np.where(inside, 255, edge * 140).astype(np.float32), 0.6), 0, 255)


def _bridged(edge: np.ndarray) -> np.ndarray:
    """Outlines (28, 28) of 0 and 1 whose loose ends go on to another end, or to what lies ahead."""
    edge = edge.copy()
    room = np.pad(edge, 1)
    ring = np.stack([room[1 + y : 29 + y, 1 + x : 29 + x] for y, x in AROUND])
    changes = (ring != np.roll(ring, 1, axis=0)).sum(axis=0)
    ends = np.argwhere((edge > 0) & (changes <= 2) & (ring.sum(axis=0) <= 3)).astype(float)
    lit = np.argwhere(edge > 0).astype(float)
    ahead = [end - lit[np.hypot(*(lit - end).T) < 3].mean(axis=0) for end in ends]
    links = []
    for i, end in enumerate(ends):
        for goals, reach, bend in ((ends, 6.0, -0.3), (lit, 4.0, 0.2)):
            away = goals - end
            far = np.hypot(*away.T)
            fits = np.flatnonzero((far > 1.4) & (far <= reach) & (away @ ahead[i] > bend * far))
            if len(fits):
                links.append((end, goals[fits[np.argmin(far[fits])]]))
                break
    for (y, x), (to_y, to_x) in links:
        cv2.line(edge, (int(x), int(y)), (int(to_x), int(to_y)), 1)
    return edge


def _inside(edge: np.ndarray) -> np.ndarray:
    """Bool (28, 28): what the outer outlines enclose, without the holes that inner ones enclose."""
    regions = cv2.connectedComponents(np.pad(1 - edge, 1, constant_values=1), connectivity=4)[1]
    outer = cv2.dilate((regions == regions[0, 0]).view(np.uint8), SQUARE) & np.pad(edge, 1)
    inside = np.zeros(edge.shape, bool)
    for number in range(1, regions.max() + 1):
        region = regions == number
        border = cv2.dilate(region.view(np.uint8), SQUARE) & np.pad(edge, 1)
        if number != regions[0, 0] and (border & outer).sum() > 0.3 * border.sum():
            inside |= region[1:-1, 1:-1]
    return inside


def _without_noise(image: np.ndarray) -> np.ndarray:
    """Smooth grains of light (on the ground, too, where many pixels are lit alone)."""
    if _lonely((image > INK).astype(np.uint8)) >= LONELY:
        return _without_specks(_levels(_blur(image.astype(np.float32), 1), 60, 187))
    rough = np.abs(cv2.filter2D(image, cv2.CV_32F, DIFFERENCE)).sum()
    ink, closed = float(image.sum()), cv2.morphologyEx(image, cv2.MORPH_CLOSE, PAIR)
    if rough + 10 * (float(closed.sum()) - ink) < 3.5 * ink:
        return image
    return _levels(_blur(image.astype(np.float32), 0.7), 0, 204)


def _without_specks(image: np.ndarray) -> np.ndarray:
    """Clear what is detached and holds less than a twentieth of the ink."""
    pieces = cv2.connectedComponents((image > 0).astype(np.uint8))[1]
    amounts = np.bincount(pieces.ravel(), weights=image.ravel())
    return np.where((amounts < 0.05 * amounts.sum())[pieces], 0, image).astype(np.uint8)


def _lonely(ink: np.ndarray) -> int:
    """How many pixels of ink (28, 28) of 0 and 1 have no neighbour of ink."""
    around = cv2.boxFilter(ink, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return int(np.count_nonzero((ink > 0) & (around == 1)))


def _framed(image: np.ndarray) -> np.ndarray:
    """Bring a small digit to MNIST's size, and one off the centre to MNIST's place."""
    width, height = cv2.boundingRect((image > VISIBLE).astype(np.uint8))[2:]
    total = float(image.sum()) or 1.0
    centre = np.array([image.sum(axis=0) @ PLACES, image.sum(axis=1) @ PLACES]) / total
    if max(width, height) >= SMALL and np.abs(centre - MASS).max() <= OFF_CENTRE:
        return image
    if max(width, height) == 0:
        return image
    scale = BOX / max(width, height) if max(width, height) < SMALL else 1
    middle = (SIDE - 1) / 2
    # Whole pixels where the size stays: resampling would only blur.
    shift = middle + MASS - scale * (middle + centre)
    shift = shift if scale > 1 else np.rint(shift)
    move = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return cv2.warpAffine(image, move, (SIDE, SIDE), flags=cv2.INTER_CUBIC)


def _blur(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; beyond its edge a picture goes on as it ends."""
    return cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def _levels(picture: np.ndarray, black: float, white: float) -> np.ndarray:
    """Stretch float brightness so that `black` becomes 0 and `white` 255, as uint8."""
    return np.rint(np.clip((picture - black) * (255 / (white - black)), 0, 255)).astype(np.uint8)

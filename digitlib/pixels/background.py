"""Find a sheet of paper in a picture, and remove the table under it."""

import cv2
import numpy as np

from digitlib.pixels.normalisation import reduce, stroke_width

DETECTION_SIDE = 192  # a sheet is looked for at this size
SMALLEST = 48  # pixels; a picture with a shorter side shows the digit alone
LEAST, MOST = 0.04, 0.94  # share of the picture that a sheet may cover
BLANK = 0.25  # least share for a blank sheet: what covers less may be a thick bright stroke
SOLID = 0.9  # least share of its convex hull that a sheet covers, and a polygon around it
CORNERS = 6  # at most in that polygon: a sheet has four, and an edge of the picture can cut off two
DARK = 0.5  # the table is darker than this share of the paper's brightness,
DARK_AROUND = 0.75  # or than this one, if the sheet meets at most one edge of the picture
WRITTEN = 0.4  # ink covers less than this share of a sheet
FAINT = 0.85  # ink is darker than this share of the paper's brightness
TALL = 0.15  # least size of the writing, as a share of the sheet's
THIN = 0.25  # greatest width of its strokes, as a share of the writing's size


def without_table(grey: np.ndarray) -> np.ndarray:
    """Grey picture uint8 (H, W) in which what lies around a bright sheet is painted as paper.

    A sheet is the largest bright region, if it is a polygon, if everything around it is much
    darker, and if it has writing on it or is large and blank. A bright region with marks that are
    no writing is a thick bright stroke. A picture without a sheet, or with nothing around it, is
    returned unchanged.
    """
    if min(grey.shape) < SMALLEST:
        return grey
    small = reduce(grey, DETECTION_SIDE)
    bright: np.ndarray = cv2.threshold(small, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]
    if not LEAST / 2 < bright.mean() < MOST:  # writing may cover some of the sheet
        return grey
    sheet = _sheet(small, bright)
    if sheet is None:
        return grey
    # Pixels at the rim of the paper are partly table.
    sheet = cv2.erode(sheet, np.ones((5, 5), np.uint8), borderValue=1)
    blank = (sheet & bright).astype(np.float32)
    side = max(small.shape) | 1
    weight, total = blank, small * blank
    for _ in range(2):
        weight, total = cv2.blur(weight, (side, side)), cv2.blur(total, (side, side))
    paper = (total / np.maximum(weight, 1e-6)).astype(np.uint8)
    full = grey.shape[::-1]
    inside = cv2.resize(sheet, full, interpolation=cv2.INTER_NEAREST) > 0
    return np.where(inside, grey, cv2.resize(paper, full, interpolation=cv2.INTER_LINEAR))


def _sheet(small: np.ndarray, bright: np.ndarray) -> np.ndarray | None:
    """Mask uint8 {0, 1} of a sheet, empty if nothing is written on it; None for no sheet."""
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = max(contours, key=cv2.contourArea)
    hull = cv2.convexHull(outline)
    area = cv2.contourArea(hull)
    corners = cv2.approxPolyDP(hull, 0.02 * cv2.arcLength(hull, True), True)
    if (
        not LEAST * small.size < area < MOST * small.size
        or cv2.contourArea(outline) < SOLID * area
        or len(corners) > CORNERS
        or cv2.contourArea(corners) < SOLID * area
    ):
        return None
    sheet = np.zeros_like(bright)
    cv2.fillConvexPoly(sheet, hull, 1)
    rim = max(3, round(0.08 * area**0.5)) | 1
    inner = cv2.erode(sheet, np.ones((rim, rim), np.uint8), borderValue=1)
    outer = cv2.dilate(sheet, np.ones((5, 5), np.uint8))
    table, paper = small[outer == 0], np.median(small[(sheet & bright) > 0])
    edges = sum(edge.any() for edge in (sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1]))
    dark = DARK_AROUND if edges <= 1 else DARK
    if not table.size or not inner.any() or np.percentile(table, 90) > dark * paper:
        return None
    marks = inner & (small < FAINT * paper).view(np.uint8)
    _, _, width, height = cv2.boundingRect(marks)
    _, (long, short), _ = cv2.minAreaRect(hull)
    if not height:
        blank = area > BLANK * small.size and max(long, short) < 2.5 * min(long, short)
        return np.zeros_like(sheet) if blank else None
    largest = max(width, height)
    writing = largest > TALL * area**0.5 and stroke_width(marks * 255) < THIN * largest
    return sheet if writing and marks.mean() < WRITTEN * sheet.mean() else None

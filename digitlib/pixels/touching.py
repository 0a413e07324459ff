"""Cut apart the strokes of two lines of writing that touch each other."""

import numpy as np

from digitlib.pixels.components import Component, edges_of, find_components

AROUND = 3.0  # heights of a stroke to its left and right in which its neighbours are
SMALL, LARGE = 0.33, 0.68  # shares of its height that strokes of one line may have
LOWEST = 9  # pixels that they have at least
LEVEL = 0.25  # share of its height by which their ends may be off its own
MIDDLE = (0.25, 0.75)  # shares of its height between which it may be cut
PASSES = 3  # strokes of one line more can be cut apart in each


def cut_apart(components: list[Component]) -> list[Component]:
    """Components without those that two lines have in common, which are cut between the lines.

    There are two lines where strokes beside it are as high as its upper part, and others as its
    lower part. It is cut along the row with the least ink between them.
    """
    for _ in range(PASSES):
        edges = edges_of(components)
        parts = [_cut(one, edges) for one in components]
        if sum(map(len, parts)) == len(components):
            break
        components = [part for found in parts for part in found]
    return components


def _cut(one: Component, edges: np.ndarray) -> list[Component]:
    left, top, right, bottom = edges.T
    height = bottom - top
    beside = (left < one.right + AROUND * one.height) & (right > one.x - AROUND * one.height)
    beside &= (height >= max(LOWEST, SMALL * one.height)) & (height <= LARGE * one.height)
    near = LEVEL * one.height
    upper = beside & (abs(top - one.y) <= near) & (bottom < one.bottom - near)
    lower = beside & (abs(bottom - one.bottom) <= near) & (top > one.y + near)
    alike = (abs(top - one.y) <= near) & (abs(bottom - one.bottom) <= near)
    alike &= (left < one.right + AROUND * one.height) & (right > one.x - AROUND * one.height)
    if not upper.any() or not lower.any() or alike.sum() > upper.sum() + lower.sum():
        return [one]
    ends = np.array([np.median(bottom[upper]), np.median(top[lower])]) - one.y
    first, last = (np.sort(ends) + np.array([-0.5, 0.5]) * near).clip(
        *np.multiply(MIDDLE, one.height)
    )
    rows = np.arange(int(first), max(int(last), int(first) + 1))
    ink = np.count_nonzero(one.strokes[rows], axis=1) + abs(rows - ends.mean()) / one.height
    at = int(rows[ink.argmin()])
    found = []
    for start, stop in ((0, at), (at, one.height)):
        for part in find_components(np.ascontiguousarray(one.strokes[start:stop])):
            found.append(part._replace(x=one.x + part.x, y=one.y + start + part.y))
    return found

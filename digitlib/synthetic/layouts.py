"""What stands on a simulated sheet: tables, grids, form fields, lines, printed text.

Each function fills a page from a row down and returns the row below what it drew.
"""

from collections.abc import Callable

import numpy as np

from digitlib.synthetic.pages import Page

STRUCK = 0.04  # share of the numbers that are struck through
TYPESET = 0.1  # share of the blocks of lines that are in type, such as serial numbers

Block = Callable[[Page, float], float]


def table(page: Page, y: float) -> float:
    """A table with rows and columns of various sizes; some cells are empty or typeset."""
    random = page.random
    high = random.uniform(26, 56)
    rows = min(int(random.integers(2, 13)), int((page.height - y - 6) / high))
    columns = int(random.integers(1, 8))
    if rows < 2:
        return y
    left = random.uniform(0.02, 0.15) * page.width
    right = page.width - random.uniform(0.02, 0.15) * page.width
    if random.random() < 0.3:
        right = left + (right - left) * random.uniform(0.5, 1)
    shares = random.uniform(0.6, 1.5, columns) if random.random() < 0.8 else np.ones(columns)
    x = left + (right - left) * np.r_[0, np.cumsum(shares) / shares.sum()]
    y_of = y + high * np.arange(rows + 1)
    merged = _merged(page, rows, columns)
    _rule_table(page, x, y_of, merged)
    if random.random() < 0.25:
        _shade(page, x, y_of)
    digit, filled = high * random.uniform(0.4, 0.85), random.uniform(0.5, 1)
    longest = int(random.integers(1, 7))
    typeset = random.uniform(0.1, 0.9) if random.random() < 0.3 else 0.0
    words = random.random() < 0.5, random.random() < 0.3  # above the columns, beside the rows
    for i in range(rows):
        for j in range(columns):
            if (i, j) in merged and merged[i, j] == (0, 0):
                continue
            down, across = merged.get((i, j), (1, 1))
            box = x[j], y_of[i], x[j + across], y_of[i + down]
            at, span = (page.tables, i, j), (down, across)
            if (words[0] and i == 0) or (words[1] and j == 0):
                middle = (box[1] + box[3]) / 2
                page.words(1, box[0] + 4, middle, min(0.4 * high, (box[2] - box[0]) / 9))
                page.cell(box, "", at, span)
            elif random.random() < filled:
                _fill(page, box, digit, longest, at, span, random.random() < typeset)
            else:
                page.cell(box, "", at, span)
    page.tables += 1
    return y + rows * high + random.uniform(12, 40)


def grid(page: Page, y: float) -> float:
    """A square grid with a digit in each cell, some of them typeset: a sudoku, a box of marks."""
    random = page.random
    n = int(random.choice([3, 4, 5, 6, 9, 9, 9, 10]))
    side = min(random.uniform(26, 54), 0.95 * page.width / n)
    if y + n * side > page.height:
        return y
    left = random.uniform(0.01, 0.99) * (page.width - n * side)
    every = 3 if n % 3 == 0 else n
    for i in range(n + 1):
        width = page.rule_width * (random.uniform(1.5, 2.5) if i % every == 0 else 1)
        page.rule([(left, y + i * side), (left + n * side, y + i * side)], "", width)
        page.rule([(left + i * side, y), (left + i * side, y + n * side)], "", width)
    filled, typeset = random.uniform(0.4, 1), random.uniform(0, 0.6)
    digit = side * random.uniform(0.45, 0.8)
    for i in range(n):
        for j in range(n):
            box = left + j * side, y + i * side, left + (j + 1) * side, y + (i + 1) * side
            at = page.tables, i, j
            if random.random() < filled:
                _fill(page, box, digit, 1, at, (1, 1), random.random() < typeset)
            else:
                page.cell(box, "", at)
    page.tables += 1
    return y + n * side + random.uniform(12, 40)


def fields(page: Page, y: float) -> float:
    """Form fields beside each other: boxes, combs, frames, underlined or circled numbers."""
    random = page.random
    high = random.uniform(28, 64)
    if y + high > page.height:
        return y
    x = random.uniform(0.02, 0.2) * page.width
    while x < 0.85 * page.width:
        if random.random() < 0.5:
            x += page.words(1, x, y + high / 2, high * random.uniform(0.25, 0.5)) + 8
        length = int(random.integers(1, 8))
        digit = high * random.uniform(0.5, 0.85)
        pitch = digit * random.uniform(0.9, 1.4)
        if x + length * pitch > page.width - 4:
            break
        kind = str(random.choice(["boxes", "apart", "comb", "frame", "underline", "circle"]))
        if kind in ("boxes", "apart", "comb"):
            x = _boxes(page, x, y, high, digit, pitch, length, kind)
        else:
            x = _marked(page, x, y, high, digit, length, kind)
        x += random.uniform(10, 60)
    return y + high + random.uniform(10, 40)


def lines(page: Page, y: float) -> float:
    """Lines of numbers, some on ruled paper, which may run through the digits."""
    random = page.random
    digit = np.exp(random.uniform(np.log(14), np.log(90)))
    pitch = digit * random.uniform(1.15, 2)
    typeset = random.random() < TYPESET
    foot = random.uniform(-0.2, 0.6) * digit if page.ruled and random.random() < 0.4 else None
    for _ in range(random.integers(1, 6)):
        if y + pitch > page.height:
            break
        x = random.uniform(0.02, 0.3) * page.width
        while x < 0.8 * page.width:
            text = page.number(int(random.integers(1, 8)))
            if x + 0.9 * digit * len(text) > page.width:
                break
            write = page.typeset if typeset else page.write
            took = write(text, x, y + pitch / 2, digit)
            if page.ruled and random.random() < STRUCK:
                page.rule([(x, y + pitch / 2), (x + took, y + pitch / 2)])
            page.cell((x, y, x + took, y + pitch), text, printed=typeset)
            x += took + digit * random.uniform(1.2, 4)
        if foot is not None:
            page.rule([(0, y + pitch / 2 + foot), (page.width, y + pitch / 2 + foot)])
        y += pitch
    return y + 0.4 * digit + random.uniform(5, 40)


def paragraph(page: Page, y: float) -> float:
    """A few lines of printed words and numbers."""
    random = page.random
    high = random.uniform(8, 22)
    for _ in range(random.integers(1, 4)):
        y += 1.8 * high
        if y > page.height - high:
            break
        x = 0.05 * page.width
        x += page.words(int(random.integers(1, 8)), x, y, high) + high
        if random.random() < 0.4:
            page.typeset(page.number(int(random.integers(1, 6))), x, y, high)
    return y + high + random.uniform(8, 30)


FORM: dict[Block, float] = {table: 0.35, grid: 0.13, fields: 0.22, lines: 0.2, paragraph: 0.1}
PLAIN: dict[Block, float] = {lines: 1.0}


def squared(page: Page) -> None:
    """Squared paper: fine lines all over, which are no rules."""
    random = page.random
    apart, darkness = random.uniform(14, 40), random.uniform(0.1, 0.6)
    rows = np.arange(random.uniform(0, apart), page.height, apart).astype(int)
    columns = np.arange(random.uniform(0, apart), page.width, apart).astype(int)
    page.shade[rows] *= 1 - darkness
    page.shade[:, columns] *= 1 - darkness


def _merged(page: Page, rows: int, columns: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Cells that reach over several rows or columns, and (0, 0) for those that they cover.

    Only held-out pages have them.
    """
    merged: dict[tuple[int, int], tuple[int, int]] = {}
    if not page.held or columns < 3 or page.random.random() < 0.6:
        return merged
    for _ in range(page.random.integers(1, 3)):
        i, j = int(page.random.integers(rows)), int(page.random.integers(columns - 1))
        if not {(i, j), (i, j + 1)} & set(merged):
            merged |= {(i, j): (1, 2), (i, j + 1): (0, 0)}
    return merged


def _rule_table(page: Page, x: np.ndarray, y: np.ndarray, merged: dict) -> None:
    random = page.random
    frame = random.random() < 0.85
    for i, row in enumerate(y):
        if frame or 0 < i < len(y) - 1:
            page.rule([(x[0], row), (x[-1], row)])
    covered = {cell for cell, span in merged.items() if span == (0, 0)}
    for j, column in enumerate(x):
        inner = 0 < j < len(x) - 1
        if not inner and not frame:
            continue
        start = 0
        for i in range(len(y)):
            if i == len(y) - 1 or (i, j) in covered:
                if i > start:
                    page.rule([(column, y[start]), (column, y[i])])
                start = i + 1


def _shade(page: Page, x: np.ndarray, y: np.ndarray) -> None:
    """The first row, or every other one, is printed in a tone."""
    tone = page.random.uniform(0.75, 0.95)
    rows = [0] if page.random.random() < 0.5 else range(0, len(y) - 1, 2)
    for i in rows:
        page.shade[round(y[i]) : round(y[i + 1]), round(x[0]) : round(x[-1])] *= tone


def _fill(
    page: Page,
    box: tuple[float, float, float, float],
    digit: float,
    longest: int,
    at: tuple[int, int, int],
    span: tuple[int, int],
    typeset: bool,
) -> None:
    """Put a number into a cell of a table."""
    random = page.random
    x0, y0, x1, y1 = box
    fits = max(1, int((x1 - x0 - 6) / (0.75 * digit)))
    text = page.number(int(random.integers(1, min(longest, fits) + 1)))
    middle = (y0 + y1) / 2 + random.normal(0, 0.05) * (y1 - y0)
    size = digit * random.uniform(0.9, 1.1)
    room = x1 - x0 - 8
    if typeset:
        free = max(0.0, room - 0.7 * digit * len(text))
        start = x0 + 4 + random.random() * free
        page.typeset(text, start, middle, min(0.8 * size, 0.8 * (x1 - x0) / (0.7 * len(text))))
    else:
        ink = page.handwritten(text, size, room)
        page.set_down(ink, x0 + 4 + random.random() * (room - ink.shape[1]), middle)
    page.cell(box, text, at, span, typeset)


def _boxes(
    page: Page, x: float, y: float, high: float, digit: float, pitch: float, length: int, kind: str
) -> float:
    """A box for each digit of a number: side by side, apart, or a comb; the column after them."""
    random = page.random
    text = "".join(map(str, random.integers(0, 10, length)))
    gap = random.uniform(2, 8) if kind == "apart" else 0
    top = y + high * random.uniform(0.3, 0.7)
    for k, one in enumerate(text):
        a = x + k * (pitch + gap)
        if kind == "comb":
            page.rule([(a, top), (a, y + high), (a + pitch, y + high), (a + pitch, top)])
        else:
            page.box(a, y, a + pitch, y + high)
        ink = page.handwritten(one, digit, pitch)
        start = a + (pitch - ink.shape[1]) * random.uniform(0.2, 0.8)
        page.set_down(ink, start, y + high / 2)
    stop = x + length * (pitch + gap) - gap
    page.cell((x, y, stop, y + high), text)
    return stop


def _marked(
    page: Page, x: float, y: float, high: float, digit: float, length: int, kind: str
) -> float:
    """A number in a frame, underlined, or with a circle around it; the column after it."""
    random = page.random
    text = page.number(length)
    pad = 2 if kind == "underline" else random.uniform(0.15, 0.5) * digit
    if kind == "circle":
        x += digit
    middle = y + high / 2
    stop = x + page.write(text, x + pad, middle, digit) + 2 * pad
    if kind == "frame":
        page.box(x, y, stop, y + high)
    elif kind == "underline":
        for k in range(random.integers(1, 3)):
            foot = middle + digit * random.uniform(0.5, 0.7) + 4 * k
            page.rule([(x, foot), (stop, foot + random.normal(0, 2))])
    else:
        turns = np.linspace(0, 2 * np.pi * random.uniform(0.95, 1.1), 40) + random.uniform(0, 6)
        wide, tall = (stop - x) * 0.62, max(high, 1.3 * digit) * random.uniform(0.55, 0.65)
        across = (x + stop) / 2 + np.cos(turns) * wide
        down = middle + np.sin(turns) * tall * np.linspace(1, random.uniform(0.9, 1.1), 40)
        page.rule(list(zip(across, down, strict=True)), "solid")
    page.cell((x, y, stop, y + high), text)
    return stop + digit if kind == "circle" else stop

"""Simulated sheets: what stands on them is where they say it is."""

from itertools import chain

import cv2
import numpy as np
import pytest
from readings import number
from scipy.ndimage import binary_dilation

from digitlib.datasets import load_dataset
from digitlib.measuring.sheets import draw_test_sheets, judge
from digitlib.pixels.sheet_maps import MAP_STEP, TILE
from digitlib.reading.sheets import Cell, Sheet, Table
from digitlib.synthetic import layouts, patterns, ruling, sheets
from digitlib.synthetic.hands import drawn_hands
from digitlib.synthetic.pages import Page
from digitlib.synthetic.pool import Pool, in_chunks
from digitlib.synthetic.sheet_crops import draw_crops

SIZE = 700, 600


def draw(seed: int, held: bool = False) -> sheets.Sheet:
    random = np.random.default_rng(seed)
    return sheets.draw_sheet(drawn_hands(1, random)[0], random, *SIZE, held=held)


@pytest.fixture(scope="module")
def drawn():
    return [draw(seed) for seed in range(12)] + [draw(seed, held=True) for seed in range(6)]


def test_the_same_seed_draws_the_same_sheet():
    """Protects the measure: its sheets are the same wherever it is taken."""
    first, again, other = draw(1), draw(1), draw(2)
    assert np.array_equal(first.grey, again.grey)
    assert np.array_equal(first.maps, again.maps)
    assert [cell.text for cell in first.cells] == [cell.text for cell in again.cells]
    assert not np.array_equal(first.grey, other.grey)


def test_the_ink_of_every_number_is_within_its_cell(drawn):
    """Protects where an answer is looked for, however the sheet was photographed."""
    filled = empty = 0
    for sheet in drawn:
        for cell in sheet.cells:
            if (cell.corners < 0).any() or (cell.corners >= SIZE[::-1]).any():
                continue
            layer = sheet.maps[..., int(cell.printed)]
            if cell.text:
                filled += 1
                assert (layer[within(cell.corners)] > 40).sum() >= 8 * len(cell.text)
            else:
                empty += 1
                middle = cell.corners.mean(axis=0)  # a neighbour's tall digit may reach in a little
                assert not (layer[within(middle + 0.6 * (cell.corners - middle))] > 80).any()
    assert filled > 200
    assert empty > 50


def within(corners: np.ndarray) -> np.ndarray:
    """Which pixels of a sheet are between four corners, bool (H, W)."""
    mask = np.zeros(SIZE, np.uint8)
    return cv2.fillConvexPoly(mask, corners.round().astype(np.int32), 1) > 0


def test_ink_is_darker_than_the_paper_around_it(drawn):
    """Protects the maps from telling of ink that is not there."""
    clear = []
    for sheet in drawn:
        for layer in np.moveaxis(sheet.maps, -1, 0)[:2]:
            ink = layer > 200
            if ink.sum() > 200:
                near = binary_dilation(ink, iterations=6) & ~(sheet.maps.max(axis=-1) > 20)
                clear.append(sheet.grey[near].mean() - sheet.grey[ink].mean())
    assert len(clear) > 15
    assert min(clear) > 10


def page(seed: int, held: bool = False) -> Page:
    random = np.random.default_rng(seed)
    return Page(drawn_hands(1, random)[0], random, *SIZE, held)


def test_writing_print_and_rules_are_told_apart():
    """Protects what the network learns: each is on its own layer, and gaps are filled in rules."""
    one = page(0)
    one.write("4711", 50, 100, 40)
    assert one.writing[80:120].any()
    assert not any(layer.any() for layer in (one.printed, one.ruling, one.rules))
    one.typeset("4711", 50, 300, 40)
    assert one.printed[280:320].any()
    assert not one.writing[200:].any()
    one.rule([(20, 500), (580, 500)], "dashed", 2)
    assert (one.rules[498:503, 20:580].max(axis=0) > 100).all()
    assert 0.2 < (one.ruling[498:503, 20:580].max(axis=0) > 100).mean() < 0.9
    assert not one.printed[400:].any()


@pytest.mark.parametrize("style", sorted({*ruling.STYLES, *ruling.HELD_STYLES} - {"dotted"}))
def test_a_line_of_any_style_is_printed_along_its_way(style):
    printed, whole = np.zeros((2, 200, 300), np.uint8)
    random = np.random.default_rng(0)
    ruling.draw_rule(printed, whole, [(20, 50), (280, 150)], 2, 1.0, style, random)
    way = np.zeros_like(whole)
    cv2.line(way, (20, 50), (280, 150), 1, 17)
    assert printed.any()
    assert not printed[way == 0].any()
    assert (whole[:, 25:275].max(axis=0) > 0).all()


def test_some_styles_papers_and_layouts_are_kept_for_the_measure(monkeypatch):
    """Protects the measure from sheets as a network has learnt them."""
    papers: dict[bool, set] = {False: set(), True: set()}
    styles: dict[bool, set] = {False: set(), True: set()}
    merged = {False: 0, True: 0}
    for held in (False, True):
        monkeypatch.setattr(
            sheets, "draw_pattern", lambda name, *of, h=held: papers[h].add(name) or np.float32(1)
        )
        for seed in range(40):
            styles[held].add(page(seed, held).style)
            merged[held] += sum(cell.rows * cell.columns > 1 for cell in draw(seed, held).cells)
    assert papers[True] <= set(sheets.HELD_PATTERNS) <= set(patterns.FAMILIES)
    assert papers[False]
    assert not papers[False] & set(sheets.HELD_PATTERNS)
    assert styles == {False: set(ruling.STYLES), True: set(ruling.HELD_STYLES)}
    assert merged[True] > merged[False] == 0


@pytest.mark.parametrize("block", [*layouts.FORM])
def test_every_block_fills_the_page_downwards(block):
    """Protects the loop that fills a page from standing still, at the foot of the page too."""
    for seed in range(5):
        for y in (20.0, SIZE[0] - 30.0):
            assert block(page(seed), y) >= y


def test_crops_fit_the_network_and_come_from_the_seed():
    digits = load_dataset("optdigits", "train")
    first, again = (draw_crops(digits.images, digits.labels, 12, [5]) for _ in range(2))
    for one, same in zip(first, again, strict=True):
        assert one.grey.shape == (TILE, TILE)
        assert one.maps.shape == (TILE // MAP_STEP, TILE // MAP_STEP, 3)
        assert one.grey.dtype == one.maps.dtype == np.uint8
        assert np.array_equal(one.grey, same.grey)
        assert np.array_equal(one.maps, same.maps)
    assert sum(one.maps.any() for one in first) >= 10


def numbers_from(count: int, seed: list[int]) -> list:
    return list(np.random.default_rng(seed).integers(0, 1000, count))


def test_an_epoch_does_not_depend_on_who_draws_it():
    """Protects a fit that goes on on another machine."""
    drawn = []
    for processes in (0, 1, 2):
        with Pool(numbers_from, in_chunks(25, 2, 3, 10), processes) as pool:
            drawn.append([list(chain.from_iterable(pool.get(epoch))) for epoch in (0, 1)])
    assert drawn[0] == drawn[1] == drawn[2]
    assert [len(one) for one in drawn[0]] == [25, 25]
    assert drawn[0][0] != drawn[0][1]


def as_read(sheet: sheets.Sheet, change=lambda text: text) -> Sheet:
    """What a perfect reader would say of a sheet, or one that changes each number."""

    def read(cell) -> Cell:
        x, y = cell.corners.min(axis=0).tolist()
        width, height = np.ptp(cell.corners, axis=0).tolist()
        said = change(cell.text)
        line = number(said, 0.95, int(x + width / 2 - 10 * len(said)), int(y + height / 2 - 15))
        lines = ((line,),) if said else ()
        box = (int(x), int(y), int(width), int(height))
        return Cell(cell.row, cell.column, cell.rows, cell.columns, box, lines, bool(said))

    tables, loose = {}, []
    for cell in sheet.cells:
        if cell.table >= 0:
            tables.setdefault(cell.table, []).append(read(cell))
        else:
            loose += read(cell).lines
    return Sheet(tuple(Table(99, 99, tuple(cells)) for cells in tables.values()), (), tuple(loose))


def test_a_number_counts_when_it_is_right_and_in_its_cell():
    """Protects the measure of sheets: the same digits elsewhere are wrong."""
    writers = load_dataset("optdigits", "test")
    told = {}
    for name, change in (
        ("right", lambda text: text),
        ("without marks", lambda text: text.replace(",", "").replace(".", "")),
        ("another", lambda text: text and text[:-1] + str((int(text[-1]) + 1) % 10)),
        ("nothing", lambda text: ""),
    ):
        drawn = list(draw_test_sheets(writers, 6, 0))
        answers = iter([as_read(sheet, change) for sheet in drawn])
        told[name] = judge(lambda _, answers=answers: next(answers), iter(drawn))
    assert len(told["right"]) > 100
    assert np.mean([one.right and one.exact for one in told["right"]]) > 0.98
    assert all(one.accepted for one in told["right"] if one.said)
    assert 0 < np.mean([one.right and not one.exact for one in told["without marks"]]) < 0.5
    assert not any(one.right for one in told["another"])
    assert not any(one.right or one.accepted for one in told["nothing"])

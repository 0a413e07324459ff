"""What a person says of a sheet stands in it from then on, and is told from what was read."""

import pytest
from readings import READING

from digitlib.reading.sheets import Cell, Sheet
from digitlib.reading.spreadsheets import as_csv, as_json, entries

FIELD = Cell(0, 0, 1, 1, (0, 200, 90, 40), (), written=True)  # its ink is no number
SHEET = Sheet(fields=(FIELD,), lines=READING.written)


def test_where_nothing_stands_nothing_is_corrected():
    with pytest.raises(ValueError, match="no cell and no number"):
        SHEET.corrected((0, 0, 1, 1), "7")


def test_a_number_of_a_line_is_corrected():
    doubtful = READING.numbers[1]
    sheet = SHEET.corrected(doubtful.box, "12,34")
    assert sheet.reading.text == "1537150 1234\n8"
    assert as_csv(sheet) == 'field 1,?\nline 1,"15.371,50","12,34"\nline 2,8\n'
    told = as_json(sheet)["lines"][0]
    assert [(one["value"], one["accepted"], one["corrected"]) for one in told] == [
        (15371.5, True, False),
        (12.34, True, True),
    ]
    assert tuple(told[1]["box"]) == doubtful.box
    assert SHEET.reading.numbers[1] is doubtful  # what was read is still known


def test_a_field_may_hold_a_word_or_nothing_and_be_corrected_again():
    for said in ("none", "", "7"):
        sheet = SHEET.corrected(FIELD.box, "9").corrected(FIELD.box, said)
        field = next(entries(sheet))
        assert (field.text, field.accepted, field.corrected) == (said, True, True)
        in_field = [number.text for one in sheet.fields for number in one.numbers]
        assert in_field == [said] * bool(said)

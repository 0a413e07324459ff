"""What people write on a line: numbers with their marks, what closes them, and other words."""

import numpy as np

# Shares at strength 1, of lines or of numbers; see `lines.Simulation`.
BLANK, WORDS, SEVERAL, MARKED, NEGATIVE, OPENED, CLOSED = 0.07, 0.06, 0.22, 0.6, 0.08, 0.1, 0.3
LENGTHS = {1: 0.1, 2: 0.12, 3: 0.15, 4: 0.2, 5: 0.21, 6: 0.12, 7: 0.06, 8: 0.04}

SPACE, THIN_SPACE, DITTO = " ", "_", '"'
# A sign that occurs twice is drawn twice as often.
OPENINGS = "==$€£#*F("
CLOSINGS = [*"==--–/.*€$F)%", ".-", ".–", ",-", "//", ".=", DITTO]
LETTERS = "ACEFHKLMNPRTUVWXYadefhkmnprtuwx"
LOOKALIKES = "BDGIJOQSZbgijloqsvyzc"  # letters that look like digits when they stand alone


def draw_text(random: np.random.Generator, words: float, several: float, marks: float) -> str:
    """What a line says. Each argument is a strength; see `lines.Simulation`.

    Digits and ``. , -`` are what they are, ``–`` is a long dash, ``_`` a narrow space as between
    thousands, and a space parts numbers and words. Everything else is other ink.
    """
    if random.random() < BLANK * words:
        return SPACE.join(_word(random) for _ in range(random.integers(0, 4)))
    count = int(random.integers(2, 5)) if random.random() < SEVERAL * several else 1
    parts = []
    for _ in range(count):
        if random.random() < WORDS * words:
            parts.append(_word(random))
        parts.append(_number(random, marks))
    if random.random() < WORDS * words:
        parts.append(_word(random))
    return SPACE.join(parts)


def _number(random: np.random.Generator, marks: float) -> str:
    length = int(random.choice(list(LENGTHS), p=list(LENGTHS.values())))
    digits = random.integers(0, 10, length)
    if length > 2 and random.random() < 0.25:  # a round amount, or a price
        digits[-int(random.integers(2, length)) :] = 0
    elif random.random() < 0.08:  # one digit several times
        digits[int(random.integers(length)) :] = random.integers(10)
    text = "".join(map(str, digits))
    if random.random() < MARKED * marks:
        text = _marked(text, random)
    if random.random() < NEGATIVE * marks:
        text = "-" + text
    if random.random() < OPENED * marks:
        text = OPENINGS[random.integers(len(OPENINGS))] + text
    if random.random() < CLOSED * marks:
        text += CLOSINGS[random.integers(len(CLOSINGS))]
    return text


def _marked(text: str, random: np.random.Generator) -> str:
    """With marks between thousands and before decimals, as one country or another has them."""
    thousand, decimal = (".", ",") if random.random() < 0.65 else (",", ".")
    whole, cents = text, ""
    if len(text) > 2 and random.random() < 0.35:
        places = 1 if random.random() < 0.2 else 2
        whole, cents = text[:-places], decimal + text[-places:]
    if len(whole) > 3 and random.random() < 0.8:
        first = len(whole) % 3
        groups = [whole[:first]] * bool(first)
        groups += [whole[i : i + 3] for i in range(first, len(whole), 3)]
        whole = (thousand if random.random() < 0.85 else THIN_SPACE).join(groups)
    return whole + cents


def _word(random: np.random.Generator) -> str:
    """A word with at least as many of `LETTERS` as of `LOOKALIKES`."""
    length = int(random.integers(1, 9))
    like = random.random(length) < (0.45 if length > 2 else 0.0)
    pools = [LOOKALIKES if one else LETTERS for one in like]
    word = [pool[random.integers(len(pool))] for pool in pools]
    return "".join(word) if 2 * like.sum() <= length else _word(random)

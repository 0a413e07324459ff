"""Terminals that do not have every character, such as those in latin-1."""

import codecs
import io
import sys

#: What stands for a character that a terminal lacks; a question mark for any other.
PLAIN = dict.fromkeys("╭╮╰╯├┤┬┴┼", "+") | {
    **{"│": "|", "─": "-", "━": "=", "╌": "."},
    **{"▸": ">", "–": "-", "…": "..."},
}


def print_anywhere() -> None:
    """Let ``print`` never raise for want of a character."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a notebook's takes everything
            stream.reconfigure(errors="plain")


def _plain(fault: UnicodeError) -> tuple[str, int]:
    assert isinstance(fault, UnicodeEncodeError)
    lacking = fault.object[fault.start : fault.end]
    return "".join(PLAIN.get(character, "?") for character in lacking), fault.end

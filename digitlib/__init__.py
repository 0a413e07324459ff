"""Handwritten digits: the module the notebooks share.

``from digitlib import Recognizer`` is all a prediction needs; it never imports TensorFlow.
"""

__version__ = "0.2.0"
__all__ = ["Recognizer"]


def __getattr__(name: str) -> type:
    # Lazy, so that a notebook that only loads data does not load an interpreter too.
    if name == "Recognizer":
        from digitlib.reading.recognizer import Recognizer

        return Recognizer
    raise AttributeError(f"module 'digitlib' has no attribute {name!r}")

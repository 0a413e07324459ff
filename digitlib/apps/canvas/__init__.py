"""A canvas to draw digits on, which are read as soon as the pen is lifted: ``DigitCanvas``."""

from digitlib.extras import need

need("canvas", "anywidget", "ipywidgets")

from digitlib.apps.canvas.widget import DigitCanvas  # noqa: E402

__all__ = ["DigitCanvas"]

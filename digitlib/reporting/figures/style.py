"""The look that every figure shares: colours, type, grid; and a figure that shows itself once."""

import io
from collections.abc import Mapping
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

# Okabe and Ito (2008), https://jfly.uni-koeln.de/color/: told apart with any colour vision and,
# in this order, in a grey print. Yellow, unreadable as a line on white, comes after the others.
COLOURS = (
    "#0072B2",  # blue
    "#E69F00",  # orange
    "#009E73",  # green
    "#D55E00",  # vermilion
    "#56B4E9",  # sky blue
    "#CC79A7",  # purple
    "#F0E442",  # yellow
    "#999999",  # grey
)
TRAIN, TEST = COLOURS[0], COLOURS[1]
RIGHT, WRONG = COLOURS[0], COLOURS[3]  # what a reader answers
MARKS = ("o", "s", "^", "v", "D", "P", "X", "*")
TEXT, QUIET, FAINT = "#222222", "#6B6B6B", "#DDDDDD"
# Ink is bright in the data; on paper and on screen it reads best dark on white.
INK = "gray_r"
SEQUENTIAL = "viridis"
#: From blue, against, over white to orange, for; as on the canvas.
DIVERGING = LinearSegmentedColormap.from_list("for and against", [COLOURS[0], "white", COLOURS[3]])
DPI = 120
WIDTH = 11  # inches; fills the column of a notebook

LOOK: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with Matplotlib: the same on every machine
    "font.size": 9,
    "text.color": TEXT,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 9,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": "#B0B0B0",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.prop_cycle": cycler(color=COLOURS),
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "image.cmap": INK,
    "image.interpolation": "nearest",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


class Picture(Figure):
    """A Matplotlib figure that Jupyter shows exactly once: as a cell's last expression.

    It belongs to no pyplot state, so nothing draws it a second time and nothing must close it.
    """

    alt = ""

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[Mapping[str, bytes], Mapping[str, dict]]:
        drawn, packed = io.BytesIO(), io.BytesIO()
        self.savefig(drawn, format="png", dpi=DPI, bbox_inches="tight", pad_inches=0.08)
        # A palette halves the size of a notebook, and the eye sees no difference.
        palette = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        palette.save(packed, "PNG", optimize=True)
        return {"image/png": packed.getvalue()}, {"image/png": {"alt": self.alt}}


def figure(height: float, alt: str) -> Picture:
    """An empty figure in the shared look, as wide as a notebook's column.

    Args:
        height: inches.
        alt: one sentence that stands for the figure where it cannot be seen.
    """
    matplotlib.rcParams.update(LOOK)
    made = Picture(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
    made.alt = alt
    return made

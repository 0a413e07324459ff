"""What varying digits does, and what it takes."""

from collections.abc import Mapping

from digitlib.reporting.findings.words import counted


def data(source: str, learning: int, judging: int) -> str:
    """From where the digits come from, and how many are learnt from and judged by."""
    return f"**{source}**: {counted(learning, 'digit')} to learn from, {judging:,} to judge by."


def sharpness(kept: Mapping[str, float]) -> str:
    """From the shares of the finest patterns that are left when varied, and when smoothed."""
    return (
        f"Of the finest patterns **{kept['varied']:.0%}** are left after a shift by up to a pixel, "
        f"and **{kept['smoothed']:.0%}** after smoothing. So this smoothing is "
        f"{'stronger' if kept['smoothed'] < kept['varied'] else 'no stronger'} than the blur of a "
        "shift."
    )


def cost(plain: float, varied: float, parameters: int) -> str:
    """From the seconds of a training step without and with variations, and the network's size."""
    more = varied / plain - 1
    text = (
        f"A training step takes {1e3 * plain:.1f} ms without and {1e3 * varied:.1f} ms with all "
        f"variations of the ladder, **{f'{more:.0%}' if more > 0 else 'no'}** more, for a network "
        f"of {counted(parameters, 'parameter')}."
    )
    return text + " For a larger network the share is smaller." if more > 0 else text

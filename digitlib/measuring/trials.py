"""What the trials of a search tell: which settings matter, and what accuracy costs."""

import numpy as np
import pandas as pd


def encoded(table: pd.DataFrame) -> pd.DataFrame:
    """Chosen values as numbers from 0 (lowest, or first by name) to 1; logarithmic where wide."""

    def encode(values: pd.Series) -> pd.Series:
        if values.map(lambda v: isinstance(v, str)).any():
            numbers = values.astype(str).rank(method="dense")
        else:
            numbers = values.astype(float)
            if numbers.min() > 0 and numbers.max() / numbers.min() > 10:
                numbers = np.log(numbers)
        return (numbers - numbers.min()) / (np.ptp(numbers) or 1)

    return table.apply(encode)


def importance(table: pd.DataFrame, objective: pd.Series, seed: int = 0) -> tuple[pd.Series, float]:
    """How much each setting tells about the objective, by a random forest over the trials.

    Args:
        table: a row per finished trial, a column per setting.
        objective: what they reached.

    Returns:
        By setting, how much of the explained variance is lost when its values are shuffled
        (permutation importance, Breiman 2001, doi:10.1023/A:1010933404324), at least 0, highest
        first; and R² on trials a tree has not seen: near or below 0 the first says nothing.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    forest = RandomForestRegressor(500, oob_score=True, random_state=seed)
    numbers = encoded(table)
    forest.fit(numbers, objective)
    shuffled = permutation_importance(forest, numbers, objective, n_repeats=20, random_state=seed)
    found = pd.Series(shuffled.importances_mean, index=table.columns).clip(lower=0)
    return found.sort_values(ascending=False), float(forest.oob_score_)


def pareto(table: pd.DataFrame, high: str, *low: str) -> pd.Series:
    """Which rows no other beats: higher in ``high`` and lower in every ``low``, or alike."""
    values = np.column_stack([-table[high], *(table[name] for name in low)])
    no_worse = (values[:, None] <= values[None]).all(axis=2)
    better = (values[:, None] < values[None]).any(axis=2)
    return pd.Series(~(no_worse & better).any(axis=0), index=table.index)

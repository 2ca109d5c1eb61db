"""How many more labels, and of which documents: predictions and sampling plans from a pilot.

The variance has a part that labels pay for, proportional to 1 / n, and one that they do not
(equation 12). Neyman's allocation draws a document with a probability proportional to how far its
label is expected to move the estimate.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.core import check
from workbench.core.rng import seed_from
from workbench.inference.design.solution import Solution

if TYPE_CHECKING:
    from workbench.inference.design.results import DSLResults

__all__ = ["aggregate_units", "draw", "planned_errors", "predicted_errors", "suggest_sampling"]

FLOOR = 0.01             # least probability of a document
LEAF, TREES = 20, 200


def predicted_errors(solutions: Sequence[Solution], n_labelled: int,
                     sizes: np.ndarray) -> np.ndarray:
    """Standard errors if so many rows were labelled, shape (sizes, d).

    Parameters
    ----------
    solutions : sequence of Solution
    n_labelled : int
        Labels behind them.
    sizes : array, shape (sizes,)

    Notes
    -----
    The part that labels do not pay for is a difference of two estimates and counts as zero where
    it is negative, so that more labels never predict a larger error.
    """
    share = n_labelled / sizes[:, None]
    each = []
    for one in solutions:
        labels, rest = _parts(one)
        each.append(share * labels + rest)
    return np.sqrt(np.median(np.stack(each), axis=0))


def _parts(one: Solution) -> tuple[np.ndarray, np.ndarray]:
    """Variances that labels pay for and that they do not, none negative, each of shape (d,)."""
    total = np.diag(one.influence @ one.meat @ one.influence.T) / one.n
    labels = np.diag(one.influence @ one.label_meat @ one.influence.T) / one.n
    rest = np.maximum(total - labels, 0)
    return np.maximum(total - rest, 0), rest


def suggest_sampling(pilot: "DSLResults", budget: int, *, term: str | None = None,
                     floor: float = FLOOR, rng: np.random.Generator) -> pd.DataFrame:
    """Probabilities with which to draw the documents to label next.

    Parameters
    ----------
    pilot : DSLResults
        A fit on labels of a first sample.
    budget : int
        Labels to expect beyond those of the pilot.
    term : str, optional
        Coefficient to learn most about; None weighs all by their standard errors.
    floor : float in (0, 1)
        Least probability, so that no document counts without bound.
    rng : numpy.random.Generator

    Returns
    -------
    plan : DataFrame, shape (n, 3)
        ``labelled``; ``next``, the probability to draw a row now (0 where it is labelled), which
        sum to the budget; ``sample_prob``, the probability to be labelled in either round: pass
        it as the column of probabilities, with ``rescale_prob=False``, after labelling.

    Raises
    ------
    ValueError
        If the budget is not between the floor of all rows and their number.

    Notes
    -----
    Proportional to the root of the expected squared error of the influence,
    ``E[(J^-1 (m - m_hat))^2 | features]``, learned from the labelled rows by a forest; labelled
    rows are predicted by the trees that did not see them, since a probability that depends on the
    label itself would bias the second round.
    """
    free = ~pilot.labelled
    least = max(1, int(np.ceil(floor * free.sum())))
    if not (0 < floor < 1 and least <= budget <= free.sum()):
        raise ValueError(f"budget must lie between {least} and the {int(free.sum())} rows without "
                         f"labels, got {budget!r} with floor {floor!r}. Pass another number of "
                         "labels, or a smaller floor.")
    chance = _filled(_expected_error(pilot, term, rng), free, float(budget), floor)
    return pd.DataFrame({"labelled": pilot.labelled, "next": np.where(free, chance, 0.0),
                         "sample_prob": 1 - (1 - np.minimum(pilot.sample_prob, 1)) * (1 - chance)},
                        index=pilot.index)


def planned_errors(pilot: "DSLResults", sample_prob: np.ndarray) -> pd.Series:
    """Predicted standard errors if rows were labelled with these probabilities instead.

    Parameters
    ----------
    pilot : DSLResults
    sample_prob : array, shape (n,), in (0, 1]

    Notes
    -----
    Equation (12) with the part of the labels estimated anew:
    ``M1 = mean(R / pi / new_pi (m - m_hat)(m - m_hat)')``.
    """
    chance = np.asarray(sample_prob, dtype=float)
    if chance.shape != pilot.labelled.shape or not ((chance > 0) & (chance <= 1)).all():
        raise ValueError(f"sample_prob must give each of {len(pilot.labelled)} rows a probability "
                         f"above 0 and at most 1, got shape {chance.shape}. Pass a plan's column.")
    each = []
    counts = np.sqrt(pilot.inverse_propensity / chance)[pilot.labelled, None]
    for one in pilot.solutions:
        labels, rest = _parts(one)
        now, then = (np.diag(one.influence @ meat @ one.influence.T) / one.n for meat in (
            one.label_meat, (one.error * counts).T @ (one.error * counts) / one.n))
        each.append(rest + then * np.divide(labels, now, out=np.ones_like(now), where=now > 0))
    return pd.Series(np.sqrt(np.median(each, axis=0)), list(pilot.names))


def draw(plan: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of a plan that are drawn, each by its own coin; their number varies with chance."""
    return plan[rng.random(len(plan)) < plan["next"].to_numpy()]


def aggregate_units(data: pd.DataFrame, unit: str, *, predicted: Sequence[str],
                    surrogate: Sequence[str], sample_prob: str) -> pd.DataFrame:
    """One row per unit of analysis above the unit that experts label, for outcomes only.

    Parameters
    ----------
    data : DataFrame
        One row per sub-unit; gold labels are missing where there are none.
    unit : str
        Column that names the unit.
    predicted, surrogate : sequence of str
        Columns whose means are taken: of the labelled sub-units, of all.
    sample_prob : str
        Column with the probability of each sub-unit; equal within a unit.

    Returns
    -------
    units : DataFrame
        These columns by unit; ``sample_prob`` is ``1 - prod(1 - pi)``, to be labelled at all.

    Notes
    -----
    The mean of a few labelled sub-units is that of the unit on average, which suffices for an
    outcome of least squares. As a covariate, or transformed, its errors would bias coefficients:
    a fit refuses such a table with one of `predicted` right of the ``~``.
    """
    from workbench.inference.design.frame import columns_present, numbers

    columns_present(data, unit=[unit], predicted=predicted, surrogate=surrogate,
                    sample_prob=[sample_prob])
    chance = pd.Series(numbers(data[sample_prob], "sample_prob"), data.index)
    if not ((chance > 0) & (chance <= 1)).all():
        raise ValueError("sample_prob must lie above 0 and at most at 1, got "
                         f"{chance.min():g} to {chance.max():g}. Pass the probabilities by which "
                         "sub-units were drawn.")
    if (chance.groupby(data[unit]).nunique() > 1).any():
        raise ValueError(f"sample_prob must be equal within each {unit}, so that the mean of the "
                         "labelled sub-units is that of the unit on average, got several in one. "
                         "Analyse the sub-units themselves.")
    units = data.groupby(unit, sort=False)[[*predicted, *surrogate]].mean()
    none = (1 - chance).groupby(data[unit], sort=False).prod()
    units = units.assign(**{sample_prob: 1 - none}).reset_index()
    units.attrs["outcomes_only"] = list(predicted)
    return units


def _expected_error(pilot: "DSLResults", term: str | None,
                    rng: np.random.Generator) -> np.ndarray:
    """Root of the expected squared influence of a label, for every row, shape (n,)."""
    from sklearn.ensemble import RandomForestRegressor

    if term is not None:
        check.one_of(pilot.names, term=term)
    if pilot.features is None:
        raise ValueError("pilot must know the features of its rows, got a fit of arrays. Fit it "
                         "from a formula and a DataFrame.")
    scale = pilot.bse.to_numpy()
    moved = np.mean([(one.error @ one.influence.T / scale) ** 2 for one in pilot.solutions],
                    axis=0)
    squared = moved[:, pilot.names.index(term)] if term else moved.sum(axis=1)
    held = pilot.labelled
    forest = RandomForestRegressor(TREES, min_samples_leaf=min(LEAF, max(1, held.sum() // 4)),
                                   oob_score=True, random_state=seed_from(rng))
    forest.fit(pilot.features[held], squared,
               sample_weight=pilot.inverse_propensity[held])
    found = np.asarray(forest.predict(pilot.features))
    found[held] = forest.oob_prediction_       # a label must not decide its own probability
    return np.sqrt(np.maximum(found, 0))


def _filled(size: np.ndarray, free: np.ndarray, budget: float, floor: float) -> np.ndarray:
    """Probabilities proportional to `size` within [floor, 1] that sum to the budget."""
    size = np.maximum(size, 1e-12 * size.max()) if size.max() > 0 else np.ones_like(size)
    low, high = 0.0, 1.0 / size.min()
    for _ in range(200):
        middle = (low + high) / 2
        if np.clip(middle * size[free], floor, 1).sum() < budget:
            low = middle
        else:
            high = middle
    return np.asarray(np.clip(high * size, floor, 1))

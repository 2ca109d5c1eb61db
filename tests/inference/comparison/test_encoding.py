"""Oracle: the encoder of scikit-learn's transformers, which takes rows of DataFrames."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import generator
from workbench.inference.comparison.encoding import Encoder, coded
from workbench.inference.quantiles.encoding import table_encoder


def mixed(seed, n=90):
    """Numbers with gaps, a constant, few and many categories, rare ones, and missing names."""
    rng = generator(seed)
    table = pd.DataFrame({
        "size": np.where(rng.random(n) < 0.2, np.nan, rng.normal(5, 3, n)),
        "colour": rng.choice(["red", "blue", "rare é"], n, p=[0.6, 0.38, 0.02]).astype(object),
        "price": rng.gamma(2, 1e6, n), "same": 3.0,
        "town": rng.choice([f"t{at:02d}" for at in range(30)], n).astype(object),
        "late": np.where(np.arange(n) < n // 2, 1.0, np.nan)})
    table.loc[::11, "colour"] = np.nan
    return table


@pytest.mark.parametrize("seed", range(4))
def test_matches_the_encoder_of_whole_tables(seed):
    table, rng = mixed(seed), generator(seed + 100)
    cells, categories = coded(table)
    assert categories == (1, 4)
    for _ in range(3):
        train, test = rng.integers(90, size=60), rng.permutation(90)[:30]
        ours, right = Encoder(categories).fit(cells[train]), table_encoder().fit(table.iloc[train])
        for rows in (train, test):
            np.testing.assert_allclose(ours.transform(cells[rows]),
                                       right.transform(table.iloc[rows]), atol=1e-12)


def test_matches_categories_beyond_the_most():
    names = pd.DataFrame({"town": np.repeat([f"t{at:02d}" for at in range(25)], 4).astype(object)})
    cells, categories = coded(names)
    ours = Encoder(categories).fit_transform(cells)
    np.testing.assert_array_equal(ours, table_encoder().fit_transform(names))
    assert ours.shape == (100, 20)


def test_identity_numbers_without_gaps_are_only_standardised():
    table = pd.DataFrame(generator(0).normal(3, 2, size=(40, 3)))
    cells, categories = coded(table)
    np.testing.assert_array_equal(cells, table)
    told = Encoder(categories).fit_transform(cells)
    np.testing.assert_allclose(told, (cells - cells.mean(axis=0)) / cells.std(axis=0))

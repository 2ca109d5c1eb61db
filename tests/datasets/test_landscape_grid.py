"""Oracle: the shipped files read by pandas, and the definition of mode connectivity."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import places
from workbench.datasets import landscape_grid

FOLDER = places.raw_data() / "loss-landscape-taxonomy-grid"


@pytest.fixture(scope="module")
def grid():
    return landscape_grid()


def test_matches_means_over_seeds(grid):
    models = pd.read_csv(FOLDER / "models.csv")
    some = models[(models["width"] == 23) & (models["batch_size"] == 92)]
    cell = grid.cells.set_index(["width", "batch_size"]).loc[(23, 92)]
    assert cell["models"] == len(some) == 5
    assert cell["loss"] == pytest.approx(some["train_loss"].mean())
    assert cell["trace"] == pytest.approx(some["hessian_trace"].mean())
    assert cell["test_accuracy"] == pytest.approx(some["test_acc"].mean())


def test_matches_unevaluated_cells_stay_missing(grid):
    missing = grid.cells[grid.cells["test_accuracy"].isna()]
    assert set(missing["batch_size"]) == {19, 27}
    assert len(missing) == 28
    assert grid.cells["similarity"].isna().sum() == 3


def test_matches_connectivity_computed_from_the_curves(grid):
    curves = grid.curves.pivot_table(index=["width", "batch_size"], columns="t",
                                     values="train_error").to_numpy()
    ends = (curves[:, 0] + curves[:, -1]) / 2
    farthest = np.abs(curves - ends[:, None]).argmax(1)
    found = ends - curves[np.arange(len(curves)), farthest]
    np.testing.assert_allclose(found, grid.cells["connectivity"], atol=2e-3)

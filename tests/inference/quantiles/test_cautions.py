"""Sentences where a reader would be misled, none where not."""

import numpy as np
import pandas as pd
import pytest

from workbench.inference.quantiles import cautions

N = 200


def groups(**rows):
    return pd.DataFrame({"group": list(rows), "n": list(rows.values()), "coverage": 0.8,
                         "low": 0.7, "high": 0.9})


def test_recovers_the_rate_of_misses_that_luck_explains():
    """Split conformal on exchangeable rows: the sentence is rare; on harder rows it is certain."""
    rng = np.random.default_rng(0)
    told = {1.0: 0, 2.0: 0}
    for scale in told:
        for _ in range(500):
            known, new = np.abs(rng.normal(size=N)), scale * np.abs(rng.normal(size=N))
            covered = float(np.mean(new <= np.sort(known)[int(np.ceil(0.8 * (N + 1))) - 1]))
            told[scale] += bool(cautions.of_promise(covered, 0.8, [N, N]))
    assert told[1.0] <= 10           # one per cent of 500, and three standard errors
    assert told[2.0] >= 490


def test_matches_advice_for_rows_in_time():
    told, = cautions.of_promise(0.5, 0.8, [160, 160], follow=True)
    assert "80 % intervals cover 50 %" in told
    assert told.endswith("conformal='adaptive' follows a change.")
    assert "adaptive" not in cautions.of_promise(0.5, 0.8, [160, 160])[0]


def test_matches_groups_that_are_mostly_the_rest():
    told, = cautions.of_groups(groups(a=10, other=50), 0.8, 0.9)
    assert told.startswith("50 of 60 test rows are of the group 'other'")
    assert cautions.of_groups(groups(a=50, other=10), 0.8, 0.9) == []


@pytest.mark.parametrize(("y", "loss", "words"), [
    (np.zeros(N), 0.0, "All outcomes of the test part are 0"),
    (np.arange(N) / 10, 1e-9, "This aggregate predicts the outcomes all but exactly"),
])
def test_matches_outcomes_without_a_riddle(y, loss, words):
    losses = {"this aggregate": np.full(N, loss), "linear": np.ones(N)}
    assert words in cautions.of_outcomes(y, losses, np.ones(N))[0]
    assert cautions.of_outcomes(np.arange(N) / 10, {"linear": np.ones(N)}, np.ones(N)) == []


def test_matches_rows_of_each_part_to_equal_ones():
    told, = cautions.of_amounts({"train": np.array([1.0, 1e-9]), "test": np.ones(3)})
    assert "the 2 train rows like 1 equal ones, the 3 test rows like 3 equal ones" in told
    assert cautions.of_amounts({"train": None, "test": None}) == []


def test_matches_a_row_in_whole_per_cent():
    told, = cautions.of_one_row(np.array([1.0, *np.zeros(99)]), np.ones(100), range(2, 102))
    assert "Row 2 alone makes 100 % of the WIS" in told


def test_matches_outcomes_far_from_all_others():
    y = np.random.default_rng(0).lognormal(sigma=2, size=5000)       # skewed, but no mistake
    assert cautions.of_extremes(y, range(5000)) == []
    y[7] = 1e6
    told, = cautions.of_extremes(y, range(2, 5002))
    assert "Outcomes of 1 row are" in told
    assert "row 9 has 1e+06" in told
    assert cautions.of_extremes(np.zeros(9), range(9)) == []

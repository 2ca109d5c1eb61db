"""Tables whose outcome is observed in part: columns found, left out and refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from workbench.datasets import load_selected, selected_pairs


def table(n=200):
    rng = np.random.default_rng(0)
    made = pd.DataFrame({
        "age": rng.integers(20, 80, n), "site": rng.choice(["a", "b"], n),
        "name": [f"person {at}" for at in range(n)], "income": rng.normal(size=n)})
    made.loc[rng.random(n) < 0.6, "income"] = np.nan
    return made


def saved(frame, tmp_path):
    path = tmp_path / "own.csv"
    frame.to_csv(path, index=False)
    return path


def test_matches_the_column_with_gaps_and_the_others(tmp_path):
    found = load_selected(saved(table(), tmp_path), group="site")
    assert found.label == "income"
    np.testing.assert_allclose(found.outcome, table()["income"])
    assert list(found.features) == ["age", "site"]
    assert set(found.group) == {"a", "b"}
    told = " ".join(found.notes)
    assert "The outcome is 'income'" in told
    assert "'name' was left out" in told


def test_matches_named_columns_and_marks_of_selection(tmp_path):
    made = table().assign(other=lambda t: t["income"] * 2 + 1, wage=lambda t: t["income"])
    path = saved(made, tmp_path)
    with pytest.raises(ValueError, match="outcome must name one of the 3 columns"):
        load_selected(path)
    found = load_selected(path, outcome="wage")
    assert list(found.features) == ["age", "site"]
    assert "it is empty exactly where the outcome is" in " ".join(found.notes)
    assert list(load_selected(path, outcome="wage", features=["age"]).features) == ["age"]


def test_matches_missing_cells_to_a_note(tmp_path):
    made = table()
    made.loc[3:9, "age"] = np.nan
    found = load_selected(saved(made, tmp_path), outcome="income")
    assert found.features["age"].isna().sum() == 7
    assert any("'age' 7, of 200 rows" in note for note in found.notes)


@pytest.mark.parametrize(("change", "options", "words"), [
    (lambda t: t.fillna(0), {}, "no column of numbers has any"),
    (lambda t: t, {"outcome": "incme"}, "Did you mean 'income'"),
    (lambda t: t, {"outcome": "site"}, "outcome: column 'site' must hold numbers"),
    (lambda t: t, {"outcome": "age"}, "known in all 200 rows"),
    (lambda t: t.assign(income=t["income"].where(t.index < 30)), {}, "at least 20 rows"),
    (lambda t: t.assign(income=t["income"] * 0 + 1), {}, "outcome must vary, but 'income' is 1"),
    (lambda t: t[["name", "income"]], {}, "features must hold a covariate"),
    (lambda t: t, {"features": ["income"], "outcome": "income"}, "must not hold the outcome")])
def test_rejects(tmp_path, change, options, words):
    with pytest.raises(ValueError, match=words):
        load_selected(saved(change(table()), tmp_path), **options)


def test_matches_the_equations_of_the_world():
    world = selected_pairs(5000, rng=np.random.default_rng(0))
    x1, x2, x3, x4, x5 = (world[f"x{at}"] for at in range(1, 6))
    f = np.sin(2 * x1) + x2 ** 2 - 1 + 0.8 * x1 * x3
    np.testing.assert_allclose(world["propensity"], expit(-2.2 + f + 0.3 * x4))
    rest = world["loss"] - 2 - f - 0.3 * x5
    assert abs(rest.std() - 0.3) < 0.02
    assert abs(rest.mean()) < 0.02
    share = world["observed"].mean() - world["propensity"].mean()
    assert abs(share) < 4 * 0.5 / np.sqrt(5000)

"""The study on a simulated world, on shipped tables and on a file of the user's own."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import ParameterError, Result
from workbench.core.details import Chosen
from workbench.inference import PRESTO
from workbench.studies import presto as study
from workbench.studies.views.stage_words import _standing


@pytest.fixture(scope="module")
def simulated():
    return study.run(study.Params(**study.SMOKE))


@pytest.fixture(scope="module")
def own_file(tmp_path_factory):
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=(2, 300))
    stage = np.digitize(x + rng.logistic(size=300), [0.0, 2.0, 3.5])
    table = pd.DataFrame({"x": x, "z": z, "kind": rng.choice(["a", "b"], 300),
                          "person": np.arange(300) // 3, "count": rng.uniform(0.5, 2, 300),
                          "damage": np.array(["none", "mild", "moderate", "severe"])[stage]})
    table.loc[4, "z"] = np.nan
    path = tmp_path_factory.mktemp("own") / "my {own} stages é.csv"
    table.to_csv(path, index=False)
    return {"data": str(path), "n_lambdas": 5}


def test_every_number_has_an_interval_or_a_reason(simulated):
    assert 2 <= len(simulated.summary) <= 6
    for name, number in simulated.summary.items():
        assert number.interval is not None or number.why, name
        assert np.isfinite(number.value), name
    assert "without intervals" in simulated.summary.notes[0]


def test_matches_figures_drawn_from_saved_tables(simulated):
    saved = Result(simulated.summary, simulated.tables)
    assert list(study.figures(saved)) == ["path", "transitions", "comparison", "calibration",
                                          "rows"]
    for position in (0, 100):
        figures = study.figures(saved, study.VIEW(position=position, feature="x2"))
        lam = simulated.tables["lambdas"]["lambda"].iloc[0 if position == 0 else -1]
        title = figures["transitions"].opts.get("plot").kwargs["title"]
        assert title.startswith(f"lambda {lam:.3g}")


def test_matches_one_row_to_the_estimator(simulated):
    place = 3
    row = int(simulated.tables["rows"]["row"].iloc[place])
    view = study.VIEW(position=100)
    told = study.details(simulated, Chosen({"row": row}, view))
    world, _ = study._simulated(study.Params(**study.SMOKE))
    X = world.features.to_numpy()
    lam = simulated.tables["lambdas"]["lambda"].iloc[-1]
    model = PRESTO(lam).fit(X, world.codes)
    expected = model.predict_proba(X[[row - 1]])[0]
    shown = told["Probabilities"].set_index("stage")["PRESTO"].str.rstrip(" %").astype(float)
    np.testing.assert_allclose(shown[list(world.labels)], 100 * expected, atol=6e-4)
    assert "logistic regression" in told["Probabilities"]
    assert f"lambda {lam:.3g}" in told["row"]
    assert study.details(simulated, Chosen({})) == {}


def test_matches_scores_of_held_out_rows(simulated):
    scores = simulated.tables["scores"].set_index(["method", "measure"])["value"]
    gaps = simulated.tables["differences"].set_index(["rival", "measure"])["value"]
    for rival in ("proportional odds", "multinomial"):
        for measure in ("Brier", "rare Brier", "rare log loss"):
            assert gaps[rival, measure] == pytest.approx(
                scores["PRESTO", measure] - scores[rival, measure], abs=1e-12)


def test_matches_an_own_file_with_weights_and_groups(own_file):
    result = study.run(study.Params(**own_file, outcome="damage", weight="count", group="person"))
    figures = study.figures(result)
    assert len(figures) == 5
    rows = [name for _, name in figures["comparison"].opts.get("plot").kwargs["yticks"]]
    assert {"logistic", "logistic, shrunk"} < set(rows)   # not both cut to the same letters
    assert "trials" not in result.tables
    assert "effective share of rows" in result.summary
    notes = " ".join(result.summary.notes)
    assert "take groups of person as independent" in notes
    assert "none (" in notes
    assert "a usual scale" in notes
    assert {"x", "z", "z missing", "kind = a"} <= {*result.tables["features"]} | {"kind = a"}


def test_identity_what_is_kept_changes_nothing(own_file):
    values = {**own_file, "outcome": "damage", "seed": 3}
    assert not study.is_quick(study.Params(**values))
    first = study.run(study.Params(**values))
    assert study.is_quick(study.Params(**values | {"level": 0.8}))
    again = study.run(study.Params(**values))
    assert dict(first.summary) == dict(again.summary)


def test_matches_toggles_to_other_paths(simulated):
    squares = study.run(study.Params(**study.SMOKE, l1_ratio=0.0))
    assert (squares.tables["lambdas"]["fused"].iloc[1:] == 0).all()
    free = study.run(study.Params(**study.SMOKE, penalize_base=False))
    first = free.tables["path"].query("place == 0")[["x1", "x2", "x3"]]
    assert first.nunique().tolist() == [1, 1, 1]
    assert (first != 0).any(axis=None)
    assert any("largest lambda gives proportional odds" in note for note in free.summary.notes)
    assert dict(simulated.summary) != dict(squares.summary)


def test_matches_the_reversed_order_of_a_world(simulated):
    """Whatever was computed before in the other order."""
    turned = study.run(study.Params(**study.SMOKE, reverse=True))
    rows, back = simulated.tables["rows"], turned.tables["rows"]
    assert turned.tables["path"]["boundary"].tolist()[:2] == ["stage 3 | stage 2",
                                                              "stage 2 | stage 1"]
    both = rows.merge(back, on="row")
    assert (both["stage_x"] == both["stage_y"]).all()
    for name, near in (("truth", 1e-12), ("proportional odds", 1e-3), ("multinomial", 1e-3)):
        np.testing.assert_allclose(both[f"{name}: stage 1_x"], both[f"{name}: stage 1_y"],
                                   atol=near)
    common = turned.tables["trials"]["rare"]
    assert (common > simulated.tables["trials"]["rare"]).all()


def test_matches_settings_that_simulated_errors_do_not_have(simulated):
    changed = study.run(study.Params(**study.SMOKE | {"n_lambdas": 20}, l1_ratio=0.5, cv=4))
    told = "usual settings and of its variants; l1_ratio, cv as set here concern all else"
    assert any(told in note for note in changed.summary.notes)
    assert any("n_lambdas as set here concerns" in note for note in simulated.summary.notes)


def test_matches_fewer_groups_than_folds(own_file, tmp_path):
    table = pd.read_csv(own_file["data"])
    table["ward"] = np.arange(len(table)) % 4
    table.to_csv(tmp_path / "wards.csv", index=False)
    result = study.run(study.Params(data=str(tmp_path / "wards.csv"), outcome="damage",
                                    group="ward", n_lambdas=5))
    assert result.tables["calibration"].query("method == 'PRESTO'")["rows"].sum() == len(table)


def test_matches_an_order_of_numbers(own_file, tmp_path):
    table = pd.read_csv(own_file["data"])
    table["damage"] = table["damage"].map({"none": 9, "mild": 1, "moderate": 5, "severe": 3})
    table.to_csv(tmp_path / "coded.csv", index=False)
    values = {"data": str(tmp_path / "coded.csv"), "outcome": "damage", "n_lambdas": 5}
    for order in ([9, 1, 5, 3], [9.0, 1.0, 5.0, 3.0], ["9", "1", "5", "3"]):
        assert any("9 (" in note and "order as given" in note for note in study.read_notes(
            study.Params(**values, order=order)))


def test_matches_what_intervals_of_differences_say():
    gaps = pd.DataFrame({"rival": ["a", "b", "c"], "measure": "rare log loss", "value": 0.0,
                         "low": [-2.0, -1.0, 0.1], "high": [-1.0, 1.0, 0.2]})
    told = [_standing(gaps, rival, 0.9) for rival in "abc"]
    assert told[0] == ""
    assert "no gain over b shows" in told[1]
    assert "PRESTO is worse than c" in told[2]


@pytest.mark.slow
def test_recovers_the_claim_at_defaults():
    result = study.run(study.Params())
    for rival in ("logistic regression", "proportional odds"):
        number = result.summary[f"error of the rare probability over that of {rival}"]
        assert number.value < 0.8
        assert number.interval.high < 1


@pytest.mark.slow
@pytest.mark.parametrize("values", [{"data": "soup", "n_lambdas": 8},
                                    {"data": "prediabetes", "n_lambdas": 8}])
def test_matches_shipped_tables_to_figures(values):
    result = study.run(study.Params(**values))
    assert len(study.figures(result)) == 5
    told = " ".join(result.summary.notes)
    rare = result.tables["differences"].query("measure == 'rare log loss'").set_index("rival")
    for rival in ("logistic regression", "proportional odds"):
        low, high = rare.loc[rival, ["low", "high"]]
        assert (f"is worse than {rival} in" in told) == (low > 0)
        assert (f"no gain over {rival} shows" in told) == (low <= 0 <= high)
    assert "no gain over" in told or "is worse than" in told


def test_matches_an_unknown_order_to_a_note(own_file, tmp_path):
    table = pd.read_csv(own_file["data"])
    table["damage"] = table["damage"].map(
        {"none": "red", "mild": "blue", "moderate": "green", "severe": "black"})
    table.to_csv(tmp_path / "odd.csv", index=False)
    values = {"data": str(tmp_path / "odd.csv"), "outcome": "damage", "n_lambdas": 5}
    (note,) = study.read_notes(study.Params(**values))
    assert note.startswith("order must name the 4 classes")
    assert note.endswith("Set it before the run.")
    with pytest.raises(ValueError, match="order must name the 4 classes"):
        study.run(study.Params(**values))
    assert study.read_notes(study.Params(**values, order=["red", "blue", "green", "black"]))


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "soop"}, "Did you mean 'soup'"),
    ({"intercepts": [0.0, 5.0, 3.0]}, "intercepts must increase"),
    ({"outcome": "y"}, "outcome must be empty for a simulated world"),
    ({"l1_ratio": 2.0}, "l1_ratio must be a number >= 0"),
    ({"cv": 1}, "cv must be a whole number >= 2"),
])
def test_rejects_before_reading(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


def test_rejects_columns_that_are_not_there(own_file):
    with pytest.raises(ValueError, match="outcome must name a column of the data, got 'damag'"):
        study.run(study.Params(**own_file, outcome="damag"))
    with pytest.raises(ValueError, match="group must leave every class outside each"):
        study.run(study.Params(**own_file, outcome="damage", group="kind"))

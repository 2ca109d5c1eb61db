"""The study on shipped data and on files it was not made for."""

import numpy as np
import pandas as pd
import pytest

from workbench import runs
from workbench.core import ParameterError, Result
from workbench.core.details import Chosen
from workbench.core.recent import Recent
from workbench.datasets import load_regression
from workbench.studies import quantile_aggregation as study

FAST = study.SMOKE
N = 300


@pytest.fixture(scope="module")
def yacht():
    return study.run(study.Params(**FAST))


@pytest.fixture(scope="module")
def own_file(tmp_path_factory):
    """Noise ten times larger in the north than in the south; gaps, dates, an identifier."""
    rng = np.random.default_rng(3)
    region = rng.choice(["north", "south"], size=N)
    size = rng.uniform(0, 10, size=N)
    table = pd.DataFrame({
        "name": [f"house {i}" for i in range(N)], "region": region, "size": size,
        "built": pd.date_range("2001-01-01", periods=N).strftime("%Y-%m-%d"),
        "colour": rng.choice(["red", "blue", ""], size=N),
        "price": 3 * size + np.where(region == "north", 10, 1) * rng.normal(size=N)})
    table.loc[rng.choice(N, 30, replace=False), "size"] = np.nan
    path = tmp_path_factory.mktemp("own") / "my {own} houses é.csv"
    table.to_csv(path, index=False)
    return str(path)


def run(**values):
    return study.run(study.Params(**{**FAST, **values}))


def test_every_number_has_an_interval_or_a_reason(yacht):
    for name, number in yacht.summary.items():
        assert number.interval is not None or number.why, name
        assert np.isfinite(number.value), name


def test_matches_the_shipped_table(yacht):
    rows = yacht.tables["predictions"]
    shipped = load_regression("yacht")
    np.testing.assert_array_equal(rows["y"], shipped.y[rows["row"] - 2])
    assert len(rows) == round(0.2 * len(shipped.y))
    assert (rows["low"] <= rows["median"]).all()
    assert (rows["median"] <= rows["high"]).all()


def test_matches_coverage_and_width_counted_from_the_rows(yacht):
    rows = yacht.tables["predictions"]
    inside = rows["y"].between(rows["low"], rows["high"]).mean()
    told = yacht.summary["coverage of the 80 % intervals, calibrated"]
    assert told.value == pytest.approx(100 * inside)
    wide = yacht.summary["mean width of the 80 % intervals, calibrated"]
    assert wide.value == pytest.approx((rows["high"] - rows["low"]).mean())
    groups = yacht.tables["groups"].query("stage == 'calibrated'")
    assert (groups["n"] * groups["coverage"]).sum() == pytest.approx(inside * len(rows))


def test_identity_one_model_is_its_own_average():
    result = run(base_models=["qrf"], resolution="coarse")
    assert result.summary["WIS over that of the equal average"].value == pytest.approx(1)
    np.testing.assert_allclose(result.tables["weights"]["weight"], 1)


def test_matches_figures_drawn_from_saved_tables(yacht):
    figures = study.figures(Result(yacht.summary, yacht.tables))
    assert list(figures) == ["fan", "weights", "scores", "reliability", "coverage"]


def test_identity_kept_stages_change_nothing(yacht, monkeypatch):
    for stage in ("BASES", "AGGREGATES", "CALIBRATED"):
        monkeypatch.setattr(study, stage, Recent(2))
    assert not study.is_quick(study.Params(**FAST))
    again = run()
    assert study.is_quick(study.Params(**FAST, alpha=0.3))
    assert not study.is_quick(study.Params(**{**FAST, "seed": 1}))
    assert dict(again.summary) == dict(yacht.summary)
    for name, table in yacht.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])


@pytest.mark.parametrize("conformal", ["none", "asymmetric", "mondrian", "cv+"])
def test_matches_each_calibration_to_nested_intervals(conformal):
    result = run(conformal=conformal, alpha=0.3, folds=3)
    stages = set(result.tables["widths"]["stage"])
    assert stages == {"uncalibrated", *["calibrated"] * (conformal != "none")}
    for _, table in result.tables["widths"].groupby("stage"):
        assert table.sort_values("promised")["coverage"].is_monotonic_increasing


def test_recovers_wider_intervals_where_the_noise_is(own_file):
    result = run(data=own_file, target="price", group="region", conformal="mondrian")
    groups = result.tables["groups"].query("stage == 'calibrated'").set_index("group")
    assert set(groups.index) == {"north", "south"}
    assert groups.loc["north", "width"] > 2 * groups.loc["south", "width"]
    # Expected coverage is at least 0.8; each group has some thirty rows.
    assert (groups["high"] >= 0.8).all()
    notes = " ".join(result.summary.notes)
    for told in ("'name' was left out", "'built' holds dates", "'colour'", "'size' 30"):
        assert told in notes


def test_matches_rows_in_time(own_file):
    result = run(data=own_file, target="price", time="built", conformal="adaptive")
    rows = result.tables["predictions"]["row"]
    assert rows.tolist() == list(range(2 + N - len(rows), 2 + N))      # the last rows of the file
    assert any("outcomes of earlier test rows" in note for note in result.summary.notes)


def test_matches_rows_that_count_by_a_column(own_file, tmp_path):
    """Rows of the south count a hundredth: the north decides coverage and scores."""
    table = pd.read_csv(own_file)
    table["w"] = np.where(table["region"] == "north", 1.0, 0.01)
    table["one"] = 1.0
    table.to_csv(tmp_path / "weighted.csv", index=False)
    own = {"data": str(tmp_path / "weighted.csv"), "target": "price", "group": "region"}
    result = run(**own, weight="w")
    rows = result.tables["predictions"]
    inside = rows["y"].between(rows["low"], rows["high"])
    told = result.summary["coverage of the 80 % intervals, calibrated"]
    assert told.value == pytest.approx(100 * np.average(inside, weights=rows["weight"]))
    assert rows["weight"].mean() == pytest.approx(1)
    size = rows["weight"].sum() ** 2 / (rows["weight"] ** 2).sum()
    assert any(f"{len(rows)} test rows like {size:.4g} equal" in note
               for note in result.summary.notes)
    assert study.figures(result)
    # Left alone, a feature that is constant is left out: both runs see the same features.
    equal, plain = run(**own, weight="one"), run(**own)
    assert equal.summary["WIS of the aggregate"].value != result.summary[
        "WIS of the aggregate"].value
    for name, number in equal.summary.items():
        assert number.value == pytest.approx(plain.summary[name].value, rel=1e-6)


def test_matches_infinite_ends_told_in_notes(own_file, tmp_path):
    few = tmp_path / "few.csv"
    pd.read_csv(own_file).head(60).to_csv(few, index=False)
    result = run(data=str(few), target="price", alpha=0.05)
    assert any("infinite" in note for note in result.summary.notes)
    width = result.summary["mean width of the 95 % intervals, calibrated"]
    assert width.interval is None
    assert "12 of 12 intervals have an infinite end" in width.why
    assert study.figures(result)


@pytest.mark.slow
def test_matches_the_default_run_of_the_notebook():
    result = study.run(study.Params())
    assert result.summary["WIS over that of the equal average"].value < 0.75
    assert len(result.tables["along"]["model"].unique()) == 5


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "yatch"}, "Did you mean 'yacht'"),
    ({"base_models": ["lgb"]}, r"base_models must be of .* got 'lgb'. Did you mean 'lgbm'"),
    ({"base_models": ["qrf", "qrf"]}, "name each model once"),
    ({"n_levels": 4}, "n_levels must be odd"),
    ({"conformal": "adaptive"}, "time must name a column"),
    ({"conformal": "adaptive", "time": "day", "weight": "w"}, "weight must be empty"),
    ({"alpha": 0.0}, r"alpha must be a number >= 0.02"),
])
def test_rejects_before_reading(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


def test_rejects_a_column_that_is_not_there(own_file):
    with pytest.raises(ValueError, match=r"target must name a column .* Did you mean 'price'"):
        run(data=own_file, target="prize")
    with pytest.raises(ValueError, match=r"along must be one of 'size', 'built', got 'region'"):
        run(data=own_file, target="price", along="region")


@pytest.mark.parametrize(("n_levels", "alpha"), [(5, 0.2), (9, 0.1), (3, 0.9)])
def test_matches_the_inner_half_to_half_of_the_promise(n_levels, alpha):
    result = run(n_levels=n_levels, alpha=alpha, conformal="none")
    rows = result.tables["predictions"]
    assert (rows["low"] <= rows["inner_low"]).all()
    assert (rows["inner_low"] <= rows["median"]).all()
    assert (rows["inner_high"] <= rows["high"]).all()
    inside = rows["y"].between(rows["inner_low"], rows["inner_high"]).mean()
    assert inside < 0.5 * (1 - alpha) + 4 * np.sqrt(0.25 / len(rows))


def test_matches_a_world_that_changed_to_a_note(tmp_path):
    day, rng = np.arange(N), np.random.default_rng(0)
    table = pd.DataFrame({"day": day, "size": rng.normal(size=N),
                          "cost": 0.05 * day + rng.normal(size=N)})
    table.to_csv(tmp_path / "drift.csv", index=False)
    own = {"data": str(tmp_path / "drift.csv"), "target": "cost"}
    told = " ".join(run(**own, time="day").summary.notes)
    assert "unlike those that calibrated them. conformal='adaptive' follows a change" in told
    assert "unlike those" not in " ".join(run(**own).summary.notes)


def test_rejects_a_feature_that_no_test_row_has(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"day": np.arange(N), "sensor": rng.normal(size=N),
                          "size": rng.normal(size=N), "cost": rng.normal(size=N)})
    table.loc[N // 2:, "sensor"] = np.nan
    table.to_csv(tmp_path / "gone.csv", index=False)
    with pytest.raises(ValueError, match=r"along must have numbers in the test part.*in all 60"):
        run(data=str(tmp_path / "gone.csv"), target="cost", time="day", along="sensor")


@pytest.fixture(scope="module", params=["coarse", "medium", "fine", "local fine"])
def read_back(request, tmp_path_factory):
    """A run of each resolution, as it is read back from the disk."""
    resolution = request.param.split()[-1]
    local = request.param.startswith("local")
    params = study.Params(**FAST | {"resolution": resolution, "local": local})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_RUNS", str(tmp_path_factory.mktemp("runs")))
        run = runs.save(study, params, study.run(params))
        return params, Result(run.summary, run.tables(), arrays=run.arrays())


def test_matches_weights_times_base_quantiles_to_the_fan(read_back):
    params, saved = read_back
    held, rows = saved.arrays, saved.tables["predictions"]
    n, k, q = held["Z_test"].shape
    if params.resolution == "fine":
        mixing = np.broadcast_to(held["mixing"], (n, k, q, q))
        made = np.einsum("njlo,njl->no", mixing, held["Z_test"])
        np.testing.assert_allclose(mixing.sum(axis=2), np.broadcast_to(
            held["weights"], (n, k, q)), atol=1e-6)
    else:
        made = (held["weights"] * held["Z_test"]).sum(axis=1)
    np.testing.assert_allclose(made, held["loose"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.sort(made, axis=1)[:, q // 2], rows["median"], rtol=0.05,
                               atol=2.0)          # but for calibration
    np.testing.assert_allclose(held["weights"].sum(axis=1), 1, atol=1e-6)


def test_matches_a_row_to_its_weights(read_back):
    params, saved = read_back
    row = saved.tables["predictions"].iloc[3]
    told = study.details(saved, Chosen({"row": row["row"]}))
    models = params.base_models
    held = saved.arrays
    weights = held["weights"][min(3, len(held["weights"]) - 1)]
    cells = told["trust"].dframe()
    for j, model in enumerate(models):
        np.testing.assert_allclose(cells.loc[cells["model"] == model, "weight"],
                                   len(models) * weights[j])
    table = told["Its base models and what they add up to, before order and calibration"]
    level = float(table.columns[1].split()[-1])
    at = int(np.abs(held["levels"] - level).argmin())
    total = table[f"quantile at {level:.3g}"].iloc[-1]
    assert total == held["loose"][3, at]
    if params.resolution != "fine":
        assert total == pytest.approx(weights[:, at] @ held["Z_test"][3, :, at])
    assert f"outcome, {row['y']:.4g}" in told["row"]
    assert ("mixing" in told) == (params.resolution == "fine")
    options = study.SELECT["level"].options(saved, {"row": row["row"]})
    assert bool(options) == ("mixing" in told)


def test_matches_intervals_of_a_row_between_levels(yacht):
    about = yacht.tables["about"].set_index("key")
    about.loc["alpha", "value"] = "0.5"
    asked = Result(yacht.summary, yacht.tables | {"about": about.reset_index()},
                   arrays=yacht.arrays)
    row, held = yacht.tables["predictions"]["row"].iloc[2], yacht.arrays
    assert not np.isclose(held["levels"], 0.25).any()
    drawn = study.details(asked, Chosen({"row": row}))["quantiles"]
    dots = pd.concat([one.dframe() for one in drawn.traverse(lambda one: one, ["Scatter"])])
    for name, quantiles in zip(FAST["base_models"], held["Z_test"][2], strict=True):
        right = int(np.searchsorted(held["levels"], 0.25))
        (left, low), (next_to, high) = ((held["levels"][at], quantiles[at])
                                        for at in (right - 1, right))
        expected = low + (high - low) * (0.25 - left) / (next_to - left)
        assert dots.loc[dots["name"] == name, "low"].item() == pytest.approx(expected, rel=1e-5)


def test_identity_a_remembered_run_keeps_another_promise(read_back, monkeypatch):
    params, saved = read_back
    other = study.Params(**params.values() | {"alpha": 0.35, "conformal": "asymmetric"})
    fresh = study.run(other)
    for stage in ("BASES", "AGGREGATES", "CALIBRATED", "KEPT", "SAVED"):
        monkeypatch.setattr(study, stage, Recent(4))
    assert not study.is_quick(other)
    study.remember(params, saved)
    assert study.is_quick(other)
    assert not study.is_quick(study.Params(**params.values() | {"conformal": "cv+"}))
    assert not study.is_quick(study.Params(**params.values() | {"penalty": 2.0}))
    monkeypatch.setattr(study, "base_predictions", None)
    again = study.run(other)
    assert dict(again.summary) == dict(fresh.summary)
    assert again.summary.notes == fresh.summary.notes
    for name, table in fresh.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])
    for name, array in fresh.arrays.items():
        np.testing.assert_array_equal(array, again.arrays[name])


def test_matches_a_group_to_its_rows(yacht):
    groups = yacht.tables["groups"].query("stage == 'calibrated'")
    rows = yacht.tables["predictions"]
    for name in groups["group"]:
        told = study.details(yacht, Chosen({"group": name}))
        own = rows[rows["group"] == name]
        inside = own["y"].between(own["low"], own["high"])
        number = told["numbers"]["coverage, calibrated"]
        assert number.value == pytest.approx(100 * inside.mean())
        assert number.ends[0] < number.value or number.value == 0
        wide = told["numbers"]["mean width"].value
        assert wide == pytest.approx((own["high"] - own["low"]).mean())
        missed = told.get("Outcomes farthest outside their interval")
        assert (0 if missed is None else len(missed)) == min(10, (~inside).sum())
        if missed is not None:
            assert missed["outside by"].is_monotonic_decreasing


def test_matches_the_fan_along_a_feature_of_the_test_rows(yacht):
    offered = study.VIEW.offers["fan_along"](yacht)
    shipped = load_regression("yacht")
    assert offered[1:] == list(shipped.features.columns)
    along = offered[-1]
    drawn = study.figures(yacht, study.VIEW(fan_along=along))["fan"]
    dots = pd.concat([one.dframe() for one in drawn.traverse(lambda one: one, ["Scatter"])
                      if "outcome" in one.label]).drop_duplicates("row")
    expected = shipped.features[along].loc[dots["row"]]
    np.testing.assert_allclose(dots["x"], expected)
    plain = study.figures(yacht)["fan"]
    ranks = study.figures(yacht, study.VIEW(fan_along=offered[0]))["fan"]
    for one, other in zip(plain, ranks, strict=True):
        pd.testing.assert_frame_equal(one.dframe(), other.dframe())


def test_rejects_what_an_older_run_cannot_tell(yacht):
    tables = {name: table for name, table in yacht.tables.items() if name != "features"}
    old = Result(yacht.summary, tables)
    assert study.VIEW.offers["fan_along"](old) == []
    row = tables["predictions"]["row"].iloc[0]
    assert "Run the study again" in study.details(old, Chosen({"row": row}))["missing"]

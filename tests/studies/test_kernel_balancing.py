"""The study on a simulated world, on ratings, and on a table of the user's own."""

import io

import numpy as np
import pandas as pd
import pytest

from workbench.core import ParameterError, Result
from workbench.datasets import selected_pairs, simulated_ratings
from workbench.inference import KernelBalancer
from workbench.studies import kernel_balancing as study

FIGURES = ["estimates", "balance", "weights", "settings", "ranking"]
FAST = {"worlds": 0, "replications": 0, "weight_decays": [], "n_functions": 15}


@pytest.fixture(scope="module")
def world():
    return study.run(study.Params(**study.SMOKE))


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "ratings {é}.csv"
    simulated_ratings(60, 50, rng=np.random.default_rng(0)).to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    frame = selected_pairs(900, rng=np.random.default_rng(0))
    frame = frame.assign(loss=frame["loss"].where(frame["observed"]),
                         site=np.where(frame["x2"] > 0, "north", "south"))
    path = tmp_path_factory.mktemp("own") / "table.csv"
    frame.drop(columns=["observed", "propensity"]).to_csv(path, index=False)
    return str(path)


def run(**values):
    return study.run(study.Params(**{**FAST, **values}))


def test_every_number_has_an_interval_or_a_reason(world):
    for name, number in world.summary.items():
        assert number.interval is not None or number.why, name
        assert np.isfinite(number.value), name
    notes = " ".join(world.summary.notes)
    for told in ("Intervals hold if balanced functions explain", "intervals miss by what bias",
                 "Under the assumptions", "unweighted recommender", "simulated"):
        assert told in notes, told


def test_recovers_most_of_the_bias_of_a_world(world):
    means = {told: next(number.value for name, number in world.summary.items()
                        if name.startswith("mean loss") and name.endswith(told))
             for told in ("balanced", "unweighted", "truth")}
    assert abs(means["balanced"] - means["truth"]) < abs(
        means["unweighted"] - means["truth"]) / 3


def test_matches_figures_drawn_from_saved_tables(world):
    kept = Result(world.summary, world.tables)
    assert list(study.figures(kept)) == FIGURES
    view = study.VIEW(weights_of="low x1")
    one, all_ = (study.figures(kept, each)["weights"] for each in (view, None))
    lengths = [sum(len(each) for each in figure.traverse(lambda each: each, ["Scatter"]))
               for figure in (one, all_)]
    assert lengths[0] != lengths[1]


@pytest.mark.parametrize("more", [
    {"selection": "random"}, {"selection": "worst", "kernel": "laplace"},
    {"estimator": "dr", "gamma": 0.2}, {"slack": 0.0, "n_functions": 5}])
def test_matches_every_option_to_figures(more):
    result = run(n=600, **more)
    assert list(study.figures(result)) == FIGURES
    own = f"{more.get('selection', 'adaptive')} kernels" + (
        ", robust" if more.get("estimator") == "dr" else "")
    told = result.summary["mean loss over all pairs, balanced"].value
    assert told == result.tables["estimates"].set_index("way").loc[own, "value"]


def test_matches_a_table_to_the_library(table):
    result = run(data=table, selection="random", outcome="loss", group="site")
    frame = pd.read_csv(table)
    X = np.column_stack([frame[[f"x{at}" for at in range(1, 7)]],
                         frame["site"] == "north", frame["site"] == "south"])
    seen = frame["loss"].notna().to_numpy()
    truth = selected_pairs(900, rng=np.random.default_rng(0))["loss"].mean()
    told = result.summary["mean loss over all rows, balanced"]
    assert abs(told.value - truth) < abs(frame["loss"].mean() - truth)
    fit = KernelBalancer(gamma="dimension", n_functions=15, random_state=0).fit(X, seen)
    assert result.tables["balance"].query("kind == 'balanced'")["after"].abs().max() <= 0.0101
    assert abs(told.value - fit.estimate(frame["loss"][seen]).value) < 0.3   # other centres
    assert set(result.tables["weights"]["group"]) == {"north", "south"}
    files = study.downloads(result, study.Params())
    again = pd.read_csv(io.BytesIO(files["weights.csv"]()))
    assert again["weight"].sum() == pytest.approx(1)
    assert list(study.figures(result)) == FIGURES


def test_matches_ratings_with_a_slice(ratings):
    result = run(data=ratings, weight_decays=[0.001, 0.01], trainings=1)
    truth = simulated_ratings(60, 50, rng=np.random.default_rng(0)).attrs["truth"]
    means = {name.rpartition(", ")[2]: number for name, number in result.summary.items()
             if name.startswith("mean rating")}
    table = result.tables["estimates"].set_index("way")
    by_rating = table.loc["naive-Bayes IPS"]
    assert abs(by_rating["value"] - truth) < 4 * by_rating["se"]
    assert abs(means["balanced"].value - truth) < abs(means["unweighted"].value - truth)
    slice_ = table.loc["held-back slice"]
    assert abs(slice_["value"] - truth) < 4 * slice_["se"]
    assert any("Half of the random slice" in note for note in result.summary.notes)
    assert set(result.tables["tuned"]["way"]) == {
        "unweighted", "inverse propensities", "balanced kernels", "doubly robust"}
    assert {"AUC, unweighted, tuned", "AUC, balanced kernels, tuned"} <= set(result.summary)
    assert list(study.figures(result)) == FIGURES


def test_matches_ratings_without_a_slice_to_a_warning(ratings, tmp_path):
    frame = pd.read_csv(ratings)
    frame[frame["random"] == 0].drop(columns="random").to_csv(tmp_path / "own.csv", index=False)
    result = run(data=str(tmp_path / "own.csv"), weight_decays=[0.01], trainings=1)
    notes = " ".join(result.summary.notes)
    assert "No ratings of pairs drawn at random are marked" in notes
    assert "says little about those that they did not" in notes
    assert "so that intervals come out too short" in notes
    assert "users only" not in notes                                # there are sixty
    few = frame[(frame["random"] == 0) & (frame["user"] < 18)]
    few.to_csv(tmp_path / "few.csv", index=False)
    told = " ".join(run(data=str(tmp_path / "few.csv"), weight_decays=[]).summary.notes)
    assert "The ratings come from 18 users only" in told
    assert "The mark of pairs drawn at random is read from column 'random'" in told
    assert "naive-Bayes IPS" not in set(result.tables["estimates"]["way"])


def test_identity_kept_stages_change_nothing():
    values = {**study.SMOKE, "seed": 9, "n": 500, "weight_decays": []}
    assert not study.is_quick(study.Params(**values))
    first = study.run(study.Params(**values))
    assert study.is_quick(study.Params(**values | {"selection": "worst", "estimator": "dr"}))
    assert not study.is_quick(study.Params(**values | {"n_functions": 11}))
    assert study.is_quick(study.Params(**FAST, seed=9))
    assert dict(study.run(study.Params(**values)).summary) == dict(first.summary)


def test_identity_no_functions_that_matter_is_the_plain_mean():
    result = run(n=500, slack=1.0, n_functions=3, selection="random")
    told = result.summary
    assert told["mean loss over all pairs, balanced"].value == pytest.approx(
        told["mean loss over all pairs, unweighted"].value)


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "semisyntetic"}, "Did you mean 'semisynthetic'"),
    ({"worlds": 1}, "worlds must be 0"),
    ({"weight_decays": [0.0]}, "weight_decays must be above 0"),
    ({"weight_decays": [0.1, 0.1]}, "weight_decays must differ"),
    ({"slack": -1}, "slack must be a number >= 0"), ({"kernel": "rbf"}, "kernel must be one of"),
    ({"n_functions": 0}, "n_functions must be a whole number >= 1")])
def test_rejects_before_reading(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


def test_rejects_tables_that_cannot_be_weighed(table, tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'loss'"):
        run(data=table, outcome="los")
    frame = pd.read_csv(table)
    far = frame.assign(gap=frame["loss"].notna() * 5.0)       # observed and not share no value
    far.to_csv(tmp_path / "far.csv", index=False)
    with pytest.raises(ValueError, match="Raise slack well above"):
        run(data=str(tmp_path / "far.csv"), outcome="loss", n_functions=200, gamma=0.5)


def test_matches_slack_to_what_can_be_reached():
    """Where few are observed, slack rises to what some weights reach, and a note tells it."""
    result = run(n=500, n_functions=120, slack=0.0, selection="random")
    (told,) = (note for note in result.summary.notes if "slack was raised" in note)
    reached = float(told.split(" to ")[1].split(",")[0])
    after = result.tables["balance"].query("kind == 'balanced'")["after"].abs().max()
    assert 0 < after <= reached * 1.01
    assert list(study.figures(result)) == FIGURES


def test_matches_notes_of_a_file(table):
    assert study.read_notes(study.Params(data=table))


@pytest.mark.slow
def test_matches_the_default_run_of_the_notebook():
    result = study.run(study.Params())
    worlds = result.tables["worlds"].set_index("way")
    assert worlds.loc["adaptive kernels", "bias"] < worlds.loc["random kernels", "bias"]
    assert worlds.loc["naive", "bias"] > 0.9
    promise = result.tables["promise"].set_index("slack")
    assert promise.loc[0.0, "coverage"] > 0.95 - 4 * (0.05 * 0.95 / 100) ** 0.5

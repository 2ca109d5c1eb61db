"""The study on shipped data and on files it was not made for."""

import numpy as np
import pandas as pd
import pytest

from workbench import runs
from workbench.core import ParameterError, Result
from workbench.core.details import Chosen
from workbench.core.recent import Recent
from workbench.datasets import load_scores, opinion_scores
from workbench.studies import opinion_trends as study

FAST = {"trend": "line", "draws": 150}


@pytest.fixture(scope="module")
def approval():
    return study.run(study.Params(**FAST))


@pytest.fixture
def own_file(tmp_path):
    table = opinion_scores(60, slope=-0.3, outliers=4, sources=2, rng=np.random.default_rng(5))
    path = tmp_path / "my {own} scores é.csv"
    table.rename(columns={"date": "published", "score": "unity"}).to_csv(path, index=False)
    return path


def test_every_number_has_an_interval_or_a_reason(approval):
    for name, number in approval.summary.items():
        assert number.interval is not None or number.why, name
        assert np.isfinite(number.value), name


def test_matches_the_shipped_table(approval):
    shipped = load_scores("us-presidents-approval").table
    shown = approval.tables["scores"]
    np.testing.assert_array_equal(shown["score"], shipped["score"])
    assert shown["weight"].mean() == pytest.approx(1)
    assert any("straight line" in note or "smooth" in note for note in approval.summary.notes)
    assert approval.summary.notes[0].endswith("not political analysis.")


def test_identity_normal_likelihood_equals_the_uniform_baseline():
    result = study.run(study.Params(**FAST, likelihood="normal"))
    ours, uniform = list(result.summary.values())[:2]
    assert ours == uniform
    np.testing.assert_allclose(result.tables["scores"]["weight"], 1.0)


def test_the_exact_path_shows_no_prior_that_it_did_not_use():
    result = study.run(study.Params(**FAST, likelihood="normal", sampler="exact"))
    labels = [element.label for element in study.figures(result)["slope"]]
    assert "posterior" in labels
    assert "prior" not in labels
    assert "models" not in result.tables


def test_recovers_a_planted_slope_from_the_users_file(own_file):
    result = study.run(study.Params(data=str(own_file), date="published", score="unity",
                                    source="source", scale=[0, 10], **FAST))
    slope = result.summary["average slope"]
    sd = result.tables["slope"]["posterior"].std()
    assert abs(slope.value - -0.3) < 4 * sd
    assert result.summary["probability that the average slope is negative"].value > 95


def test_figures_can_be_drawn_from_saved_tables(approval):
    figures = study.figures(Result(approval.summary, approval.tables))
    assert list(figures) == ["trend", "weights", "slope", "models"]


def test_models_are_ranked_and_stacked(approval):
    models = approval.tables["models"]
    assert set(models["model"]) == {"line, student", "line, normal", "smooth, student",
                                    "smooth, normal"}
    assert models["elpd"].is_monotonic_decreasing
    assert models["weight"].sum() == pytest.approx(1, abs=1e-6)
    assert models["model"].iloc[0].startswith("smooth")        # the series bends


def test_inference_data_holds_posterior_and_scores(approval):
    posterior = approval.inference["posterior"]
    assert posterior.posterior["average_slope"].shape == (4, 150)
    assert posterior.observed_data["score"].shape == (114,)


@pytest.mark.slow
def test_runs_on_texts_scored_by_the_lexicon():
    result = study.run(study.Params(data="fomc-statements", **FAST))
    assert len(result.tables["scores"]) == 155
    assert "text" in result.tables["scores"]


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "us-president-approval"}, "us-presidents-approval"),
    ({"sampler": "exact"}, "sampler='exact' must come with"),
    ({"scale": [0, 50]}, "scores"),
    ({"question": "trust"}, "question"),
])
def test_rejects_before_sampling(values, words):
    with pytest.raises(ValueError, match=words):
        study.run(study.Params(**{**FAST, **values}))


def test_rejects_levels_out_of_bounds():
    with pytest.raises(ParameterError, match=r"level must be a number >= 0\.5 and <= 0\.99"):
        study.Params(level=1.0)


def test_rejects_a_file_without_the_column(own_file):
    with pytest.raises(ValueError, match="unity"):
        study.run(study.Params(data=str(own_file), date="published", score="unit", **FAST))


def test_runs_on_five_rows(tmp_path):
    path = tmp_path / "five.csv"
    days = pd.date_range("2024-01-01", periods=5)
    pd.DataFrame({"date": days, "score": [5, 4, 4, 3, 3]}).to_csv(path, index=False)
    result = study.run(study.Params(data=str(path), scale=[0, 10], **FAST))
    low, high = result.summary["average slope"].ends
    assert low < high


@pytest.fixture(scope="module")
def sourced(tmp_path_factory):
    """A smooth trend over three sources, as it is read back from its run."""
    table = opinion_scores(90, slope=-0.3, outliers=4, sources=3, rng=np.random.default_rng(5))
    path = tmp_path_factory.mktemp("sourced") / "scores.csv"
    table.assign(text=[f"text {i} " * 40 for i in range(len(table))]).to_csv(path, index=False)
    params = study.Params(data=str(path), source="source", scale=[0, 10], draws=100,
                          trend="smooth", changepoints=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_RUNS", str(path.parent / "runs"))
        result = study.run(params)
        run = runs.save(study, params, result)
        return result, Result(run.summary, run.tables(), run.inference())


def rebuilt(saved):
    """The trend of each draw by hand: level, slope, kink and sines, from the saved posterior."""
    days = saved.tables["scores"]["date"]
    draws = saved.inference["posterior"].posterior
    length = (days.max() - days.min()) / pd.Timedelta(days=30)
    horizon = saved.tables["trend"]["date"].max() - days.max()
    reach = length + horizon / pd.Timedelta(days=30)
    half, knot = 0.75 * reach, length / 2

    def trend(date):
        t = (date - days.min()) / pd.Timedelta(days=30)
        sines = np.sin(np.pi * np.arange(1, 31) / (2 * half) * (t - reach / 2 + half))
        return (draws["level"] + draws["slope"] * t
                + draws["slope_change"][..., 0] * max(t - knot, 0)
                + (draws["bend"] * (sines / np.sqrt(half))).sum("basis")).to_numpy().ravel()

    return trend


def test_matches_the_slope_of_a_window_to_the_draws(sourced):
    _, saved = sourced
    days, trend = saved.tables["scores"]["date"], rebuilt(saved)
    start, end = days.iloc[20].normalize(), days.iloc[70].normalize()
    told = study.details(saved, Chosen({"window": (start, end)}))
    slope = (trend(end) - trend(start)) / ((end - start) / pd.Timedelta(days=30))
    numbers = told["numbers of the window"]
    assert numbers["average slope"].value == pytest.approx(slope.mean())
    assert numbers["average slope"].ends == pytest.approx(np.quantile(slope, [0.05, 0.95]))
    falls = 100 * ((slope < 0).sum() + 0.5) / (len(slope) + 1)
    assert numbers["probability that the trend falls"].value == pytest.approx(falls)
    inside = days.dt.normalize().between(start, end)
    assert numbers["scores"].value == inside.sum()
    assert told["window"] == f"From {start.date()} to {end.date()}, both days included:"
    late = study.details(saved, Chosen({"window": (start, end + pd.Timedelta(hours=5))}))
    assert late["window"] == f"From {start.date()} to {end.date()} 05:00:"
    assert "below zero" in str(told["slope"].opts.get("plot").kwargs["title"])
    least = told["Scores of the window that count least"]["weight [times uniform]"]
    assert least.tolist() == sorted(saved.tables["scores"]["weight"][inside])[:5]


def test_matches_the_share_of_a_window_to_the_draws(sourced):
    _, saved = sourced
    scores, trend = saved.tables["scores"], rebuilt(saved)
    start, end = scores["date"].iloc[[20, 70]].dt.normalize()
    inside = scores[scores["date"].dt.normalize().between(start, end)]
    draws = saved.inference["posterior"].posterior
    far = np.array([row.score - trend(row.date) - draws["source_effect"].sel(
        source=row.source).to_numpy().ravel() for row in inside.itertuples()])
    counts = 5 / (4 + (far / draws["sigma"].to_numpy().ravel()) ** 2)     # Student's t, nu = 4
    sizes = counts.sum(axis=0) ** 2 / (counts ** 2).sum(axis=0)
    told = study.details(saved, Chosen({"window": (start, end)}))["numbers of the window"]
    share = told["effective share of these scores"]
    assert share.value == pytest.approx(100 * sizes.mean() / len(inside), rel=0.01)
    assert share.ends[0] < share.value < share.ends[1] < 100


def test_identity_the_whole_window_has_the_slope_of_the_headline(sourced):
    fresh, saved = sourced
    days = saved.tables["scores"]["date"]
    for result in (fresh, saved):
        told = study.details(result, Chosen({"window": (days.min(), days.max())}))
        numbers, headline = told["numbers of the window"], result.summary
        for own, other in (("average slope", "average slope"),
                           ("change of the trend", "change from the first to the last score"),
                           ("average slope if every score counts the same",) * 2,
                           ("effective share of these scores", "effective share of the scores")):
            assert numbers[own].value == pytest.approx(headline[other].value), own
            assert numbers[own].ends == pytest.approx(headline[other].ends), own


def test_matches_a_score_to_its_row(sourced):
    fresh, saved = sourced
    scores = saved.tables["scores"]
    at = int(scores["weight"].idxmin())
    marks = [one for one in study.figures(saved)["trend"].traverse(lambda one: one, ["Scatter"])
             if "1/3" in one.label]
    name = marks[0].dimension_values("name")[marks[0].dimension_values("score")
                                             == scores["score"][at]][0]
    told = study.details(saved, Chosen({"score": name}))
    numbers, row = told["numbers of the score"], scores.loc[at]
    posterior = fresh.inference["posterior"].posterior
    assert row["source"] in posterior["source"].to_numpy()
    trend = numbers["trend on that day"].value
    assert numbers["score above the trend"].value == pytest.approx(row["score"] - trend)
    assert numbers["weight"].value == row["weight"]
    assert numbers["weight"].ends[0] < row["weight"] < numbers["weight"].ends[1]
    assert "outside" in told["score"]
    assert told["text"].startswith("It was read from: text ")


def test_matches_levels_of_sources_to_the_draws(sourced):
    _, saved = sourced
    effects = saved.inference["posterior"].posterior["source_effect"]
    above = (effects - effects.mean("source")).mean(("chain", "draw"))
    table = saved.tables["sources"]
    np.testing.assert_allclose(table["offset"], above)
    assert dict(zip(table["source"], table["scores"], strict=True)) == dict(
        saved.tables["scores"]["source"].value_counts())
    assert table["offset"].sum() == pytest.approx(0, abs=1e-12)


def test_matches_the_view_of_the_trend(sourced):
    _, saved = sourced
    offers = {name: offer(saved) for name, offer in study.VIEW.offers.items()}
    assert offers["hide"] == ["source 1", "source 2", "source 3"]
    assert set(offers["beside"]) == {"line, student", "line, normal", "smooth, normal"}
    drawn = study.figures(saved, study.VIEW(hide=["source 1"], beside="line, normal",
                                            uniform_band=True))["trend"]
    seen = {one.label: one for one in drawn}
    assert {"uniform weights, band", "line, normal, band", "line, normal"} <= set(seen)
    sources = np.concatenate([one.dimension_values("source") for one in drawn.traverse(
        lambda one: one, ["Scatter"])])
    assert set(sources) == {"source 2", "source 3"}
    rival = saved.tables["rivals"].query("model == 'line, normal'")
    np.testing.assert_allclose(seen["line, normal"].dimension_values("score"), rival["mean"])
    nothing = study.figures(saved, study.VIEW(hide=offers["hide"]))["trend"]
    assert not nothing.traverse(lambda one: one, ["Scatter"])


def test_identity_fitted_models_are_compared_without_a_fit(monkeypatch):
    params = study.Params(**FAST)
    study.run(params)
    normal = study.Params(**FAST, likelihood="normal", level=0.8)
    assert study.is_quick(normal)
    assert not study.is_quick(study.Params(**FAST, seed=99))
    kept = study.run(normal)
    monkeypatch.setattr(study, "FITS", Recent(12))
    monkeypatch.setattr(study, "RANKS", Recent(4))
    fresh = study.run(normal)
    assert dict(kept.summary) == dict(fresh.summary)
    for name, table in fresh.tables.items():
        pd.testing.assert_frame_equal(table, kept.tables[name])


def test_rejects_what_an_older_run_cannot_tell(approval):
    old = Result(approval.summary, {name: approval.tables[name] for name in (
        "trend", "uniform", "scores", "slope", "models")})
    ends = approval.tables["scores"]["date"].iloc[[3, 50]]
    assert list(study.figures(old)) == ["trend", "weights", "slope", "models"]
    assert "Run the study again" in study.details(old, Chosen({"window": tuple(ends)}))["missing"]

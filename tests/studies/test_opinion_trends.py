"""The study on shipped data and on files it was not made for."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import ParameterError
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
    from workbench.core import Result

    figures = study.figures(Result(approval.summary, approval.tables))
    assert list(figures) == ["trend", "weights", "slope"]


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

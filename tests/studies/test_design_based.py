"""The study on shipped labels and on a file of the user's own."""

import io

import numpy as np
import pandas as pd
import pytest

from workbench.core import ParameterError, Result
from workbench.datasets import surrogate_labels
from workbench.inference import DSLRegression
from workbench.studies import design_based as study

FAST = {"g": "surrogate", "n_splits": 1, "accuracies": [], "label_budget": 100}


@pytest.fixture(scope="module")
def survey():
    return study.run(study.Params(**study.SMOKE))


@pytest.fixture(scope="module")
def own_file(tmp_path_factory):
    rng = np.random.default_rng(0)
    world = surrogate_labels(800, 300, accuracy=0.8, rng=rng)
    world = world.assign(author=np.arange(800) // 4, site=rng.choice(["a", "b"], 800), pi=0.375)
    world.loc[5, "x2"] = np.nan
    path = tmp_path_factory.mktemp("own") / "my {own} texts é.csv"
    world.drop(columns="truth").to_csv(path, index=False)
    return {"data": str(path), "formula": "y ~ x1 + x2 + C(site)", "predicted": ["y"],
            "surrogate": ["y_llm"], "features": ["x3"]}


def run(**values):
    return study.run(study.Params(**{**FAST, **values}))


def test_every_number_has_an_interval_or_a_reason(survey):
    for name, number in survey.summary.items():
        assert number.interval is not None or number.why, name
        assert np.isfinite(number.value), name
    assert "drawn at random" in survey.summary.notes[0]
    assert any("other, simulated worlds" in note for note in survey.summary.notes)


def test_matches_published_numbers():
    summary = run().summary
    assert summary["countyWrong, design-based"].value == pytest.approx(-0.2432, abs=5e-5)
    assert summary["countyWrong, from surrogate labels only"].value == pytest.approx(
        -1.336, abs=5e-4)
    assert summary["countyWrong, from gold labels only"].value == pytest.approx(-0.269, abs=5e-4)
    assert summary["effective share of the labels"].value == pytest.approx(100)


def test_matches_figures_drawn_from_saved_tables(survey):
    figures = study.figures(Result(survey.summary, survey.tables))
    assert list(figures) == ["estimates", "errors", "labels", "splits", "accuracy"]
    view = study.VIEW(coefficient="prefecWrong")
    other = study.figures(Result(survey.summary, survey.tables), view)["labels"]
    assert "planned" not in {one.label for one in other}
    assert list(study.figures(run())) == list(figures)


@pytest.mark.parametrize("sampling", ["uniform", "by_surrogate"])
def test_matches_the_plan_to_its_budget(sampling):
    result = run(sampling=sampling, label_budget=200)
    plan = result.tables["plan"]
    assert plan["next"].sum() == pytest.approx(200, abs=1e-6)
    assert not (plan["drawn"] & plan["labelled"]).any()
    files = study.downloads(result, study.Params())
    again = pd.read_csv(io.BytesIO(files["to_label_next.csv"]()))
    assert again["row"].tolist() == plan.loc[plan["drawn"], "row"].tolist()
    now = 0.2373
    assert 0.6 * now < result.summary["standard error after some 200 more labels"].value < now
    if sampling == "uniform":
        assert plan.loc[~plan["labelled"], "next"].nunique() == 1


def test_matches_an_own_file_to_the_library(own_file):
    result = run(**own_file, model="logit", cluster="author", sample_prob="pi", term="x1",
                 g="linear", n_splits=3, sampling="column", label_budget=100)
    table = pd.read_csv(own_file["data"]).dropna(subset=["x2"])
    table["author"] = table["author"].astype(str)
    fit = DSLRegression("logit", ["y"], ["y_llm"], "linear", ["x3"], n_splits=3, sample_prob="pi",
                        cluster="author").fit(own_file["formula"], table)
    told = result.summary["x1, design-based"]
    assert told.value == pytest.approx(fit.params["x1"])
    np.testing.assert_allclose(told.ends, fit.conf_int().loc["x1"])
    assert any("1 row of 800 without all named columns was left out" in note
               for note in result.summary.notes)
    assert result.tables["plan"]["next"].sum() == pytest.approx(100)


@pytest.mark.parametrize("more", [
    {"model": "mean", "formula": "y ~ site"}, {"model": "ols"},
    {"model": "fe", "formula": "y ~ x1 + x2", "fixed_effects": ["site"]},
    {"model": "logit", "label_budget": 5000}, {"model": "logit", "label_budget": 1}])
def test_matches_every_model_to_figures(own_file, more):
    result = run(**{**own_file, **more})
    assert len(study.figures(result)) == 5
    notes = " ".join(result.summary.notes)
    assert ("so that the plan takes all of them" in notes) == (more.get("label_budget") == 5000)
    assert ("So small a budget" in notes) == (more.get("label_budget") == 1)


def test_identity_a_kept_fit_changes_nothing(own_file):
    values = {**FAST, **own_file, "model": "logit", "seed": 3}
    assert not study.is_quick(study.Params(**values))
    first = run(**values)
    assert study.is_quick(study.Params(**values | {"label_budget": 50, "alpha": 0.1}))
    assert not study.is_quick(study.Params(**{**values, "g": "linear"}))
    again = run(**values)
    assert dict(first.summary) == dict(again.summary)


def test_matches_warnings_to_notes(own_file, tmp_path):
    few = pd.read_csv(own_file["data"])
    few.loc[few.index[few["y"].notna()][40:], "y"] = np.nan
    few.to_csv(tmp_path / "few.csv", index=False)
    notes = run(**{**own_file, "data": str(tmp_path / "few.csv")}, model="logit").summary.notes
    assert any("rows are labelled; normal intervals need at least 50" in note for note in notes)
    assert study.read_notes(study.Params(**FAST, **own_file))
    (early,) = study.read_notes(study.Params(data=own_file["data"]))
    assert "predicted must name columns of the data, got 'countyWrong'" in early
    assert early.endswith("Set formula, predicted and surrogate to columns of this table before "
                          "the run.")


@pytest.mark.slow
def test_matches_the_default_run_of_the_notebook():
    result = study.run(study.Params())
    told = result.summary["countyWrong, design-based"]
    assert told.interval.low < -0.2432 < told.interval.high
    worlds = result.tables["accuracy"].query("term == 'x1'").groupby("method")["coverage"].min()
    assert worlds["DSL"] > 0.95 - 4 * (0.05 * 0.95 / 40) ** 0.5
    assert worlds["surrogate only"] < 0.5


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "panchan"}, "Did you mean 'panchen'"),
    ({"formula": "SendOrNot ~ open('x')"}, "formula must consist of columns"),
    ({"formula": "SendOrNot"}, "formula must read like"),
    ({"formula": "SendOrNot ~ countyWrong +"}, r"[^.]\. Name one outcome, a tilde"),
    ({"predicted": ["countywrong"]}, "predicted must name variables .* mean 'countyWrong'"),
    ({"surrogate": ["a", "b"]}, "surrogate must name one column for each of predicted"),
    ({"model": "fe"}, "fixed_effects must be given for model='fe'"),
    ({"sampling": "column"}, "sample_prob must name a column where sampling='column'"),
    ({"accuracies": [0.3]}, "accuracies must lie between 0.55 and 1"),
    ({"alpha": 0.0}, r"alpha must be a number >= 0.001"),
])
def test_rejects_before_reading(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


def test_identity_a_table_labelled_whole_needs_no_more_labels(own_file, tmp_path):
    table = pd.read_csv(own_file["data"])
    table["y"] = table["y_llm"]
    table.to_csv(tmp_path / "whole.csv", index=False)
    notes = run(**{**own_file, "data": str(tmp_path / "whole.csv")}, model="logit").summary.notes
    assert "Every row has its label, so that there is nothing to plan." in notes
    assert not any("less certain than gold labels alone" in note for note in notes)


def test_matches_the_main_coefficient_to_the_predicted_column(tmp_path):
    """One whose name holds that of another is not the other."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(0, 2, (300, 4)), columns=["out", "bad", "b", "b_llm"])
    table["b"] = table["b"].where(rng.random(300) < 0.6)
    table.to_csv(tmp_path / "own.csv", index=False)
    result = run(data=str(tmp_path / "own.csv"), formula="out ~ bad + b", predicted=["b"],
                 surrogate=["b_llm"], label_budget=50)
    assert result.tables["about"].set_index("key").loc["term", "value"] == "b"


def test_rejects_columns_and_terms_that_are_not_there(own_file):
    with pytest.raises(ValueError, match="features must name columns of the data, got 'x4'"):
        run(**{**own_file, "features": ["x4"]})
    with pytest.raises(ValueError, match="term must be one of"):
        run(**own_file, model="logit", term="x9")

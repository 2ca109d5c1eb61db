"""The study on shipped tables and on files of the user's own, of all three kinds."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import ParameterError, Result
from workbench.inference.model_comparison import SIMULATED, mcnemar, mcnemar_table
from workbench.studies import model_comparison as study

FAST = {"n_splits": 10, "k": 3, "replications": 20, "tune": False, "others": [], "looks": 3}
FIGURES = ["errors", "estimates", "scores", "tests", "learning"]


def run(**values):
    return study.run(study.Params(**{**FAST, **values}))


@pytest.fixture(scope="module")
def iris():
    return study.run(study.Params(**study.SMOKE))


def write(path, table):
    table.to_csv(path, index=False)
    return str(path)


def predictions(n=120):
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=n)
    return pd.DataFrame({"truth": truth, **{
        name: np.where(rng.random(n) < share, truth, (truth + 1) % 3)
        for name, share in (("new", 0.9), ("old", 0.75), ("naive", 0.5))}})


def test_every_number_has_an_interval_or_a_reason(iris):
    for name, number in iris.summary.items():
        assert number.interval is not None or number.why, name
        assert np.isfinite(number.value), name
    assert list(iris.summary)[4] == "accuracy without features"
    share = iris.summary["effective share of a bootstrap resample"].value
    assert share == pytest.approx(50, abs=3)
    assert iris.summary.notes[0].startswith("Recommended for 150 rows, comparison: the 5x2cv F")


def test_matches_figures_drawn_from_saved_tables(iris):
    assert list(study.figures(Result(iris.summary, iris.tables))) == FIGURES
    kinds = iris.tables["tests"].set_index("test")["kind"]
    assert kinds["resampled_t"] == "bad"
    assert kinds["5x2f"] == kinds["mcnemar"] == "holds"


def test_matches_estimates_to_their_methods(iris):
    table = iris.tables["estimates"].set_index(["method", "model"])
    assert table.loc[("resubstitution", "linear"), "why"] != ""
    held = table.drop(index="resubstitution", level=0)
    assert (held["low"] <= held["value"]).all()
    assert (held["value"] <= held["high"]).all()
    flatter = table.loc[("bootstrap .632", "linear"), "value"]
    assert flatter >= table.loc[("bootstrap oob", "linear"), "value"]


def test_matches_an_own_table_of_predictions(tmp_path):
    table = predictions()
    result = run(data=write(tmp_path / "said é.csv", table), model_a="new", model_b="old",
                 others=["naive"], test="mcnemar")
    right = mcnemar(mcnemar_table(table["truth"], table["new"], table["old"]))
    assert result.summary["p value, McNemar"].value == pytest.approx(right.pvalue)
    assert result.summary["accuracy of new"].value == pytest.approx(
        (table["new"] == table["truth"]).mean())
    assert result.tables["disagreement"]["rows"].sum() == 120
    assert len(result.tables["pairs"]) == 3
    assert list(study.figures(result)) == FIGURES


def test_matches_an_own_table_of_scores(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"set": [f"s{at}" for at in range(12)], "one": rng.uniform(0.8, 0.9, 12),
                          "two": rng.uniform(0.6, 0.7, 12)})
    path = write(tmp_path / "scores.csv", table)
    result = run(data=path)
    assert any("one and two; pass model_a=" in note for note in result.summary.notes)
    assert any("stands in for it" in note for note in result.summary.notes)
    assert result.summary["probability that one is better"].value > 0.99
    splits = run(data=write(tmp_path / "folds.csv", table.assign(fold=range(12))), model_a="one",
                 model_b="two", test="corrected")
    assert "corrected" in set(splits.tables["tests"]["test"])
    assert list(study.figures(splits)) == FIGURES


def test_matches_levels_to_the_intervals_they_stand_beside(tmp_path):
    """Estimates are told with 95 % whatever the level of the tests; differences with 1 - alpha."""
    path, folds = tmp_path / "said.csv", tmp_path / "folds.csv"
    rng = np.random.default_rng(1)
    tables = {path: predictions(), folds: pd.DataFrame({
        "fold": range(10), "new": rng.uniform(0.8, 0.9, 10), "old": rng.uniform(0.7, 0.8, 10)})}
    for name, table in tables.items():
        strict, loose = (run(data=write(name, table), model_a="new", model_b="old", alpha=alpha,
                             test="mcnemar" if name == path else "corrected").summary
                         for alpha in (0.05, 0.2))
        score = next(iter(strict))
        assert loose[score].interval == strict[score].interval
        assert loose[score].interval.level == 0.95
        difference = loose["new minus old"].interval
        assert difference.level == 0.8
        assert difference.low > strict["new minus old"].interval.low


def test_matches_foreign_models_to_no_order_of_complexity(tmp_path):
    """Nobody knows which of two columns is simpler; of fitted models it is known."""
    table = pd.DataFrame({"fold": range(6), "big": [0.9, 0.8, 0.85, 0.9, 0.8, 0.84],
                          "small": [0.9, 0.79, 0.85, 0.9, 0.8, 0.85], "bad": 0.5})
    notes = run(data=write(tmp_path / "folds.csv", table), model_a="big", model_b="small",
                others=["bad"]).summary.notes
    near = [note for note in notes if "one standard error" in note]
    assert near == ["Within one standard error of the best mean score: big, small. The simplest "
                    "of them is the one to prefer."]


def test_matches_predictions_beside_names_of_rows(tmp_path):
    table = predictions().assign(file=[f"image {at}.png" for at in range(120)])
    result = run(data=write(tmp_path / "said.csv", table[["file", "truth", "new", "old"]]))
    assert "accuracy of new" in result.summary
    assert any("read as predictions" in note for note in result.summary.notes)
    kind = run(data=str(tmp_path / "said.csv"), kind="predictions")
    assert list(kind.summary)[:2] == ["accuracy of new", "accuracy of old"]


def test_matches_labels_that_are_numbers_however_they_are_spelled(tmp_path):
    """A column with a gap once is written 1.0 beside a truth of 1."""
    table = predictions()
    spelled = table.assign(old=table["old"].astype(float))
    plain, other = (run(data=write(tmp_path / name, each), model_a="new", model_b="old")
                    for name, each in (("a.csv", table), ("b.csv", spelled)))
    assert other.summary["accuracy of old"] == plain.summary["accuracy of old"]
    assert other.summary["accuracy of old"].value > 0.6


def test_rejects_predictions_that_are_no_labels(tmp_path):
    table = predictions().assign(new=np.linspace(0.1, 0.9, 120))
    path = write(tmp_path / "said.csv", table)
    with pytest.raises(ValueError, match=r"column 'new' must hold labels of the truth 'truth'"):
        run(data=path, model_a="new", model_b="old")
    with pytest.raises(ValueError, match=r"models must name at least two columns of pred.* got "
                                         r"'old'\. Columns: .*naive"):
        run(data=path, model_a="old", kind="predictions")
    scores = write(tmp_path / "scores.csv", pd.DataFrame({"one": [0.8, 0.9], "two": [0.7, 0.8]}))
    with pytest.raises(ValueError, match=r"at least two columns of scores, got 'one'"):
        run(data=scores, model_a="one")


def test_matches_the_score_without_features_to_what_rows_can_tell():
    """Stratified folds all have one accuracy; the interval is that of the rows, not of folds."""
    result = run(data="iris", model_b="naive_bayes", n_splits=5, k=5)
    told = result.summary["accuracy without features"]
    assert told.value == pytest.approx(1 / 3)
    assert told.interval.low == pytest.approx(0.263, abs=0.002)
    flat = run(data="iris", model_b="naive_bayes", n_splits=5, k=5,
               metric="balanced_accuracy")
    assert "stratified" in flat.summary["balanced accuracy without features"].why


def test_rejects_training_parts_of_one_class(tmp_path):
    table = pd.DataFrame({"x": np.arange(33.0) % 7, "label": ["a"] * 30 + ["b"] * 3})
    with pytest.raises(ValueError, match="splits must train on at least two classes, but one has"):
        run(data=write(tmp_path / "rare.csv", table), test_frac=0.9)


def test_matches_an_own_table_with_gaps_text_and_categories(tmp_path):
    rng = np.random.default_rng(0)
    label = rng.choice(["no", "yes"], 60)
    table = pd.DataFrame({"x": np.where(label == "yes", 1.0, 0.0) + rng.normal(size=60),
                          "colour": rng.choice(["red", "blue"], 60), "price": [f"{at},5" for at in
                                                                              range(60)],
                          "label": label})
    table.loc[[3, 9], "x"] = np.nan
    table.loc[5, "label"] = ""
    result = run(data=write(tmp_path / "odd.csv", table), model_b="nearest")
    notes = " ".join(result.summary.notes)
    assert "2 missing cells of features" in notes
    assert "1 row without a target was left out" in notes
    assert result.summary["accuracy of linear"].value > 0.4


def test_matches_a_target_of_numbers():
    result = run(data="yacht", metric="neg_mean_absolute_error")
    tests = set(result.tables["tests"]["test"])
    assert "5x2f" in tests
    assert "mcnemar" not in tests
    assert (result.tables["disagreement"]["rows"].sum()) == 3
    other = run(data="yacht", metric="r2")
    assert other.tables["replicates"].empty
    assert list(study.figures(other)) == FIGURES


def test_identity_kept_fits_change_nothing_and_answer_at_once():
    values = {**FAST, "data": "iris", "seed": 11, "model_b": "naive_bayes", "others": ["nearest"]}
    params = study.Params(**values)
    assert not study.is_quick(params)
    first = study.run(params)
    assert study.is_quick(study.Params(**values | {"alpha": 0.05, "purpose": "selection"}))
    assert study.is_quick(study.Params(**values | {"model_b": "nearest", "others": []}))
    assert study.is_quick(study.Params(**values | {"n": 200}))
    assert not study.is_quick(study.Params(**values | {"model_b": "forest"}))
    assert dict(study.run(params).summary) == dict(first.summary)


def test_matches_published_posterior_of_the_shipped_folds():
    told = run(data="anneal_folds", model_a="nbc", model_b="aode", test="corrected", k=10,
               rope=1.0)
    assert told.summary["probability that they are practically equal"].value == pytest.approx(
        0.0457, abs=1e-4)


@pytest.mark.slow
def test_matches_the_default_run_of_the_notebook():
    result = study.run(study.Params())
    rates = result.tables["rates"].set_index(["world", "test"])["rate"]
    assert rates["models are equal", "resampled_t"] > 0.4
    assert set(result.tables["rates"]["test"]) == set(SIMULATED)
    assert rates["models are equal", "5x2f"] < 0.05 + 4 * (0.05 * 0.95 / 200) ** 0.5
    assert set(result.tables["estimates"]["method"]) >= {"nested, tuned", "three-way, tuned"}


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "winee"}, "Did you mean 'wine'"),
    ({"model_a": "tree"}, "models must differ, got 'tree' twice"),
    ({"model_b": "treee"}, "must be of .* Did you mean 'tree'"),
    ({"data": "yacht", "metric": "r2", "others": ["naive_bayes"]}, "must predict numbers"),
    ({"alpha": 0.0}, "alpha must be a number >= 0.001"),
    ({"test": "5x2"}, "test must be one of")])
def test_rejects_before_reading(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


def test_rejects_what_the_table_does_not_hold(tmp_path):
    path = write(tmp_path / "said.csv", predictions())
    with pytest.raises(ValueError, match=r"model 2 must name a column .* Did you mean 'old'"):
        run(data=path, kind="predictions", model_a="new", model_b="odl")
    with pytest.raises(ValueError, match=r"model 1 must name a column .* Models to fit: constant"):
        run(data=path, model_a="linaer")
    with pytest.raises(ValueError, match="target must be a column of classes"):
        run(data="yacht")
    with pytest.raises(ValueError, match="k must lie between 2 and"):
        run(data=write(tmp_path / "few.csv", pd.DataFrame({
            "x": np.arange(24.0) % 7, "label": list("ab") * 12})), k=30)

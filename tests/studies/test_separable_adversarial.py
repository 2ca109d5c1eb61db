"""The study of rare classes under attack: digits, own tables and images, views, refusals."""

import math

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from workbench.core import ParameterError, Result, generator
from workbench.studies import separable_adversarial as study

SMALL = {**study.SMOKE, "epochs": 1}


def run(**values):
    return study.run(study.Params(**values))


@pytest.fixture(scope="module")
def smoke():
    return run(**study.SMOKE)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    rng = generator(1)
    kind = np.repeat(["often", "seldom", "hardly"], [120, 60, 20])
    table = pd.DataFrame({"a": rng.normal(size=200) + (kind == "seldom"),
                          "b": 50 * rng.normal(size=200) - 90 * (kind == "hardly"),
                          "colour": rng.choice(["red", "green"], 200), "kind": kind})
    table.loc[4, "a"] = np.nan
    path = tmp_path_factory.mktemp("own") / "my {own} table é.csv"
    table.sample(frac=1, random_state=0).to_csv(path, index=False)
    return str(path)


def test_matches_numbers_with_intervals_and_figures(smoke):
    assert len(smoke.summary) == 6
    for name, number in smoke.summary.items():
        assert number.interval is not None, name
        assert math.isfinite(number.value), name
        assert number.unit == "percentage points"
    found = study.figures(Result(smoke.summary, smoke.tables))
    assert list(found) == ["tradeoff", "classes", "features"]
    assert any("made rare: 5, 6, 7, 8, 9, with 4 training rows" in note
               for note in smoke.summary.notes)


def test_matches_means_of_the_scores_by_hand(smoke):
    scores = smoke.tables["scores"]
    some = scores[scores["seed"] == 1]
    rare = {arm: some[(some["arm"] == f"{arm}, weight 50") & some["class"].isin([5, 6, 7, 8, 9])][
        "robust"].mean() for arm in ("separable", "adversarial")}
    other = scores[scores["seed"] == 0]
    before = {arm: other[(other["arm"] == f"{arm}, weight 50") & (other["class"] > 4)][
        "robust"].mean() for arm in rare}
    told = smoke.summary["the same, robust accuracy of rare classes"].value
    assert told == pytest.approx(50 * sum(one["separable"] - one["adversarial"]
                                          for one in (rare, before)))
    path = smoke.tables["tradeoff"]
    for low, high in (("x_low", "x_high"), ("y_low", "y_high")):
        assert path[low].min() >= 0
        assert path[high].max() <= 100
    balanced = path[(path["told"] == "adversarial, class-balanced") & (path["measure"] == "clean")]
    ratio = (1 - 0.999 ** 40) / (1 - 0.999 ** 4)
    assert balanced["weight"].item() == pytest.approx(ratio)


def test_identity_no_strength_is_adversarial_training():
    tables = run(**SMALL, strength=0.0).tables["scores"].set_index(["arm", "seed", "class"])
    for kind in ("weight 1", "weight 50", "class-balanced"):
        first, second = (tables.loc[f"{method}, {kind}"][["clean", "robust"]]
                         for method in ("separable", "adversarial"))
        pd.testing.assert_frame_equal(first, second)


def test_recovers_that_separation_saves_common_classes_under_attack():
    """The published direction, at the settings of the digits, over two seeds."""
    from workbench.reweighting.by_class.arms import Arm, Plan, train_arms
    from workbench.reweighting.by_class.worlds import read_rows, split_rows

    rows = read_rows("digits")
    splits = {seed: split_rows(rows, profile="step", largest=104, seed=seed) for seed in (0, 1)}
    heavy = {"emphasis": 50.0}
    arms = {"natural": Arm(attacked=False, balance=heavy), "plain": Arm(balance=heavy),
            "separable": Arm(balance=heavy, strength=1.0)}
    scores, _ = train_arms(splits, arms, Plan(steps=5))
    clean = scores[~scores["rare"]].groupby("arm")["clean"].mean()
    assert clean["plain"] < 0.5
    assert clean["natural"] > clean["plain"] + 0.2
    assert clean["separable"] > 0.93


def test_matches_an_own_table(own):
    result = run(data=own, target="kind", **SMALL)
    scores = result.tables["scores"]
    assert scores.groupby("class")["rows"].first().tolist() == [6, 40, 20]
    assert scores.groupby("class")["rare"].first().tolist() == [True, False, False]
    notes = " ".join(result.summary.notes)
    assert ("Rare classes: hardly, with 6 training rows where the largest has 40. All classes "
            "are thinned alike; pass largest=0 for all rows.") in notes
    assert "scaled by its lowest and highest training value" in notes
    assert study.read_notes(study.Params(data=own, target="kind"))
    found = study.figures(result, study.VIEW(first="hardly", second="often"))
    assert "rows of hardly" in str([picture.opts.get("plot").kwargs.get("title")
                                     for picture in found["features"]])
    titles, ticks = [[picture.opts.get("plot").kwargs.get(what) for picture in found["classes"]]
                     for what in ("title", "xticks")]
    assert titles[0] == "Rows of each class"
    assert ticks[0] == [(1.0, "often"), (2.0, "seldom"), (3.0, "hardly")]
    toy = result.tables["toy"]
    equal = {one: some["value"].iloc[(some["at"] - 5).abs().argmin()]
             for one, some in toy.groupby("series")}          # 30 rows for each 6: factor 5
    assert equal["common class"] == pytest.approx(equal["rare class"], rel=0.15)
    text = study.downloads(result, None)["accuracy_by_class.csv"]().decode()
    assert text.startswith("class,rare,rows,clean,robust,arm,seed")


def test_matches_own_images(tmp_path):
    rng, labels = generator(2), np.repeat([0, 1, 4], 20)
    images = rng.integers(0, 255, size=(60, 4, 4)) // 2 + 60 * (labels == 4)[:, None, None]
    np.savez(tmp_path / "own.npz", images=images, labels=labels)
    result = run(data=str(tmp_path / "own.npz"), factor=4.0, **SMALL)
    assert result.tables["scores"].groupby("class")["rows"].first().tolist() == [12, 12, 3]
    assert study.VIEW.offers["first"](result) == ["0", "1", "4"]


@pytest.mark.parametrize("values", [
    {"profile": "exp"}, {"loss": "ldam"}, {"loss": "focal", "defer": 0.5}, {"normalise": "raw"}])
def test_matches_other_settings(values):
    result = run(**SMALL, **values)
    assert result.tables["scores"]["clean"].notna().all()


def test_matches_a_toy_that_asks_for_no_training(smoke, monkeypatch):
    del smoke
    monkeypatch.setattr(study, "experiment", None)
    params = study.Params(**study.SMOKE, toy_eps=0.8)
    assert study.is_quick(params)
    toy = study.run(params).tables["toy"]
    start = toy[toy["at"] == 1].set_index("series")["value"]
    assert start["rare class, attacked"] > start["rare class"]
    assert not study.is_quick(study.Params(**study.SMOKE, seed=9))


def test_matches_sentences_where_trainings_diverged(smoke):
    from workbench.studies.views.separable_words import headline
    scores = smoke.tables["scores"].copy()
    scores.loc[scores["arm"] == "separable, weight 50", ["clean", "robust"]] = np.nan
    groups = smoke.tables["groups"].copy()
    groups.loc[groups["arm"] == "separable, weight 50", ["clean", "robust"]] = np.nan
    result = headline(study.Params(**study.SMOKE), {**smoke.tables, "scores": scores,
                                                    "groups": groups}, ())
    notes = " ".join(result.summary.notes)
    assert "unknown here, since a training diverged" in notes
    assert "2 trainings diverged and have no score, the first: separable, weight 50" in notes


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "no-such-file.csv"}, "got 'no-such-file.csv', which is neither"),
    ({"emphases": [1.0, 1.0]}, "emphases must be clearly different numbers above 0"),
    ({"emphases": [100.0001, 100.0002]}, "emphases must be clearly different"),
    ({"emphases": [0.0, 1.0]}, "emphases must be clearly different numbers above 0"),
    ({"emphases": [1.0]}, "emphases"), ({"eps": -0.1}, "eps must be a number >= 0"),
    ({"profile": "stairs"}, "profile must be one of"), ({"beta": 1.0}, "beta")])
def test_rejects_what_no_run_could_use(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


def test_rejects_data_without_a_rare_class(own):
    with pytest.raises(ValueError, match=r"must have a class with fewer than 0\.01 times"):
        run(data=own, target="kind", profile="own", rare_below=0.01, **SMALL)
    with pytest.raises(ValueError, match="target must name a column"):
        run(data=own, target="kinds", **SMALL)

"""The study on spam with flipped labels, and on labels of the user's own."""

import io
import math
import sys

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from workbench.core import ParameterError, Result, generator
from workbench.studies import meta_rescaling as study

OWN = {"epochs": 2, "trainings": 2}
LONG = {"epochs": 20, "trainings": 2, "learning_rate": 0.02, "batch_size": 16}
WORDS = {"cat": ["cats", "purr", "softly", "and", "whiskers", "twitch", "near", "milk"],
         "dog": ["dogs", "bark", "loudly", "when", "walks", "begin", "with", "balls"]}


def run(**values):
    return study.run(study.Params(**values))


@pytest.fixture(scope="module")
def smoke():
    return run(**study.SMOKE)


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Texts of two kinds of words, a fifth of whose labels are wrong, with the truth for most."""
    rng = generator(0)
    truth = rng.choice(["cat", "dog"], 400)
    rows = [" ".join(rng.choice(WORDS[kind], 4)) + f" at {at % 7 + 10}"
            for at, kind in enumerate(truth)]
    wrong = rng.random(400) < 0.2
    given = np.where(wrong, np.where(truth == "cat", "dog", "cat"), truth)
    table = pd.DataFrame({"id": np.arange(400), "comment": rows, "label": given, "gold": truth})
    table.loc[table.index[::7], "gold"] = ""
    path = tmp_path_factory.mktemp("own") / "my {own} labels é.csv"
    table.to_csv(path, index=False)
    return str(path), wrong


def test_matches_numbers_with_intervals_and_figures(smoke):
    for name, number in smoke.summary.items():
        assert number.interval is not None or number.why, name
        assert math.isfinite(number.value), name
    ends = smoke.tables["ends"].pivot_table(index="training", columns="arm", values="last")
    assert smoke.summary["test accuracy, STORM minus uniform"].value == pytest.approx(
        (ends["STORM"] - ends["uniform"]).mean())
    found = study.figures(Result(smoke.summary, smoke.tables))
    assert list(found) == ["weights", "training", "detection"]
    assert any("clean validation rows prefer" in note for note in smoke.summary.notes)


def test_matches_another_threshold_of_suspicion(smoke):
    titles = []
    for cut in (0.3, 0.8):
        figure = study.figures(smoke, study.VIEW(threshold=cut))["detection"]
        titles.append(str([each.opts.get("plot").kwargs.get("title") for each in figure]))
    assert "Below 0.3: precision" in titles[0]
    assert "Below 0.8: precision" in titles[1]


def test_matches_ranked_rows_to_take_away(smoke):
    text = study.downloads(smoke, None)["suspected_labels.csv"]().decode()
    table = pd.read_csv(io.StringIO(text))
    assert len(table) == 1586
    assert table["scale"].dropna().is_monotonic_increasing
    assert {"text", "label", "prediction", "truth", "rank by cleanlab"} <= set(table)
    assert 0.25 < (table["label"] != table["truth"]).mean() < 0.35


def test_recovers_wrong_labels_of_the_users_texts(texts):
    path, wrong = texts
    result = run(data=path, truth="gold", **LONG)
    table = result.tables["suspects"].sort_values("row")
    assert table["row"].tolist() == list(range(2, 402))
    assert "comment" not in table
    scale = table["scale"].to_numpy()
    assert scale[wrong].mean() < scale[~wrong].mean() - 0.2
    chance = result.summary["chance that a wrong label has a lower scale than a right one"]
    assert chance.value > 80
    first = result.tables["suspects"].head(20)
    assert (first["given label"] != first["prediction"]).mean() > 0.8
    assert any("They share rows" in note for note in result.summary.notes)
    assert study.read_notes(study.Params(data=path))
    assert set(study.figures(result)) == {"weights", "training", "detection"}


def test_matches_a_file_without_truth(texts):
    result = run(data=texts[0], **OWN)
    assert "test accuracy against the given labels, uniform" in result.summary
    assert "rows whose scale is below 0.5" in result.summary
    assert any("may rank rows by chance" in note for note in result.summary.notes)
    assert result.tables["detection"].empty
    assert set(study.figures(result)) == {"weights", "training", "detection"}


def test_matches_intervals_within_what_is_possible_and_reasons(tmp_path):
    """Few rows, one epoch: intervals are wide, rows stay without a scale, and both are told."""
    rng = generator(2)
    x = rng.normal(size=60)
    label = np.where(x > 0, "a", "b")
    gold = np.where(np.arange(60) == 7, np.where(label == "a", "b", "a"), label)
    path = tmp_path / "few.csv"
    pd.DataFrame({"x": x, "label": label, "gold": gold}).to_csv(path, index=False)
    result = run(data=str(path), truth="gold", epochs=1, trainings=2, batch_size=16)
    for name, number in result.summary.items():
        if number.interval is not None and number.unit == "%":
            assert 0 <= number.interval.low <= number.interval.high <= 100, name
    chance = result.summary["chance that a wrong label has a lower scale than a right one"]
    assert "diverged" not in str(chance)                # one wrong label: one training lacks it
    assert chance.interval is None
    for key, top in (("courses", 100), ("thresholds", 100), ("scales", 1)):
        table = result.tables[key]
        assert table["low"].min() >= 0
        assert table["high"].max() <= top
    unseen = int(result.tables["suspects"]["scale"].isna().sum())
    assert unseen
    assert any(f"ranked last: {unseen} of 60" in note for note in result.summary.notes)


def test_matches_a_table_of_features(tmp_path):
    rng = generator(1)
    x = rng.normal(size=(400, 2))
    truth = np.where(x[:, 0] > 0, "high", "low")
    wrong = rng.random(400) < 0.15
    table = pd.DataFrame(x, columns=["a", "b"]).assign(
        colour=rng.choice(["red", "green"], 400),
        kind=np.where(wrong, np.where(truth == "high", "low", "high"), truth))
    path = tmp_path / "own.parquet"
    table.to_parquet(path)
    result = run(data=str(path), label="kind", **LONG)
    found = result.tables["suspects"].sort_values("row", ignore_index=True)
    assert {"a", "b", "colour", "given label", "confidence"} <= set(found)
    assert found["scale"][wrong].mean() < found["scale"][~wrong].mean()


def test_matches_a_remedy_where_cleanlab_misses(monkeypatch, texts):
    from workbench.reweighting.by_meta.second_opinion import label_quality
    monkeypatch.setitem(sys.modules, "cleanlab.rank", None)
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    with pytest.raises(ImportError, match=r"Run: pip install 'workbench\[labels\]'"):
        label_quality(np.eye(4), np.array([0, 1, 0, 1]))
    result = run(data=texts[0], epochs=1, trainings=2)
    assert any("no second opinion" in note for note in result.summary.notes)
    assert study.figures(result)


def test_identity_without_strength_nothing_is_gained():
    result = run(**study.SMOKE, strength=0.0)
    gain = result.summary["test accuracy, STORM minus uniform"]
    assert gain.value == pytest.approx(0, abs=0.5)      # sums round otherwise than means


@pytest.mark.parametrize(("values", "words"), [
    ({"data": "youtube"}, "Did you mean 'youtube-spam'"),
    ({"data": "no-such-file.csv"}, "which is neither"),
    ({"text": "comment"}, "text must be empty for the shipped set 'youtube-spam'"),
    ({"noise_rate": 0.9}, "noise_rate must be a number <= 0.5|noise_rate must be"),
    ({"inner": "adam"}, "inner must be one of")])
def test_rejects_what_no_run_could_use(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


@pytest.mark.parametrize(("values", "words"), [
    ({"label": "lable"}, "label must name a column of the data, got 'lable'. Did you mean"),
    ({"text": "label", "label": "label"}, "must name different columns"),
    ({"truth": "id"}, "truth must hold labels as the column of labels does"),
    ({"label": "id"}, "label must be one of at most 50 classes, but 'id' holds 400")])
def test_rejects_files_that_do_not_fit(texts, values, words):
    with pytest.raises(ValueError, match=words):
        run(data=texts[0], **values, **OWN)

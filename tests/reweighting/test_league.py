"""Tasks of a league, trouble made on purpose, and trainings on splits."""

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from tests.reweighting.owners import Descent, MetaGroups  # noqa: E402
from workbench.core import generator  # noqa: E402
from workbench.reweighting import LossWeighter  # noqa: E402
from workbench.reweighting.league.splits import Trouble, split_task  # noqa: E402
from workbench.reweighting.league.tasks import read_example, read_task  # noqa: E402
from workbench.reweighting.league.training import class_scores, train_league  # noqa: E402
from workbench.train import MLP, torch_generator  # noqa: E402


@pytest.fixture(scope="module")
def tumours():
    return read_example("table")


@pytest.mark.parametrize(("name", "classes"), [("table", 2), ("text", 3), ("images", 10)])
def test_matches_shipped_examples(name, classes):
    task = read_example(name)
    assert len(task.classes) == classes
    assert len(task.y) == len(task.rows) == len(task.excerpts()) == len(task.features)
    assert set(task.y) == set(range(classes))
    some = task.taken(np.arange(0, 100, 2))
    assert some.rows.tolist() == task.rows[:100:2].tolist()
    assert some.excerpts() == task.excerpts()[:100:2]


def test_matches_the_trouble_that_was_asked_for(tumours):
    trouble = Trouble(wrong_labels=0.25, outliers=0.1)
    plain, spoilt = split_task(tumours, Trouble(), 3), split_task(tumours, trouble, 3)
    n = len(plain.train)
    assert np.array_equal(plain.train, spoilt.train)
    assert not set(plain.train) & set(plain.test)
    assert len(plain.train) + len(plain.test) == len(tumours.y)
    truth = tumours.y[spoilt.train]
    assert np.array_equal(spoilt.y != truth, spoilt.wrong)
    free = n - spoilt.trusted.sum()
    assert spoilt.trusted.sum() == int(0.1 * n)
    assert spoilt.wrong.sum() == round(0.25 * free)
    assert spoilt.outlier.sum() == round(0.1 * free)
    assert not (spoilt.trusted & (spoilt.wrong | spoilt.outlier)).any()
    assert np.array_equal(spoilt.test_x, plain.test_x)
    assert np.array_equal(spoilt.test_y, tumours.y[spoilt.test])
    moved = (spoilt.x != plain.x).any(axis=1)
    assert np.array_equal(moved, spoilt.outlier)


def test_matches_classes_that_fall_from_large_to_small():
    task = read_example("images")
    split = split_task(task, Trouble(imbalance=20.0), 0)
    counts = np.sort(np.bincount(split.y))[::-1]
    ratios = counts[:-1] / counts[1:]
    assert counts[0] / counts[-1] == pytest.approx(20, rel=0.2)
    assert ratios == pytest.approx(20 ** (1 / 9), rel=0.25)
    assert np.bincount(split.test_y).min() > 30


def test_identity_no_trouble_leaves_rows_as_they_came(tumours):
    split = split_task(tumours, Trouble(), 1)
    assert np.array_equal(split.y, tumours.y[split.train])
    assert not split.wrong.any()
    assert split.x.mean(0) == pytest.approx(0, abs=1e-5)
    assert split.x.std(0) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("values", "words"), [
    ({"wrong_labels": 1.0}, r"wrong_labels must lie in \[0, 1\)"),
    ({"outliers": float("nan")}, r"outliers must lie in \[0, 1\)"),
    ({"imbalance": 0.5}, "imbalance must be a number >= 1")])
def test_rejects_trouble_out_of_range(values, words):
    with pytest.raises(ValueError, match=words):
        Trouble(**values)


def test_matches_scores_of_classes_by_hand():
    model = MLP(2, 4, 3, generator=torch_generator(0))
    x = torch.randn(30, 2, generator=torch_generator(1))
    y = torch.arange(30) % 3
    guessed = model(x).argmax(1).numpy()
    recalls = pd.Series(guessed == y.numpy()).groupby(y.numpy()).mean()
    found = class_scores(model, (x.numpy(), y.numpy(), y.numpy()))
    assert found["accuracy"] == pytest.approx((guessed == y.numpy()).mean())
    assert found["worst"] == pytest.approx(recalls.min())
    assert model.training


def test_matches_a_league_of_every_kind_of_weighter(tumours):
    task = tumours.taken(np.arange(200))
    arms = {"loss": LossWeighter(), "owner": Descent(), "meta": MetaGroups(),
            "wrong": lambda losses: -losses}
    trials, marks = train_league(task, arms, trouble=Trouble(0.2), splits=2, epochs=2)
    fates = trials.fates.set_index(["weighter", "seed"])["status"].unstack()
    assert fates.loc[["uniform", "loss", "owner", "meta"]].eq("finished").all(axis=None)
    assert fates.loc["wrong"].eq("stopped").all()
    assert trials.scores.query("weighter == 'wrong'")["accuracy"].isna().all()
    wide = trials.scores.pivot_table(index="seed", columns="weighter", values="accuracy")
    assert wide["owner"].tolist() == pytest.approx(wide["uniform"].tolist())
    assert marks["trained"].sum() == 2 * 140
    assert marks["wrong"].sum() == 2 * round(0.2 * 126)
    seen = marks["trained"] > 0
    assert trials.weights.loc[seen, "loss"].notna().all()
    assert trials.weights.loc[~seen, "loss"].isna().all()
    by_class = trials.weights["meta"].groupby(task.y).mean()
    assert by_class[0] > by_class[1]


@pytest.fixture
def texts(tmp_path):
    rng = generator(0)
    said = [" ".join(rng.choice(["good", "fine", "bad", "poor", "day", "film"], 6))
            for _ in range(90)]
    table = pd.DataFrame({"review": said, "kind": ["up" if "good" in one else "down"
                                                   for one in said]})
    table.loc[3, "kind"] = None
    table.loc[4, "kind"] = "rare"
    path = tmp_path / "texts.csv"
    table.to_csv(path, index=False)
    return path


def test_matches_texts_of_a_file(texts):
    task = read_task(str(texts), target="kind", text="review")
    assert (task.kind, task.classes) == ("text", ("down", "up"))
    assert len(task.y) == 88
    assert 5 not in task.rows                          # the line of the file without a label
    assert any("2 rows were left out" in note for note in task.notes)
    trials, _ = train_league(task, {"loss": LossWeighter()}, splits=2, epochs=8, batch_size=8)
    assert trials.scores["accuracy"].mean() > 0.8


def test_matches_the_usual_column_where_no_target_is_named(texts):
    table = pd.read_csv(texts).rename(columns={"kind": "label"})
    table.assign(other=np.arange(len(table)) % 3).to_csv(texts, index=False)
    task = read_task(str(texts), text="review")
    assert task.target == "label"
    assert "The target is column 'label'; pass target= for another." in task.notes


def test_rejects_texts_without_a_word_in_common(tmp_path):
    path = tmp_path / "own.csv"
    pd.DataFrame({"text": [f"word{at}" for at in range(80)],
                  "label": [at % 2 for at in range(80)]}).to_csv(path, index=False)
    with pytest.raises(ValueError, match="two of the training texts, but no word does"):
        split_task(read_task(str(path), text="text"), Trouble(), 0)


def test_rejects_texts_that_do_not_fit(texts):
    for ask, words in (({"target": "kind", "text": "revew"}, "Did you mean 'review'"),
                       ({"target": "knd", "text": "review"}, "Did you mean 'kind'"),
                       ({"target": "kind", "text": "kind"}, "target must be another column"),
                       ({"target": "review", "text": "kind"}, "target must hold 2 to 20 classes")):
        with pytest.raises(ValueError, match=words):
            read_task(str(texts), **ask)
    with pytest.raises(ValueError, match="text must be empty for images"):
        read_task("digits", text="review")


def test_matches_images_and_numbers_of_a_file(tmp_path):
    rng = generator(1)
    images = rng.random((80, 6, 6))
    labels = (images.mean((1, 2)) > 0.5).astype(int)
    np.savez(tmp_path / "own.npz", images=images, labels=labels)
    task = read_task(str(tmp_path / "own.npz"))
    assert (task.kind, len(task.y), task.classes) == ("images", 80, ("0", "1"))
    trials, _ = train_league(task, {"loss": LossWeighter()}, splits=2, epochs=1)
    assert trials.scores["accuracy"].notna().all()
    number = read_task("yacht")
    split = split_task(number, Trouble(0.3), 0)
    truth = number.y[split.train]
    scaled = split.y * truth.std()
    assert split.wrong.sum() == round(0.3 * (len(truth) - split.trusted.sum()))
    assert np.corrcoef(scaled[~split.wrong], truth[~split.wrong])[0, 1] > 0.999
    assert abs(np.corrcoef(scaled[split.wrong], truth[split.wrong])[0, 1]) < 0.5
    trials, _ = train_league(number, {"loss": LossWeighter()}, splits=2, epochs=1)
    assert "accuracy" not in trials.scores
    with pytest.raises(ValueError, match="imbalance must be 1 where a number is predicted"):
        split_task(number, Trouble(imbalance=2.0), 0)

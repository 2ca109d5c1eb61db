"""Networks trained at once against the loop that trains them one by one; splits; features."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from workbench.core import generator  # noqa: E402
from workbench.reweighting import ClassBalance, FeatureSeparation  # noqa: E402
from workbench.reweighting.by_class.arms import (  # noqa: E402
    Arm,
    Plan,
    judge,
    loss_of,
    network_of,
    train_arm,
    train_arms,
)
from workbench.reweighting.by_class.features import (  # noqa: E402
    attacked_features,
    most_confused,
    principal_axes,
    separability,
)
from workbench.reweighting.by_class.together import Runner, train_together  # noqa: E402
from workbench.reweighting.by_class.worlds import (  # noqa: E402
    own_profile,
    read_rows,
    split_rows,
)
from workbench.train import Sgd, Training, fit, steps  # noqa: E402
from workbench.train.attack import Pgd  # noqa: E402

PLAN = Plan(eps=0.1, steps=2, epochs=3, batch_size=32, width=12)
BALANCE = {"beta": 0.99, "defer": 0.5}


@pytest.fixture(scope="module")
def digits():
    return read_rows("digits")


def wide(split):
    return replace(split, train_x=split.train_x.astype(np.float64),
                   test_x=split.test_x.astype(np.float64))


@pytest.mark.parametrize("arm", [
    Arm(attacked=False), Arm(balance=BALANCE), Arm(balance=BALANCE, strength=0.7),
    Arm(loss="bsl"), Arm(loss="focal", balance={"emphasis": 9.0}), Arm(loss="ldam")],
    ids=["natural", "weights", "separated", "bsl", "focal", "ldam"])
def test_matches_fit_one_by_one(digits, arm):
    """In float64 and from the clean input, the two ways give the same networks."""
    seeds = (0, 1)
    splits = [wide(split_rows(digits, largest=40, seed=seed)) for seed in seeds]
    made = [[network_of(split, PLAN, seed, cosine=arm.loss == "ldam").double()
             for split, seed in zip(splits, seeds, strict=True)] for _ in range(2)]
    losses = [loss_of(arm, split.counts) for split in splits]
    runners = [Runner(*each) for each in zip(made[0], splits, [arm, arm], seeds, losses,
                                             strict=True)]
    assert train_together(runners, PLAN, random_start=False) == [True, True]
    for model, other, split, seed, loss in zip(*made, splits, seeds, losses, strict=True):
        how = Training(Sgd(0.1, weight_decay=2e-4), epochs=3, seed=seed, clip=5.0,
                       batch_size=PLAN.rows_of_a_step(len(split.train_y)),
                       schedule=steps((0.8, 0.9), 0.1), device="cpu")
        fit(other, (split.train_x, split.train_y), how, loss=loss, progress="nowhere",
            weighter=ClassBalance(tuple(split.counts), **arm.balance) if arm.balance else None,
            penalty=FeatureSeparation(arm.strength) if arm.strength else None,
            perturb=Pgd(0.1, 2, random_start=False) if arm.attacked else None)
        for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
            assert torch.allclose(mine, theirs, rtol=0, atol=1e-9)


def test_matches_a_network_that_diverged_beside_one_that_did_not(digits):
    split = split_rows(digits, largest=20)
    broken = replace(split, train_x=split.train_x * np.float32(np.nan))
    scores, _ = train_arms({0: split, 1: broken}, {"natural": Arm(attacked=False)}, PLAN)
    found = scores.groupby("seed")["clean"].apply(lambda some: some.notna().all())
    assert found.tolist() == [True, False]


def test_matches_scores_of_single_runs(digits):
    split = split_rows(digits, largest=40)
    model, done = train_arm(split, Arm(balance={"emphasis": 5.0}, strength=1.0), PLAN, seed=0)
    assert done.status == "finished"
    table = judge(model, split, PLAN)
    assert table["rows"].tolist() == split.counts.tolist()
    logits = model(torch.as_tensor(split.test_x)).argmax(1).numpy()
    for each in range(10):
        there = split.test_y == each
        assert table["clean"][each] == pytest.approx((logits[there] == each).mean())
    assert (table["robust"] <= table["clean"]).all()
    few = judge(model, split, PLAN, most=3)
    assert ((few["clean"] * 3).round(9) % 1 == 0).all()


def test_matches_splits_that_leave_the_test_rows_alone(digits):
    step, large = (split_rows(digits, factor=factor, largest=40, seed=3) for factor in (4, 20))
    assert step.counts.tolist() == [40] * 5 + [10] * 5
    assert large.counts.tolist() == [40] * 5 + [2] * 5
    assert np.array_equal(step.test_x, large.test_x)
    assert {row.tobytes() for row in large.train_x} < {row.tobytes() for row in step.train_x}
    assert step.train_x.min() == 0
    assert step.train_x.max() == 1
    assert not {row.tobytes() for row in step.train_x} & {row.tobytes() for row in step.test_x}


def test_matches_a_table_with_rare_classes_of_its_own(tmp_path):
    rng = generator(0)
    kind = np.repeat(["often", "seldom"], [150, 30])
    table = pd.DataFrame({"a": rng.normal(size=180) + 3 * (kind == "seldom"),
                          "b": 1000 * rng.normal(size=180), "kind": kind,
                          "colour": rng.choice(["red", "blue"], 180)})
    path = tmp_path / "own.parquet"
    table.to_parquet(path)
    rows = read_rows(str(path), target="kind")
    split = split_rows(rows, profile="own")
    assert split.counts.tolist() == [90, 18]
    assert split.rare.tolist() == [False, True]
    assert (split.train_x.min(), split.train_x.max()) == (0, 1)
    assert split.test_x.min() >= 0
    assert split.test_x.max() <= 1
    assert any("scaled" in note for note in rows.notes)
    with pytest.raises(ValueError, match=r"fewer than 0\.1 times the 90"):
        split_rows(rows, profile="own", rare_below=0.1)


def test_matches_splits_of_one_width_where_categories_and_gaps_are_seldom(tmp_path):
    rng = generator(3)
    table = pd.DataFrame({
        "a": rng.normal(size=120), "b": rng.normal(size=120),
        "colour": ["red"] * 100 + list("bcdefghijklmnopqrstu"),
        "kind": np.repeat(["often", "seldom"], 60)})
    table.loc[5, "a"] = np.nan
    path = tmp_path / "own.csv"
    table.to_csv(path, index=False)
    rows = read_rows(str(path), target="kind")
    splits = [split_rows(rows, largest=12, seed=seed) for seed in range(6)]
    assert {split.train_x.shape[1] for split in splits} == {2 + 1 + 20}
    assert all(np.isfinite(split.test_x).all() for split in splits)


def test_matches_classes_that_stay_as_unequal_as_they_are(tmp_path):
    """However few rows are kept, the rare class is that of the data."""
    rng = generator(4)
    table = pd.DataFrame({"a": rng.normal(size=2000),
                          "kind": np.repeat(["alpha", "usual"], [200, 1800])})
    path = tmp_path / "own.parquet"
    table.to_parquet(path)
    rows = read_rows(str(path), target="kind")
    for largest, counts in ((0, [120, 1080]), (108, [12, 108]), (5000, [120, 1080]), (6, [1, 6])):
        assert own_profile(rows, largest=largest)
        split = split_rows(rows, profile="own", largest=largest)
        assert split.counts.tolist() == counts
        assert split.rare.tolist() == [True, False]
        assert len(split.test_y) == 800
    assert not own_profile(rows, rare_below=0.1)


def test_matches_own_images_that_are_sorted_by_class(tmp_path):
    images = generator(5).integers(0, 255, size=(100, 3, 3))
    np.savez(tmp_path / "own.npz", images=images, labels=np.repeat([0, 2], [80, 20]))
    rows = read_rows(str(tmp_path / "own.npz"))
    assert rows.classes == ("0", "2")
    assert np.bincount(rows.y).tolist() == [80, 20]
    assert not any("Training part" in note or "without a training row" in note
                   for note in rows.notes)
    drawn = {tuple(image.reshape(-1)): label for image, label in zip(
        (images - images.min()) / (images.max() - images.min()), np.repeat([0, 1], [80, 20]),
        strict=True)}
    assert sorted(map(tuple, rows.inputs.round(4))) == sorted(
        tuple(np.float32(np.round(one, 4)).tolist()) for one in drawn)


def test_matches_features_under_attack(digits):
    split = split_rows(digits, largest=40)
    model, _ = train_arm(split, Arm(attacked=False), PLAN, seed=0)
    seen = attacked_features(model, split, PLAN)
    assert np.linalg.norm(seen.features, axis=1) == pytest.approx(1, abs=1e-5)
    assert not model.layers[-1]._forward_pre_hooks
    first, second = most_confused(seen, split.rare)
    assert split.rare[first]
    assert first != second
    axes = principal_axes(seen.features)
    spread = np.linalg.eigvalsh(np.cov(seen.features.T))[::-1]
    assert axes.var(0, ddof=1) == pytest.approx(spread[:2], rel=1e-4)


def test_matches_the_separability_of_drawn_classes():
    rng, y = generator(2), np.repeat([0, 1], 4000)
    x = rng.normal(size=(8000, 3)) + np.where(y[:, None] == 1, [4.0, 0, 0], 0)
    assert separability(x, y) == pytest.approx(4 / 3, rel=0.1)     # (4 / 2)^2 over 3 variances
    assert separability(np.repeat(np.eye(2), 3, axis=0), np.repeat([0, 1], 3)) == np.inf


@pytest.mark.parametrize(("ask", "words"), [
    (lambda rows: split_rows(rows, profile="stairs"), "profile must be one of"),
    (lambda rows: split_rows(rows, largest=-1), "largest"),
    (lambda rows: split_rows(rows, factor=1.0), "must have a class with fewer than 0.5"),
    (lambda _: Arm(loss="hinge"), "loss must be one of 'ce'"),
    (lambda _: Plan(epochs=0), "epochs")])
def test_rejects_what_cannot_be_trained(digits, ask, words):
    with pytest.raises(ValueError, match=words):
        ask(digits)

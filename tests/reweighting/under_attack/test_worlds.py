"""Images and tables to be attacked: scaled, split, thinned out, or refused."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from workbench.core import generator
from workbench.reweighting.under_attack.worlds import (
    imbalance_fault,
    kept_rows,
    read_images,
    read_table,
    split,
)


def own_images(tmp_path, *, top=255, n=60, **more):
    rng = generator(0)
    x = rng.integers(0, top + 1, (n, 5, 5)).astype(np.uint8)
    x[0, 0, 0], x[0, 0, 1] = 0, top
    path = tmp_path / "my {own} images.npz"
    np.savez(path, images=x, labels=np.arange(n) % 3, **more)
    return str(path), x


@pytest.fixture
def own_table(tmp_path):
    rng = generator(1)
    table = pd.DataFrame(rng.normal(5, 3, (90, 2)), columns=["a", "b"]).assign(
        colour=rng.choice(["red", "green"], 90), kind=np.repeat(["x", "y", "z"], 30))
    path = tmp_path / "own.csv"
    table.to_csv(path, index=False)
    return str(path)


@pytest.mark.parametrize(("top", "unit"), [(255, 255), (16, 16), (1, 1), (90, 255)])
def test_matches_pixels_in_the_unit_interval(tmp_path, top, unit):
    path, x = own_images(tmp_path, top=top)
    rows = read_images(path)
    assert np.allclose(rows.x.reshape(x.shape), x / unit, atol=1e-6)
    assert rows.clip == (0.0, 1.0)
    assert rows.classes == ("0", "1", "2")


def test_matches_the_test_part_that_the_data_bring(tmp_path):
    path, _ = own_images(tmp_path, test_images=np.full((9, 5, 5), 51, np.uint8),
                         test_labels=np.arange(9) % 3)
    problem = split(read_images(path), seed=0)
    assert len(problem.train[1]) == 60
    assert problem.test[0].ravel() == pytest.approx(0.2)


def test_matches_a_split_within_classes_that_the_seed_decides():
    rows = read_images("digits")
    first, again, other = (split(rows, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.train[0], again.train[0])
    assert not np.array_equal(first.train[1], other.train[1])
    counts = np.bincount(rows.y)
    assert np.abs(np.bincount(first.train[1]) - 0.6 * counts).max() <= 1
    assert len(first.train[1]) + len(first.test[1]) == len(rows.y)
    small = split(rows, seed=0, most=100)
    assert len(small.train[1]) == len(small.test[1]) == 100


@pytest.mark.parametrize(("imbalance", "counts"), [
    ("none", [40, 50, 60, 45]), ("step:4", [40, 40, 10, 10]), ("step:1", [40] * 4),
    ("exp:8", [40, 20, 10, 5])])
def test_matches_profiles_of_rare_classes(imbalance, counts):
    y = generator(0).permutation(np.repeat(range(4), [40, 50, 60, 45]))
    kept = kept_rows(y, imbalance, classes=4)
    assert np.bincount(y[kept]).tolist() == counts
    assert (np.diff(kept) > 0).all()


def test_matches_features_in_either_unit(own_table):
    rows = read_table(own_table, target="kind")
    problem = split(rows, seed=0)
    assert rows.clip is None
    assert problem.train[0][:, :2].std(0) == pytest.approx(1, abs=1e-5)
    unit = split(read_table(own_table, target="kind", scaling="unit interval"), seed=0)
    assert (unit.train[0].min(), unit.train[0].max()) == (0, 1)
    assert 0 <= unit.test[0].min() <= unit.test[0].max() <= 1
    assert any("standard deviation of each feature" in note for note in rows.notes)
    assert any("categories, here 'colour'" in note for note in rows.notes)


def test_rejects_what_cannot_be_used(tmp_path):
    for word in ("step", "step:0", "exp:x", "stairs:3", "step:-2", "step:5000"):
        assert "imbalance must be none, step:K or exp:K" in imbalance_fault(word)
        with pytest.raises(ValueError, match="imbalance must be"):
            kept_rows(np.arange(3), word, classes=3)
    assert not imbalance_fault("exp:2.5")
    with pytest.raises(FileNotFoundError, match="data must be a file that exists"):
        read_images(str(tmp_path / "none.npz"))
    path = tmp_path / "few.npz"
    np.savez(path, images=np.random.default_rng(0).random((12, 4, 4)),
             labels=np.array([0] * 6 + [2] * 6))
    with pytest.raises(ValueError, match="two classes of 4 rows each, but of 1 there are fewer"):
        read_images(str(path))


def test_matches_one_range_for_both_parts(tmp_path):
    path = tmp_path / "two.npz"
    rng = generator(0)
    x, labels = rng.uniform(-2, 2, (60, 4, 4)), np.arange(60) % 3
    np.savez(path, images=x, labels=labels, test_images=2 * x[:9], test_labels=labels[:9])
    rows = read_images(str(path))
    low, high = min(2 * x[:9].min(), x.min()), max(2 * x[:9].max(), x.max())
    assert np.allclose(rows.test[0].reshape(9, 4, 4), (2 * x[:9] - low) / (high - low), atol=1e-6)


@pytest.mark.parametrize(("images", "test_images"), [
    (np.full((60, 4, 4), -5.0), None),                               # nothing to tell apart
    (np.linspace(0, 1, 960).reshape(60, 4, 4), np.full((9, 4, 4), 200)),      # another unit
    (np.linspace(0, 1, 960).reshape(60, 4, 4), np.full((9, 5, 5), 0.5))])     # another shape
def test_rejects_parts_that_do_not_fit(tmp_path, images, test_images):
    path, more = tmp_path / "own.npz", {}
    if test_images is not None:
        more = {"test_images": test_images, "test_labels": np.arange(9) % 3}
    np.savez(path, images=images, labels=np.arange(60) % 3, **more)
    with pytest.raises(ValueError, match="images must vary, and have one shape and one unit"):
        read_images(str(path))

"""Oracle: arrays written by these tests, scikit-learn's digits, and the files read by NumPy."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

from workbench.core import places
from workbench.datasets import IMAGE_SETS, load_images
from workbench.datasets.image_arrays import both_parts

N = 40


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def arrays(rng):
    return {"images": rng.integers(256, size=(N, 5, 6), dtype=np.uint8),
            "labels": np.arange(N, dtype=np.uint8) % 3}


@pytest.mark.parametrize(("name", "file"), [
    ("fashion-mnist-4k", "fashion-mnist-4k/fashion_mnist_4k.npz"),
    ("mnist-10k", "mnist-10k/mnist_10k.npz")])
def test_matches_the_shipped_files(name, file):
    shipped = np.load(places.raw_data() / file)
    found = load_images(name)
    pixels = np.concatenate([found.train_inputs, found.test_inputs])[:, 0]
    np.testing.assert_allclose(pixels * found.spread + found.centre, shipped["images"], atol=1e-3)
    np.testing.assert_array_equal(np.concatenate([found.train_labels, found.test_labels]),
                                  shipped["labels"])
    assert found.classes == 10
    assert name in IMAGE_SETS


def test_matches_digits_of_scikit_learn():
    found = load_images("digits")
    pixels, labels = load_digits(return_X_y=True)
    assert (found.centre, found.spread) == pytest.approx((pixels[:1024].mean(),
                                                          pixels[:1024].std()))
    np.testing.assert_allclose(found.test_inputs.reshape(-1, 64) * found.spread + found.centre,
                               pixels[1024:], atol=1e-5)
    np.testing.assert_array_equal(found.test_labels, labels[1024:])


def test_identity_standardised_by_the_training_part_alone(arrays):
    found = load_images(arrays)
    assert found.train_inputs.shape == (30, 1, 5, 6)
    assert found.train_inputs.dtype == np.float32
    assert found.train_inputs.mean() == pytest.approx(0, abs=1e-6)
    assert found.train_inputs.std() == pytest.approx(1, abs=1e-6)
    changed = {**arrays, "images": arrays["images"].copy()}
    changed["images"][30:] = 7
    np.testing.assert_array_equal(load_images(changed).train_inputs, found.train_inputs)


def test_identity_every_door_gives_the_same(arrays, tmp_path):
    np.savez(tmp_path / "own.npz", **arrays)
    images, labels = torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["labels"])
    doors = [arrays, (arrays["images"], arrays["labels"]), tmp_path / "own.npz",
             str(tmp_path / "own.npz"), TensorDataset(images, labels)]
    first, *others = [load_images(door) for door in doors]
    for other in others:
        np.testing.assert_array_equal(first.train_inputs, other.train_inputs)
        np.testing.assert_array_equal(first.test_labels, other.test_labels)
        assert other.sha256 == first.sha256


def test_matches_parts_that_are_given(arrays, rng):
    given = {"x_train": arrays["images"], "y_train": arrays["labels"][:, None],
             "x_test": arrays["images"][:4], "y_test": arrays["labels"][:4]}
    found = load_images(given)
    assert (len(found.train_labels), len(found.test_labels)) == (N, 4)
    few = load_images(given, train_size=10, rng=np.random.default_rng(0))
    order = np.random.default_rng(0).permutation(N)[:10]
    np.testing.assert_array_equal(few.train_labels, arrays["labels"][order])


def test_matches_channels_and_texts(arrays, rng):
    colour = rng.normal(size=(N, 5, 6, 3))
    found = load_images((colour, np.where(arrays["labels"] > 0, "dog", "cat")))
    assert found.shape == (3, 5, 6)
    np.testing.assert_allclose(found.train_inputs[0, 2] * found.spread + found.centre,
                               colour[0, :, :, 2], atol=1e-6)
    assert any("channels last" in note for note in found.notes)
    assert any("0 cat, 1 dog" in note for note in found.notes)
    assert load_images((colour[:, 0, 0], arrays["labels"])).shape == (3,)


def test_matches_texts_of_a_test_part_that_lacks_a_class(arrays):
    given = {"images": arrays["images"], "labels": np.resize(["ant", "bee", "cat"], N),
             "test_images": arrays["images"][:4], "test_labels": np.array(["cat", "bee"] * 2)}
    train, test = both_parts(given)
    assert train.labels[:3].tolist() == [0, 1, 2]
    assert test.labels.tolist() == [2, 1, 2, 1]
    with pytest.raises(ValueError, match="labels must be texts or numbers in both parts"):
        both_parts({**given, "test_labels": np.array([2, 1, 2, 1])})


@pytest.mark.parametrize(("change", "words"), [
    ({"labels": np.arange(N) - 1}, "labels must lie between 0 .* got -1 to 38"),
    ({"labels": 100 + np.arange(N) % 3}, "number of classes - 1, got 100 to 102"),
    ({"labels": np.linspace(0, 1, N)}, "whole numbers or texts, got float64"),
    ({"labels": np.eye(N)}, r"labels.argmax\(1\)"),
    ({"labels": np.zeros(N, int)}, "at least 2 classes"),
    ({"labels": np.arange(N - 1) % 2}, "inputs has 40, labels has 39"),
    ({"images": np.zeros((N, 5, 6))}, "inputs must vary"),
    ({"images": np.full((N, 5, 6), np.nan)}, "inputs must be finite"),
    ({"images": np.zeros((N, 2, 2, 2, 2))}, "Reshape them"),
    ({"images": np.full((N, 2), "a")}, "inputs must be numbers"),
    ({"test_images": np.ones((2, 7, 7)), "test_labels": np.arange(2)}, "the shape of training"),
])
def test_rejects_what_is_no_labelled_image(arrays, change, words):
    with pytest.raises(ValueError, match=words):
        load_images({**arrays, **change})


def test_rejects_other_containers(arrays, tmp_path):
    whole = TensorDataset(torch.zeros(4, 2), torch.arange(4) % 2)
    with pytest.raises(ValueError, match="Rename the arrays"):
        load_images({"pictures": arrays["images"]})
    with pytest.raises(ValueError, match=r"pass loader\.dataset"):
        load_images(DataLoader(whole))
    with pytest.raises(ValueError, match="got a data set of length 0"):
        load_images(TensorDataset(torch.zeros(0, 2), torch.zeros(0)))
    with pytest.raises(ValueError, match=r"Did you mean 'digits'"):
        load_images("digit")
    with pytest.raises(FileNotFoundError, match="does not"):
        load_images(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ValueError, match="archive of plain arrays"):
        load_images(tmp_path / "bad.npz")
    np.savez(tmp_path / "objects.npz", images=np.array([{}]), labels=[0])
    with pytest.raises(ValueError, match="archive of plain arrays"):
        load_images(tmp_path / "objects.npz")
    np.save(tmp_path / "one.npy", arrays["images"])
    with pytest.raises(ValueError, match="archive of plain arrays"):
        load_images(tmp_path / "one.npy")
    with pytest.raises(ValueError, match=r"train_size must lie in \[1, 30\]"):
        load_images(arrays, train_size=31)

"""Oracle: the networks that were saved; files damaged by these tests."""

import json
import os

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from workbench.landscape import zoo, zoo_files
from workbench.train.models import MLP, ConvNet
from workbench.train.stack import stack


def drawn(seed):
    return torch.Generator().manual_seed(seed)


def networks():
    narrow = [MLP(6, 3, 2, generator=drawn(seed)) for seed in range(3)]
    wide = [MLP(6, 5, 2, depth=1, activation="tanh", generator=drawn(seed)) for seed in range(3)]
    convolved = [ConvNet(1, 4, 2, generator=drawn(7)).half()]
    return [model for pair in zip(narrow, wide, strict=True) for model in pair] + convolved


@pytest.fixture
def table():
    return pd.DataFrame({"width": [3, 5] * 3 + [4], "seed": [0, 0, 1, 1, 2, 2, 7],
                         "loss": [0.1, 0.2, np.nan, 0.4, 0.5, 0.6, 0.7],
                         "status": ["trained"] * 2 + ["diverged"] + ["trained"] * 4})


@pytest.fixture
def saved(tmp_path, table):
    return zoo.save(tmp_path / "zoo", networks(), table, title="Some | networks", licence="CC0")


def same(found, expected):
    assert set(found) == set(expected)
    return all(torch.equal(found[name], expected[name])
               and found[name].dtype == expected[name].dtype for name in expected)


def test_identity_every_network_comes_back(saved, table):
    found = zoo.open(saved.path)
    assert len(found) == 7
    for k, model in enumerate(networks()):
        assert same(found.params(k), model.state_dict())
        again = found.model(k)
        assert same(again.state_dict(), model.state_dict())
        assert (type(again), again.training) == (type(model), False)
    pd.testing.assert_frame_equal(found.table().drop(columns="model"), table)
    assert found.check() == 7
    assert [k for k, _ in found] == list(range(7))


def test_matches_shards_of_one_shape(saved):
    shards = sorted(path.name for path in (saved.path / "shards").iterdir())
    assert shards == ["00000.safetensors", "00001.safetensors", "00002.safetensors"]
    first = load_file(saved.path / "shards" / shards[0])
    for row, k in enumerate([0, 2, 4]):
        assert same({name: tensor[row] for name, tensor in first.items()},
                    networks()[k].state_dict())
    both = saved.stacked([0, 4])
    assert torch.equal(both["layers.0.weight"][1], networks()[4].layers[0].weight)


def test_matches_shards_of_limited_size(tmp_path, table, monkeypatch):
    size = sum(tensor.nbytes for tensor in networks()[0].state_dict().values())
    monkeypatch.setattr(zoo, "SHARD_BYTES", 2 * size)
    found = zoo.save(tmp_path / "zoo", networks(), table)
    assert found.places["shard"].iloc[[0, 2, 4]].nunique() == 2
    assert found.check() == 7


def test_matches_rows_and_columns_that_are_asked_for(saved):
    found = saved.table(columns=["loss"], filters=[("width", "==", 5)])
    assert list(found) == ["model", "loss"]
    assert found["model"].tolist() == [1, 3, 5]


def test_matches_the_card(saved):
    for words in ("# Some | networks", "- Networks: 7", "Licence: CC0", "| `width` | 3, 4, 5 |",
                  "0.2, 0.4, 0.5, 0.6, 0.7; missing in 1", "trained, diverged", "float16"):
        assert words in saved.card, words


def test_matches_networks_of_others_by_their_own_builder(tmp_path):
    layers = [nn.Sequential(nn.Linear(3, width), nn.ReLU()) for width in (2, 4)]
    found = zoo.save(tmp_path / "zoo", layers, pd.DataFrame({"width": [2, 4]}))
    again = found.model(1, lambda row: nn.Sequential(nn.Linear(3, row["width"]), nn.ReLU()))
    assert same(again.state_dict(), layers[1].state_dict())
    with pytest.raises(ValueError, match="build must be given for model 1"):
        found.model(1)


def test_identity_a_stack_is_saved_as_its_models(tmp_path):
    models = [MLP(6, width, 2, generator=drawn(width)) for width in (2, 8)]
    found = zoo.save(tmp_path / "zoo", stack(models), pd.DataFrame({"width": [2, 8]}))
    for k, model in enumerate(models):
        assert same(found.params(k), model.state_dict())


def test_matches_thousands_without_reading_them(tmp_path, monkeypatch):
    state = {"w": torch.arange(6.0).view(2, 3)}
    states = [{"w": state["w"] + k} for k in range(3000)]
    zoo.save(tmp_path / "zoo", states, pd.DataFrame({"k": range(3000)}))
    monkeypatch.setattr(zoo, "safe_open", lambda *_, **__: pytest.fail("a shard was opened"))
    found = zoo.open(tmp_path / "zoo")
    assert found.table(filters=[("k", ">", 2990)])["model"].tolist() == list(range(2991, 3000))
    monkeypatch.undo()
    assert torch.equal(found.params(2995)["w"], state["w"] + 2995)


def test_rejects_a_changed_number(saved):
    path = saved.path / "shards" / "00000.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model 4 must have the sha256 .*00000.* was changed"):
        zoo.open(saved.path).check()
    assert zoo.open(saved.path).params(0)


@pytest.mark.parametrize(("damage", "error", "words"), [
    (lambda path: (path / "shards/00001.safetensors").unlink(), FileNotFoundError,
     "Copy the whole folder"),
    (lambda path: os.truncate(path / "shards/00001.safetensors", 90), ValueError,
     "must be a safetensors file"),
    (lambda path: (path / "shards/00001.safetensors").write_bytes(b""), ValueError,
     "must be a safetensors file"),
    (lambda path: os.truncate(path / "index.parquet", 40), ValueError, "must be a Parquet file"),
    (lambda path: (path / "index.parquet").unlink(), FileNotFoundError, "has no index.parquet"),
    (lambda path: pd.DataFrame({"a": [1]}).to_parquet(path / "index.parquet"), ValueError,
     "Parquet file with columns model, shard"),
])
def test_rejects_damaged_files(saved, damage, error, words):
    damage(saved.path)
    with pytest.raises(error, match=words):
        zoo.open(saved.path).check()


def test_rejects_columns_that_nobody_saved(saved):
    name = saved.table().columns[1]
    for asked in ({"columns": [f"{name}h"]}, {"filters": [(f"{name}h", "==", 1)]}):
        with pytest.raises(ValueError, match=f"Did you mean '{name}'"):
            saved.table(**asked)


def test_rejects_half_a_zoo(tmp_path, table, monkeypatch):
    def broken(*_):
        raise OSError("no space left")

    zoo.save(tmp_path / "zoo", networks(), table)
    monkeypatch.setattr(zoo_files, "save_file", broken)
    with pytest.raises(OSError, match="no space left"):
        zoo.save(tmp_path / "zoo", networks()[:1], table[:1], overwrite=True)
    with pytest.raises(OSError, match="no space left"):
        zoo.save(tmp_path / "new", networks(), table)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["zoo"]
    assert zoo.open(tmp_path / "zoo").check() == 7
    monkeypatch.undo()
    assert len(zoo.save(tmp_path / "zoo", networks()[:1], table[:1], overwrite=True)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["zoo"]


def test_rejects_what_is_no_zoo(tmp_path, table):
    with pytest.raises(ValueError, match="models has 7, table has 6"):
        zoo.save(tmp_path / "zoo", networks(), table[:6])
    with pytest.raises(ValueError, match="got shard"):
        zoo.save(tmp_path / "zoo", networks(), table.assign(shard=1))
    with pytest.raises(ValueError, match="at least one network"):
        zoo.save(tmp_path / "zoo", [], table[:0])
    (tmp_path / "mine.txt").write_text("keep")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="folder must be"):
            zoo.save(tmp_path, networks(), table, overwrite=overwrite)
    with pytest.raises(ValueError, match="0 to 6, got 7"):
        zoo.save(tmp_path / "zoo", networks(), table).params(7)
    assert json.loads(zoo.open(tmp_path / "zoo").places["recipe"][0])["kind"] == "MLP"

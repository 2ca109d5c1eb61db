"""Oracle: a public zoo written out by hand with json and torch.save, as its authors write it."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch

from workbench.landscape import zoo
from workbench.landscape.zoo_public import (
    export_public,
    import_public,
    public_params,
    public_table,
)
from workbench.train.models import MLP


@pytest.fixture
def public(tmp_path):
    """Two networks, three epochs with results, checkpoints of two of them."""
    for k, width in enumerate((2, 4)):
        folder = tmp_path / "public" / f"NN_tune_trainable_{k}"
        config = {"model::width": width, "model::type": "Resnet18_width", "optim::lr": 0.1,
                  "optim::wd": 5e-4, "training::batchsize": 8, "seed": k,
                  "resources": {"cpu": 12}}
        (folder / "checkpoint_000002").mkdir(parents=True)
        (folder / "checkpoint_000000").mkdir()
        (folder / "params.json").write_text(json.dumps(config))
        lines = [{"training_iteration": epoch, "train_loss": 2.0 - epoch, "train_acc": 0.25,
                  "test_acc": 0.1 * epoch, "config": config} for epoch in range(3)]
        lines[2] |= {"hessian_trace_train": 50.0, "representation_similarity": math.nan,
                     "curve_mc_train_error": -3.5}
        (folder / "result.json").write_text("\n".join(map(json.dumps, lines)) + "\n")
        for epoch in (0, 2):
            state = {"weight": torch.full((width, 3), 10.0 * epoch + k)}
            torch.save(state, folder / f"checkpoint_{epoch:06}" / "checkpoints")
    return tmp_path / "public"


def test_matches_the_table_of_a_public_zoo(public):
    table = public_table(public)
    assert table["width"].tolist() == [2, 4]
    assert table["epoch"].tolist() == [2, 2]
    np.testing.assert_allclose(table["test_accuracy"], 20)
    np.testing.assert_allclose(table["train_accuracy"], 25)
    np.testing.assert_allclose(table["connectivity"], -3.5)
    assert table["similarity"].isna().all()
    assert table["model::type"].tolist() == ["Resnet18_width"] * 2
    assert "resources" not in table
    assert public_table(public, epoch=1)["loss"].tolist() == [1.0, 1.0]


def test_matches_an_imported_zoo(public, tmp_path):
    found = import_public(public, tmp_path / "ours")
    assert torch.equal(found.params(1)["weight"], torch.full((4, 3), 21.0))
    assert found.table(["batch_size"])["batch_size"].tolist() == [8, 8]
    assert "CC BY 4.0" in found.card
    early = import_public(public, tmp_path / "early", epoch=0)
    assert torch.equal(early.params(0)["weight"], torch.zeros(2, 3))


def test_identity_exported_and_imported_again(tmp_path):
    models = [MLP(3, 2, 2, generator=torch.Generator().manual_seed(k)) for k in range(2)]
    table = pd.DataFrame({"width": [2, 2], "seed": [0, 1], "loss": [0.5, math.nan],
                          "test_accuracy": [91.0, 12.5], "status": ["trained", "diverged"]})
    first = zoo.save(tmp_path / "zoo", models, table)
    folder = export_public(first, tmp_path / "public", epoch=5)
    lines = (folder / "model_00000" / "result.json").read_text().splitlines()
    assert json.loads(lines[5])["test_acc"] == pytest.approx(0.91)
    assert json.loads(lines[5])["config"]["model::width"] == 2
    assert "NaN" not in (folder / "model_00001" / "result.json").read_text()
    again = import_public(folder, tmp_path / "again")
    pd.testing.assert_frame_equal(again.table()[list(table)], table)
    for k, model in enumerate(models):
        for name, tensor in model.state_dict().items():
            assert torch.equal(again.params(k)[name], tensor)


class Planted:
    """A pickle that would run code."""

    def __reduce__(self):
        return (print, ("planted",))


def test_rejects_a_checkpoint_that_would_run_code(public, capsys):
    folder = public / "NN_tune_trainable_0"
    torch.save({"weight": Planted()}, folder / "checkpoint_000002" / "checkpoints")
    with pytest.raises(ValueError, match="must be a PyTorch state dict of tensors alone"):
        public_params(folder)
    assert "planted" not in capsys.readouterr().out


def test_rejects_damaged_files(public, tmp_path):
    folder = public / "NN_tune_trainable_0"
    with pytest.raises(FileNotFoundError, match="Epochs here: 0, 2"):
        public_params(folder, epoch=1)
    with pytest.raises(ValueError, match="epoch must be one of the 3"):
        public_table(public, epoch=7)
    (folder / "checkpoint_000002" / "checkpoints").write_bytes(b"no state dict")
    with pytest.raises(ValueError, match="Download it again"):
        public_params(folder)
    torch.save([1, 2], folder / "checkpoint_000002" / "checkpoints")
    with pytest.raises(ValueError, match="holds list"):
        public_params(folder)
    (folder / "result.json").write_text('{"training_iteration": 0}\n{"train_loss": 1.')
    with pytest.raises(ValueError, match=r"line 2 of .*result\.json must be a JSON object"):
        public_table(public, epoch=1)
    with pytest.raises(FileNotFoundError, match="Unpack the zoo"):
        public_table(tmp_path / "nowhere")

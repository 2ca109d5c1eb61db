"""What a result leaves in files: it comes back as it was, and nothing in it can be code."""

import json
import os
import pickle
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from workbench.core import Estimate, Result, Summary
from workbench.runs import save
from workbench.runs.storage.folder import Run


def saved(study, **parts):
    return save(study, study.Params(), Result(Summary({}), **parts))


ARRAYS = {
    "matrix": np.arange(6.0).reshape(2, 3), "one": np.array(3.5), "flags": np.array([True, False]),
    "whole": np.array([1, 2, 2**40]), "single": np.array([0.1, np.nan, np.inf], dtype=np.float32),
    "words": np.array(["é", "數 😀", ""]), "empty": np.zeros((0, 3)), "bytes": np.uint8([0, 255]),
    "complex": np.array([1j, 2.0]), "short": np.array([0.5, 2.0], dtype=np.float16),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_identity_numpy_arrays_come_back(study, name):
    back = saved(study, arrays={name: ARRAYS[name]}).arrays()[name]
    assert isinstance(back, np.ndarray)
    np.testing.assert_array_equal(back, ARRAYS[name])
    assert back.shape == ARRAYS[name].shape
    assert back.dtype.kind in (ARRAYS[name].dtype.kind, "O")
    assert name == "words" or back.dtype == ARRAYS[name].dtype


def test_identity_xarray_objects_come_back(study):
    named = xr.DataArray([1.0, 2.0], dims="t", coords={"t": [10, 20]}, name="slope",
                         attrs={"unit": "m"})
    plain = xr.DataArray(np.eye(2), dims=("a", "b"))
    both = xr.Dataset({"x": named, "y": ("t", [1, 2])}, attrs={"title": "two"})
    back = saved(study, arrays={"named": named, "plain": plain, "both": both}).arrays()
    xr.testing.assert_identical(back["named"], named)
    xr.testing.assert_identical(back["plain"], plain)
    xr.testing.assert_identical(back["both"], both)


def test_identity_arrays_and_posteriors_do_not_mix(study):
    run = saved(study, arrays={"trend": np.ones(2)}, tables={"trend": pd.DataFrame({"x": [1]})})
    assert list(run.arrays()) == list(run.tables()) == ["trend"]
    assert run.inference() == run.networks() == {}


def test_identity_networks_come_back(study):
    import torch

    layer = torch.nn.Linear(3, 2)
    parameters = {"weight": layer.weight, "half": layer.bias.detach().to(torch.bfloat16),
                  "steps": np.array(7), "mask": np.array([True, False]),
                  "turned": np.arange(6.0).reshape(2, 3).T}
    back = saved(study, networks={"student": parameters}).networks()["student"]
    np.testing.assert_array_equal(back["weight"], layer.weight.detach().numpy())
    np.testing.assert_array_equal(back["half"],
                                  layer.bias.detach().to(torch.bfloat16).float().numpy())
    assert (back["half"].dtype, back["steps"].shape, back["mask"].dtype) == (
        np.float32, (), np.dtype(bool))
    np.testing.assert_array_equal(back["turned"], parameters["turned"])


@pytest.mark.parametrize(("parts", "told"), [
    ({"arrays": {"x": np.zeros(2, dtype="i4,f8")}}, r"arrays\['x'\] must hold what NetCDF knows"),
    ({"arrays": {"x": np.array([object()])}}, r"arrays\['x'\] must hold what NetCDF knows"),
    ({"arrays": {"x": [{}, 1]}}, r"arrays\['x'\] must hold what NetCDF knows"),
    ({"networks": {"x": {"w": np.array(["a"])}}}, r"networks\['x'\] must hold numbers, got <U1"),
    ({"networks": {"../x": {"w": np.ones(1)}}}, r"must be letters.*'\.\./x'"),
    ({"arrays": {"/etc/x": np.ones(1)}}, "must be letters.*'/etc/x'"),
    ({"tables": {"a\0b": pd.DataFrame()}}, "must be letters"),
    ({"tables": {"..": pd.DataFrame()}}, "must be letters"),
    ({"arrays": {"%2e%2e": np.ones(1)}}, "must be letters"),
    ({"arrays": {7: np.ones(1)}}, "must be letters, .*got 7"),
], ids=range(10))
def test_rejects_what_cannot_be_saved(study, store, parts, told):
    with pytest.raises(ValueError, match=told):
        saved(study, **parts)
    assert list(store.iterdir()) == []


def test_identity_manifest_lists_every_file(study):
    run = saved(study, arrays={"a": np.ones(2)}, networks={"n": {"w": np.ones(1)}})
    files = json.loads((run.folder / "manifest.json").read_text())["files"]
    assert set(files) == {"artifacts/arrays/a.nc", "artifacts/networks/n.safetensors",
                          "metrics.json"}
    assert files["artifacts/arrays/a.nc"]["media_type"] == "application/x-netcdf"


@pytest.fixture
def bomb(tmp_path):
    """Bytes that make a folder when they are unpickled, and that folder."""
    sign = tmp_path / "exploded"

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(sign),)

    data = pickle.dumps(Bomb())
    pickle.loads(data)          # the test itself must be able to fail
    sign.rmdir()
    return data, sign


@pytest.mark.parametrize("path", [
    "x.parquet", "x.nc", "x.pkl", "x.pickle", "x.npz", "x.npy", "x.pt", "x.joblib", "arrays/x.nc",
    "networks/x.safetensors", "networks/x.pt", "arrays/x.npy",
])
def test_rejects_planted_pickles(study, bomb, path):
    data, sign = bomb
    run = saved(study, arrays={"a": np.ones(1)}, networks={"n": {"w": np.ones(1)}})
    planted = run.folder / "artifacts" / path
    planted.write_bytes(data)
    for read in (run.tables, run.inference, run.arrays, run.networks):
        with suppress(Exception):       # what is no table is refused by the table's own reader
            read()
    assert not sign.exists()
    assert planted.read_bytes() == data


def test_identity_links_are_not_read(study, tmp_path):
    run = saved(study, tables={"rows": pd.DataFrame({"x": [1]})}, arrays={"a": np.ones(1)})
    secret = tmp_path / "secret.parquet"
    shutil.copy(run.folder / "artifacts" / "rows.parquet", secret)
    (run.folder / "artifacts" / "stolen.parquet").symlink_to(secret)
    (run.folder / "report.html").symlink_to(secret)
    shutil.move(run.folder / "artifacts" / "arrays", tmp_path / "arrays")
    (run.folder / "artifacts" / "arrays").symlink_to(tmp_path / "arrays")
    assert list(run.tables()) == ["rows"]
    assert (run.arrays(), run.report) == ({}, None)


@pytest.fixture
def inside(study, tmp_path, monkeypatch):
    """Folder of the run that executes "this notebook"."""
    from workbench.runs import Store

    with Store(tmp_path / "runs").staged("tiny", "ab" * 32) as stage:
        monkeypatch.setenv("WORKBENCH_RUN_FOLDER", str(stage.folder))
        yield stage.folder


def test_identity_saving_twice_keeps_the_last_result(study, inside):
    first = saved(study, tables={"old": pd.DataFrame({"x": [1]})})
    assert (first.state, first.path) == ("running", inside)
    params = study.Params(n=9)
    save(study, params, Result(Summary({"n": Estimate(9.0, why="given")}),
                               arrays={"new": np.ones(1)}))
    assert (first.tables(), list(first.arrays())) == ({}, ["new"])
    assert json.loads((inside / "metrics.json").read_text())["params"] == params.values()


def test_recovers_from_a_save_that_fails_half_way(study, inside, monkeypatch):
    before = {path.name for path in inside.iterdir()}
    half = {"arrays": {"good": np.ones(3), "wrong": np.array([object()])}}
    with pytest.raises(ValueError, match="arrays"):
        saved(study, **half)
    assert {path.name for path in inside.iterdir()} == before
    saved(study, tables={"rows": pd.DataFrame({"x": [1]})})
    kept = {path: path.read_bytes() for path in sorted(inside.rglob("*")) if path.is_file()}
    with pytest.raises(ValueError, match="arrays"):
        saved(study, **half)
    monkeypatch.setattr(study, "figures", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        saved(study, arrays={"good": np.ones(3)})
    assert kept == {path: path.read_bytes() for path in sorted(inside.rglob("*"))
                    if path.is_file()}


@pytest.mark.parametrize("folder", ["", ".", "/", "../..", "/tmp/elsewhere", "a\0b",
                                    ".20260101T000000Z-tiny-01234567-abcdef.partial"])
def test_rejects_a_run_folder_that_is_none(study, store, monkeypatch, folder):
    if "\0" in folder:
        monkeypatch.setattr("os.environ", {**os.environ, "WORKBENCH_RUN_FOLDER": folder})
    else:
        monkeypatch.setenv("WORKBENCH_RUN_FOLDER", folder)
    if not folder:
        assert isinstance(saved(study), Run)
        return
    with pytest.raises(ValueError, match="WORKBENCH_RUN_FOLDER must name the folder of a run"):
        saved(study)


def test_identity_no_module_unpickles():
    package = Path(save.__code__.co_filename).parents[1]
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for word in ("import pickle", "allow_pickle=True", "torch.load", "joblib.load"):
            assert word not in text, f"{path} has {word}"

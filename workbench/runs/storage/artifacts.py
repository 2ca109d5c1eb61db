"""Files that hold a result: tables, posteriors, arrays, networks. None of them can hold code.

Parquet, NetCDF and safetensors are data only; pickle, which runs what it reads, is never used.
"""

import hashlib
import mimetypes
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core import Result, libraries
from workbench.runs.storage.names import PLAIN

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["arrays", "inference", "listed", "networks", "regular_files", "tables", "write"]

FOLDER = "artifacts"
# Written from the run or about its course, so not part of it.
DERIVED = frozenset({"report.html", "manifest.json", "begun.json"})
MEDIA_TYPES = {".ipynb": "application/x-ipynb+json", ".nc": "application/x-netcdf",
               ".parquet": "application/vnd.apache.parquet",
               ".safetensors": "application/vnd.safetensors"}
ARRAY = "workbench_numpy_array"  # attribute of a NetCDF file that was one NumPy array


def write(folder: Path, result: Result) -> None:
    """Write the files of a result below a folder.

    Raises
    ------
    ValueError
        If a name cannot be a file name, or an array cannot be told in NetCDF.
    """
    kinds: tuple[tuple[str, str, Mapping[str, Any], Callable[[Any, Path, str], None]], ...] = (
        ("", ".parquet", result.tables, _write_table),
        ("", ".nc", result.inference, _write_inference),
        ("arrays", ".nc", result.arrays, _write_array),
        ("networks", ".safetensors", result.networks, _write_network))
    _plain(name for _, _, group, _ in kinds for name in group)
    for place, suffix, group, write_one in kinds:
        for name, value in group.items():
            target = folder / place
            target.mkdir(parents=True, exist_ok=True)
            write_one(value, target / f"{name}{suffix}", name)


def tables(folder: Path) -> "dict[str, pd.DataFrame]":
    """Tables of a run's folder."""
    import pandas as pd

    return {path.stem: pd.read_parquet(path) for path in _files(folder, "", ".parquet")}


def inference(folder: Path) -> dict[str, Any]:
    """Posteriors of a run's folder."""
    paths = _files(folder, "", ".nc")
    if not paths:
        return {}
    arviz = libraries.arviz()

    return {path.stem: arviz.from_netcdf(path, engine="h5netcdf") for path in paths}


def arrays(folder: Path) -> dict[str, Any]:
    """Arrays of a run's folder."""
    paths = _files(folder, "arrays", ".nc")
    if not paths:
        return {}
    import xarray as xr

    found = {}
    for path in paths:
        data: Any = xr.load_dataset(path, engine="h5netcdf")
        kind = data.attrs.pop(ARRAY, "")
        if kind:
            data = next(iter(data.data_vars.values()))
            data = data.to_numpy() if kind == "numpy" else data.rename(kind[1:] or None)
        found[path.stem] = data
    return found


def networks(folder: Path) -> "dict[str, dict[str, np.ndarray]]":
    """Network parameters of a run's folder."""
    paths = _files(folder, "networks", ".safetensors")
    if not paths:
        return {}
    from safetensors.numpy import load_file

    return {path.stem: load_file(path) for path in paths}


def regular_files(folder: Path) -> Iterator[Path]:
    """Files below a folder, sorted; links, pipes and what they lead to are left out."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(place, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """Size [bytes], SHA-256 and media type of each file of a run."""
    return {path.relative_to(folder).as_posix(): {
        "bytes": path.stat().st_size, "sha256": _digest(path), "media_type": _media_type(path)}
        for path in regular_files(folder) if path.name not in DERIVED}


def _plain(names: Iterable[Any]) -> None:
    for name in names:
        if not (isinstance(name, str) and PLAIN.fullmatch(name)):
            raise ValueError(f"names of tables, posteriors, arrays and networks must be letters, "
                             f"digits, spaces, - and _, got {name!r}. Rename it in the study.")


def _write_table(table: Any, path: Path, _: str) -> None:
    table.to_parquet(path)


def _write_inference(posterior: Any, path: Path, _: str) -> None:
    posterior.to_netcdf(str(path), engine="h5netcdf")


def _write_array(array: Any, path: Path, name: str) -> None:
    import numpy as np
    import xarray as xr

    try:
        if isinstance(array, xr.Dataset):
            data = array
        elif isinstance(array, xr.DataArray):
            # The leading letter tells an array without a name from a NumPy array.
            data = array.to_dataset(name="values" if array.name is None else array.name)
            data.attrs[ARRAY] = "x" + ("" if array.name is None else str(array.name))
        else:
            values = np.asarray(array)
            data = xr.Dataset({"values": (tuple(f"axis_{i}" for i in range(values.ndim)),
                                          values)}, attrs={ARRAY: "numpy"})
        data.to_netcdf(path, engine="h5netcdf")
    except (TypeError, ValueError, NotImplementedError) as problem:
        cause = next(iter(str(problem).splitlines()), "")
        raise ValueError(
            f"arrays[{name!r}] must hold what NetCDF knows (whole numbers, floats of 32 or 64 "
            f"bits, booleans, texts, dates), got {getattr(array, 'dtype', type(array).__name__)} "
            f"({cause}). Convert it in the study.") from problem


def _write_network(parameters: Any, path: Path, name: str) -> None:
    from safetensors.numpy import save_file

    save_file({str(key): _numpy(value, name) for key, value in parameters.items()}, path)


def _numpy(value: Any, name: str) -> "np.ndarray":
    import numpy as np

    if hasattr(value, "detach"):
        tensor = value.detach().cpu()
        # NumPy has no bfloat16, and every bfloat16 is a float32.
        value = (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()
    array = np.ascontiguousarray(value)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"networks[{name!r}] must hold numbers, got {array.dtype}. "
                         "Save other things as tables.")
    return array.reshape(np.shape(value))


def _files(folder: Path, place: str, suffix: str) -> list[Path]:
    target = folder / FOLDER / place
    if any(each.is_symlink() for each in (folder / FOLDER, target)) or not target.is_dir():
        return []
    return sorted(path for path in target.iterdir()
                  if path.suffix == suffix and stat.S_ISREG(path.lstat().st_mode))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())  # what the manifest lists is on the disk before the manifest
        return hashlib.file_digest(file, "sha256").hexdigest()


def _media_type(path: Path) -> str:
    guessed = MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return guessed or "application/octet-stream"

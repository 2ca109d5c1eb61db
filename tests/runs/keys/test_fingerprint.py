"""The key: equal when nothing differs that decides a result, different when anything does."""

import json
import math
import os
from pathlib import Path

import nbformat
import pytest

from workbench.runs.keys import environment, fingerprint
from workbench.runs.keys.fingerprint import key, key_of, key_parts, obstacle

R = {"name": "ir", "language": "R", "display_name": "R"}


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Write a notebook of code cells: ``book("x = 1", y=metadata)``."""
    monkeypatch.chdir(tmp_path)

    def write(*sources, path=tmp_path / "books" / "any {x} é.ipynb", **metadata):
        cells = [nbformat.v4.new_code_cell(source, id=f"c{n}")
                 for n, source in enumerate(sources)]
        path.parent.mkdir(exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
        return path
    return write


def key_with(notebook, values=None, **more):
    return key_of(key_parts(notebook, values or {}, **more))


def test_identity_what_decides_nothing_leaves_the_key(book, tmp_path):
    path = book("x = 1", "y = 2")
    first = key_with(path)
    content = json.loads(path.read_text())
    for number, cell in enumerate(content["cells"]):
        cell |= {"id": f"renamed-{number}", "execution_count": 7, "outputs": [
            {"output_type": "stream", "name": "stdout", "text": "new"}]}
    empty = {"cell_type": "code", "id": "e", "source": " \n", "metadata": {}, "outputs": []}
    prose = {"cell_type": "markdown", "id": "p", "source": "# Words", "metadata": {}}
    content["cells"] += [prose, empty]
    content["metadata"]["custom"] = 1
    path.write_text(json.dumps(content))
    assert key_with(path) == first == key_with(path, {})
    path.rename(tmp_path / "elsewhere.ipynb")
    assert key_with(tmp_path / "elsewhere.ipynb") == first
    assert len(first) == 64


def test_identity_order_and_kind_of_parameters(book):
    path = book("x = 1")
    assert key_with(path, {"a": 1, "b": 2}) == key_with(path, {"b": 2, "a": 1})
    values = [1, 1.0, True, "1", None, "None", math.nan, math.inf, -math.inf, "nan", [1], [1.0],
              {"a": math.nan}, -0.0, 0.0, "\udce9", {"a": [1]}]
    keys = {key_with(path, {"x": value}) for value in values}
    assert len(keys) == len(values)


def test_identity_injected_cell_is_replaced(book):
    plain = key_with(book("x = 1"), {"x": 3})
    path = book("x = 1", "x = 2")
    content = json.loads(path.read_text())
    content["cells"][1]["metadata"] = {"tags": ["injected-parameters"]}
    path.write_text(json.dumps(content))
    assert key_with(path, {"x": 3}) == plain
    assert key_with(path) != key_with(book("x = 1"))


@pytest.mark.parametrize("change", [
    ("x = 1", "import near2"), ("import near", "x = 1"), ("x = 1", "import near "),
    {"near.py": "import far\nvalue = 2"}, {"far.py": "value = 2"}, {"table.csv": "a\n2\n"},
    {"declared.txt": "new"}, {"many/b.txt": "old"}, {"missing": ""},
], ids=["cells", "order", "a space", "module", "module of a module", "file", "declared", "pattern",
        "missing"])
def test_matches_every_change(book, tmp_path, change):
    wishes = {"workbench": {"data": ["declared.txt", "many/*.txt", "missing"]}}
    folder = tmp_path / "books"
    first = book("x = 1", "import near", **wishes)
    (folder / "many").mkdir()
    for name, text in {"near.py": "import far\nvalue = 1", "far.py": "", "table.csv": "a\n1\n",
                       "declared.txt": "old", "many/a.txt": "old", "near2.py": ""}.items():
        (folder / name).write_text(text)
    values = {"table": str(folder / "table.csv"), "none": "a\0b", "long": "x" * 5000}
    before = key_parts(first, values)
    assert key_with(first, values) == key_of(before)
    assert before["data"]["missing"] is None
    assert set(before["data"]) == {"table", "declared.txt", "many/a.txt", "missing"}
    assert list(before["code"]) == ["far", "near"]
    json.dumps(before, allow_nan=False)
    if isinstance(change, tuple):
        book(*change, **wishes)
    else:
        for name, text in change.items():
            (folder / name).write_text(text)
    assert key_with(first, values) != key_of(before)


def test_matches_python_environment_and_device(book, monkeypatch):
    path = book("x = 1")
    keys = [key_with(path)]
    for target, value in (("platform.python_version", "4.0"),
                          ("workbench.runs.keys.environment.device_class", "cuda"),
                          ("workbench.runs.keys.environment.environment",
                           environment.Environment("0" * 32, {}))):
        monkeypatch.setattr(target, lambda value=value: value)
        keys.append(key_with(path))
    assert len(set(keys)) == 4


def test_matches_folders_and_lists_of_files(book, tmp_path):
    path, data = book("x = 1"), tmp_path / "data"
    data.mkdir()
    (data / "one.csv").write_text("1")
    (tmp_path / "two.csv").write_text("2")
    values = {"folder": str(data), "files": ["two.csv", "none.csv"]}
    first = key_parts(path, values)["data"]
    assert set(first) == {"folder", "files[0]"}
    (data / "other.csv").write_text("1")
    assert key_parts(path, values)["data"]["folder"] != first["folder"]
    assert key_parts(path, values, folder=data)["data"] == {
        "folder": key_parts(path, values)["data"]["folder"]}


def test_matches_files_inside_values_and_of_defaults(book, tmp_path):
    path, file = book("x = 1"), tmp_path / "one.csv"
    file.write_text("1")
    values = {"where": {"table": "one.csv", "more": [["one.csv"]]}}
    nested = key_parts(path, values)
    assert set(nested["data"]) == {"where['table']", "where['more'][0][0]"}
    default = key_parts(path, {}, defaults={"table": "one.csv"})
    assert set(default["data"]) == {"table"}
    assert key_parts(path, {"table": ""}, defaults={"table": "one.csv"})["data"] == {}
    file.write_text("2")
    assert key_parts(path, values) != nested
    assert key_parts(path, {}, defaults={"table": "one.csv"}) != default


def test_identity_runs_saved_below_a_named_folder_are_no_data(book, tmp_path):
    path, data = book("x = 1"), tmp_path / "data"
    data.mkdir()
    (data / "one.csv").write_text("1")
    first = key_parts(path, {"place": str(data)})
    for name in ("runs/_environments/x.json", "runs/a run/report.html", ".git/index",
                 "__pycache__/x.pyc", ".hidden"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("x")
    assert key_parts(path, {"place": str(data)}) == first


def test_matches_two_declared_folders_with_files_of_one_name(book, tmp_path):
    path = book("x = 1", workbench={"data": ["a", "b", 5]})
    for name in "ab":
        (path.parent / name).mkdir()
        (path.parent / name / "x.csv").write_text(name)
    first = key_parts(path, {})["data"]
    assert set(first) == {"a/x.csv", "b/x.csv", "5"}
    (path.parent / "a" / "x.csv").write_text("new")
    assert key_parts(path, {})["data"] != first
    assert key_parts(book("x = 1", workbench={"data": 5}), {})["data"] == {}


def test_rejects_to_reuse_what_depends_on_too_many_files(book, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.runs.keys.data.MOST_FILES", 3)
    for name in "abcd":
        (tmp_path / name).write_text("x")
    parts = key_parts(book("x = 1"), {"place": str(tmp_path), "mark": "/"})
    assert set(parts["data"]) == {"place"}
    assert "the folder of place holds more than" in fingerprint.obstacle(parts)
    assert fingerprint.obstacle(parts | {"cache": "always"}) == ""
    assert fingerprint.obstacle(parts | {"data": {}}) == ""


def test_identity_rooms_that_only_execute_do_not_count(study, make_notebook, tmp_path):
    path = make_notebook(tmp_path / "own.ipynb", ("more", "from workbench.ui import StudyPage"))
    code = key_parts(path, {}, study=study)["code"]
    assert {"tiny", "workbench", "workbench.core", "workbench.core.result"} <= set(code)
    assert not [name for name in code if name.startswith(("workbench.runs", "workbench.ui"))]


def test_matches_the_shipped_table_a_parameter_names(book):
    from workbench.studies import opinion_trends

    paths = opinion_trends.Params.paths
    assert paths == {"data"}
    values = opinion_trends.Params().values()
    notebook = fingerprint.notebook_path(opinion_trends)
    files = key_parts(notebook, values, study=opinion_trends)["data"]
    assert set(files) == {"data/raw/us-presidents-approval/presidents.csv"}
    every = key_parts(notebook, values | {"data": "mine"}, study=opinion_trends)["data"]
    assert "data/raw/fomc-statements/statements.jsonl" in every
    Path("date").write_text("a file of that name")      # not one of the parameters that name files
    assert key_parts(notebook, values, study=opinion_trends)["data"] == files


def test_identity_key_of_a_study(study):
    params = study.Params(n=5)
    parts = key_parts(fingerprint.notebook_path(study), params.values(), study=study)
    assert key(study, params) == key_of(parts)
    assert parts["schema"] == fingerprint.KEY_SCHEMA
    missing = Path(os.environ["WORKBENCH_ROOT"]) / "none.ipynb"
    assert key_parts(missing, {}, study=study)["cells"] == []


@pytest.mark.parametrize(("metadata", "words"), [
    ({}, ""), ({"workbench": {"cache": "never"}}, "workbench.cache = never"),
    ({"kernelspec": R}, "packages of the kernel r cannot be seen"),
    ({"kernelspec": R, "workbench": {"cache": "always"}}, ""),
    ({"workbench": "nonsense"}, ""), ({"workbench": {"data": "x", "cache": None}}, ""),
], ids=str)
def test_matches_what_must_not_stand_for_another_run(book, metadata, words):
    found = obstacle(key_parts(book("x <- 1", **metadata), {}))
    assert bool(found) == bool(words)
    assert words in found


def test_identity_another_python_is_another_key(book):
    path = book("x = 1")
    parts = key_parts(path, {}, kernel="other")
    assert key_of(parts) != key_with(path)
    assert "packages of the kernel other cannot be seen" in obstacle(parts)


def test_rejects_a_notebook_that_cannot_be_read(book):
    path = book("x = 1")
    path.write_text(path.read_text()[:60])
    with pytest.raises(ValueError, match=r"which cannot be read \(.*line \d+ column \d+"):
        key_parts(path, {})

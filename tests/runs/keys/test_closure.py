"""The source that code imports: all of it, nothing installed, nothing executed."""

import ast
import importlib
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from workbench.runs.keys import closure as room
from workbench.runs.keys.closure import closure
from workbench.runs.keys.imports import Request, plain_python, requests


@pytest.fixture
def tree(tmp_path):
    """Write modules: ``tree({"a/b.py": "import c"})``; nothing in them may be executed."""
    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\nraise SystemExit('executed')\n", encoding="utf-8")
        return tmp_path
    return write


@pytest.mark.parametrize(("code", "expected"), [
    ("import a.b, c as d", {("a.b",), ("c",)}), ("from a import b, c", {("a", "b"), ("a", "c")}),
    ("def f():\n  class C:\n    from .. import x", {("", "x", 2)}),
    ("try:\n  import a\nexcept ImportError:\n  pass", {("a",)}),
    ("import importlib\nimportlib.import_module('a.b')", {("importlib",), ("a.b",)}),
    ("__import__('a'); f(import_module('.b', 'a'))", {("a",), ("b", "", 1)}),
    ("import_module(name)", set()), ("x = 'import a'  # import b", set()),
    ("%matplotlib inline\nimport a\nb = !ls\nx?", {("a",)}), ("%%time\nimport a", {("a",)}),
    ("%%bash\nimport a", set()), ("%load_ext a.b\nimport c", {("a.b",), ("c",)}),
    ("import a\nif\nfrom b import (\n  c)", {("a",), ("b", "*")}), ("await x\nimport a", {("a",)}),
    ("'\\d'\nimport a", {("a",)}), ("\0import a", set()), ("(" * 5000 + "\nimport a", {("a",)}),
    ("match x:\n  case 1:\n    import a\ntry:\n  pass\nfinally:\n  import b", {("a",), ("b",)}),
    ("if TYPE_CHECKING:\n  from .a import b as c\nelse:\n  import d",
     {("a", "b", 1, "c"), ("d",)}),
    ("if typing.TYPE_CHECKING:\n  if x:\n    import a.b\nif not TYPE_CHECKING:\n  import c",
     {("a.b", "", 0, "a"), ("c",)}),
    (b"# coding: latin-1\nimport a\nx = '\xe9'", {("a",)}), (b"\xff\xfe\nimport a", {("a",)}),
], ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value))
def test_matches_imports_of_a_text(code, expected):
    assert requests(code) == {Request(*each) for each in expected}


def test_matches_every_import_of_a_real_library():
    found = 0
    for path in sorted(Path(json.__file__).parent.parent.glob("a*/*.py")):
        source = path.read_bytes()
        names = {alias.name if isinstance(node, ast.Import) else node.module or ""
                 for node in ast.walk(ast.parse(source))
                 if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
        assert names == {each.module for each in requests(source)}
        found += len(names)
    assert found > 100


def test_identity_plain_code_stays_as_it_is():
    code = "if x:\n    y = a % b\n    z = 'what?'\n"
    assert plain_python(code).splitlines() == code.splitlines()


def test_matches_what_python_loads(tree, monkeypatch):
    folder = tree({"top.py": "", "pkg/__init__.py": "", "pkg/one.py": "", "pkg/two.py": "",
                   "pkg/sub/__init__.py": "", "pkg/sub/deep.py": "", "unused.py": "",
                   "space/part.py": "", "space/inner/leaf.py": "", "attribute.py": ""})
    sources = {"top.py": "import pkg.sub.deep\nfrom space.inner import leaf",
               "pkg/sub/deep.py": "def f():\n    from ..one import value\nf()",
               "pkg/one.py": "from . import two, sub\nvalue = 1",
               "pkg/two.py": "from pkg import one",
               "attribute.py": "from json import dumps\nname = 1"}
    for path in folder.rglob("*.py"):
        path.write_text(sources.get(path.relative_to(folder).as_posix(), ""))
    cell = "import top, numpy\nfrom attribute import name\nimport nowhere.at.all\nimport sys"
    code = (f"import sys; sys.path.insert(0, {str(folder)!r})\n"
            f"{cell.replace('import nowhere.at.all', '')}\n"
            "print(*sorted(name for name, module in sys.modules.items()"
            f" if (getattr(module, '__file__', None) or '').startswith({str(folder)!r})))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(closure([cell], {}, folders=[folder])) == done.stdout.split()
    assert "pkg.two" in done.stdout.split()


def test_matches_star_zip_scripts_and_cycles(tree):
    folder = tree({"stars/__init__.py": "", "stars/a.py": "import ring", "ring.py": "import ring2",
                   "ring2.py": "import ring", "script.py": "import helper", "helper.py": ""})
    with zipfile.ZipFile(folder / "packed.zip", "w") as archive:
        archive.writestr("zipped/__init__.py", "from zipped import inside")
        archive.writestr("zipped/inside.py", "import beyond")
    tree({"beyond.py": ""})
    found = closure(["from stars import *", "%run -i 'script.py'", "import zipped"], {},
                    folders=[folder, folder / "packed.zip"])
    assert sorted(found) == ["beyond", "helper", "ring", "ring2", "script.py", "stars", "stars.a",
                             "zipped", "zipped.inside"]
    assert found["zipped"] == found["zipped.inside"]


def test_identity_left_out_rooms_are_not_followed(tree):
    folder = tree({"own/__init__.py": "", "own/runs/__init__.py": "import behind", "behind.py": "",
                   "own/core.py": "", "own/runsome.py": ""})
    cell = "from own import runs, core, runsome\nimport own.runs"
    assert sorted(closure([cell], {}, folders=[folder], without=["own.runs"])) == [
        "own", "own.core", "own.runsome"]


FACE = """from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from own.one import First
    from .two import second as Second
import importlib, sys
HOMES = {"First": "one", "Second": "two"}
def __getattr__(name):
    found = importlib.import_module(f"own.{HOMES[name]}")
    return found.First if name == "First" else found.second"""


@pytest.mark.parametrize(("cell", "expected"), [
    ("from own import First", {"one"}), ("from own import Second as own", {"two"}),
    ("import own; own.First; own.Second", {"one", "two"}), ("from own.three import x", {"three"}),
    ("import own.three; own.First; own.Second", {"one", "two", "three"}),
    ("from above import own; own.First; own.Second", {"above", "one", "two"}),
    ("from above import First; First", {"above", "one"}),
])
def test_matches_what_a_lazy_package_loads(tree, cell, expected):
    folder = tree({"own/__init__.py": "", "own/one.py": "", "own/two.py": "", "own/three.py": "",
                   "above.py": ""})
    above = "import own" if "own;" in cell else "from own import First"
    for name, text in {"own/__init__": FACE, "own/one": "First = 1", "own/two": "second = 2",
                       "own/three": "x = 3", "above": above}.items():
        (folder / f"{name}.py").write_text(text)
    names = {"above": "above", "own": "own"} | {
        f"own.{each}": each for each in ("one", "two", "three")}
    code = (f"import sys; sys.path.insert(0, {str(folder)!r})\n{cell}\n"
            f"print(*({names!r}[name] for name in {names!r} if name in sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = {names[module] for module in closure([cell], {}, folders=[folder])}
    assert found == expected | {"own"} == set(done.stdout.split())


def test_matches_a_module_that_no_cell_imports(tree):
    folder = tree({"studies/mine.py": "from .near import x", "studies/near.py": ""})
    file = folder / "studies" / "mine.py"
    assert sorted(closure([], {"studies.mine": file}, folders=[folder])) == [
        "studies.mine", "studies.near"]
    assert closure([], {"gone": folder / "gone.py"}) == {}


@pytest.mark.parametrize("settled", [False, True])
def test_recovers_every_change(tree, settled, monkeypatch):
    if settled:      # as if the files were old, so that what is known of them is used
        monkeypatch.setattr("workbench.runs.keys.digests.FRESH", -10**18)
    folder = tree({"a.py": "import b", "b.py": ""})
    seen = [closure(["import a, later"], {}, folders=[folder]) for _ in range(2)]
    assert seen[0] == seen[1]
    steps = [("b.py", "x = 1"), ("later.py", ""), ("b.py", "x = 2"), ("a.py", "")]
    for name, text in steps:
        time.sleep(0.02)                 # a clock tick of the file system
        (folder / name).write_text(text)
        importlib.invalidate_caches()
        seen.append(closure(["import a, later"], {}, folders=[folder]))
    assert [sorted(found) for found in seen[1:]] == [
        ["a", "b"], ["a", "b"], ["a", "b", "later"], ["a", "b", "later"], ["a", "later"]]
    assert len({found.get("b") for found in seen[1:5]}) == 3


def test_recovers_from_files_that_cannot_be_read(tree):
    folder = tree({"a.py": "", "late.py": ""})
    (folder / "b.py").symlink_to(folder / "nowhere.py")
    (folder / "c.py").symlink_to(folder / "a.py")
    (folder / "d.py").mkdir()
    (folder / "huge.py").write_text("x = 1\n" * 200_000 + "if x:\n    import late")
    os.mkfifo(folder / "pipe.py")
    found = closure(["import a, b, c, d, huge, pipe"], {}, folders=[folder, folder / "gone"])
    assert sorted(found) == ["a", "c", "huge", "late"]
    assert found["a"] == found["c"]


def test_identity_sources_are_parsed_once(tree, monkeypatch):
    folder = tree({"a.py": "import b", "b.py": "unique = 'parsed once'"})
    closure(["import a"], {}, folders=[folder])
    monkeypatch.setattr(room, "requests", None)
    assert sorted(closure(["import a"], {}, folders=[folder])) == ["a", "b"]

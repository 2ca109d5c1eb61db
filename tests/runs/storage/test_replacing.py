"""Files that are written beside their place: whole or not at all, whoever writes them."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workbench.runs import Run, Store
from workbench.runs.execution import single
from workbench.runs.keys.environment import environment, remember_environment
from workbench.runs.reports import assets, pdf
from workbench.runs.storage.replacing import replacing
from workbench.runs.storage.staging import write_json


def copy(folder):
    single.copy(Path(__file__), folder / "a b.ipynb")


def put(folder):
    Store(folder).put("index.html", Path(__file__))


def fetch(folder):
    store = Store(f"memory://{folder.parent.name}/{folder.name}")
    store.put("index.html", Path(__file__))
    store.workspace.mkdir(exist_ok=True)
    try:
        store.fetch("index.html")
    finally:
        shutil.copytree(store.workspace, folder, dirs_exist_ok=True)
        shutil.rmtree(store.workspace)


def json_file(folder):
    write_json(folder / "metrics.json", {"a": 1})


def page(folder):
    assets.write_page(folder / "report.html", "<p>é \udce9")


def printed(folder):
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run" / "report.html").write_text("<p>")
    pdf.write_pdf(Run("x", folder / "run"), folder / "report.pdf")
    shutil.rmtree(folder / "run")


def packages(folder):
    remember_environment(folder)


WRITERS = {copy: "a b.ipynb", put: "index.html", fetch: "index.html", json_file: "metrics.json",
           page: "report.html", printed: "report.pdf", packages: f"{environment().hash}.json"}
ONCE = {fetch, packages}  # what is there already is not written again


@pytest.fixture(autouse=True)
def no_browser(monkeypatch):
    monkeypatch.setattr(pdf, "browser", lambda: "")
    monkeypatch.setattr(pdf, "_printed", lambda *_: b"%PDF-")


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
@pytest.mark.parametrize("failure", [OSError("full"), KeyboardInterrupt()], ids=repr)
def test_recovers_from_a_failure(write, failure, tmp_path, monkeypatch):
    old = tmp_path / WRITERS[write]
    if write not in ONCE:
        old.write_text("old")
    seen = []

    def fail(self, target):
        seen.append((self.parent == Path(target).parent, self.read_bytes() != b""))
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(type(failure)):
            write(tmp_path)
    assert seen == [(True, True)]
    assert not list(tmp_path.rglob("*.partial"))
    assert [path.read_text() for path in tmp_path.glob(old.name)] == ["old"] * (write not in ONCE)
    if write is printed:
        shutil.rmtree(tmp_path / "run")
    write(tmp_path)
    assert old.read_bytes() not in (b"", b"old")
    assert [path.name for path in tmp_path.iterdir()] == [old.name]


def test_recovers_from_a_failure_half_way(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), replacing(path) as partial:
        partial.write_text("ne\udce9w", encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"
    with pytest.raises(FileNotFoundError), replacing(path):
        pass        # nothing was written
    assert path.read_text() == "old"


def test_rejects_a_folder_as_the_place(tmp_path):
    (tmp_path / "taken" / "by a folder").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"), replacing(tmp_path / "taken") as partial:
        partial.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_identity_two_writers_at_once_leave_one_whole_file(tmp_path):
    path = tmp_path / "page.html"
    with replacing(path) as one, replacing(path) as other:
        one.write_text("one")
        other.write_text("the other")
        assert not path.exists()
        assert one.parent == other.parent == tmp_path
    assert path.read_text() == "one"        # the one that ended last
    assert list(tmp_path.iterdir()) == [path]


def test_identity_copies_at_once_are_whole(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    sources = [tmp_path / letter for letter in "abcd"]
    for source in sources:
        source.write_text(source.name * 300_000)

    def copies(source):
        for _ in range(50):
            single.copy(source, folder / "x.ipynb")
            text = (folder / "x.ipynb").read_text()
            assert text == text[0] * 300_000

    with ThreadPoolExecutor() as pool:
        list(pool.map(copies, sources))
    assert [path.name for path in folder.iterdir()] == ["x.ipynb"]

"""Notebook files: old and careless ones are read, others refused in one line."""

import json
import subprocess
import sys

import nbformat
import pytest

from workbench.runs.inputs import notebooks
from workbench.runs.keys.digests import file_digest, stamp, text_digest

WHOLE = nbformat.writes(nbformat.v4.new_notebook(cells=[
    nbformat.v4.new_markdown_cell("# Words", id="title"),
    nbformat.v4.new_code_cell("x = 1\ny = 2", id="run", metadata={"tags": ["a"]})]))
OLD = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{
    "metadata": {}, "cells": [
        {"cell_type": "code", "input": ["x = 1\n", "y = 2"], "language": "python", "outputs": [],
         "metadata": {}, "collapsed": False},
        {"cell_type": "markdown", "source": "words", "metadata": {}}]}]}


@pytest.fixture
def write(tmp_path):
    def write(content, name="any.ipynb"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path
    return write


def test_identity_notebook_is_read_as_nbformat_reads_it(write):
    path = write(WHOLE)
    content = notebooks.load(path)
    assert content == nbformat.read(path, as_version=4)
    content.cells[1].source = "changed"
    assert notebooks.load(path).cells[1].source == "x = 1\ny = 2"
    notebooks.write(path, content)
    assert nbformat.read(path, as_version=4) == content
    assert notebooks.tagged(content, "a") == "changed"
    assert notebooks.tagged(content, "b") is None


def test_matches_old_and_careless_notebooks(write):
    careless = {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": [
        {"cell_type": "code", "source": ["x = 1\n", "y = 2"]},
        {"cell_type": "code", "id": "x", "source": "", "metadata": {"tags": "no list"}},
        {"cell_type": "code", "id": "x", "source": "", "metadata": {}, "outputs": [], "more": 1},
        {"cell_type": "raw", "id": "not good", "source": "", "metadata": {}}]}
    found = notebooks.load(write(careless))
    assert [cell.id for cell in found.cells] == ["cell-1", "x", "cell-3", "cell-4"]
    assert found.cells[0].outputs == []
    assert found.nbformat_minor == 5
    old = notebooks.load(write(OLD, "old.ipynb"))
    nbformat.validate(old)
    for content in (found, old, OLD, careless):
        name, _, source = notebooks.code_cells(content)[0]
        assert (name, source) == ("cell-1", "x = 1\ny = 2")


@pytest.mark.parametrize("broken", [None, [], "python3", 7])
def test_matches_a_notebook_without_its_broken_metadata(write, broken):
    cell = {"cell_type": "code", "id": "x", "source": "", "outputs": [], "execution_count": None}
    names = ("kernelspec", "language_info", "papermill", "execution")
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": dict.fromkeys(names, broken),
               "cells": [cell | {"metadata": {"tags": "parameters" if broken else None}}]}
    found = notebooks.load(write(content))
    assert found.metadata == {}
    assert found.cells[0].metadata == {}
    assert notebooks.language(found) == "python"


@pytest.mark.parametrize(("content", "words"), [
    (WHOLE[:100], r"Expecting .* line \d+ column \d+"), ("", "Expecting value"),
    ("[1]", "says no nbformat"), ('{"cells": []}', "says no nbformat"), ("[" * 10**5, "recursion"),
    ('{"nbformat": 4}', "its cells is not"), ('{"nbformat": 4, "cells": 3}', "its cells is not"),
    ('{"nbformat": 5, "cells": []}', "its nbformat is 5, this reads 1 to 4"),
    ('{"nbformat": true, "cells": []}', "says no nbformat"),
    ('{"nbformat": 4, "cells": [{"source": ""}]}', "its cells is not"),
    ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}', "its cell-1 is not"),
    ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": [3]}]}', "its cells is not"),
    ('{"nbformat": 4, "cells": [], "metadata": []}', "its metadata is not"),
], ids=lambda text: text[:40])
def test_rejects_what_is_no_notebook(write, content, words):
    path = write(content)
    for read in (notebooks.load, notebooks.raw):
        with pytest.raises(ValueError, match=rf"any\.ipynb', which cannot be read \(.*{words}"):
            read(path)


def test_rejects_what_is_no_file(write, tmp_path):
    write(WHOLE)
    (tmp_path / "latin.ipynb").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ValueError, match=r"existing file, got .*Did you mean 'any\.ipynb'\?"):
        notebooks.load(tmp_path / "anny.ipynb")
    for name in (".", "latin.ipynb"):
        with pytest.raises(ValueError, match="which cannot be read"):
            notebooks.load(tmp_path / name)


@pytest.mark.parametrize(("metadata", "language"), [
    ({}, "python"), ({"kernelspec": {"name": "python3"}}, "python"),
    ({"language_info": {"name": "ipython"}}, "python"), ({"kernelspec": {"language": "R"}}, "r"),
    ({"kernelspec": {"name": "ir"}, "language_info": {"name": "R"}}, "r"),
], ids=str)
def test_matches_language(metadata, language):
    assert notebooks.language({"metadata": metadata}) == language


def test_identity_reading_costs_no_grammar(write):
    code = ("import sys\nfrom workbench.runs.inputs import notebooks\n"
            "notebooks.load(sys.argv[1])\n"
            "print('rfc3987_syntax' in sys.modules, 'nbformat' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code, str(write(WHOLE))], capture_output=True,
                          text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_identity_digests_are_of_the_content(tmp_path, monkeypatch):
    path, copy = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"content")
    copy.write_bytes(b"content")
    assert file_digest(path) == file_digest(copy) == text_digest("content") == text_digest(
        b"content")
    assert stamp(path) is None                     # too fresh to be trusted
    assert (stamp(tmp_path / "none"), file_digest(tmp_path / "none")) == ((), None)
    assert (file_digest(tmp_path), file_digest("a\0b")) == (None, None)
    monkeypatch.setattr("workbench.runs.keys.digests.FRESH", -10**18)
    assert file_digest(path) == file_digest(copy)
    monkeypatch.setattr("builtins.open", None)     # from here on nothing is read again
    assert file_digest(path) == text_digest("content")

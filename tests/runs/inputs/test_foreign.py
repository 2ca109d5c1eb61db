"""Any notebook: what its parameters cell declares, what is refused, which kernel it gets."""

import json
import sys

import nbformat
import pytest

from workbench.runs.inputs import foreign
from workbench.runs.inputs.foreign import Declared

CELL = '''# first a comment
%matplotlib inline
n: int = 3  # how many
rate = 0.1  # type: float share of them
word = "a # b"
flag: bool = False
names = ["x",
         "y"]  # several lines
nothing = None
box = {"a": (1, 2)}
either: "int | str" = 1
made = __import__("os").system("exit 1")
low, high = 0, 1
if n > 2:
    inner = 1
x = y = -1.5; z = 2
'''


def book(cell=CELL, *, tags=("parameters",), **metadata):
    code = nbformat.v4.new_code_cell(cell, metadata={"tags": list(tags)})
    return nbformat.v4.new_notebook(cells=[code], metadata=metadata)


def spec(name, language):
    return {"kernelspec": {"name": name, "language": language, "display_name": name}}


def test_matches_what_the_cell_declares():
    found = {each.name: each for each in foreign.inspect(book())}
    assert found["n"] == Declared("n", "3", "int", "how many")
    assert found["rate"] == Declared("rate", "0.1", "float", "share of them")
    assert found["word"].default == '"a # b"'
    assert found["names"].help == "several lines"
    assert found["either"].annotation == "int | str"
    assert [found[name].default for name in "xyz"] == ["-1.5", "-1.5", "2"]
    assert list(found) == ["n", "rate", "word", "flag", "names", "nothing", "box", "either",
                           "made", "x", "y", "z"]
    assert foreign.defaults(book()) == {
        "n": 3, "rate": 0.1, "word": "a # b", "flag": False, "names": ["x", "y"], "nothing": None,
        "box": {"a": [1, 2]}, "either": 1, "x": -1.5, "y": -1.5, "z": 2}


def test_matches_papermill_where_the_cell_is_no_python():
    from papermill.inspection import _infer_parameters

    broken = book("if\nmsg = 'hello'  # type: str greeting\n", **spec("python3", "python"))
    theirs = [(each.name, each.default, each.inferred_type_name, each.help)
              for each in _infer_parameters(broken)]
    ours = [(each.name, each.default, each.annotation, each.help)
            for each in foreign.inspect(broken)]
    assert ours == theirs == [("msg", "'hello'", "str", "greeting")]
    assert foreign.inspect(book("x <- 1", **spec("ir", "R"))) == []
    assert foreign.inspect(book(tags=())) == []


@pytest.mark.parametrize("values", [
    {}, {"n": 5}, {"n": True}, {"n": None}, {"rate": 1}, {"word": 3}, {"word": "text"},
    {"flag": True}, {"names": []}, {"names": "x"}, {"nothing": {"any": 1}}, {"box": {}},
    {"either": "text"}, {"made": 3}, {"low": 1}, {"inner": 2}, {"x": 3}, {"y": float("nan")},
], ids=str)
def test_identity_what_may_be_right_passes(values):
    assert foreign.problems(book(), values) == []


@pytest.mark.parametrize(("values", "words"), [
    ({"m": 5}, "unknown parameter 'm'. Did you mean"), ({"wrod": 5}, "Did you mean 'word'?"),
    ({"n": "abc"}, "n must be a whole number (int), got 'abc'."),
    ({"n": 2.5}, "n must be a whole number (int), got 2.5."),
    ({"rate": "x"}, "rate must be a number (float), got 'x'."),
    ({"flag": "no"}, "flag must be a truth value (bool), got 'no'."),
    ({"x": "abc"}, "x must be a number (its default is -1.5), got 'abc'."),
    ({"names": 3}, "names must be a list"), ({"box": [1]}, "box must be a mapping"),
    ({"x; import os": 1}, "must be a variable's name, got 'x; import os'"),
    ({"class": 1}, "must be a variable's name, got 'class'"),
], ids=str)
def test_rejects_what_the_notebook_does_not_take(values, words):
    found = foreign.problems(book("m2 = 1\n" + CELL), values)
    assert len(found) == 1
    assert words in found[0]


def test_rejects_a_number_where_a_text_is_declared():
    assert foreign.problems(book("date: str = ''"), {"date": 20250101}) == [
        "date must be a text (str), got 20250101. -r NAME VALUE passes a text as it is."]


def test_identity_names_pass_where_they_cannot_be_checked():
    assert foreign.problems(book(tags=()), {"anything": 1}) == []
    assert foreign.problems(book("x <- 1", **spec("ir", "R")), {"y": 1}) == []
    assert foreign.problems(book("if", **spec("python3", "python")), {"y": 1}) == []


@pytest.mark.parametrize(("language", "text"), [
    ("julia", "$(run(`id`))"), ("PowerShell", "$(Get-Process)"), ("powershell", "a`nb")])
def test_rejects_texts_that_papermill_would_write_as_code(language, text):
    content = book("x = 1", **spec(language, language))
    for value in (text, [text], {"a": text}, {text: 1}):
        assert "must not hold any of $" in foreign.problems(content, {"x": value})[0]
    assert foreign.problems(content, {"x": "plain"}) == []


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Two installed kernels: R, and another Python."""
    for name, program, language in (("ir", "/opt/R", "R"), ("other", "/opt/python", "python"),
                                    ("mine", sys.executable, "python")):
        folder = tmp_path / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(json.dumps(
            {"argv": [program], "display_name": name, "language": language}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))


@pytest.mark.parametrize(("metadata", "kernel"), [
    ({}, ""), (spec("python3", "python"), ""), (spec("gone-environment", "python"), ""),
    (spec("mine", "python"), ""), (spec("other", "python"), "other"), (spec("ir", "R"), "ir"),
    ({"language_info": {"name": "python"}}, ""),
], ids=str)
def test_matches_kernel_of_the_metadata(kernels, metadata, kernel):
    assert foreign.kernel_of(book(**metadata)) == kernel


def test_rejects_kernels_that_are_not_installed(kernels):
    with pytest.raises(ValueError, match=r"installed, got 'irr'\. Did you mean 'ir'\?.*, other"):
        foreign.kernel_of(book(**spec("irr", "R")))
    with pytest.raises(ValueError, match="kernel must be installed, got 'xpython2'"):
        foreign.named_kernel("xpython2")
    assert [foreign.named_kernel(name) for name in ("other", "mine", "python3")] == [
        "other", "", ""]

"""One declaration: every refusal names the parameter, the rule, the value and the remedy."""

import json

import numpy as np
import param
import pytest

from workbench.core import ParameterError, generator
from workbench.core.study import Params


class Example(Params):
    """One parameter of each kind."""

    paths = frozenset({"data"})

    data = param.String("shipped", doc="A file.")
    n = param.Integer(3, bounds=(1, 9))
    nu = param.Number(4.0, bounds=(2, None), inclusive_bounds=(False, True), allow_None=True)
    scale = param.List([], bounds=(0, 2))
    trend = param.Selector(default="line", objects=["line", "smooth"])
    flag = param.Boolean(default=True)


def test_identity_defaults_are_the_values_of_no_arguments():
    assert Example().values() == Example.defaults()
    assert Example().key() == Example(**Example.defaults()).key()


def test_matches_texts_to_types():
    parsed = Example.parse({"n": "4", "nu": "none", "scale": "0,10", "flag": "no",
                            "data": "0.5"})
    assert parsed.values() == {"data": "0.5", "n": 4, "nu": None, "scale": [0, 10],
                               "trend": "line", "flag": False}
    assert Example.parse({"scale": "[-1.5, 2]"}).scale == [-1.5, 2]
    assert Example.parse({"nu": "7"}).nu == 7.0


def test_matches_a_file_to_its_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a {b} é.csv").write_text("x")
    assert Example.parse({"data": "a {b} é.csv"}).data == str(tmp_path / "a {b} é.csv")
    assert Example.parse({"data": "absent.csv"}).data == "absent.csv"


@pytest.mark.parametrize(("values", "words"), [
    ({"n": 10}, "n must be a whole number >= 1 and <= 9, got 10"),
    ({"n": 2.5}, "got 2.5"),
    ({"n": True}, "Pass a number"),
    ({"n": 10 ** 400}, "n must be"),
    ({"nu": 2.0}, "nu must be a number > 2 or none, got 2.0"),
    ({"nu": float("nan")}, "Pass a finite number"),
    ({"nu": float("inf")}, "Pass a finite number"),
    ({"scale": [0, float("inf")]}, "Pass a finite number"),
    ({"scale": (0, 1)}, "A tuple cannot travel into a notebook"),
    ({"n": np.int64(3)}, "A int64 cannot travel"),
    ({"trend": "smoth"}, "Did you mean 'smooth'"),
    ({"trnd": "line"}, "unknown parameter 'trnd'. Did you mean 'trend'"),
    ({"name": "x"}, "unknown parameter 'name'"),
    ({"flag": "maybe"}, "flag must be true or false, got 'maybe'"),
    ({"data": None}, "data must be a text, got None"),
])
def test_rejects_with_name_rule_value_remedy(values, words):
    with pytest.raises(ParameterError, match=words):
        Example(**values)


def test_rejects_all_problems_at_once():
    with pytest.raises(ParameterError) as caught:
        Example.parse({"n": "x", "m": "1", "flag": "perhaps"})
    assert len(caught.value.problems) == 3


def test_matches_json_whatever_the_text_holds():
    text = "quote \" ' \\ newline\n {brace} é \u2028"
    assert json.loads(Example(data=text).key())["data"] == text


@pytest.mark.parametrize("seed", [-1, 1.5, "0", None, True])
def test_rejects_seeds_that_are_no_whole_numbers(seed):
    with pytest.raises(ValueError, match="seed must be a whole number"):
        generator(seed)

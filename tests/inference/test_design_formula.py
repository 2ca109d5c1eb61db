"""Formulas of strangers: programs and halves are refused, transforms are read."""

import numpy as np
import pytest

from tests.inference.design_worlds import world
from workbench.inference.design.formula import parsed, variables_of
from workbench.inference.design_based import DSLRegression


@pytest.mark.parametrize("formula", [
    "y ~ x + open('f')", "y ~ {__import__('os').getcwd()}", "y ~ np.linalg.inv(x)",
    "y ~ {x.__class__}", "y ~ I((lambda: x)())", "y ~ I(9**9**9)", "y ~ I([x for x in x])",
    "y ~ exec('1')", "y ~ np.load('f')", "y ~ log.__call__(x)",
    "y ~ b + I(x + 0*('`' == C.__globals__['__builtins__']['__import__']('os')"
    ".system('touch pwn') == '`'))",
    """y ~ x + I('`' + str(__import__('os').system('touch pwn')) + '`')""",
    """y ~ x + C('`' , __import__('os').system('touch pwn') , '`')""",
    """y ~ {x + 0*len('`' + str(__import__('os').system('touch pwn')) + '`')}""",
    """y ~ I(x + 0*("`" == __import__("os").system("touch pwn") == "`"))""",
    """y ~ I(x + 0*( #`
__import__('os').system('touch pwn') #`
))""",
    """y ~ C(x, Treatment("a' + __import__('os').system('touch pwn') + '"))""",
    *(f"y ~ {outer}" for call in (
        "np.f2py.os.system('touch pwn')", "x.to_csv('pwn')", "np.save('pwn', x)",
        "np.savetxt('pwn', x)", "np.memmap('pwn', shape=9)", "np.asarray(x).tofile('pwn')")
      for outer in (call, f"I({call})", f"{{{call}}}", f"{{x + {call}}}")),
    "y ~ I(x[0])", "y ~ I(f'{x}')", "y ~ np.log(x, x)", "y ~ np.log(x, out=x)", "y ~ I(__name__)",
    "y ~ I(x, **x)", "y ~ C(*x)", "y ~ poly(x, 999999999)", "y ~ bs(x, df=999999999)",
    "y ~ I('a' * 999999999)", "y ~ I(1 << 999999999)", "y ~ I([0] * 999999999)", "y ~ lag(x)",
    "y ~ I(x if x else x)", "y ~ I(x and x)", "y ~ C(x, contr.treatment('a'))"])
def test_rejects_formulas_that_are_programs(formula, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = world().assign(b=1.0)
    with pytest.raises(ValueError, match="formula must"):
        DSLRegression(g="surrogate").fit(formula, table)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="formula must"):
        parsed(formula)


@pytest.mark.parametrize("formula", [
    "y ~ (x + z)**999", "y ~ (x + z + w)^99", "y ~ ((x + z)**4)**4", "y ~ x**999999999",
    "y ~ " + "*".join(f"x{at}" for at in range(40)), "y ~ (x + z)**1e9",
    "y ~ " + "/".join(["(x + z)"] * 40)])
def test_rejects_formulas_without_end(formula):
    with pytest.raises(ValueError, match="formula must have at most 1000 terms"):
        parsed(formula)


def test_matches_powers_of_groups_that_end():
    assert len(parsed("y ~ (x + z + w)**3 + a*b*c*d")[0].rhs) == 1 + 7 + 15


@pytest.mark.parametrize("formula", ["y", "y ~ (x + z)**w", "y ~ " + "(" * 5000, "~ x",
                                     "y + z ~ x", "y ~ x | z", "y ~ (x", ""])
def test_rejects_formulas_without_two_sides(formula):
    with pytest.raises(ValueError, match="formula must read like 'y ~ x"):
        parsed(formula)


def test_matches_variables_of_a_formula_that_may_be_used():
    text = "log(y) ~ x:z + I(x**2) + np.sqrt(w) + C(part, Treatment('b')) + bs(z, df=4) + `a b`"
    assert set(parsed(text)[2]) == {"y", "x", "z", "w", "part", "a b"}


@pytest.mark.parametrize("term", [
    "bs(x, df=4)",
    "0 + cr(x, df=4)", "0 + cs(x, df=4)", "0 + cc(x, df=4)", "cr(x, df=4, constraints='center')",
    "poly(x, 2)", "poly(x, degree=2)",
    "center(x)", "scale(x)", "np.tanh(x)", "exp(x)", "np.minimum(x, z)", "I(x > 0)", "Q('x')",
    "C(part)", "C(part, Treatment('b'))", "C(part, Sum)", "C(part, levels=['a', 'b', 'c'])",
    "I(part == 'b')", "{x - 2 * z}", "scale(`long x`)", "I(-`long x`**2)", "`x`"])
def test_matches_every_transform_that_stands_alone(term):
    table = world().assign(**{"long x": lambda rows: rows["x"]})
    fit = DSLRegression(g="surrogate").fit(f"y ~ {term}", table)
    assert np.isfinite(fit.bse).all()


def test_matches_coefficients_to_the_columns_behind_them():
    formula = "y ~ C(part, levels=['a', 'b']) * w + `long x` + bs(z, df=4) + xw + part:u"
    table = world().assign(**{"long x": lambda rows: rows["x"], "xw": lambda rows: rows["x"] ** 2,
                              "u": 1.0, "part": np.where(np.arange(400) % 2, "a", "b")})
    names = DSLRegression(g="surrogate").fit(formula.replace(" + part:u", ""), table).names
    found = variables_of((*names, "part[T.a]:u"), formula)
    assert found.pop("Intercept") == set()
    assert [sorted(each) for each in found.values()] == [
        ["part"], ["w"], ["long x"], *[["z"]] * 4, ["xw"], ["part", "w"], ["part", "u"]]

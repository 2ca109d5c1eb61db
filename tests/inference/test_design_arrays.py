"""Arrays, tensors and odd columns give what a plain table gives."""

import numpy as np
import pytest

from tests.inference.design_worlds import world
from workbench.inference.design_based import DSLRegression, dsl_moments

Y = {"predicted": ["y"], "surrogate": ["y_llm"]}


def test_matches_arrays_to_the_table_and_pure_moments():
    table = world(binary=True)
    fit = DSLRegression("logit", g="surrogate", **Y).fit("y ~ x", table)
    X, held = np.column_stack([np.ones(400), table["x"]]), table["y"].notna().to_numpy()
    arrays = DSLRegression("logit").fit_arrays(X, X, table["y"], table["y_llm"], held, 0.4,
                                               table["unit"])
    np.testing.assert_allclose(arrays.params, fit.params, atol=1e-12)
    moments = dsl_moments(fit.params.to_numpy(), X, X, table["y"].fillna(0).to_numpy(),
                          table["y_llm"].to_numpy(), held, np.full(400, 0.4), model="logit")
    np.testing.assert_allclose(moments.mean(axis=0), 0, atol=1e-12)


def test_matches_tensors_to_arrays():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    X, y, R = rng.normal(size=(2, 50, 3)), rng.random((2, 50)), rng.integers(0, 2, 50)
    given = (rng.normal(size=3), *X, *y, R, np.full(50, 0.5))
    for model in ("ols", "logit"):
        right = dsl_moments(*given, model=model)
        found = dsl_moments(*map(torch.as_tensor, given), model=model)
        np.testing.assert_allclose(found.numpy(), right, atol=1e-14)


def test_matches_labels_of_true_and_false_and_names_with_blanks():
    table = world(binary=True)
    words = table.rename(columns={"y": "is it", "x": "how long"}).assign(**{
        "is it": table["y"].map({1.0: True, 0.0: False})})
    found, right = (DSLRegression("logit", [name], ["y_llm"], "linear").fit(formula, rows)
                    for name, formula, rows in (("is it", "`is it` ~ `how long`", words),
                                                ("y", "y ~ x", table)))
    np.testing.assert_allclose(found.params, right.params, atol=1e-12)

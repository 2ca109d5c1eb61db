"""Oracle: nutpie's documented door for Python functions, same model, same seed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from workbench.core import generator
from workbench.inference.trend.density import line_density, log_density, terms_for
from workbench.inference.trend.design import Prior, TrendDesign
from workbench.inference.trend.kernel import c_model, python_model, warm
from workbench.inference.trend.likelihood import pointwise
from workbench.inference.trend.sampling import whiten


@pytest.mark.parametrize(("basis", "sources"), [(0, ()), (6, ("a", "b"))])
def test_matches_the_documented_door(basis, sources):
    import nutpie

    rng = generator(0)
    day = np.linspace(0, 300, 40)
    source = rng.choice(sources, 40) if sources else None
    design = TrendDesign(0.0, 300.0, 30.0, sources, 0, basis)
    dates = np.datetime64("1970-01-01") + day.astype("timedelta64[D]")
    rows = (6 - day / 100 + rng.normal(size=40), rng.uniform(0.5, 2, 40), rng.uniform(0, 1, 40))
    terms, whitening = whiten(terms_for(
        design, Prior.for_scale((0.0, 10.0), design.span), design.matrix(dates, source), rows,
        student=True, nu=None))
    fast, plain = (nutpie.sample(door(terms, whitening), draws=8, tune=8, chains=2, seed=3,
                                 progress_bar=False).posterior["u"].to_numpy()
                   for door in (c_model, python_model))
    assert fast.shape == (2, 8, terms.size)
    assert fast.std() > 0.1
    np.testing.assert_allclose(fast, plain, rtol=1e-6, atol=1e-6)


def test_identity_warm_code_needs_no_further_compilation():
    warm()
    functions = log_density, line_density, pointwise
    before = [list(function.signatures) for function in functions]
    rng = generator(2)
    day = np.linspace(0, 300, 30)
    dates = np.datetime64("1970-01-01") + day.astype("timedelta64[D]")
    for basis in (0, 5):
        design = TrendDesign(0.0, 300.0, 30.0, (), 0, basis)
        rows = (rng.normal(size=30), np.ones(30), np.zeros(30))
        terms, whitening = whiten(terms_for(
            design, Prior.for_scale((0.0, 10.0), design.span), design.matrix(dates, None), rows,
            student=True, nu=None))
        c_model(terms, whitening)
    assert all(before)
    assert [list(function.signatures) for function in functions] == before


def test_identity_whitening_takes_the_origin_to_the_mode():
    rng = generator(1)
    design = TrendDesign(0.0, 300.0, 30.0)
    X = np.column_stack([np.ones(50), np.linspace(0, 10, 50)])
    rows = (5 + rng.normal(size=50), np.ones(50), np.zeros(50))
    terms, whitening = whiten(terms_for(design, Prior.for_scale((0.0, 10.0), 10.0), X, rows,
                                        student=False, nu=None))
    np.testing.assert_array_equal(whitening(np.zeros(3)), whitening.centre)
    top, slope = log_density(whitening.centre, terms)
    assert np.abs(whitening.factor.T @ slope).max() < 1e-4
    for move in np.eye(3):
        drop = [top - log_density(whitening(side * 0.1 * move), terms)[0] for side in (-1, 1)]
        np.testing.assert_allclose(np.mean(drop), 0.005, rtol=0.02)


@pytest.mark.slow
def test_identity_a_package_that_cannot_be_written_to(tmp_path):
    """Without a folder for compiled code a fit compiles anew and gives the same numbers."""
    root = Path(__file__).parents[2]
    shutil.copytree(root / "workbench", tmp_path / "workbench",
                    ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "workbench" / "inference" / "__pycache__").write_text("no folder")
    code = ("import numpy as np\nfrom workbench.inference import BayesianTrend\n"
            "days = np.datetime64('2024-01-01') + np.arange(30)\n"
            "scores = 5 + np.sin(7.0 * np.arange(30))\n"
            "fit = BayesianTrend(scale=(0, 10), draws=50, tune=100).fit(\n"
            "    days, scores, rng=np.random.default_rng(0))\nprint(fit.slope())")
    closed = {"PYTHONPATH": str(tmp_path), "HOME": "/dev/null", "XDG_CACHE_HOME": str(tmp_path),
              "NUMBA_CACHE_LOCATOR_CLASSES": "InTreeCacheLocator"}
    here, there = (subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path,
                                  capture_output=True, text=True, env=os.environ | change)
                   for change in ({"PYTHONPATH": str(root)}, closed))
    assert there.returncode == 0, there.stderr
    assert here.stdout == there.stdout != ""

"""Order of quantiles: scikit-learn's isotonic regression, what may not get worse, gradients."""

import numpy as np
import pytest
import torch
from sklearn.isotonic import IsotonicRegression

from workbench.core import generator
from workbench.inference.quantiles.isotonic import (
    METHODS,
    isotonise,
    minmax_sweep,
    pava,
    sort_quantiles,
)
from workbench.inference.quantiles.levels import even_levels
from workbench.inference.quantiles.pooling_tensors import pooled_by_passes
from workbench.inference.quantiles.scores import pinball_losses


def rows(n=60, q=19, seed=0):
    rng = generator(seed)
    trend = rng.choice([-1.0, 0.0, 0.3], size=(n, 1)) * np.arange(q)
    steps = rng.normal(size=(n, q)) + trend
    steps[::7] = steps[::7].round()              # ties
    return steps


@pytest.mark.parametrize("q", [1, 2, 5, 19, 99])
def test_matches_isotonic_regression_row_by_row(q):
    values = rows(q=q)
    expected = np.array([IsotonicRegression().fit_transform(np.arange(q), row) for row in values])
    np.testing.assert_allclose(pava(values), expected, atol=1e-12)
    np.testing.assert_allclose(pava(torch.tensor(values)), expected, atol=1e-12)
    np.testing.assert_allclose(pooled_by_passes(torch.tensor(values)), expected, atol=1e-12)


def test_matches_isotonic_regression_in_single_precision():
    values = (rows(q=99) * 1e-3 + 100).astype(np.float32)
    expected = np.array([IsotonicRegression().fit_transform(np.arange(99), row)
                         for row in values.astype(float)])
    pooled = pava(values)
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(pooled, expected, rtol=1.2e-7)       # one rounding to float32
    np.testing.assert_allclose(pooled_by_passes(torch.tensor(values)), expected, rtol=1.2e-7)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_identity_ordered_rows_stay_as_they_are(method):
    values = np.sort(rows(), axis=1)
    np.testing.assert_array_equal(isotonise(values, method), values)
    np.testing.assert_array_equal(isotonise(torch.tensor(values), method).numpy(), values)


@pytest.mark.parametrize("method", ["sort", "pava", "minmax"])
def test_matches_itself_when_repeated_and_across_libraries(method):
    values = rows(200, 99)
    once = isotonise(values, method)
    assert (np.diff(once) >= 0).all()
    np.testing.assert_array_equal(isotonise(once, method), once)
    np.testing.assert_allclose(isotonise(torch.tensor(values), method), once, atol=1e-12)
    stacked = values.reshape(10, 20, 99)
    np.testing.assert_array_equal(isotonise(stacked, method), once.reshape(10, 20, 99))


@pytest.mark.parametrize("order", [sort_quantiles, pava])
def test_identity_no_row_loses_by_being_ordered(order):
    values, levels = rows(2000, 9), even_levels(9)
    y = generator(3).normal(size=2000) * 3
    before = pinball_losses(y, values, levels).sum(axis=1)
    after = pinball_losses(y, order(values), levels).sum(axis=1)
    assert (after <= before + 1e-12).all()
    assert (after < before - 1e-3).any()


def test_matches_a_counter_example_for_the_sweep():
    y, values, levels = [0.0], np.array([[0.0, 1.0, 0.0]]), even_levels(3)
    swept = minmax_sweep(values)
    np.testing.assert_array_equal(swept, [[0.0, 1.0, 1.0]])
    assert pinball_losses(y, swept, levels).sum() > pinball_losses(y, values, levels).sum() + 0.1


@pytest.mark.parametrize("order", [sort_quantiles, pava, minmax_sweep, pooled_by_passes])
def test_matches_finite_differences(order):
    values = torch.tensor(generator(4).normal(size=(6, 9)), requires_grad=True)
    assert torch.autograd.gradcheck(order, (values,))
    assert torch.autograd.gradgradcheck(order, (values,))


def test_identity_gradient_is_spread_evenly_over_each_block():
    values = torch.tensor([[3.0, 1.0, 1.5, 5.0, 4.0]], requires_grad=True)
    (pava(values) * torch.arange(5.0)).sum().backward()
    np.testing.assert_allclose(values.grad, [[1.0, 1.0, 1.0, 3.5, 3.5]])


def test_matches_views_and_single_rows():
    values = rows(40, 9)
    np.testing.assert_array_equal(pava(values[:, ::-1]), pava(values[:, ::-1].copy()))
    np.testing.assert_array_equal(pava(values[0]), pava(values)[0])
    np.testing.assert_array_equal(pava(torch.tensor(values).T.contiguous().T), pava(values))
    np.testing.assert_array_equal(pava([3, 1]), [2.0, 2.0])
    assert pava(np.empty((0, 9))).shape == (0, 9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64])
def test_matches_other_precisions(dtype):
    values = torch.tensor([[3, 1, 2, 8, 5]], dtype=dtype)
    found = pava(values)
    assert found.dtype == (dtype if dtype.is_floating_point else torch.float64)
    assert found.tolist() == [[2, 2, 2, 6.5, 6.5]]
    if dtype != torch.bfloat16:
        assert pava(values.numpy()).tolist() == found.tolist()


def test_rejects_an_unknown_method():
    with pytest.raises(ValueError, match="method must be one of 'none', 'sort', 'pava'"):
        isotonise(rows(), "sorted")

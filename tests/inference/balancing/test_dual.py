"""The dual beside CVXPY with Clarabel, and the conditions of an optimum."""

import numpy as np
import pytest
from scipy.optimize import linprog

from workbench.datasets import selected_pairs
from workbench.inference.balancing import dual
from workbench.inference.balancing.dual import BalanceInfeasible, balance, least_slack
from workbench.inference.balancing.kernels import Scaling, kernel_functions


def functions(n=600, count=20, seed=0, gamma=1 / 12):
    """Kernels of a world in standard deviations, on its observed items."""
    rng = np.random.default_rng(seed)
    world = selected_pairs(n, rng=rng)
    X = world.filter(regex="^x").to_numpy()
    scaled = Scaling.of(X)(X)
    raw = kernel_functions("gaussian", scaled, scaled[rng.choice(n, count, replace=False)], gamma)
    return ((raw - raw.mean(axis=0)) / raw.std(axis=0))[world["observed"].to_numpy()]


def by_cvxpy(G, slack, base):
    import cvxpy as cp

    n = len(G)
    amounts = cp.Variable(n)                           # weights times n, for scale
    distance = cp.sum(cp.kl_div(amounts, n * base)) / n
    limits = [cp.sum(amounts) == n] + (
        [cp.abs(G.T @ amounts) / n <= slack] if slack else [G.T @ amounts == 0])
    cp.Problem(cp.Minimize(distance), limits).solve(
        solver="CLARABEL", tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    return amounts.value / n


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("slack", [0.0, 0.003, 0.01, 0.1])
def test_matches_cvxpy(slack, skewed):
    G = functions()
    base = np.full(len(G), 1 / len(G))
    if skewed:
        base = np.random.default_rng(1).uniform(0.2, 2, len(G))
        base /= base.sum()
    found = balance(G, slack, base)
    np.testing.assert_allclose(found.weights, by_cvxpy(G, slack, base), atol=5e-10)


@pytest.mark.parametrize("slack", [0.003, 0.01, 0.1])
def test_matches_the_conditions_of_an_optimum(slack):
    G = functions(count=40)
    base = np.full(len(G), 1 / len(G))
    found = balance(G, slack, base)
    assert found.weights.min() > 0
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(found.residual, G.T @ found.weights, atol=1e-14)
    assert np.abs(found.residual).max() <= slack + 1e-8
    assert np.abs(found.dual * (np.abs(found.residual) - slack)).max() < 1e-10
    active = np.abs(found.dual) > 1e-6
    assert (np.sign(found.dual) == np.sign(found.residual))[active].all()
    tilted = base * np.exp(-G @ found.dual)
    np.testing.assert_allclose(found.weights, tilted / tilted.sum(), rtol=1e-10)


def test_identity_infinite_slack_no_function_or_balance_give_the_base():
    G = functions()
    base = np.random.default_rng(0).dirichlet(np.ones(len(G)))
    np.testing.assert_array_equal(balance(G, np.inf, base).weights, base)
    np.testing.assert_array_equal(balance(G[:, :0], 0.0, base).weights, base)
    whole = G - G.mean(axis=0)                         # as if all items were observed
    uniform = np.full(len(G), 1 / len(G))
    np.testing.assert_allclose(balance(whole, 0.0, uniform).weights, uniform, atol=1e-12)


def test_identity_a_function_twice_changes_nothing():
    G = functions()
    base = np.full(len(G), 1 / len(G))
    twice = np.column_stack([G, G[:, :5], -G[:, 5:8]])
    for slack in (0.0, 0.01):
        np.testing.assert_allclose(balance(twice, slack, base).weights,
                                   balance(G, slack, base).weights, atol=1e-9)


@pytest.mark.parametrize("slack", [0.0, 0.05])
def test_rejects_what_no_weights_balance(slack):
    rng = np.random.default_rng(0)
    G = np.column_stack([1 + rng.random(50), rng.normal(size=50)])      # above zero everywhere
    base = np.full(50, 0.02)
    with pytest.raises(BalanceInfeasible, match=r"slack must be at least 1\.0.* got 0") as told:
        balance(G, slack, base)
    assert told.value.least == pytest.approx(G[:, 0].min(), rel=1e-2)
    assert isinstance(told.value, ValueError)
    assert balance(G, told.value.least + 0.1, base).weights.min() > 0


def test_matches_an_error_whose_linear_program_waits_until_it_is_read(monkeypatch):
    G, solved = np.ones((4, 1)), []
    monkeypatch.setattr(dual, "least_slack", lambda functions: solved.append(functions) or 1.0)
    with pytest.raises(BalanceInfeasible) as told:
        balance(G, 0.0, np.full(4, 0.25))
    assert not solved
    assert "at least 1 standard deviations for these 1 functions, got 0" in str(told.value)
    assert told.value.least == 1.0
    assert len(solved) == 1


def test_matches_least_slack_to_a_linear_program():
    G = functions(300, 30, seed=3)
    n, count = G.shape
    rows = np.block([[G.T, -np.ones((count, 1))], [-G.T, -np.ones((count, 1))]])
    solved = linprog(np.r_[np.zeros(n), 1], A_ub=rows, b_ub=np.zeros(2 * count),
                     A_eq=np.r_[np.ones(n), 0][None], b_eq=[1], method="highs-ipm")
    assert least_slack(G) == pytest.approx(solved.fun, abs=1e-7)
    assert least_slack(G[:, :3]) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("slack", [-0.1, np.nan])
def test_rejects_slack_below_zero(slack):
    with pytest.raises(ValueError, match="slack must be at least 0"):
        balance(np.ones((3, 1)), slack, np.full(3, 1 / 3))

"""The solver beside general ones: quadratics by brute force, domains that end, many columns."""

import itertools

import numpy as np
import pytest

from tests.inference.ordinal_worlds import cone_minimum, objective, world
from workbench.datasets import load_ordinal
from workbench.inference import presto_path
from workbench.inference.ordinal.products import products
from workbench.inference.ordinal.quadratic import penalised_minimum


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def brute_minimum(H, slope, x, penalty):
    """Least value over all patterns of signs, each solved exactly."""
    best = np.inf
    for signs in itertools.product((-1, 0, 1), repeat=len(x)):
        s = np.array(signs)
        held = np.flatnonzero(s)
        z = np.zeros(len(x))
        if held.size:
            right = H[held] @ x - slope[held] - penalty[held] * s[held]
            z[held] = np.linalg.solve(H[np.ix_(held, held)], right)
        if (z * s >= 0).all():
            move = z - x
            best = min(best, slope @ move + move @ H @ move / 2 + penalty @ np.abs(z))
    return best


@pytest.mark.parametrize("seed", range(8))
def test_matches_brute_force_on_correlated_quadratics(seed):
    rng = np.random.default_rng(seed)
    A = np.cumsum(rng.normal(size=(9, 5)), axis=1)
    H, slope, x = A.T @ A / 9, rng.normal(size=5), rng.normal(size=5) * (rng.random(5) < 0.5)
    penalty = rng.uniform(0.1, 1.5, 5) * (rng.random(5) < 0.8)
    z = penalised_minimum(H, slope, x, penalty)
    move = z - x
    value = slope @ move + move @ H @ move / 2 + penalty @ np.abs(z)
    assert value == pytest.approx(brute_minimum(H, slope, x, penalty), abs=1e-12)


def test_matches_dependent_columns_of_a_quadratic(rng):
    A = rng.normal(size=(20, 3))
    A = np.column_stack([A, A[:, 0], A[:, 1] + A[:, 2]])
    H, slope = A.T @ A / 20, A.T @ rng.normal(size=20) / 20
    z = penalised_minimum(H, slope, np.zeros(5), np.full(5, 0.05))
    own = slope + H @ z
    assert (np.abs(own[z == 0]) <= 0.05 + 1e-9).all()
    np.testing.assert_allclose(own[z != 0], -0.05 * np.sign(z[z != 0]), atol=1e-9)


@pytest.mark.parametrize("q", [4, 70])
def test_matches_weighted_products(rng, q):
    columns, weights = rng.normal(size=(q, 1500)), rng.random((3, 1500))
    for some in (weights, weights[:1]):
        expected = np.einsum("jn,rn,sn->jrs", some, columns, columns, optimize=True)
        np.testing.assert_allclose(products(columns, some), expected, rtol=1e-10, atol=1e-9)


def test_matches_published_optimum_where_the_reference_stalls():
    """On these data a Newton method with few halvings ends at 0.23141."""
    table = load_ordinal("prediabetes", age_cutoff=55)
    X = table.features.to_numpy(float)
    path = presto_path(X, table.codes, [1e-3])
    assert path.objectives[0] == pytest.approx(0.14987, abs=5e-6)
    assert path.objectives[0] == pytest.approx(cone_minimum(X, table.codes, 1e-3), abs=1e-8)
    assert path.violations[0] < 1e-12


def test_matches_published_proportional_odds_of_the_soup():
    table = load_ordinal("soup")
    X = np.column_stack([table.features[name] == level for name in table.features
                         for level in sorted(table.features[name].unique())[1:]]).astype(float)
    path = presto_path(X, table.codes, [np.inf], penalize_base=0.0)
    assert -len(X) * path.losses[0] == pytest.approx(-2664.745582, abs=1e-6)


def test_matches_constrained_optimum_where_boundaries_cross(rng):
    X = rng.normal(size=(60, 3))
    y = np.r_[np.zeros(28), np.ones(5), np.full(27, 2)].astype(int)
    lam = 1e-3
    free = presto_path(X, y, [lam])
    kept = presto_path(X, y, [lam], feasibility="all")
    assert (np.diff(free.boundaries(X)[0]) < 0).any()
    assert (np.diff(kept.boundaries(X)[0]) > 0).all()
    own = objective(X, y, kept.intercepts[0], kept.coefs[0], lam)
    best = cone_minimum(X, y, lam, everywhere=True)
    assert best - 1e-8 <= own <= best + 1e-6
    assert own > free.objectives[0] + 1e-6


def test_identity_feasible_fits_are_the_same_either_way(rng):
    X, y, _ = world(rng)
    first, second = (presto_path(X, y, [0.01], feasibility=each) for each in ("observed", "all"))
    np.testing.assert_array_equal(first.coefs, second.coefs)


def test_identity_many_columns_are_solved_as_few(rng):
    """Columns of noise that stay at zero change nothing; they enter where they must."""
    X, y, _ = world(rng)
    wide = np.hstack([X, rng.normal(size=(len(X), 300))])
    lam = 0.05
    path = presto_path(wide, y, [lam])
    assert path.violations[0] < 1e-12
    used = np.flatnonzero((path.coefs[0] != 0).any(axis=0))
    assert 0 < used.size < 60
    few = presto_path(wide[:, used], y, [lam])
    assert few.objectives[0] == pytest.approx(path.objectives[0], abs=1e-12)


def test_matches_collinear_columns_to_unique_probabilities(rng):
    X, y, _ = world(rng)
    groups = rng.integers(0, 3, len(y))
    wide = np.hstack([X, np.eye(3)[groups], X[:, :1]])
    for lam in (0.0, 1e-6, 0.01):
        path = presto_path(wide, y, [lam])
        mixed = presto_path(wide[:, ::-1], y, [lam])
        assert np.isfinite(path.coefs).all()
        assert np.abs(path.coefs).max() < 1e3
        np.testing.assert_allclose(path.boundaries(wide), mixed.boundaries(wide[:, ::-1]),
                                   atol=1e-6)


def test_matches_warm_and_cold_starts(rng):
    X, y, _ = world(rng)
    path = presto_path(X, y, n_lambdas=8)
    for at in (3, 7):
        alone = presto_path(X, y, [path.lambdas[at]])
        np.testing.assert_allclose(path.coefs[at], alone.coefs[0], atol=1e-9)


def test_matches_constant_and_huge_columns(rng):
    X, y, _ = world(rng)
    odd = np.column_stack([X, np.full(len(y), 7.0), 1e8 + 1e5 * X[:, 0]])
    path = presto_path(odd, y, [0.003])
    assert (path.coefs[0][:, 4] == 0).all()
    assert path.violations[0] < 1e-10

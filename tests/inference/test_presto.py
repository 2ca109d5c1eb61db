"""Oracles: definitions, SciPy's L-BFGS-B, a cone solver, statsmodels and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from statsmodels.miscmodels.ordinal_model import OrderedModel

from tests.inference.ordinal_worlds import cone_minimum, objective, split_minimum, world
from workbench.inference import PRESTO, presto_path
from workbench.inference.ordinal.cautions import (
    CrossingWarning,
    SeparationWarning,
    TwoClassesWarning,
)
from workbench.inference.ordinal.coding import OrderWarning


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def rows(rng):
    return world(rng)[:2]


def test_identity_infinite_penalty_without_base_is_proportional_odds(rows):
    X, y = rows
    model = PRESTO(np.inf, penalize_base=0.0).fit(X, y)
    peer = OrderedModel(y, X, distr="logit").fit(method="bfgs", disp=False, gtol=1e-9,
                                                maxiter=1000)
    assert -len(y) * model.path_.losses[0] == pytest.approx(peer.llf, abs=1e-8)
    np.testing.assert_allclose(model.coef_, -np.tile(peer.params[:4], (3, 1)), atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(X), peer.predict(X), atol=1e-7)
    finite = PRESTO(10.0, penalize_base=0.0).fit(X, y)
    np.testing.assert_allclose(finite.coef_, model.coef_, atol=1e-9)
    assert (model.increments_[1:] == 0).all()


def test_identity_largest_lambda_gives_class_frequencies(rows):
    X, y = rows
    path = presto_path(X, y)
    model = PRESTO(path.lambdas[0] * (1 + 1e-9)).fit(X, y)
    assert (model.coef_ == 0).all()
    np.testing.assert_allclose(model.predict_proba(X[:1])[0], np.bincount(y) / len(y), atol=1e-12)
    assert (PRESTO(path.lambdas[0] * 0.999).fit(X, y).coef_ != 0).any()


@pytest.mark.parametrize("lam", [1e-4, 3e-3, 0.03])
@pytest.mark.parametrize("base", [1.0, 0.0])
def test_matches_two_other_optimisers(rows, lam, base):
    X, y = rows
    path = presto_path(X, y, [lam], penalize_base=base)
    own = objective(X, y, path.intercepts[0], path.coefs[0], lam, base=base)
    assert path.objectives[0] == pytest.approx(own, abs=1e-12)
    assert own == pytest.approx(split_minimum(X, y, lam, base=base), abs=1e-8)
    if base == 1.0:
        assert own == pytest.approx(cone_minimum(X, y, lam), abs=1e-8)


@pytest.mark.parametrize("more", [{}, {"l1_ratio": 0.5}, {"l1_ratio": 0.0},
                                  {"penalize_base": 0.3}])
def test_matches_slopes_to_what_optimality_asks(rng, more):
    X, y, _ = world(rng, n=200)
    weight = rng.uniform(0.1, 2.0, 200)
    lam, share = 0.05, weight / weight.sum()
    path = presto_path(X, y, [lam], sample_weight=weight, **more)
    at = np.concatenate([path.intercepts[0][:, None], path.coefs[0]], axis=1)
    l1, base = more.get("l1_ratio", 1.0), more.get("penalize_base", 1.0)

    def loss(theta):
        return objective(X, y, theta[:, 0], theta[:, 1:], 0.0, weight=weight)

    slopes = np.array([[(loss(at + h) - loss(at - h)) / 2e-6 for h in 1e-6 * np.eye(
        at.size).reshape(-1, *at.shape)]]).reshape(at.shape)
    assert np.abs(slopes[:, 0]).max() < 1e-8
    sd = np.sqrt(share @ (X - share @ X) ** 2)
    own = np.cumsum((slopes[:, 1:] / sd)[::-1], axis=0)[::-1]
    psi, factor = path.increments[0], lam * np.array([base, 1.0, 1.0])[:, None]
    own = own + factor * (1 - l1) * psi
    zero = psi == 0
    assert (np.abs(own[zero]) <= (factor * l1 * np.ones_like(psi))[zero] * (1 + 1e-6)).all()
    np.testing.assert_allclose(own[~zero], -(factor * l1 * np.sign(psi))[~zero], atol=1e-8)
    assert zero.any() == (l1 > 0)


def test_identity_shift_and_scale_of_columns(rows):
    X, y = rows
    first = PRESTO(random_state=0).fit(X, y)
    moved = X * [10.0, -0.01, 3.0, 1e4] + [5.0, 300.0, -2.0, 1e5]
    other = PRESTO(random_state=0).fit(moved, y)
    assert other.lambda_ == pytest.approx(first.lambda_)
    np.testing.assert_allclose(other.predict_proba(moved), first.predict_proba(X), atol=1e-9)
    plain = PRESTO(random_state=0, standardize=False)
    assert not np.allclose(plain.fit(moved, y).predict_proba(moved),
                           plain.fit(X, y).predict_proba(X))


def test_identity_reversed_order_without_penalty_only(rows):
    X, y = rows
    for lam, equal in ((0.0, True), (0.01, False)):
        there, back = PRESTO(lam).fit(X, y), PRESTO(lam, order=[3, 2, 1, 0]).fit(X, y)
        assert np.allclose(there.predict_proba(X), back.predict_proba(X)[:, ::-1],
                           atol=1e-8) == equal


def test_identity_repeated_rows_are_weights(rng, rows):
    X, y = rows
    times = rng.integers(0, 4, len(y))
    weighed = PRESTO(0.01).fit(X, y, sample_weight=5.0 * times)
    repeated = PRESTO(0.01).fit(X.repeat(times, axis=0), y.repeat(times))
    np.testing.assert_allclose(weighed.coef_, repeated.coef_, atol=1e-10)


def test_identity_order_of_rows(rng, rows):
    X, y = rows
    mixed = rng.permutation(len(y))
    np.testing.assert_allclose(PRESTO(0.01).fit(X[mixed], y[mixed]).coef_,
                               PRESTO(0.01).fit(X, y).coef_, atol=1e-10)


def test_matches_rare_probability_where_boundaries_cross(rng):
    X = rng.normal(size=(60, 5))
    y = np.r_[np.zeros(30), np.ones(26), np.full(4, 2)].astype(int)
    model = PRESTO(0.0).fit(X, y)
    far = 5 * rng.normal(size=(500, 5))
    with pytest.warns(CrossingWarning, match=r"boundaries cross in \d+ of 500 rows"):
        found = model.predict_proba(far)
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    rare = 1 - expit(model.intercepts_[-1] + far @ model.coef_[-1])
    np.testing.assert_allclose(model.predict_rare_proba(far), rare, atol=1e-12)
    np.testing.assert_allclose(found[:, -1], rare, atol=1e-12)
    assert (model.predict(far) == found.argmax(axis=1)).all()


def test_recovers_smaller_error_than_unshrunk_rivals(rng):
    errors = []
    for _ in range(8):
        X, y, rare = world(rng, n=1200, gaps=(0.0, 2.5, 4.5), bend=0.4)
        fits = PRESTO(random_state=0), PRESTO(0.0)
        errors.append([np.mean((fit.fit(X, y).predict_rare_proba(X) - rare) ** 2)
                       for fit in fits])
    own, loose = np.mean(errors, axis=0)
    assert own < 0.8 * loose


def test_matches_labels_of_any_kind(rows):
    X, y = rows
    first, names = PRESTO(0.01).fit(X, y), np.array(["none", "mild", "ill", "dead"])
    ordered = pd.Series(pd.Categorical.from_codes(y, names, ordered=True))
    for labels, order in ((ordered, None), (names[y], list(names))):
        own = PRESTO(0.01, order=order).fit(X, labels)
        assert own.classes_.tolist() == names.tolist()
        np.testing.assert_array_equal(own.coef_, first.coef_)
        assert set(own.predict(X)) <= set(names)
    with pytest.warns(OrderWarning, match="alphabetical order: dead < ill < mild < none"):
        PRESTO(0.01).fit(X, names[y])


def test_matches_two_classes_to_logistic_regression(rows):
    from sklearn.linear_model import LogisticRegression

    X, y = rows
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    with pytest.warns(TwoClassesWarning, match="penalised logistic regression"):
        own = PRESTO(0.02).fit(X, y > 0)
    peer = LogisticRegression(C=1 / (0.02 * len(y)), l1_ratio=1.0, solver="saga", tol=1e-12,
                              max_iter=100_000).fit(X, y > 0)
    np.testing.assert_allclose(own.predict_proba(X), peer.predict_proba(X), atol=1e-6)
    with pytest.raises(ValueError, match="y must have at least 3 classes, got 2"):
        PRESTO(0.02, strict=True).fit(X, y > 0)


def test_matches_separation_to_a_warning(rng):
    X = rng.normal(size=(90, 1))
    with pytest.warns(SeparationWarning, match="features separate classes"):
        PRESTO(0.0).fit(X, np.digitize(X[:, 0], [-0.4, 0.4]))


@pytest.mark.parametrize(("options", "words"), [
    ({"lam": -1.0}, "lam must be 'cv' or a number >= 0, got -1.0"),
    ({"lam": "best"}, "lam must be 'cv'"),
    ({"l1_ratio": 1.5}, "l1_ratio must be a number between 0 and 1, got 1.5"),
    ({"n_lambdas": 2.5}, "n_lambdas must be a whole number"),
    ({"penalize_base": np.nan}, "penalize_base must be a number at least 0"),
    ({"cv": 1}, "cv must be a whole number between 2 and 20"),
    ({"scoring": "brie"}, "Did you mean 'brier'"),
    ({"feasibility": "none"}, "feasibility must be one of"),
    ({"order": [0, 1, 2]}, "order must name every label of y, but 3"),
    ({"order": [0, 1, 2, 3, 4]}, "y must have a row of every class in the order, got none of 4"),
    ({"cv": [(np.arange(3), np.arange(3, 300))]}, "cv must leave every class in each training"),
])
def test_rejects_options(rows, options, words):
    X, y = rows
    y[:4] = 0
    with pytest.raises(ValueError, match=words):
        PRESTO(**options).fit(X, y)


def test_rejects_rows_that_say_nothing(rows):
    X, y = rows
    with pytest.raises(ValueError, match="y must have at least 2 classes, got 1 class"):
        PRESTO().fit(X, np.zeros(len(y)))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        PRESTO().fit(np.where(X > 1, np.nan, X), y)
    with pytest.raises(ValueError, match="sample_weight must be >= 0"):
        PRESTO().fit(X, y, sample_weight=np.where(y == 0, -1.0, 1.0))
    with pytest.raises(ValueError, match="lambdas must hold a number"):
        presto_path(X, y, [])

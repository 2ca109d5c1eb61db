"""The closed form of two Gaussian classes against roots, draws and a weighted regression."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from workbench.core import generator
from workbench.reweighting.by_class.gaussians import TwoClasses, errors_by_emphasis


def test_matches_the_published_threshold_and_a_root():
    world = TwoClasses(eta=1.0, spread=0.8, factor=10)
    assert world.threshold(3.0) == pytest.approx(0.385271, abs=5e-7)
    for factor, emphasis, eps in ((10, 3, 0), (50, 1, 0.4), (2, 9, 0.2)):
        world = TwoClasses(1.0, 0.8, factor, eps)
        m = 1 - eps
        root = brentq(lambda x: factor * norm.pdf(x, m, 0.8) - emphasis * norm.pdf(x, -m, 0.8),  # noqa: B023
                      -30, 30)
        assert -world.threshold(emphasis) == pytest.approx(root, abs=1e-9)
        common, rare = world.errors(emphasis)
        assert common == pytest.approx(norm.cdf(root, m, 0.8), abs=1e-12)
        assert rare == pytest.approx(norm.sf(root, -m, 0.8), abs=1e-12)


def test_recovers_the_threshold_of_a_weighted_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    rng, n = generator(0), 200_000
    is_rare = np.arange(n) < n / 11
    x = np.where(is_rare, -1.0, 1.0) + 0.8 * rng.normal(size=n)
    fitted = LogisticRegression(C=1e9, tol=1e-10).fit(
        x[:, None], ~is_rare, sample_weight=np.where(is_rare, 3.0, 1.0))
    found = fitted.intercept_[0] / fitted.coef_[0, 0]
    assert found == pytest.approx(TwoClasses(1.0, 0.8, 10).threshold(3.0), abs=0.01)
    told = [(x[is_rare] > -found).mean(), (x[~is_rare] <= -found).mean()]
    common, rare = TwoClasses(1.0, 0.8, 10).errors(3.0)
    assert told == pytest.approx([rare, common], abs=0.005)


def test_recovers_errors_under_attack_in_many_dimensions():
    rng = generator(1)
    world = TwoClasses(eta=0.5, spread=1.0, factor=10, eps=0.2, dimensions=9)
    x = 0.5 + rng.normal(size=(100_000, 9)) - 0.2           # common rows, moved by the attacker
    missed = (x.sum(1) / 3 <= -world.threshold(4.0)).mean()
    assert missed == pytest.approx(world.errors(4.0)[0], abs=4 * 0.5 / np.sqrt(100_000))


def test_identity_equal_classes_without_emphasis_err_alike():
    common, rare = errors_by_emphasis(TwoClasses(factor=1.0), [1.0])
    assert common == pytest.approx(rare)
    common, rare = errors_by_emphasis(TwoClasses(factor=7.0), [7.0])
    assert common == pytest.approx(rare)                    # a weight that undoes the imbalance


def test_matches_that_an_emphasis_costs_more_under_attack():
    plain, attacked = TwoClasses(), TwoClasses(eps=0.5)
    for emphasis in (20, 50):
        cost = [world.errors(emphasis)[0] - world.errors(1)[0] for world in (plain, attacked)]
        assert cost[1] > 1.5 * cost[0]


@pytest.mark.parametrize(("options", "words"), [
    ({"eta": 0}, "eta"), ({"spread": -1}, "spread"), ({"factor": 0}, "factor"),
    ({"eps": 1.0}, r"eps must lie in \[0, 1\), below eta, got 1.0"), ({"eps": -0.1}, "eps must"),
    ({"dimensions": 0}, "dimensions")])
def test_rejects_worlds_that_do_not_exist(options, words):
    with pytest.raises(ValueError, match=words):
        TwoClasses(**options)
    with pytest.raises(ValueError, match="emphasis must be > 0"):
        TwoClasses().threshold(0.0)

"""Oracles: the formulas by loops over rows, limits of the weight, a brute-force jackknife."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_wine
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from workbench.core import generator
from workbench.inference.comparison.out_of_bag import Tally, error_weights, overfitting
from workbench.inference.model_comparison import (
    BootstrapOOB,
    bootstrap_score,
    no_information_rate,
)

X, Y = load_wine(return_X_y=True)


def by_hand(model, X, y, counts):
    """ERR_1, ERR_resub and gamma, row by row."""
    wrong, seen = np.zeros(len(y)), np.zeros(len(y))
    for each in counts:
        rows = [i for i in range(len(y)) for _ in range(each[i])]
        fitted = model().fit(X[rows], y[rows])
        for i in range(len(y)):
            if each[i] == 0:
                wrong[i] += fitted.predict(X[[i]])[0] != y[i]
                seen[i] += 1
    said = model().fit(X, y).predict(X)
    gamma = np.mean([a != b for a in y for b in said])
    held = seen > 0
    return (wrong[held] / seen[held]).mean(), np.mean(said != y), gamma


def test_matches_the_aggregate_formula_row_by_row():
    some = generator(0).permutation(178)[:40]
    counts = BootstrapOOB(8, random_state=1).counts(40)
    error, resub, gamma = by_hand(KNeighborsClassifier, X[some], Y[some], counts)
    R = (min(error, gamma) - resub) / (gamma - resub)
    w = 0.632 / (1 - 0.368 * R)
    told = bootstrap_score(KNeighborsClassifier(), X[some], Y[some], splits=counts)
    assert told.estimate == pytest.approx(1 - ((1 - w) * resub + w * min(error, gamma)))
    assert told.parts["overfitting"] == pytest.approx(R)
    plain = bootstrap_score(KNeighborsClassifier(), X[some], Y[some], ".632", splits=counts)
    assert plain.estimate == pytest.approx(1 - (0.368 * resub + 0.632 * error))


def test_matches_the_formula_within_each_resample():
    counts = BootstrapOOB(6, random_state=1).counts(178)
    told = bootstrap_score(GaussianNB(), X, Y, splits=counts, convention="per_split")
    scores = []
    for each in counts:
        rows = np.repeat(np.arange(178), each)
        said = GaussianNB().fit(X[rows], Y[rows]).predict(X)
        out = each == 0
        error, whole = np.mean(said[out] != Y[out]), np.mean(said != Y)
        gamma = np.mean([a != b for a in Y for b in said])
        w = 0.632 / (1 - 0.368 * (error - whole) / (gamma - whole))
        scores.append(1 - ((1 - w) * whole + w * error))
    np.testing.assert_allclose(told.replicates, scores, atol=1e-12)
    assert told.estimate == pytest.approx(np.mean(scores))


def test_identity_weights_at_the_ends_of_overfitting():
    np.testing.assert_allclose(error_weights(".632+", 0.0), error_weights(".632"))
    np.testing.assert_allclose(error_weights(".632+", 1.0), [0.0, 1.0], atol=1e-15)
    assert error_weights("oob") @ [7, 3] == 3
    assert overfitting(0.2, 0.3, 0.5) == 0.0          # better outside than inside
    assert overfitting(0.4, 0.3, 0.2) == 0.0          # worse than labels that say nothing
    assert overfitting(0.9, 0.1, 0.5) == 1.0          # cut at gamma
    assert overfitting(0.3, 0.1, 0.5) == pytest.approx(0.5)


def test_matches_labels_of_pure_noise():
    """.632 trusts the training rows of a nearest neighbour; .632+ does not."""
    rng = generator(4)
    noise, labels = rng.normal(size=(150, 5)), rng.integers(2, size=150)
    told = {method: bootstrap_score(KNeighborsClassifier(1), noise, labels, method, n_splits=60,
                                    rng=generator(0)) for method in ("oob", ".632", ".632+")}
    assert told[".632+"].estimate == pytest.approx(0.5, abs=0.08)
    assert told[".632"].estimate > 0.63
    assert told[".632+"].weights[1] > 0.9
    assert told["oob"].estimate < told[".632+"].estimate + 0.03


def test_matches_published_order_on_wine():
    """The nearest neighbour: errors near .273, .172 and .203 in 25 resamples."""
    told = [1 - bootstrap_score(KNeighborsClassifier(1), X, Y, method, n_splits=25,
                                rng=generator(0)).estimate for method in ("oob", ".632", ".632+")]
    np.testing.assert_allclose(told, [0.273, 0.172, 0.203], atol=0.012)


def test_matches_intervals_to_replicates():
    told = bootstrap_score(GaussianNB(), X, Y, n_splits=80, rng=generator(0))
    percentile = told.conf_int()
    assert told.replicates.min() <= percentile.low < percentile.high <= told.replicates.max()
    normal, student = told.conf_int(kind="normal"), told.conf_int(kind="t")
    assert (normal.high - normal.low) / 2 == pytest.approx(1.959964 * told.se)
    assert student.high > normal.high
    assert told.conf_int(0.5).low > percentile.low


def test_matches_the_infinitesimal_jackknife_to_a_definition_by_loops():
    values = generator(0).normal(size=12)
    counts = BootstrapOOB(20_000, random_state=3).counts(12)
    losses = np.abs(counts @ values[:, None] / 12 - values)      # a mean that predicts each value
    tally = Tally.of(losses, counts)
    out = counts == 0
    each = (losses * out).sum(0) / out.sum(0)
    q = (losses * out).mean(axis=1)
    parts = [(2 + 1 / 11) * (each[j] - each.mean()) / 12
             + np.sum((counts[:, j] - counts[:, j].mean()) * q) / out[:, j].sum()
             for j in range(12)]
    raw = np.sum(np.square(parts))
    assert tally.error() == pytest.approx(each.mean())
    assert raw * 0.9 < tally.delta_error() ** 2 < raw
    grown = Tally.empty(12)
    for one, loss in zip(counts, losses, strict=True):
        rows = np.flatnonzero(one == 0)
        grown.add(one, rows, loss[rows])
    assert grown.delta_error() == pytest.approx(tally.delta_error())


@pytest.mark.slow
class Nearest(ClassifierMixin, BaseEstimator):
    """The class whose mean is nearest, in a few operations."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means_ = np.array([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict(self, X):
        gaps = ((X[:, None] - self.means_) ** 2).sum(axis=2)
        return self.classes_[gaps.argmin(axis=1)]


def test_recovers_the_spread_of_the_error_over_tables():
    """The jackknife's standard error is that of fresh tables, up to a quarter."""
    def table(seed):
        rng = generator(seed)
        y = rng.integers(2, size=60)
        return rng.normal(size=(60, 2)) + y[:, None], y

    runs = [bootstrap_score(Nearest(), *table(seed), "oob", n_splits=100, rng=generator(seed))
            for seed in range(40)]
    spread = np.std([told.estimate for told in runs], ddof=1)
    assert np.nanmedian([told.delta for told in runs]) == pytest.approx(spread, rel=0.35)


def test_matches_gamma_for_any_loss():
    y, said = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1])
    pairs = [a != b for a in y for b in said]
    assert no_information_rate(y, said) == pytest.approx(np.mean(pairs))
    squares = no_information_rate([1.0, 2.0], [0.0, 4.0], lambda a, b: (a - b) ** 2)
    assert squares == pytest.approx((1 + 9 + 4 + 4) / 4)
    texts = no_information_rate(np.array(["a", "b"]), np.array(["b", "b"]))
    assert texts == 0.5


def test_matches_losses_of_numbers():
    rng = generator(0)
    table = rng.normal(size=(80, 3))
    y = table @ [1, 2, 3] + rng.normal(size=80)
    told = bootstrap_score(LinearRegression(), table, y, n_splits=40, rng=generator(0))
    assert told.estimate == pytest.approx(-1.05, abs=0.35)
    same = bootstrap_score(LinearRegression(), table, y, n_splits=40, rng=generator(0),
                           scoring=lambda a, b: -((a - b) ** 2))
    np.testing.assert_allclose(told.replicates, same.replicates)
    absolute = bootstrap_score(LinearRegression(), table, y, n_splits=10,
                               scoring="neg_mean_absolute_error")
    assert -1.2 < absolute.estimate < -0.5


def test_matches_resamples_that_cannot_be_used():
    counts = np.array([[1, 1, 1, 1], [4, 0, 0, 0], [2, 0, 2, 0], [0, 2, 0, 2]])
    told = bootstrap_score(DummyClassifier(), np.zeros((4, 1)), np.array([0, 0, 1, 1]), "oob",
                           splits=counts)
    assert told.skipped == 2
    assert "2 resamples were skipped" in told.warnings[0]
    constant = bootstrap_score(DummyClassifier(), np.zeros((4, 1)), np.array([0, 0, 1, 1]),
                               splits=counts, convention="per_split")
    assert np.isfinite(constant.estimate)
    assert any("divides by zero" in told for told in constant.warnings)
    assert "In 2 resamples" in constant.warnings[1]
    unseen = bootstrap_score(DummyClassifier(), np.zeros((4, 1)), np.array([0, 0, 1, 1]),
                             splits=np.array([[1, 0, 1, 1]] * 3))
    assert any("3 of 4 rows were in every resample" in told for told in unseen.warnings)


@pytest.mark.parametrize(("options", "words"), [
    ({"method": ".623"}, r"method must be one of .* Did you mean '\.632'"),
    ({"convention": "mean"}, "convention must be one of"),
    ({"n_splits": 0}, "n_splits must be a whole number of at least 1"),
    ({"scoring": "roc_auc"}, "scoring must be one of 'accuracy'"),
    ({"splits": np.ones((2, 178), dtype=int)}, "splits must leave rows out"),
    ({"n_splits": 2.5}, "n_splits must be a whole number of at least 1"),
    ({"nsplits": 5}, "options must be of .* Did you mean 'n_splits'"),
    ({"splits": 5}, "positions of training rows below 178"),
    ({"splits": [[0, 500]]}, "positions of training rows below 178"),
    ({"splits": -np.ones((2, 178), dtype=int)}, "splits must count rows by whole numbers"),
    ({"as_weights": True}, "as_weights must be False for KNeighborsClassifier")])
def test_rejects_options_no_resample_can_use(options, words):
    with pytest.raises(ValueError, match=words):
        bootstrap_score(KNeighborsClassifier(), X, Y, **options)


def test_rejects_intervals_that_are_not_known():
    one = bootstrap_score(GaussianNB(), X, Y, n_splits=1, rng=generator(0))
    with pytest.raises(ValueError, match="at least 2 replicates, got 1"):
        one.conf_int()
    few = bootstrap_score(GaussianNB(), X, Y, n_splits=5, convention="per_split")
    with pytest.raises(ValueError, match="kind must not be 'delta'"):
        few.conf_int(kind="delta")
    with pytest.raises(ValueError, match="level must lie strictly between 0 and 1"):
        few.conf_int(1.5)

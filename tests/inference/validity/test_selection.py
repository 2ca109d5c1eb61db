"""Oracles: the published procedure on full matrices, written apart; numbers of published runs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.inference import simulate_selection
from workbench.inference.validity.selection import (
    Part,
    Settings,
    kept_columns,
    select_on_rows,
    signal_means,
)
from workbench.inference.validity.tables import divide, encode, repeat_on_table, score_of


def published(n, d, k_list, signal, protected, rng):
    """The experiment on full matrices: accuracies on training rows, holdout's answer, fresh."""
    sets = []
    for _ in range(3):
        x, y = rng.normal(size=(n, d)), np.sign(rng.normal(size=n))
        if signal:
            x[:, :20] += 6 / np.sqrt(n) * y[:, None]
        sets.append((x, y))
    a, b = (x.T @ y / n for x, y in sets[:2])
    if protected:
        far = np.abs(a - b) > 4 / np.sqrt(n) + rng.normal(0, 1 / np.sqrt(n), d)
        b = np.where(far, b + rng.normal(0, 1 / np.sqrt(n), d), a)
    good = (np.sign(a) == np.sign(b)) & (np.minimum(np.abs(a), np.abs(b)) > 1 / np.sqrt(n))
    order = [j for j in np.argsort(-np.abs(a)) if good[j]]
    rows = []
    for k in k_list:
        w = np.zeros(d)
        w[order[:k]] = np.sign(a[order[:k]])
        scores = [np.mean(np.sign(x @ w) == y) for x, y in sets]
        if protected:
            far = abs(scores[0] - scores[1]) > 4 / np.sqrt(n) + rng.normal(0, 1 / np.sqrt(n))
            scores[1] = scores[1] + rng.normal(0, 1 / np.sqrt(n)) if far else scores[0]
        rows.append(scores)
    return np.array(rows)


@pytest.mark.parametrize("signal", [False, True])
@pytest.mark.parametrize("method", ["plain", "thresholdout"])
def test_matches_full_matrices_in_distribution(method, signal):
    n, d, ks = 100, 80, [3, 10]
    rng, other = np.random.default_rng(1), np.random.default_rng(2)
    tables = [simulate_selection(n, d, signal=signal, settings=Settings(ks), rng=rng)
              for _ in range(250)]
    ours = np.array([some.loc[some["method"] == method, ["train", "answer", "fresh"]].to_numpy()
                     for some in tables])
    theirs = np.array([published(n, d, ks, signal, method != "plain", other)
                       for _ in range(250)])
    for at in range(2):
        for part in range(3):
            jitter = np.random.default_rng(3).uniform(-0.5 / n, 0.5 / n, (2, 250))
            assert stats.ks_2samp(ours[:, at, part] + jitter[0],
                                  theirs[:, at, part] + jitter[1]).pvalue > 1e-3, (at, part)


@pytest.mark.parametrize(("signal", "k", "plain", "protected"), [
    (False, 100, (0.633, 0.501), (0.518, 0.501)), (True, 20, (0.727, 0.726), (0.724, 0.725))])
def test_matches_published_runs(signal, k, plain, protected):
    rng = np.random.default_rng(0)
    found = pd.concat([simulate_selection(2000, 2000, signal=signal, settings=Settings([k]),
                                          rng=rng) for _ in range(20)])
    for method, expected in (("plain", plain), ("thresholdout", protected)):
        some = found[found["method"] == method][["answer", "fresh"]]
        error = np.sqrt(2) * some.std().to_numpy() / np.sqrt(20)     # they had 20 runs, too
        np.testing.assert_array_less(np.abs(some.mean() - np.array(expected)), 4 * error + 0.001)


def test_identity_the_plain_holdout_is_unbiased_for_features_chosen_without_it():
    """With no threshold to pass on noise, one feature alone is not flattered by selection."""
    rng = np.random.default_rng(0)
    means = signal_means(2000, 30, signal=True)
    assert means[:20] == pytest.approx(6 / np.sqrt(2000))
    assert not means[20:].any()
    found = pd.concat([simulate_selection(2000, 20, signal=True, settings=Settings([20]), rng=rng)
                       for _ in range(30)]).query("method == 'plain'")
    gap = found["answer"] - found["fresh"]
    assert abs(gap.mean()) < 4 * gap.std(ddof=1) / np.sqrt(30)


def test_matches_kept_columns_by_hand():
    trained = np.array([0.3, -0.4, 0.05, 0.2, -0.5])
    told = np.array([0.2, 0.4, 0.3, 0.11, -0.2])
    assert kept_columns(trained, told, 100).tolist() == [4, 0, 3]      # 1 disagrees, 2 is small


def test_matches_votes_on_rows_by_hand():
    X = np.array([[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0]])
    y = np.array([1.0, 1.0, -1.0, -1.0])
    part = Part(X, y)
    np.testing.assert_allclose(part.correlations(), [1.0, -0.5])

    def right(votes, own, other, outcome):
        return float(np.mean(np.sign(other) == outcome))

    found, orders = select_on_rows([part, part, part], Settings([1], 0.1, 1e-9), right,
                                   rng=np.random.default_rng(0))
    assert found.query("method == 'plain'")[["train", "answer", "fresh"]].to_numpy().tolist() == [
        [1.0, 1.0, 1.0]]
    assert orders["plain"].tolist() == [0]


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 12))
    y = (x[:, 0] + x[:, 1] + rng.normal(size=900) > 0).astype(float)
    features = pd.DataFrame(x, columns=[f"c{at}" for at in range(12)]).assign(
        kind=rng.choice(["a", "b", "rare"], 900, p=[0.5, 0.499, 0.001]))
    features.loc[::50, "c3"] = np.nan
    return encode(features, y, is_class=True)


def test_recovers_the_columns_that_say_something(table):
    assert "kind = b" in table.names or "kind = a" in table.names
    accuracies, features, divided = repeat_on_table(
        table, Settings([0, 2, 5, 500]), pairs=True, probes=100, repetitions=3,
        rng=np.random.default_rng(1))
    assert set(features["feature"].head(4)) >= {"c0", "c1"}
    assert sorted(accuracies["k"].unique())[:3] == [0, 2, 5]
    assert accuracies["k"].max() == len(divided.names)
    assert sorted(np.concatenate(divided.rows).tolist()) == list(range(900))
    two = accuracies.query("k == 2 and method == 'plain'")
    assert two["fresh"].mean() > 0.75
    probes = features[features["feature"].str.startswith("probe")]
    assert 0 < probes.query("method == 'plain'")["share"].sum() < 20


def test_matches_scores_of_a_line_by_hand(table):
    divided = divide(table, pairs=False, probes=0, rng=np.random.default_rng(0))
    score = score_of(divided, is_class=True)
    y = divided.parts[0].y
    assert score(y, y, y, y) == 1.0
    share = divided.mean
    assert score(0 * y, y, 0 * y, y) == pytest.approx(max(share, 1 - share))
    rough = score_of(divided, is_class=False)
    assert rough(y, y, y, y) == pytest.approx(1.0)
    assert rough(0 * y, y, 0 * y, y) == pytest.approx(1 - 2 * share * (1 - share))


def test_matches_few_features_to_even_steps(table):
    accuracies, _, divided = repeat_on_table(table, Settings(), repetitions=2,
                                             rng=np.random.default_rng(0))
    assert len(divided.names) == 14
    assert sorted(accuracies["k"].unique()) == [0, 2, 5, 7, 9, 10, 12, 14]


@pytest.mark.parametrize("ks", [[], [5, 5], [10, 5], [-1, 3]])
def test_rejects_numbers_of_features_out_of_order(ks):
    with pytest.raises(ValueError, match="k_list must hold increasing whole numbers >= 0"):
        Settings(ks)

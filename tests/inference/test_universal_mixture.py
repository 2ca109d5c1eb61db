"""Oracle: sums of products of probabilities, taken without logarithms or recursion."""

import math

import numpy as np
import pytest

from workbench.inference.universal_mixture import FiniteMixture, follow


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def probabilities(rng, t=40, k=5):
    return rng.uniform(0.05, 0.95, size=(t, k))


def test_identity_infinite_temperature_is_the_prior_average(rng):
    chance, prior = probabilities(rng), rng.dirichlet(np.ones(5))
    path = FiniteMixture(np.log(prior), temperature=math.inf).follow(np.log(chance))
    np.testing.assert_allclose(path.weights, np.tile(prior, (41, 1)))
    np.testing.assert_allclose(np.exp(path.log_predictive), chance @ prior)
    np.testing.assert_allclose(path.average_loss(), -path.log_predictive)


def test_matches_total_loss_to_the_mixed_probability_of_the_whole(rng):
    chance, prior = probabilities(rng), rng.dirichlet(np.ones(5))
    path = follow(np.log(prior), np.log(chance))
    assert path.loss == pytest.approx(-math.log(chance.prod(axis=0) @ prior), abs=1e-10)
    joint = prior * chance.prod(axis=0)
    np.testing.assert_allclose(path.weights[-1], joint / joint.sum(), atol=1e-12)
    np.testing.assert_allclose(path.losses, -np.log(chance).sum(axis=0))


def test_matches_one_step_at_a_time_to_the_whole_sequence(rng):
    chance, prior = probabilities(rng), rng.dirichlet(np.ones(5))
    for temperature in (0.5, 1.0, 3.0):
        now = FiniteMixture(np.log(prior), temperature)
        path = now.follow(np.log(chance))
        for step, row in enumerate(np.log(chance)):
            assert now.log_predictive(row) == pytest.approx(path.log_predictive[step], abs=1e-10)
            np.testing.assert_allclose(now.log_posterior, path.log_weights[step], atol=1e-10)
            now = now.update(row)
        np.testing.assert_allclose(now.regret(), path.regret()[-1], atol=1e-10)
        assert now.steps == 40
        later = FiniteMixture(np.log(prior), temperature)
        for row in np.log(chance)[:15]:
            later = later.update(row)
        np.testing.assert_allclose(later.follow(np.log(chance)[15:]).weights, path.weights[15:])


def test_identity_order_of_the_data_leaves_the_total(rng):
    loglik = np.log(probabilities(rng))
    mixture = FiniteMixture.uniform(5)
    again = mixture.follow(loglik[rng.permutation(40)])
    assert again.loss == pytest.approx(mixture.follow(loglik).loss, abs=1e-10)


def test_identity_two_copies_of_half_the_weight_are_one(rng):
    loglik, prior = np.log(probabilities(rng, k=3)), np.array([0.5, 0.3, 0.2])
    split = np.array([0.25, 0.25, 0.3, 0.2])
    one, two = follow(np.log(prior), loglik), follow(np.log(split), loglik[:, [0, 0, 1, 2]])
    np.testing.assert_allclose(one.log_predictive, two.log_predictive, atol=1e-12)
    np.testing.assert_allclose(two.weights[:, :2].sum(axis=1), one.weights[:, 0], atol=1e-12)


def test_identity_permuting_hypotheses_permutes_weights(rng):
    loglik, order = np.log(probabilities(rng)), rng.permutation(5)
    prior = np.log(rng.dirichlet(np.ones(5)))
    np.testing.assert_allclose(follow(prior[order], loglik[:, order]).weights,
                               follow(prior, loglik).weights[:, order], atol=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 2.5, 10.0])
def test_matches_regret_under_the_bound_for_hostile_sequences(rng, temperature):
    for trial in range(60):
        k = int(rng.integers(2, 12))
        prior = rng.dirichlet(np.full(k, 0.2)) + 1e-9
        chance = rng.beta(0.2, 0.2, size=(60, k)).clip(1e-12, 1 - 1e-12)
        now, hero = FiniteMixture(np.log(prior / prior.sum()), temperature), trial % k
        for row in chance:
            happened = row[hero] > now.weights @ row          # whatever favours the hero
            now = now.update(np.log(row if happened else 1 - row))
        assert (now.regret() <= now.bound + 1e-9).all()
        assert now.regret()[hero] > 0


def test_matches_sleeping_hypotheses_to_the_bound_over_their_waking_steps(rng):
    for _ in range(40):
        loglik = np.log(rng.beta(0.3, 0.3, size=(50, 4)).clip(1e-9, 1))
        awake = rng.random((50, 4)) < 0.6
        awake[~awake.any(axis=1), 0] = True
        path = FiniteMixture.uniform(4).follow(np.where(awake, loglik, np.nan))
        waking = (np.where(awake, loglik, 0) - awake * path.log_predictive[:, None]).sum(axis=0)
        assert (waking <= math.log(4) + 1e-9).all()
        np.testing.assert_allclose(path.regret()[-1], waking, atol=1e-9)
        asleep_first = ~awake[0]
        np.testing.assert_allclose(path.weights[1][asleep_first], 0.25)


def test_matches_batch_weights_and_leader_by_hand():
    loglik = np.log(np.array([[0.9, 0.5], [0.1, 0.5], [0.1, 0.5]]))
    path = FiniteMixture.uniform(2).follow(loglik)
    np.testing.assert_allclose(path.batch_weights(), path.weights[:3].mean(axis=0))
    np.testing.assert_allclose(path.leader_loss(), -np.log([0.9, 0.1, 0.5]))
    np.testing.assert_allclose(path.effective_hypotheses()[0], 2.0)
    assert path.best() == 1


def test_recovers_the_average_predictor_within_its_regret(rng):
    """Online to batch: KL of the averaged predictor is at most the regret per sample."""
    chance, n = np.array([0.2, 0.5, 0.8]), 20
    labels = rng.random((3000, n)) < chance[0]
    kl, regret = [], []
    for row in labels:
        path = FiniteMixture.uniform(3).follow(
            np.log(np.where(row[:, None], chance, 1 - chance)))
        q = float(path.batch_weights() @ chance)
        kl.append(0.2 * math.log(0.2 / q) + 0.8 * math.log(0.8 / (1 - q)))
        regret.append(path.regret()[-1, 0] / n)
    slack = 4 * np.std(np.subtract(regret, kl)) / math.sqrt(len(kl))
    assert 0 < np.mean(kl) <= np.mean(regret) + slack


@pytest.mark.parametrize(("values", "words"), [
    ({"log_prior": np.log([0.5, 0.4])}, "sum to 1, got a sum of 0.9"),
    ({"log_prior": [np.nan, 0.0]}, "sum to 1"),
    ({"log_prior": np.zeros((2, 2))}, r"shape \(k,\)"),
    ({"log_prior": [0.0], "temperature": 0.0}, "temperature must be positive, got 0.0"),
    ({"log_prior": [0.0], "temperature": math.nan}, "temperature must be positive"),
    ({"log_prior": [0.0], "temperature": "hot"}, "temperature must be positive, got 'hot'"),
    ({"log_prior": ["a", "b"]}, "log_prior must hold numbers, but could not convert"),
    ({"log_prior": [0.0], "log_likelihood": [-1.0, -2.0]}, "log_likelihood must have one number"),
    ({"log_prior": [0.0], "log_likelihood": [np.nan]}, "log_likelihood must have one number"),
    ({"log_prior": [0.0], "total": np.nan}, "total must be finite"),
])
def test_rejects_priors_and_temperatures(values, words):
    with pytest.raises(ValueError, match=words):
        FiniteMixture(**values)


@pytest.mark.parametrize(("loglik", "words"), [
    ([[0.1, -1.0]], "at most 0, got 0.1 of hypothesis 0 at step 0"),
    ([[-1.0, -1.0], [np.nan, np.nan]], "no hypothesis says anything at step 1"),
    ([[-1.0, -1.0], [-np.inf, -np.inf]], "at step 1 all that have weight"),
    ([[-1.0]], "one column for each of 2 hypotheses"),
    ([[np.inf, -1.0]], "at most 0, got inf"),
    (np.empty((0, 2)), r"got shape \(0, 2\). Pass an array of shape \(t, 2\), t > 0"),
])
def test_rejects_what_is_no_log_probability(loglik, words):
    with pytest.raises(ValueError, match=words):
        FiniteMixture.uniform(2).follow(loglik)


def test_rejects_several_steps_at_once_and_no_hypotheses():
    with pytest.raises(ValueError, match=r"for one step of shape \(2,\)"):
        FiniteMixture.uniform(2).update([[-1.0, -1.0], [-2.0, -2.0]])
    with pytest.raises(ValueError, match="k must be a whole number of at least 1, got 0"):
        FiniteMixture.uniform(0)


def test_matches_priors_of_single_precision_made_exact():
    rough = np.log(np.full(1000, 1 / 1000, np.float32))
    assert FiniteMixture(rough).weights.sum() == pytest.approx(1, abs=1e-12)


def test_matches_densities_and_no_bound_below_temperature_one():
    path = FiniteMixture.uniform(2, is_density=True).follow([[2.0, 1.0]])
    assert path.log_predictive[0] == pytest.approx(math.log((math.e ** 2 + math.e) / 2))
    assert np.isinf(FiniteMixture.uniform(2, temperature=0.5).bound).all()
    certain = FiniteMixture([0.0, -np.inf])
    assert certain.bound.tolist() == [0.0, np.inf]
    assert certain.update([-1.0, -2.0]).weights.tolist() == [1.0, 0.0]

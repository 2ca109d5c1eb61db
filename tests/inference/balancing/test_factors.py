"""Factorisations: PyTorch's own Adam, one model alone, and what training must find."""

import math

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from workbench.inference.balancing.alternating import MatrixFactorisation
from workbench.inference.balancing.balanced_factors import KernelBalancedMF
from workbench.inference.balancing.decays import RankingSlice, decay_sweep, tuned_scores
from workbench.inference.balancing.factors import StackAdam, Stop
from workbench.inference.balancing.learnt_weights import Balancing, summed_excess
from workbench.inference.balancing.ranking_scores import auc

USERS, ITEMS = 30, 25


def liked(n=500, seed=0):
    """Ratings by two tastes."""
    rng = np.random.default_rng(seed)
    users, items = rng.integers(USERS, size=n), rng.integers(ITEMS, size=n)
    return users, items, ((users % 2) == (items % 2)).astype(float)


def test_matches_adam_of_pytorch():
    start = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    own = torch.nn.Parameter(start.clone())
    adam = StackAdam([own], 0.05, torch.tensor([0.1, 0.0]))
    alone = [torch.nn.Parameter(start[at].clone()) for at in range(2)]
    theirs = [torch.optim.Adam([each], lr=0.05, weight_decay=decay)
              for each, decay in zip(alone, (0.1, 0.0), strict=True)]
    for _ in range(30):
        adam.descend(((own - 1) ** 4).sum(dim=(1, 2)))
        for each, one in zip(alone, theirs, strict=True):
            one.zero_grad()
            ((each - 1) ** 4).sum().backward()
            one.step()
    np.testing.assert_allclose(own.detach(), torch.stack([each.detach() for each in alone]),
                               atol=1e-5)


def test_identity_a_stack_trains_each_model_as_if_alone():
    users, items, ratings = liked()
    options = {"epochs": 8, "batch": 64, "random_state": 3, "device": "cpu"}
    both = MatrixFactorisation(USERS, ITEMS, weight_decay=[1e-3, 1e-2], **options).fit(
        users, items, ratings).predict(users, items)
    for at, decay in enumerate((1e-3, 1e-2)):
        one = MatrixFactorisation(USERS, ITEMS, weight_decay=decay, **options).fit(
            users, items, ratings).predict(users, items)
        np.testing.assert_allclose(both[at], one, atol=1e-5)


@pytest.mark.parametrize("robust", [False, True])
def test_identity_equal_amounts_are_no_amounts(robust):
    users, items, ratings = liked()
    found = [MatrixFactorisation(USERS, ITEMS, robust=robust, epochs=4, device="cpu").fit(
        users, items, ratings, amounts).predict(users, items)
        for amounts in (None, np.ones(len(users)))]
    np.testing.assert_array_equal(*found)


def test_matches_the_size_of_the_loss_beside_the_weight_decay():
    """What the lesson rests on: Adam ignores the size of a loss but for its weight decay."""
    users, items, ratings = liked()
    options = {"epochs": 20, "device": "cpu", "tol": 1e-12}
    large = MatrixFactorisation(USERS, ITEMS, weight_decay=1e-2, **options).fit(
        users, items, ratings, np.full(len(users), 10.0)).predict(users, items)
    small = MatrixFactorisation(USERS, ITEMS, weight_decay=1e-3, **options).fit(
        users, items, ratings).predict(users, items)
    np.testing.assert_allclose(large, small, atol=2e-3)


@pytest.mark.parametrize("balance", ["random", "adaptive", "worst"])
@pytest.mark.parametrize("compat", ["fixed", "author"])
@pytest.mark.parametrize("robust", [False, True])
def test_recovers_tastes(balance, compat, robust):
    users, items, ratings = liked(600)
    model = KernelBalancedMF(
        USERS, ITEMS, balance=balance, compat=compat, robust=robust, weight_decay=1e-5,
        epochs=60, batch=100, learning_rate=0.05, device="cpu",
        how=Balancing(kernel="laplace" if balance == "worst" else "gaussian"))
    model.fit(users, items, ratings, random_ratings=[0, 1, 1, 0])
    own = np.repeat(np.arange(USERS), ITEMS), np.tile(np.arange(ITEMS), USERS)
    assert auc((own[0] % 2) == (own[1] % 2), model.predict(*own)) > 0.8


def test_matches_the_authors_hinge_to_its_fault():
    """Opposite errors cancel in it, as they must not."""
    gaps = torch.tensor([[0.5, -0.5], [0.3, 0.1]])
    np.testing.assert_allclose(summed_excess(gaps, 0.1), [0.0, 0.3], atol=1e-7)


def test_matches_seven_epochs_without_a_fall():
    stop = Stop(2, 0.01)
    for epoch in range(20):
        stop(np.array([1.0, 1 / (epoch + 1) ** 2]))
    assert stop.epochs.tolist() == [8, 20]
    assert stop.ended.tolist() == [True, False]


@pytest.mark.parametrize(("options", "words"), [
    ({"weight_decay": -1.0}, "weight_decay must be at least 0"),
    ({"weight_decay": []}, "weight_decay must be"), ({"epochs": 0}, "epochs must be a whole"),
    ({"size": 0}, "size must be a whole number"), ({"batch": 2.5}, "batch must be a whole number"),
    ({"imputation_rate": 0}, "imputation_rate must be positive, got 0"),
    ({"imputation_rate": math.nan}, "imputation_rate must be positive, got nan")])
def test_rejects_options(options, words):
    with pytest.raises(ValueError, match=words):
        MatrixFactorisation(USERS, ITEMS, **options)


def test_rejects_ratings():
    users, items, ratings = liked(20)
    model = MatrixFactorisation(USERS, ITEMS, epochs=1)
    for args, words in (((users, items, 3 * ratings), "ratings must be 0 or 1"),
                        ((users + 99, items, ratings), "users must be whole numbers from 0 to 29"),
                        ((users, items + 0.5, ratings), "items must be whole numbers"),
                        ((users[:0], items[:0], ratings[:0]), "at least one rating"),
                        ((users, items, ratings, ratings), "amounts must be above zero"),
                        ((users, items, ratings, [1.0]), "amounts must have one number")):
        with pytest.raises(ValueError, match=words):
            model.fit(*args)
    with pytest.raises(NotFittedError, match="fit must be called before predict"):
        model.predict(users, items)
    model.fit(users, items, ratings)
    for wrong in (users - 1, users + 99, users * 1.0):
        with pytest.raises(ValueError, match="users must be whole numbers from 0 to 29, got"):
            model.predict(wrong, items)
    with pytest.raises(FloatingPointError, match="smaller learning_rate than 1e\\+30"):
        MatrixFactorisation(USERS, ITEMS, epochs=20, learning_rate=1e30).fit(users, items, ratings)
    with pytest.raises(ValueError, match="balance must be one of"):
        KernelBalancedMF(3, 3, balance="all")
    with pytest.raises(ValueError, match="compat must be one of"):
        KernelBalancedMF(3, 3, compat="old")
    with pytest.raises(ValueError, match="user_features has 2, users has 30"):
        KernelBalancedMF(USERS, ITEMS).fit(users, items, ratings, features=(
            np.ones((2, 2)), np.ones((ITEMS, 2))))


def test_matches_a_sweep_to_its_best_decays():
    users, items, ratings = liked(600)
    own = RankingSlice(*liked(400, seed=1), np.arange(400) % 2 == 0)
    table = decay_sweep((users, items, ratings), (USERS, ITEMS), {
        "plain": np.ones(600), "heavy": np.full(600, 9.0)}, {"robust": np.ones(600)}, own,
        [1e-4, 1e-1], seeds=2, rng=np.random.default_rng(0))
    assert len(table) == 12
    best = tuned_scores(table, own, rng=np.random.default_rng(0)).set_index("way")
    assert best.loc["plain", "decay"] == 1e-4
    assert (best["low"] <= best["auc"]).all()
    assert (best["auc"] <= best["high"]).all()

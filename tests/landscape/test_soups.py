"""Oracle: every subset of a few members, tried one by one."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from workbench.landscape.averaging import average
from workbench.landscape.soups import greedy_soup

LAYER = nn.Linear(4, 3)


def members(k, seed=0):
    drawn = torch.Generator().manual_seed(seed)
    return {name: torch.randn(k, *tensor.shape, generator=drawn)
            for name, tensor in LAYER.state_dict().items()}


def nearness(params):
    return -float(params["weight"].square().sum())


def test_identity_one_member_is_its_own_soup():
    one = members(1)
    soup = greedy_soup(one, nearness)
    assert soup.weights.tolist() == [1]
    for name, tensor in one.items():
        assert torch.equal(soup.params[name], tensor[0])


def test_identity_endless_tolerance_gives_the_uniform_average():
    some = members(5)
    soup = greedy_soup(some, nearness, tolerance=math.inf)
    np.testing.assert_allclose(soup.weights, 0.2)
    for name, tensor in average(some).items():
        torch.testing.assert_close(soup.params[name], tensor)


@pytest.mark.parametrize("seed", range(5))
def test_matches_the_recipe_written_out(seed):
    some, k = members(6, seed), 6
    one = [{name: tensor[k] for name, tensor in some.items()} for k in range(k)]
    order = sorted(range(k), key=lambda k: -nearness(one[k]))
    kept = [order[0]]
    for k_next in order[1:]:
        tried = [one[k] for k in [*kept, k_next]]
        mean = {"weight": sum(params["weight"] for params in tried) / len(tried)}
        before = {"weight": sum(one[k]["weight"] for k in kept) / len(kept)}
        if nearness(mean) >= nearness(before):
            kept.append(k_next)
    soup = greedy_soup(some, nearness)
    assert np.flatnonzero(soup.weights).tolist() == sorted(kept)
    assert soup.score == pytest.approx(nearness(soup.params))
    assert soup.score >= max(map(nearness, one))
    assert soup.history["member"].tolist() == order
    assert soup.weights.sum() == pytest.approx(1)


def test_rejects_scores_that_are_no_numbers():
    with pytest.raises(ValueError, match="got NaN with member 0"):
        greedy_soup(members(2), lambda _: math.nan)
    with pytest.raises(ValueError, match="tolerance must be >= 0"):
        greedy_soup(members(2), nearness, tolerance=-1)

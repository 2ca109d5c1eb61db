"""Small networks: default initial numbers, own generator, refusals."""

import pytest
import torch
from torch import nn

from workbench.train.models import MLP, ConvNet


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def test_identity_same_seed_same_numbers():
    for make in (lambda g: MLP(6, 4, 3, generator=g), lambda g: ConvNet(1, 4, 3, generator=g)):
        one, two, other = (make(draws(seed)) for seed in (1, 1, 2))
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(),
                                                     strict=True))
        assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_identity_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    MLP(6, 4, 3, generator=draws())
    ConvNet(1, 4, 3, norm="none", generator=draws())
    assert torch.equal(before, torch.get_rng_state())


def test_matches_a_sequential_network():
    ours = MLP(6, 4, 3, activation="tanh", generator=draws())
    theirs = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(),
                           nn.Linear(4, 3))
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        other.data = own.data
    x = torch.randn(7, 6, generator=draws())
    assert torch.equal(ours(x), theirs(x))


def test_matches_the_spread_of_the_default_scheme():
    weight = MLP(100, 300, 3, generator=draws()).layers[0].weight
    assert weight.abs().max() <= 0.1
    n, variance = weight.numel(), 0.1 ** 2 / 3
    error = (4 / 45 * 0.1 ** 4 / n) ** 0.5          # of the mean square of uniform numbers
    assert abs(weight.detach().square().mean().item() - variance) < 4 * error


def test_rejects_sizes_and_words():
    with pytest.raises(ValueError, match="width must be positive, got 0"):
        MLP(6, 0, 3, generator=draws())
    with pytest.raises(ValueError, match="Did you mean 'relu'"):
        MLP(6, 2, 3, activation="relux", generator=draws())
    with pytest.raises(ValueError, match="norm must be one of"):
        ConvNet(1, 2, 3, norm="layers", generator=draws())

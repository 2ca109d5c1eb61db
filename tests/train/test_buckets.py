"""Which models share a stack."""

import pytest
import torch
from torch import nn

from tests.train.alone import draws, networks
from workbench.train.buckets import LAUNCH, plan, price
from workbench.train.models import MLP, ConvNet

X = torch.zeros(3, 64)
IMAGES = torch.zeros(3, 1, 8, 8)


def grid(widths, x=X):
    models = [MLP(64, width, 10, generator=draws()) for width in widths]
    return models, [price(model, x) for model in models]


def members(buckets):
    return sorted(sorted(bucket.models) for bucket in buckets)


def test_matches_parameters_and_work_counted_by_hand():
    found = price(MLP(64, 16, 10, generator=draws()), X)
    assert found.params == 64 * 16 + 16 + 16 * 16 + 16 + 16 * 10 + 10
    assert found.work == 64 * 16 + 16 * 16 + 16 * 10
    assert found.outputs == (10,)
    conv = price(ConvNet(1, 4, 10, norm="none", generator=draws()), IMAGES)
    assert conv.work == 64 * 9 * 4 + 16 * 9 * 4 * 4 + 4 * 10


def test_matches_the_cheapest_cut_by_brute_force():
    widths = [2, 3, 8, 16, 30, 64, 64]
    models, prices = grid(widths)
    for size in (8, 64, 1024):
        found = plan(models, [size] * 7, [2000] * 7, prices, budget=2 ** 40)
        works = sorted({one.work for one in prices})
        best = min(_cost([works[a:b] for a, b in zip([0, *cut], [*cut, 6], strict=True)],
                         prices, size) for cut in _cuts(6))
        ours = [sorted({prices[at].work for at in bucket.models}) for bucket in found]
        assert _cost(ours, prices, size) == best
    assert len(plan(models, [8] * 7, [2000] * 7, prices)) < len(found)


def _cuts(n):
    return [[at + 1 for at in range(n - 1) if mask >> at & 1] for mask in range(2 ** (n - 1))]


def _cost(parts, prices, size):
    return sum(LAUNCH["cpu"] + size * max(part) * sum(one.work in part for one in prices)
               for part in parts)


def test_identity_each_model_is_in_one_bucket():
    models, prices = grid([2, 4, 64] * 4)
    sizes = [8, 8, 8, 16, 16, 16] * 2
    rows = [100] * 6 + [50] * 6
    found = plan(models, sizes, rows, prices, budget=2 ** 17)
    assert sorted(at for bucket in found for at in bucket.models) == list(range(12))
    for bucket in found:
        assert len({(sizes[at], rows[at]) for at in bucket.models}) == 1
        assert bucket.padded >= bucket.work
        assert bucket.bytes <= 2 ** 17 or len(bucket.models) == 1
    assert found == plan(models, sizes, rows, prices, budget=2 ** 17)


def test_identity_widths_share_no_stack_where_zeros_do_not_stay():
    for kind, shared in (("mlp", True), ("batch", True), ("mlp sigmoid", False),
                         ("group", False)):
        models = networks(kind, (2, 3))
        prices = [price(model, torch.zeros(2, 1, 6, 6).double()) for model in models]
        assert (len(plan(models, [8, 8], [99, 99], prices)) == 1) == shared


def test_matches_chains_of_batch_sizes_when_merged():
    models, prices = grid([4] * 6)
    sizes = [8, 24, 16, 64, 36, 8]
    apart = plan(models, sizes, [99] * 6, prices)
    assert members(apart) == [[0, 5], [1], [2], [3], [4]]
    merged = plan(models, sizes, [99] * 6, prices, merge=True)
    assert members(merged) == [[0, 2, 3, 5], [1], [4]]
    assert merged[0].sizes == (8, 8, 16, 64)


def test_identity_any_module_has_a_price():
    model = nn.Sequential(nn.Embedding(7, 4), nn.Flatten(), nn.Linear(12, 2))
    found = price(model, torch.zeros(2, 3, dtype=torch.int64))
    assert found.work == 24
    large, small = (plan([model], [8], [99], [found], form=form)[0].form
                    for form in ("loop", "auto"))
    assert (large, small) == ("loop", "vmap")


class Looking(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(x) * float(x.max() > -9)


def test_identity_a_model_that_looks_at_its_numbers_has_a_price():
    model = nn.Sequential(Looking(), nn.Dropout(0.5))
    state = torch.get_rng_state()
    for n in (1, 8):
        found = price(model, torch.ones(n, 4))
        assert (found.params, found.work, found.outputs) == (15, 12, (3,))
    assert torch.equal(torch.get_rng_state(), state)


def test_rejects_nothing_silently():
    with pytest.raises(RuntimeError):
        price(MLP(64, 2, 2, generator=draws()), torch.zeros(2, 63))

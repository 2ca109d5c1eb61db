"""The laws of the house for every weighter at once: those with a name, and those of the cards."""

import math

import pytest

torch = pytest.importorskip("torch")

from tests.reweighting import laws  # noqa: E402
from tests.reweighting.batches import told  # noqa: E402
from tests.reweighting.owners import Descent, MetaGroups  # noqa: E402
from workbench import catalog  # noqa: E402
from workbench.core.weights import effective_size  # noqa: E402
from workbench.reweighting import LossWeighter, Watched  # noqa: E402

# Methods that break a law by what they are, each with its reason.
OWN_OBJECTIVE = {"bilevel": "the network also goes down the loss of its validation rows"}
DRAWN = {"meta_rescaling": "features of rows come from dropout that is drawn anew"}
EVERY, NEUTRAL = laws.every_weighter(), laws.neutral_weighters()


def method_of(weighter):
    """The method whose card is that of a weighter, or nothing."""
    own = type(weighter).__module__.rpartition(".")[2]
    return own if own in catalog.cards() else ""


def sums_to_one(weighter):
    return laws.kind_of(weighter) != "meta" and not getattr(weighter, "free_sum", False)


@pytest.mark.parametrize("key", NEUTRAL, ids=": ".join)
def test_identity_neutral_setting_is_training_without_weights(key):
    weighter = NEUTRAL[key]
    for index, losses, weights in laws.at_work(weighter, batch_size=laws.ROWS):
        same = weights / weights.sum()
        assert (same - 1 / len(index)).abs().max() < 1e-12, losses
    if key[0] not in OWN_OBJECTIVE:
        plain, _ = laws.trained(None, batch_size=6)
        ours, _ = laws.trained(weighter, batch_size=6)
        assert (ours - plain).abs().max() < 1e-12


@pytest.mark.parametrize("name", EVERY)
def test_identity_weights_stay_in_their_range_and_have_a_size(name):
    weighter = EVERY[name]
    seen = laws.at_work(weighter, batch_size=6)
    assert len(seen) == 3 * laws.ROWS // 6
    for index, losses, weights in seen:
        assert weights.shape == losses.shape == index.shape
        assert torch.isfinite(weights).all()
        assert weights.min() >= 0
        assert not weights.requires_grad
        share = weights / weights.sum()
        assert 1 - 1e-12 <= effective_size(share) <= len(share) * (1 + 1e-12)
        if sums_to_one(weighter):
            assert weights.sum().item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", EVERY)
def test_identity_other_names_of_rows_change_no_weight(name):
    if method_of(EVERY[name]) in DRAWN:
        pytest.skip(DRAWN[method_of(EVERY[name])])
    order = torch.randperm(laws.ROWS, generator=torch.Generator().manual_seed(2))
    plain, other = laws.at_work(EVERY[name]), laws.at_work(EVERY[name], order=order)
    for (index, _, weights), (moved, _, same) in zip(plain, other, strict=True):
        by_row, again = (torch.zeros(laws.ROWS, dtype=torch.float64) for _ in range(2))
        by_row[index], again[order[moved]] = weights.double(), same.double()
        assert torch.allclose(by_row, again, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
def test_matches_the_price_that_is_declared(name, monkeypatch):
    weighter = EVERY[name]
    plain = laws.passes(None, monkeypatch)
    ours = laws.passes(weighter, monkeypatch)
    found = {kind: ours[kind] - plain[kind] + 1 for kind in plain}
    if laws.kind_of(weighter) == "meta":
        declared = dict(catalog.cards()[method_of(weighter)].cost)
        told_so = f"the card of {method_of(weighter)} must declare cost={found}"
    else:
        asked = {str(word).partition(":")[0]: str(word).partition(":")[2]
                 for word in getattr(weighter, "needs", ())}
        declared = {"forward": 1.0 + int(asked.get("passes") or ("passes" in asked))
                    + ("gradient_norms" in asked), "backward": 1.0 + ("gradient_norms" in asked)}
        told_so = f"{name} costs {found}, which its needs do not say"
    for kind, count in found.items():             # one look before the four steps is allowed
        assert count == pytest.approx(declared.get(kind, 1.0), abs=0.26), told_so


@pytest.mark.parametrize("name", [name for name, one in EVERY.items()
                                  if laws.kind_of(one) != "meta"])
def test_matches_the_price_of_a_scope(name, monkeypatch):
    extra = {"batch": 0, "step": 1}[getattr(EVERY[name], "scope", "batch")]
    plain, ours = (laws.passes(one, monkeypatch, accumulate=3) for one in (None, EVERY[name]))
    assert ours["forward"] - plain["forward"] == pytest.approx(extra)
    assert ours["backward"] == plain["backward"]


@pytest.mark.parametrize("key", NEUTRAL, ids=": ".join)
def test_identity_neutral_weights_are_equal_for_any_number_of_rows(key):
    weighter = NEUTRAL[key]
    if laws.kind_of(weighter) == "meta":
        pytest.skip("its weights are those of a training, above")
    draws = torch.Generator().manual_seed(0)
    for n in (2, 4, 8, 64):
        losses = torch.rand(n, generator=draws, dtype=torch.float64).exp()
        given = batch_of(losses)
        asked = given if set(getattr(weighter, "needs", ())) - {"losses"} else losses
        weights = weighter.update(weighter.init(n), asked)[1] if (
            laws.kind_of(weighter) == "memory") else weighter(asked)
        assert (weights / weights.sum() - 1 / n).abs().max() < 1e-15, key


def batch_of(losses):
    """A batch that tells all that can be asked for; groups and classes are of one size."""
    n = len(losses)
    draws = torch.Generator().manual_seed(n)
    group = torch.arange(n) % 2
    return told(losses, step=9, group=group, targets=group, passes=losses.expand(3, n),
                inputs=torch.randn(n, 3, generator=draws, dtype=torch.float64),
                logits=torch.randn(n, 2, generator=draws, dtype=torch.float64),
                gradient_norms=losses)


def test_recovers_what_breaks_a_law(monkeypatch):
    """The laws are not empty: each refuses a weighter that is made to break it."""
    class Places:
        needs = frozenset({"index"})

        def __call__(self, batch):
            amounts = 1.0 + batch.index
            return amounts.to(batch.losses) / amounts.sum()
    order = torch.arange(laws.ROWS).flip(0)
    (index, _, weights), *_ = laws.at_work(Places())
    (moved, _, same), *_ = laws.at_work(Places(), order=order)
    assert not torch.allclose(weights[index.argsort()], same[order[moved].argsort()])
    assert laws.passes(Descent(), monkeypatch) == laws.passes(None, monkeypatch)
    more = laws.passes(MetaGroups(), monkeypatch)
    assert more == laws.passes(None, monkeypatch)            # drawing rows is no pass

    class Twice(Descent):
        def step(self, state, step):
            for micro in (*step.micros, step.next_batch("meta")):
                torch.autograd.grad(step.losses(step.params, micro).mean(),
                                    list(step.params.values()))
            return super().step(state, step)
    plain, twice = laws.passes(None, monkeypatch), laws.passes(Twice(), monkeypatch)
    assert {kind: twice[kind] - plain[kind] for kind in plain} == {"forward": 2, "backward": 2}
    sharp, _ = laws.trained(LossWeighter(temperature=0.2, burn_in=0.0), batch_size=6)
    assert (sharp - laws.trained(None, batch_size=6)[0]).abs().max() > 1e-3


@pytest.mark.parametrize("weighter", [None, LossWeighter(temperature=math.inf), Descent(),
                                      Watched(Descent()), Watched(LossWeighter("uniform"))])
def test_identity_equal_weights_by_any_kind_are_one_training(weighter):
    plain, _ = laws.trained(None, batch_size=6)
    assert (laws.trained(weighter, batch_size=6)[0] - plain).abs().max() < 1e-12

"""Wrong weights stop a run with name, step and remedy; a league goes on and tells it."""

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.reweighting.owners import Descent, MetaGroups  # noqa: E402
from workbench.reweighting import (  # noqa: E402
    LossWeighter,
    Watched,
    compare_weighters,
    relative_weights,
)
from workbench.train import MLP, Sgd, StepResult, Training, fit, torch_generator  # noqa: E402
from workbench.train.run import Run  # noqa: E402

SPOILT = {"nan": lambda w: w * math.nan, "negative": lambda w: w - 0.2, "zero": lambda w: w * 0,
          "length": lambda w: w[:-1], "axes": lambda w: w[None]}
FROM = 2


def rows(n=64, *, groups=False):
    x = torch.randn(n, 4, generator=torch_generator(0))
    y = (x[:, 0] > 0).long()
    return (x, y, (x[:, 1] > 0).long()) if groups else (x, y)


def network(seed):
    return MLP(4, 6, 2, generator=torch_generator(seed))


class Plain:
    """Wrong from step 2 on."""

    def __init__(self, spoil):
        self.spoil, self.calls = spoil, 0

    def __call__(self, losses):
        self.calls += 1
        good = torch.full_like(losses, 1 / len(losses))
        return good if self.calls <= FROM else self.spoil(good)


class Memory:
    def __init__(self, spoil):
        self.spoil = spoil

    def init(self, _):
        return {"calls": 0}

    def update(self, state, losses):
        good = torch.full_like(losses, 1 / len(losses))
        return {"calls": state["calls"] + 1}, (
            good if state["calls"] < FROM else self.spoil(good))


class Meta(Descent):
    def __init__(self, spoil):
        self.plain = Plain(spoil)
        super().__init__(self.plain)


KINDS = {"function": Plain, "memory": Memory, "meta": Meta}
HOW = Training(Sgd(0.1), epochs=2, batch_size=16, log_every=1, device="cpu")


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("fault", SPOILT)
@pytest.mark.parametrize("kind", KINDS)
def test_rejects_wrong_weights_with_name_step_and_remedy(monkeypatch, kind, fault, waits, watched):
    if waits:                              # as on a graphics card or on several processes
        monkeypatch.setattr(Run, "immediate", False)
    weighter = KINDS[kind](SPOILT[fault])
    with pytest.raises(ValueError, match=f"{KINDS[kind].__name__} must") as refused:
        fit(network(0), rows(), HOW, weighter=Watched(weighter) if watched else weighter,
            progress="nowhere")
    told = str(refused.value)
    assert f"at step {FROM}" in told
    assert "Divide by the sum" in told or "Check what it does to extreme losses" in told


@pytest.mark.parametrize("kind", KINDS)
def test_rejects_what_is_no_tensor(kind):
    class Words(Descent):
        def step(self, state, _):
            return state

    weighter = Words() if kind == "meta" else KINDS[kind](lambda _: ["much"])
    with pytest.raises((TypeError, ValueError), match=r"at step [02]"):
        fit(network(0), rows(), HOW, weighter=Watched(weighter), progress="nowhere")


@pytest.mark.parametrize("weighter", [None, LossWeighter(), Watched(LossWeighter()),
                                      Descent(), Watched(Descent())])
def test_matches_a_divergent_run_that_is_told_as_such(weighter):
    how = Training(lambda params: torch.optim.SGD(params, lr=1e30), epochs=3, batch_size=16)
    done = fit(network(0), rows(), how, weighter=weighter, progress="nowhere")
    assert done.status == "diverged"
    assert 1 <= done.step < 12


def test_identity_watching_a_weighter_that_owns_the_step_changes_nothing():
    ends = []
    for weighter in (None, Descent(), Watched(Descent(), ("low", "high"))):
        model = network(0)
        done = fit(model, rows(groups=True), HOW, weighter=weighter, progress="nowhere")
        ends.append(torch.cat([param.detach().flatten() for param in model.parameters()]))
    assert torch.equal(ends[1], ends[2])
    assert torch.allclose(ends[0], ends[1], atol=1e-7)
    state = done.weighter_state
    assert state["times"].tolist() == [2.0] * 64
    assert state["inner"] == {"steps": 8}
    assert relative_weights(state).tolist() == pytest.approx([1.0] * 64)
    assert done.history["ten"].tolist() == [10.0] * 8
    assert done.history[["share_low", "share_high"]].sum(axis=1).tolist() == pytest.approx(
        [1.0] * 8)


def test_identity_a_watched_owner_goes_on_where_it_was(tmp_path):
    class Stop:
        asked = 0

        def is_set(self):
            self.asked += 1
            return self.asked >= 3
    ends = []
    for folder, stop in ((None, None), (tmp_path, Stop()), (tmp_path, None)):
        model = network(0)
        done = fit(model, rows(), HOW, weighter=Watched(Descent(lambda losses: losses.softmax(0))),
                   folder=folder, stop=stop, progress="nowhere")
        ends.append((done.status, [*model.parameters(), done.weighter_state["amount"]]))
    assert [status for status, _ in ends] == ["finished", "stopped", "finished"]
    assert all(torch.equal(one, two) for one, two in zip(ends[0][1], ends[2][1], strict=True))


class Free:
    """Weights that scale the step: they sum to two."""

    free_sum = True

    def __call__(self, losses):
        return 2 * losses / losses.sum()


def test_matches_relative_weights_of_a_free_sum():
    assert Watched(Free()).free_sum
    assert not Watched(LossWeighter()).free_sum
    from tests.reweighting.batches import told
    losses = torch.tensor([1.0, 3.0])
    weighter = Watched(Free())
    state, weights = weighter.update(weighter.init(2), told(losses))
    assert weights.tolist() == [0.5, 1.5]
    assert relative_weights(state).tolist() == [0.5, 1.5]


def test_matches_a_league_that_goes_on_and_tells_why():
    x, y, group = rows(96, groups=True)
    arms = {"nan": Plain(SPOILT["nan"]), "owner": Meta(SPOILT["negative"]), "meta": MetaGroups(),
            "broken": lambda losses: losses @ losses[:-1], "good": LossWeighter()}
    ask = {"how": HOW, "seeds": (0, 1), "strict": False}
    found = compare_weighters(network, (x[:64], y[:64]), (x[64:], y[64:]), arms, **ask)
    fates = found.fates.groupby("weighter").first()
    assert fates["status"].to_dict() == {
        "uniform": "finished", "nan": "stopped", "owner": "stopped", "meta": "left out",
        "broken": "failed", "good": "finished"}
    assert fates.loc[["nan", "owner"], "step"].tolist() == [FROM, FROM]
    assert "Pass meta=(x, y)" in fates.loc["meta", "why"]
    assert found.loss("nan").why == "a training diverged"
    assert math.isnan(found.loss("meta").value)
    assert found.weights["meta"].isna().all()
    assert fates.loc["good", "rows"] == fates.loc["uniform", "rows"] >= HOW.epochs * 64
    assert fates.loc[["nan", "owner", "meta", "broken"], "rows"].isna().all()
    whole = compare_weighters(
        network, (x[:64], y[:64], group[:64]), (x[64:], y[64:], group[64:]),
        {"meta": MetaGroups()}, groups=("low", "high"), meta=(x[64:], y[64:], group[64:]),
        measure=lambda model, data: {"right": float((model(data[0]).argmax(1) == data[1])
                                                    .float().mean())}, **ask)
    assert whole.fates["status"].unique().tolist() == ["finished"]
    assert whole.scores["right"].between(0.5, 1).all()
    by_group = whole.weights["meta"].groupby(group[:64].numpy()).mean()
    assert by_group[0] > 1.3 > 0.7 > by_group[1]
    with pytest.raises(ValueError, match="weighter 'meta': next_batch must be one of 'train'"):
        compare_weighters(network, (x, y), (x, y), {"meta": MetaGroups()}, HOW, seeds=(0,))


def test_rejects_a_result_of_wrong_length_at_once():
    class Short(Descent):
        def step(self, state, step):
            state, told = super().step(state, step)
            return state, StepResult(told.loss, told.losses, told.weights[:3])
    with pytest.raises(ValueError, match=r"Short must tell .* got shape \(3,\) for losses of"):
        fit(nn.Linear(4, 2), rows(), HOW, weighter=Short(), progress="nowhere")


def test_rejects_a_result_that_leaves_out_rows_or_is_no_tensor():
    class Half(Descent):
        def step(self, state, step):
            state, told = super().step(state, step)
            return state, StepResult(told.loss, told.losses[:8], told.weights[:8])

    class Numbers(Descent):
        def step(self, state, step):
            state, told = super().step(state, step)
            return state, StepResult(told.loss.item(), told.losses, told.weights)
    for weighter, words in ((Half(), r"Half must tell .* and 16 rows at step 0"),
                            (Numbers(), "Numbers must tell its loss as a tensor, got float at")):
        with pytest.raises((TypeError, ValueError), match=words):
            fit(network(0), rows(), HOW, weighter=weighter, progress="nowhere")


def test_matches_a_free_sum_in_a_league_and_its_faults():
    x, y = rows(96)
    found = compare_weighters(network, (x[:64], y[:64]), (x[64:], y[64:]), {"free": Free()}, HOW,
                              seeds=(0,), strict=False)
    assert found.fates["status"].tolist() == ["finished"] * 2
    assert found.weights["free"].mean() == pytest.approx(1, abs=0.1)

    class Spoilt(Free):
        def __init__(self, spoil):
            self.plain = Plain(spoil)

        def __call__(self, losses):
            return 2 * self.plain(losses)
    for fault, spoil in SPOILT.items():
        with pytest.raises(ValueError, match="Spoilt must give each row one weight >= 0") as told:
            fit(network(0), rows(), HOW, weighter=Watched(Spoilt(spoil)), progress="nowhere")
        assert f"at step {FROM}" in str(told.value), fault

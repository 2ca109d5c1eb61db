"""Meta rescaling in the loop: the published way beside it, laws, refusals."""

import importlib.util
import math
import threading
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.reweighting import Storm  # noqa: E402
from workbench.reweighting.by_meta.learning import NEAR_ZERO, step_of_sign  # noqa: E402
from workbench.reweighting.by_meta.passes import slopes_along  # noqa: E402
from workbench.train import (  # noqa: E402
    MLP,
    AdamW,
    MetaStep,
    Sgd,
    Training,
    classification,
    fit,
    torch_generator,
)
from workbench.train.micro import Micro  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
HOW = Training(AdamW(0.05), epochs=2, batch_size=16, log_every=1)


def by_hand():
    spec = importlib.util.spec_from_file_location(
        "by_hand", ROOT / "benchmarks" / "_meta_by_hand.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(n=96, p=6, k=3, noise=0.3, seed=0, dtype=torch.float64):
    draws = torch_generator(seed)
    x = torch.randn(n, p, generator=draws, dtype=dtype)
    clean = x[:, :k].argmax(1)
    wrong = torch.rand(n, generator=draws) < noise
    moved = (clean + torch.randint(1, k, (n,), generator=draws)) % k
    return x, torch.where(wrong, moved, clean), wrong, clean


def network(p=6, k=3, dtype=torch.float64, width=8):
    return MLP(p, width, k, depth=1, activation="tanh", generator=torch_generator(1)).to(dtype)


def trained(weighter, how=HOW, dtype=torch.float64, make=network, **more):
    model = make(dtype=dtype)
    x, y, *_ = rows(dtype=dtype)
    done = fit(model, (x, y), how, weighter=weighter, progress="nowhere", **more)
    return torch.cat([param.detach().flatten() for param in model.parameters()]), done


class Starting:
    """The first rescaler of Storm under the same seed, for the published way to start from."""

    def __init__(self, weighter):
        self.weighter = weighter

    def prepare(self, step):
        state = self.weighter.prepare(step)
        self.first, self.last = (param.detach().clone()
                                 for param in state["rescaler"].parameters())
        return state

    def step(self, state, step):
        return self.weighter.step(state, step)


@pytest.mark.parametrize("inner", ["sign", "sgd"])
@pytest.mark.parametrize("options", [
    {}, {"per_class": False, "window": 2}, {"features": "loss"}, {"binary_threshold": 0.4}],
    ids=["default", "one for all", "loss", "binary"])
def test_matches_the_published_way_step_by_step(inner, options):
    """Network, rescaler and its gradients after many steps; the oracle differentiates twice."""
    starting = Starting(Storm(inner=inner, **options))
    ours, done = trained(starting)
    oracle = by_hand().ByHand(starting.first, starting.last, inner=inner,
                              window=options.get("window", 1),
                              threshold=options.get("binary_threshold"))
    theirs, told = trained(oracle)
    assert ours.numpy() == pytest.approx(theirs.numpy(), rel=1e-5, abs=1e-7)
    for at, name in ((0, "first"), (3, "last")):
        found = getattr(done.weighter_state["rescaler"], name).detach()
        wanted = torch.stack([net[at].weight.T for net in oracle.nets]).detach()
        assert found.numpy() == pytest.approx(wanted.numpy(), rel=1e-5, abs=1e-7)
        slopes = getattr(done.weighter_state["rescaler"], name).grad
        wanted = torch.stack([net[at].weight.grad.T for net in oracle.nets])
        scale = float(wanted.abs().max())
        assert slopes.numpy() == pytest.approx(wanted.numpy(), rel=1e-5, abs=1e-5 * scale)
    assert done.history["scale"].to_numpy() == pytest.approx(told.history["scale"].to_numpy(),
                                                             rel=1e-5)


@pytest.mark.parametrize("inner", ["sign", "sgd"])
def test_matches_finite_differences_of_the_meta_loss(inner):
    """The gradient of the rescaler, by moving some of its parameters by hand.

    With "sgd" the rows looked at are not scaled, since their features move with the network but
    are held still by the method.
    """
    weighter = Storm(inner=inner, inner_rate=0.05, input_dropout=0.0, per_class=False,
                     rescales_meta=inner == "sign")
    x, y, *_ = rows(48, noise=0.3)

    def meta_at(change=None):
        model = network()
        step = MetaStep(model, torch.optim.SGD(model.parameters(), lr=0.05), classification,
                        [Micro(x[:24], y[:24])], lambda name: Micro(x[24:], y[24:]) if (
                            name == "train") else by_name(name), lambda tensor: tensor,
                        _plain, 0, 1, 0, torch_generator(2))
        state = weighter.prepare(step)
        if change is not None:
            at, place, size = change
            with torch.no_grad():
                list(state["rescaler"].parameters())[at].view(-1)[place] += size
        state, result = weighter.step(state, step)
        slopes = [param.grad for param in state["rescaler"].parameters()]
        return float(result.metrics["meta_loss"]) * 24, slopes
    _, slopes = meta_at()
    scale = max(float(slope.abs().max()) for slope in slopes)
    for at in (0, 1):
        for place in (0, 5, 17):
            ends = [meta_at((at, place, size))[0] for size in (1e-6, -1e-6)]
            assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(
                float(slopes[at].view(-1)[place]), rel=1e-4, abs=1e-5 * scale)


def by_name(name):
    raise ValueError(f"next_batch must be one of 'train', got {name!r}.")


def _plain():
    from contextlib import nullcontext
    return nullcontext()


def test_identity_without_strength_is_the_unweighted_loop_bit_for_bit():
    for optimiser in (AdamW(0.05), Sgd(0.1)):
        how = replace(HOW, optimiser=optimiser)
        ours, done = trained(Storm(strength=0.0, inner="sgd"), how)
        plain, _ = trained(None, how)
        assert torch.equal(ours, plain)
        assert done.history["effective_size"].to_numpy() == pytest.approx(16)


def test_identity_without_strength_signs_are_first_steps_of_adam():
    ours, _ = trained(Storm(strength=0.0))
    model = network()
    x, y, *_ = rows()
    from workbench.train.batches import order_of
    for epoch in range(2):
        for part in order_of(96, 0, epoch).split(16):
            model.zero_grad()
            classification(model(x[part]), y[part]).sum().backward()
            torch.optim.Adam(model.parameters(), lr=0.05, eps=1e-8 / math.sqrt(0.001)).step()
    plain = torch.cat([param.detach().flatten() for param in model.parameters()])
    assert ours.numpy() == pytest.approx(plain.numpy(), abs=1e-9)


def test_matches_signs_where_there_is_a_slope():
    slopes = torch.tensor([3.0, -1e-2, 0.0], dtype=torch.float64, requires_grad=True)
    move, derivative = step_of_sign(slopes, 0.05)
    assert move.tolist() == pytest.approx([0.05, -0.05, 0.0], abs=2e-6)
    assert move[2] == 0
    assert pytest.approx(3.2e-7, rel=0.02) == NEAR_ZERO
    found = torch.autograd.grad(move.sum(), slopes)[0]
    assert derivative[:2].detach().numpy() == pytest.approx(found[:2].numpy(), rel=1e-9)
    x, y, *_ = rows()
    x = x.clone()
    x[:, 4] = 0                                       # a column that says nothing
    model = nn.Linear(6, 3).double()
    before = model.weight.detach().clone()
    fit(model, (x, y), replace(HOW, max_steps=1), weighter=Storm(), progress="nowhere")
    moved = (model.weight.detach() - before).abs()
    assert torch.all(moved[:, 4] == 0)
    assert moved[:, :4].numpy() == pytest.approx(0.05, rel=1e-3)


def test_matches_signs_that_let_little_of_the_meta_loss_through():
    """Their derivative nearly vanishes: the rescaler learns from the rows that are looked at."""
    found = {}
    for inner in ("sign", "sgd"):
        _, done = trained(Storm(inner=inner, rescales_meta=False), replace(HOW, max_steps=1))
        found[inner] = float(done.weighter_state["rescaler"].first.grad.abs().max())
    _, done = trained(Storm(), replace(HOW, max_steps=1))
    outer = float(done.weighter_state["rescaler"].first.grad.abs().max())
    assert 20 * found["sign"] < outer
    assert found["sign"] < found["sgd"]


@pytest.mark.parametrize("make", ["dropout", "batch norm", "tied"])
def test_matches_both_ways_back_through_the_step(make):
    def network_of(dtype):
        draws = torch_generator(3)
        layers = {"dropout": [nn.Linear(6, 12), nn.Dropout(0.3), nn.ReLU(), nn.Linear(12, 3)],
                  "batch norm": [nn.Linear(6, 12), nn.BatchNorm1d(12), nn.GELU(),
                                 nn.Linear(12, 3)],
                  "tied": [nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.Linear(6, 3)]}[make]
        if make == "tied":
            layers[2].weight = layers[0].weight
        model = nn.Sequential(*layers).to(dtype)
        with torch.no_grad():
            for param in model.parameters():
                param.copy_(0.3 * torch.randn(param.shape, generator=draws))
        return model.to(dtype)
    ends = [trained(Storm(inner="sgd", forward_mode=mode), make=network_of)
            for mode in (True, False)]
    assert ends[0][1].weighter_state["forward_mode"]
    assert ends[0][0].numpy() == pytest.approx(ends[1][0].numpy(), rel=1e-7, abs=1e-9)


def test_matches_the_double_way_where_an_operator_has_no_forward_mode():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x ** 3

        @staticmethod
        def backward(ctx, slope):
            return 3 * ctx.saved_tensors[0] ** 2 * slope

    class Odd(nn.Module):
        def __init__(self, plain):
            super().__init__()
            self.first, self.last, self.plain = nn.Linear(6, 5), nn.Linear(5, 3), plain

        def forward(self, x):
            hidden = self.first(x)
            return self.last(hidden ** 3 if self.plain else Cube.apply(hidden))

    def make(*, plain, dtype):
        model = Odd(plain).to(dtype)
        draws = torch_generator(4)
        with torch.no_grad():
            for param in model.parameters():
                param.copy_(0.3 * torch.randn(param.shape, generator=draws))
        return model
    odd, done = trained(Storm(inner="sgd"), make=lambda dtype: make(plain=False, dtype=dtype))
    plain, _ = trained(Storm(inner="sgd"), make=lambda dtype: make(plain=True, dtype=dtype))
    assert done.weighter_state["forward_mode"] is False
    assert odd.numpy() == pytest.approx(plain.numpy(), rel=1e-7, abs=1e-9)


def test_matches_slopes_of_single_rows_along_a_direction():
    model = network()
    x, y, *_ = rows(8)
    step = MetaStep(model, None, classification, [], None, None, _plain, 0, 1, 0, None)
    draws = torch_generator(5)
    direction = {name: torch.randn(param.shape, generator=draws, dtype=torch.float64)
                 for name, param in model.named_parameters()}
    found, _ = slopes_along(step, Micro(x, y), direction, forward_mode=True)
    for i in range(8):
        slopes = torch.autograd.grad(classification(model(x[i:i + 1]), y[i:i + 1]).sum(),
                                     model.parameters())
        wanted = sum((slope * direction[name]).sum() for slope, name in zip(
            slopes, direction, strict=True))
        assert float(found[i]) == pytest.approx(float(wanted), rel=1e-9)


def test_recovers_wrong_labels():
    x, y, wrong, clean = rows(1280, noise=0.25, dtype=torch.float32)
    model, plain = network(dtype=torch.float32), network(dtype=torch.float32)
    how = replace(HOW, epochs=8, batch_size=32)
    done = fit(model, (x, y), how, weighter=Storm(rows=1280, inner_rate=0.005),
               progress="nowhere")
    fit(plain, (x, y), how, weighter=Storm(strength=0.0, inner_rate=0.005), progress="nowhere")
    last = done.weighter_state["history"][-1]
    assert last[~wrong].nanmean() - last[wrong].nanmean() > 0.3
    assert last.shape == (1280,)
    assert float(last.nan_to_num(0.5).min()) > 0
    assert float(last.nan_to_num(0.5).max()) < 1
    rights = [(one(x).argmax(1) == clean).float().mean().item() for one in (model, plain)]
    assert rights[0] > rights[1]


def test_recovers_the_plain_accuracy_where_no_label_is_wrong():
    """The published claim for clean labels, on comments: within 1.5 points."""
    from workbench.reweighting.by_meta.courses import train_course
    from workbench.reweighting.by_meta.worlds import shipped_world
    world = shipped_world("youtube-spam", noise_rate=0.0)
    scaled, plain = (train_course(world, weighter, epochs=3).last for weighter in (Storm(), None))
    assert abs(scaled - plain) < 1.5
    assert plain > 90


def test_matches_a_step_in_which_every_row_is_cut():
    """Nothing moves, and equal weights are told, since none is left to share."""
    model = network()
    before = torch.cat([param.detach().clone().flatten() for param in model.parameters()])
    x, y, *_ = rows(16)
    done = fit(model, (x, y), replace(HOW, max_steps=1), progress="nowhere",
               weighter=Storm(binary_threshold=1 - 1e-9))
    after = torch.cat([param.detach().flatten() for param in model.parameters()])
    assert torch.equal(before, after)
    assert done.status == "finished"
    assert done.history["effective_size"].iloc[0] == pytest.approx(16)


def test_matches_a_state_that_lies_where_the_network_does():
    """What is indexed by rows of the device must lie there, too; no card is needed to see it."""
    model = nn.Linear(4, 3, device="meta")
    micro = Micro(torch.zeros(8, 4, device="meta"), torch.zeros(8, dtype=torch.int64,
                                                                device="meta"))
    step = MetaStep(model, None, classification, [], lambda _: micro, None, _plain, 0, 1, 0,
                    torch_generator(0))
    state = Storm(rows=8).prepare(step)
    kept = [state["history"], *state["inner"].values(), *state["meta"].values(),
            *state["rescaler"].parameters()]
    assert {part.device.type for part in kept} == {"meta"}


def test_identity_a_run_goes_on_where_it_was_bit_for_bit(tmp_path):
    def make(dtype):
        model = nn.Sequential(nn.Linear(6, 12), nn.Dropout(0.3), nn.ReLU(), nn.Linear(12, 3))
        with torch.no_grad():
            for param in model.parameters():
                param.copy_(0.3 * torch.randn(param.shape, generator=torch_generator(3)))
        return model.to(dtype)
    ends = []
    for folder, last in ((None, 0), (tmp_path, 8), (tmp_path, 0)):
        stop = threading.Event()
        ends.append(trained(Storm(rows=96), make=make, folder=folder, stop=stop, callbacks=[
            lambda row, last=last, stop=stop: stop.set() if row["step"] == last else None]))
    (whole, done), (part, _), (again, resumed) = ends
    assert torch.equal(whole, again)
    assert not torch.equal(whole, part)
    for name in ("first", "last"):
        assert torch.equal(getattr(done.weighter_state["rescaler"], name),
                           getattr(resumed.weighter_state["rescaler"], name))
    for name in ("inner", "meta"):
        for key in ("rows", "seen"):
            assert torch.equal(done.weighter_state[name][key], resumed.weighter_state[name][key])
    assert torch.equal(done.weighter_state["history"].nan_to_num(-1),
                       resumed.weighter_state["history"].nan_to_num(-1))


def test_matches_clean_rows_where_the_run_was_given_some():
    x, _, _, clean = rows(200)
    _, done = trained(Storm(inner="sgd", rescales_meta=False), meta=(x[100:], clean[100:]))
    assert done.weighter_state["source"] == "meta"
    assert math.isfinite(done.history["meta_loss"].iloc[-1])
    _, without = trained(Storm())
    assert without.weighter_state["source"] == "train"


def test_matches_micro_batches_and_a_record_of_every_row():
    x, y, *_ = rows()
    model = network()
    done = fit(model, (x, y), replace(HOW, batch_size=8, accumulate=2), progress="nowhere",
               weighter=Storm(rows=96))
    history = done.weighter_state["history"]
    assert history.shape == (2, 96)
    assert not history.isnan().any()
    assert done.status == "finished"


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Storm(passes=0), "passes must be a whole number of at least 1, got 0"),
    (lambda: Storm(inner="adam"), "inner must be one of 'sign', 'sgd', got 'adam'"),
    (lambda: Storm(rate=0.0), "rate must be positive, got 0.0"),
    (lambda: Storm(inner_rate=-1.0), "inner_rate must be positive, got -1.0"),
    (lambda: Storm(strength=2.0), r"strength must lie in \[0, 1\], got 2.0"),
    (lambda: Storm(strength=math.nan), r"strength must lie in \[0, 1\], got nan"),
    (lambda: Storm(input_dropout=1.0), r"input_dropout must lie in \[0, 1\), got 1.0"),
    (lambda: Storm(features="own"), "features must be one of 'full', 'loss', got 'own'"),
    (lambda: Storm(binary_threshold=1.0), r"binary_threshold must lie in \(0, 1\) or be None"),
    (lambda: Storm(binary_threshold=math.nan), r"binary_threshold must lie in \(0, 1\)"),
    (lambda: Storm(per_class="yes"), "per_class must be True or False, got 'yes'")])
def test_rejects_options_out_of_range(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_rejects_what_is_no_classification():
    x, y, *_ = rows()
    for data, words in (((x, y - 1), "labels must lie in 0 to 2"),
                        ((x, y.double()), "class numbers|whole class")):
        with pytest.raises(ValueError, match=words):
            fit(network(), data, HOW, weighter=Storm(), progress="nowhere")
    with pytest.raises(ValueError, match=r"one logit per class, shape \(n, k\) with k > 1"):
        fit(network(k=1), (x, y), HOW, weighter=Storm(), progress="nowhere")
    with pytest.raises(ValueError, match="a batch must have at least 2 rows, got 1"):
        fit(network(), (x, y), replace(HOW, batch_size=1), weighter=Storm(), progress="nowhere")


def test_matches_a_training_that_diverges_is_told():
    x, y, *_ = rows()
    model = network()
    with torch.no_grad():
        model.layers[-1].weight.fill_(math.inf)
    done = fit(model, (x, y), HOW, weighter=Storm(), progress="nowhere")
    assert done.status == "diverged"
    assert done.step == 0
    assert all(bool(torch.isfinite(param).all())
               for param in done.weighter_state["rescaler"].parameters())

"""Inputs moved before the forward pass and penalties beside the loss, against loops by hand."""

import copy
import math
from dataclasses import dataclass, replace

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.train.pairs import run_in_two  # noqa: E402
from workbench.train import (  # noqa: E402
    Sgd,
    Training,
    classification,
    fit,
    torch_generator,
)
from workbench.train.batches import order_of  # noqa: E402


def world(n=48, seed=0):
    rng = torch_generator(seed)
    return torch.randn(n, 5, generator=rng, dtype=torch.float64), torch.randint(
        3, (n,), generator=rng)


def network(seed=1):
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    rng = torch_generator(seed)
    with torch.no_grad():
        for param in model.parameters():
            param.uniform_(-0.5, 0.5, generator=rng)
    return model


def params(model):
    return torch.cat([param.detach().flatten() for param in model.parameters()])


def shift(model, micro, generator):
    noise = torch.rand(micro.x.shape, generator=generator, dtype=micro.x.dtype)
    return replace(micro, x=(micro.x + noise).requires_grad_())


def slope(moment):
    """How steep each row's loss is in its inputs: needs a gradient of a gradient."""
    given, = torch.autograd.grad(moment.losses.sum(), moment.micro.x, create_graph=True)
    return 0.1 * given.square().sum(1)


@dataclass(frozen=True)
class Width:
    """Mean square of the features."""

    needs: frozenset = frozenset({"features"})
    layer: str | None = None

    def __call__(self, moment):
        return 0.05 * moment.features.square().mean()


@dataclass(frozen=True)
class Steep:
    """Weights that are no longer on the simplex."""

    scale: float = 2.0
    free_sum: bool = True

    def __call__(self, losses):
        return torch.full_like(losses, self.scale / len(losses))


def by_hand(data, steps, size, penalty=None, *, scale=1.0):
    model, (x, y) = network(), data
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    order = order_of(len(x), 0, 0)
    for step in range(steps):
        rows = order[step * size:][:size]
        optimiser.zero_grad()
        given = x[rows].clone().requires_grad_()
        features = model[:2](given)
        losses = nn.functional.cross_entropy(model[2](features), y[rows], reduction="none")
        total = scale * losses.mean()
        if penalty == "slope":
            total = total + 0.1 * torch.autograd.grad(
                losses.sum(), given, create_graph=True)[0].square().sum(1).mean()
        if penalty == "width":
            total = total + 0.05 * features.square().mean()
        total.backward()
        optimiser.step()
    return model


def ask(model, micro, generator):
    return replace(micro, x=micro.x.clone().requires_grad_())


@pytest.mark.parametrize(("penalty", "name"), [(slope, "slope"), (Width(), "width"),
                                               (Width(layer="2"), "width")])
@pytest.mark.parametrize("micros", [1, 3])
def test_matches_a_penalty_written_out_by_hand(penalty, name, micros):
    data, model = world(), network()
    done = fit(model, data, Training(Sgd(0.1), max_steps=4, batch_size=12 // micros,
                                     accumulate=micros, log_every=1),
               perturb=ask, penalty=penalty, progress="nowhere")
    assert torch.allclose(params(model), params(by_hand(data, 4, 12, name)), rtol=0, atol=1e-12)
    assert (done.history.penalty > 0).all()
    assert not model[2]._forward_pre_hooks


def test_matches_the_mean_penalty_of_the_rows_of_a_step():
    """Noted over all micro-batches, not the last one alone."""
    told = []

    def rising(moment):
        told.append(float(moment.micro.index.sum()))
        return moment.losses.new_tensor(told[-1])
    done = fit(network(), world(), Training(Sgd(0.1), max_steps=4, batch_size=4, accumulate=3,
                                            log_every=1), penalty=rising, progress="nowhere")
    by_step = torch.tensor(told).view(4, 3).mean(1)
    assert done.history.penalty.tolist() == pytest.approx(by_step.tolist())


@pytest.mark.parametrize("rows", [False, True])
def test_matches_a_penalty_that_is_not_finite_at_its_step(rows):
    def broken(moment):
        found = moment.losses * (math.nan if moment.step == 2 else 0.0)
        return found if rows else found.sum()
    model = network()
    done = fit(model, world(), Training(Sgd(0.1), epochs=2, batch_size=12), penalty=broken,
               progress="nowhere")
    assert (done.status, done.step) == ("diverged", 2)
    assert torch.isfinite(params(model)).all()


def test_rejects_features_that_only_another_pass_gave():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.side = nn.Linear(5, 3).double(), nn.Linear(5, 3).double()
            self.asks_side = False

        def forward(self, x):
            return self.body(x) + (self.side(x) if self.asks_side else 0.0)

    def attack(model, micro, generator):
        del generator
        model.asks_side = True
        model(micro.x)
        model.asks_side = False
        return micro
    model = Twice()
    with pytest.raises(ValueError, match="layer must take part in the forward pass"):
        fit(model, world(), Training(Sgd(0.1), epochs=1, batch_size=12), perturb=attack,
            penalty=Width(layer="side"), progress="nowhere")
    assert not model.side._forward_pre_hooks


def test_matches_rates_that_are_doubled_where_weights_sum_to_two():
    data, model = world(), network()
    done = fit(model, data, Training(Sgd(0.1), max_steps=4, batch_size=12, log_every=1),
               weighter=Steep(), progress="nowhere")
    assert torch.allclose(params(model), params(by_hand(data, 4, 12, scale=2.0)), atol=1e-13)
    assert done.history.effective_size.tolist() == pytest.approx([12.0] * 4)


def test_identity_a_perturbation_that_leaves_all_as_it_was():
    data, plain, same = world(), network(), network()
    how = Training(Sgd(0.1), epochs=2, batch_size=12)
    fit(plain, data, how, progress="nowhere")
    fit(same, data, how, perturb=lambda _, micro, __: micro,
        penalty=lambda moment: moment.losses.new_zeros(()), progress="nowhere")
    assert torch.equal(params(plain), params(same))


def test_identity_weights_ahead_see_the_inputs_that_are_trained_on():
    """Weights of a whole step look at all micro-batches first: noise must be drawn once."""
    data, found = world(), []

    @dataclass(frozen=True)
    class Half:
        scope: str = "step"

        def __call__(self, losses):
            chosen = (losses >= losses.median()).to(losses)
            return chosen / chosen.sum()

    for size, micros in ((12, 1), (4, 3)):
        model = network()

        def fixed(model, micro, generator):
            return replace(micro, x=micro.x + torch.sin(17 * micro.index.double())[:, None])

        fit(model, data, Training(Sgd(0.1), max_steps=4, batch_size=size, accumulate=micros),
            weighter=Half(), perturb=fixed, progress="nowhere")
        found.append(params(model))
    assert torch.allclose(*found, rtol=0, atol=1e-13)


def test_identity_a_resumed_run_draws_the_same_noise(tmp_path):
    data, whole, model = world(), network(), network()
    how = Training(Sgd(0.1), epochs=4, batch_size=12, save_every=5)
    fit(whole, data, how, perturb=shift, penalty=slope, progress="nowhere")

    class Enough:
        steps = 0

        def is_set(self):
            self.steps += 1
            return self.steps == 6

    fit(model, data, how, perturb=shift, penalty=slope, progress="nowhere", folder=tmp_path,
        stop=Enough())
    again = copy.deepcopy(model)
    fit(again, data, how, perturb=shift, penalty=slope, progress="nowhere", folder=tmp_path)
    assert torch.equal(params(whole), params(again))
    assert not torch.equal(params(model), params(again))


def both(folder):
    import torch.distributed as dist

    model = network()
    for name, penalty in (("slope", slope), ("width", Width())):
        model = network()
        fit(model, world(), Training(Sgd(0.1), max_steps=4, batch_size=6, devices=2),
            perturb=ask, penalty=penalty, progress="nowhere")
        if dist.get_rank() == 0:
            torch.save(params(model), folder / f"{name}.pt")


def test_matches_one_process_on_two(tmp_path):
    run_in_two(__file__, tmp_path)
    for name, penalty in (("slope", slope), ("width", Width())):
        model = network()
        fit(model, world(), Training(Sgd(0.1), max_steps=4, batch_size=12), perturb=ask,
            penalty=penalty, progress="nowhere")
        found = torch.load(tmp_path / f"{name}.pt")
        assert torch.allclose(found, params(model), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("options", "message"), [
    ({"perturb": lambda _, micro, __: micro.x}, "perturb must return a micro-batch, got Ten"),
    ({"perturb": lambda _, micro, __: replace(micro, x=micro.x[:3])}, "3 of 12"),
    ({"penalty": lambda _: 0.5}, "penalty must return a tensor, got float"),
    ({"penalty": lambda moment: moment.losses[:4]}, r"rows, got shape \(4,\)"),
    ({"penalty": 3}, "penalty must be a function, got 3"),
    ({"penalty": Width}, "penalty must be a function, got <class"),
    ({"penalty": Width(needs={"feature"})}, "needs must be one of 'features', got 'feature'"),
    ({"penalty": Width(layer="7")}, "layer must name a layer of the network, got '7'"),
    ({"weighter": Steep(0.0)}, "one weight >= 0, finite and not all zero"),
    ({"weighter": Steep(float("inf"))}, "finite and not all zero"),
    ({"weighter": Steep(free_sum=False)}, "all summing to 1, got"),
])
def test_rejects_what_does_not_fit_the_step(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fit(network(), world(), Training(Sgd(0.1), epochs=1, batch_size=12), progress="nowhere",
            **options)


def test_rejects_a_penalty_beside_a_weighter_that_owns_the_step():
    class Owner:
        def prepare(self, step):
            return {"at": step.step}

        def step(self, state, step):
            raise NotImplementedError

    with pytest.raises(ValueError, match="penalty must come with a weighter of losses"):
        fit(network(), world(), Training(epochs=1, batch_size=12), weighter=Owner(),
            penalty=slope, progress="nowhere")


def test_matches_a_loss_that_is_not_finite_under_perturbation():
    done = fit(network(), world(), Training(Sgd(0.1), epochs=1, batch_size=12),
               perturb=lambda _, micro, __: replace(micro, x=micro.x * torch.inf),
               loss=classification, progress="nowhere")
    assert done.status == "diverged"
    assert done.step == 0

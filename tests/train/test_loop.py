"""The loop against loops written out by hand, and weights against what they must amount to."""

import copy
from dataclasses import dataclass

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.core.weights import normalise, tilt  # noqa: E402
from workbench.train import (  # noqa: E402
    AdamW,
    Sgd,
    Training,
    Uniform,
    classification,
    cosine,
    fit,
    regression,
    torch_generator,
)
from workbench.train.batches import order_of  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def world(n=64, inputs=5, classes=3, dtype=torch.float64, seed=0):
    rng = torch_generator(seed)
    x = torch.randn(n, inputs, generator=rng, dtype=dtype)
    return x, torch.randint(classes, (n,), generator=rng)


def network(inputs=5, outputs=3, dtype=torch.float64, seed=1):
    model = nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs)).to(dtype)
    rng = torch_generator(seed)
    with torch.no_grad():
        for param in model.parameters():
            param.uniform_(-0.5, 0.5, generator=rng)
    return model


def params(model):
    return torch.cat([param.detach().flatten() for param in model.parameters()])


def trained(data, how, model=None, **options):
    model = network() if model is None else copy.deepcopy(model)
    return model, fit(model, data, how, progress="nowhere", **options)


@dataclass(frozen=True)
class Tilt:
    temperature: float = 0.5
    scope: str = "step"

    def __call__(self, losses):
        return tilt(losses, self.temperature)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("weighter", [None, Uniform(), Uniform().__call__])
def test_identity_uniform_weights_train_as_the_plain_mean_bit_for_bit(dtype, weighter):
    x, y = world(60, dtype=dtype)
    how = Training(Sgd(0.2), epochs=3, batch_size=12, schedule=cosine(), seed=4)
    ours, done = trained((x, y), how, network(dtype=dtype), weighter=weighter)
    plain = network(dtype=dtype)
    optimiser = torch.optim.SGD(plain.parameters(), lr=0.2, momentum=0.9)
    for step in range(15):
        rows = order_of(60, 4, step // 5)[step % 5 * 12:][:12]
        optimiser.param_groups[0]["lr"] = 0.2 * cosine()(step / 15)
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(plain(x[rows]), y[rows])
        loss.backward()
        optimiser.step()
    assert torch.equal(params(ours), params(plain))
    assert done.step == 15
    assert done.history.loss.iloc[-1] == pytest.approx(loss.item(), rel=1e-6)


def test_identity_micro_batches_with_uniform_weights_are_one_batch():
    data = world()
    whole, _ = trained(data, Training(Sgd(0.1), epochs=2, batch_size=16))
    parts, _ = trained(data, Training(Sgd(0.1), epochs=2, batch_size=4, accumulate=4))
    assert torch.allclose(params(whole), params(parts), rtol=0, atol=1e-13)


def test_matches_one_batch_where_weights_see_the_whole_step():
    data = world()
    whole, once = trained(data, Training(Sgd(0.1), epochs=2, batch_size=16, log_every=1),
                          weighter=Tilt())
    parts, twice = trained(data, Training(Sgd(0.1), epochs=2, batch_size=4, accumulate=4,
                                          log_every=1), weighter=Tilt())
    apart, _ = trained(data, Training(Sgd(0.1), epochs=2, batch_size=4, accumulate=4),
                       weighter=Tilt(scope="batch"))
    assert torch.allclose(params(whole), params(parts), rtol=0, atol=1e-13)
    assert (params(whole) - params(apart)).abs().max() > 1e-4
    for column in ("loss", "weighted_loss", "gradient_norm", "effective_size"):
        assert once.history[column].tolist() == pytest.approx(twice.history[column].tolist())


def test_identity_looking_ahead_moves_neither_dropout_nor_buffers():
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    data, seen = world(dtype=torch.float32), []
    how = Training(Sgd(0.1), max_steps=3, batch_size=8, accumulate=2, log_every=1)

    @dataclass(frozen=True)
    class Even:
        scope: str

        def __call__(self, losses):
            return Uniform()(losses)

    for scope in ("batch", "step"):
        made, done = trained(data, how, model, weighter=Even(scope))
        seen.append((params(made), made[1].running_mean.clone(), done.history.loss.iloc[-1]))
    assert torch.allclose(seen[0][0], seen[1][0], rtol=0, atol=1e-6)
    assert torch.equal(seen[0][1], seen[1][1])
    assert seen[0][2] == pytest.approx(seen[1][2], rel=1e-6)


def test_identity_a_weight_of_zero_removes_a_row():
    x, y = world(16)
    held = torch.arange(16) % 2 == 0

    class EvenRows:
        needs = frozenset({"index"})

        def __call__(self, batch):
            return normalise((batch.index % 2 == 0).double())

    ours, _ = trained((x, y), Training(Sgd(0.1), epochs=9, batch_size=16), weighter=EvenRows())
    plain, _ = trained((x[held], y[held]), Training(Sgd(0.1), epochs=9, batch_size=8))
    assert torch.allclose(params(ours), params(plain), rtol=0, atol=1e-12)


def test_matches_what_the_weighter_is_told():
    x, y = world(24)
    group = torch.arange(24) % 3
    told = []

    class Looks:
        needs = frozenset({"index", "group", "targets", "inputs", "logits", "gradient_norms",
                           "passes:3"})

        def init(self, n):
            assert n == 24
            return {"steps": 0}

        def update(self, state, batch):
            told.append(batch)
            return {"steps": state["steps"] + 1}, Uniform()(batch.losses)

        def metrics(self, state):
            return {"told": state["steps"]}

    model = network()
    start = copy.deepcopy(model)
    done = fit(model, (x, y, group), Training(Sgd(0.1), epochs=1, batch_size=8, log_every=1),
               weighter=Looks())
    first = told[0]
    rows = first.index
    assert torch.equal(rows, order_of(24, 0, 0)[:8])
    assert torch.equal(first.group, group[rows])
    assert torch.equal(first.targets, y[rows])
    assert torch.equal(first.inputs, x[rows])
    assert torch.allclose(first.logits, start(x[rows]).detach())
    assert torch.allclose(first.passes, first.losses.expand(3, 8))
    row = classification(start(x[rows[:1]]), y[rows[:1]])
    norm = torch.cat([part.flatten() for part in
                      torch.autograd.grad(row[0], list(start.parameters()))]).norm()
    assert first.gradient_norms[0].item() == pytest.approx(norm.item(), rel=1e-10)
    assert [(batch.step, batch.epoch, batch.total_steps) for batch in told] == [
        (0, 0, 3), (1, 0, 3), (2, 0, 3)]
    assert not first.losses.requires_grad
    assert done.weighter_state == {"steps": 3}
    assert done.history.told.tolist() == [1, 2, 3]


def test_matches_clipping_by_pytorch():
    x, _ = world(32)
    ours, done = trained((x, 100 * x[:, :3]), Training(Sgd(0.1), max_steps=1, batch_size=32,
                                                       clip=1.0), loss=regression)
    plain = network()
    rows = order_of(32, 0, 0)
    nn.functional.mse_loss(plain(x[rows]), 100 * x[rows, :3]).backward()
    norm = nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
    torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9).step()
    assert done.history.gradient_norm[0] == pytest.approx(norm.item(), rel=1e-10)
    assert torch.allclose(params(ours), params(plain), atol=1e-8)      # theirs adds 1e-6 to it


def test_matches_float32_in_bfloat16():
    data = world(64, dtype=torch.float32)
    how = {"epochs": 3, "batch_size": 16, "log_every": 1}
    start = network(dtype=torch.float32)
    _, full = trained(data, Training(AdamW(), **how), start)
    model, mixed = trained(data, Training(AdamW(), precision="bf16-mixed", **how), start)
    _, again = trained(data, Training(AdamW(), **how), start)
    assert mixed.history.loss.tolist() == pytest.approx(full.history.loss.tolist(), abs=2e-2)
    assert params(model).dtype == torch.float32
    assert again.history.loss.tolist() == full.history.loss.tolist()


@pytest.mark.parametrize(("precision", "dtype"), [("32", torch.float32),
                                                  ("bf16-mixed", torch.float32)])
def test_matches_float32_where_a_loss_does_not_widen(precision, dtype):
    seen = []

    def loss(outputs, y):
        seen.append((outputs.dtype, y.dtype))
        return (outputs - nn.functional.one_hot(y, 3)).abs().mean(1)

    trained(world(dtype=torch.float64), Training(precision=precision, max_steps=1),
            network(dtype=torch.float32), loss=loss)
    assert len(seen) == 2                           # the step, and a look at where it led
    assert set(seen) == {(dtype, torch.int64)}


def test_identity_networks_are_compiled_where_it_pays(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda model: compiled.append(model) or model)
    plain, _ = trained(world(), Training(max_steps=1200))
    assert compiled == []
    other, _ = trained(world(), Training(max_steps=1200, compile="always"))
    assert compiled == [other]
    assert torch.equal(params(plain), params(other))


def test_matches_itself_and_leaves_the_caller_alone():
    model = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.3), nn.Linear(8, 3))
    data, how = world(dtype=torch.float32), Training(Sgd(0.1), epochs=2, seed=3)
    state, modes = torch.get_rng_state(), torch.are_deterministic_algorithms_enabled()
    first, _ = trained(data, how, model)
    torch.rand(3)
    second, _ = trained(data, how, model)
    assert torch.equal(params(first), params(second))
    torch.set_rng_state(state)
    trained(data, how, model)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.are_deterministic_algorithms_enabled() == modes

"""Bad input to the loop: each refusal names what, the rule, the value and the remedy."""

import copy
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.train import Sgd, Training, Uniform, fit, regression, torch_generator  # noqa: E402
from workbench.train.batches import order_of  # noqa: E402

HOW = Training(Sgd(0.1), epochs=2, batch_size=4, log_every=1)


def world(n=16):
    rng = torch_generator(0)
    return torch.randn(n, 3, generator=rng), torch.randint(2, (n,), generator=rng)


def go(data=None, how=HOW, model=None, **options):
    return fit(model or nn.Linear(3, 2), data or world(), how, progress="nowhere", **options)


@pytest.mark.parametrize(("give", "sentence"), [
    (lambda n: torch.full((n,), math.nan), "odd must give each row one weight.*at step 0"),
    (lambda n: torch.full((n,), 1.0), "sum 4 at step 0.*normalise"),
    (lambda n: torch.tensor([1.5, -0.5] + [0.0] * (n - 2)), "smallest -0.5"),
    (lambda n: torch.zeros(n), "sum 0"),
    (lambda n: torch.full((n + 1,), 1 / (n + 1)), r"shape \(5,\) for 4 rows"),
    (lambda _: torch.tensor(1.0), r"shape \(\) for 4 rows"),
    (lambda n: np.full(n, np.inf), "inf"),
])
def test_rejects_weights_off_the_simplex_with_name_and_step(give, sentence):
    def odd(losses):
        return give(len(losses))

    with pytest.raises(ValueError, match=sentence):
        go(weighter=odd)


def test_rejects_late_faults_at_their_own_step():
    class Tires:
        def init(self, _):
            return 0

        def update(self, state, losses):
            weights = torch.full_like(losses, 1 / len(losses))
            return state + 1, weights if state < 3 else -weights

    with pytest.raises(ValueError, match=r"Tires .* at step 3\."):
        go(weighter=Tires())


def test_rejects_weighters_that_are_none():
    class Odd:
        needs = frozenset({"losses", "grup"})

        def __call__(self, batch):
            return batch.losses

    class Scoped(Odd):
        needs = frozenset()
        scope = "epoch"

    class Grouped(Odd):
        needs = frozenset({"group"})

    with pytest.raises(ValueError, match="Did you mean 'group'"):
        go(weighter=Odd())
    with pytest.raises(ValueError, match=r"scope of Scoped .*'epoch'"):
        go(weighter=Scoped())
    with pytest.raises(ValueError, match=r"group of each row, which Grouped needs.*\(x, y, group"):
        go(weighter=Grouped())
    with pytest.raises(TypeError, match=r"weighter must be .* got int"):
        go(weighter=3)
    with pytest.raises(TypeError, match=r"got the class Uniform.*Pass an object"):
        go(weighter=Uniform)
    with pytest.raises(ValueError, match="NoneType instead of a tensor at step 0"):
        go(weighter=lambda _: None)


@pytest.mark.parametrize(("data", "sentence"), [
    ((torch.zeros(16, 3), torch.zeros(15, dtype=torch.int64)), "one entry per row"),
    ((torch.zeros(3, 3), torch.zeros(3, dtype=torch.int64)), "4 rows of one step, got 3"),
    ((torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)), "got 0"),
    ((torch.full((16, 3), math.nan), torch.zeros(16, dtype=torch.int64)), "finite"),
    ((torch.zeros(16, 3), torch.full((16,), 2)), "0 to 1 for 2 outputs, got 2"),
    ([(torch.zeros(4, 3), torch.full((4,), -1))] * 4, "0 to 1 for 2 outputs, got -1"),
    ([], "got 0"),
    (iter([(torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64))]), "read again"),
    (torch.zeros(4, 3), r"must be \(x, y\)"),
    ([torch.zeros(4)] * 4, "batch must be"),
    ((np.array([["a"]] * 8), np.zeros(8, dtype=int)), r"must be numbers, .*\['a'\].*Encode"),
])
def test_rejects_data(data, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        fit(nn.Linear(3, 2), data, HOW, progress="nowhere")


@pytest.mark.parametrize(("loss", "sentence"), [
    (nn.CrossEntropyLoss(), r"shape \(4,\), got \(\) at step 0.*reduction='none'"),
    (lambda out, _: (out - 1.0) ** 2, r"got \(4, 2\)"),
    (lambda *_: 1.0, "got float"),
])
def test_rejects_losses_that_are_not_of_rows(loss, sentence):
    with pytest.raises(ValueError, match=sentence):
        go(loss=loss)


def test_rejects_a_label_before_the_first_step():
    model, y = nn.Linear(3, 2), torch.zeros(16, dtype=torch.int64)
    y[order_of(16, 0, 0)[-1]] = 7                    # met in the last step of the epoch
    before = model.weight.detach().clone()
    with pytest.raises(ValueError, match="got 7"):
        go((torch.ones(16, 3), y), model=model)
    assert torch.equal(before, model.weight)


def test_rejects_inputs_of_another_width_with_their_shape():
    with pytest.raises(RuntimeError) as caught:
        go((torch.zeros(16, 5), torch.zeros(16, dtype=torch.int64)))
    assert "inputs of shape (4, 5) at step 0" in caught.value.__notes__[0]


def test_rejects_networks_that_cannot_learn():
    with pytest.raises(ValueError, match=r"evaluation mode.*model\.train\(\)"):
        go(model=nn.Linear(3, 2).eval())
    with pytest.raises(ValueError, match="none that take gradients"):
        go(model=nn.Linear(3, 2).requires_grad_(False))  # noqa: FBT003


@pytest.mark.parametrize(("options", "sentence"), [
    ({"epochs": 0}, "epochs must be a whole number"), ({"patience": 1.5}, "patience"),
    ({"clip": 0}, "clip must be positive"), ({"seed": -1}, "seed"),
    ({"precision": "16"}, "bf16-mixed"), ({"precision": "8"}, "one of"),
    ({"device": "gpu"}, "device must be one of"), ({"compile": "yes"}, "compile"),
])
def test_rejects_settings(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Training(**options)


def test_rejects_what_is_not_a_function_or_settings():
    with pytest.raises(TypeError, match="optimiser must be a function, got 'adam'"):
        Training(optimiser="adam")
    with pytest.raises(TypeError, match="how must be a Training, got dict"):
        go(how={"epochs": 2})


def test_identity_tables_that_cannot_be_written_to_train():
    x, y = (part.numpy() for part in world())
    x.flags.writeable = False
    assert go((x, y)).status == "finished"


def test_rejects_a_loader_without_a_length_and_without_steps():
    class Endless:
        def __iter__(self):
            while True:
                yield world(4)

    with pytest.raises(ValueError, match="max_steps"):
        go(Endless())
    assert go(Endless(), Training(max_steps=3)).step == 3


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_identity_a_loss_that_is_not_finite_ends_the_run_as_diverged(tmp_path, bad):
    def loss(outputs, y):
        steps.append(0)
        return regression(outputs, y) * (bad if len(steps) == 7 else 1.0)

    def tilted(losses):
        return losses / losses.sum()

    x, _ = world()
    steps, model = [], nn.Linear(3, 2)
    done = go((x, x[:, :2]), model=model, loss=loss, folder=tmp_path, weighter=tilted)
    assert (done.status, done.step) == ("diverged", 6)
    assert len(done.history) == 6
    assert np.isfinite(done.history.loss).all()
    assert torch.isfinite(model.weight).all()
    assert [path.name for path in tmp_path.iterdir()] == ["ckpt-000000004"]


def test_identity_a_last_step_that_leads_to_no_finite_loss_is_divergence():
    x, _ = world()
    for validation in (None, (x, x[:, :2])):
        done = go((x, x[:, :2]), Training(Sgd(1e30), max_steps=1, batch_size=4), loss=regression,
                  validation=validation)
        assert (done.status, done.step) == ("diverged", 0)


def test_rejects_patience_without_anything_to_wait_for():
    with pytest.raises(ValueError, match="patience must have validation scores"):
        go(world(), Training(patience=3))


def test_identity_a_rate_that_is_too_large_diverges():
    x, _ = world()
    done = go((x, x[:, :2]), Training(Sgd(1e6), epochs=30, batch_size=4), loss=regression,
              validation=(x, x[:, :2]))
    assert done.status == "diverged"
    assert math.isfinite(done.score)
    assert done.kept_step == 0                # no later score was better, or a number at all


def test_identity_a_weighter_that_writes_into_its_losses_changes_none_of_ours():
    def rough(losses):
        losses.fill_(1.0)
        return losses / len(losses)

    start, how = nn.Linear(3, 2), Training(epochs=2, batch_size=4, log_every=1)
    plain, again = (go(world(), how, copy.deepcopy(start), weighter=weighter).history.loss
                    for weighter in (None, rough))
    assert again.tolist() == plain.tolist()

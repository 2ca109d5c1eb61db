"""What becomes of models that diverge, stop early or keep their best; refusals at the door."""

import copy
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.train.alone import draws, images, networks, trained_alone
from workbench.core import generator
from workbench.train.device import torch_generator
from workbench.train.losses import regression
from workbench.train.models import MLP
from workbench.train.stacked import train_stacked
from workbench.train.stacked_batches import Sample
from workbench.train.stacked_settings import StackedTraining


@pytest.mark.parametrize("form", ["closed", "stacked", "vmap", "loop"])
@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_identity_a_model_that_diverges_touches_no_other(form, optimiser):
    (x, y), models = images(), networks("mlp", (4, 4, 4))
    with torch.no_grad():
        models[1].layers[0].weight[0, 0] = math.inf
    rates = [0.05, 0.05, 0.02] if optimiser == "sgd" else [0.005] * 3
    how = StackedTraining(epochs=4, batch_size=8, learning_rate=rates, form=form, graph=True,
                          optimiser=optimiser)
    trained = train_stacked(models, (x, y), how)
    assert trained.table["status"].tolist() == ["trained", "diverged", "trained"]
    assert trained.table["diverged_at"][1] == 0
    assert trained.table["diverged_at"].isna().tolist() == [True, False, True]
    assert math.isnan(trained.table["loss"][1])
    assert math.isnan(trained.table["error"][1])
    assert trained.history[trained.history["model"] == 1]["loss"].isna().all()
    assert all(one.isnan().all() for one in trained.model(1).parameters())
    for k in (0, 2):
        alone, _, _ = trained_alone(models[k], x, y, epochs=4, batch_size=8, seed=0,
                                          rate=rates[k], optimiser=optimiser, decay=5e-4)
        torch.testing.assert_close(list(trained.model(k).parameters()), list(alone.parameters()),
                                   rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("merge", "sizes"), [(False, 8), (True, [8, 16])])
def test_matches_the_step_of_divergence(merge, sizes):
    x = torch.randn(48, 3, generator=draws())
    models = [MLP(3, 4, 1, activation="tanh", generator=draws(k)) for k in range(2)]
    how = StackedTraining(epochs=12, batch_size=sizes, learning_rate=10.0, merge=merge)
    trained = train_stacked(models, (x, 5 * x.sum(1)), how, loss=regression)
    for k, model in enumerate(models):
        step = _step_of_divergence(model, x, 8 * (k + 1) if merge else 8)
        assert trained.table["diverged_at"][k] == step
        lost = trained.history[trained.history["model"] == k].set_index("epoch")["loss"].isna()
        per_epoch = 3 if merge and k else 6
        assert lost.tolist() == [epoch >= step // per_epoch for epoch in range(12)]


def _step_of_divergence(model, x, size):
    """By a loop written out, since the loss is not the usual one."""
    order, y, step = torch_generator(generator(0)), 5 * x.sum(1), 0
    model = copy.deepcopy(model)
    descent = torch.optim.SGD(model.parameters(), lr=10.0, momentum=0.9, weight_decay=5e-4)
    while True:
        for rows in torch.randperm(48, generator=order).split(size):
            loss = ((model(x[rows])[:, 0] - y[rows]).square() / size).sum()   # overflows as ours
            if not torch.isfinite(loss):
                return step
            descent.zero_grad()
            loss.backward()
            descent.step()
            step += 1


def test_matches_the_lowest_epoch_and_patience():
    (x, y), models = images(), networks("batch", (2, 4, 4))
    common = {"batch_size": 8, "learning_rate": [0.3, 0.5, 0.1]}
    validation = images(30)[0] * -1, images(30)[1]
    whole = train_stacked(models, (x, y), StackedTraining(epochs=8, **common),
                          validation=validation)
    kept = train_stacked(models, (x, y), StackedTraining(
        epochs=8, keep="lowest", patience=3, **common), validation=validation)
    for k in range(3):
        scores = whole.history[whole.history["model"] == k]["validation_loss"].to_numpy()
        best, last, lowest = -1, None, math.inf
        for epoch, one in enumerate(scores):
            if one < lowest:
                lowest, best = one, epoch
            if epoch - best >= 3:
                last = epoch
                break
        assert kept.table["epoch"][k] == best
        assert kept.table["validation_loss"][k] == pytest.approx(lowest, rel=1e-12)
        assert kept.table["status"][k] == ("trained" if last is None else "stopped")
        found = kept.history[kept.history["model"] == k]["validation_loss"].to_numpy()
        end = len(scores) if last is None else last + 1
        assert found[:end] == pytest.approx(scores[:end], rel=1e-12)
        assert all(map(math.isnan, found[end:]))
    assert "stopped" in kept.table["status"].tolist()


def test_matches_the_epoch_of_lowest_training_loss_without_validation():
    (x, y), models = images(), networks("mlp", (2, 4))
    kept = train_stacked(models, (x, y), StackedTraining(epochs=6, learning_rate=1.0,
                                                         keep="lowest"))
    for k in range(2):
        losses = kept.history[kept.history["model"] == k]["loss"].reset_index(drop=True)
        assert kept.table["epoch"][k] == losses.idxmin()
        short = StackedTraining(epochs=int(losses.idxmin()) + 1, learning_rate=1.0)
        other = train_stacked([models[k]], (x, y), short)
        torch.testing.assert_close(list(kept.model(k).parameters()),
                                   list(other.model(0).parameters()), rtol=1e-9, atol=1e-9)


def test_matches_the_mean_of_the_last_epochs():
    models = networks("mlp", (2, 4))
    three, four = (train_stacked(models, images(), StackedTraining(epochs=epochs, average_last=2))
                   for epochs in (3, 4))
    for k in range(2):
        for mean, one, two in zip(four.averages[0].model(k).parameters(),
                                  three.model(k).parameters(), four.model(k).parameters(),
                                  strict=True):
            torch.testing.assert_close(mean, (one + two) / 2, rtol=1e-12, atol=1e-12)
    assert train_stacked(models, images(), StackedTraining(epochs=1)).averages == ()


def test_matches_a_stack_of_chosen_models():
    trained = train_stacked(networks("mlp", (2, 4, 3)), images(), StackedTraining(
        epochs=1, batch_size=[8, 8, 16]))
    for chosen in ([1, 0], [2, 0]):
        for position, k in enumerate(chosen):
            own, other = trained.stack(chosen).model(position), trained.model(k)
            assert own.width == other.width
            assert all(torch.equal(one, two) for one, two in
                       zip(own.parameters(), other.parameters(), strict=True))


def test_identity_a_last_step_that_leads_to_no_finite_loss_is_divergence():
    x, y = images()
    how = StackedTraining(epochs=2, batch_size=24, learning_rate=[1e-2, 1e200], momentum=0.0)
    quiet = train_stacked(networks("mlp", (4,)), (x, y),
                          replace(how, learning_rate=1e-2)).model(0)
    for name, setting in (("two", how), ("one", replace(how, epochs=1, batch_size=48))):
        found = train_stacked(networks("mlp", (4, 4)), (x, y), setting)
        assert found.table["status"].tolist() == ["trained", "diverged"], name
        assert found.table["loss"].isna().tolist() == [False, True]
        assert all(torch.isnan(one).all() for one in found.model(1).parameters())
        if name == "two":
            assert all(torch.equal(one, two) for one, two in
                       zip(found.model(0).parameters(), quiet.parameters(), strict=True))
    assert found.table["diverged_at"][1] == 0


def test_identity_arrays_are_read_like_tensors():
    x, y = images()
    told = [train_stacked(networks("mlp", (2, 4)), sample, StackedTraining(
        epochs=2, batch_size=sizes, learning_rate=rates)).table["loss"].tolist()
        for rates, sizes, sample in (
            ([0.1, 0.2], 8, Sample(x, y, weight=torch.ones(48), rows=[torch.arange(40)] * 2)),
            (np.array([0.1, 0.2]), np.int64(8), Sample(
                x.numpy(), y.numpy(), weight=np.ones(48), rows=[np.arange(40)] * 2)))]
    assert told[0] == told[1]


class Answer(nn.Module):
    """A network whose answer has logits, as those of Hugging Face."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(36, 3)

    def forward(self, x):
        return SimpleNamespace(logits=self.head(x.flatten(1)))


def test_identity_answers_with_logits():
    x, y = images()
    models, how = [Answer().double() for _ in range(2)], StackedTraining(epochs=2, batch_size=8)
    bare = [nn.Sequential(nn.Flatten(), model.head) for model in models]
    for form in ("vmap", "loop"):
        one, two = (train_stacked(kind, (x, y), replace(how, form=form)).table["loss"].tolist()
                    for kind in (models, bare))
        assert one == two


X, Y = images()
REFUSED = [
    ({"models": []}, "at least one model"),
    ({"sample": (X[:0], Y[:0])}, "must have rows"),
    ({"sample": (X, Y[:-1])}, "sample.y must have leading shape"),
    ({"sample": (X, Y + 1)}, "labels must lie in 0 to 2"),
    ({"sample": (X, Y.double())}, "labels must be int64"),
    ({"sample": (X / 0, Y)}, "sample.x must be finite"),
    ({"sample": (X[:, :, :5], Y)}, "sample.x must fit the models"),
    ({"sample": Sample(X, Y, weight=torch.ones(3))}, "sample.weight must have shape"),
    ({"sample": Sample(X, Y, weight=-torch.ones(48))}, "sample.weight must be >= 0"),
    ({"sample": Sample(X, Y, rows=[torch.arange(3)])}, "one entry per model, got 1 for 2"),
    ({"sample": Sample(X, Y, rows=[torch.arange(3), torch.tensor([48])])}, "positions 0 to 47"),
    ({"how": StackedTraining(batch_size=49)}, "batch_size must not exceed the rows"),
    ({"how": StackedTraining(learning_rate=[0.1])}, "learning_rate must be one number or"),
    ({"models": [nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 3)).double()]},
     "without dropout"),
    ({"models": [networks("mlp", (2,))[0], networks("mlp", (2,))[0].float()]}, "of one type"),
    ({"models": networks("none", (2,)), "how": StackedTraining(batch_size=8, form="closed")},
     "form must be another than 'closed'"),
    ({"models": [networks("mlp", (2,))[0].requires_grad_(requires_grad=False)]},
     "kept from gradients"),
    ({"how": StackedTraining(batch_size=8, patience=3)}, "patience must have validation scores"),
    ({"validation": (X, Y - 1)}, "labels must lie in 0 to 2"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED, ids=[told for _, told in REFUSED])
def test_rejects_what_does_not_fit(changes, sentence):
    given = {"models": networks("mlp", (2, 4)), "sample": (X, Y),
             "how": StackedTraining(epochs=1, batch_size=8)} | changes
    with pytest.raises(ValueError, match=sentence):
        train_stacked(given["models"], given["sample"], given["how"],
                      validation=given.get("validation"))


@pytest.mark.parametrize("form", ["closed", "vmap"])
def test_rejects_a_loss_that_is_not_per_row(form):
    how = StackedTraining(epochs=1, batch_size=8, form=form)
    with pytest.raises(ValueError, match="loss must return one number per row"):
        train_stacked(networks("mlp", (2,)), (X, Y), how, loss=functional.cross_entropy)


@pytest.mark.parametrize("bad", [{"epochs": 0}, {"batch_size": [8, 0]}, {"momentum": 1.0},
                                 {"weight_decay": -1.0}, {"optimiser": "adam"}, {"keep": "best"},
                                 {"clip": 0.0}, {"average_last": 101}, {"form": "fast"},
                                 {"learning_rate": math.nan}, {"epochs": 1.5},
                                 {"batch_size": 8.0}, {"average_last": 1.5}],
                         ids=lambda bad: next(iter(bad)))
def test_rejects_settings(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        StackedTraining(**bad)


def test_rejects_what_is_not_settings_or_data():
    how = StackedTraining(epochs=1, batch_size=8)
    with pytest.raises(TypeError, match="schedule must be a function, got 'cosine'"):
        StackedTraining(schedule="cosine")
    with pytest.raises(TypeError, match="how must be a StackedTraining, got int"):
        train_stacked(networks("mlp", (2,)), (X, Y), 10)
    with pytest.raises(TypeError, match=r"sample must be \(x, y\) or a Sample, got tuple"):
        train_stacked(networks("mlp", (2,)), (X, Y, Y), how)

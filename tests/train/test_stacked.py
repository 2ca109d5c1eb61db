"""A model trained in a stack is the model trained alone."""

import pytest
import torch
from torch import nn

from tests.train.alone import draws, images, networks, trained_alone
from workbench.train.losses import causal_lm, regression
from workbench.train.models import MLP
from workbench.train.schedules import one_cycle, steps
from workbench.train.stacked import train_stacked
from workbench.train.stacked_batches import Sample
from workbench.train.stacked_settings import StackedTraining
from workbench.train.transformer import CharTransformer

# kind of network, widths; models of unlike batch size, rate, decay and seed
CASES = [("mlp", (2, 5, 8, 3)), ("mlp tanh", (3, 4, 3, 4)), ("mlp gelu", (2, 4, 2, 4)),
         ("mlp elu", (2, 4, 2, 4)), ("mlp silu", (2, 4, 2, 4)), ("mlp sigmoid", (2, 4, 2, 4)),
         ("none", (2, 4, 2, 3)), ("batch", (2, 4, 2, 3)), ("group", (2, 4, 2, 4))]
EACH = {"batch_size": [8, 16, 8, 16], "learning_rate": [0.05, 0.1, 0.02, 0.04],
        "weight_decay": [0.0, 0.01, 0.1, 0.0], "order_seed": [0, 1, 1, 0],
        "momentum": [0.9, 0.0, 0.5, 0.9]}


def settings_of(k):
    return {"batch_size": EACH["batch_size"][k], "rate": EACH["learning_rate"][k],
            "decay": EACH["weight_decay"][k], "seed": EACH["order_seed"][k],
            "momentum": EACH["momentum"][k]}


def assert_same(trained, models, x, y, *, rtol, **options):
    for k, model in enumerate(models):
        alone, history, _ = trained_alone(model, x, y, **settings_of(k), **options)
        for (name, own), other in zip(trained.model(k).state_dict().items(),
                                      alone.state_dict().values(), strict=True):
            torch.testing.assert_close(own, other, rtol=rtol, atol=rtol, msg=f"{k} {name}")
        found = trained.history[trained.history["model"] == k]["loss"].tolist()
        assert found == pytest.approx(history, rel=rtol, abs=rtol)


@pytest.mark.parametrize(("kind", "widths"), CASES)
def test_matches_each_model_alone(kind, widths):
    (x, y), models = images(), networks(kind, widths)
    how = StackedTraining(epochs=3, schedule=steps(), **EACH)
    trained = train_stacked(models, (x, y), how)
    assert len(trained.stacks) < len(models) or kind in ("group", "mlp sigmoid")
    assert_same(trained, models, x, y, rtol=1e-10, epochs=3, schedule=steps())


@pytest.mark.parametrize("kind", ["mlp", "none", "batch"])
def test_matches_each_model_alone_in_single_precision(kind):
    (x, y), models = images(dtype=torch.float32), networks(kind, (2, 4, 2, 3), torch.float32)
    trained = train_stacked(models, (x, y), StackedTraining(epochs=1, **EACH))
    assert_same(trained, models, x, y, rtol=1e-5, epochs=1)


@pytest.mark.parametrize("kind", ["mlp", "batch"])
@pytest.mark.parametrize("options", [{"optimiser": "adamw"}, {"clip": 0.1},
                                     {"schedule": one_cycle()}, {"drop_last": False},
                                     {"graph": True}],
                         ids=lambda options: next(iter(options)))
@pytest.mark.parametrize("n", [48, 45])
def test_matches_each_model_alone_by_option(kind, options, n):
    (x, y), models, options = images(n), networks(kind, (2, 4, 2, 3)), dict(options)
    trained = train_stacked(models, (x, y), StackedTraining(epochs=2, **EACH, **options))
    options.pop("graph", None)
    assert_same(trained, models, x, y, rtol=1e-10, epochs=2, **options)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
@pytest.mark.parametrize("n", [48, 45])
def test_matches_each_model_alone_when_batch_sizes_are_merged(optimiser, n):
    (x, y), models = images(n), networks("mlp", (2, 4, 2, 3))
    weight = torch.rand(n, generator=draws(3), dtype=torch.float64)
    options = {"optimiser": optimiser, "schedule": one_cycle(), "clip": 1.0}
    how = StackedTraining(epochs=3, merge=True, **EACH, **options)
    trained = train_stacked(models, Sample(x, y, weight=weight), how)
    assert len(trained.stacks) == 1
    assert_same(trained, models, x, y, rtol=1e-10, epochs=3, weight=weight, **options)


def test_identity_models_with_moments_are_not_merged():
    models = networks("batch", (2, 2, 2, 2))
    trained = train_stacked(models, images(), StackedTraining(epochs=1, merge=True, **EACH))
    assert sorted(map(len, trained.stacks)) == [2, 2]


@pytest.mark.parametrize(("kind", "form"), [
    ("mlp", "closed"), *((kind, form) for kind in ("mlp", "batch")
                         for form in ("stacked", "vmap", "loop", "fastest"))])
def test_matches_each_model_alone_by_form(kind, form):
    (x, y), models = images(), networks(kind, (2, 4, 2, 3))
    trained = train_stacked(models, (x, y), StackedTraining(epochs=2, form=form, **EACH))
    assert_same(trained, models, x, y, rtol=1e-10, epochs=2)


def test_matches_own_labels_weights_and_rows():
    (x, y), models = images(), networks("mlp", (2, 4, 2, 3))
    own = torch.stack([(y + k) % 3 for k in range(4)])
    weight = torch.rand(4, 48, generator=draws(3), dtype=torch.float64)
    rows = [torch.arange(k % 2, 48, 1 + k % 2) for k in range(4)]
    sample = Sample(x, own, is_own=True, weight=weight, rows=rows)
    trained = train_stacked(models, sample, StackedTraining(epochs=2, **EACH))
    for k, model in enumerate(models):
        alone, history, _ = trained_alone(model, x[rows[k]], own[k][rows[k]], epochs=2,
                                          weight=weight[k][rows[k]], **settings_of(k))
        found = trained.history[trained.history["model"] == k]["loss"].tolist()
        assert found == pytest.approx(history, rel=1e-10)
        torch.testing.assert_close(list(trained.model(k).parameters()), list(alone.parameters()),
                                   rtol=1e-10, atol=1e-10)


def test_identity_rows_without_weight_are_not_there():
    (x, y), models = images(), networks("mlp", (2, 4))
    how = StackedTraining(epochs=2, batch_size=48)
    weight = (torch.arange(48) < 30).double()
    all_rows = train_stacked(models, Sample(x, y, weight=weight), how)
    some = train_stacked(models, (x[:30], y[:30]), StackedTraining(epochs=2, batch_size=30))
    for k in range(2):
        torch.testing.assert_close(list(all_rows.model(k).parameters()),
                                   list(some.model(k).parameters()), rtol=1e-10, atol=1e-10)


def test_identity_fillings_stay_exactly_zero():
    for kind in ("mlp", "none", "batch"):
        for optimiser in ("sgd", "adamw"):
            how = StackedTraining(epochs=3, weight_decay=0.1, batch_size=8, optimiser=optimiser)
            trained = train_stacked(networks(kind, (2, 5)), images(), how)
            only, = trained.stacks
            for name, one in only.params.items():
                assert not one[only.masks[name] == 0].any()


def test_matches_a_loss_of_ones_own():
    models = [MLP(3, width, 1, generator=draws(width)).double() for width in (2, 4)]
    x = torch.randn(24, 3, generator=draws(), dtype=torch.float64)
    how = StackedTraining(epochs=2, batch_size=8)
    closed, taped = (train_stacked(models, (x, x.sum(1)),
                                   StackedTraining(epochs=2, batch_size=8, form=form),
                                   loss=regression) for form in ("closed", "stacked"))
    assert how.form == "auto"
    for k in range(2):
        torch.testing.assert_close(list(closed.model(k).parameters()),
                                   list(taped.model(k).parameters()), rtol=1e-12, atol=1e-12)
    assert closed.table["loss"].max() < 20
    assert closed.table["error"].isna().all()


def test_identity_any_module_is_trained_by_vmap():
    x, y = images(dtype=torch.float32)
    models = [nn.Sequential(nn.Flatten(), nn.LayerNorm(36), nn.Linear(36, 3)) for _ in range(4)]
    trained = train_stacked(models, (x, y), StackedTraining(epochs=1, **EACH))
    assert set(trained.table["form"]) == {"vmap"}
    assert_same(trained, models, x, y, rtol=1e-5, epochs=1)


def gpt2(k):
    made = pytest.importorskip("transformers")
    config = made.GPT2Config(vocab_size=7, n_positions=5, n_embd=8, n_layer=1, n_head=2,
                             resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False)
    model = made.GPT2LMHeadModel(config)
    with torch.no_grad():
        for param in model.parameters():
            param.add_(0.1 * torch.randn(param.shape, generator=draws(k)))
    return model


def characters(k):
    return CharTransformer(7, 8, layers=1, heads=2, context=5, generator=draws(k))


@pytest.mark.parametrize("make", [characters, gpt2])
def test_identity_attention_is_trained_by_vmap(make):
    tokens = torch.randint(7, (24, 5), generator=draws())
    models = [make(k).double() for k in range(2)]
    one, two = (train_stacked(models, (tokens, tokens), StackedTraining(
        epochs=2, batch_size=8, learning_rate=0.1, form=form), loss=causal_lm)
        for form in ("vmap", "loop"))
    for k in range(2):
        for mine, other in zip(one.model(k).parameters(), two.model(k).parameters(), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-12)


def test_identity_bucketing_and_workers_change_nothing():
    (x, y), models = images(), networks("mlp", (2, 4, 2, 3))
    one, other, both = (train_stacked(models, (x, y), StackedTraining(epochs=2, **EACH, **options))
                        for options in ({}, {"budget": 1}, {"workers": 3}))
    assert len(other.stacks) == 4 > len(both.stacks) - 1 > len(one.stacks) - 1
    for k in range(4):
        for found in (other, both):
            torch.testing.assert_close(list(one.model(k).parameters()),
                                       list(found.model(k).parameters()), rtol=1e-12, atol=1e-12)


def test_identity_models_and_generators_stay_as_they_were():
    models = networks("batch", (2, 4))
    before = [{name: one.clone() for name, one in model.state_dict().items()} for model in models]
    state = torch.get_rng_state()
    train_stacked(models, images(), StackedTraining(epochs=1, batch_size=8))
    assert torch.equal(state, torch.get_rng_state())
    for model, kept in zip(models, before, strict=True):
        assert model.training
        assert all(torch.equal(one, kept[name]) for name, one in model.state_dict().items())

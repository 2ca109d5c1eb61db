"""One call for any module: exact numbers, the model untouched, clear refusals."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from workbench.landscape import Hessian, Measuring, measure
from workbench.landscape.batches import batches_of, objective_of, stacked_parameters

FULL = Measuring(probes=200, dtype=torch.float64, tol=1e-4)


def network(small):
    params = {name: tensor[0] for name, tensor in small.params(1, dtype=torch.float32).items()}
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    model.load_state_dict(params)
    return model


def convolutional():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5),
                         nn.Flatten(), nn.Linear(4 * 16, 3))


def pictures(small, rows=20):
    return (torch.randn(rows, 1, 6, 6, generator=small.generator()),
            torch.randint(3, (rows,), generator=small.generator()))


def language_model(**options):
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.random.fork_rng(devices=[]):
        return GPT2LMHeadModel(GPT2Config(vocab_size=17, n_positions=8, n_embd=8, n_layer=2,
                                          n_head=2, bos_token_id=0, eos_token_id=0, **options))


def test_matches_the_exact_hessian(small):
    x, y = small.data(dtype=torch.float32)
    model = network(small)
    found = measure(model, nn.CrossEntropyLoss(), (x, y), rng=small.generator(), how=FULL)
    params = {name: param.detach().double()[None] for name, param in model.named_parameters()}
    full = small.exact(small.objective(dtype=torch.float32).to(torch.float64), params)[0]
    truth = torch.linalg.eigvalsh(full)
    assert abs(found["trace"].value - float(full.trace())) < 4 * found["trace"].stderr
    assert found["largest eigenvalue"].value == pytest.approx(float(truth[-1]), rel=1e-4)
    assert found["loss"].value == pytest.approx(nn.CrossEntropyLoss()(model(x), y).item())
    wrong = (model(x).argmax(1) != y).double()
    assert found["error"].value == pytest.approx(100 * wrong.mean().item())
    assert found["error"].stderr == pytest.approx(100 * wrong.std().item() / 30 ** 0.5)
    norm = nn.utils.parameters_to_vector(model.parameters()).norm().item()
    assert found["weight norm"].value == pytest.approx(norm)
    table = found.table().set_index("measure")
    assert table.loc["largest eigenvalue", "kind"] == "error bound"
    assert table.loc["trace", "unit"] == "loss / parameter²"
    assert found.notes == ()


def test_identity_batches_of_a_loader_give_the_numbers_of_the_whole(small):
    x, y = small.data(dtype=torch.float32)
    whole = measure(network(small), nn.CrossEntropyLoss(), (x, y), rng=small.generator(), how=FULL)
    parts = measure(network(small), nn.CrossEntropyLoss(),
                    DataLoader(TensorDataset(x, y), batch_size=7), rng=small.generator(), how=FULL)
    for name in ("loss", "error", "trace", "largest eigenvalue", "sharpness, mean"):
        assert parts[name].value == pytest.approx(whole[name].value, rel=1e-5), name
    assert np.isnan(whole["loss"].stderr)
    assert parts["loss"].stderr > 0


def test_identity_the_model_is_left_as_it_was(small):
    model = convolutional()
    model[3].eval()
    model[5].bias.requires_grad_(requires_grad=False)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    found = measure(model, nn.CrossEntropyLoss(), pictures(small), rng=small.generator(),
                    how=Measuring(probes=3, spectrum=2, dtype=torch.float64))
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert [module.training for module in model.modules()] == modes
    assert all(param.grad is None for param in model.parameters())
    assert found.notes[0].startswith("The model was in training mode and is measured in evaluat")
    assert found.notes[1] == "3 parameters without requires_grad are held fixed."
    assert 0 <= found["negative eigenvalues"].value <= 1
    assert "5.bias" not in found.trace.tensors


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_matches_products_with_a_language_model(small, attention):
    model = language_model(attn_implementation=attention).double().train()
    tokens = torch.randint(17, (3, 8), generator=small.generator())
    labels = tokens.clone()
    labels[0, 4:] = -100
    batch = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens), "labels": labels}
    found = measure(model, None, batch, rng=small.generator(), how=Measuring(probes=4, tol=1e-3))
    assert model.training
    model.eval()
    assert found["loss"].value == pytest.approx(model(**batch).loss.item())
    assert "error" not in found.measures
    assert found["largest eigenvalue"].value > 0

    def loss(answer, batch):          # the model's own loss is taken in single precision
        return nn.functional.cross_entropy(answer.logits[:, :-1].flatten(0, 1),
                                           batch["labels"][:, 1:].flatten())
    objective = objective_of(model, loss, batches_of(batch, tokens.device)[0])
    params = stacked_parameters(model)
    hessian = Hessian(objective, params)
    v = torch.randn(1, hessian.length, generator=small.generator(), dtype=torch.float64)
    parts = dict(zip(params, hessian.split(v), strict=True))

    def slope(step):
        leaves = {name: (tensor + step * parts[name]).requires_grad_()
                  for name, tensor in params.items()}
        return torch.autograd.grad(objective(leaves).sum(), leaves.values())
    product = hessian.split(hessian.product(v))
    for ahead, behind, part in zip(slope(1e-6), slope(-1e-6), product, strict=True):
        # rounding of 1e-16 / 1e-6, and third derivatives times |1e-6 v|^2
        assert torch.allclose((ahead - behind) / 2e-6, part, atol=1e-5)


def test_identity_language_batches_are_weighted_by_predicted_tokens(small):
    model = language_model().double()
    tokens = torch.randint(17, (4, 8), generator=small.generator())
    labels = tokens.clone()
    labels[:2, 3:] = -100
    parts = [{"input_ids": tokens[rows], "labels": labels[rows]}
             for rows in (slice(0, 2), slice(2, 4))]
    how = Measuring(probes=2, tol=1e-3)
    whole, split = (measure(model, None, data, rng=small.generator(), how=how)
                    for data in ({"input_ids": tokens, "labels": labels}, parts))
    for name in ("loss", "trace", "largest eigenvalue"):
        assert split[name].value == pytest.approx(whole[name].value, rel=1e-4), name


def test_rejects_what_has_no_landscape(small):
    x, y = small.data(dtype=torch.float32)
    model, loss, rng = network(small), nn.CrossEntropyLoss(), small.generator()
    with pytest.raises(ValueError, match="at least one batch"):
        measure(model, loss, [], rng=rng)
    with pytest.raises(ValueError, match="as many labels as rows and some of both"):
        measure(model, loss, (x, y[:3]), rng=rng)
    with pytest.raises(ValueError, match="got 0 rows"):
        measure(model, loss, (x[:0], y[:0]), rng=rng)
    with pytest.raises(ValueError, match=r"inputs that the model takes, got shape \(30, 3\)"):
        measure(model, loss, (x[:, :3], y), rng=rng)
    with pytest.raises(ValueError, match="labels must lie in 0 to 2"):
        measure(model, loss, (x, y + 1), rng=rng)
    with pytest.raises(TypeError, match="data must be"):
        measure(model, loss, 3, rng=rng)
    with pytest.raises(TypeError, match="tensors, not arrays"):
        measure(model, loss, [(x.numpy(), y.numpy())], rng=rng)
    with pytest.raises(ValueError, match="loss must be given"):
        measure(model, None, {"input": x}, rng=rng)


def test_rejects_losses_that_are_no_finite_mean(small):
    data, rng = small.data(dtype=torch.float32), small.generator()
    with pytest.raises(ValueError, match=r"one mean over rows, got shape \(30,\)"):
        measure(network(small), nn.CrossEntropyLoss(reduction="none"), data, rng=rng)
    with pytest.raises(ValueError, match="the same rows counted twice"):
        measure(network(small), nn.CrossEntropyLoss(reduction="sum"), data, rng=rng)
    broken = network(small)
    with torch.no_grad():
        broken[0].bias.fill_(torch.nan)
    with pytest.raises(ValueError, match="loss must be finite, got nan in batch 0"):
        measure(broken, nn.CrossEntropyLoss(), data, rng=rng)
    frozen = network(small).requires_grad_(requires_grad=False)
    with pytest.raises(ValueError, match="parameters that are trained"):
        measure(frozen, nn.CrossEntropyLoss(), data, rng=rng)


def test_recovers_a_note_where_eigenvalues_did_not_converge(small):
    found = measure(network(small), nn.CrossEntropyLoss(), small.data(dtype=torch.float32),
                    rng=small.generator(), how=Measuring(probes=2, max_steps=2))
    assert "did not converge in 2 products" in found.notes[0]

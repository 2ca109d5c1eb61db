"""Oracle: PyTorch's own global magnitude pruning, and sorting by hand."""

import pytest
import torch
from torch.nn.utils import prune as torch_prune

from workbench.landscape.pruning import prunable, prune, pruning_curve
from workbench.train.models import MLP, ConvNet
from workbench.train.stack import stack


def drawn(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def models():
    return [ConvNet(1, 5, 3, generator=drawn(seed)) for seed in range(3)]


def test_identity_no_sparsity_changes_nothing(models):
    params = stack(models).params
    pruned, kept = prune(params, 0.0)
    assert all(torch.equal(pruned[name], tensor) for name, tensor in params.items())
    assert all(bool(mask.all()) for mask in kept.values())


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.93, 1.0])
def test_matches_pruning_of_pytorch(models, sparsity):
    pruned, _ = prune(stack(models).params, sparsity)
    for k, model in enumerate(models):
        layers = [*model.convs, model.head]
        torch_prune.global_unstructured([(layer, "weight") for layer in layers],
                                        torch_prune.L1Unstructured, amount=sparsity)
        for name, layer in [("convs.0", layers[0]), ("convs.1", layers[1]), ("head", layers[2])]:
            assert torch.equal(pruned[f"{name}.weight"][k], layer.weight.detach()), name


def test_identity_biases_and_norms_stay(models):
    params = stack(models).params
    assert set(prunable(params)) == {"convs.0.weight", "convs.1.weight", "head.weight"}
    pruned, _ = prune(params, 1.0)
    assert torch.equal(pruned["norms.0.weight"], params["norms.0.weight"])
    assert torch.equal(pruned["head.bias"], params["head.bias"])


def test_matches_exact_count_of_ties():
    pruned, kept = prune({"w": torch.ones(2, 3, 5)}, 0.5)
    assert (pruned["w"] == 0).flatten(1).sum(1).tolist() == [8, 8]
    assert (~kept["w"]).flatten(1).sum(1).tolist() == [8, 8]


def test_matches_narrow_networks_in_one_stack():
    models = [MLP(6, width, 3, generator=drawn(width)) for width in (2, 8)]
    both = stack(models)
    pruned, _ = prune(both.params, 0.5, masks=both.masks)
    for k, model in enumerate(models):
        alone, _ = prune(stack([model]).params, 0.5)
        found = both.replace(pruned).model(k).state_dict()
        for name, tensor in alone.items():
            assert torch.equal(found[name], tensor[0]), (k, name)


def test_matches_curve_of_scores(models):
    params = stack(models).params
    table = pruning_curve(params, lambda some: (some["head.weight"] != 0).flatten(1).sum(1),
                          [0.0, 0.6])
    whole = params["head.weight"][0].numel()
    assert table.query("sparsity == 0")["score"].tolist() == [whole] * 3
    assert (table.query("sparsity == 0.6")["score"] < whole).all()


def test_rejects_what_cannot_be_pruned(models):
    params = stack(models).params
    with pytest.raises(ValueError, match=r"sparsity must lie in \[0, 1\], got 1.2"):
        prune(params, 1.2)
    with pytest.raises(ValueError, match=r"Did you mean 'head\.weight'"):
        prune(params, 0.5, names=["head.weights"])
    with pytest.raises(ValueError, match="Stack the networks"):
        prune({"w": torch.ones(3, 3)}, 0.5)
    with pytest.raises(ValueError, match=r"shape \(3,\), got \(1,\)"):
        pruning_curve(params, lambda _: torch.zeros(1), [0.5])

"""Networks that a run keeps, and what is told of them, against numbers computed without them."""

import io
import zipfile

import numpy as np
import pytest
import torch
from torch.nn import functional

from workbench.core import generator
from workbench.datasets import load_images
from workbench.landscape import Grid, GridNetworks, zoo
from workbench.landscape.grid_networks import kept_networks
from workbench.landscape.grids import train_grid
from workbench.train.models import MLP


@pytest.fixture(scope="module")
def trained():
    grid = Grid((16, 3), (64, 256), seeds=2, epochs=2, settings={"label_noise": 0.1})
    return train_grid(grid, load_images("digits", rng=generator(0)), seed=5, device="cpu")


@pytest.fixture(scope="module")
def kept(trained):
    arrays = {name: {key: tensor.numpy() for key, tensor in stacked.items()}
              for name, stacked in kept_networks(trained).items()}
    return GridNetworks(arrays, trained.table, "width", "mlp", trained.images, 5)


def test_identity_networks_come_back_as_they_were(trained, kept):
    for k in trained.table.index:
        state = trained.trained.model(k).state_dict()
        assert all(torch.equal(state[name], tensor)
                   for name, tensor in kept.model(k).state_dict().items())
        for ours, theirs in zip(kept.rows(k), trained.rows(trained.table.at[k, "width"]),
                                strict=True):
            assert torch.equal(ours, theirs)


def test_matches_the_spectrum_to_the_exact_trace(kept):
    model, (x, y) = kept.model(5), kept.rows(5)
    names, params = zip(*((n, p.detach()) for n, p in model.named_parameters()), strict=True)
    flat = torch.cat([p.reshape(-1) for p in params]).double()

    def loss(vector):
        parts = vector.split([p.numel() for p in params])
        state = {n: part.view(p.shape) for n, part, p in zip(names, parts, params, strict=True)}
        return functional.cross_entropy(torch.func.functional_call(
            model, state, (x[:200].double(),)), y[:200])

    exact = torch.autograd.functional.hessian(loss, flat)
    found = kept.spectrum(5, probes=16)
    mean = found.average(lambda nodes: nodes)
    assert abs(mean.value - exact.trace().item() / len(flat)) < 4 * mean.stderr + 1e-6
    top = torch.linalg.eigvalsh(exact)[-1].item()
    assert found.nodes.max() == pytest.approx(top, rel=0.01)


def test_matches_the_path_between_two_networks(kept):
    first, second = kept.model(0), kept.model(3)
    told = kept.between(0, 3)
    x, y = kept.rows(0)
    errors = []
    for t in told.line.places:
        between = MLP(64, 16, 10, generator=torch.Generator().manual_seed(0))
        between.load_state_dict({name: (1 - t) * one + t * second.state_dict()[name]
                                 for name, one in first.state_dict().items()})
        errors.append(100 * (between(x).argmax(1) != y).double().mean().item())
    np.testing.assert_allclose(told.line.values["error"][0], errors, atol=0.2)
    line = np.array(errors)
    ends = (1 - told.line.places) * line[0] + told.line.places * line[-1]
    assert told["barrier of error"].value == pytest.approx((line - ends).max(), abs=0.2)
    assert kept.same_shape(0) == [1, 2, 3]


def test_matches_similarity_by_its_definition(kept):
    x = torch.from_numpy(kept.images.test_inputs)
    features = [kept.model(k)(x).softmax(1).detach().double().numpy() for k in (0, 1)]
    a, b = (one - one.mean(0) for one in features)
    exact = (np.linalg.norm(a.T @ b) ** 2
             / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)))
    np.testing.assert_allclose(kept.similarity([0, 1]), [[1, exact], [exact, 1]], atol=1e-5)


def test_matches_the_archive_to_the_networks(kept, tmp_path):
    with zipfile.ZipFile(io.BytesIO(kept.archive(title="Two loads", about="A test."))) as packed:
        packed.extractall(tmp_path)
    found = zoo.open(tmp_path / "zoo")
    assert found.check() == 8
    assert "Two loads" in found.card
    for name, tensor in kept.model(6).state_dict().items():
        assert torch.equal(found.model(6).state_dict()[name], tensor)


def test_rejects_what_is_too_large_or_unknown(trained, kept):
    assert kept_networks(trained, largest=1000) == {}
    with pytest.raises(ValueError, match="k must be one of the 8 networks, got 9"):
        kept.model(9)

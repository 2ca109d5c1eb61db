"""Surfaces, sharpness, norms and agreement against closed forms."""

import numpy as np
import pytest
import torch

from workbench.landscape import (
    Objective,
    agreement,
    distances,
    loss_line,
    loss_plane,
    sharpness,
    weight_norms,
)
from workbench.landscape.surfaces import filter_direction


def bowl(params):
    return (params["w"] ** 2).flatten(1).sum(1)


def test_identity_directions_have_the_lengths_of_the_filters(small):
    params = small.params() | {"conv": torch.randn(3, 4, 2, 3, 3, generator=small.generator())}
    params["0.weight"][:, 4] = 0
    drawn = [small.generator(seed) for seed in range(3)]
    plain = filter_direction(params, drawn)
    for name in ("0.weight", "2.weight", "conv"):
        axes = tuple(range(2, params[name].ndim))
        assert torch.allclose(*((one[name] ** 2).sum(axes) for one in (plain, params)))
    assert not plain["0.bias"].any()
    whole = filter_direction(params, drawn, with_vectors=True)
    assert torch.allclose(whole["0.bias"].norm(dim=1), params["0.bias"].norm(dim=1))


def test_identity_the_middle_of_a_surface_is_the_network(small):
    params, objective = small.params(), small.objective()
    line = loss_line(objective, params, rng=small.generator(), directions=2, steps=(-0.5, 0, 0.5))
    plane = loss_plane(objective, params, rng=small.generator(), steps=(-0.5, 0, 0.5))
    truth = objective(params).numpy()
    assert np.allclose(line.values[:, 1], truth, atol=1e-12)
    assert np.allclose(line.stderr[:, 1], 0, atol=1e-12)
    assert np.allclose(plane.values[:, 1, 1], truth, atol=1e-12)
    assert len(line.table()) == 9
    assert len(plane.table()) == 27
    assert line.measure(1, 0).stderr > 0
    with pytest.raises(ValueError, match="got a plane"):
        plane.measure(0, 0)


def test_identity_rescaled_layers_look_the_same(small):
    params = small.params()

    def relu(params, x, y):
        hidden = torch.relu(x @ params["0.weight"].mT)
        return small.cross_entropy(hidden @ params["2.weight"].mT, y)
    x, y = small.data()
    objective = Objective(relu, shared={"x": x, "y": y})
    scaled = params | {"0.weight": 10 * params["0.weight"], "2.weight": params["2.weight"] / 10}
    first, second = (loss_line(objective, one, rng=small.generator()) for one in (params, scaled))
    assert np.allclose(first.values, second.values)


def test_recovers_a_bowl_along_lines(small):
    params = {"w": torch.ones(2, 6, 50, dtype=torch.float64)}
    found = loss_line(bowl, params, rng=small.generator(), directions=200, steps=(1.0,))
    # |w + d|^2 = |w|^2 + |d|^2 + 2 w.d, where w.d has mean zero
    assert (np.abs(found.values[:, 0] - 600) < 4 * found.stderr[:, 0]).all()


def test_matches_batches_weighted_by_their_rows(small):
    x, y = small.data()
    parts = [Objective(small.losses, shared={"x": x[rows], "y": y[rows]}, size=len(x[rows]))
             for rows in (slice(0, 10), slice(10, 30))]
    whole, split = (loss_plane(one, small.params(), rng=small.generator(), steps=(0.3,))
                    for one in (small.objective(), parts))
    assert np.allclose(whole.values, split.values, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 10])
def test_matches_the_worst_place_of_a_ball(small, steps):
    params = {"w": torch.tensor([[3.0, 4.0], [0.0, 2.0]], dtype=torch.float64)}
    found = sharpness(bowl, params, rng=small.generator(), radius=0.1, steps=steps)
    assert np.allclose(found.worst, [5.1 ** 2 - 25, 2.1 ** 2 - 4])
    adaptive = sharpness(bowl, params, rng=small.generator(), radius=0.1, adaptive=True)
    # e = 0.1 w^2 g / |w g| with g = 2 w
    w = np.array([3.0, 4.0])
    e = 0.1 * w ** 3 / np.linalg.norm(w ** 2)
    assert adaptive.worst[0] == pytest.approx(((w + e) ** 2).sum() - 25)


def test_recovers_the_average_rise(small):
    params = {"w": torch.ones(3, 20, dtype=torch.float64)}
    found = sharpness(bowl, params, rng=small.generator(), radius=2.0, probes=400)
    assert (np.abs(found.mean - 4) < 4 * found.stderr).all()
    assert found.measure(1).unit == "loss"
    assert len(found.table()) == 3


def test_recovers_a_rise_at_a_stationary_point_and_none_where_diverged(small):
    params = {"w": torch.tensor([[0.0, 0.0], [torch.nan, 1.0]])}
    found = sharpness(bowl, params, rng=small.generator(), radius=0.5)
    assert found.worst[0] == pytest.approx(0.25)
    assert np.isnan(found.worst[1])
    assert np.isnan(found.mean[1])


def test_matches_norms_and_distances(small):
    params = small.params()
    flat = torch.cat([tensor.flatten(1) for tensor in params.values()], 1).numpy()
    norms = weight_norms(params)
    assert np.allclose(norms.query("tensor == 'all'")["norm"], np.linalg.norm(flat, axis=1))
    gaps = np.linalg.norm(flat[:, None] - flat, axis=2)
    assert np.allclose(distances(params), gaps)


def test_matches_agreement_counted_by_hand(small):
    outputs = torch.randn(3, 50, 4, generator=small.generator())
    found = agreement(outputs)
    classes = outputs.argmax(2).numpy()
    share = (classes[0] == classes[2]).mean()
    assert found.share[0, 2] == pytest.approx(share)
    assert found.measure(0, 2).stderr == pytest.approx(
        (classes[0] == classes[2]).std(ddof=1) / 50 ** 0.5)
    outputs[1, 3, 2] = torch.nan
    assert np.isnan(agreement(outputs).share[1]).all()


def test_rejects_empty_rows_and_bad_sizes(small):
    with pytest.raises(ValueError, match="n above zero"):
        agreement(torch.ones(2, 0, 3))
    with pytest.raises(ValueError, match="radius must be positive"):
        sharpness(bowl, {"w": torch.ones(1, 2)}, rng=small.generator(), radius=0)
    with pytest.raises(ValueError, match="one at least"):
        loss_line(bowl, {"w": torch.ones(1, 2, 2)}, rng=small.generator(), directions=0)

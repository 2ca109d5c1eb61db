"""Signs of connectivity and barriers; profiles of curves and lines."""

import numpy as np
import pytest
import torch

from workbench.landscape import (
    CurveTraining,
    barrier,
    curve_connectivity,
    curve_profile,
    evaluation_on,
    line_profile,
    mode_connectivity,
    pairs_within,
)


def evaluate_of(small):
    x, y = small.data(rows=64)
    return evaluation_on(forward_of(small), {"train": (x, y)})


def forward_of(small):
    def forward(params, buffers, x):
        hidden = torch.tanh(x @ params["0.weight"].mT + params["0.bias"][:, None])
        return hidden @ params["2.weight"].mT + params["2.bias"][:, None], buffers
    return forward


@pytest.mark.parametrize(("values", "mc"), [
    ([10, 12, 30, 11, 14], -18), ([40, 39, 15, 39, 38], 24), ([7, 7, 7, 7, 7], 0),
    ([0, 5, 10, 5, 0], -10), ([1, np.nan, 3, 4, 5], np.nan)])
def test_matches_published_signs(values, mc):
    assert mode_connectivity(values) == pytest.approx(mc, nan_ok=True)


def test_matches_barriers_over_the_line_between_the_ends():
    assert barrier([0.0, 2.0, 4.0]) == 0
    assert barrier([0.0, 5.0, 4.0]) == 3
    assert barrier([0.0, 5.0, 4.0], [0, 0.75, 1]) == 2


def test_matches_a_profile_evaluated_by_hand(small):
    a, b, m = (small.params(2, seed=seed) for seed in (1, 2, 3))
    found = curve_profile(evaluate_of(small), a, m, b)
    x, y = small.data(rows=64)
    for place, t in enumerate(found.places):
        point = {name: (1 - t) ** 2 * a[name] + 2 * t * (1 - t) * m[name] + t * t * b[name]
                 for name in a}
        assert np.allclose(found.values["train_loss"][:, place], small.losses(point, x, y))
        wrong = forward_of(small)(point, {}, x)[0].argmax(-1) != y
        assert np.allclose(found.values["train_error"][:, place], 100 * wrong.double().mean(1))
    assert np.array_equal(found.mc("train_loss"), mode_connectivity(found.values["train_loss"]))
    assert len(found.table()) == 2 * 5
    summary = found.summary().query("name == 'train_loss'")
    assert (summary["min"] <= summary["mean_by_length"]).all()
    assert (summary["mean_by_length"] <= summary["max"]).all()


def test_recovers_better_curve_connectivity_a_trained_curve(small):
    a, b = small.params(3, seed=1), small.params(3, seed=2)
    x, y = small.data(rows=64)
    curve = curve_connectivity(lambda params, rows: small.losses(params, x[rows], y[rows]),
                               evaluate_of(small), a, b, 64,
                               CurveTraining(epochs=20, learning_rate=0.2),
                               rng=small.generator())
    line = line_profile(evaluate_of(small), a, b)
    assert (curve.summary()["mean"] < line.summary()["mean"]).all()
    assert line.bend is None
    assert curve.measure("train_error").stderr > 0
    assert np.allclose(line.speed, line.speed[:, :1])


def test_identity_equal_ends_are_perfectly_connected(small):
    a = small.params(2)
    found = line_profile(evaluate_of(small), a, a)
    assert not found.mc("train_error").any()
    assert not found.barrier("train_error").any()
    assert np.allclose(found.summary()["mean_by_length"], found.summary()["mean"])


def test_identity_statistics_are_estimated_at_every_place_the_ends_included(small):
    a, b = small.params(2, seed=1), small.params(2, seed=2)
    x, y = small.data()
    seen = []

    def recalibrate(params):
        seen.append(params["0.bias"].clone())
        return {}
    curve_profile(evaluation_on(forward_of(small), {"test": (x, y)}, recalibrate=recalibrate),
                  a, a, b)
    assert len(seen) == 5
    assert torch.equal(seen[0], a["0.bias"])
    assert torch.equal(seen[-1], b["0.bias"])


def test_recovers_nothing_where_a_model_diverged(small):
    a, b = small.params(2, seed=1), small.params(2, seed=2)
    a["2.bias"][0] = torch.nan
    found = line_profile(evaluate_of(small), a, b)
    assert np.isnan(found.mc("train_error")).tolist() == [True, False]


def test_rejects_few_places_unknown_names_and_single_seeds(small):
    a = small.params(2)
    with pytest.raises(ValueError, match="places must rise from 0 to 1"):
        curve_profile(evaluate_of(small), a, a, a, (0.0, 1.0))
    with pytest.raises(ValueError, match="three places at least"):
        mode_connectivity([1.0, 2.0])
    with pytest.raises(ValueError, match="Did you mean 'train_loss'"):
        line_profile(evaluate_of(small), a, a).mc("train_los")
    with pytest.raises(ValueError, match="two models of one group"):
        pairs_within([1, 2, 3])
    with pytest.raises(ValueError, match="none without rows"):
        evaluation_on(forward_of(small), {"train": (torch.ones(0, 4), torch.ones(0))})

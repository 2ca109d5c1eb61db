"""Experiments with sources: digits with wrong labels, new networks, rows to take, texts."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from workbench.core import generator
from workbench.reweighting.by_source.courses import (
    AS_THEY_ARE,
    UNIFORM,
    Plan,
    _rows_by,
    retrain,
    run_courses,
)
from workbench.reweighting.by_source.language import corrupted, sourced_texts, text_course
from workbench.reweighting.by_source.splits import mixture_of, most_rows
from workbench.reweighting.by_source.worlds import noisy_digits

SMALL = Plan(steps=30, batch_size=32)


def digits(seed, rates=(0.0, 0.9)):
    return noisy_digits(rates, rng=generator(seed))


def test_matches_the_noise_that_was_asked_for():
    world = digits(0, (0.0, 0.5, 1.0))
    clean = noisy_digits((0.0, 0.0, 0.0), rng=generator(0))
    assert (world.x == clean.x).all()
    wrong = [(world.y != clean.y)[world.group == at].mean() for at in range(3)]
    assert wrong[0] == 0
    assert wrong[1:] == pytest.approx([0.45, 0.9], abs=0.06)     # a tenth is right by chance
    assert not set(world.rows) & set(world.ahead_rows)
    assert (world.ahead[1] == clean.ahead[1]).all()


def test_matches_rows_drawn_by_weights():
    world, p = digits(0), np.array([0.8, 0.2])
    rows = _rows_by(world, p, 20_000, generator(1))
    assert (world.group[rows] == 0).mean() == pytest.approx(0.8, abs=0.015)
    first = rows[world.group[rows] == 0]
    counts = np.bincount(first, minlength=len(world.y))[world.group == 0]
    assert counts.std() < 1.3 * np.sqrt(counts.mean())           # uniform within a source


def test_identity_equal_shares_are_scored_like_uniform_ones():
    world = digits(0)
    one, two, clean, noisy = retrain(world, [np.full(2, 0.5), np.full(2, 0.5), np.eye(2)[0],
                                             np.eye(2)[1]], SMALL, 0)
    assert one == two
    assert clean > noisy + 0.2


def test_recovers_weights_that_help():
    found = run_courses(lambda seed: digits(seed, (0.0, 0.9, 0.9)), [1.0], Plan(steps=250),
                        seeds=(0, 1), cleanest=0)
    weights = found.weights.groupby("source", sort=False)["weight"].mean().to_numpy()
    assert weights[0] > 0.6
    scores = found.scores.groupby("name")["score"].mean()
    assert scores["learnt"] > scores[UNIFORM]
    last = found.path[found.path["step"] == 250].groupby("seed")["weight"].sum()
    assert last.to_numpy() == pytest.approx(1, abs=1e-5)


def test_matches_a_linear_model_and_batches_as_they_come():
    found = run_courses(digits, [10.0], Plan(steps=20, width=0, stratified=False), seeds=(0,))
    assert found.scores["score"].between(0, 1).all()


def test_matches_all_rows_as_they_are_where_sources_differ_in_size():
    def uneven(seed):
        world = digits(seed)
        kept = (world.group == 0) | (np.arange(len(world.y)) % 8 == 1)
        return replace(world, x=world.x[kept], y=world.y[kept], group=world.group[kept])
    assert np.ptp(uneven(0).sizes) > 400
    scores = run_courses(uneven, [10.0], SMALL, seeds=(0,)).scores.set_index("name")["score"]
    assert scores[AS_THEY_ARE] > scores[UNIFORM]              # few of the rows are wrong
    assert AS_THEY_ARE not in set(run_courses(digits, [10.0], SMALL, seeds=(0,)).scores["name"])


def test_rejects_learning_that_diverges():
    def endless(seed):
        world = digits(seed)
        ahead = np.full_like(world.ahead[0], np.finfo(np.float32).max), world.ahead[1]
        return replace(world, ahead=ahead)
    with pytest.raises(ValueError, match="learning weights must stay finite, but diverged at al"):
        run_courses(endless, [10.0], SMALL, seeds=(0,))


def test_matches_rows_to_take():
    world = digits(0)
    weights = np.array([0.9, 0.1])
    total = most_rows(weights, world.sizes)
    assert total == pytest.approx(world.sizes[0] / 0.9, abs=1.5)
    table = mixture_of(world, np.array([700, 3]), generator(0))
    times = table[table["source"] == world.names[0]]["row"].value_counts()
    assert set(times) <= {700 // world.sizes[0], 700 // world.sizes[0] + 1}
    assert (table["source"] == world.names[1]).sum() == 3


def test_matches_corrupted_characters():
    tokens = np.zeros((50, 40), int)
    assert (corrupted(tokens, 0.5, generator(0)) > 0).mean() == pytest.approx(0.5, abs=0.05)
    with pytest.raises(ValueError, match=r"rate must lie in \[0, 1\]"):
        corrupted(tokens, 1.5, generator(0))
    texts = sourced_texts(20, 16, rng=generator(0))
    assert texts.kinds == ("wanted", "another kind", "wanted", "another kind", "corrupted",
                           "corrupted")
    assert np.bincount(texts.group).tolist() == [20] * 6


def test_recovers_that_corrupted_text_loses_weight():
    found = text_course(steps=40, seeds=(0,), width=16, batch_size=24)
    weights = found.weights.set_index("source")["weight"]
    assert weights["100 % corrupted"] < 1 / 6
    assert weights["100 % corrupted"] < weights[["statements", "code"]].max()
    assert np.isfinite(found.scores["loss"]).all()


def test_rejects_worlds_without_rows_or_noise():
    with pytest.raises(ValueError, match="at least two shares"):
        digits(0, (0.5,))
    with pytest.raises(ValueError, match="at least two shares"):
        digits(0, (0.5, 1.5))
    with pytest.raises(ValueError, match="must leave ten rows"):
        noisy_digits((0.0, 0.5), n_validation=1200, n_test=590, rng=generator(0))

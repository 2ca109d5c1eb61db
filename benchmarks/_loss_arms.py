"""Arms of the benchmark of weights by loss: peers, seconds, and trainings over seeds."""

import statistics
import time

import numpy as np
import torch
from scipy import stats

from workbench.datasets.text_domains import ALPHABET
from workbench.reweighting import LossWeighter, loss_weights
from workbench.reweighting.by_loss.convergence import descend_with_bound
from workbench.reweighting.by_loss.language import train_language
from workbench.reweighting.by_loss.regression import train_regression
from workbench.train import AdamW, CharTransformer, Training, causal_lm, fit, torch_generator

MOMENTS = (50, 100, 200, 400)
LEVEL = 0.9


def top_half(losses):
    """Online hard example mining: the highest half of the losses, all alike."""
    chosen = (losses >= losses.median()).to(losses)
    return chosen / chosen.sum()


def softmax_of_losses(losses):
    """Exponential weights of the losses themselves, not of their places."""
    return losses.softmax(-1)


WEIGHTERS = {
    "uniform": LossWeighter("uniform"), "linupper": LossWeighter(burn_in=0.0),
    "quadratic": LossWeighter("quadratic", burn_in=0.0),
    "extremes": LossWeighter("extremes", burn_in=0.0),
    "linear": LossWeighter("linear", burn_in=0.0),
    "linear, f = h": LossWeighter("linear", alpha=2.0, burn_in=0.0),
    "top half": top_half, "softmax of losses": softmax_of_losses}
TEXT = {"linupper, r = 1": LossWeighter(burn_in=0.2),
        "linupper, r = 0.4": LossWeighter(temperature=0.4, burn_in=0.2),
        "quadratic, r = 1": LossWeighter("quadratic", burn_in=0.2)}


def interval(values):
    """Mean with the ends of Student's interval."""
    values = np.asarray(values, float)
    half = stats.t.ppf(0.5 + LEVEL / 2, len(values) - 1) * stats.sem(values)
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def regression(seeds, outliers):
    """Test losses by weighter and moment: mean, low, high."""
    course = train_regression(WEIGHTERS, seeds=seeds, outliers=outliers)
    return {(name, moment): interval(course.losses[(course.losses["weighter"] == name)
                                                   & (course.losses["step"] == moment)]["loss"])
            for name in WEIGHTERS for moment in MOMENTS}


def deltas(seeds):
    """Mean delta of (8) by weighter over worlds, and the smallest slack of (7) of all."""
    found = [descend_with_bound(WEIGHTERS, seed=seed) for seed in range(seeds)]
    means = {name: interval([one[one["weighter"] == name]["delta"].mean() for one in found])
             for name in WEIGHTERS}
    return means, min(float(one["slack"].min()) for one in found)


def language(steps, seeds):
    """Losses of uniform weights by domain, and gains of each weighter, with intervals."""
    trials = train_language(TEXT, steps=steps, seeds=range(seeds))
    names = list(dict.fromkeys(trials.scores["name"]))
    losses = {who: np.stack([trials.losses(who, name) for name in names])
              for who in ("uniform", *TEXT)}
    table = {}
    for who, found in losses.items():
        gaps = losses["uniform"] - found
        table[who] = {"mean": interval(found.mean(0)), "gain": interval(gaps.mean(0)),
                      **{name: (interval(found[at]), interval(gaps[at]))
                         for at, name in enumerate(names)}}
    return table


def overhead(turns, steps):
    """CPU seconds of a step without and with weights, in turn, and the ratio of each pair."""
    tokens = torch.randint(len(ALPHABET), (40 * steps, 64), generator=torch_generator(0))
    arms = {"uniform": None, "linupper": LossWeighter(burn_in=0.0)}
    found = {name: [] for name in arms}
    for turn in range(turns + 1):
        for name in list(arms)[::1 if turn % 2 else -1]:
            model = CharTransformer(len(ALPHABET), 64, layers=2, heads=4, context=64,
                                    generator=torch_generator(1))
            how = Training(AdamW(2e-3), max_steps=steps, batch_size=40, device="cpu")
            begun = time.process_time()
            fit(model, (tokens, tokens), how, loss=causal_lm, weighter=arms[name],
                progress="nowhere")
            if turn:
                found[name].append((time.process_time() - begun) / steps)
    ratios = [b / a for a, b in zip(found["uniform"], found["linupper"], strict=True)]
    return {name: statistics.median(one) for name, one in found.items()}, sorted(ratios)


def alone(turns=200):
    """CPU microseconds of the weights of n rows, medians."""
    table = {}
    for n in (64, 512, 4096):
        losses, spent = torch.rand(n, generator=torch_generator(0)), []
        weighter = LossWeighter(burn_in=0.0)
        for _ in range(turns):
            begun = time.process_time_ns()
            weighter(losses)
            spent.append((time.process_time_ns() - begun) / 1e3)
        table[n] = statistics.median(spent)
    assert torch.equal(weighter(losses), loss_weights(losses))
    return table

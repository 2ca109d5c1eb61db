"""Arms of the benchmark of meta rescaling: the package, peers, and what a step costs."""

import importlib.util
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from _meta_by_hand import ByHand
from scipy.stats import t

from workbench.reweighting import Storm
from workbench.reweighting.by_meta.courses import auroc, train_course
from workbench.reweighting.by_meta.second_opinion import label_quality
from workbench.reweighting.by_meta.worlds import shipped_world
from workbench.train import StepResult
from workbench.train.threads import one_thread


@dataclass(frozen=True)
class CosineFilter:
    """Rows whose slope points away from that of another batch are left out of the step.

    In the manner of adaptive gradient filters: the other batch is of the same noisy data.
    """

    def prepare(self, step):
        """Nothing is kept."""
        del step
        return {}

    def step(self, state, step):
        """One step with the rows whose cosine is above zero."""
        (micro,), params = step.micros, step.params
        losses = step.losses(params, micro)
        other = torch.autograd.grad(step.losses(params, step.next_batch("train")).sum(),
                                    list(params.values()))
        with torch.no_grad(), torch.autograd.forward_ad.dual_level():
            dual = {name: torch.autograd.forward_ad.make_dual(param.detach(), slope)
                    for (name, param), slope in zip(params.items(), other, strict=True)}
            along = torch.autograd.forward_ad.unpack_dual(step.losses(dual, micro)).tangent
        kept = (along > 0).to(losses)                 # the sign of the cosine
        kept = kept / kept.sum() if kept.any() else torch.full_like(losses, 1 / len(losses))
        step.optimiser.zero_grad()
        (kept @ losses).backward()
        step.optimiser.step()
        return state, StepResult((kept @ losses).detach(), losses.detach(), kept)


def arms(rows):
    """Weighters by name; None is uniform."""
    return {"uniform": None, "STORM, sign": Storm(rows=rows),
            "uniform, Adam": None,
            "STORM, sgd": Storm(rows=rows, inner="sgd"), "cosine filter": CosineFilter(),
            "STORM, other rows unscaled": Storm(rows=rows, rescales_meta=False),
            "clean meta rows, sgd": Storm(rows=rows, inner="sgd", rescales_meta=False)}


def twin(arm):
    """The uniform arm with the same optimiser, which an arm is held against."""
    return "uniform, Adam" if "sgd" in arm or "Adam" in arm else "uniform"


def measured(name, seeds, rate, chosen):
    """A row per arm and seed, one after the other."""
    with one_thread():
        for seed in seeds:
            world = shipped_world(name, noise_rate=rate, seed=seed)
            wrong = world.wrong
            train_course(world, None, epochs=1)       # what is loaded first is not timed
            for arm, weighter in arms(len(world.train)).items():
                if arm not in chosen:
                    continue
                clean = (world.x[world.valid], world.truth[world.valid]) if (
                    "clean" in arm) else None
                begun = time.process_time()
                course = train_course(world, weighter, seed=seed, meta=clean,
                                      inner="sgd" if "Adam" in arm else "")
                told = {"arm": arm, "seed": seed, "best": course.best, "last": course.last,
                        "seconds": time.process_time() - begun}
                if wrong.any():
                    told |= detection(world, course, arm, seed)
                print(name, told, flush=True)
                yield told


def detection(world, course, arm, seed):
    """How well an arm tells wrong labels; cleanlab in place of the uniform one."""
    wrong = world.wrong
    if arm == "uniform":
        quality = label_quality(world.x[world.train], world.given[world.train], seed=seed)
        return {"auroc": auroc(1 - quality, wrong)}
    if course.scales is None:
        return {}
    last, mean = course.scales[-1], np.nanmean(course.scales[-3:], axis=0)
    low = mean < 0.5
    return {"right": float(np.nanmean(last[~wrong])), "wrong": float(np.nanmean(last[wrong])),
            "auroc": auroc(1 - mean, wrong), "precision": float(wrong[low].mean()),
            "recall": float(low[wrong].mean())}


def mean_error(values):
    """Mean and its standard error."""
    values = np.asarray(values, float)
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


def paired(found, arm, what, level=0.9):
    """Mean gain over the twin of an arm, with Student's interval over seeds."""
    by = {(row["arm"], row["seed"]): row[what] for row in found}
    gaps = np.array([by[arm, seed] - by[twin(arm), seed]
                     for one, seed in sorted(by) if one == arm])
    half = t.ppf(0.5 + level / 2, len(gaps) - 1) * gaps.std(ddof=1) / len(gaps) ** 0.5
    return float(gaps.mean()), float(gaps.mean() - half), float(gaps.mean() + half)


def step_costs(turns=5, epochs=1):
    """CPU seconds of a step by each way, in turn."""
    world = shipped_world("youtube-spam", noise_rate=0.3, seed=0)
    steps = epochs * (len(world.train) // 32)
    found = {}
    with one_thread():
        for inner in ("sign", "sgd"):
            spent = {"package": [], "by hand": [], "double backward": []}
            for turn in range(turns + 1):
                for who in list(spent)[::1 if turn % 2 else -1]:
                    weighter = Storm(inner=inner, forward_mode=who != "double backward")
                    if who == "by hand":
                        weighter = _hand(inner)
                    begun = time.process_time()
                    train_course(world, weighter, epochs=epochs)
                    if turn:
                        spent[who].append((time.process_time() - begun) / steps)
            found[inner] = spent
    return found


def encoder_costs(turns=5):
    """CPU seconds of a step of a small transformer, as the script for a card measures them."""
    spec = importlib.util.spec_from_file_location(
        "on_a_card", Path(__file__).parent / "gpu" / "meta_rescaling.py")
    script = sys.modules["on_a_card"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    with one_thread():
        return script.spent_on(script.Size(layers=2, width=64, length=24, words=1000, rows=400,
                                           turns=turns, timed=10, device="cpu"))


def _hand(inner):
    from workbench.reweighting.by_meta.rescaler import Rescaler
    from workbench.train import torch_generator

    start = Rescaler(2, 19, generator=torch_generator(0))
    hand = ByHand(start.first.detach(), start.last.detach(), inner=inner)
    hand.inner = inner
    return hand

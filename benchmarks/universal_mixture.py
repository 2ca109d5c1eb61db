"""What mixtures pay, beside their bounds and rivals: exact classes, networks, draws per second.

Peers that are in no lock are used where they are installed (posteriors). Prints the tables and
writes them to ``results/universal_mixture.md`` and ``.json``.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys

import _mixture_arms as arms
import torch
from opinion_trends import RESULTS, processor

from workbench.inference.mixtures.arms import summarised

SIZES, WIDTHS = (2, 4, 16, 32), (16, 64, 256)
LIBRARIES = ("numpy", "scipy", "torch", "pymc", "posteriors")
TEXT = """# Mixtures of hypotheses: regret, bounds, networks, draws per second

Written by `benchmarks/universal_mixture.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One thread; CPU seconds.

## Threshold networks, n = 30, flips 0.1, seed {seed}: weight; regret (soft bound) [nats]

Regrets over 100,000 data sets, standard errors at most {worst:.3f}.

{threshold}

Largest error of log W by 200,000 draws of the prior, and in its standard errors, thirty balls:
{weights}.

## Networks: test log-loss{above}, mean ± standard error over {sets} data sets, seeds 0 and up

Every method has {steps} gradients per network; 4 chains or optima per data set, one hidden layer,
25 draws kept of each chain.

{networks}

## Logistic regression, 100 rows, 3 coefficients, beside PyMC's NUTS

Largest gap of a mean in posterior standard deviations, of a standard deviation in percent, and
effective draws (batch means, the worst coefficient) per CPU second.

{logistic}
"""


def threshold_table(rows):
    """One row per size."""
    yield "| hidden | networks | CPU seconds | constant | x1 | AND | XOR |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for hidden, seconds, weights, regrets, soft in rows:
        cells = [f"{weight:.5f}; {found.value:.2f} ({bound:.2f})"
                 for weight, found, bound in zip(weights, regrets, soft, strict=True)]
        yield f"| {hidden} | 3^{4 * hidden + 1} | {seconds:.2f} | " + " | ".join(cells) + " |"


def network_table(found):
    """One row per method, one column per data and width."""
    yield "| method | " + " | ".join(found) + " |"
    yield "| --- |" + " --- |" * len(found)
    for method in next(iter(found.values()))[0]:
        yield f"| {method} | " + " | ".join(
            "{:.3f} ± {:.3f}".format(*losses[method]) for losses, _ in found.values()) + " |"
    for name, form in (("parameters", ".0f"), ("dimensions", ".1f"), ("price", ".3f"),
                       ("rhat", ".2f"), ("seconds", ".1f")):
        yield f"| {name} | " + " | ".join(f"{facts[name]:{form}}"
                                          for _, facts in found.values()) + " |"


def networks(sets, steps, seed):
    """Losses and facts by data and width."""
    found = {}
    moons, entropy = arms.moon_rows(sets, 100, 0.1, seed)
    digits, _ = arms.digit_rows(sets, 200, seed)
    for name, rows, least, lr in (("moons", moons, entropy, 0.003), ("digits", digits, 0, 5e-4)):
        for width in WIDTHS:
            losses, facts = arms.network_losses(rows, width, steps, lr, seed)
            found[f"{name}, {width}"] = ({method: summarised(one, least)
                                          for method, one in losses.items()}, facts)
    return found


def logistic(seed):
    """Rows of the last table."""
    x, y = arms.logistic_world(seed)
    truth, seconds = arms.timed(lambda: arms.pymc_draws(x, y, seed))
    rows = {"PyMC, NUTS, 4 chains, compiling included": arms.compared(truth, truth, seconds)}
    calls = {"ours, 16 chains": lambda: arms.ours(x, y, seed),
             "ours, 16 chains, preconditioned": lambda: arms.ours(
                 x, y, seed, precondition="rmsprop", lr=0.002),
             "posteriors, 1 chain": lambda: arms.posteriors_chain(x, y, seed)}
    for name, run in calls.items():
        draws, seconds = arms.timed(run)
        if draws is not None:
            rows[name] = arms.compared(draws, truth, seconds)
    return rows


def main():
    """Measure, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    counted = list(arms.threshold_rows(SIZES, 30, 0.1, asked.seed))
    errors = list(arms.weight_errors(asked.seed))
    found, rows = networks(asked.sets, asked.steps, asked.seed), logistic(asked.seed)
    known = {each.metadata["Name"] for each in importlib.metadata.distributions()}
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES
                            if name in known), seed=asked.seed, sets=asked.sets,
        steps=asked.steps, above=" (moons: above the entropy of the flips)",
        worst=max(one.stderr for row in counted for one in row[3]),
        threshold="\n".join(threshold_table(counted)),
        weights="; ".join(f"p = {p:g}: {gap:.3f}, {scaled:.1f}" for p, gap, scaled in errors),
        networks="\n".join(network_table(found)),
        logistic="\n".join(["| sampler | mean | deviation [%] | draws / second |",
                            "| --- | --- | --- | --- |", *(
                                f"| {name} | {mean:.3f} | {spread:.1f} | {speed:.0f} |"
                                for name, (mean, spread, speed) in rows.items())]))
    sys.stdout.write(text)
    (RESULTS / "universal_mixture.md").write_text(text, encoding="utf-8")
    (RESULTS / "universal_mixture.json").write_text(json.dumps(
        {"networks": found, "logistic": rows, "weights": errors}, indent=1) + "\n")
    regrets = [row[3][-1].value for row in counted]
    assert all(row[3][at].value < row[4][at] for row in counted for at in range(4))
    assert regrets == sorted(regrets, reverse=True)
    for losses, _ in found.values():
        assert losses["SGLD mixture"][0] < losses["single optimum"][0]
        assert losses["SGLD mixture"][0] < losses["one posterior draw"][0]


if __name__ == "__main__":
    main()

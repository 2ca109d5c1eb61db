"""Why do huge classes generalise? The price of a mixture is the weight of its good hypotheses.

Counts all networks of a class exactly, tosses coins, follows a table of experts, or draws networks
of growing width from their posterior, and sets the mixture beside a single optimum.
"""

import contextlib
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import param

from workbench.core import Column, Result, generator
from workbench.core import Params as Declared
from workbench.core.recent import Recent
from workbench.core.threads import one_thread
from workbench.datasets import unknown_data
from workbench.datasets.forecasts import FORECAST_KINDS
from workbench.datasets.mixture_tables import MixtureTable
from workbench.datasets.moons import flip_entropy
from workbench.inference.mixtures import exact_experiments
from workbench.inference.mixtures.bernoulli import PRIORS
from workbench.inference.mixtures.bounds import eps_grid
from workbench.inference.mixtures.experts import Followed, follow_experts
from workbench.inference.mixtures.network_experiments import (
    Widths,
    rows_of_moons,
    rows_of_table,
    widths,
)
from workbench.inference.mixtures.threshold import MOST_UNITS, TARGETS
from workbench.studies.views.mixture_words import exact_headline, network_headline
from workbench.studies.views.mixtures import OCCASIONAL, PRESETS, VIEW, downloads, figures

__all__ = ["OCCASIONAL", "PRESETS", "SMOKE", "TITLE", "VIEW", "Params", "downloads", "figures",
           "is_quick", "read_notes", "run"]

TITLE = "Mixtures of hypotheses"
SMOKE = {"hidden_units": [1, 2], "width": [8], "n_steps": 100, "snapshots": 10, "data_sets": 2,
         "n_chains": 2, "train_rows": 40}
EXPERIMENTS = ["auto", "threshold_net", "bernoulli", "experts", "sgld"]
SAMPLING = ("width", "train_rows", "lr", "n_steps", "n_chains", "snapshots", "prior_std",
            "schedule", "precondition", "batch_size", "data_sets", "flip", "temperature",
            "device", "seed")
MOST_AT_ONCE = 1024      # training rows that a step sees whole, unless batch_size says otherwise
NETWORKS: Recent[Widths] = Recent(6)     # so that a page answers at once in exact parts


class Params(Declared):
    """Which class of hypotheses, which data, and how networks are drawn."""

    paths = frozenset({"data"})
    files: ClassVar = {"data": "table"}
    columns: ClassVar = {
        "target": Column("name", names=("outcome", "target", "label", "class", "y", "event")),
        "time": Column("time", names=("time", "date", "timestamp", "step", "round")),
    }

    experiment = param.Selector(default="auto", objects=EXPERIMENTS, doc=(
        "Threshold networks counted exactly; coins; experts over time; networks from their "
        "posterior. auto: by the table, threshold_net without one."))
    data = param.String("", doc=(
        "Path of a CSV or Parquet file: outcomes with a column per expert, or classes with "
        "features; empty for simulated data."))
    target = param.String("", doc="Column of outcomes or classes; empty guesses it.")
    time = param.String("", doc="Column that orders the outcomes; empty keeps the file's order.")
    experts = param.List([], item_type=str, doc="Columns of forecasts; empty takes all that fit.")
    forecast = param.Selector(default="auto", objects=["auto", *FORECAST_KINDS], doc=(
        "What experts say: probabilities of the event, numbers, quantiles, or logarithms of the "
        "probability of what happened."))
    quantile_level = param.Number(0.5, bounds=(0.001, 0.999), doc="Level of quantiles.")
    temperature = param.Number(1.0, bounds=(0, 10), doc=(
        "1 is Bayes; above, weights move slower and networks are noisier; 0 descends (networks)."))
    function = param.Selector(default="XOR", objects=list(TARGETS), doc=(
        "What the threshold networks have to learn."))
    hidden_units = param.List([2, 4, 16], item_type=int, bounds=(1, 8), doc=(
        "Hidden units of the threshold networks."))
    n = param.Integer(30, bounds=(1, 100_000), doc="Samples seen, of networks or coins.")
    flip = param.Number(0.1, bounds=(0.001, 0.499), doc="Share of labels that are wrong.")
    p = param.Number(0.3, bounds=(0.001, 0.999), doc="Bias of the coin.")
    prior = param.Selector(default="uniform", objects=list(PRIORS), doc="Prior of the bias.")
    eps_grid = param.List([], item_type=(int, float), doc=(
        "Divergences of the bound [nats]; empty takes 200 from 0.00001 to 1."))
    width = param.List([16, 64, 256], item_type=int, bounds=(0, 10), doc=(
        "Hidden units of networks drawn from their posterior; empty leaves them out."))
    train_rows = param.Integer(0, bounds=(0, 100_000), doc=(
        "Training rows at most; 0 takes 100 simulated ones, or 70 % of a table."))
    lr = param.Number(None, bounds=(1e-7, 1), allow_None=True, doc=(
        "Step size; none takes 0.3 / training rows."))
    n_steps = param.Integer(2000, bounds=(50, 1_000_000), doc="Steps of each chain.")
    n_chains = param.Integer(4, bounds=(1, 256), doc="Chains per data set.")
    snapshots = param.Integer(25, bounds=(4, 1000), doc="Networks kept of each chain.")
    prior_std = param.Number(3.0, bounds=(0.01, 100), doc=(
        "Standard deviation of the prior of weights, over the root of a unit's inputs."))
    schedule = param.Selector(default="constant", objects=["constant", "decay", "cyclical"],
                              doc="Step sizes over time.")
    precondition = param.Selector(default="prior", objects=["none", "prior", "rmsprop"], doc=(
        "What scales the steps: nothing, prior variances, or gradients seen in the burn-in."))
    batch_size = param.Integer(0, bounds=(0, 100_000), doc=(
        "Rows of a step; 0 takes all up to 1024, 512 of more."))
    data_sets = param.Integer(3, bounds=(2, 50), doc="Simulated data sets of networks.")
    device = param.Selector(default="auto", objects=["auto", "cpu", "cuda"],
                            doc="Where networks are drawn.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of data, networks and noise.")

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> list[str]:
        """Refuse what no run could use: a missing file, impossible sizes, no temperature."""
        found = unknown_data(values["data"], [""]) if values["data"] else []
        what, networks = values["experiment"], values["width"]
        if values["data"] and what in ("threshold_net", "bernoulli"):
            found.append(f"experiment must be 'auto', 'experts' or 'sgld' where data names a file,"
                         f" got {what!r}, which needs none. Pass experiment='auto'.")
        if what == "sgld" and not networks:
            found.append("width must name hidden units where experiment='sgld', got []. Pass "
                         "[64].")
        found += [f"hidden_units must hold whole numbers from 1 to {MOST_UNITS}, got {one}."
                  " Pass [2, 4, 16]." for one in values["hidden_units"]
                  if not 1 <= one <= MOST_UNITS]
        found += [f"width must hold whole numbers from 1 to 8192, got {one}. Pass [64]."
                  for one in networks if not 1 <= one <= 8192]
        if any(one <= 0 for one in values["eps_grid"]):
            found.append(f"eps_grid must hold numbers above 0, got {values['eps_grid']!r}. Leave "
                         "it empty for the usual ones.")
        if not values["temperature"] and what != "sgld":
            found.append("temperature must be above 0 for an exact mixture, got 0. Pass 1, or "
                         "experiment='sgld' to descend.")
        if values["snapshots"] > 0.3 * values["n_steps"]:
            found.append(f"snapshots must be at most 0.3 of n_steps, got {values['snapshots']} of "
                         f"{values['n_steps']}. Take more steps.")
        return found


@one_thread()
def run(params: Params) -> Result:
    """One experiment as numbers and tables; networks beside it unless experts are followed."""
    what = _experiment(params)
    if what == "sgld":
        found = _networks(params)
        return network_headline(params, found, _table(params).notes(what))
    exact, followed, notes = _exact(params, what)
    beside = _networks(params) if what != "experts" and params.width else None
    return exact_headline(params, what, exact, followed, beside, notes)


def is_quick(params: Params) -> bool:
    """Whether a page may compute this as soon as a widget changes: networks are kept, or none."""
    with contextlib.suppress(ValueError, OSError):
        what = _experiment(params)
        return what == "experts" or (what != "sgld" and not params.width) or (
            _network_key(params) in NETWORKS)
    return False


def read_notes(params: Params) -> tuple[str, ...]:
    """What reading the table interprets and leaves out; refuses what a run could not read."""
    return _table(params).notes(_experiment(params))


def _experiment(params: Params) -> str:
    if params.experiment != "auto":
        return str(params.experiment)
    return _table(params).kind if params.data else "threshold_net"


def _exact(params: Params, what: str) -> tuple[exact_experiments.Exact, Followed | None,
                                               tuple[str, ...]]:
    eps = np.array(sorted(params.eps_grid), float) if params.eps_grid else eps_grid()
    rng = generator(params.seed)
    if what == "threshold_net":
        return exact_experiments.networks(
            params.function, params.hidden_units, params.n, params.flip, eps,
            temperature=params.temperature, rng=rng), None, ()
    if what == "bernoulli":
        return exact_experiments.coins(params.p, params.n, PRIORS[params.prior], eps,
                                       rng=rng), None, ()
    table = _table(params).forecasts
    followed = follow_experts(table.predictions.to_numpy(), table.outcome, table.kind,
                              temperature=params.temperature,
                              quantile_level=params.quantile_level)
    exact = exact_experiments.experts(followed, [str(name) for name in table.predictions],
                                      table.predictions.index, eps)
    return exact, followed, table.notes


def _networks(params: Params) -> Widths:
    """Networks of every width, sampled again only when something that decides them changes."""
    return NETWORKS.get(_network_key(params), lambda: _sampled(params))


def _sampled(params: Params) -> Widths:
    from workbench.inference.mixtures.langevin import SGLDSampler

    rng, entropy = generator(params.seed), 0.0
    if params.data:
        table = _table(params).classes
        rows = rows_of_table(table.features, table.y, most=params.train_rows, rng=rng)
    else:
        rows = rows_of_moons(params.train_rows or 100, params.data_sets, params.flip, rng=rng)
        entropy = flip_entropy(params.flip)
    n = rows.y.shape[1]
    batch = params.batch_size or (n if n <= MOST_AT_ONCE else MOST_AT_ONCE // 2)
    how = SGLDSampler(
        lr=0.3 / n if params.lr is None else params.lr, n_steps=params.n_steps,
        n_chains=params.n_chains, snapshots=params.snapshots, temperature=params.temperature,
        prior_std=params.prior_std, fan_in=True, batch_size=batch, schedule=params.schedule,
        precondition=params.precondition, device=params.device)
    return widths(rows, params.width, how, seed=params.seed, entropy=entropy)


def _network_key(params: Params) -> Any:
    table = (_table(params).classes.sha256, params.target) if params.data else ()
    return (table, *(str(getattr(params, name)) for name in SAMPLING))


def _table(params: Params) -> MixtureTable:
    return MixtureTable(params.data, params.target, params.time, tuple(params.experts),
                        params.forecast, params.seed)

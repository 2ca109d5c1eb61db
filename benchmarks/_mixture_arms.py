"""Arms of the benchmark: exact classes, networks beside rivals, logistic posteriors, speed."""

import math
import time
import warnings

import numpy as np
import torch
from scipy.special import expit
from torch import nn

from workbench.core import generator
from workbench.datasets.images import load_images
from workbench.datasets.moons import flip_entropy, moons
from workbench.inference.mixtures import threshold
from workbench.inference.mixtures.arms import Rows, compare_arms
from workbench.inference.mixtures.bounds import soft_log_weight
from workbench.inference.mixtures.fisher import soft_price
from workbench.inference.mixtures.langevin import SGLDSampler
from workbench.inference.mixtures.mixing import effective_draws
from workbench.inference.mixtures.weight import prior_weight
from workbench.train import MLP, train_stacked
from workbench.train.stacked_batches import Sample
from workbench.train.stacked_settings import StackedTraining

HOW = {"prior_std": 3.0, "fan_in": True, "precondition": "prior", "n_chains": 4, "snapshots": 25,
       "device": "cpu"}
SWAG_RATE, SWAG_DRAWS = 0.1, 25


def threshold_rows(sizes, n, flip, seed):
    """Size, CPU seconds, weights, regrets with errors and soft bounds of the four targets."""
    for hidden in sizes:
        threshold.function_weights.cache_clear()
        begun = time.process_time()
        weights = threshold.function_weights(hidden)
        seconds = time.process_time() - begun
        with np.errstate(divide="ignore"):
            logs = np.log(weights)
        regrets = [threshold.expected_regret(weights, name, n, flip, rng=generator(seed),
                                             replications=100_000) for name in threshold.TARGETS]
        soft = [-soft_log_weight(logs, threshold.divergences(name, flip), n)
                for name in threshold.TARGETS]
        yield hidden, seconds, [weights[at] for at in threshold.TARGETS.values()], regrets, soft


def weight_errors(seed, draws=200_000):
    """Error of log W by draws of the prior, in its standard errors, for three coins."""
    from workbench.inference.mixtures import bernoulli

    rng, eps = generator(seed), np.geomspace(1e-4, 0.5, 30)
    for p in (0.02, 0.3, 0.5):
        found = prior_weight(eps, bernoulli.divergence(p, rng.random(draws)))
        exact = bernoulli.ball_log_weight(eps, p)
        gap = np.abs(found.log_weight - exact)
        yield p, float(gap.max()), float((gap / np.maximum(found.stderr, 1e-12))[
            found.stderr > 0].max())


def moon_rows(sets, n, flip, seed):
    """Data sets of two arcs and one test set."""
    rng = generator(seed)
    drawn = [moons(n, flip=flip, rng=rng) for _ in range(sets)]
    x_test, y_test = moons(4000, flip=flip, rng=rng)
    return Rows(np.stack([x for x, _ in drawn]).astype("float32"), np.stack(
        [y for _, y in drawn]), x_test.astype("float32"), y_test, 2), flip_entropy(flip)


def digit_rows(sets, n, seed):
    """Parts of the digits, and 773 test digits."""
    images, rng = load_images("digits"), generator(seed)
    x, y = images.train_inputs.reshape(len(images.train_labels), -1), images.train_labels
    chosen = [rng.choice(len(y), n, replace=False) for _ in range(sets)]
    return Rows(np.stack([x[at] for at in chosen]), np.stack([y[at] for at in chosen]),
                images.test_inputs.reshape(len(images.test_labels), -1), images.test_labels,
                10), 0.0


def network_losses(rows, width, steps, lr, seed):
    """Losses of every method, those of SWAG too, price, R-hat and CPU seconds."""
    begun = time.process_time()
    how = SGLDSampler(lr=lr, n_steps=steps, **HOW)
    arms = compare_arms(rows, width, how, rng=generator(seed))
    losses = dict(arms.losses)
    losses["SWAG"] = swag(rows, width, steps, seed)
    n = rows.y.shape[1]
    return losses, {"parameters": arms.curvature.parameters,
                    "dimensions": arms.curvature.dimensions(n),
                    "price": soft_price(arms.curvature, n),
                    "rhat": arms.sampled.rhat(len(rows.x)),
                    "seconds": time.process_time() - begun}


def swag(rows, width, steps, seed):
    """Test losses, shape (sets, m), of draws around the mean of late iterates, diagonal spread.

    Plain descent with momentum for half of the steps, then as many at the same rate, of which 25
    evenly spaced ones give mean and variance.
    """
    draws = torch.Generator().manual_seed(seed)
    sets, n = rows.y.shape
    models = [MLP(rows.x.shape[-1], width, rows.classes, depth=1, generator=draws)
              for _ in range(sets)]
    sample = Sample(torch.as_tensor(rows.x).flatten(0, 1), torch.as_tensor(rows.y).flatten(),
                    rows=[torch.arange(at * n, (at + 1) * n) for at in range(sets)])
    batch = min(n, max(8, n // 4))               # its spread is that of the batches

    def epochs(count):
        return StackedTraining(learning_rate=SWAG_RATE, weight_decay=0.0, batch_size=batch,
                               epochs=max(1, count * batch // n), device="cpu", order_seed=seed)

    iterates, now = [], train_stacked(models, sample, epochs(steps // 2))
    for _ in range(SWAG_DRAWS):
        models = [now.model(at) for at in range(sets)]
        now = train_stacked(models, sample, epochs(steps // 2 // SWAG_DRAWS))
        iterates.append(now.stack(range(sets)))
    x, y = torch.as_tensor(rows.x_test)[None], torch.as_tensor(rows.y_test)
    params = {name: torch.stack([one.params[name] for one in iterates])
              for name in iterates[0].params}
    logs = []
    for _ in range(SWAG_DRAWS):
        drawn = {name: one.mean(0) + one.std(0) * torch.randn(
            one.shape[1:], generator=draws) / math.sqrt(2) for name, one in params.items()}
        logs.append(iterates[0].forward(drawn, {}, x)[0].log_softmax(-1))
    mixed = torch.logsumexp(torch.stack(logs), 0) - math.log(len(logs))
    return -mixed.gather(-1, y.expand(sets, -1)[..., None]).squeeze(-1).double().numpy()


class Logistic(nn.Module):
    """Log odds, linear in the features."""

    def __init__(self, p):
        super().__init__()
        self.line = nn.Linear(p, 1, bias=False).double()

    def forward(self, x):
        return self.line(x)


def logistic_loss(outputs, y):
    """Minus the log-probability of events."""
    return nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], y, reduction="none")


def logistic_world(seed, n=100, p=3):
    """Features and events of a logistic regression under a standard normal prior."""
    rng = generator(seed)
    x, beta = rng.normal(size=(n, p)), rng.normal(size=p)
    return x, (rng.random(n) < expit(x @ beta)).astype(float)


def ours(x, y, seed, *, steps=6000, precondition="none", lr=0.004):
    """Draws, shape (chains, draws, p), of 16 chains."""
    how = SGLDSampler(lr=lr, n_steps=steps, n_chains=16, snapshots=steps // 8,
                      precondition=precondition, device="cpu")
    sampled = how.sample(Logistic(x.shape[1]), (x, y), rng=generator(seed), loss=logistic_loss)
    return sampled.draws.params.permute(1, 0, 2).numpy()


def posteriors_chain(x, y, seed, *, steps=6000, lr=0.004):
    """The same chain by the library posteriors, one at a time; None where it is missing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import posteriors
    except ImportError:
        return None
    del seed                                     # it draws from PyTorch's own generator
    X, Y, model = torch.as_tensor(x), torch.as_tensor(y), Logistic(x.shape[1])

    def log_posterior(params, batch):
        logits = torch.func.functional_call(model, params, (batch[0],))
        return -logistic_loss(logits, batch[1]).sum() - 0.5 * sum(
            (one ** 2).sum() for one in params.values()), logits

    transform = posteriors.sgmcmc.sgld.build(log_posterior, lr=lr / 2)
    state = transform.init({name: one.detach() for name, one in model.named_parameters()})
    kept = []
    for step in range(steps):
        state, _ = transform.update(state, (X, Y))
        if step >= 0.3 * steps and step % 8 == 0:
            kept.append(state.params["line.weight"].clone())
    return torch.stack(kept).reshape(1, -1, x.shape[1]).numpy()


def pymc_draws(x, y, seed):
    """Draws, shape (chains, draws, p), by PyMC's own sampler."""
    import pymc as pm

    with pm.Model(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        beta = pm.Normal("beta", 0, 1, shape=x.shape[1])
        pm.Bernoulli("y", logit_p=x @ beta, observed=y)
        trace = pm.sample(1000, tune=1000, chains=4, cores=1, random_seed=seed,
                          progressbar=False, compute_convergence_checks=False)
    return trace.posterior["beta"].to_numpy()


def compared(draws, truth, seconds):
    """Largest gap of a mean in deviations, of a deviation in percent, and draws per second."""
    flat, exact = draws.reshape(-1, draws.shape[-1]), truth.reshape(-1, truth.shape[-1])
    size = min(effective_draws(draws[..., at]) for at in range(draws.shape[-1]))
    return (float(np.abs((flat.mean(0) - exact.mean(0)) / exact.std(0)).max()),
            float(100 * np.abs(flat.std(0) / exact.std(0) - 1).max()), size / seconds)


def timed(run):
    """What it gives, and CPU seconds."""
    begun = time.process_time()
    found = run()
    return found, time.process_time() - begun

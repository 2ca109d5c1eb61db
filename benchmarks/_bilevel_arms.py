"""Arms of the benchmark of source weights: trainings over seeds, peers, seconds."""

import statistics
import time

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.stats import spearmanr

from workbench.core import generator
from workbench.reweighting import ScaleBiO, Stratified, penalty_hypergradient, source_softmax_loss
from workbench.reweighting.by_source.courses import Plan, run_courses
from workbench.reweighting.by_source.worlds import noisy_digits
from workbench.train import MLP, AdamW, Training, classification, fit, torch_generator

RATES, ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8), (1.0, 10.0, 100.0)


def mean_and_error(values):
    """Mean with its standard error."""
    values = np.asarray(values, float)
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def digits(seeds, steps, *, stratified, rates=RATES, alphas=ALPHAS):
    """Weights, scores and rank correlations by penalty over seeds, means with standard errors."""
    found = run_courses(lambda seed: noisy_digits(rates, rng=generator(seed)), alphas,
                        Plan(steps=steps, stratified=stratified), seeds=range(seeds),
                        cleanest=int(np.argmin(rates)))
    table = {}
    scores = found.scores
    fixed = scores[scores["alpha"].isna()].pivot_table(index="seed", columns="name",
                                                       values="score")
    for alpha in alphas:
        own = found.weights[found.weights["alpha"] == alpha].pivot_table(
            index="seed", columns="source", values="weight", sort=False).to_numpy()
        some = scores[scores["alpha"] == alpha].pivot_table(index="seed", columns="name",
                                                            values="score")
        ranks = [spearmanr(row, -np.asarray(rates)).statistic for row in own] if (
            len(set(rates)) > 1) else [0.0] * seeds
        table[alpha] = {
            "weights": [mean_and_error(column) for column in own.T],
            "farthest": mean_and_error(np.abs(own - 1 / len(rates)).max(1)),
            "ranks": mean_and_error(ranks), "gain": mean_and_error(
                some["learnt"] - fixed["uniform"]),
            **{name: mean_and_error(some[name]) for name in ("w", "u", "learnt")}}
    return table, {name: mean_and_error(fixed[name]) for name in fixed}


def logistic(x, y):
    """Value, gradient and Hessian of a mean logistic loss."""
    def of(w):
        odds = y * (x @ w)
        share = 1 / (1 + np.exp(odds))
        return (np.logaddexp(0, -odds).mean(), -(share * y) @ x / len(x),
                (x * (share * (1 - share))[:, None]).T @ x / len(x))
    return of


def solve(sources, ahead, alpha, extra):
    """Minimum of alpha times the mean loss of the sources, and that of validation rows."""
    def both(w):
        told = [one(w) for one in sources]
        beside = ahead(w)
        return tuple(alpha * sum(part[at] for part in told) / len(told) + extra * beside[at]
                     for at in (0, 1))
    return minimize(both, np.zeros(8), jac=True, method="BFGS",
                    options={"gtol": 1e-9, "maxiter": 5000}).x


def cosines(seeds):
    """Cosine with the hypergradient by an inverted Hessian, three sources of logistic rows."""
    found = {alpha: [] for alpha in ALPHAS}
    for seed in range(seeds):
        rng = generator(seed)
        truth, parts = rng.normal(size=8), []
        for flips in (0.05, 0.25, 0.45, 0.1):
            x = rng.normal(size=(500, 8))
            parts.append(logistic(x, np.sign(x @ truth) * np.where(
                rng.random(500) < flips, -1, 1)))
        *sources, ahead = parts
        p = np.full(3, 1 / 3)

        u = solve(sources, ahead, 1.0, 0.0)
        hessian = sum(share * one(u)[2] for share, one in zip(p, sources, strict=True))
        slopes = np.stack([one(u)[1] for one in sources])
        exact = -(np.diag(p) - np.outer(p, p)) @ slopes @ np.linalg.solve(hessian, ahead(u)[1])
        for alpha in ALPHAS:
            w = solve(sources, ahead, alpha, 1.0)
            ours = penalty_hypergradient(*(torch.tensor([one(at)[0] for one in sources])
                                           for at in (w, u)), torch.zeros(3).double(),
                                         alpha).numpy()
            found[alpha].append(ours @ exact / np.linalg.norm(ours) / np.linalg.norm(exact))
    return {alpha: mean_and_error(values) for alpha, values in found.items()}


def price(turns, steps):
    """CPU seconds of a step of plain training and with weights, in turn; ratio of each pair."""
    world = noisy_digits(RATES, rng=generator(0))
    ahead = tuple(np.resize(part, (1280, *part.shape[1:])) for part in world.ahead)
    arms, found = {"plain": None, "weights": ScaleBiO(5)}, {"plain": [], "weights": []}
    for turn in range(turns + 1):
        for name in list(arms)[::1 if turn % 2 else -1]:
            model = MLP(64, 256, 10, depth=2, generator=torch_generator(1))
            rows = Stratified((world.x, world.y, world.group), 256)
            how = Training(AdamW(1e-2), max_steps=steps, batch_size=256, device="cpu")
            begun = time.process_time()
            fit(model, rows, how, weighter=arms[name], meta=ahead, progress="nowhere")
            if turn:
                found[name].append((time.process_time() - begun) / steps)
    ratios = sorted(b / a for a, b in zip(found["plain"], found["weights"], strict=True))
    return {name: statistics.median(one) for name, one in found.items()}, ratios


class Ways:
    """Gradients for both networks and the logits of one step, in three ways."""

    alpha = 10.0

    def __init__(self, k):
        draws, n = torch_generator(0), 320
        self.k = k
        self.x, self.y = torch.randn(n, 64, generator=draws), torch.randint(
            10, (n,), generator=draws)
        self.source = torch.arange(n) % k
        self.ahead = torch.randn(128, 64, generator=draws), torch.randint(
            10, (128,), generator=draws)
        self.w, self.u = (MLP(64, 64, 10, depth=1, generator=torch_generator(seed))
                          for seed in (1, 2))
        self.logits = torch.randn(k, generator=draws).requires_grad_()

    def ours(self):
        """Losses of rows once for each network, one backward pass each, gaps from the same."""
        counts = torch.bincount(self.source, minlength=self.k)
        fixed, means, grads = self.logits.detach(), [], []
        for model, validates in ((self.u, False), (self.w, True)):
            losses = classification(model(self.x), self.y)
            loss = self.alpha * source_softmax_loss(losses, self.source, fixed, counts)
            if validates:
                loss = loss + classification(model(self.ahead[0]), self.ahead[1]).mean()
            grads += torch.autograd.grad(loss, list(model.parameters()))
            sums = fixed.new_zeros(self.k).index_add(0, self.source, losses.detach())
            means.append(sums / counts)
        return [*grads, penalty_hypergradient(means[1], means[0], fixed, self.alpha)]

    def by_source(self):
        """A pass for each source, and the logits inside the graph."""
        grads, slope = [], torch.zeros(self.k)
        for model, sign in ((self.u, -1.0), (self.w, 1.0)):
            params = list(model.parameters())
            total = [torch.zeros_like(param) for param in params]
            for one in range(self.k):
                rows = self.source == one
                loss = self.alpha * self.logits.softmax(0)[one] * classification(
                    model(self.x[rows]), self.y[rows]).mean()
                *found, own = torch.autograd.grad(loss, [*params, self.logits])
                total = [a + b for a, b in zip(total, found, strict=True)]
                slope = slope + sign * own
            if sign > 0:
                loss = classification(model(self.ahead[0]), self.ahead[1]).mean()
                total = [a + b for a, b in zip(total, torch.autograd.grad(loss, params),
                                               strict=True)]
            grads += total
        return [*grads, slope]

    def implicit(self, rounds=10):
        """One network and conjugate gradients on products with its Hessian: another estimate."""
        params, counts = list(self.u.parameters()), torch.bincount(self.source)
        losses = classification(self.u(self.x), self.y)
        loss = source_softmax_loss(losses, self.source, self.logits, counts)
        slopes = torch.autograd.grad(loss, params, create_graph=True)
        flat = torch.cat([one.flatten() for one in slopes])
        target = torch.cat([one.flatten() for one in torch.autograd.grad(
            classification(self.u(self.ahead[0]), self.ahead[1]).mean(), params)])
        found, rest = torch.zeros_like(target), target.clone()
        way, size = rest.clone(), rest @ rest
        for _ in range(rounds):
            product = torch.cat([one.flatten() for one in torch.autograd.grad(
                flat, params, way, retain_graph=True)]) + 0.1 * way
            step = size / (way @ product)
            found, rest = found + step * way, rest - step * product
            size, before = rest @ rest, size
            way = rest + size / before * way
        return torch.autograd.grad(flat, self.logits, -found)


def ways(turns, repeats=20):
    """CPU seconds of each way in turn, medians; the largest difference of gradients."""
    table = {}
    for k in (5, 20):
        step = Ways(k)
        arms = {"one pass": step.ours, "a pass per source": step.by_source,
                "implicit, 10 products": step.implicit}
        apart = max(float((a - b).abs().max()) for a, b in zip(
            step.ours(), step.by_source(), strict=True))
        spent = {name: [] for name in arms}
        for turn in range(turns + 1):
            for name in list(arms)[::1 if turn % 2 else -1]:
                begun = time.process_time()
                for _ in range(repeats):
                    arms[name]()
                if turn:
                    spent[name].append((time.process_time() - begun) / repeats)
        ratios = {name: sorted(b / a for a, b in zip(spent["one pass"], one, strict=True))
                  for name, one in spent.items()}
        table[k] = {"seconds": {name: statistics.median(one) for name, one in spent.items()},
                    "ratios": ratios, "apart": apart}
    return table

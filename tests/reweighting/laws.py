"""One small world in which every weighter can be tried, whatever it asks for."""

import contextlib
import importlib
import inspect
import math
from dataclasses import dataclass

import torch
from torch import nn

from workbench import catalog
from workbench.reweighting import weighter_named, weighter_names
from workbench.train import Sgd, StepResult, Training, fit

__all__ = ["ROWS", "Spied", "at_work", "every_weighter", "kind_of", "neutral_weighters", "passes",
           "trained"]

ROWS, CLASSES = 24, 2
# Settings beside the neutral ones at which the run's own optimiser moves the network.
PLAIN_STEP = {"meta_rescaling": {"inner": "sgd"}}


def kind_of(thing):
    """Whether a weighter, or a class of them, owns the step, remembers, or is a function."""
    if hasattr(thing, "prepare") and hasattr(thing, "step"):
        return "meta"
    if hasattr(thing, "init") and hasattr(thing, "update"):
        return "memory"
    return "function" if "__call__" in vars(thing if isinstance(thing, type) else type(thing)) \
        else ""


def classes_of(name):
    """Weighter classes of a method of this room."""
    with contextlib.suppress(ImportError):
        module = importlib.import_module(f"workbench.reweighting.{name}")
        return [thing for word in module.__all__
                if isinstance(thing := getattr(module, word), type) and kind_of(thing)]
    return []


def every_weighter():
    """Each weighter that has a name, and each class of a card, as it comes."""
    named = {name: weighter_named(name, targets=world()[0][1].numpy())
             for name in weighter_names()}
    known = {type(one) for one in named.values()}
    return named | {f"{name}: {made.__name__}": made() for name in catalog.cards()
                    for made in classes_of(name) if made not in known}


def neutral_weighters():
    """Each class of a card at its neutral setting, by method and class."""
    found = {}
    for name, card in catalog.cards().items():
        for made in classes_of(name):
            known = set(inspect.signature(made).parameters)
            setting = {key: value for key, value in card.neutral.items() if key in known}
            assert setting, f"{made.__name__} must take the neutral setting of its card"
            found[name, made.__name__] = made(**setting | PLAIN_STEP.get(name, {}))
    return found


def world(order=None):
    """Rows with two classes of one size, which are their groups; rows for learners alike."""
    draws = torch.Generator().manual_seed(5)
    x = torch.randn(ROWS, 3, generator=draws, dtype=torch.float64)
    y = torch.arange(ROWS) % CLASSES
    x[:, 0] += y
    order = torch.arange(ROWS) if order is None else order
    held = torch.randn(ROWS, 3, generator=draws, dtype=torch.float64)
    held[:, 0] += y
    return (x[order], y[order], y[order]), (held, y, y)


def network():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, CLASSES)).double()
    with torch.no_grad():
        for param in model.parameters():
            param.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(param.numel()))
    return model


@dataclass(frozen=True, eq=False)
class Spied:
    """Any weighter, with a list of the rows, losses and weights of its steps."""

    weighter: object
    seen: list

    def __getattr__(self, name):
        if name in ("weighter", "__setstate__"):
            raise AttributeError(name)
        if name == "step":
            own = self.weighter.step
            return lambda state, step: self._noted(own(state, step), step)
        if name == "update":
            own = self.weighter.update
            return lambda state, batch: self._weighed(own(state, self._asked(batch)), batch)
        return getattr(self.weighter, name)

    @property
    def needs(self):
        return {*getattr(self.weighter, "needs", ()), "index"}

    def __call__(self, batch):
        return self._weighed((None, self.weighter(self._asked(batch))), batch)[1]

    def _asked(self, batch):
        return batch if set(getattr(self.weighter, "needs", ())) - {"losses"} else batch.losses

    def _weighed(self, told, batch):
        self.seen.append((batch.index, batch.losses, told[1]))
        return told

    def _noted(self, told, step):
        result = told[1]
        assert isinstance(result, StepResult)
        self.seen.append((torch.cat([micro.index for micro in step.micros]), result.losses,
                          result.weights))
        return told


def trained(weighter, *, order=None, batch_size=ROWS, epochs=3, accumulate=1):
    """Parameters after some steps, in double precision, and the run."""
    rows, held = world(order)
    model = network()
    how = Training(Sgd(0.1), epochs=epochs, batch_size=batch_size, accumulate=accumulate,
                   device="cpu", log_every=1)
    done = fit(model, rows, how, weighter=weighter, meta=held, progress="nowhere")
    return torch.cat([param.detach().flatten() for param in model.parameters()]), done


def at_work(weighter, **options):
    """What a weighter gave in each step: places of rows, losses, weights."""
    seen = []
    _, done = trained(Spied(weighter, seen), **options)
    assert done.status == "finished"
    return seen


def passes(weighter, monkeypatch, *, accumulate=1, epochs=4):
    """Forward passes over the rows of a step, and backward passes, of a training in all."""
    counts, hook = {"forward": 0.0, "backward": 0.0}, None
    plain = torch.autograd._engine_run_backward

    def backward(*given, **named):
        counts["backward"] += 1
        return plain(*given, **named)

    def forward(_, given, __):
        counts["forward"] += math.prod(given[0].shape[:-1]) / ROWS

    with monkeypatch.context() as patch:
        patch.setattr(torch.autograd, "_engine_run_backward", backward)
        hook = nn.modules.module.register_module_forward_hook(
            lambda module, given, out: forward(module, given, out)
            if isinstance(module, nn.Sequential) else None)
        try:
            trained(weighter, batch_size=ROWS // accumulate, epochs=epochs, accumulate=accumulate)
        finally:
            hook.remove()
    return {name: count / epochs for name, count in counts.items()}

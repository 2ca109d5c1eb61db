"""Race between the ways of taking gradients, on one batch; the winner is remembered by shape."""

import time
from collections.abc import Sequence

import torch

from workbench.train.losses import RowLoss
from workbench.train.models import MLP
from workbench.train.stack import Stack, family
from workbench.train.stacked_batches import Batches
from workbench.train.stacked_gradients import gradient_by
from workbench.train.stacked_layers import FORWARDS

__all__ = ["fastest", "forms_of"]

WINNERS: dict[tuple[object, ...], str] = {}
WARM, TIMED = 3, 10


def forms_of(stack: Stack) -> list[str]:
    """Ways that exist for a stack, the usually fastest first."""
    by_hand = ["stacked"] if type(stack.widest) in FORWARDS else []
    return ["closed"] * (type(stack.widest) is MLP) + by_hand + ["vmap", "loop"]


def fastest(stack: Stack, batches: Batches, loss: RowLoss) -> str:
    """Way of lowest time on this machine; nothing of the stack changes.

    Which one wins may differ from run to run, and with it the rounding of the numbers.
    """
    device = next(iter(stack.params.values())).device
    key = (family(stack.widest), tuple(one.shape for one in stack.params.values()),
           batches.micro, str(device), torch.get_num_threads())
    if key not in WINNERS:
        forms = forms_of(stack)
        WINNERS[key] = min(forms, key=dict(zip(forms, _seconds(stack, batches, loss, forms),
                                               strict=True)).__getitem__)
    return WINNERS[key]


def _seconds(stack: Stack, batches: Batches, loss: RowLoss, forms: Sequence[str]) -> list[float]:
    batch = next(batches.epoch())
    into = {name: torch.zeros_like(one) for name, one in stack.params.items()}
    found = []
    for form in forms:
        gradient = gradient_by(form, stack, loss)
        seconds = []
        with gradient.without_tape():
            for _ in range(WARM + TIMED):
                begun = time.perf_counter()
                gradient.losses(stack.params, stack.buffers, batch, into)
                if batch.x.device.type == "cuda":
                    torch.cuda.synchronize(batch.x.device)
                seconds.append(time.perf_counter() - begun)
        found.append(sorted(seconds[WARM:])[TIMED // 2])
    return found

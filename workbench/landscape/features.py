"""What networks make of inputs: logits, softmax, or the output of a module by name.

Inputs can be mixed: ``x = share * a + (1 - share) * b`` with b a permutation of a, the share and
the permutation being the same for all networks that are compared.

Source of mixing: H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, mixup, ICLR 2018.
"""

from typing import Any

import torch
from torch import Tensor, nn

from workbench.core import check, generator

__all__ = ["features_of", "mixup"]


def mixup(x: Tensor, *, rng: torch.Generator, alpha: float = 16.0) -> Tensor:
    """Mix the rows of a batch with others of it.

    Parameters
    ----------
    x : tensor, shape (n, ...)
    rng : torch.Generator
        Draws one share and one permutation; draw once and hand the result to all networks.
    alpha : float > 0
        The share is Beta(alpha, alpha): large values mix half and half.

    Examples
    --------
    >>> x = torch.tensor([[0.0], [1.0]])
    >>> float(mixup(x, rng=torch.Generator().manual_seed(0)).sum())
    1.0
    """
    check.positive(alpha=alpha)
    seed = int(torch.randint(2 ** 31, (), generator=rng, device=rng.device))
    share = float(generator(seed).beta(alpha, alpha))
    order = torch.randperm(len(x), generator=rng, device=rng.device).to(x.device)
    return share * x + (1 - share) * x[order]


def features_of(model: nn.Module, x: Any, *, layer: str = "logits") -> Tensor:
    """Features of one network in evaluation mode, without gradients; its mode is kept.

    Parameters
    ----------
    model : torch.nn.Module
        Its answer is a tensor, or has ``logits``.
    x : tensor, or mapping handed over by name
    layer : str
        ``"logits"``, ``"softmax"``, or the name of a module.

    Returns
    -------
    features : tensor, shape (n, ...)

    Raises
    ------
    ValueError
        If no module has this name.
    """
    modules = dict(model.named_modules())
    check.one_of(("logits", "softmax", *filter(None, modules)), layer=layer)
    caught: list[Any] = []
    hook = modules[layer].register_forward_hook(
        lambda *passed: caught.append(passed[-1])) if layer in modules else None
    training = {module: module.training for module in modules.values()}
    model.eval()
    try:
        with torch.no_grad():
            answer = model(**x) if isinstance(x, dict) else model(x)
    finally:
        for module, mode in training.items():
            module.training = mode
        if hook is not None:
            hook.remove()
    found = _tensor(caught[-1] if caught else answer)
    return found.softmax(-1) if layer == "softmax" else found


def _tensor(answer: Any) -> Tensor:
    """The tensor of an answer: itself, its logits, or the first of several."""
    if isinstance(answer, Tensor):
        return answer
    return answer.logits if hasattr(answer, "logits") else answer[0]

"""A small language model over characters, on a mixture of domains, weighed by loss.

Domains are drawn uniformly; the weights say which of them still teaches. At this size nobody has
shown a gain of the mean: what is to be seen is which domain is weighted up and what that does to
the hardest one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.core import check, generator
from workbench.datasets.text_domains import ALPHABET, text_domains, windows
from workbench.reweighting.trials import Trials, compare_weighters

__all__ = ["train_language"]

TESTED = 60              # windows of each domain
RATE, CLIP = 2e-3, 1.0


def train_language(weighters: Mapping[str, Any], *, steps: int = 500,  # noqa: PLR0913 - sizes
                   batch_size: int = 40, width: int = 64, context: int = 64,
                   seeds: Sequence[int] = (0, 1), domains: Mapping[str, str] | None = None,
                   on_trained: Callable[[int, int], None] | None = None) -> Trials:
    """Train a transformer of two layers and four heads with every weighter.

    Parameters
    ----------
    weighters : mapping of name to weighter
    steps, batch_size : int > 0
    width, context : int > 0
        Numbers that stand for a character, a multiple of four; characters of a window.
    seeds : sequence of int >= 0
        Of the first parameters and the order; windows are the same for all.
    domains : mapping of name to text, optional
        Your own texts; those of :func:`~workbench.datasets.text_domains.text_domains` without.
    on_trained : function of the numbers of trained and of all networks, optional

    Returns
    -------
    trials : Trials
        One test set per domain; losses in nats per character.
    """
    from workbench.train import (
        AdamW,
        CharTransformer,
        Training,
        causal_lm,
        cosine,
        torch_generator,
    )

    check.positive(steps=steps, batch_size=batch_size)
    texts = text_domains() if domains is None else domains
    each = max(batch_size, -(-steps * batch_size // len(texts)))
    rng = generator(0)
    tokens, group, held = windows(texts, each, context, rng=rng)
    tests = {name: rows[np.linspace(0, len(rows) - 1, min(TESTED, len(rows))).astype(int)]
             for name, rows in held.items()}

    def make(seed: int) -> Any:
        return CharTransformer(len(ALPHABET), width, layers=2, heads=4, context=context,
                               generator=torch_generator(seed))
    how = Training(AdamW(RATE), max_steps=steps, batch_size=batch_size, schedule=cosine(0.1),
                   clip=CLIP, log_every=max(1, steps // 50))
    return compare_weighters(make, (tokens, tokens, group),
                             {name: (rows, rows) for name, rows in tests.items()}, weighters, how,
                             loss=causal_lm, groups=tuple(texts), seeds=seeds,
                             on_trained=on_trained)

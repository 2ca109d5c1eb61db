"""A small language model over characters whose sources are kinds of text, clean and corrupted.

Validation rows are of two kinds alone. Weights should leave the corrupted sources and the kinds
that are not asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check, generator
from workbench.datasets.text_domains import ALPHABET, text_domains, windows
from workbench.reweighting.bilevel import LISA, ScaleBiO, Stratified, source_weights

__all__ = ["TextCourse", "Texts", "corrupted", "sourced_texts", "text_course"]

WANTED = ("statements", "code")      # kinds that the validation rows are of
RATE = 3e-3


@dataclass(frozen=True, eq=False)
class Texts:
    """Windows of characters by source, and those that are trusted.

    Parameters
    ----------
    tokens : array of int, shape (n, t)
    group : array of int, shape (n,)
    names : tuple of K str
    kinds : tuple of K str
        "wanted", "another kind" or "corrupted".
    ahead, test : array of int, shape (m, t)
    """

    tokens: np.ndarray
    group: np.ndarray
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    ahead: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, eq=False)
class TextCourse:
    """Weights of the sources of text.

    Parameters
    ----------
    weights : DataFrame
        Columns seed, source, kind, weight.
    scores : DataFrame
        Columns seed, name ("learnt", "uniform"), loss: on test rows of the wanted kinds, of new
        networks trained on as many windows [nats per character].
    """

    weights: pd.DataFrame
    scores: pd.DataFrame


def corrupted(tokens: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Windows in which a share of the characters is drawn anew, uniformly.

    Examples
    --------
    >>> rows = np.zeros((2, 5), int)
    >>> bool((corrupted(rows, 0.0, generator(0)) == rows).all())
    True
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must lie in [0, 1], got {rate!r}. Pass a share.")
    drawn = rng.integers(len(ALPHABET), size=tokens.shape)
    return np.where(rng.random(tokens.shape) < rate, drawn, tokens)


def sourced_texts(count: int, context: int, *, rates: Sequence[float] = (0.5, 1.0),
                  rng: np.random.Generator, domains: Mapping[str, str] | None = None,
                  wanted: Sequence[str] = WANTED) -> Texts:
    """Each kind of text clean, and the wanted kinds again with corrupted characters.

    Parameters
    ----------
    count, context : int > 0
        Windows of a source, characters of a window.
    rates : sequence of float
        One corrupted source for each.
    rng : numpy.random.Generator
    domains : mapping of name to text, optional
    wanted : sequence of str
    """
    check.positive(count=count, context=context)
    texts = text_domains() if domains is None else domains
    tokens, group, held = windows(texts, count, context, rng=rng)
    parts = [tokens[group == at] for at in range(len(texts))]
    names, kinds = list(texts), ["wanted" if one in wanted else "another kind" for one in texts]
    pool = np.concatenate([parts[list(texts).index(one)] for one in wanted])
    for rate in rates:
        parts.append(corrupted(rng.permutation(pool)[:count], rate, rng))
        names.append(f"{100 * rate:g} % corrupted")
        kinds.append("corrupted")
    trusted = rng.permutation(np.concatenate([held[one] for one in wanted]))
    ahead, test = np.array_split(trusted, 2)
    return Texts(np.concatenate(parts), np.repeat(np.arange(len(parts)), count), tuple(names),
                 tuple(kinds), ahead, test)


def text_course(*, steps: int, alpha: float = 10.0, lisa_layers: int = 0,  # noqa: PLR0913 - sizes
                batch_size: int = 24, width: int = 32, context: int = 32,
                seeds: Sequence[int] = (0, 1)) -> TextCourse:
    """Learn weights of sources of text, and train new networks on windows taken by them.

    Parameters
    ----------
    steps, batch_size, width, context : int > 0
    alpha : float > 0
    lisa_layers : int >= 0
        Blocks of two that are trained at a time; 0 trains all.
    seeds : sequence of int >= 0
    """
    weights, scores = [], []
    for seed in seeds:
        texts = sourced_texts(max(200, batch_size), context, rng=generator(seed))
        p = _learn(texts, _model(width, context, seed), steps, alpha, lisa_layers, batch_size,
                   seed)
        weights.append(pd.DataFrame({"seed": seed, "source": texts.names, "kind": texts.kinds,
                                     "weight": p}))
        uniform = np.full(len(p), 1 / len(p))
        scores += [{"seed": seed, "name": name, "loss": _retrain(
            texts, _model(width, context, seed + 1), shares, steps, batch_size, seed)}
            for name, shares in (("learnt", p), ("uniform", uniform))]
    return TextCourse(pd.concat(weights, ignore_index=True), pd.DataFrame(scores))


def _learn(texts: Texts, model: Any, steps: int, alpha: float, layers: int,  # noqa: PLR0913
           batch: int, seed: int) -> np.ndarray:
    from workbench.train import causal_lm, fit

    weighter = ScaleBiO(len(texts.names), alpha=alpha, source_rate=0.05,
                        lisa=LISA(layers, every=5, blocks="blocks") if layers else None)
    done = fit(model, Stratified((texts.tokens, texts.tokens, texts.group), batch),
               _how(steps, batch, seed), weighter=weighter, meta=(texts.ahead, texts.ahead),
               loss=causal_lm, progress="nowhere")
    found: np.ndarray = source_weights(done).astype(float)
    return found


def _retrain(texts: Texts, model: Any, shares: np.ndarray, steps: int,
             batch: int, seed: int) -> float:
    from workbench.train import causal_lm, fit, mean_loss

    rng, each = generator(seed), len(texts.tokens) // len(texts.names)
    chosen = rng.choice(len(shares), size=steps * batch, p=shares / shares.sum())
    rows = texts.tokens[chosen * each + rng.integers(each, size=len(chosen))]
    done = fit(model, (rows, rows), _how(steps, batch, seed), loss=causal_lm,
               progress="nowhere")
    return mean_loss(model, (texts.test, texts.test), causal_lm) if (
        done.status == "finished") else np.nan


def _model(width: int, context: int, seed: int) -> Any:
    from workbench.train import CharTransformer, torch_generator

    return CharTransformer(len(ALPHABET), width, layers=2, heads=4, context=context,
                           generator=torch_generator(seed))


def _how(steps: int, batch: int, seed: int) -> Any:
    from workbench.train import AdamW, Training, cosine

    return Training(AdamW(RATE), max_steps=steps, batch_size=batch, schedule=cosine(), seed=seed,
                    log_every=max(1, steps // 20))

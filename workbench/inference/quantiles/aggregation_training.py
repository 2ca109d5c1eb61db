"""Training of aggregators: one recipe, or the best of several by random search.

``loss = pinball + penalty * crossings`` on batches of standardised rows; training ends when the
pinball loss of the held-out rows, after their quantiles are put in order, no longer falls.

Source: sections 3.2-3.4 of R. Fakoor et al., JMLR 24 (2023).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.core.rng import generator
from workbench.inference.quantiles.aggregation_network import (
    GlobalWeights,
    LocalWeights,
    network_for,
)
from workbench.inference.quantiles.aggregation_rows import Rows
from workbench.inference.quantiles.descent import Descended, Descent, descend
from workbench.inference.quantiles.isotonic import isotonise
from workbench.inference.quantiles.levels import middle
from workbench.inference.quantiles.losses import (
    Margin,
    crossing_penalty,
    margin_for,
    pinball_loss,
)
from workbench.inference.quantiles.perceptron import Shape
from workbench.inference.quantiles.resolution import Form
from workbench.train.device import torch_generator

__all__ = ["Recipe", "Trained", "candidates", "recipe_of", "searched", "trained"]

ROWS_AT_ONCE = 4096     # rows whose validation quantiles are computed together
SPACE: dict[str, tuple[Any, ...]] = {
    "learning_rate": (1e-3, 5e-4), "hidden": (64, 128), "layers": (2, 3),
    "dropout": (0.0, 0.05, 0.1), "penalty": (0.5, 1.0, 2.0, 5.0, 10.0),
    "margin_scale": (1e-1, 5e-2, 1e-2, 1e-3, 1e-4)}
SINGLE = {"learning_rate": (1e-3,), "margin_scale": (1e-4, 1e-3, 5e-3, 7.5e-3, 9.9e-3)}


@dataclass(frozen=True)
class Recipe:
    """How one network is made and trained.

    Parameters
    ----------
    shape : Shape
    descent : Descent
    margin : {"single", "vec", "adaptive", "none"}
    margin_scale, penalty : float >= 0
    isotonise : {"none", "sort", "pava", "minmax"}
    in_training : bool
        Whether the loss, too, sees the quantiles in order; the penalty always sees them before.
    seed : int
        Of initial parameters, order of rows and dropout.
    """

    shape: Shape
    descent: Descent
    margin: str = "adaptive"
    margin_scale: float = 1e-2
    penalty: float = 1.0
    isotonise: str = "sort"
    in_training: bool = False
    seed: int = 0

    def settings(self) -> dict[str, Any]:
        """What a search may draw, by name, and the seed."""
        flat = asdict(self.shape) | asdict(self.descent) | asdict(self)
        return {name: flat[name] for name in (*SPACE, "seed")}


@dataclass(frozen=True)
class Trained:
    """A trained network, how its descent ended, and its recipe."""

    network: GlobalWeights | LocalWeights
    descended: Descended
    recipe: Recipe

    def weights(self) -> np.ndarray:
        """Global weights, shape (1, *form.shape)."""
        found: Any = self.network
        return found.weights().detach().numpy()


def recipe_of(options: Mapping[str, Any]) -> Recipe:
    """The recipe among an aggregator's options, by their names."""
    def taken(names: tuple[str, ...]) -> dict[str, Any]:
        return {name: options[name] for name in names}

    patience = Descent.patience if options["patience"] is None else options["patience"]
    return Recipe(
        Shape(**taken(("hidden", "layers", "activation", "dropout"))),
        Descent(**taken(("learning_rate", "max_steps")), patience=patience),
        **taken(("margin", "margin_scale", "penalty", "isotonise", "in_training")))


def trained(recipe: Recipe, form: Form, quantile_levels: np.ndarray, rows: Rows,
            held: Rows | None, device: torch.device) -> Trained:
    """Train one network on standardised rows.

    Parameters
    ----------
    recipe : Recipe
    form : Form
    quantile_levels : array, shape (q,)
    rows : Rows
    held : Rows or None
        Rows of the early stopping; None runs all steps of the recipe.
    device : torch.device

    Raises
    ------
    FloatingPointError
        If the loss is not finite.
    """
    rng = torch_generator(recipe.seed)
    features = None if rows.X is None else rows.X.shape[1]
    network = network_for(form, features, recipe.shape, generator=rng).to(device)
    levels = torch.tensor(quantile_levels, dtype=torch.float32, device=device)
    margin = _margin(recipe, rows, quantile_levels)
    done = descend(network, _batch_loss(network, recipe, rows, levels, margin), len(rows),
                   None if held is None else _score(network, recipe, held, levels),
                   recipe.descent, generator=rng)
    return Trained(network.cpu().eval(), done, recipe)


def searched(recipes: list[Recipe], form: Form, quantile_levels: np.ndarray, rows: Rows,
             held: Rows | None, device: torch.device) -> Trained:
    """The best of several recipes by the score of the held-out rows.

    Notes
    -----
    The network kept has the parameters of its best step: those that training anew for that many
    steps with the same seed would give.
    """
    first, *others = recipes
    best = trained(first, form, quantile_levels, rows, held, device)
    for recipe in others:
        found = trained(recipe, form, quantile_levels, rows, held, device)
        if found.descended.score < best.descended.score:
            best = found
    return best


def candidates(recipe: Recipe, count: int, *, local: bool, seed: int) -> list[Recipe]:
    """A recipe and ``count - 1`` others drawn from the space of the source.

    Only what matters is drawn: nothing of the network for global weights, no scale without a
    margin. The margin ``single`` has its own space.
    """
    space = SPACE | (SINGLE if recipe.margin == "single" else {})
    unused = set() if local else {"hidden", "layers", "dropout"}
    if recipe.margin == "none":
        unused |= {"penalty", "margin_scale"}
    rng = generator(seed)
    found = [replace(recipe, seed=seed)]
    for number in range(1, count):
        drawn = {name: choices[rng.integers(len(choices))] for name, choices in space.items()
                 if name not in unused}
        found.append(_with(recipe, drawn | {"seed": seed + number}))
    return found


def _with(recipe: Recipe, drawn: dict[str, Any]) -> Recipe:
    parts: dict[str, Any] = {
        name: replace(part, **{key: value for key, value in drawn.items() if hasattr(part, key)})
        for name, part in (("shape", recipe.shape), ("descent", recipe.descent))}
    own = {key: value for key, value in drawn.items() if hasattr(recipe, key)}
    return replace(recipe, **parts, **own)


def _batch_loss(network: GlobalWeights | LocalWeights, recipe: Recipe, rows: Rows,
                levels: Tensor, margin: Margin | None) -> Callable[[Tensor], Tensor]:
    """Loss of a batch, by positions."""
    X, Z, y, amounts = _tensors(rows, levels)
    margin = None if margin is None else margin.to(levels)

    def loss(batch: Tensor) -> Tensor:
        weight = None if amounts is None else amounts[batch]
        quantiles = network(None if X is None else X[batch], Z[batch])
        ordered = isotonise(quantiles, recipe.isotonise) if recipe.in_training else quantiles
        found = pinball_loss(y[batch], ordered, levels, sample_weight=weight)
        if margin is None or not recipe.penalty:
            return found
        crossings = crossing_penalty(quantiles, margin, sample_weight=weight)
        return found + recipe.penalty * crossings

    return loss


def _margin(recipe: Recipe, rows: Rows, quantile_levels: np.ndarray) -> Margin | None:
    """Margins; the residuals of the adaptive ones are from the median of the models' middles."""
    residuals = rows.y - np.median(rows.Z[:, :, middle(quantile_levels)], axis=1)
    return margin_for(recipe.margin, recipe.margin_scale, quantile_levels, residuals=residuals,
                      sample_weight=rows.amounts)


def _score(network: GlobalWeights | LocalWeights, recipe: Recipe, held: Rows,
           levels: Tensor) -> Callable[[], float]:
    """Mean pinball loss of the held-out rows after their quantiles are put in order."""
    X, Z, y, amounts = _tensors(held, levels)

    def score() -> float:
        found = []
        for start in range(0, len(held), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            found.append(network(None if X is None else X[part], Z[part]))
        ordered = isotonise(torch.cat(found), recipe.isotonise)
        return float(pinball_loss(y, ordered, levels, sample_weight=amounts))

    return score


def _tensors(rows: Rows, like: Tensor) -> tuple[Any, ...]:
    """Features, base quantiles, outcomes and amounts beside another tensor, with its type."""
    return tuple(None if part is None else torch.as_tensor(part).to(like)
                 for part in (rows.X, rows.Z, rows.y, rows.amounts))

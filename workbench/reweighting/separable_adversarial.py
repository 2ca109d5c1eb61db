"""Which classes are too rare to be learnt under attack? Weigh them up, and keep features apart.

``loss = weights @ losses + strength * separation`` on adversarial inputs, where the weight of a
row is that of its class: the class-balanced one, or one for common and `emphasis` for rare
classes. Under attack such weights alone ruin the common classes; the separation, a supervised
contrastive loss of the features, lets them be raised without. With beta = 0 and strength = 0 this
is plain adversarial training.

Source: W. Wang, H. Xu, X. Liu, Y. Li, B. Thuraisingham, J. Tang, "Imbalanced Adversarial Training
with Reweighting", arXiv:2107.13639 (2021).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.core import check
from workbench.core.card import Card
from workbench.reweighting.by_class.class_weights import (
    NORMALISATIONS,
    checked_counts,
    class_balanced_weights,
    class_counts,
    emphasised_weights,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CARD", "ClassBalance"]

CARD = Card(
    source="wang2021separable",
    weighs="classes, by how few rows they have, with their features kept apart under attack",
    range="positive",
    neutral={"beta": 0.0}, baseline="plain adversarial training",
)


@dataclass(frozen=True)
class ClassBalance:
    """Weigh each row by its class, for :func:`workbench.train.fit`.

    A row of class y weighs w_y / n in a micro-batch of n rows. Weights do not sum to one there:
    dividing by their sum would take them away from a batch that holds one class.

    Parameters
    ----------
    counts : sequence of int >= 1, or None
        Training rows of each class; None needs beta = 0, for which they do not matter. See `of`.
    beta : float in [0, 1)
        Of :func:`class_balanced_weights`; 0 is equal weights.
    emphasis : float > 0, optional
        In place of `beta`: the weight of rare classes over that of common ones.
    rare_below : float in (0, 1]
        A class is rare, for `emphasis`, with fewer rows than this share of the largest.
    normalise : {"class", "sample", "raw"}
        What is one on average: the weight of classes, that of training rows, or neither.
    defer : float in [0, 1]
        Share of the steps, the first ones, with equal weights.
    by : {"targets", "group"}
        Where the class of a row stands.

    Raises
    ------
    ValueError
        For a number out of range or missing counts; at work, for a class that has no count.

    Examples
    --------
    >>> ClassBalance((100, 10), beta=0.99).class_weights.round(4).tolist()
    [0.2621, 1.7379]
    """

    counts: tuple[int, ...] | None = None
    beta: float = 0.999
    emphasis: float | None = None
    rare_below: float = 0.5
    normalise: str = "class"
    defer: float = 0.0
    by: str = "targets"

    free_sum = True

    def __post_init__(self) -> None:
        check.one_of(NORMALISATIONS, normalise=self.normalise)
        check.one_of(("targets", "group"), by=self.by)
        if not check.holds(lambda share: 0 <= share <= 1, self.defer):
            raise ValueError(f"defer must lie in [0, 1], got {self.defer!r}. Pass the share of "
                             "the steps with equal weights, such as 0.8.")
        if self.counts is not None:
            known = checked_counts(self.counts)
            object.__setattr__(self, "counts", tuple(int(each) for each in known))
            _ = self.class_weights
        elif self.beta != 0 or self.emphasis not in (None, 1):
            raise ValueError("counts must tell the rows of each class, got None. Pass "
                             "ClassBalance.of(y), or beta=0 for equal weights.")

    @classmethod
    def of(cls, y: Any, *, classes: int | None = None, **options: Any) -> "ClassBalance":
        """With the counts of training targets.

        Parameters
        ----------
        y : array or tensor of int, shape (n,)
        classes : int, optional
            Number of classes, to refuse one without a row.
        **options
            As of the class.

        Examples
        --------
        >>> ClassBalance.of([0, 0, 0, 1], emphasis=3).class_weights.tolist()
        [0.5, 1.5]
        """
        return cls(tuple(class_counts(y, classes).tolist()), **options)

    @property
    def class_weights(self) -> Any:
        """Weight of each class, shape (c,)."""
        if self.emphasis is None:
            return class_balanced_weights(self.counts, self.beta, normalise=self.normalise)
        return emphasised_weights(self.counts, self.emphasis, rare_below=self.rare_below,
                                  normalise=self.normalise)

    @property
    def is_neutral(self) -> bool:
        """Whether all classes weigh the same, whatever their counts."""
        return self.beta == 0 if self.emphasis is None else self.emphasis == 1

    @property
    def needs(self) -> frozenset[str]:
        """The class of each row and the time, where they matter."""
        if self.is_neutral or self.defer == 1:
            return frozenset()
        return frozenset({self.by, "step"})

    def __call__(self, told: Any) -> "Tensor":
        """Weights, shape (n,), of a `Batch`; of losses alone where all classes weigh the same."""
        import torch

        losses = getattr(told, "losses", told)
        n = len(losses)
        if not self.needs:
            return torch.full_like(losses, 1 / n, requires_grad=False)
        if told is losses:
            raise ValueError("told must be a Batch, which knows the class of each row, got "
                             f"{n} losses. Pass the weighter to fit, or a Batch.")
        if told.step < self.defer * told.total_steps:
            return torch.full_like(losses, 1 / n)
        table = torch.as_tensor(self.class_weights, dtype=losses.dtype, device=losses.device)
        return _looked_up(table, self._classes(told)) / n

    def _classes(self, told: Any) -> "Tensor":
        """The class of each row."""
        y: Tensor | None = getattr(told, self.by)
        if y is None or y.shape != told.losses.shape or y.is_floating_point():
            found = "nothing" if y is None else f"{y.dtype} of shape {tuple(y.shape)}"
            raise ValueError(f"{self.by} must be one whole class number for each row, got "
                             f"{found}. Pass class numbers, or by='group' for a third column.")
        # on a graphics card this would wait; there such rows weigh NaN, which the loop refuses
        if y.device.type == "cpu" and len(y):
            low, high = int(y.min()), int(y.max())
            if low < 0 or high >= len(self.counts or ()):
                raise ValueError(f"{self.by} must lie in 0 to {len(self.counts or ()) - 1}, the "
                                 f"classes with a count, got {low if low < 0 else high}. Pass "
                                 "counts of all classes.")
        return y.long()


def _looked_up(table: "Tensor", classes: "Tensor") -> "Tensor":
    """The weight of each row; NaN for a class that the table does not have."""
    known = (classes >= 0) & (classes < len(table))
    return table[classes.clamp(0, len(table) - 1)].masked_fill(~known, float("nan"))

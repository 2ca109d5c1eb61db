"""Which labels are wrong? A small network learns to scale each loss, on the noisy data alone.

``loss = scales @ losses`` with ``scales = rescaler(features)`` in (0, 1), where the features say
how a row's losses and confidences over a few dropout passes lie among those of its class. The
rescaler learns while the network does: the network takes a step, looks at other rows of the same
data, scaled as well, and the rescaler goes down their loss. No clean rows are needed.

Source: M. Heck, C. Geishauser, N. Lubis, C. van Niekerk, S. Feng, H.-C. Lin, B. M. Ruppik,
R. Vukovic, M. Gašić, "Learning from Noisy Labels via Self-Taught On-the-Fly Meta Loss Rescaling",
AAAI (2025), arXiv:2412.12955.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.core import check
from workbench.core.card import Card

if TYPE_CHECKING:
    from workbench.train.meta import MetaStep, StepResult

__all__ = ["CARD", "Storm"]

CARD = Card(
    source="heck2025learning",
    weighs="rows of a training step, by a network that learns from losses and confidences",
    range="simplex",
    neutral={"strength": 0.0}, baseline="equal weights",
    cost={"forward": 7.0, "backward": 3.0},
)


@dataclass(frozen=True)
class Storm:
    """Learnt scales of rows for classifiers, for :func:`workbench.train.fit`; it owns the step.

    Parameters
    ----------
    passes : int > 0
        Forward passes that describe a row, the first one that of the gradient; the others are
        without gradients, with the network's dropout drawn anew.
    inner : {"sign", "sgd"}
        "sign" moves every parameter by its rate down its slope, as the published code does; the
        run's optimiser gives the rate alone. "sgd" looks ahead by gradient descent on the sum of
        losses, and the run's optimiser then moves the network down their mean.
    inner_rate : float > 0 or None
        Rate of the look ahead, and of "sign" altogether; None is that of the run's optimiser.
    rate : float > 0
        Of Adam, which trains the rescaler.
    strength : float in [0, 1]
        Losses are multiplied by ``1 - strength + strength * scale``; 0 leaves equal weights, and
        the rescaler learns beside them.
    rescales_meta : bool
        Whether the rows that are looked at are scaled, too; False suits clean `meta` rows.
    per_class : bool
        Whether each class has a rescaler and a memory of its own.
    features : {"full", "loss"}
        What the rescaler sees of a row: all 19 features, or its loss and whether most passes
        predict its label.
    binary_threshold : float in (0, 1) or None
        Scale from which a row counts fully, and not at all below; None keeps scales as they are.
    window : int > 0
        Batches of one class alone that its memory would hold.
    input_dropout : float in [0, 1)
        Share of the entries of floating inputs that passes after the first drop; pass 0 where
        some of them are no features, such as masks.
    rows : int >= 0
        Rows of the data whose scale is recorded in each epoch, in ``state["history"]``, shape
        (epochs, rows), NaN where a row was not seen; 0 records nothing.
    forward_mode : bool
        Whether the way back through the step is one pass in forward mode; by a gradient of a
        gradient otherwise, and where the network has an operator without forward mode.

    Raises
    ------
    ValueError
        For an option out of range; at work, for labels that are no class numbers, or a batch of
        one row.

    Notes
    -----
    The rows that are looked at come from `meta` data where the run was given some, else from the
    training data. With several processes each one describes its own rows.

    Examples
    --------
    >>> import torch
    >>> from workbench.train import MLP, AdamW, Training, fit, torch_generator
    >>> draws = torch_generator(0)
    >>> x = torch.randn(64, 4, generator=draws)
    >>> done = fit(MLP(4, 8, 2, generator=draws), (x, (x[:, 0] > 0).long()),
    ...            Training(AdamW(1e-2), epochs=3), weighter=Storm(rows=64), progress="nowhere")
    >>> done.weighter_state["history"].shape
    torch.Size([3, 64])
    """

    passes: int = 3
    inner: str = "sign"
    inner_rate: float | None = None
    rate: float = 1e-2
    strength: float = 1.0
    rescales_meta: bool = True
    per_class: bool = True
    features: str = "full"
    binary_threshold: float | None = None
    window: int = 1
    input_dropout: float = 0.1
    rows: int = 0
    forward_mode: bool = True

    def __post_init__(self) -> None:
        check.whole(1, passes=self.passes)
        check.whole(1, window=self.window)
        check.whole(0, rows=self.rows)
        check.one_of(("sign", "sgd"), inner=self.inner)
        check.one_of(("full", "loss"), features=self.features)
        check.positive(rate=self.rate, inner_rate=1.0 if self.inner_rate is None
                       else self.inner_rate)
        if not check.holds(lambda share: 0 <= share <= 1, self.strength):
            raise ValueError(f"strength must lie in [0, 1], got {self.strength!r}. Pass 1 for "
                             "the scales as they are, 0 for equal weights.")
        if not check.holds(lambda share: 0 <= share < 1, self.input_dropout):
            raise ValueError(f"input_dropout must lie in [0, 1), got {self.input_dropout!r}. "
                             "Pass a share such as 0.1, or 0 for none.")
        if self.binary_threshold is not None and not check.holds(
                lambda cut: 0 < cut < 1, self.binary_threshold):
            raise ValueError("binary_threshold must lie in (0, 1) or be None, got "
                             f"{self.binary_threshold!r}. Pass 0.5, or None for no cut.")
        for name in ("rescales_meta", "per_class", "forward_mode"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}. "
                                 "Pass one.")

    def prepare(self, step: "MetaStep") -> dict[str, Any]:
        """The first state: a rescaler, its optimiser, empty memories, and an empty record.

        One batch is looked at, to count the classes by the outputs of the network.
        """
        from workbench.reweighting.by_meta.preparing import prepared

        return prepared(self, step)

    def step(self, state: dict[str, Any], step: "MetaStep"
             ) -> tuple[dict[str, Any], "StepResult"]:
        """Train network and rescaler by one step."""
        from workbench.reweighting.by_meta.learning import carried_out

        return carried_out(self, state, step)

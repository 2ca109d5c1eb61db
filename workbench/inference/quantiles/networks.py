"""Base networks: one Gaussian, one for levels drawn at random, one with an output per level.

Each is a perceptron on standardised features, trained with Adam (AMSGrad) until rows held out
no longer gain. The same seed gives the same bits on a CPU.

Source: R. Fakoor et al., JMLR 24 (2023), section 5.1: conditional Gaussian network (cgn);
simultaneous quantile regression (sqr) of N. Tagasovska and D. Lopez-Paz (2019); deep quantile
regression (dqr).
"""

from typing import Any

import numpy as np

from workbench.inference.quantiles.base_models import QuantileEstimator
from workbench.inference.quantiles.levels import checked_levels
from workbench.inference.quantiles.training_rows import seeded, training_rows

__all__ = ["GaussianNetwork", "QuantileNetwork", "SimultaneousNetwork"]


class _Network(QuantileEstimator):
    """What the three networks share; never used by itself.

    Attributes
    ----------
    levels_ : array, shape (q,)
    steps_ : int
        Steps behind the parameters that were kept.
    validation_ : float
        Mean pinball loss on the rows held out, in the unit of y.
    """

    def __init__(self, quantile_levels: Any = None, *,  # noqa: PLR0913 - each option is a parameter
                 hidden: int = 64, layers: int = 2, dropout: float = 0.0,
                 activation: str = "elu", learning_rate: float = 1e-3,
                 weight_decay: float = 1e-7, batch_size: int | None = None,
                 max_steps: int = 20_000, patience: int = 500, validation_share: float = 0.2,
                 device: str = "auto", random_state: Any = None):
        self.quantile_levels = quantile_levels
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.activation = activation
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_steps = max_steps
        self.patience = patience
        self.validation_share = validation_share
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train until rows held out gain no more.

        Parameters
        ----------
        X : array, shape (n, p)
        y : array, shape (n,)
        sample_weight : array, shape (n,), optional
            Amounts >= 0 that multiply the loss of each row, held out or not.

        Raises
        ------
        ValueError
            If options, levels, shapes or weights are malformed.
        FloatingPointError
            If the loss is not finite.
        ImportError
            If PyTorch is not installed.
        """
        training, Descent, Shape = _training()
        self.levels_ = checked_levels(self.quantile_levels)
        if not 0 < self.validation_share < 1:
            raise ValueError("validation_share must lie strictly between 0 and 1, got "
                             f"{self.validation_share!r}. Pass 0.2 to hold out a fifth.")
        shape = Shape(self.hidden, self.layers, self.activation, self.dropout)
        how = Descent(self.learning_rate, self.weight_decay, self.batch_size, self.max_steps,
                      self.patience)
        rows = training_rows(self, X, y, sample_weight)
        self.trained_ = training.train(
            rows, lambda device: self._head(training, _tensor(self.levels_, device)), shape, how,
            options=(self.validation_share, self.device), rng=seeded(self.random_state))
        self.steps_ = self.trained_.descended.steps
        self.validation_ = self.trained_.descended.score * self.trained_.target[1]
        return self

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Quantiles, shape (n, q)."""
        X = self._new_rows(X)
        return np.asarray(self.trained_.quantiles(X))

    def _head(self, training: Any, levels: Any) -> Any:
        raise NotImplementedError


class GaussianNetwork(_Network):
    """Network that predicts a mean and a variance (cgn).

    Parameters
    ----------
    quantile_levels : array, shape (q,), optional
        None takes ``even_levels(19)``.
    hidden, layers : int > 0
        Width and number of the hidden layers.
    dropout : float in [0, 1)
    activation : {"elu", "relu", "tanh"}
    learning_rate, weight_decay : float
    batch_size : int, optional
        None takes ``2 ** (3 + floor(log10 n))``.
    max_steps, patience : int
        Most steps, and steps without gain after which training ends.
    validation_share : float in (0, 1)
        Rows held out to stop by; below 10 rows all serve for both.
    device : {"auto", "cpu", "cuda"}
    random_state : int, optional

    Notes
    -----
    ``loss = weights @ ((y - mean)**2 / (2 var) + log(var) / 2)`` and
    ``quantile = mean + sqrt(var) * Phi^-1(tau)``, ``var = softplus(s) + 1e-6`` of standardised y.
    """

    def _head(self, training: Any, levels: Any) -> Any:
        return training.GaussianHead(levels)


class SimultaneousNetwork(_Network):
    """One network for all levels: the level is an input, drawn at random in training (sqr).

    Parameters
    ----------
    quantile_levels : array, shape (q,), optional
        Levels to predict; None takes ``even_levels(19)``.
    huber : float >= 0
        Half-width of the parabola that rounds the pinball loss of standardised y; 0 is none.
    hidden, layers, dropout, activation, learning_rate, weight_decay, batch_size, max_steps, \
patience, validation_share, device, random_state
        As in `GaussianNetwork`.
    """

    def __init__(self, quantile_levels: Any = None, *,  # noqa: PLR0913 - each option is a parameter
                 huber: float = 0.0, hidden: int = 64, layers: int = 2, dropout: float = 0.0,
                 activation: str = "elu", learning_rate: float = 1e-3,
                 weight_decay: float = 1e-7, batch_size: int | None = None,
                 max_steps: int = 20_000, patience: int = 500, validation_share: float = 0.2,
                 device: str = "auto", random_state: Any = None):
        super().__init__(
            quantile_levels, hidden=hidden, layers=layers, dropout=dropout,
            activation=activation, learning_rate=learning_rate, weight_decay=weight_decay,
            batch_size=batch_size, max_steps=max_steps, patience=patience,
            validation_share=validation_share, device=device, random_state=random_state)
        self.huber = huber

    def _head(self, training: Any, levels: Any) -> Any:
        return training.RandomLevelHead(levels, self.huber)


class QuantileNetwork(_Network):
    """Network with one output per level (dqr).

    Parameters
    ----------
    quantile_levels : array, shape (q,), optional
        None takes ``even_levels(19)``.
    huber : float >= 0
        Half-width of the parabola that rounds the pinball loss of standardised y; 0 is none.
    penalty : float >= 0
        Weight of the crossing penalty beside the pinball loss.
    margin_scale : float >= 0
        Least distance of two levels' quantiles, per distance of the levels, in the penalty.
    isotonise : {"sort", "pava", "minmax", "none"}
        How predictions are put in order.
    hidden, layers, dropout, activation, learning_rate, weight_decay, batch_size, max_steps, \
patience, validation_share, device, random_state
        As in `GaussianNetwork`.
    """

    def __init__(self, quantile_levels: Any = None, *,  # noqa: PLR0913 - each option is a parameter
                 huber: float = 0.0, penalty: float = 0.0, margin_scale: float = 1e-2,
                 isotonise: str = "sort", hidden: int = 64, layers: int = 2,
                 dropout: float = 0.0, activation: str = "elu", learning_rate: float = 1e-3,
                 weight_decay: float = 1e-7, batch_size: int | None = None,
                 max_steps: int = 20_000, patience: int = 500, validation_share: float = 0.2,
                 device: str = "auto", random_state: Any = None):
        super().__init__(
            quantile_levels, hidden=hidden, layers=layers, dropout=dropout,
            activation=activation, learning_rate=learning_rate, weight_decay=weight_decay,
            batch_size=batch_size, max_steps=max_steps, patience=patience,
            validation_share=validation_share, device=device, random_state=random_state)
        self.huber = huber
        self.penalty = penalty
        self.margin_scale = margin_scale
        self.isotonise = isotonise

    def _head(self, training: Any, levels: Any) -> Any:
        if not self.penalty >= 0:
            raise ValueError(f"penalty must be >= 0, got {self.penalty!r}. Pass 0 for none.")
        return training.JointHead(levels, self.huber, self.penalty, self.margin_scale,
                                  self.isotonise)


def _training() -> tuple[Any, Any, Any]:
    """The training modules, or one sentence that says how to get PyTorch."""
    try:
        from workbench.inference.quantiles import network_training
        from workbench.inference.quantiles.descent import Descent
        from workbench.inference.quantiles.perceptron import Shape
    except ModuleNotFoundError as lost:
        if lost.name != "torch":
            raise
        raise ImportError("Networks need PyTorch, which is not installed. Run `pip install "
                          "'workbench[train]'`, or choose base models without networks.") from lost
    return network_training, Descent, Shape


def _tensor(levels: np.ndarray, device: Any) -> Any:
    import torch

    return torch.as_tensor(levels, dtype=torch.float32, device=device)

"""A classifier that predicts with the mixture of networks drawn from their posterior."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from workbench.core import check, generator
from workbench.core.rng import seed_from

__all__ = ["UniversalClassifier"]

FLAT = 1e-10             # spread of a feature, by its size, that is rounding alone


class UniversalClassifier(ClassifierMixin, BaseEstimator):
    """Perceptrons from the posterior by Langevin dynamics; their probabilities are averaged.

    Parameters
    ----------
    hidden, depth : int > 0
        Units of a hidden layer, hidden layers.
    prior_std : float > 0
        Of the normal prior, over the root of a unit's inputs for weights.
    lr : float > 0 or None
        Step size in prior standard deviations; None takes ``0.3 / n``.
    n_steps, n_chains, snapshots : int > 0
    temperature : float >= 0
        1 draws from the posterior, 0 descends to single optima.
    batch_size : int > 0 or None
    schedule : {"constant", "decay", "cyclical"}
    precondition : {"none", "prior", "rmsprop"}
    device : {"auto", "cpu", "cuda"}
    random_state : int, generator or None

    Attributes
    ----------
    classes_ : array, shape (c,)
    ensemble_ : PosteriorEnsemble
    sampled_ : Sampled
        Its `rhat()` says whether the chains agree.

    Notes
    -----
    Features are standardised by the training rows; one that is constant there says nothing.

    Examples
    --------
    >>> X = np.repeat([[-1.0], [1.0]], 20, axis=0)
    >>> y = np.repeat(["no", "yes"], 20)
    >>> model = UniversalClassifier(4, n_steps=300, snapshots=10, random_state=0).fit(X, y)
    >>> model.predict([[-1.0], [1.0]]).tolist()
    ['no', 'yes']
    """

    def __init__(self, hidden: int = 64, *, depth: int = 1,  # noqa: PLR0913 - each a parameter
                 prior_std: float = 3.0, lr: float | None = None, n_steps: int = 2000,
                 n_chains: int = 4, snapshots: int = 25, temperature: float = 1.0,
                 batch_size: int | None = None, schedule: str = "constant",
                 precondition: str = "prior", device: str = "auto", random_state: Any = None):
        self.hidden, self.depth, self.prior_std, self.lr = hidden, depth, prior_std, lr
        self.n_steps, self.n_chains, self.snapshots = n_steps, n_chains, snapshots
        self.temperature, self.batch_size, self.schedule = temperature, batch_size, schedule
        self.precondition, self.device = precondition, device
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "UniversalClassifier":
        """Draw networks from their posterior.

        Parameters
        ----------
        X : array, shape (n, p)
        y : array, shape (n,)
            Classes, at least two.
        """
        from workbench.inference.mixtures.ensemble import PosteriorEnsemble
        from workbench.inference.mixtures.langevin import SGLDSampler
        from workbench.train.device import torch_generator
        from workbench.train.models import MLP
        from workbench.train.threads import one_thread

        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold at least 2 classes, got one class: "
                             f"{self.classes_[0]!r}. Add rows of another.")
        self.centre_, spread = X.mean(axis=0), X.std(axis=0)
        self.spread_ = np.where(spread > FLAT * np.abs(X).max(axis=0), spread, np.inf)
        check.whole(1, hidden=self.hidden, depth=self.depth, n_chains=self.n_chains)
        rng = self._generator()
        draws = torch_generator(rng)
        models = [MLP(X.shape[1], self.hidden, len(self.classes_), depth=self.depth,
                      generator=draws) for _ in range(self.n_chains)]
        how = SGLDSampler(
            lr=0.3 / len(X) if self.lr is None else self.lr, n_steps=self.n_steps,
            n_chains=self.n_chains, snapshots=self.snapshots, temperature=self.temperature,
            prior_std=self.prior_std, fan_in=True, batch_size=self.batch_size,
            schedule=self.schedule, precondition=self.precondition, device=self.device)
        with one_thread():
            self.sampled_ = how.sample(models, (self._scaled(X), codes), rng=rng)
        self.ensemble_ = PosteriorEnsemble(self.sampled_.draws)
        return self

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Log-probabilities of the mixture, shape (m, c)."""
        check_is_fitted(self, "ensemble_")
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        found = self.ensemble_.predict_log_proba(self._scaled(rows)).double().cpu().numpy()
        return found - np.log(np.exp(found).sum(axis=1, keepdims=True))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the mixture, shape (m, c)."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row, shape (m,)."""
        return self.classes_[self.predict_log_proba(X).argmax(axis=1)]

    def _scaled(self, X: np.ndarray) -> np.ndarray:
        return ((X - self.centre_) / self.spread_).astype(np.float32)

    def _generator(self) -> np.random.Generator:
        seed = self.random_state
        if isinstance(seed, np.random.Generator):
            return seed
        if isinstance(seed, np.random.RandomState):
            return generator(int(seed.randint(2 ** 31 - 1)))
        return generator(seed_from(np.random.default_rng()) if seed is None else seed)

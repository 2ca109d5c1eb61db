"""A classifier for noisy labels in scikit-learn's grammar: a small network with learnt scales."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from workbench.core import check, generator
from workbench.reweighting.meta_rescaling import Storm

__all__ = ["StormClassifier"]


class StormClassifier(ClassifierMixin, BaseEstimator):
    """A linear network or perceptron whose losses are rescaled while it learns.

    Parameters
    ----------
    width : int >= 0
        Hidden units; 0 is a linear network.
    passes, inner, rescaler_rate, strength, per_class
        As `passes`, `inner`, `rate`, `strength` and `per_class` of :class:`Storm`.
    learning_rate : float > 0
    epochs, batch_size : int > 0
        The batch is smaller where there are fewer rows.
    random_state : int, RandomState or None

    Attributes
    ----------
    classes_ : array, shape (k,)
    n_features_in_ : int
    sample_weight_ : array, shape (n,)
        Scale of each training row in the last epoch that saw it, in (0, 1); low is suspected.
        NaN for a row that no epoch saw.
    weight_history_ : array, shape (epochs, n)
        NaN where an epoch left a row out, since batches are whole.

    Raises
    ------
    ValueError
        For fewer than two classes or rows, numbers that are not finite, or a sparse matrix that
        would not fit into 512 MiB as a dense one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 5))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> y[:60] = 1 - y[:60]                                       # wrong labels
    >>> model = StormClassifier(learning_rate=0.01, random_state=0).fit(X, y)
    >>> bool(model.sample_weight_[:60].mean() < model.sample_weight_[60:].mean())
    True
    """

    def __init__(self, *, width: int = 0, passes: int = 3, inner: str = "sign",  # noqa: PLR0913
                 learning_rate: float = 0.05, rescaler_rate: float = 0.01, strength: float = 1.0,
                 per_class: bool = True, epochs: int = 10, batch_size: int = 32,
                 random_state: Any = None):
        self.width = width
        self.passes = passes
        self.inner = inner
        self.learning_rate = learning_rate
        self.rescaler_rate = rescaler_rate
        self.strength = strength
        self.per_class = per_class
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "StormClassifier":
        """Learn from rows, shape (n, p), dense or sparse, and labels, shape (n,)."""
        from workbench.reweighting.by_meta.courses import train_course
        from workbench.reweighting.by_meta.worlds import World, dense

        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float32, np.float64],
                             ensure_min_samples=2)
        check_classification_targets(y)
        check.whole(0, width=self.width)
        check.whole(2, batch_size=self.batch_size)
        check.whole(1, epochs=self.epochs)
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must have at least 2 classes, got 1 class: {self.classes_[0]!r}."
                             " Add rows of another.")
        n = len(places)
        weighter = Storm(passes=self.passes, inner=self.inner, rate=self.rescaler_rate,
                         strength=self.strength, per_class=self.per_class, rows=n)
        none = np.array([], int)
        world = World(dense(X), places, places, np.arange(n), none, none,
                      tuple(map(str, self.classes_)))
        course = train_course(world, weighter, rate=self.learning_rate, epochs=self.epochs,
                              batch_size=self.batch_size, width=self.width, seed=self._seed())
        if course.status == "diverged":
            warnings.warn("training diverged; lower learning_rate, or scale the features.",
                          RuntimeWarning, stacklevel=2)
        self.network_ = course.model
        self.weight_history_ = np.asarray(course.scales)
        self.sample_weight_ = _last_known(self.weight_history_)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, shape (n, k)."""
        import torch

        from workbench.reweighting.by_meta.worlds import dense
        from workbench.train.evaluation import evaluating

        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float32, np.float64],
                          reset=False)
        with evaluating(self.network_):
            found: np.ndarray = self.network_(torch.as_tensor(dense(X))).double().softmax(
                1).numpy()
        return found

    def predict(self, X: Any) -> np.ndarray:
        """Most probable classes, shape (n,)."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.non_deterministic = self.random_state is None
        return tags

    def _seed(self) -> int:
        state = self.random_state
        if isinstance(state, int | np.integer):
            return int(state)
        if isinstance(state, np.random.RandomState):
            return int(state.randint(2 ** 31 - 1))
        return int(generator(state).integers(2 ** 31)) if state is not None else int(
            np.random.SeedSequence().generate_state(1)[0])


def _last_known(history: np.ndarray) -> np.ndarray:
    """The last number of each column that is known."""
    known = np.isfinite(history)
    last = len(history) - 1 - known[::-1].argmax(0)
    return np.where(known.any(0), history[last, np.arange(history.shape[1])], np.nan)

"""Models of every kind to compare, from the simplest to the most complex, with small grids."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.core import check

__all__ = ["ZOO", "Kind", "estimator", "grid"]


@dataclass(frozen=True)
class Kind:
    """One kind of model.

    Parameters
    ----------
    about : str
    classes, numbers : function of nothing, or None
        Makes an estimator of labels, of numbers; none where there is no such model.
    grid : dict
        Settings to tune, by the name of the estimator's parameter.
    scaled : bool
        Whether features should be standardised first.
    """

    about: str
    classes: Callable[[], Any] | None
    numbers: Callable[[], Any] | None
    grid: dict[str, list[Any]]
    scaled: bool = False


def _made(module: str, name: str, **options: Any) -> Callable[[], Any]:
    """Make an estimator of scikit-learn, which is loaded then."""
    def make() -> Any:
        import importlib

        return getattr(importlib.import_module(f"sklearn.{module}"), name)(**options)

    return make


ZOO = {                                       # in the order of complexity
    "constant": Kind("the commonest class or the mean", _made("dummy", "DummyClassifier"),
                     _made("dummy", "DummyRegressor"), {}),
    "naive_bayes": Kind("Gaussian naive Bayes", _made("naive_bayes", "GaussianNB"), None,
                        {"var_smoothing": [1e-9, 1e-3, 1e-1]}),
    "linear": Kind("logistic or ridge regression",
                   _made("linear_model", "LogisticRegression", max_iter=2000),
                   _made("linear_model", "Ridge"), {}, scaled=True),
    "neighbours": Kind("5 nearest neighbours", _made("neighbors", "KNeighborsClassifier"),
                       _made("neighbors", "KNeighborsRegressor"),
                       {"n_neighbors": [1, 5, 15]}, scaled=True),
    "nearest": Kind("the nearest neighbour",
                    _made("neighbors", "KNeighborsClassifier", n_neighbors=1),
                    _made("neighbors", "KNeighborsRegressor", n_neighbors=1), {}, scaled=True),
    "svm": Kind("support vectors, Gaussian kernel", _made("svm", "SVC"), _made("svm", "SVR"),
                {"C": [0.1, 1.0, 10.0]}, scaled=True),
    "tree": Kind("one decision tree", _made("tree", "DecisionTreeClassifier"),
                 _made("tree", "DecisionTreeRegressor"), {"max_depth": [2, 4, None]}),
    "forest": Kind("100 random trees", _made("ensemble", "RandomForestClassifier"),
                   _made("ensemble", "RandomForestRegressor"), {"min_samples_leaf": [1, 5]}),
    "boosting": Kind("boosted trees", _made("ensemble", "HistGradientBoostingClassifier"),
                     _made("ensemble", "HistGradientBoostingRegressor"),
                     {"max_leaf_nodes": [7, 31]}),
}
REGULAR = {"classes": {"C": [0.01, 1.0, 100.0]}, "numbers": {"alpha": [0.1, 1.0, 10.0]}}


def estimator(name: str, features: pd.DataFrame, *, numbers: bool = False) -> Any:
    """Unfitted model of a kind for ``coded(features)``; each fit encodes cells by its own rows.

    Parameters
    ----------
    name : str
        One of `ZOO`.
    features : DataFrame, shape (n, p)
    numbers : bool
        Predict numbers instead of classes.
    """
    check.one_of(ZOO, model=name)
    kind = ZOO[name]
    make = kind.numbers if numbers else kind.classes
    if make is None:
        raise ValueError(f"model must be one that predicts numbers, got {name!r}, which predicts "
                         "classes only. Pass 'linear' or 'tree'.")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from workbench.inference.comparison.encoding import Encoder

    categories = tuple(at for at, (_, column) in enumerate(features.items())
                       if column.dtype.kind != "f")
    if categories or features.isna().any(axis=None):
        return make_pipeline(Encoder(categories), make())
    return make_pipeline(StandardScaler(), make()) if kind.scaled else make()


def grid(name: str, model: Any, *, numbers: bool = False) -> dict[str, list[Any]]:
    """Settings to tune of a model made by `estimator`; {} where there is nothing."""
    check.one_of(ZOO, model=name)
    settings = REGULAR["numbers" if numbers else "classes"] if name == "linear" else ZOO[name].grid
    steps = getattr(model, "steps", None)
    prefix = "" if steps is None else f"{steps[-1][0]}__"
    return {prefix + setting: values for setting, values in settings.items()}

"""What would experts have found in all documents? Regressions that survive a biased labeller.

A cheap labeller reads every document, an expert a random few. Each expert label repairs the
moments of the predicted ones, and counts by the inverse of the probability with which its document
was drawn: ``moments = predicted + inverse_propensity * (gold - predicted)``. The coefficients at
which their mean is zero are right on average whatever the labeller gets wrong.

Source: N. Egami, M. Hinck, B. M. Stewart, H. Wei, "Using Imperfect Surrogates for Downstream
Inference: Design-based Supervised Learning for Social Science Applications of Large Language
Models", NeurIPS 36 (2023).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.core import check, generator
from workbench.core.card import Card
from workbench.inference.design import labels
from workbench.inference.design.frame import Design, codes, columns_present, dummies, read_design
from workbench.inference.design.learning import LEARNERS, cross_fitted, feature_matrix, folds_of
from workbench.inference.design.moments import MODELS, Rows, demeaned, dsl_moments
from workbench.inference.design.probability import checked_arrays, checked_design, probabilities
from workbench.inference.design.results import DSLResults
from workbench.inference.design.rivals import rivals_table
from workbench.inference.design.solution import solve

__all__ = ["CARD", "DSLRegression", "dsl_moments"]

CARD = Card(
    source="egami2023surrogates",
    weighs="expert labels, by the inverse of the probability that each was drawn",
    range="positive",
    neutral={"sample_prob": 1.0}, baseline="regression on gold labels of all rows",
)


@dataclass(frozen=True, eq=False)
class DSLRegression:
    """A regression on variables that experts labelled in a random sample only.

    Parameters
    ----------
    model : {"ols", "logit", "mean", "fe"}
        Least squares; logistic; means of the groups right of the ``~`` (``y ~ 1`` for one mean);
        least squares with fixed effects.
    predicted : sequence of str
        Variables of the formula with gold labels, missing (NaN) in rows without.
    surrogate : sequence of str
        For each of them the column that predicts it everywhere.
    g : {"rf", "linear", "surrogate"} or estimator
        How gold labels are predicted from surrogates, observed covariates and `features`: a
        random forest, least squares, the surrogate as it is, or any model with scikit-learn's
        grammar. It decides the precision, never the validity.
    features : sequence of str, optional
        Further columns for `g`.
    cross_fit : int >= 2
        Folds; no row is predicted by a model that saw its label.
    n_splits : int > 0
        Divisions into folds whose results are combined by medians; one without a fitted `g`.
    sample_prob : str or float, optional
        Column with the probability of each row to be labelled, or one for all; None takes the
        share of labelled rows.
    cluster : str, optional
        Column of clusters: errors may depend within one, and folds hold whole clusters.
    fixed_effects : sequence of str, optional
        Groupings of ``model="fe"``.
    rescale_prob : bool
        Multiply the probabilities so that their mean is the share of labelled rows.
    random_state : int or generator
        Decides folds and forests.

    Notes
    -----
    Labels must be drawn at random with these probabilities, all above zero: no formula repairs
    labels of documents that somebody chose.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, error = rng.normal(size=(2, 400))
    >>> table = pd.DataFrame({"x": x, "y": 1 + 2 * x + error, "llm": 1.5 * x})
    >>> table.loc[rng.random(400) < 0.5, "y"] = np.nan
    >>> model = DSLRegression(predicted=["y"], surrogate=["llm"], g="linear", random_state=0)
    >>> fit = model.fit("y ~ x", table)
    >>> bool(abs(fit.params["x"] - 2) < 4 * fit.bse["x"])
    True
    """

    model: str = "ols"
    predicted: Sequence[str] = ("y",)
    surrogate: Sequence[str] = ("y_llm",)
    g: Any = "rf"
    features: Sequence[str] | None = None
    cross_fit: int = 5
    n_splits: int = 10
    sample_prob: str | float | None = None
    cluster: str | None = None
    fixed_effects: Sequence[str] | None = None
    rescale_prob: bool = True
    random_state: Any = 0

    def __post_init__(self) -> None:
        check.one_of(MODELS, model=self.model)
        for name in ("predicted", "surrogate", "features", "fixed_effects"):
            if isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be a list of columns, got the text "
                                 f"{getattr(self, name)!r}. Pass [{getattr(self, name)!r}].")
        if isinstance(self.g, str) or not hasattr(self.g, "fit"):
            check.one_of(LEARNERS, g=self.g)
        check.whole(1, n_splits=self.n_splits)
        check.whole(2, cross_fit=self.cross_fit)
        if (self.model == "fe") != bool(self.fixed_effects):
            raise ValueError("fixed_effects must be given for model='fe' and for no other, got "
                             f"{self.fixed_effects!r} with model={self.model!r}. Pass both.")

    def fit(self, formula: str, data: pd.DataFrame) -> DSLResults:
        """Estimate the coefficients of a formula.

        Parameters
        ----------
        formula : str
            As in ``y ~ x + C(region)``.
        data : DataFrame, shape (n, p)

        Raises
        ------
        ValueError
            Naming what the table, the labels or the probabilities break.
        RuntimeError
            If the logit does not converge.
        """
        rng = self._generator()
        design = read_design(formula, data, self.predicted, self.surrogate, self.model)
        columns_present(data, features=self.features or (), fixed_effects=self.fixed_effects or (),
                        cluster=[self.cluster] if self.cluster else ())
        chance = probabilities(self.sample_prob, data, design.labelled)
        cluster = None if self.cluster is None else codes(data[self.cluster], "cluster")
        checked_design(design.labelled, chance, cluster)
        folds = 1 if self._plain() else self.cross_fit
        labels.enough(design.labelled, len(design.names), folds)
        labels.checked_clusters(cluster, len(design.names))
        chance = self._rescaled(chance, design.labelled)
        weight = np.where(design.labelled, 1 / chance, 0.0)
        known, _ = feature_matrix(data, [*self.surrogate, *design.observed,
                                         *(self.features or ()), *(self.fixed_effects or ())])
        effects = dummies(data, self.fixed_effects or ())
        raw = self._rows(design, {name: design.table[name].to_numpy(float)
                                  for name in self.predicted}, weight, cluster)
        self._checked(raw, design.names, design.labelled, observed=not (
            set(map(str, design.spec.lhs.required_variables)) & set(design.gold)))
        labels.checked_effects(data, self.fixed_effects or (), design.labelled)
        solutions, missed = [], []
        for predictions in self._predictions(design, known, cluster, rng):
            rows = self._rows(design, predictions, weight, cluster)
            solutions.append(solve(rows if effects is None else demeaned(rows, effects),
                                   logit=self.model == "logit"))
            missed.append([np.sqrt(np.mean((predictions[name] - values)[design.labelled] ** 2))
                           for name, values in design.gold.items()])
        rivals = rivals_table(raw, design.names, logit=self.model == "logit", effects=effects)
        return DSLResults(
            design.names, tuple(solutions), design.labelled, weight, chance, self.model,
            design.outcome, dict(zip(design.gold, np.mean(missed, axis=0), strict=True)), known,
            data.index, None if cluster is None else int(cluster.max()) + 1, rivals)

    def fit_arrays(self, X_gold: np.ndarray, X_pred: np.ndarray,  # noqa: PLR0913
                   y_gold: np.ndarray, y_pred: np.ndarray, R: np.ndarray, pi: Any,
                   groups: np.ndarray | None = None) -> DSLResults:
        """Estimate from both versions of a design, predictions as they are.

        Parameters
        ----------
        X_gold, X_pred : array, shape (n, d)
            Without labels, gold entries are NaN, zero or equal to the predicted ones.
        y_gold, y_pred : array, shape (n,)
        R : array, shape (n,)
            1 for a labelled row, else 0.
        pi : array, shape (n,), or float
            Probability that a row is labelled.
        groups : array, shape (n,), optional
            Clusters.
        """
        if self.model == "fe":
            raise ValueError("model must not be 'fe' for arrays, which have no columns to group "
                             "by. Add dummies and pass 'ols', or use fit.")
        sides, labelled, chance = checked_arrays(X_gold, X_pred, y_gold, y_pred, R, pi)
        cluster = None if groups is None else codes(pd.Series(np.asarray(groups)), "groups")
        checked_design(labelled, chance, cluster)
        chance = self._rescaled(chance, labelled)
        weight = np.where(labelled, 1 / chance, 0.0)
        rows = Rows(sides[0], sides[1], sides[2], sides[3], weight, cluster)
        names = tuple(f"x{at}" for at in range(sides[0].shape[1]))
        logit = self.model == "logit"
        labels.enough(labelled, len(names), 1)
        labels.checked_clusters(cluster, len(names))
        self._checked(rows, names, labelled, observed=bool(
            (sides[2] == sides[3])[labelled].all()))
        return DSLResults(names, (solve(rows, logit=logit),), labelled, weight, chance,
                          self.model, clusters=None if cluster is None else int(cluster.max()) + 1,
                          rivals=rivals_table(rows, names, logit=logit))

    def _predictions(self, design: Design, known: np.ndarray, cluster: np.ndarray | None,
                     rng: np.random.Generator) -> Any:
        """Predicted variables of each split."""
        if self._plain():
            yield {name: design.table[name].to_numpy(float) for name in self.predicted}
            return
        for _ in range(self.n_splits):
            fold = folds_of(len(known), self.cross_fit, rng, cluster)
            yield cross_fitted(known, design.gold, design.labelled, fold, self.g, rng)

    def _rows(self, design: Design, predictions: Any, weight: np.ndarray,
              cluster: np.ndarray | None) -> Rows:
        X_gold, X_pred, y_gold, y_pred = design.sides(predictions)
        return Rows(X_gold, X_pred, y_gold, y_pred, weight, cluster)

    def _checked(self, rows: Rows, names: Sequence[str], labelled: np.ndarray, *,
                 observed: bool) -> None:
        """Refuse what the labelled rows cannot tell."""
        if self.model == "logit":
            labels.checked_outcome(rows.y_gold, rows.y_pred, labelled, observed=observed)
        labels.checked_levels(rows.X_gold, rows.X_pred, names, labelled)

    def _rescaled(self, chance: np.ndarray, labelled: np.ndarray) -> np.ndarray:
        return chance * (labelled.mean() / chance.mean()) if self.rescale_prob else chance

    def _plain(self) -> bool:
        return isinstance(self.g, str) and self.g == "surrogate"

    def _generator(self) -> np.random.Generator:
        seed = self.random_state
        return seed if isinstance(seed, np.random.Generator) else generator(seed)

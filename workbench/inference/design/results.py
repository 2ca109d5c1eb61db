"""What a fit by design says: coefficients, their uncertainty, and what more labels would buy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from workbench.core import check, effective_size
from workbench.inference.design import planning
from workbench.inference.design.solution import Solution

__all__ = ["DSLResults", "DSLSummary"]

WIDTH = 78


@dataclass(frozen=True)
class DSLSummary:
    """A printed table, as statsmodels prints one."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class DSLResults:
    """Coefficients by design, combined over splits by medians, equation (7).

    Parameters
    ----------
    names : tuple of str
        Coefficients.
    solutions : tuple of Solution
        One for each split.
    labelled : array of bool, shape (n,)
    inverse_propensity : array, shape (n,)
        How much each label counts, ``R / pi``.
    sample_prob : array, shape (n,)
        Probability of each row to be labelled.
    model, outcome : str
    rmse_g : mapping of predicted variable to float
        Root mean squared error of its cross-fitted predictions on labelled rows.
    features : array, shape (n, p), or None
        What g was given.
    index : Index or None
        Names of the rows.
    clusters : int or None
        Number of clusters, if errors allow for them.
    rivals : DataFrame
        Columns method, term, estimate, se: the regressions that use one kind of label only.
    """

    names: tuple[str, ...]
    solutions: tuple[Solution, ...]
    labelled: np.ndarray
    inverse_propensity: np.ndarray
    sample_prob: np.ndarray
    model: str = "ols"
    outcome: str = "y"
    rmse_g: Mapping[str, float] = field(default_factory=dict)
    features: np.ndarray | None = None
    index: Any = None
    clusters: int | None = None
    rivals: pd.DataFrame | None = None

    @property
    def thetas(self) -> np.ndarray:
        """Coefficients of each split, shape (splits, d)."""
        return np.stack([one.theta for one in self.solutions])

    @property
    def params(self) -> pd.Series:
        """Median over splits of each coefficient."""
        return pd.Series(np.median(self.thetas, axis=0), list(self.names), name="coef")

    @property
    def bse(self) -> pd.Series:
        """Standard errors: of each split, widened by how far the split lies from the median."""
        apart = self.thetas - self.params.to_numpy()
        variance = np.stack([np.diag(one.covariance) for one in self.solutions])
        return pd.Series(np.sqrt(np.median(variance + apart ** 2, axis=0)), list(self.names),
                         name="std err")

    def cov_params(self) -> pd.DataFrame:
        """Covariance, shape (d, d): elementwise medians, made symmetric and positive."""
        apart = self.thetas - self.params.to_numpy()
        each = np.stack([one.covariance + np.outer(gap, gap)
                         for one, gap in zip(self.solutions, apart, strict=True)])
        middle = np.median(each, axis=0)
        values, vectors = np.linalg.eigh((middle + middle.T) / 2)
        kept = (vectors * np.maximum(values, 0)) @ vectors.T
        return pd.DataFrame((kept + kept.T) / 2, list(self.names), list(self.names))

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Normal intervals, shape (d, 2), that miss with probability `alpha`."""
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}. Pass 0.05 "
                             "for 95 % intervals.")
        half = float(norm.ppf(1 - alpha / 2)) * self.bse
        return pd.DataFrame({"low": self.params - half, "high": self.params + half})

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided probabilities of so large a coefficient if it were zero."""
        z = np.abs(self.params / self.bse)
        return pd.Series(2 * norm.sf(z), list(self.names), name="P>|z|")

    @property
    def n_labeled(self) -> int:
        """Labelled rows."""
        return int(self.labelled.sum())

    @property
    def moment_norm(self) -> float:
        """Largest length of the mean moment over the splits; zero but for rounding."""
        return max(one.moment_norm for one in self.solutions)

    def weights(self) -> np.ndarray:
        """How much each label counts, on the simplex, shape (n,)."""
        return self.inverse_propensity / self.inverse_propensity.sum()

    def effective_labels(self) -> float:
        """As many equally likely labels would count the same."""
        return float(effective_size(self.weights()[self.labelled]))

    def summary(self, alpha: float = 0.05) -> DSLSummary:
        """A table that prints like those of statsmodels."""
        ends = self.conf_int(alpha)
        told = [("Dep. Variable:", self.outcome), ("No. Observations:", len(self.labelled)),
                ("Model:", self.model), ("No. Labelled:", self.n_labeled),
                ("Method:", "DSL"), ("Splits:", len(self.solutions)),
                ("Covariance:", f"cluster ({self.clusters})" if self.clusters else "robust"),
                ("RMSE of g:", ", ".join(f"{value:.4f}" for value in self.rmse_g.values())
                 or "-")]
        head = [f"{a:<16}{b!s:>21}   {c:<19}{d!s:>19}"
                for (a, b), (c, d) in zip(told[::2], told[1::2], strict=True)]
        wide = max(14, *(len(name) for name in self.names))
        low, high = f"[{alpha / 2:.3g}", f"{1 - alpha / 2:.3g}]"
        columns = (f"{'':<{wide}}" + "".join(
            f"{name:>11}" for name in ("coef", "std err", "z", "P>|z|", low, high)))
        z = self.params / self.bse
        body = [f"{name:<{wide}}{self.params.iloc[at]:>11.4f}{self.bse.iloc[at]:>11.4f}"
                f"{z.iloc[at]:>11.3f}{self.pvalues.iloc[at]:>11.3f}{ends['low'].iloc[at]:>11.3f}"
                f"{ends['high'].iloc[at]:>11.3f}" for at, name in enumerate(self.names)]
        rule = max(WIDTH, len(columns))
        return DSLSummary("\n".join([
            "Design-based Supervised Learning Results".center(rule).rstrip(), "=" * rule, *head,
            "=" * rule, columns, "-" * rule, *body, "=" * rule]))

    def power(self, sizes: Sequence[int] | np.ndarray) -> pd.DataFrame:
        """Predicted standard errors for numbers of labels drawn alike, equation (12).

        Parameters
        ----------
        sizes : sequence of int
            Labelled rows in all, from 1 to n.

        Returns
        -------
        predicted : DataFrame, shape (sizes, d)
            Never larger for more labels.
        """
        wanted = np.asarray(sizes, dtype=float).ravel()
        if not (len(wanted) and ((wanted >= 1) & (wanted <= len(self.labelled))).all()):
            raise ValueError(f"sizes must lie between 1 and the {len(self.labelled)} rows, got "
                             f"{list(sizes)!r}. Pass numbers of labelled rows.")
        found = planning.predicted_errors(
            self.solutions, self.n_labeled, wanted)
        return pd.DataFrame(found, pd.Index(np.asarray(sizes).ravel(), name="labels"),
                            list(self.names))

    def labels_needed(self, se: float, term: str) -> int:
        """Fewest labels in all whose predicted standard error is at most `se`.

        Raises
        ------
        ValueError
            If even all rows labelled would not reach it.
        """
        check.positive(se=se)
        check.one_of(self.names, term=term)
        low, high = 0, len(self.labelled)
        best = self._predicted(high, term)
        if not best <= se:
            raise ValueError(f"se must be at least {best:.4g} for {term!r}, the prediction with "
                             f"all {high} rows labelled, got {se:g}. Collect more rows.")
        while high - low > 1:           # `power` never rises with labels
            middle = (low + high) // 2
            low, high = (low, middle) if self._predicted(middle, term) <= se else (middle, high)
        return high

    def compare(self, alpha: float = 0.05) -> pd.DataFrame:
        """Surrogate-only, gold-only, DSL and, where it applies, PPI++ side by side.

        Returns
        -------
        table : DataFrame
            Columns method, term, estimate, se, low, high.
        """
        own = pd.DataFrame({"method": "DSL", "term": list(self.names),
                            "estimate": self.params.to_numpy(), "se": self.bse.to_numpy()})
        table = own if self.rivals is None else pd.concat([self.rivals, own], ignore_index=True)
        half = float(norm.ppf(1 - alpha / 2)) * table["se"]
        return table.assign(low=table["estimate"] - half, high=table["estimate"] + half)

    def _predicted(self, size: int, term: str) -> float:
        return float(self.power([size])[term].iloc[0])

"""From a table with gold labels in some rows to both versions of a design.

Both are built from one formula with one set of levels, so that interactions and transforms of a
predicted variable are computed anew from what is predicted, never predicted themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from workbench.core import check
from workbench.inference.design.formula import parsed

__all__ = ["Design", "codes", "columns_present", "dummies", "numbers", "read_design"]

SHOWN = 20


@dataclass(frozen=True, eq=False)
class Design:
    """A table with a formula.

    Parameters
    ----------
    names : tuple of str
        Coefficients.
    outcome : str
        Left side of the formula.
    observed : tuple of str
        Columns of the formula that are known for every row.
    labelled : array of bool, shape (n,)
    gold : mapping of predicted column to array, shape (n,)
        NaN where not labelled.
    kept : array of int
        Columns of the design that are used.
    table : DataFrame
        The columns of the formula, predicted ones filled by their surrogates.
    spec : formulaic.ModelSpecs or None
        How both designs are built; None where groups are averaged.
    """

    names: tuple[str, ...]
    outcome: str
    observed: tuple[str, ...]
    labelled: np.ndarray
    gold: Mapping[str, np.ndarray]
    kept: np.ndarray
    table: pd.DataFrame
    spec: Any

    def sides(self, predictions: Mapping[str, np.ndarray]) -> tuple[np.ndarray, ...]:
        """Designs and outcomes with gold labels and with predictions.

        Returns
        -------
        X_gold, X_pred, y_gold, y_pred : arrays, shape (n, d) and (n,)
            Gold rows without labels are zero.
        """
        held = self.labelled
        gold = {name: np.where(held, values, self.table[name])
                for name, values in self.gold.items()}
        (X_gold, y_gold), (X_pred, y_pred) = (self._built(each) for each in (gold, predictions))
        return (np.where(held[:, None], X_gold, 0.0), X_pred, np.where(held, y_gold, 0.0), y_pred)

    def _built(self, values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        frame = self.table.assign(**values)
        made = self.spec.get_model_matrix(frame, context={})
        y, X = (np.asarray(side, dtype=float) for side in (made.lhs, made.rhs))
        if not (np.isfinite(X).all() and np.isfinite(y).all()):
            raise ValueError("formula must give finite numbers with predictions too, but a "
                             "transform of them does not, such as the logarithm of a number that "
                             "is not positive. Use another g, or transform the column before.")
        return X[:, self.kept], y.ravel()


def read_design(formula: str, data: pd.DataFrame, predicted: Sequence[str],
                surrogate: Sequence[str], model: str) -> Design:
    """Check a table against a formula.

    Parameters
    ----------
    formula : str
    data : DataFrame, shape (n, p)
    predicted, surrogate : sequence of str
        Columns with gold labels, missing where there are none; columns that predict each of them.
    model : {"ols", "logit", "mean", "fe"}

    Raises
    ------
    ValueError
        If a column is missing, a covariate has gaps, or variables are labelled in part.
    """
    read, left, variables = parsed(formula)
    columns_present(data, formula=variables, predicted=predicted, surrogate=surrogate)
    _paired(predicted, surrogate, variables, formula)
    noisy = set(data.attrs.get("outcomes_only", ())) - {left.strip("`")}
    if noisy & set(predicted):
        raise ValueError("formula must use means of labelled sub-units as the outcome only, as it "
                         f"is, got {formula!r} with {sorted(noisy)[0]!r} elsewhere. Analyse the "
                         "sub-units themselves.")
    gold = {name: numbers(data[name], "predicted", gaps=True) for name in predicted}
    labelled = _together(gold)
    observed = tuple(name for name in variables if name not in gold)
    table = pd.DataFrame({name: _whole(data[name]) for name in observed}, index=data.index)
    for name, other in zip(predicted, surrogate, strict=True):
        table[name] = numbers(data[other], "surrogate")
    reference = table.assign(**{name: np.where(labelled, values, table[name])
                                for name, values in gold.items()})
    groups = model == "mean"
    if groups:
        read, reference, table = _averaged(read, left, reference, table, gold)
    made = read.get_model_matrix(reference, context={}, output="numpy", na_action="ignore")
    names = tuple(map(str, made.rhs.model_spec.column_names))
    if np.asarray(made.lhs).reshape(len(data), -1).shape[1] != 1:
        raise ValueError(f"formula must have one outcome of numbers, but {left!r} holds "
                         "categories. Code it as 0 and 1.")
    kept = np.array([at for at, name in enumerate(names) if not (
        model == "fe" and name == "Intercept")], dtype=int)
    if not len(kept):
        raise ValueError(f"formula must have a covariate, got {formula!r}, which has none beside "
                         "fixed effects. Name one.")
    told = tuple(_group_name(names[at]) if groups else names[at] for at in kept)
    return Design(told, left, observed, labelled, gold, kept, table, made.model_spec)


def columns_present(data: pd.DataFrame, **roles: Sequence[str]) -> None:
    """Refuse names that are no column or several, all in one message."""
    known = list(map(str, data.columns))
    twice = sorted({name for names in roles.values() for name in names if known.count(name) > 1})
    if twice:
        raise ValueError(f"data must have one column of each name that is used, got "
                         f"{known.count(twice[0])} called {twice[0]!r}. Rename or drop "
                         "the others.")
    problems = [f"{role} must name columns of the data, got {name!r}."
                f"{check.suggestion(name, known)}"
                for role, names in roles.items() for name in names if name not in known]
    if problems:
        listed = ", ".join(known[:SHOWN]) + (" ..." if len(known) > SHOWN else "")
        raise ValueError(" ".join([*problems, f"Columns: {listed}."]))


def numbers(column: pd.Series, role: str, *, gaps: bool = False) -> np.ndarray:
    """A column as floats; what is no number, or missing without leave, is refused."""
    found = pd.to_numeric(column.astype(object), errors="coerce").to_numpy(float, na_value=np.nan)
    odd = column.notna().to_numpy() & ~np.isfinite(found)
    if odd.any():
        raise ValueError(f"{role} must hold numbers, but {column.name!r} has {int(odd.sum())} "
                         f"other cells, the first {column[odd].iloc[0]!r}. Code categories as 0 "
                         "and 1, one column for each.")
    if not gaps and np.isnan(found).any():
        raise _gaps(column, role)
    return found


def codes(column: pd.Series, role: str) -> np.ndarray:
    """Number of the group of each row, from 0."""
    if column.isna().any():
        raise _gaps(column, role)
    return np.asarray(pd.factorize(column)[0])


def dummies(data: pd.DataFrame, names: Sequence[str]) -> Any:
    """Dummies of all fixed effects, a sparse matrix; None without any."""
    from scipy import sparse

    if not names:
        return None
    parts = [codes(data[name], "fixed_effects") for name in names]
    return sparse.hstack([sparse.csr_matrix((np.ones(len(each)), (np.arange(len(each)), each)))
                          for each in parts]).tocsr()


def _whole(column: pd.Series) -> pd.Series:
    if column.isna().any():
        raise _gaps(column, "formula")
    return column.astype(float) if types.is_bool_dtype(column.dtype) else column


def _gaps(column: pd.Series, role: str) -> ValueError:
    return ValueError(f"{role} must be known for every row, but {column.name!r} is missing in "
                      f"{int(column.isna().sum())} of {len(column)}. Drop or fill those rows; "
                      "only predicted columns may have gaps.")


def _paired(predicted: Sequence[str], surrogate: Sequence[str], variables: Sequence[str],
            formula: str) -> None:
    if not predicted or len(predicted) != len(surrogate):
        raise ValueError(f"surrogate must name one column for each of predicted, got "
                         f"{list(surrogate)} for {list(predicted)}. Pass further surrogates as "
                         "features.")
    absent = [name for name in predicted if name not in variables]
    if absent:
        raise ValueError(f"predicted must name variables of the formula, got {absent[0]!r}, "
                         f"which is not in {formula!r}.{check.suggestion(absent[0], variables)} "
                         "Name what only experts label.")
    both = set(predicted) & set(surrogate) or {
        name for name in predicted if list(predicted).count(name) > 1}
    if both:
        raise ValueError(f"predicted must name each column once and no surrogate, got "
                         f"{sorted(both)[0]!r} twice. Keep gold labels and surrogates apart.")


def _together(gold: Mapping[str, np.ndarray]) -> np.ndarray:
    known = np.column_stack([np.isfinite(values) for values in gold.values()])
    labelled: Any = known.all(axis=1)
    partly = known.any(axis=1) & ~labelled
    if partly.any():
        raise ValueError(f"predicted must be labelled together, but {int(partly.sum())} rows "
                         f"have labels for some of {', '.join(gold)} only. Complete those rows, "
                         "or remove their labels.")
    if not labelled.any():
        raise ValueError(f"predicted must be labelled in some rows, but {', '.join(gold)} are "
                         f"missing in all {len(labelled)}. Label a random sample.")
    return labelled


def _averaged(read: Any, left: str, reference: pd.DataFrame, table: pd.DataFrame,
              gold: Mapping[str, np.ndarray]) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    """The formula of means: a dummy for each group that the right side makes."""
    from formulaic import Formula

    by = sorted(map(str, read.rhs.required_variables))
    if set(by) & set(gold):
        raise ValueError("formula must group by columns that are known, but "
                         f"{sorted(set(by) & set(gold))[0]!r} is predicted. Use model='ols'.")
    label = pd.Series("mean", index=table.index)
    if by:
        label = table[by].astype(str).agg(" / ".join, axis=1)
    formula = Formula(f"{left} ~ 0 + {'C(group__)' if label.nunique() > 1 else '1'}")
    return formula, reference.assign(group__=label), table.assign(group__=label)


def _group_name(name: str) -> str:
    return "mean" if name in ("Intercept", "1") else name.removeprefix("C(group__)[").removesuffix(
        "]").removeprefix("T.")

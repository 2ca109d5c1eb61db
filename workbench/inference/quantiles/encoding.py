"""Encode a mixed table as numbers: fill, mark, standardise; one column per frequent category.

Everything that is learnt (medians, means, known categories) is learnt in `fit`, so that a pipeline
learns it from the training part alone. Built from scikit-learn's own transformers.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

__all__ = ["table_encoder"]

DATES = ("datetime", "datetimetz")      # pandas' names of dates without and with a time zone
FARTHEST = 1e9          # standard deviations
EPOCH, DAY = pd.Timestamp(0, tz="UTC"), pd.Timedelta(days=1)


def table_encoder(*, most_categories: int = 20, least_rows: int = 3) -> Any:
    """Unfitted transformer of a DataFrame of numbers and categories into floats.

    Numbers: missing cells take the training median and are marked in a column of their own, then
    every column gets mean 0 and standard deviation 1, and new rows beyond 1e9 of these are cut, so
    that no model meets numbers too large for it. Dates: the same, as days. Other columns:
    one column of zeros and ones per category; a missing cell is a category; rare categories, and
    those that `fit` has not seen, share one column.

    Parameters
    ----------
    most_categories : int
        Columns per categorical column at most.
    least_rows : int
        Categories with fewer training rows are rare.

    Returns
    -------
    encoder : sklearn.compose.ColumnTransformer
        ``fit_transform`` of a DataFrame, shape (n, p), gives an array, shape (n, any), finite.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"size": [1.0, None, 3.0], "colour": ["red", "blue", "red"]})
    >>> table_encoder(least_rows=1).fit_transform(table).shape
    (3, 4)
    """
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        FunctionTransformer(np.clip, kw_args={"a_min": -FARTHEST, "a_max": FARTHEST},
                            feature_names_out="one-to-one"))
    dates = make_pipeline(FunctionTransformer(_days, feature_names_out="one-to-one"), numbers)
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=least_rows,
        max_categories=most_categories, sparse_output=False)
    return ColumnTransformer([
        ("numbers", numbers, make_column_selector(dtype_include=np.number)),
        ("dates", dates, make_column_selector(dtype_include=DATES)),
        ("categories", categories, make_column_selector(dtype_exclude=[np.number, *DATES])),
    ], sparse_threshold=0.0, verbose_feature_names_out=False)


def _days(table: pd.DataFrame) -> pd.DataFrame:
    """Days since the start of 1970, NaN where there is no date."""
    return pd.DataFrame({name: (pd.to_datetime(dates, utc=True) - EPOCH) / DAY
                         for name, dates in table.items()})

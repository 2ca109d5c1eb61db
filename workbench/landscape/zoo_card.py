"""The model card of a zoo, written from its table."""

from collections.abc import Sequence

import pandas as pd
from pandas.api import types

from workbench.landscape.members import Tensors

__all__ = ["model_card"]

MOST_VALUES = 12
LOADING = '''
```python
from workbench.landscape import zoo

some = zoo.open("{name}")
some.table(filters=[("model", "<", 10)])
some.model(0)        # or some.params(0)
```
'''


def model_card(table: pd.DataFrame, states: Sequence[Tensors], *, title: str, about: str,
               licence: str) -> str:
    """Markdown that tells what the zoo holds.

    Parameters
    ----------
    table : DataFrame, shape (k, p)
    states : sequence of mapping of name to tensor
    title, about, licence : str
    """
    sizes = [sum(tensor.numel() for tensor in state.values()) for state in states]
    kinds = sorted({str(tensor.dtype) for state in states for tensor in state.values()})
    facts = [f"- Networks: {len(states)}", f"- Numbers in a network: {_range(sizes)}",
             f"- Kinds of tensor: {', '.join(kinds)}",
             f"- Licence: {licence or 'not told'}"]
    rows = [f"| `{name}` | {_told(table[name])} |" for name in table.columns]
    return "\n".join([
        f"# {title}", "", *([about, ""] if about else []), *facts, "", "## What is known", "",
        "| column | values |", "| --- | --- |", *rows, "", "## Reading", LOADING.strip().format(
            name="path/of/this/folder"), "",
        "Each row of `index.parquet` tells the shard and row of a network and the sha256 of its "
        "tensors, which is checked whenever the network is read. Nothing is pickled.", ""])


def _told(column: pd.Series) -> str:
    missing = f"; missing in {int(column.isna().sum())}" if column.isna().any() else ""
    values = column.dropna()
    if not len(values):
        return "missing in all"
    found = list(pd.unique(values.astype(str) if values.dtype == object else values))
    if len(found) <= MOST_VALUES:
        ordered = sorted(found) if types.is_numeric_dtype(values) else found
        return ", ".join(_cell(value) for value in ordered) + missing
    if types.is_numeric_dtype(values) and not types.is_bool_dtype(values):
        return f"{_range(list(values))}, mean {float(values.mean()):.4g}{missing}"
    return f"{len(found)} different{missing}"


def _range(numbers: Sequence[float]) -> str:
    low, high = min(numbers), max(numbers)
    return _cell(low) if low == high else f"{_cell(low)} to {_cell(high)}"


def _cell(value: object) -> str:
    told = f"{value:.4g}" if isinstance(value, float) else str(value)
    return told.replace("|", "\\|").replace("\n", " ")

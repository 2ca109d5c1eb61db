"""The first rows of a visitor's table as HTML; every text is escaped and short."""

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd

__all__ = ["preview"]

MOST_COLUMNS = 12
LETTERS = 40             # of a cell or a name
NONE = "\u2013"


def preview(head: pd.DataFrame, holds: Mapping[str, str], roles: Mapping[str, str]) -> str:
    """A table with what each column holds, those with a role first.

    Parameters
    ----------
    head : DataFrame
        Few rows; the index holds their place in the file.
    holds : mapping of column to text
    roles : mapping of column to text

    Examples
    --------
    >>> preview(pd.DataFrame({"<b>": ["x"]}), {"<b>": "text"}, {}).count("&lt;b&gt;")
    1
    """
    columns = [name for name in head.columns if str(name) in holds]
    shown = sorted(columns, key=lambda name: str(name) not in roles)[:MOST_COLUMNS]
    heads = "".join(_head(str(name), holds[str(name)], roles.get(str(name), "")) for name in shown)
    rows = "".join(f"<tr><th scope=\"row\">{row}</th>" + "".join(
        f"<td>{html.escape(_cell(head.loc[row, name]))}</td>" for name in shown) + "</tr>"
        for row in head.index)
    left = len(columns) - len(shown)
    more = (f'<p class="quiet small">{left} more {"column is" if left == 1 else "columns are"} '
            "not shown.</p>" if left else "")
    return ('<div class="scroll" tabindex="0" role="region" aria-label="First rows of the file">'
            '<table><thead><tr><th scope="col"><span class="holds">row</span></th>'
            f"{heads}</tr></thead><tbody>{rows}</tbody></table></div>{more}")


def _head(name: str, holds: str, role: str) -> str:
    told = f'<span class="role">{html.escape(role)}</span>' if role else ""
    return (f'<th scope="col">{told}{html.escape(_short(name))}'
            f'<span class="holds">{html.escape(holds)}</span></th>')


def _cell(value: Any) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return NONE
    return _short(f"{value:.6g}" if isinstance(value, float) else str(value)) or NONE


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LETTERS else f"{plain[:LETTERS - 1]}…"

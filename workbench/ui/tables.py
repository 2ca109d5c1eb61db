"""A small table of a detail as HTML; every text is escaped."""

import html
import math
from typing import Any

import pandas as pd

__all__ = ["hint", "paragraph", "table"]

MOST_ROWS = 40
NONE = "\u2013"


def table(heading: str, found: pd.DataFrame) -> str:
    """Heading and rows of a table; numbers in four digits, and how many rows were left out.

    Examples
    --------
    >>> table("Two", pd.DataFrame({"x": [0.123456]})).count("0.1235")
    1
    """
    names = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in found.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_cell(value))}</td>" for value in row) + "</tr>"
        for row in found.head(MOST_ROWS).itertuples(index=False))
    more = (f'<p class="quiet small">{len(found) - MOST_ROWS} more rows are not shown.</p>'
            if len(found) > MOST_ROWS else "")
    return (f"<h3>{html.escape(heading)}</h3>"
            f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(heading)}">'
            f"<table><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table></div>{more}")


def paragraph(sentence: str) -> str:
    """Sentences, one paragraph per line."""
    return "".join(f"<p>{html.escape(line)}</p>" for line in sentence.splitlines() if line)


def hint(sentences: list[str]) -> str:
    """What to click, for choices that are not made yet."""
    told = " ".join(html.escape(sentence) for sentence in sentences)
    return f'<p class="hint">{told}</p>' if told else ""


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NONE
    return f"{value:.4g}" if isinstance(value, float) else str(value)

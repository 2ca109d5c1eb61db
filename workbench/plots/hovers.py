"""What a figure tells of the mark under the mouse."""

import re
from collections.abc import Sequence

from bokeh.models import HoverTool

__all__ = ["DIGITS", "hover"]

DIGITS = "{%.5g}"        # five digits of a number, however small it is
PRINTED = re.compile(r"(@(?:\w+|\{[^}]*\}))\{%")


def hover(lines: Sequence[tuple[str, str]]) -> HoverTool:
    """A tool that tells these lines, in which a field is spelled like ``@value``.

    Parameters
    ----------
    lines : sequence of (str, str)
        Name and text; a field with `DIGITS` behind it is a number.

    Examples
    --------
    >>> hover([("value", "@value" + DIGITS)]).formatters
    {'@value': 'printf'}
    """
    fields = {field for _, told in lines for field in PRINTED.findall(told)}
    return HoverTool(tooltips=list(lines), formatters=dict.fromkeys(sorted(fields), "printf"))

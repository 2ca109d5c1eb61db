"""Named numbers out of any notebook: shown where they are recorded, kept by the run.

In a run every number is written at once, so that it is kept when a later cell fails; without one
it lies in the notebook's outputs, where :func:`collected` finds it.
"""

import html
import json
import math
import numbers
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.core import Estimate, Interval, Measure, Summary
from workbench.runs.inputs import notebooks
from workbench.runs.storage.staging import RUN_FOLDER

__all__ = ["MIME", "Metric", "collected", "merged", "record", "recorded"]

MIME = "application/vnd.workbench.metric+json"
FILE = "metrics.jsonl"
LONGEST = 200
BARE = "no interval was given"
SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
Number = bool | int | float


@dataclass(frozen=True)
class Metric:
    """A recorded number; shows itself in notebooks."""

    name: str
    value: Number
    estimate: Estimate
    _cell: int | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.name}: {self._number} {self.estimate.range}"

    @property
    def _number(self) -> str:
        return str(self.value) if isinstance(self.value, bool) else self.estimate.number

    def record(self) -> dict[str, Any]:
        """JSON-ready form; ``special`` names a value that JSON does not have."""
        value, interval = self.value, self.estimate.interval
        finite = math.isfinite(value)
        told: dict[str, Any] = {
            "name": self.name, "kind": type(value).__name__, "value": value if finite else None,
            "unit": self.estimate.unit, "why": self.estimate.why}
        if not finite:
            told["special"] = str(value)
        if interval is not None:
            told["interval"] = [_json_end(interval.low), _json_end(interval.high), interval.level]
        return told

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Metric":
        """Metric of :meth:`record`; ValueError or TypeError when it is none."""
        value = SPECIAL[told["special"]] if "special" in told else told["value"]
        ends = told.get("interval")
        if ends is not None:
            ends = [SPECIAL[end] if isinstance(end, str) else end for end in ends]
        return _metric(told["name"], value, told.get("unit", ""), ends, told.get("why", ""))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        cells = "".join(f"<td>{html.escape(text)}</td>"
                        for text in (self._number, self.estimate.range))
        row = f"<tr><th scope='row'>{html.escape(self.name)}</th>{cells}</tr>"
        return {MIME: self.record(), "text/plain": str(self),
                "text/html": f"<table class='summary'><tbody>{row}</tbody></table>"}

    def _ipython_display_(self) -> None:
        shell = _shell()     # the last value of a cell is shown by IPython, once more
        if shell is not None and shell.execution_count != self._cell:
            shell.display_pub.publish(self._repr_mimebundle_())


def record(name: str, value: Any, *, unit: str = "", interval: Any = None,
           why: str = "") -> Metric:
    """Record a named number: shown here, kept in the run, compared between runs.

    Parameters
    ----------
    name : str
        One line; a number recorded later under the same name replaces this one.
    value : number, or array or tensor of one entry, or Estimate or Measure
        NaN and infinities are numbers.
    unit : str
    interval : Interval or (low, high) or (low, high, level), optional
        The level is 0.9 where it is not given.
    why : str
        Why there is no interval.

    Returns
    -------
    metric : Metric

    Raises
    ------
    TypeError
        If `value` is not one number, or a text is none.
    ValueError
        If `name` is empty or of several lines, or the interval is out of order.

    Examples
    --------
    >>> print(record("loss", 0.25, unit="nats", interval=(0.2, 0.3)))
    loss: 0.25 nats [0.2, 0.3], 90 % interval
    """
    metric = _metric(name, value, unit, interval, why)
    folder = os.environ.get(RUN_FOLDER)
    if folder:
        line = json.dumps(metric.record(), allow_nan=False) + "\n"
        with Path(folder, FILE).open("a", encoding="utf-8") as file:
            file.write(line)
    shell = _shell()
    if shell is None:
        return metric
    shell.display_pub.publish(metric._repr_mimebundle_())
    return Metric(metric.name, metric.value, metric.estimate, shell.execution_count)


def recorded(folder: Path) -> Summary:
    """Numbers that the notebook of a run has recorded, the last one of each name."""
    try:
        lines = Path(folder, FILE).read_bytes().splitlines()
    except OSError:
        return Summary({})
    return _summary(lines)


def collected(notebook: Path | str | Mapping[str, Any]) -> Summary:
    """Numbers in the outputs of an executed notebook, whoever executed it.

    Raises
    ------
    ValueError
        If the notebook is a file that cannot be read.
    """
    content = notebook if isinstance(notebook, Mapping) else notebooks.raw(notebook)
    outputs = [output for _, cell, _ in notebooks.code_cells(content)
               for output in cell.get("outputs", [])]
    return _summary(output["data"][MIME] for output in outputs
                    if isinstance(output.get("data"), Mapping) and MIME in output["data"])


def merged(study: Summary, extra: Summary) -> Summary:
    """Numbers of a study, then recorded ones; where both have a name, the study's stays."""
    return Summary({**study, **{name: number for name, number in extra.items()
                                if name not in study}}, (*study.notes, *extra.notes))


def _summary(entries: Iterable[Any]) -> Summary:
    """What can be read of the entries: outputs and files may have been cut off or edited."""
    found: dict[str, Estimate] = {}
    for entry in entries:
        try:
            told = json.loads(entry) if isinstance(entry, bytes | str) else entry
            metric = Metric.of(told)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
        found[metric.name] = metric.estimate
    return Summary(found)


def _metric(name: Any, value: Any, unit: Any, interval: Any, why: Any) -> Metric:
    name = _line(name, "name").strip()
    if not name or len(name) > LONGEST:
        raise ValueError(f"name must have 1 to {LONGEST} characters, got {name!r}. "
                         "Say in a few words what the number is.")
    if isinstance(value, Measure):
        value = value.estimate()
    if isinstance(value, Estimate):
        interval = value.interval if interval is None else interval
        unit, why, value = unit or value.unit, why or value.why, value.value
    plain, ends = _number(value, "value"), _interval(interval)
    why = "" if ends else _line(why, "why") or BARE
    return Metric(name, plain, Estimate(plain, ends, _line(unit, "unit"), why))


def _line(text: Any, argument: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{argument} must be a text, got {text!r}. Pass a str.")
    if not text.isprintable():
        raise ValueError(f"{argument} must be one line of printable characters, got {text!r}. "
                         "Leave out line breaks and control characters.")
    return text


def _number(value: Any, argument: str) -> Number:
    """Python number of a number, a NumPy scalar, or an array or tensor of one entry."""
    item = getattr(value, "item", None)
    if callable(item):
        try:
            value = item()
        except (ValueError, TypeError, RuntimeError):
            raise TypeError(f"{argument} must be one number, got a {type(value).__name__} of "
                            "several. Record its mean, or each entry by a name.") from None
    if isinstance(value, bool):
        return value
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{argument} must be a number, got {value!r}. Convert it with float().")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{argument} must be below 1.8e308, got a number too large for a float. "
                         "Record its logarithm.") from None
    return int(value) if isinstance(value, numbers.Integral) else number


def _interval(interval: Any) -> Interval | None:
    if interval is None:
        return None
    if isinstance(interval, Interval):
        interval = (interval.low, interval.high, interval.level)
    try:
        ends = [_number(end, "interval") for end in interval]
    except TypeError:
        ends = []
    if len(ends) not in (2, 3):
        raise ValueError(f"interval must be (low, high) or (low, high, level), got {interval!r}. "
                         "Pass two or three numbers.")
    return Interval(*ends)


def _json_end(end: float) -> float | str:
    return end if math.isfinite(end) else str(float(end))


def _shell() -> Any:
    """IPython's shell where there is one, without importing IPython for this."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None

"""What a page says in words and numbers, as HTML; every text from outside is escaped."""

import html
import inspect
import math
import re
import shlex
import sys
import unicodedata
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from workbench.core import Card, Estimate, Study, Summary, places
from workbench.runs import Row, Run
from workbench.ui.address import changes, text
from workbench.ui.computing import Shown

__all__ = ["alarm", "card", "command", "duration", "empty", "foot", "headline", "label",
           "method",
           "notes", "question", "when"]

ACCENTS = {'"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303"}
LARGE = 4                # headline numbers shown large; the others follow in a table


def question(study: Study) -> str:
    """First sentence of the study's docstring, without its title."""
    first = inspect.cleandoc(study.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    prefix, colon, rest = first.partition(": ")
    asked = rest if colon and prefix.lower() == study.TITLE.lower() else first
    sentence = re.split(r"(?<=[.?!])\s", asked, maxsplit=1)[0]
    return sentence[:1].upper() + sentence[1:]


def card(study: Study) -> Card | None:
    """Card of the method that the study imports, or that has its name."""
    return getattr(method(study), "CARD", None)


def method(study: Study) -> ModuleType | None:
    """Module of the method that the study imports, or that has its name; none without a card."""
    used = [getattr(value, "__module__", None) or "" for value in vars(study).values()]
    stem = re.escape(study.__name__.rpartition(".")[2])
    named = [name for name in list(sys.modules) if re.fullmatch(rf"workbench\.\w+\.{stem}", name)]
    for name in [*used, *named]:
        module = sys.modules.get(name)
        if isinstance(getattr(module, "CARD", None), Card):
            return module
    return None


def headline(summary: Summary) -> str:
    """Numbers in the summary's order, each with its interval or why it has none."""
    numbers = list(summary.items())
    large = "".join(_large(name, number) for name, number in numbers[:LARGE])
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f'<td class="number">{html.escape(number.number)}</td>'
        f'<td class="range">{html.escape(number.range)}</td></tr>'
        for name, number in numbers[LARGE:])
    return (f'<dl class="numbers">{large}</dl>' if large else "") + (
        f"<table><tbody>{rows}</tbody></table>" if rows else "")


def notes(summary: Summary) -> str:
    """Sentences that a reader must see beside the numbers."""
    items = "".join(f"<li>{html.escape(note)}</li>" for note in summary.notes)
    return f'<ul class="notes" aria-label="Notes">{items}</ul>' if items else ""


def alarm(sentences: list[str]) -> str:
    """What is wrong and what helps, in red."""
    told = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences if sentence)
    return f'<div class="alarm" role="alert">{told}</div>' if told else ""


def empty(name: str, *, may_run: bool = True) -> str:
    """What to do when there is nothing to show."""
    told = f"<code>{html.escape(command(name, {}))}</code>"
    how = (f"Press Run to make one, or use {told}." if may_run
           else f"Make one on your own machine with {told}.")
    return f'<div class="empty"><p>No run is shown yet.</p><p>{how}</p></div>'


def foot(study: Study, shown: Shown, reports: str | None) -> str:
    """Paper, key, seed, and where the report is or how to get one."""
    if shown.run is None and shown.problem:
        return ""
    method = card(study)
    name = study.__name__.rpartition(".")[2]
    facts = {"Paper": html.escape(_paper(method)) if method else "",
             "Run": f"<code>{html.escape(shown.run.id)}</code>" if shown.run else "",
             "Key": f"<code>{html.escape(shown.key)}</code>" if shown.key else "",
             "Seed": html.escape(str(shown.values.get("seed", "none declared"))),
             "Report": _report(name, shown, study, reports)}
    rows = "".join(f"<dt>{term}</dt><dd>{fact}</dd>" for term, fact in facts.items() if fact)
    return f'<dl class="foot">{rows}</dl>'


def command(name: str, values: dict[str, Any]) -> str:
    """The command line that makes a run with these values."""
    settings = "".join(f" -p {key}={shlex.quote(text(value))}" for key, value in values.items())
    return f"python3 -m workbench report {name}{settings}"


def duration(seconds: float) -> str:
    """Seconds in words.

    Examples
    --------
    >>> duration(1.24), duration(59.6), duration(200), duration(9000)
    ('1.2 s', '60 s', '3 min', '2.5 h')
    """
    if math.isnan(seconds):
        return "\u2013"
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def when(run: Run | Row) -> str:
    """Start of a run, to the minute."""
    return f"{run.started[:10]} {run.started[11:16]}" if run.started else "at an unknown time"


def label(run: Run | Row) -> str:
    """One line that tells a run from the others: when, what was changed, and its state."""
    told = changes(run.changed) or ("defaults" if run.params else "unknown parameters")
    told = told if len(told) <= 90 else told[:89] + "…"
    state = "" if run.state == "succeeded" else f" · {run.state}"
    return f"{when(run)} · {told}{state}"


def _large(name: str, number: Estimate) -> str:
    unit = "" if math.isnan(number.value) else number.unit
    value = number.number.removesuffix(unit).strip()
    grey = ' class="grey"' if "counts the same" in name or "uniform" in name else ""
    return (f"<div{grey}><dt>{html.escape(name)}</dt>"
            f'<dd class="number">{html.escape(value)} '
            f'<span class="unit">{html.escape(unit)}</span></dd>'
            f'<dd class="range">{html.escape(number.range)}</dd></div>')


def _report(name: str, shown: Shown, study: Study, reports: str | None) -> str:
    run = shown.run
    if run is None:
        defaults = study.Params.defaults()
        changed = {key: value for key, value in shown.values.items() if value != defaults[key]}
        return ("This result is not saved. <code>"
                f"{html.escape(command(name, changed))}</code> saves it with a report.")
    if run.report is None:
        return "This run was saved without a report."
    path = f"{run.id}/report.html"
    if reports is None:
        return f"<code>{html.escape(str(run.report))}</code>"
    return f'<a href="{html.escape(quote(f"{reports}/{path}"))}">Open the report</a>'


def _accented(text: str) -> str:
    """Letters with accents for how LaTeX writes them."""
    return re.sub(r"\\([\"'`^~])(?:\{(\w)\}|(\w))", lambda found: unicodedata.normalize(
        "NFC", (found[2] or found[3]) + ACCENTS[found[1]]), text)


def _paper(method: Card) -> str:
    """Author, title and year of the card's source, where the bibliography is at hand."""
    path: Path = places.root() / "docs" / "references.bib"
    try:
        entry = path.read_text(encoding="utf-8").split(f"{{{method.source},")[1].split("\n}")[0]
    except (OSError, IndexError):
        return method.source
    fields = dict(re.findall(r"^\s*(\w+) = \{(.*)\},?$", entry, re.MULTILINE))
    told = {name: re.sub(r"[{}]", "", _accented(value)) for name, value in fields.items()}
    if {"author", "title", "year"} - told.keys():
        return method.source
    place = f"arXiv:{told['eprint']}" if "eprint" in told else told.get("journal", "")
    names = "; ".join(told["author"].split(" and "))
    return f"{names} ({told['year']}): {told['title']}" + (f", {place}" if place else "")

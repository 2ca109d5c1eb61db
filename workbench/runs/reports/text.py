"""Text of a notebook as safe HTML: Markdown, code, and what a terminal would colour."""

import html
import re
from functools import cache
from typing import Any

from workbench.runs.reports.sanitise import sanitised

__all__ = ["code", "markdown", "plain", "terminal"]

ESCAPE = re.compile(r"\x1b\[([0-9;]*)m|\x1b(?:\[[0-?]*[ -/]*[@-~]"
                    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
TAG = re.compile(r"<[^>]+>")


def markdown(source: str, attachments: Any = None) -> str:
    """Markdown as sanitised HTML; formulas keep their source.

    Parameters
    ----------
    source : str
    attachments : mapping, optional
        Pictures of the cell: file name to media type and Base64.
    """
    return sanitised(str(_renderer()(_attached(source, attachments))))


def code(source: str, language: str = "python") -> str:
    """Source code with classes that the style colours."""
    from pygments import highlight
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    return f'<div class="highlight"><pre>{highlight(source, lexer, _formatter())}</pre></div>'


def terminal(text: str) -> str:
    """Printed text, escaped, with the colours that it asks a terminal for."""
    pieces, classes, end = [], frozenset[str](), 0
    text = _settled(text)
    for found in ESCAPE.finditer(text):
        pieces.append(_coloured(text[end:found.start()], classes))
        end = found.end()
        if found[1] is not None:
            classes = _after(classes, found[1])
    pieces.append(_coloured(text[end:], classes))
    return "".join(pieces)


def plain(text: str) -> str:
    """Printed text without its colours."""
    return ESCAPE.sub("", _settled(text))


def _settled(text: str) -> str:
    """Text as a terminal leaves it: of a line written over and over, the last state."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _coloured(text: str, classes: frozenset[str]) -> str:
    escaped = html.escape(text)
    if not (classes and text):
        return escaped
    return f'<span class="{" ".join(sorted(classes))}">{escaped}</span>'


def _after(classes: frozenset[str], numbers: str) -> frozenset[str]:
    """Classes after one colour command; the 256 colours are left out."""
    codes = [int(number[:3] or 0) for number in numbers.split(";")]
    if 38 in codes or 48 in codes:
        return classes
    for number in codes:
        if number == 0:
            classes = frozenset()
        elif number == 1:
            classes |= {"ansi-bold"}
        elif 30 <= number <= 39 or 90 <= number <= 97:
            classes = frozenset(name for name in classes if not name.endswith("-fg"))
            if number != 39:
                classes |= {f"ansi-{COLOURS[number % 10]}-fg"}
    return classes


def _attached(source: str, attachments: Any) -> str:
    if not isinstance(attachments, dict):
        return source
    for name, forms in attachments.items():
        for media_type, encoded in forms.items():
            address = f"data:{media_type};base64,{''.join(''.join(encoded).split())}"
            source = source.replace(f"attachment:{name}", address)
    return source


@cache
def _formatter() -> Any:
    from pygments.formatters.html import HtmlFormatter  # its parent is not safe in threads

    return HtmlFormatter(nowrap=True)


@cache
def _renderer() -> Any:
    """One renderer for all reports of a process; making it costs more than using it."""
    import mistune

    class Renderer(mistune.HTMLRenderer):
        """Headings get an anchor of their words; code gets its colours."""

        def heading(self, text: str, level: int, **_: Any) -> str:
            anchor = html.escape(re.sub(r"\s+", "-", html.unescape(TAG.sub("", text)).strip()))
            return (f'<h{level} id="{anchor}">{text}'
                    f'<a class="anchor-link" href="#{anchor}" title="Link to here">¶</a>'
                    f"</h{level}>\n")

        def block_code(self, code: str, info: str | None = None) -> str:
            return _fenced(code, next(iter((info or "").split()), "text"))

    # Raw markup and any address pass here, since the sanitiser decides on both.
    return mistune.create_markdown(
        renderer=Renderer(escape=False, allow_harmful_protocols=True),
        plugins=["table", "strikethrough", "url", "footnotes", "task_lists", "math"])


def _fenced(source: str, language: str) -> str:
    return code(source, language)

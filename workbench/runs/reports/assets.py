"""Style, scripts and templates shared by all pages of a store, all from this machine.

Each file name tells the version or the content, so old reports keep what they were made with.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.runs.reports.frames import (
    Frames,
    data_block,
    fingerprint_of,
    script_fingerprint,
)
from workbench.runs.storage.replacing import replacing

__all__ = ["FOLDER", "TEMPLATES", "Shared", "duration", "instant", "literal", "page", "shared",
           "size", "write_page"]

TEMPLATES = Path(__file__).parent / "templates"
FOLDER = "_assets"
WIDGETS = (r'"name":"(?:DataTable|[A-Za-z.]*(?:Slider|Button|Select|Input|Picker|Spinner|Toggle'
           r'|Div|Paragraph|CheckboxGroup|RadioGroup))"')
# A library is brought only where an output needs it; the order is the order of loading.
LIBRARIES = {
    "bokeh": re.compile(r"Bokeh\b"),
    "bokeh-gl": re.compile(r'"output_backend":"webgl"'),
    "bokeh-widgets": re.compile(WIDGETS + r"|Bokeh\.Panel"),
    "bokeh-tables": re.compile(r'"name":"DataTable"|Bokeh\.Panel'),
    "bokeh-mathjax": re.compile(r'"(?:\$\$|\\{1,2}[(\[])'),
    "panel": re.compile(r"Bokeh\.Panel"),
}
POLICY = ("default-src 'none'; script-src 'self' file:{scripts}; "
          "style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data: blob:; "
          "font-src data:; media-src data: blob:; frame-src 'none'; base-uri 'none'; "
          "form-action 'none'")


@dataclass(frozen=True)
class Shared:
    """What a page needs beside its own words: elements for its head and for its end."""

    head: str
    foot: str


def shared(store: Path, script: str, data: str = "", *, frames: Frames | None = None,
           prefix: str = "", single_file: bool = False) -> Shared:
    """Policy, style and scripts of a page.

    Parameters
    ----------
    store : Path
        Folder of the runs; shared files go into ``_assets`` below it.
    script : str
        File name of the page's own script.
    data : str
        Data blocks for it.
    frames : Frames, optional
        Outputs of the page that need scripts.
    prefix : str
        From the page to the store, for instance ``../``.
    single_file : bool
        Put the content into the page instead.
    """
    outputs = frames.outputs if frames else []
    own, allowed = (TEMPLATES / script).read_text(encoding="utf-8"), []
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    needed = _needed(outputs)
    if outputs:
        allowed += [script_fingerprint(), "'unsafe-eval'"]
    if single_file:
        allowed.append(fingerprint_of(own))
        brought = [data_block(_library(name), 'class="library"') for name in needed]
        scripts, linked = [*brought, f"<script>{own}</script>"], f"<style>{style}</style>"
    else:
        files = [_brought(store, name) for name in needed]
        files.append(_kept(store, _named(script, own), own))
        scripts = [f'<script src="{prefix}{FOLDER}/{name}"></script>' for name in files]
        name = _kept(store, _named("report.css", style), style)
        linked = f'<link rel="stylesheet" href="{prefix}{FOLDER}/{name}">'
    policy = POLICY.format(scripts="".join(f" {source}" for source in allowed))
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n{linked}'
    blocks = (data, frames.block() if frames else "")
    return Shared(head, "\n".join([*filter(None, blocks), *scripts]))


@cache
def page(name: str) -> Any:
    """Template that escapes every value which is not marked as HTML."""
    import jinja2

    # Autoescape is on since titles, notes and parameters come from users.
    world = jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(TEMPLATES),
                               trim_blocks=True, lstrip_blocks=True,
                               undefined=jinja2.StrictUndefined)
    world.filters |= {"href": _href, "instant": instant, "duration": duration,
                      "literal": literal, "size": size}
    return world.get_template(name)


def write_page(path: Path, text: str) -> Path:
    """Write a page so that a reader sees the old one or the new one."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="replace")
    return path


def literal(value: Any) -> str:
    """A parameter's value as a reader writes it."""
    if value is None:
        return "none"
    return value if isinstance(value, str) and value else repr(value)


def instant(started: str) -> str:
    """A start in UTC to the minute."""
    return f"{started[:10]} {started[11:16]} UTC" if len(started) > 16 else "at an unknown time"


def duration(seconds: float) -> str:
    """Seconds as a reader says them."""
    if not math.isfinite(seconds):
        return "not measured"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def size(number: float) -> str:
    """Bytes as a reader says them."""
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{number / 2**20:.0f} MiB"


def _href(path: str) -> str:
    return quote(path, errors="surrogateescape")  # a file's name need not be a text


def _needed(outputs: Iterable[str]) -> list[str]:
    needed = {name for output in outputs for name, mark in LIBRARIES.items()
              if mark.search(output)}
    return [name for name in LIBRARIES if name in needed and "bokeh" in needed]


def _library(name: str) -> str:
    package, folder = ("panel", "dist") if name == "panel" else ("bokeh", "server/static/js")
    found = find_spec(package)
    if found is None or found.origin is None:
        return ""
    return (Path(found.origin).parent / folder / f"{name}.min.js").read_text(encoding="utf-8")


def _brought(store: Path, name: str) -> str:
    """A library as a script that only holds its text: the page hands it to the frames."""
    file = f"{name}-{version('panel' if name == 'panel' else 'bokeh')}.text.js"
    if (store / FOLDER / file).is_file():
        return file
    text = json.dumps(_library(name), ensure_ascii=False)
    return _kept(store, file, f"(window.libraries ??= {{}})[{json.dumps(name)}] = {text};\n")


def _kept(store: Path, name: str, text: str) -> str:
    target = store / FOLDER / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_page(target, text)
    return name


def _named(file: str, text: str) -> str:
    stem, _, suffix = file.rpartition(".")
    return f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.{suffix}"

"""Style, scripts and templates shared by reports and index, all from this machine.

Each file name tells the version or the content, so old reports keep what they were made with.
"""

import hashlib
import math
import re
import secrets
import shutil
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

__all__ = ["TEMPLATES", "head", "page", "write_page"]

TEMPLATES = Path(__file__).parent / "templates"
FOLDER = "_assets"
# A script is linked only when the page holds what needs it; the order is the order of loading.
SCRIPTS = {
    "bokeh": re.compile(r"Bokeh\.embed"),
    "bokeh-gl": re.compile(r'"output_backend":"webgl"'),
    "bokeh-widgets": re.compile(r'"name":"DataTable"'),
    "bokeh-tables": re.compile(r'"name":"DataTable"'),
    "bokeh-mathjax": re.compile(r'"(?:\$\$|\\{1,2}[(\[])'),
}
# Nothing may be fetched but files beside the report, whatever an output asks for.
POLICY = ("default-src 'none'; script-src 'self' file: 'unsafe-inline' 'unsafe-eval'; "
          "style-src 'self' file: 'unsafe-inline'; img-src 'self' file: data: blob:; "
          "font-src 'self' file: data:; media-src data: blob:; base-uri 'none'; "
          "form-action 'none'")


def head(store: Path, body: str, *, prefix: str, single_file: bool = False) -> str:
    """Elements of a page's head that load what its body needs.

    Parameters
    ----------
    store : Path
        Folder of the runs; shared files go into ``_assets`` below it.
    body : str
        HTML of the page.
    prefix : str
        From the page to the store, for instance ``../``.
    single_file : bool
        Put the content into the page instead.
    """
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    files = [TEMPLATES / "report.css", *_scripts(body)]
    if single_file:
        return "\n".join([policy, *map(_inline, files)])
    shared = [_shared(store, path) for path in files]
    return "\n".join([policy, *(_link(f"{prefix}{FOLDER}/{name}") for name in shared)])


@cache
def page(name: str) -> Any:
    """Template that escapes every value which is not marked as HTML."""
    import jinja2

    # Autoescape is on since titles, notes and parameters come from users.
    world = jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(TEMPLATES),
                               trim_blocks=True, lstrip_blocks=True,
                               undefined=jinja2.StrictUndefined)
    world.filters |= {"href": _href, "instant": _instant, "duration": _duration,
                      "literal": _literal}
    return world.get_template(name)


def write_page(path: Path, text: str) -> Path:
    """Write a page so that a reader sees the old one or the new one."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(3)}.partial")
    partial.write_text(text, encoding="utf-8", errors="replace")
    partial.replace(path)
    return path


def _scripts(body: str) -> list[Path]:
    needed = [name for name, mark in SCRIPTS.items() if mark.search(body)]
    if not needed or needed[0] != "bokeh":
        return []
    import bokeh

    folder = Path(bokeh.__file__).parent / "server" / "static" / "js"
    return [folder / f"{name}.min.js" for name in needed]


def _shared(store: Path, source: Path) -> str:
    name = _versioned(source)
    target = store / FOLDER / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{name}.{secrets.token_hex(3)}.partial")
        shutil.copyfile(source, partial)
        partial.replace(target)
    return name


def _versioned(source: Path) -> str:
    if source.suffix == ".js":
        import bokeh

        return f"{source.name.removesuffix('.min.js')}-{bokeh.__version__}.min.js"
    return f"{source.stem}-{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}{source.suffix}"


def _link(address: str) -> str:
    if address.endswith(".js"):
        return f'<script src="{address}"></script>'
    return f'<link rel="stylesheet" href="{address}">'


def _inline(source: Path) -> str:
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".js":
        return "<script>" + text.replace("</script", "<\\/script") + "</script>"
    return f"<style>{text}</style>"


def _href(path: str) -> str:
    return quote(path)


def _instant(started: str) -> str:
    return f"{started[:10]} {started[11:16]} UTC" if len(started) > 16 else "at an unknown time"


def _duration(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "not measured"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _literal(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) and value else repr(value)

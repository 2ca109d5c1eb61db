"""Markup of a notebook as markup of a report: an allow-list, whatever the notebook says.

What is allowed can neither run, nor fetch, nor look like a part of the report's own frame.
"""

import re
from functools import cache
from typing import Any

__all__ = ["ANCHOR", "bare", "sanitised"]

ANCHOR = "at-"  # before each identifier of the notebook, so that none can be the report's own
TEXT = frozenset({
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup",
    "dd", "del", "details", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s",
    "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr", "u", "ul", "var"})
DROPPED = frozenset({"script", "style", "svg", "math", "iframe", "object", "embed", "noscript",
                     "template", "title", "textarea", "xmp", "noembed", "noframes", "plaintext",
                     "select", "canvas", "audio", "video"})
CELL = frozenset({"colspan", "rowspan", "scope", "align", "style"})
ATTRIBUTES = {
    "a": {"href", "title"}, "abbr": {"title"}, "ol": {"start", "type"}, "details": {"open"},
    "img": {"src", "alt", "title", "width", "height"}, "td": set(CELL), "th": set(CELL),
    **{f"h{level}": {"id"} for level in range(1, 7)}}
STYLES = frozenset({"text-align", "font-weight", "font-style"})
ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*\Z")
# A path below the report: "//host" would ask another machine, ".." another page of the server.
BESIDE = re.compile(r"(?![\w.+-]*:|.*(?:\.|%2e){2})[^/\\\s][^\\\s]*\Z", re.IGNORECASE)


def sanitised(markup: str) -> str:
    """Markup without anything that runs, fetches from elsewhere or leaves its place.

    Parameters
    ----------
    markup : str
        HTML of an output or of rendered Markdown.

    Examples
    --------
    >>> sanitised('<b onclick="x()">bold</b><script>alert(1)</script>')
    '<b>bold</b>'
    """
    import nh3

    return nh3.clean(
        _writable(markup), tags=set(TEXT), clean_content_tags=set(DROPPED), attributes=ATTRIBUTES,
        attribute_filter=_attribute, url_schemes={"http", "https", "mailto", "data"},
        allowed_classes=_classes(), filter_style_properties=set(STYLES),
        link_rel="noopener noreferrer")


def bare(markup: str) -> str:
    """The words of some markup as HTML without a tag."""
    import nh3

    return nh3.clean(_writable(markup), tags=set())


def _writable(markup: str) -> str:
    """The markup with ? for each half of a surrogate pair, which no file can hold."""
    return markup.encode("utf-8", "replace").decode()


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The attribute's value in a report, or nothing when it may not stay."""
    if name == "id":
        return ANCHOR + value
    if name == "href":
        return _target(value.strip())
    if name == "src" and tag == "img":
        value = value.strip()
        return value if PICTURE.match(value) or BESIDE.match(value) else None
    return value


def _target(address: str) -> str | None:
    if address.startswith("#"):
        return f"#{ANCHOR}{address[1:]}"
    return address if ADDRESS.match(address) or BESIDE.match(address) else None


@cache
def _classes() -> dict[str, Any]:
    """Classes that the report's style knows; any other could dress up as the report itself."""
    from pygments.token import STANDARD_TYPES

    return {"table": {"dataframe", "summary"}, "ul": {"notes"}, "a": {"anchor-link"},
            "div": {"highlight"}, "span": {short for short in STANDARD_TYPES.values() if short}}

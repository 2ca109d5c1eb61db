"""Outputs that need scripts run in frames that are strangers to the page around them.

The page carries each output as inert text and hands it, with the library it needs, to a frame
that may run scripts but has no origin, no network and no way out.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

__all__ = ["Frames", "data_block", "fingerprint_of", "frame_page", "is_alive"]

FRAME = Path(__file__).parent / "templates" / "frame.html"
ALIVE = re.compile(r"<(?:script|style|svg|canvas|math|object|embed|iframe|audio|video|input|"
                   r"button|select|link)\b", re.IGNORECASE)
HEIGHT = re.compile(r'"height":\s*(\d{2,4})\b')
DRAWN_BY_BOKEH = re.compile(r"Bokeh\b")
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
ROOM = 150  # pixels for an output that does not tell its height


def is_alive(markup: str) -> bool:
    """Whether an output loses what makes it when only allowed markup stays."""
    return ALIVE.search(markup) is not None


@dataclass
class Frames:
    """Outputs of one page that run in frames."""

    outputs: list[str] = field(default_factory=list)

    def add(self, markup: str) -> str:
        """Element that will show an output; the room it needs is kept free."""
        self.outputs.append(markup)
        heights = [int(number) for number in HEIGHT.findall(markup)]
        room = max(heights, default=ROOM)
        return (f'<iframe sandbox="allow-scripts" data-output="{len(self.outputs) - 1}" '
                f'title="Output {len(self.outputs)}" style="height: {room}px"></iframe>')

    def block(self) -> str:
        """The outputs as inert data for the page's own script, or nothing."""
        if not self.outputs:
            return ""
        outputs = [{"markup": markup, "uses": DRAWN_BY_BOKEH.search(markup) is not None}
                   for markup in self.outputs]
        return data_block({"page": frame_page(), "outputs": outputs}, 'id="frames"')


def data_block(content: object, attributes: str) -> str:
    """JSON inside a page that nothing can break out of and no browser runs."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" {attributes}>{text}</script>'


@cache
def frame_page() -> str:
    """Document of each frame, which receives its output by a message."""
    text = FRAME.read_text(encoding="utf-8")
    policy = (f"default-src 'none'; script-src {fingerprint_of(_script(text))} 'unsafe-eval'; "
              "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
              "media-src data: blob:; base-uri 'none'; form-action 'none'")
    return text.replace("%POLICY%", policy)


@cache
def script_fingerprint() -> str:
    """The frames' own script as a policy names it."""
    return fingerprint_of(_script(FRAME.read_text(encoding="utf-8")))


def fingerprint_of(script: str) -> str:
    """An inline script as a policy names it."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _script(text: str) -> str:
    found = SCRIPT.search(text)
    return found[1] if found else ""

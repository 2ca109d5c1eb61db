"""What changes on the home page while it is open, sent only when there is something new."""

from typing import Any, ClassVar

import panel as pn
import param

from workbench.ui import look

__all__ = ["HomeNews"]


class HomeNews(pn.custom.JSComponent):
    """Takes newest answers and runs to the places where the page has them."""

    seen = param.Boolean(default=True, doc="Whether the page is in sight.")

    _esm: ClassVar[str] = look.sheet("home_news.js")

    def send(self, parts: dict[str, Any]) -> None:
        """Put other HTML into parts of the page: `recent`, and `answers` by study."""
        self._send_msg(parts)

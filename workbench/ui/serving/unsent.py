"""Messages to a page that Panel forgets to send.

Where a websocket is busy, Panel keeps messages and starts a task that writes them. A message that
is kept at the very moment another such task ends loses its mark, `_WRITE_BLOCK`; its own task then
takes it for sent, and the page shows what was true before until something else changes.
"""

from typing import Any

from panel.io import document

__all__ = ["send_all"]


def send_all() -> None:
    """Let Panel write every message that it keeps; calling it again changes nothing."""
    if getattr(document._dispatch_msgs, "sends_all", False):
        return
    write = document._dispatch_msgs

    async def write_all(doc: Any) -> None:
        await write(doc)
        if doc in document._WRITE_MSGS and doc not in document._WRITE_BLOCK:
            document._WRITE_BLOCK[doc] = True
            document._dispatch_write_task(doc, document._dispatch_msgs, doc)

    write_all.sends_all = True  # type: ignore[attr-defined]
    document._dispatch_msgs = write_all

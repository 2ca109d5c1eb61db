"""A page that is made quickly and forgotten whole.

Panel counts all models of a page again for each link between them, spells the page out as text
for each part that is added, and never lets go of a link between a widget and itself. Here the
models are counted once, nothing is spelled out, and a link lives as long as what it starts from.
"""

from collections.abc import Iterator, MutableMapping
from functools import partial
from typing import Any
from weakref import WeakSet

import panel as pn
from bokeh.models import ImportedStyleSheet
from panel.io.location import Location
from panel.io.resources import LOCAL_DIST
from panel.links import Callback

from workbench.plots.theme import STYLE

__all__ = ["Page", "Place"]

KEPT = "_links_from_here"
# Panel waits 50 ms for what else changes in the same breath, a third of what a visitor notices.
pn.reactive.Syncable._debounce = 1


class Page(pn.Template):
    """Panel's template; building it takes half as long."""

    def __init__(self, template: str, **params: Any):
        super().__init__(template, **params)
        self.add_variable("libraries", pn.__version__)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._render_items)})"

    def _init_doc(self, doc: Any = None, *args: Any, **kwargs: Any) -> Any:
        # Bokeh walks all models of a document whenever one is linked, unless it is told to wait.
        document = doc or pn.state.curdoc
        if document is None:
            return super()._init_doc(doc, *args, **kwargs)
        document.theme = STYLE
        known = len(pn.state._fake_roots)
        with document.models.freeze():
            made = super()._init_doc(doc, *args, **kwargs)
        for root in pn.state._fake_roots[known:]:
            document.on_session_destroyed(partial(_forget, root))
        if document.session_context is not None:
            for model in document.roots:
                _date(model)
        return made


class Place(Location):
    """Where a visitor is; what stands behind the question mark is read by the pages alone."""

    def _update_synced(self, event: Any = None) -> None:
        # Panel's own reads numbers there, and fails at some, such as a lone superscript.
        del event


def _date(root: Any) -> None:
    """Let a browser keep Panel's style sheets, which change with its version alone."""
    for sheet in root.select({"type": ImportedStyleSheet}):
        if LOCAL_DIST in sheet.url and "?" not in sheet.url:
            sheet.url += f"?v={pn.__version__}"


def _forget(root: str, _: Any) -> None:
    """Panel numbers the roots of templates and keeps the numbers of those that are gone."""
    if root in pn.state._fake_roots:
        pn.state._fake_roots.remove(root)


class _Links(MutableMapping[Any, Any]):
    """Links, each list of them kept by the object where they start."""

    def __init__(self) -> None:
        self._starts: WeakSet[Any] = WeakSet()

    def __getitem__(self, start: Any) -> Any:
        try:
            return vars(start)[KEPT]
        except (TypeError, KeyError):
            raise KeyError(start) from None

    def __setitem__(self, start: Any, links: Any) -> None:
        setattr(start, KEPT, links)
        self._starts.add(start)

    def __delitem__(self, start: Any) -> None:
        delattr(start, KEPT)
        self._starts.discard(start)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._starts)

    def __len__(self) -> int:
        return len(self._starts)


# A dictionary with weak keys keeps a key for ever whose value holds it, as that of a slider does
# which tells its own box of numbers.
if not isinstance(Callback.registry, _Links):
    known, Callback.registry = Callback.registry, _Links()
    Callback.registry.update(known)

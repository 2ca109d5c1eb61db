"""Where a visitor drops an own file, and what becomes of it."""

from functools import partial
from typing import Any, ClassVar

import panel as pn
import param

from workbench.ui import look
from workbench.ui.giving import Giving
from workbench.ui.uploads import ENDINGS

__all__ = ["OwnData"]

WORDS = {"table": "a CSV or Parquet file", "images": "an .npz file of images and labels",
         "any": "a CSV or Parquet file, or an .npz file of images and labels"}


class DropZone(pn.custom.JSComponent):
    """A place to drop a file on, which sends it to the server and says how far it is."""

    about = param.Dict({}, doc="What may be given, where it goes, and how large it may be.")
    told = param.String("", doc="What the server says of the file.")
    wrong = param.Boolean(default=False, doc="Whether that is a refusal.")
    ready = param.Boolean(default=False, doc="Whether a file was read and is not in use yet.")

    _esm: ClassVar[str] = look.sheet("make.js") + look.sheet("drop_zone.js")

    def __init__(self, giving: Giving, **params: Any):
        super().__init__(**params)
        self._giving = giving

    def _handle_msg(self, data: Any) -> None:
        if data.get("kind") == "given":
            pn.state.execute(partial(self._giving.take, str(data.get("file", ""))))


class OwnData:
    """The section for an own file, above the parameters; hidden where no file can be given.

    Parameters
    ----------
    giving : Giving
    """

    def __init__(self, giving: Giving):
        self._giving = giving
        site = giving.visit.site
        self._zone = DropZone(
            giving, visible=giving.is_offered, sizing_mode="stretch_width", margin=(0, 0, 16, 0),
            stylesheets=[look.FACTS, look.sheet("drop_zone.css")], about={
                "what": WORDS[giving.kind], "endings": list(ENDINGS[giving.kind]),
                "route": f"./{site.uploads}", "limit": site.upload_limit})
        self.panel = self._zone
        if giving.is_offered:
            giving.param.watch(self._tell, ["told", "wrong", "given", "chosen"])
            giving.visit.values.param.watch(self._tell, list(giving.params.declared()))

    def _tell(self, *_: Any) -> None:
        giving = self._giving
        told = giving.told
        if giving.given is not None and not told:
            name = giving.given.path.name
            told = (f"{name} is in use." if giving.is_used
                    else f"{name} was read. Choose its columns under Your file." if giving.roles
                    else giving.given.about)
        self._zone.param.update(told=told, wrong=giving.wrong, ready=giving.given is not None
                               and not giving.is_used)

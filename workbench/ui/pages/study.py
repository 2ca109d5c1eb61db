"""One page for any study: numbers, weights and figures, from saved runs or computed live."""

import panel as pn

from workbench.core import Study
from workbench.ui import facts, look
from workbench.ui.giving import Giving
from workbench.ui.parts.mapping import Mapping
from workbench.ui.parts.own_data import OwnData
from workbench.ui.parts.parameters import Parameters
from workbench.ui.parts.result_view import ResultView
from workbench.ui.parts.running import Running
from workbench.ui.parts.saved_runs import SavedRuns
from workbench.ui.running import Runner
from workbench.ui.site import Site
from workbench.ui.visit import Visit

__all__ = ["StudyPage"]


class StudyPage:
    """The page of a study.

    Parameters
    ----------
    study : module
    site : Site, optional
        The server that the page belongs to; a page alone links to no other.
    """

    def __init__(self, study: Study, site: Site | None = None):
        self.visit = Visit(study, site or Site())
        self.runner = Runner(self.visit)
        giving = Giving(self.visit)
        self.side = pn.Column(SavedRuns(self.visit).panel, OwnData(giving).panel,
                              Parameters(self.visit, self.runner).panel,
                              sizing_mode="stretch_width", margin=0)
        self.main = pn.Column(Running(self.visit, self.runner).panel, Mapping(giving).panel,
                              ResultView(self.visit).panel,
                              sizing_mode="stretch_width", margin=0)
        self.visit.open()
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            document.on_session_destroyed(lambda _: self.visit.leave())

    def servable(self) -> "StudyPage":
        """Add the page to the document that is being served; anywhere else do nothing."""
        if pn.state.curdoc is not None:
            self.template().servable()
        return self

    def template(self) -> pn.Template:
        """The page as Panel serves it."""
        page = look.page("study.html.j2", self.visit.site, title=self.visit.study.TITLE)
        page.add_panel("side", self.side)
        page.add_panel("main", self.main)
        page.add_variable("same_for_all", value=True)
        page.add_variable("question", facts.question(self.visit.study))
        return page

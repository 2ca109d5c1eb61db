"""Pages: any study as a page, the gallery of all studies, and the servers behind them."""

from workbench.ui.exploring import explore
from workbench.ui.lab.overview import overview
from workbench.ui.lab.server import lab
from workbench.ui.pages.home import HomePage
from workbench.ui.pages.study import StudyPage
from workbench.ui.serving.passwords import add_user, users_file
from workbench.ui.serving.server import serve
from workbench.ui.serving.terms import Terms
from workbench.ui.site import Site

__all__ = ["HomePage", "Site", "StudyPage", "Terms", "add_user", "explore", "lab",
           "overview", "serve", "users_file"]

"""Pages: any study as a page, the gallery of all studies, and the servers behind them."""

from workbench.ui.home import HomePage
from workbench.ui.lab_server import lab
from workbench.ui.page import StudyPage
from workbench.ui.server import serve

__all__ = ["HomePage", "StudyPage", "lab", "serve"]

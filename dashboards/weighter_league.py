"""Page of the league of weighters."""

from workbench.studies import weighter_league
from workbench.ui import StudyPage

StudyPage(weighter_league).servable()

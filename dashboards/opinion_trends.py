"""Page of the opinion trends study."""

from workbench.studies import opinion_trends
from workbench.ui import StudyPage

StudyPage(opinion_trends).servable()

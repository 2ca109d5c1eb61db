"""Page of the Adaptive queries study."""

from workbench.studies import adaptive_queries
from workbench.ui import StudyPage

StudyPage(adaptive_queries).servable()

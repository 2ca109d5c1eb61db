"""Page of the study of weights of data sources."""

from workbench.studies import bilevel
from workbench.ui import StudyPage

StudyPage(bilevel).servable()

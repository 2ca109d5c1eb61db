"""Page of the PRESTO study."""

from workbench.studies import presto
from workbench.ui import StudyPage

StudyPage(presto).servable()

"""Page of the Universal mixture study."""

from workbench.studies import universal_mixture
from workbench.ui import StudyPage

StudyPage(universal_mixture).servable()

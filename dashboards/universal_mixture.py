"""Page of the study of mixtures of hypotheses."""

from workbench.studies import universal_mixture
from workbench.ui import StudyPage

StudyPage(universal_mixture).servable()

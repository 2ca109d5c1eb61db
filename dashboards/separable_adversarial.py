"""Page of the study of rare classes under attack."""

from workbench.studies import separable_adversarial
from workbench.ui import StudyPage

StudyPage(separable_adversarial).servable()

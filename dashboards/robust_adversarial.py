"""Page of the study of weights of a worst case under attack."""

from workbench.studies import robust_adversarial
from workbench.ui import StudyPage

StudyPage(robust_adversarial).servable()

"""Page of the study of weights by loss."""

from workbench.studies import loss_based
from workbench.ui import StudyPage

StudyPage(loss_based).servable()

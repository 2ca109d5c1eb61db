"""Page of the study of loss landscapes."""

from workbench.studies import loss_landscape_phases
from workbench.ui import StudyPage

StudyPage(loss_landscape_phases).servable()

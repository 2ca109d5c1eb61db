"""Page of the Model comparison study."""

from workbench.studies import model_comparison
from workbench.ui import StudyPage

StudyPage(model_comparison).servable()

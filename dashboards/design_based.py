"""Page of the design-based supervised learning study."""

from workbench.studies import design_based
from workbench.ui import StudyPage

StudyPage(design_based).servable()

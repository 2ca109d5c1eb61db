"""Page of the Kernel balancing study."""

from workbench.studies import kernel_balancing
from workbench.ui import StudyPage

StudyPage(kernel_balancing).servable()

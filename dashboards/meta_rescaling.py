"""Page of the study of meta rescaling."""

from workbench.studies import meta_rescaling
from workbench.ui import StudyPage

StudyPage(meta_rescaling).servable()

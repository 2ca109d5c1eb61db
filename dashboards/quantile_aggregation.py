"""Page of the quantile aggregation study."""

from workbench.studies import quantile_aggregation
from workbench.ui import StudyPage

StudyPage(quantile_aggregation).servable()

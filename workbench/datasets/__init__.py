"""Shipped real data, the user's own file, and worlds whose truth is known."""

from workbench.datasets.corpora import fomc_scores, fomc_statements, outlook_lexicon
from workbench.datasets.images import IMAGE_SETS, Images, load_images
from workbench.datasets.imbalance import PROFILES, imbalanced_counts, subsample_imbalanced
from workbench.datasets.labelled import LABEL_TABLES, Labelled, load_labelled
from workbench.datasets.landscape_grid import LandscapeGrid, landscape_grid
from workbench.datasets.lexicon import Lexicon, lexicon_score
from workbench.datasets.noisy_labels import SPAM, NoisyLabels, load_noisy_labels, load_spam
from workbench.datasets.ordinal import ORDINAL_TABLES, Ordinal, load_ordinal
from workbench.datasets.outcomes import OUTCOME_TABLES, Outcomes, load_outcomes
from workbench.datasets.ratings import Ratings, load_ratings, rating_columns
from workbench.datasets.regression import REGRESSION_TABLES, Regression, load_regression
from workbench.datasets.rivals import RIVAL_TABLES, Rivals, load_rivals
from workbench.datasets.scores import Scores, load_scores
from workbench.datasets.selected import Selected, load_selected
from workbench.datasets.shipped import unknown_data
from workbench.datasets.simulate import opinion_scores
from workbench.datasets.simulated_labels import surrogate_labels
from workbench.datasets.simulated_ratings import simulated_ratings
from workbench.datasets.simulated_selection import selected_pairs
from workbench.datasets.simulated_stages import StagesWorld, ordered_stages
from workbench.datasets.stages import UnknownOrderError
from workbench.datasets.tables import TABLES, load_table, presidents_approval

__all__ = [
    "IMAGE_SETS", "LABEL_TABLES", "ORDINAL_TABLES", "OUTCOME_TABLES", "PROFILES",
    "REGRESSION_TABLES", "RIVAL_TABLES", "SPAM", "TABLES", "Images", "Labelled", "LandscapeGrid",
    "Lexicon", "NoisyLabels", "Ordinal", "Outcomes", "Ratings", "Regression", "Rivals", "Scores",
    "Selected", "StagesWorld", "UnknownOrderError", "fomc_scores", "fomc_statements",
    "imbalanced_counts", "landscape_grid", "lexicon_score", "load_images", "load_labelled",
    "load_noisy_labels", "load_ordinal", "load_outcomes", "load_ratings", "load_regression",
    "load_rivals", "load_scores", "load_selected", "load_spam", "load_table", "opinion_scores",
    "ordered_stages", "outlook_lexicon", "presidents_approval", "rating_columns", "selected_pairs",
    "simulated_ratings", "subsample_imbalanced", "surrogate_labels", "unknown_data",
]

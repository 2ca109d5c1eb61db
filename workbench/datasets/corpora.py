"""Tiny text collections: the post-meeting statements of the Federal Open Market Committee.

Source and licence of every file: ``data/raw/SOURCES.md``.
"""

import json
import re

import pandas as pd

from workbench.datasets.lexicon import Lexicon, lexicon_score
from workbench.datasets.raw import raw_file

__all__ = ["fomc_scores", "fomc_statements", "outlook_lexicon"]

VOTES = re.compile("Voting (?:for|in favor of)")


def fomc_statements() -> pd.DataFrame:
    """Statements in the order of their dates, without the record of votes.

    Returns
    -------
    statements : DataFrame, shape (m, 4)
        ``id``, ``date`` [day], ``source`` and ``text``.
    """
    lines = raw_file("fomc-statements/statements.jsonl").read_text("utf-8").splitlines()
    statements = pd.DataFrame([json.loads(line) for line in lines])
    statements["date"] = pd.to_datetime(statements["date"])
    statements["text"] = [VOTES.split(text)[0].rstrip() for text in statements["text"]]
    return statements[["id", "date", "source", "text"]]


def outlook_lexicon() -> Lexicon:
    """The shipped word lists about the economic outlook."""
    text = raw_file("fomc-statements/lexicon_outlook.json").read_text("utf-8")
    return Lexicon.from_record(json.loads(text))


def fomc_scores() -> pd.DataFrame:
    """Statements scored by the outlook lexicon.

    Returns
    -------
    scores : DataFrame, shape (m, 5)
        ``document``, ``date`` [day], ``source``, ``score`` in -1 (worse) to 1 (better) and
        ``text``. The score of a statement without a hit is NaN.
    """
    lexicon = outlook_lexicon()
    scores = fomc_statements().rename(columns={"id": "document"})
    scores["score"] = [lexicon_score(text, lexicon) for text in scores["text"]]
    return scores[["document", "date", "source", "score", "text"]]

"""Oracle: sentences scored by hand."""

import math

import pytest

from workbench.datasets import Lexicon, lexicon_score

WORDS = Lexicon("outlook", frozenset({"strong", "gains"}), frozenset({"weak", "fell"}),
                frozenset({"not", "without"}))


@pytest.mark.parametrize(("text", "score"), [
    ("Spending was strong.", 1.0),
    ("Spending was weak.", -1.0),
    ("Strong gains, but exports fell.", 1 / 3),
    ("STRONG and WEAK", 0.0),
    ("not strong", -1.0),
    ("not at all strong", -1.0),
    ("not in any way strong", 1.0),
    ("without gains, not weak", 0.0),
    ("strong, not", 1.0),
    ("not not strong", -1.0),
    ("strong-willed strongly don't", math.nan),
    ("", math.nan),
    ("Nothing to report.", math.nan),
])
def test_matches_hand_scored_sentences(text, score):
    assert lexicon_score(text, WORDS) == pytest.approx(score, nan_ok=True)


@pytest.mark.parametrize(("value", "mapped"), [
    ("weak", 0.0), ("strong", 10.0), ("strong weak", 5.0), ("strong strong weak", 20 / 3)])
def test_matches_linear_map_to_the_scale(value, mapped):
    assert lexicon_score(value, WORDS, (0.0, 10.0)) == pytest.approx(mapped)


def test_identity_window_of_zero_ignores_negators():
    plain = Lexicon("outlook", WORDS.positive, WORDS.negative, WORDS.negators, window=0)
    assert lexicon_score("not strong", plain) == 1.0


def test_rejects_a_word_in_both_lists():
    with pytest.raises(ValueError, match=r"share no word, got 'weak'"):
        Lexicon("outlook", frozenset({"weak"}), frozenset({"weak"}), frozenset())


def test_rejects_a_negative_window():
    with pytest.raises(ValueError, match=r"window must be at least 0, got -1"):
        Lexicon("outlook", frozenset(), frozenset(), frozenset(), window=-1)

"""Texts as characters and windows."""

import numpy as np
import pytest

from workbench.core import generator
from workbench.datasets.text_domains import ALPHABET, encode, text_domains, windows


def test_matches_characters_there_and_back():
    text = "Rates, 3.5 %\n~ü\t"
    back = "".join(ALPHABET[code] for code in encode(text))
    assert back == "Rates, 3.5 %\n~??"
    assert encode(ALPHABET).tolist() == list(range(len(ALPHABET)))


def test_matches_four_domains_of_enough_text():
    found = text_domains()
    assert list(found) == ["statements", "manual", "code", "tables"]
    assert min(map(len, found.values())) > 100_000


def test_identity_windows_of_training_never_reach_the_test_part():
    text = "".join(ALPHABET[1 + k % 90] for k in range(2000))
    tokens, group, tests = windows({"a": text, "b": text[::-1]}, 200, 16, rng=generator(0))
    assert tokens.shape == (400, 16)
    assert np.bincount(group).tolist() == [200, 200]
    held = "".join(ALPHABET[code] for code in tests["a"].ravel())
    assert text[1800:].startswith(held)
    whole = encode(text)[:1800]
    places = [start for start in range(1785) if (whole[start:start + 16] == tokens[0]).all()]
    assert places


def test_rejects_short_texts():
    with pytest.raises(ValueError, match="at least ten windows of 16 characters, got 100"):
        windows({"a": "x" * 100}, 5, 16, rng=generator(0))

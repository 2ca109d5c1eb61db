"""The README's table of claims against the records of the benchmarks."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("claims", ROOT / "benchmarks" / "claims.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["claims"] = module
    spec.loader.exec_module(module)
    return module


def test_matches_the_records_of_the_benchmarks(table):
    text = table.README.read_text(encoding="utf-8")
    assert table.into_readme(text) == text


def test_matches_differences_by_seed(table):
    rows = [{"arm": arm, "seed": seed, "score": score} for arm, scores in (
        ("plain", (1.0, 2.0, 6.0)), ("ours", (2.0, 4.0, 7.0))) for seed, score in
        enumerate(scores)]
    seeds, before, after, gap = table.paired(rows[::-1], "score", ("plain", "ours"))
    assert seeds == 3
    assert before == pytest.approx((3.0, np.sqrt(7 / 3)))
    assert after[0] == pytest.approx(13 / 3)
    assert gap == pytest.approx((4 / 3, 1 / 3))


def test_identity_every_method_of_the_room_has_a_claim(table):
    named = {claim.method for claim in table.claims()}
    assert named == {"loss_based", "meta_rescaling", "bilevel", "robust_adversarial",
                     "separable_adversarial"}

"""A short version of benchmarks/validity.py, and the README's table."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))      # as for a script there

import _promises  # noqa: E402 - found on that path
import validity  # noqa: E402

QUICK, SLOW = 100, 40
PROMISES = validity.promises()
ERROR = 1e-5       # of one verdict


def named(promise):
    return f"{promise.method}: {promise.what}"


def verdict(promise, replications):
    seeds = np.random.SeedSequence(7).spawn(replications)
    return _promises.judged(_promises.kept(promise, replications, seeds), ERROR)


@pytest.mark.parametrize("promise", [pytest.param(
    each, marks=[pytest.mark.slow] if each.seconds > 0.05 else []) for each in PROMISES
    if not each.why and each.seconds < 0.5], ids=named)
def test_recovers_what_is_promised(promise):
    assert verdict(promise, SLOW if promise.seconds > 0.05 else QUICK) != "fails"


@pytest.mark.parametrize("promise", [each for each in PROMISES if each.why.startswith("control")],
                         ids=named)
def test_rejects_what_nobody_promises(promise):
    assert verdict(promise, QUICK) == "fails"


def loose(level, share, kind="equal"):
    return _promises.Promise("any", "any", "any", level, lambda rng: rng.random() < share, kind)


@pytest.mark.parametrize(("level", "share", "kind", "expected"), [
    (0.9, 0.9, "equal", "holds"), (0.9, 0.6, "equal", "fails"), (0.9, 1.0, "equal", "cautious"),
    (0.9, 1.0, "at least", "holds"), (0.9, 0.6, "at least", "fails"),
    (0.05, 0.0, "at most", "holds"), (0.05, 0.3, "at most", "fails"),
    (0.05, 0.3, "equal", "fails"), (0.05, 0.0, "equal", "cautious")])
def test_recovers_the_verdict_of_known_levels(level, share, kind, expected):
    assert verdict(loose(level, share, kind), 400) == expected


@pytest.mark.parametrize("count", [0, 1, 37, 99, 100])
def test_matches_the_exact_interval_of_scipy(count):
    wanted = binomtest(count, 100).proportion_ci(0.99, method="exact")
    assert _promises.band(count, 100, 0.01) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def test_identity_numbers_do_not_depend_on_the_number_of_workers():
    some = [each for each in PROMISES if each.seconds < 0.01][:2]
    alone, many = (_promises.measured(some, 30, 3, workers=n, chunks=4) for n in (1, 2))
    assert [each.successes for each in alone] == [each.successes for each in many]


def test_rejects_a_trial_that_breaks_by_name():
    def broken(rng):
        raise RuntimeError("no answer")

    with pytest.raises(RuntimeError) as caught:
        _promises.kept(_promises.Promise("odd", "interval", "any", 0.9, broken), 1, [3])
    assert "a trial of odd, interval, seeds from 3" in caught.value.__notes__[0]


def test_matches_the_committed_table_to_promises_and_readme():
    rows = json.loads((ROOT / "benchmarks/results/validity.json").read_text())
    assert [(row["method"], row["what"], row["nominal"]) for row in rows] == [
        (each.method, each.what, pytest.approx(each.level)) for each in PROMISES]
    assert all(row["replications"] >= 1000 for row in rows)
    assert not [row["what"] for row in rows if row["verdict"] == "fails" and not row["why"]]
    text = validity.README.read_text(encoding="utf-8")
    assert validity.into_readme(rows, text) == text

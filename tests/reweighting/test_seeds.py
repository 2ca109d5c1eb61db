"""Means over seeds against SciPy's one-sample t."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from workbench.core.rng import generator
from workbench.reweighting.seeds import mean_over_seeds, means_over_seeds


def test_matches_the_interval_of_a_one_sample_t():
    values = generator(0).normal(size=7)
    for level in (0.5, 0.9, 0.99):
        ends = ttest_1samp(values, 0).confidence_interval(level)
        found = mean_over_seeds(values, level=level)
        assert found.value == pytest.approx(values.mean())
        assert found.ends == pytest.approx((ends.low, ends.high))


def test_matches_groups_one_by_one_and_keeps_their_order():
    rows = pd.DataFrame({"kind": ["b"] * 4 + ["a"] * 3 + ["c"],
                         "share": generator(1).uniform(size=8)})
    found = means_over_seeds(rows, ["kind"], "share", level=0.8)
    assert list(found["kind"]) == ["b", "a", "c"]
    for at, kind in enumerate("ba"):
        one = mean_over_seeds(rows.loc[rows["kind"] == kind, "share"].to_numpy(), level=0.8)
        assert found.loc[at, "share"] == pytest.approx(one.value)
        assert tuple(found.loc[at, ["low", "high"]]) == pytest.approx(one.ends)
    assert found.loc[2, ["low", "high"]].isna().all()


def test_identity_intervals_are_cut_where_values_end():
    values = np.array([0.0, 1.0, 1.0])
    assert mean_over_seeds(values).ends[1] > 1
    assert mean_over_seeds(values, within=(0.0, 1.0)).ends == (0.0, 1.0)
    rows = pd.DataFrame({"at": 1, "value": values})
    cut = means_over_seeds(rows, ["at"], within=(0.0, 1.0))
    assert (cut.loc[0, "low"], cut.loc[0, "high"]) == (0.0, 1.0)


def test_rejects_an_interval_of_one_seed_or_of_a_diverged_training():
    assert mean_over_seeds(np.array([1.0])).why == "one seed"
    told = mean_over_seeds(np.array([1.0, np.nan, 2.0]))
    assert told.interval is None
    assert told.why == "a training diverged"

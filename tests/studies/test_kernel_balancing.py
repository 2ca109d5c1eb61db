"""The study on small parameters."""

import pytest

from workbench.studies import kernel_balancing as study


def test_every_number_has_an_interval_or_a_reason():
    for number in study.run(study.Params(**study.SMOKE)).summary.values():
        assert number.interval is not None or number.why


def test_identity_a_large_temperature_counts_all_the_same():
    result = study.run(study.Params(temperature=20.0, **study.SMOKE))
    assert result.summary["effective share"].value == pytest.approx(100, abs=2)

"""Oracle: name what the method is checked against; it shares no code with the method."""

import math

import numpy as np
import pytest

from workbench.inference.kernel_balancing import KernelBalancing


def test_identity_infinite_temperature_is_uniform():
    np.testing.assert_allclose(KernelBalancing(math.inf)(np.array([0.0, 1.0, 5.0])), 1 / 3)


def test_matches_two_scores_by_hand():
    np.testing.assert_allclose(KernelBalancing(1.0)(np.array([0.0, math.log(3)])), [0.25, 0.75])


def test_rejects_a_temperature_of_zero():
    with pytest.raises(ValueError, match="temperature must be positive, got 0"):
        KernelBalancing(0)

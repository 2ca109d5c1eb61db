"""How values become places on an axis."""

import numpy as np
import pandas as pd
import pytest

from workbench.plots.scales import Scale


@pytest.mark.parametrize(("values", "kind", "places"), [
    ([2.0, 4.0, 3.0], "linear", [0.0, 1.0, 0.5]),
    ([1.0, 100.0, 10.0], "log", [0.0, 1.0, 0.5]),
    ([-1.0, 100.0, 49.5], "linear", [0.0, 1.0, 0.5]),        # no logarithm of a negative number
    (["b", "a", "c"], "names", [0.5, 0.0, 1.0]),
    ([True, False], "names", [1.0, 0.0]),
    ([5.0, 5.0], "linear", [0.5, 0.5]),
    ([np.nan, 1.0, 3.0], "linear", [np.nan, 0.0, 1.0]),
    (["only"], "names", [0.5])])
def test_matches_places_between_both_ends(values, kind, places):
    column = pd.Series(values)
    scale = Scale.of(column)
    assert scale.kind == kind
    np.testing.assert_allclose(scale.places(column), places)


@pytest.mark.parametrize("values", [[2.0, 4.0, 3.0], [1.0, 1000.0, 30.0], ["b", "a", "c"]])
def test_identity_values_of_places_are_the_values(values):
    column = pd.Series(values)
    scale = Scale.of(column)
    back = [scale.value(place) for place in scale.places(column)]
    assert back == pytest.approx(values) if scale.kind != "names" else back == values


def test_matches_ticks_that_are_the_values_and_do_not_touch():
    few = pd.Series([0.0, 1.0, 0.5, 0.51])
    assert Scale.of(few).ticks(few) == [(0.0, "0"), (0.5, "0.5"), (1.0, "1")]
    many = pd.Series(np.linspace(0, 8, 50))
    assert [text for _, text in Scale.of(many).ticks(many)] == ["0", "2", "4", "6", "8"]

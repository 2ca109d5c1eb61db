"""More points than a browser draws are counted, each once, wherever a figure is zoomed to."""

import json

import holoviews as hv
import numpy as np
import pandas as pd
import pytest

from workbench.core import generator
from workbench.plots import counted
from workbench.plots.crowds import CELLS, COLOURS, MOST_RAW, SOURCE, Crowd, crowd_image
from workbench.plots.stills import figure_json
from workbench.plots.uncertainty import trend_bands

X, Y = hv.Dimension("x"), hv.Dimension("y")


@pytest.fixture
def crowd():
    draws = generator(0)
    return Crowd(draws.normal(size=100_000), draws.normal(size=100_000))


def bands_and_points(count):
    draws = generator(1)
    dates = pd.date_range("2000-01-01", periods=count, freq="h")
    points = pd.DataFrame({"date": dates, "score": draws.normal(50, 5, count),
                           "weight": draws.gamma(4, 0.25, count)})
    ends = pd.DataFrame({"date": dates[[0, -1]], "mean": 50.0, "low": 49.0, "high": 51.0,
                         "predictive_low": 40.0, "predictive_high": 60.0})
    return ends, points


@pytest.mark.parametrize("bounds", [None, (-1.0, -0.5, 0.5, 2.0), (0.1, 0.1, 0.1001, 0.2)])
def test_matches_a_histogram(crowd, bounds):
    left, bottom, right, top = bounds or crowd.ends()
    brute, _, _ = np.histogram2d(crowd.y, crowd.x, bins=CELLS[::-1],
                                 range=((bottom, top), (left, right)))
    counts = crowd.counts((left, bottom, right, top))
    assert counts.shape == CELLS[::-1]
    # A point on the border of two cells may fall to either.
    assert np.abs(np.nan_to_num(counts) - brute).sum() <= 4
    assert np.nansum(counts) == pytest.approx(brute.sum(), abs=2)
    assert not (counts == 0).any()             # nothing is drawn where nothing is


def test_identity_every_point_is_counted_once(crowd):
    assert np.nansum(crowd.counts(crowd.ends())) == len(crowd.x)


def test_matches_dates_as_milliseconds():
    dates = np.array(["2000-01-01", "2000-01-02", "NaT"], dtype="datetime64[ns]")
    crowd = Crowd(dates, np.array([1.0, 3.0, 2.0]))
    day = 86_400_000.0
    assert crowd.ends() == (10_957 * day, 1.0, 10_958 * day, 3.0)
    assert np.nansum(crowd.counts(crowd.ends())) == 2


def test_identity_rows_that_are_not_finite_are_left_out():
    x = np.array([0.0, 1.0, np.nan, np.inf, 2.0])
    y = np.array([0.0, 1.0, 5.0, 5.0, -np.inf])
    crowd = Crowd(x, y)
    assert crowd.ends() == (0.0, 0.0, 1.0, 1.0)
    assert np.nansum(crowd.counts(crowd.ends())) == 2


def test_identity_points_in_one_place_have_room():
    crowd = Crowd(np.full(5, 3.0), np.full(5, -1.0))
    assert crowd.ends() == (2.5, -1.5, 3.5, -0.5)
    assert np.nanmax(crowd.counts(crowd.ends())) == 5


def test_rejects_a_crowd_of_nothing():
    with pytest.raises(ValueError, match="must have a finite point, got 2 without"):
        Crowd(np.array([np.nan, 1.0]), np.array([1.0, np.inf])).ends()


def test_matches_the_part_that_is_zoomed_into(crowd):
    told = crowd.part((-0.5, 0.0, 0.5, 2.0))
    source, colours = told[SOURCE], told[COLOURS]
    assert (source["x"], source["y"], source["dw"], source["dh"]) == ([-0.5], [0.0], [1.0], [2.0])
    assert colours["high"] == np.nanmax(source["image"][0])
    empty = crowd.part((100.0, 100.0, 101.0, 101.0))
    assert np.isnan(empty[SOURCE]["image"][0]).all()
    assert empty[COLOURS]["high"] > 1          # a scale that starts at a single point needs more


def test_matches_the_drawing_to_its_names(crowd):
    image = crowd_image(crowd, X, Y, what="points")
    assert counted(image) == [crowd]
    names = {one.get("attributes", {}).get("name") for one in _models(figure_json(image))}
    assert {SOURCE, COLOURS} <= names
    assert "100,000 points, colour counts them" in figure_json(image)


@pytest.mark.parametrize(("count", "crowds"), [(MOST_RAW, 0), (MOST_RAW + 1, 1)])
def test_identity_scores_are_drawn_or_counted(count, crowds):
    figure = trend_bands(*bands_and_points(count))
    assert len(counted(figure)) == crowds


def test_identity_a_million_points_do_not_travel():
    drawn = figure_json(trend_bands(*bands_and_points(1_000_000)))
    assert len(drawn) < 1e6


@pytest.mark.parametrize("start", ["1945-01-01", "1970-01-01", "2000-01-01"])
@pytest.mark.parametrize("years", [1, 100])
def test_matches_the_place_of_dates_near_and_far(start, years):
    dates = pd.date_range(start, periods=50_000, freq=f"{years * 10}min").to_numpy()
    crowd = Crowd(dates, np.arange(50_000.0))
    image = crowd_image(crowd, X, Y, what="points")
    cell = (dates[-1] - dates[0]) / CELLS[0]
    assert [abs(end - date) < cell for end, date in
            zip(image.range(0), (dates[0], dates[-1]), strict=True)] == [True, True]
    assert SOURCE in figure_json(image)


def _models(text):
    """Everything in a document that has attributes."""
    found, left = [], [json.loads(text)]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            found.append(one)
            left += one.values()
        elif isinstance(one, list):
            left += one
    return found

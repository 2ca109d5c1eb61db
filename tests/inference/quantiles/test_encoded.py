"""Quantile models of tables: as a newcomer writes them, and against the two steps by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.metrics import make_scorer, mean_pinball_loss
from sklearn.model_selection import KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

from workbench.core import generator
from workbench.inference import (
    ConformalQuantileRegressor,
    EncodedQuantiles,
    LinearQuantiles,
    NestedConformalStack,
    QuantileAggregator,
    QuantileForest,
    StackedQuantileRegressor,
    coverage,
    table_encoder,
)

LEVELS = [0.1, 0.5, 0.9]


def world(n=240, seed=0):
    """Flats: a number with gaps, a count, two columns of words, one with gaps; an odd index."""
    rng = generator(seed)
    index = 7 * np.arange(n) + 3
    area = rng.gamma(9.0, 8.0, n)
    table = pd.DataFrame({
        "area": np.where(rng.random(n) < 0.1, np.nan, area), "rooms": rng.integers(1, 6, n),
        "town": pd.Series(rng.choice(["Ulm", "Bonn", None], n), dtype=object, index=index),
        "lift": pd.Categorical(rng.choice(["yes", "no"], n))}, index=index)
    noise = rng.normal(size=n) * np.where(table["lift"] == "yes", 5.0, 20.0)
    return table, pd.Series(2 * area + 10 * table["rooms"].to_numpy() + noise, index=index)


def test_recovers_intervals_of_a_table_in_ten_lines():
    table, price = world(400)
    new, truth = world(400, seed=1)
    exact = QuantileAggregator(local=False, solver="lp", penalty=0)
    stack = StackedQuantileRegressor(["linear", "qrf", "lgbm"], exact, random_state=0)
    model = ConformalQuantileRegressor(EncodedQuantiles(stack), quantile_levels=LEVELS,
                                       random_state=0)
    scorer = make_scorer(mean_pinball_loss, alpha=0.5)
    losses = cross_validate(clone(model), table, price, cv=2, scoring=scorer)["test_score"]
    low, high = model.fit(table, price).predict_interval(new, 0.8).T
    found = coverage(truth, low, high)
    assert losses.max() < mean_pinball_loss(price, np.full(len(price), price.median()))
    assert abs(found.value - 0.8) < 4 * np.sqrt(0.8 * 0.2 * (1 / 100 + 1 / 400))


def test_matches_the_two_steps_by_hand():
    table, price = world()
    amounts = generator(2).uniform(0.5, 2, len(table))
    model = EncodedQuantiles(QuantileForest(LEVELS, random_state=0, n_estimators=5))
    model.fit(table, price, amounts)
    encoder = table_encoder().fit(table)
    forest = QuantileForest(LEVELS, random_state=0, n_estimators=5)
    forest.fit(encoder.transform(table), price, amounts)
    by_hand = forest.predict_quantiles(encoder.transform(table))
    np.testing.assert_array_equal(model.predict_quantiles(table), by_hand)
    np.testing.assert_array_equal(model.predict(table), by_hand[:, 1])
    frame = model.predict_quantiles_frame(table)
    assert frame.index.equals(table.index)
    assert list(frame.columns) == LEVELS


class Witness(TransformerMixin, BaseEstimator):
    """Keeps which rows it was fitted to; hands on 1 for those, 0 for others."""

    def fit(self, X, y=None):  # noqa: ARG002 - the form of a transformer
        self.seen_ = set(X.index)
        return self

    def transform(self, X):
        return np.isin(X.index, list(self.seen_))[:, None].astype(float)


class Echo(BaseEstimator):
    """Predicts its feature."""

    def fit(self, X, y):  # noqa: ARG002 - the form of a model
        return self

    def predict_quantiles(self, X):
        return np.repeat(X, len(LEVELS), axis=1)


def test_identity_no_encoder_sees_the_rows_held_out():
    table, price = world(60)
    model = EncodedQuantiles(Echo(), Witness(), quantile_levels=LEVELS)
    for train, test in KFold(3).split(table):
        fitted = clone(model).fit(table.iloc[train], price.iloc[train])
        assert fitted.predict_quantiles(table.iloc[test]).max() == 0
        assert fitted.predict_quantiles(table.iloc[train]).min() == 1


def test_matches_an_encoder_that_learns_from_the_target():
    """Its `fit_transform` encodes each row without that row's own outcome."""
    table, price = world(60)
    towns = table[["town"]].fillna("none")
    encoder = TargetEncoder(cv=KFold(3))
    model = EncodedQuantiles(LinearQuantiles(LEVELS), encoder)
    encoded = clone(encoder).fit_transform(towns, price)
    np.testing.assert_array_equal(
        model.fit(towns, price).estimator_.coefficients_,
        LinearQuantiles(LEVELS).fit(encoded, price).coefficients_)


@pytest.mark.parametrize(("given", "inner", "used"), [
    (LEVELS, None, LEVELS), (None, [0.5], [0.5]), (LEVELS, [0.5], [0.5])])
def test_identity_levels_fill_those_that_are_missing(given, inner, used):
    table, price = world(40)
    model = EncodedQuantiles(LinearQuantiles(inner), quantile_levels=given).fit(table, price)
    assert model.levels_.tolist() == model.estimator_.levels_.tolist() == used


def test_matches_intervals_of_a_calibrated_stack():
    table, price = world(60)
    nested = NestedConformalStack(["linear"], QuantileAggregator(local=False, max_steps=0), cv=3,
                                  quantile_levels=LEVELS, random_state=0)
    model = EncodedQuantiles(nested).fit(table, price)
    np.testing.assert_array_equal(model.predict_interval(table, 0.8),
                                  model.predict_quantiles(table)[:, [0, 2]])
    with pytest.raises(ValueError, match="Wrap this model in ConformalQuantileRegressor"):
        EncodedQuantiles(LinearQuantiles(LEVELS)).fit(table, price).predict_interval(table)


def test_rejects_pipelines_and_tables_with_the_remedy():
    table, price = world(40)
    pipe = make_pipeline(table_encoder(), LinearQuantiles(LEVELS))
    with pytest.raises(ValueError, match=r"got Pipeline without it. Put .* EncodedQuantiles"):
        ConformalQuantileRegressor(pipe, quantile_levels=LEVELS).fit(table, price)
    for model in (StackedQuantileRegressor(["linear"]), QuantileForest()):
        for columns in (["area", "town"], ["lift"]):
            with pytest.raises(ValueError, match="could not convert") as failed:
                model.fit(table[columns], price)
            assert "EncodedQuantiles(model)" in failed.value.__notes__[0]
    with pytest.raises(TypeError) as failed:
        LinearQuantiles().fit(table[["rooms"]].assign(when=pd.Timestamp(0)), price)
    assert "EncodedQuantiles(model)" in failed.value.__notes__[0]
    with pytest.raises(ValueError, match="X contains NaN") as failed:
        LinearQuantiles().fit(table[["area"]], price)
    assert "EncodedQuantiles(model)" in failed.value.__notes__[0]
    with pytest.raises(ValueError, match="y contains NaN") as failed:
        LinearQuantiles().fit(table[["rooms"]], table["area"])
    assert not hasattr(failed.value, "__notes__")

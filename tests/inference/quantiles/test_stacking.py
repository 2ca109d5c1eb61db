"""Stacks: what is predicted by whom, against loops by hand; weights, tables, own objects."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import KFold, TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from workbench.core import generator
from workbench.inference.quantile_aggregation import QuantileAggregator
from workbench.inference.quantiles.baselines import SimpleAggregation
from workbench.inference.quantiles.forests import QuantileForest
from workbench.inference.quantiles.linear import LinearQuantiles
from workbench.inference.quantiles.out_of_fold import out_of_fold
from workbench.inference.quantiles.stacking import StackedQuantileRegressor

LEVELS = [0.1, 0.5, 0.9]
EXACT = {"resolution": "coarse", "local": False, "solver": "lp", "penalty": 0}


class Witness:
    """Says 1 for rows that it has been fitted to and 0 for others; knows no scikit-learn."""

    def __init__(self, levels=LEVELS):
        self.levels = levels
        self.seen = set()

    def fit(self, X, y):  # noqa: ARG002 - the form of a model
        self.seen = set(np.asarray(X)[:, 0])

    def predict_quantiles(self, X):
        known = [float(name in self.seen) for name in np.asarray(X)[:, 0]]
        return np.tile(np.array(known)[:, None], (1, len(self.levels)))


class Recorder:
    """An aggregator that keeps what it is given."""

    def fit(self, X, Z, y, **options):
        self.given = {"X": X, "Z": Z, "y": y, **options}

    def predict(self, X, Z):  # noqa: ARG002 - the form of an aggregator
        return Z[:, 0]


def world(n=120, seed=0):
    rng = generator(seed)
    X = rng.normal(size=(n, 2))
    return X, X[:, 0] + rng.normal(size=n)


def stack(**options):
    return StackedQuantileRegressor(
        **{"estimators": [("linear", LinearQuantiles()), ("qrf", QuantileForest(n_estimators=5))],
           "aggregator": QuantileAggregator(**EXACT), "quantile_levels": LEVELS, "cv": 3,
           "random_state": 0} | options)


def test_matches_folds_by_hand():
    X, y = world()
    amounts = generator(1).integers(0, 3, len(y)).astype(float)
    model = LinearQuantiles(LEVELS)
    Z = out_of_fold({"one": model, "two": QuantileForest(LEVELS, random_state=0)}, X, y,
                    quantile_levels=LEVELS, cv=4, sample_weight=amounts)
    for train, test in KFold(4).split(X):
        by_hand = clone(model).fit(X[train], y[train], amounts[train])
        np.testing.assert_array_equal(Z[test, 0], by_hand.predict_quantiles(X[test]))
    assert not hasattr(model, "levels_")
    parallel = out_of_fold([("one", model)], X, y, quantile_levels=LEVELS, cv=4,
                           sample_weight=amounts, n_jobs=2)
    np.testing.assert_array_equal(parallel[:, 0], Z[:, 0])


@pytest.mark.parametrize("cv", [5, KFold(3, shuffle=True, random_state=1), TimeSeriesSplit(4)])
def test_identity_no_row_is_predicted_by_a_model_that_saw_it(cv):
    X, y = world()
    Z = out_of_fold([Witness()], X, y, quantile_levels=LEVELS, cv=cv)
    assert np.nanmax(Z) == 0.0
    skipped = len(y) - sum(len(test) for _, test in
                           (KFold(5) if cv == 5 else cv).split(X))
    assert np.isnan(Z[:, 0, 0]).sum() == skipped
    given = stack(estimators=[Witness()], aggregator=Recorder(), cv=cv).fit(X, y).aggregator_.given
    assert given["Z"].max() == given["Z_val"].max() == 0.0
    assert len(given["y"]) + len(given["y_val"]) <= len(y)
    assert not set(given["X"][:, 0]) & set(given["X_val"][:, 0])


def test_matches_models_of_the_whole_training_part():
    X, y = world()
    fitted = stack(estimators=[("w", Witness())], aggregator=Recorder()).fit(X, y)
    seen = fitted.models_[0][1].seen
    given = fitted.aggregator_.given
    assert seen == set(given["X"][:, 0])
    assert len(given["y_val"]) == round(0.2 * len(y))
    last = stack(estimators=[("w", Witness())], aggregator=Recorder(), in_order=True).fit(X, y)
    assert set(last.aggregator_.given["y_val"]) == set(y[-24:])


def test_identity_a_weight_of_two_is_two_rows():
    X, y = world(60)
    amounts, fold = generator(1).integers(0, 4, 60), np.arange(60) % 3
    again = np.repeat(np.arange(60), amounts)
    found = []
    for at, weight in ((np.arange(60), amounts), (again, None)):
        cv = [(np.flatnonzero(fold[at] != one), np.flatnonzero(fold[at] == one))
              for one in range(3)]
        given = stack(aggregator=Recorder(), cv=cv).fit(X[at], y[at], weight).aggregator_.given
        assert not any(name.startswith("sample_weight") for name in given)
        assert len(given["y_val"]) == round(0.2 * len(again))
        found.append(given)
    for name in ("y", "Z", "y_val", "Z_val"):
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-9)


def test_identity_other_weights_reach_models_and_aggregator_in_any_unit():
    X, y = world(60)
    amounts = generator(1).uniform(0.5, 2, 60)
    found = [stack(aggregator=Recorder()).fit(X, y, scale * amounts).aggregator_.given
             for scale in (1.0, 1e-9)]
    kept = {float(truth): amount for truth, amount in zip(y, amounts, strict=True)}
    np.testing.assert_allclose(found[0]["sample_weight"] * amounts.mean(),
                               [kept[truth] for truth in found[0]["y"]])
    for name in ("Z", "sample_weight", "Z_val", "sample_weight_val"):
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-6)


def test_identity_rows_held_out_take_no_kind_of_row_away():
    rng = generator(2)
    X = rng.integers(0, 2, (300, 1)).astype(float)
    y = rng.integers(0, 3, 300).astype(float)
    given = stack(aggregator=Recorder()).fit(X, y).aggregator_.given
    kinds = {(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (1.0, 0.0), (1.0, 1.0), (1.0, 2.0)}
    for part in ("", "_val"):
        assert set(zip(given["X" + part][:, 0], given["y" + part], strict=True)) == kinds


def test_matches_already_fitted_models():
    X, y = world(200)
    known = LinearQuantiles(LEVELS).fit(X[:100], y[:100])
    fitted = stack(estimators=[("known", known)], cv="prefit").fit(X[100:], y[100:])
    assert fitted.models_[0][1] is known
    np.testing.assert_allclose(fitted.predict_quantiles(X), known.predict_quantiles(X), rtol=1e-9,
                               atol=1e-12)

    class Finished:
        predict_quantiles = known.predict_quantiles

    mixed = stack(estimators=[("known", Finished()), ("linear", LinearQuantiles())])
    mixed.fit(X[100:], y[100:])
    np.testing.assert_array_equal(mixed.base_quantiles(X)[:, 0], known.predict_quantiles(X))


def test_identity_one_model_is_returned_and_weights_add_up():
    X, y = world()
    one = stack(estimators=["linear"]).fit(X, y)
    np.testing.assert_allclose(one.predict_quantiles(X), one.base_quantiles(X)[:, 0], rtol=1e-12)
    two = stack().fit(X, y)
    np.testing.assert_allclose(two.weights_by_model(X).sum(axis=1), 1.0)
    assert two.names_ == ["linear", "qrf"]


def test_matches_pipelines_tables_clones_and_cross_validation():
    X, y = world(150)
    table = pd.DataFrame(X, columns=["a", "b"], index=np.arange(150) + 1000)
    fitted = stack().fit(table, y)
    frame = fitted.predict_quantiles_frame(table)
    assert frame.index.equals(table.index)
    assert list(frame.columns) == LEVELS
    np.testing.assert_array_equal(frame[0.5], fitted.predict(table))
    again = clone(fitted).fit(table, y)
    np.testing.assert_array_equal(again.predict(table), fitted.predict(table))
    pipe = make_pipeline(StandardScaler(), stack())
    scores = cross_validate(pipe, table, y, cv=3)["test_score"]
    assert (scores > 0).all()


@pytest.mark.parametrize(("options", "told"), [
    ({"cv": [([0, 1], [1, 2])]}, "got 1 rows in both parts"),
    ({"cv": [([0], [1]), ([0], [1])]}, "1 rows held out more often"),
    ({"estimators": [LinearQuantiles(), LinearQuantiles()]}, "names that differ"),
    ({"estimators": []}, r"names that differ, got \[\]"),
    ({"estimators": "linear"}, "must be a list of models or names, got 'linear'"),
    ({"estimators": LinearQuantiles()}, r"got LinearQuantiles\(\). Put it into a list"),
    ({"validation_share": 1.0}, r"validation_share must lie in \[0, 1\)"),
    ({"aggregator": QuantileAggregator([0.5])}, "stack and aggregator must be the same"),
    ({"estimators": [LinearQuantiles([0.5])]}, "levels of LinearQuantiles must be those")])
def test_rejects_folds_names_and_levels_that_do_not_fit(options, told):
    X, y = world(30)
    with pytest.raises(ValueError, match=told):
        stack(**options).fit(X, y)


def test_rejects_with_the_name_of_the_model_that_failed():
    class Failing(Witness):
        def fit(self, X, y):  # noqa: ARG002 - the form of a model
            raise RuntimeError("no")

    with pytest.raises(RuntimeError) as failed:
        stack(estimators=[("broken", Failing())]).fit(*world(30))
    assert "base model 'broken'" in failed.value.__notes__[0]


def test_matches_the_average_of_its_models_by_a_rule():
    X, y = world()
    fitted = stack(aggregator=SimpleAggregation()).fit(X, y)
    expected = np.sort(fitted.base_quantiles(X).mean(axis=1), axis=1)
    np.testing.assert_allclose(np.sort(fitted.predict_quantiles(X), axis=1), expected, atol=1e-12)

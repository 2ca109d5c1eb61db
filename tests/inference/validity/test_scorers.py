"""Oracles: scikit-learn's own searches and splits, counts of readings over processes."""

import copy
import multiprocessing
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    PredefinedSplit,
    RandomizedSearchCV,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from workbench.inference import (
    BudgetExhaustedError,
    HoldoutSplit,
    ReusableHoldoutScorer,
    accuracy_by_row,
    brier_by_row,
)

SPLIT = HoldoutSplit(0.5, seed=1)
LOOSE = {"threshold": 0.05, "sigma": 0.002}
DEPTHS = {"max_depth": [1, 2, 3, 5, 8, 12]}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 30))
    return X, (X[:, 0] + rng.normal(size=600) > 0).astype(int)


def scorer_for(rows, **more):
    return ReusableHoldoutScorer(*SPLIT.parts(*rows), **{**LOOSE, **more})


def search(rows, scorer, kind=GridSearchCV, **more):
    model = DecisionTreeClassifier(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)     # refused candidates are NaN
        return kind(model, DEPTHS, scoring=scorer, cv=SPLIT, refit=False, **more).fit(*rows)


def test_identity_a_score_of_the_plain_holdout_without_threshold_and_noise(rows):
    """With the least noise and no threshold, the search is scikit-learn's own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scorer = scorer_for(rows, threshold=0.0, sigma=1e-12, budget=None)
        found = search(rows, scorer)
    fold = np.full(600, -1)
    fold[next(SPLIT.split(*rows))[1]] = 0
    plain = GridSearchCV(DecisionTreeClassifier(random_state=0), DEPTHS, refit=False,
                         cv=PredefinedSplit(fold)).fit(*rows)
    np.testing.assert_allclose(found.cv_results_["mean_test_score"],
                               plain.cv_results_["mean_test_score"], atol=1e-9)


@pytest.mark.parametrize("kind", [GridSearchCV, RandomizedSearchCV])
def test_matches_a_search_to_its_budget(rows, kind):
    more = {"n_iter": 6, "random_state": 0} if kind is RandomizedSearchCV else {}
    scorer = scorer_for(rows, budget=2)
    found = search(rows, scorer, kind, **more)
    scores = found.cv_results_["mean_test_score"]
    ledger = scorer.ledger()
    assert scorer.asked == len(ledger) == 6
    assert ledger["used_holdout"].sum() == 2
    assert scorer.remaining == 0
    np.testing.assert_allclose(np.sort(scores), np.sort(ledger["answer"]))
    assert np.isnan(scores).sum() == (ledger["flag"] == "refused").sum() > 0
    assert not np.isnan(scores[found.best_index_])


@pytest.mark.slow
def test_matches_processes_to_one_budget(rows):
    scorer = scorer_for(rows, budget=3)
    found = search(rows, scorer, n_jobs=2)
    again = search(rows, scorer, n_jobs=2)
    assert scorer.ledger()["used_holdout"].sum() == 3
    assert scorer.asked == 12
    assert scorer.ledger()["query"].tolist() == list(range(1, 13))
    assert np.isnan(again.cv_results_["mean_test_score"]).all()
    assert not np.isnan(found.cv_results_["mean_test_score"]).all()


def test_matches_clones_copies_and_pickles_to_one_account(rows):
    scorer = scorer_for(rows, budget=2)
    model = DecisionTreeClassifier(random_state=0).fit(*SPLIT.parts(*rows)[0])
    cloned = clone(GridSearchCV(model, DEPTHS, scoring=scorer, cv=SPLIT)).scoring
    for other in (cloned, copy.deepcopy(scorer), copy.copy(scorer),
                  pickle.loads(pickle.dumps(scorer))):
        other(model)
    assert scorer.asked == 4
    assert scorer.remaining == 0
    assert scorer.ledger()["flag"].tolist() == ["", "", "refused", "refused"]


def test_matches_threads_to_one_budget(rows):
    scorer = scorer_for(rows, budget=3)
    model = DecisionTreeClassifier(random_state=0).fit(*SPLIT.parts(*rows)[0])
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: scorer(model), range(20)))
    assert scorer.ledger()["query"].tolist() == list(range(1, 21))
    assert scorer.ledger()["used_holdout"].sum() == 3
    assert np.sum(~np.isnan(told)) == 3


def ask(scorer, model, count):
    for _ in range(count):
        scorer(model)


@pytest.mark.slow
def test_matches_readings_at_once_to_the_budget(rows):
    """Three processes that ask at the same time cannot read more than the budget together."""
    scorer = scorer_for(rows, budget=5)
    model = DecisionTreeClassifier(random_state=0).fit(*SPLIT.parts(*rows)[0])
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=ask, args=(scorer, model, 6)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=120)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    ledger = scorer.ledger()
    assert len(ledger) == 18
    assert ledger["used_holdout"].sum() == 5
    assert ledger["answer"].dropna().nunique() == 5               # no noise is drawn twice
    assert ledger["remaining"].tolist() == sorted(ledger["remaining"], reverse=True)


def test_matches_an_account_that_is_opened_again(rows, tmp_path):
    path = str(tmp_path / "my {own} holdout é.account")
    model = DecisionTreeClassifier(random_state=0).fit(*SPLIT.parts(*rows)[0])
    first = scorer_for(rows, budget=2, account=path)
    told = [first(model), first(model)]
    again = scorer_for(rows, budget=2, account=path)
    assert again.remaining == 0
    assert np.isnan(again(model))
    other = scorer_for(rows, budget=2)
    assert [other(model), other(model)] == told                    # the same seed
    with pytest.raises(ValueError, match="differs in budget"):
        scorer_for(rows, budget=50, account=path)
    X, y = rows
    with pytest.raises(ValueError, match="differs in holdout, train"):
        scorer_for((X + 1, y), budget=2, account=path)


def test_matches_searches_that_are_given_training_rows_only(rows):
    """The holdout stays with the scorer, so that refitting cannot touch it."""
    train, holdout = SPLIT.parts(*rows)
    scorer = ReusableHoldoutScorer(train, holdout, **LOOSE)
    found = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]},
                         scoring=scorer, cv=HoldoutSplit(0)).fit(*train)
    assert found.best_estimator_.tree_.n_node_samples[0] == len(train[1])
    assert scorer.asked == 2
    truth = np.mean(found.best_estimator_.predict(holdout[0]) == holdout[1])
    assert abs(found.best_score_ - truth) < 0.1


def test_matches_training_scores_that_cost_nothing(rows):
    scorer = scorer_for(rows, budget=50)
    found = search(rows, scorer, return_train_score=True)
    assert scorer.asked == 6
    (X, y), _ = SPLIT.parts(*rows)
    plain = [DecisionTreeClassifier(random_state=0, max_depth=depth).fit(X, y).score(X, y)
             for depth in DEPTHS["max_depth"]]
    np.testing.assert_allclose(found.cv_results_["mean_train_score"], plain)


def test_matches_tables_pipelines_and_probabilities(rows):
    X, y = pd.DataFrame(rows[0]), pd.Series(np.where(rows[1], "yes", "no"))
    scorer = ReusableHoldoutScorer(*SPLIT.parts(X, y), values=brier_by_row, **LOOSE)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    told = cross_val_score(model, X, y, scoring=scorer, cv=SPLIT)
    (train, holdout) = SPLIT.parts(X, y)
    probability = model.fit(*train).predict_proba(holdout[0])[:, 1]
    assert told[0] == pytest.approx(np.mean(1 - (probability - (holdout[1] == "yes"))**2),
                                    abs=0.06)


def test_matches_sparse_rows(rows):
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(rows[0])
    scorer = ReusableHoldoutScorer(*SPLIT.parts(sparse, rows[1]), **LOOSE)
    assert 0.5 < cross_val_score(LogisticRegression(), sparse, rows[1], scoring=scorer,
                                 cv=SPLIT)[0] < 0.95


def test_matches_a_split_by_class_and_by_group():
    X, y = np.zeros((300, 1)), np.repeat([0, 1, 2], [30, 90, 180])
    ((train, holdout),) = HoldoutSplit(1 / 3, seed=4).split(X, y)
    assert sorted([*train, *holdout]) == list(range(300))
    assert np.bincount(y[holdout]).tolist() == [10, 30, 60]
    groups = np.repeat(np.arange(60), 5)
    ((train, holdout),) = HoldoutSplit(0.5).split(X, y, groups)
    assert not set(groups[train]) & set(groups[holdout])
    assert len(set(groups[holdout])) == 30
    assert HoldoutSplit(0.5, seed=4) == HoldoutSplit(0.5, seed=4)
    assert [len(part) for part in next(HoldoutSplit(0).split(X))] == [300, 0]


def test_rejects_every_way_to_the_raw_holdout(rows):
    scorer = scorer_for(rows)
    model = DecisionTreeClassifier(random_state=0).fit(*SPLIT.parts(*rows)[0])
    answer = scorer(model)
    holdout = SPLIT.parts(*rows)[1]
    raw = float(accuracy_by_row(model, *holdout).mean())
    assert answer != raw
    public = {name: getattr(scorer, name) for name in dir(scorer) if not name.startswith("_")}
    public = {name: value() if name == "ledger" else value for name, value in public.items()}
    assert f"{raw}" not in f"{public} {scorer!r}"
    assert not any(value is part for value in public.values() for part in holdout)
    assert not np.isclose(public["ledger"].select_dtypes("number"), raw, atol=1e-9).any()


def test_rejects_more_than_the_budget_where_that_is_an_error(rows):
    scorer = scorer_for(rows, budget=1, on_exhausted="raise")
    model = DecisionTreeClassifier(random_state=0).fit(*SPLIT.parts(*rows)[0])
    scorer(model)
    with pytest.raises(BudgetExhaustedError, match="All 1 readings of the budget are spent"):
        scorer(model)
    assert scorer.ledger()["flag"].tolist() == ["", "refused"]
    trouble = pickle.loads(pickle.dumps(BudgetExhaustedError("gone")))
    assert str(trouble) == "gone"


def test_rejects_other_rows_and_settings(rows, tmp_path):
    scorer, (X, y) = scorer_for(rows), rows
    model = DecisionTreeClassifier(random_state=0).fit(*SPLIT.parts(*rows)[0])
    with pytest.raises(ValueError, match=r"X must be the training rows or the holdout .* 600 oth"):
        scorer(model, X, y)
    with pytest.raises(ValueError, match="y must be given with X"):
        scorer(model, X)
    with pytest.raises(ValueError, match="values must be a function"):
        scorer_for(rows, values="roc_auc")
    with pytest.raises(ValueError, match="size must lie"):
        HoldoutSplit(1.0)
    with pytest.raises(ValueError, match="size must leave rows on both sides"):
        next(HoldoutSplit(0.01).split(np.zeros(5)))
    with pytest.raises(ValueError, match="account must lie in a folder that exists"):
        scorer_for(rows, account=str(tmp_path / "no" / "such.account"))
    (tmp_path / "text.account").write_text("no database, but long enough to look like one" * 50)
    with pytest.raises(ValueError, match="account must be a file of this library"):
        scorer_for(rows, account=str(tmp_path / "text.account"))


def test_rejects_rows_that_protect_nothing_and_parts_that_are_none(rows, tmp_path):
    X, y = rows
    with pytest.raises(ValueError, match="holdout must be other rows than train, got the same"):
        ReusableHoldoutScorer(rows, (X.copy(), list(y)))
    with pytest.raises(ValueError, match=r"train must be a pair \(X, y\), got a ndarray"):
        ReusableHoldoutScorer(X, rows)
    with pytest.raises(ValueError, match=r"account must be a file, but .* is a folder"):
        scorer_for(rows, account=str(tmp_path))
    path = str(tmp_path / "kept.account")
    scorer_for(rows, account=path)
    with pytest.raises(ValueError, match="differs in value_range"):
        scorer_for(rows, account=path, value_range=(0, 2))
    assert scorer_for(rows, budget=np.int64(5)).remaining == 5


@pytest.mark.parametrize(("more", "words"), [
    ({"y": np.zeros(5)}, "X and y must have one entry per row each, but X has 10, y has 5"),
    ({"groups": np.arange(5)}, "X and groups must have one entry per row each"),
    ({"X": 5}, "X and y must be tables or arrays with rows, got 5")])
def test_rejects_splits_of_different_lengths(more, words):
    with pytest.raises(ValueError, match=words):
        next(HoldoutSplit(0.5).split(**{"X": np.zeros(10), **more}))


def test_matches_groups_of_any_type_and_missing_classes():
    groups = np.array([1, "a", None, 1, "a", None], dtype=object)
    ((train, holdout),) = HoldoutSplit(0.4).split(np.zeros(6), None, groups)
    assert not {groups[at] for at in train} & {groups[at] for at in holdout}
    y = np.repeat([0.0, 1.0, np.nan], 40)
    ((_, holdout),) = HoldoutSplit(0.5).split(np.zeros(120), y)
    assert np.isnan(y[holdout]).sum() == 20


def test_identity_outcomes_in_a_column_and_images_are_scored_alike(rows):
    X, y = rows
    model = DecisionTreeClassifier(random_state=0).fit(*SPLIT.parts(*rows)[0])
    assert scorer_for((X, y[:, None]))(model) == scorer_for(rows)(model)
    assert brier_by_row(model, X, y[:, None]).tolist() == brier_by_row(model, X, y).tolist()
    images = ReusableHoldoutScorer(*SPLIT.parts(X.reshape(600, 5, 6), y), constant, **LOOSE)
    assert images(model) == 0.5


def constant(estimator, X, y):
    return np.full(len(y), 0.5)


def twice(estimator, X, y):
    return 2 * accuracy_by_row(estimator, X, y)


def test_rejects_scores_outside_their_range(rows):
    scorer = scorer_for(rows, values=twice)
    model = DecisionTreeClassifier(random_state=0).fit(*SPLIT.parts(*rows)[0])
    with pytest.raises(ValueError, match=r"values in \[0, 1\]"):
        scorer(model)
    assert scorer.asked == 0
    assert scorer_for(rows, values=twice, value_range=(0, 2))(model) > 1


def test_matches_a_certificate_to_the_queries_asked(rows):
    scorer = scorer_for(rows)
    assert not scorer.certify(0.1).holds
    assert scorer.certify(0.1, queries=100).tau > scorer.certify(0.1).tau

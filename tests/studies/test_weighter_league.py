"""The league: an honest table, weighters that fail in it, own files, and figures."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

torch = pytest.importorskip("torch")

from tests.reweighting.owners import Descent, MetaGroups  # noqa: E402
from workbench.core import ParameterError, Result, generator  # noqa: E402
from workbench.reweighting import Trials, register, registry  # noqa: E402
from workbench.reweighting.league.tasks import read_example  # noqa: E402
from workbench.studies import weighter_league as study  # noqa: E402
from workbench.studies.views.league import ranked_rows  # noqa: E402
from workbench.studies.views.league_table import corrected_mean, league_table  # noqa: E402
from workbench.studies.views.league_words import headline  # noqa: E402

QUICK = {"splits": 3, "epochs": 2, "rows": 150}


def run(**values):
    return study.run(study.Params(**values))


@pytest.fixture(autouse=True)
def _own_names(monkeypatch):
    monkeypatch.setattr(registry, "OWN", {})


@pytest.fixture(scope="module")
def smoke():
    return run(**study.SMOKE)


class FirstClass:
    """It teaches one class alone, which must lose."""

    needs = frozenset({"group"})

    def __call__(self, batch):
        amounts = (batch.group == 0).to(batch.losses) + 1e-9
        return amounts / amounts.sum()


class Nothing:
    def __call__(self, losses):
        return losses * math.nan


class Own(Descent):
    """As equal weights."""


def test_matches_tests_and_intervals_by_hand():
    register("first_class", FirstClass)
    result = run(weighters="linupper, first_class, quadratic", **QUICK)
    league = result.tables["league"].set_index("weighter")
    wide = result.tables["scores"].pivot_table(index="seed", columns="weighter",
                                               values="accuracy")
    tests = 45 / 150
    found = {}
    for name in ("linupper", "first_class", "quadratic"):
        gaps = wide[name] - wide["uniform"]
        error = gaps.std(ddof=1) * math.sqrt(1 / 3 + tests / (1 - tests))
        assert league.loc[name, "gain"] == pytest.approx(gaps.mean())
        p = 2 * stats.t.sf(abs(gaps.mean()) / error, 2) if error else 1.0
        found[name] = p
        assert league.loc[name, "p"] == pytest.approx(p)
        if error:
            half = stats.t.ppf(0.95, 2) * error
            assert league.loc[name, ["low", "high"]].tolist() == pytest.approx(
                [gaps.mean() - half, gaps.mean() + half])
    ordered = sorted(found, key=found.get)
    adjusted = np.maximum.accumulate([min(1, (3 - at) * found[name])
                                      for at, name in enumerate(ordered)])
    assert league.loc[ordered, "adjusted"].tolist() == pytest.approx(adjusted)
    means = wide.mean()
    assert league["accuracy"].to_dict() == pytest.approx(means[league.index].to_dict())


def test_recovers_that_one_class_alone_is_worse():
    register("first_class", FirstClass)
    result = run(weighters="first_class, linupper", splits=5, epochs=3, wrong_labels=0.0)
    league = result.tables["league"].set_index("weighter")
    assert league.loc["first_class", "verdict"] == "worse than uniform"
    assert league.loc["first_class", "worst"] == 0
    assert league.loc["first_class", "effective"] < 0.6
    assert league.index[-1] == "uniform"
    assert "Worse than uniform weights: first_class." in result.summary.notes[0]


def test_identity_equal_weights_cannot_be_told_from_uniform():
    register("own", Own)
    result = run(weighters="own", **QUICK)
    row = result.tables["league"].iloc[0]
    assert row["gain"] == pytest.approx(0, abs=1e-9)
    assert row["verdict"] == "cannot be told from uniform"
    assert row["effective"] == pytest.approx(1)
    assert result.summary.notes[0].startswith("Nothing separates from uniform weights")


def test_matches_weighters_that_fail_in_words():
    def broken():
        raise ValueError("no wheels")
    for name, make in (("nothing", Nothing), ("meta", MetaGroups), ("broken", broken)):
        register(name, make)
    result = run(weighters="nothing, meta, broken, linupper", **QUICK)
    league = result.tables["league"].set_index("weighter")
    assert league.loc["nothing", ["status", "step", "splits"]].tolist() == ["stopped", 0, 0]
    assert league.loc["broken", "status"] == "left out"
    assert league.loc["meta", "status"] == "finished"
    notes = " ".join(result.summary.notes)
    assert "nothing: stopped at step 0. Nothing must give each row one weight >= 0" in notes
    assert "broken: left out. no wheels" in notes
    numbers = run(data="yacht", weighters="meta, linupper", splits=2, epochs=1)
    league = numbers.tables["league"].set_index("weighter")
    assert league.loc["meta", "status"] in ("left out", "failed")      # numbers have no groups
    assert league.loc["linupper", "status"] == "finished"
    for told in (result, numbers):
        assert set(study.figures(told)) == {"league", "weights", "training"}
        assert study.downloads(told, None)["rows_up_and_down.csv"]()
    only = run(weighters="nothing", **QUICK)
    assert "nothing to compare" in only.summary.notes[0]
    assert set(study.figures(only)) == {"league", "weights", "training"}


def test_matches_a_divergent_weighter_with_its_step():
    class Wild(Descent):
        def step(self, state, step):
            state, told = super().step(state, step)
            if step.step == 3:
                with torch.no_grad():
                    for param in step.params.values():
                        param.fill_(math.inf)
            return state, told
    register("wild", Wild)
    result = run(weighters="wild, linupper", **QUICK)
    row = result.tables["league"].set_index("weighter").loc["wild"]
    assert row[["status", "step"]].tolist() == ["diverged", 4]
    assert "wild: diverged at step 4. losses are not finite" in " ".join(result.summary.notes)
    assert math.isnan(row["gain"])


def test_identity_gains_without_spread_are_not_tested():
    seeds, names = [0, 1] * 2, ["uniform"] * 2 + ["own"] * 2
    scores = pd.DataFrame({"weighter": names, "seed": seeds, "name": "test", "loss": 1.0,
                           "accuracy": [0.5, 0.6, 0.4, 0.5], "worst": 0.5})
    fates = pd.DataFrame({"weighter": names, "seed": seeds, "status": "finished", "step": 9,
                          "why": "", "rows": 1.0})
    history = pd.DataFrame({"weighter": names, "effective_size": [8.0, 8.0, 4.0, 2.0]})
    weights = pd.DataFrame({"uniform": [1.0, 1.0], "own": [1.5, 0.5]})
    league = league_table(Trials(scores, history, weights, weights, fates), ["own"],
                          measure="accuracy", ratio=0.3).set_index("weighter")
    assert league.loc["own", "gain"] == pytest.approx(-0.1)
    assert league.loc["own", ["p", "adjusted", "low"]].isna().all()
    assert league.loc["own", "verdict"] == "cannot be told from uniform"
    assert league.loc["own", "effective"] == pytest.approx(4 / (2 * 2.5))
    assert league.loc["own", "in_step"] == pytest.approx(3 / 8)


def test_identity_untested_gains_do_not_count_among_the_tests():
    """One weighter gains the same on every split, which no test can divide by; one is tested."""
    seeds, names = [0, 1] * 3, ["uniform"] * 2 + ["same"] * 2 + ["other"] * 2
    scores = pd.DataFrame({"weighter": names, "seed": seeds, "name": "test", "loss": 1.0,
                           "accuracy": [0.5, 0.6, 0.4, 0.5, 0.5, 0.4], "worst": 0.5})
    fates = pd.DataFrame({"weighter": names, "seed": seeds, "status": "finished", "step": 9,
                          "why": "", "rows": 1.0})
    weights = pd.DataFrame(1.0, index=range(2), columns=["uniform", "same", "other"])
    trials = Trials(scores, scores.assign(effective_size=2.0, epoch=0), weights, weights, fates)
    league = league_table(trials, ["same", "other"], measure="accuracy", ratio=0.3)
    tested = league.set_index("weighter")
    assert tested.loc["other", "adjusted"] == tested.loc["other", "p"]
    told = headline(study.Params(), (read_example("table").taken(np.arange(2)), trials,
                                     pd.DataFrame({"wrong": [0, 0], "outlier": [0, 0]})),
                    league, "accuracy")
    assert "no p value of 1 weighters is" in told.summary.notes[0]


def test_matches_the_share_tested_on_where_classes_are_thinned(monkeypatch):
    """Test rows are 30 % of all rows, however few are trained on and however many the splits."""
    found = []
    plain = study.league_table
    monkeypatch.setattr(study, "league_table", lambda *given, **named: (
        found.append(named["ratio"]), plain(*given, **named))[1])
    result = run(weighters="linupper", splits=16, epochs=1, rows=100, imbalance=2.0,
                 wrong_labels=0.0)
    trained = result.tables["rows"]["trained"]
    assert trained.min() > 0
    assert found[0] == pytest.approx(30 / (30 + trained.sum() / 16))
    assert 30 + trained.sum() / 16 < 100
    assert any(note.startswith("Steps have") for note in result.summary.notes)


def test_matches_numbers_with_intervals_and_figures(smoke):
    for name, number in smoke.summary.items():
        assert number.interval is not None or number.why, name
        assert math.isfinite(number.value), name
    assert len(smoke.summary) == 4
    found = study.figures(Result(smoke.summary, smoke.tables))
    assert list(found) == ["league", "weights", "training"]
    other = study.figures(smoke, study.VIEW(rows_of="quadratic"))["weights"]
    drawn = str([element.opts.get("plot").kwargs.get("title") for element in other])
    assert "Who is weighted up and down, quadratic" in drawn


def test_matches_rows_up_and_down(smoke):
    ranked = ranked_rows(smoke, "linupper")
    assert len(ranked) == 40
    rows = smoke.tables["rows"]["weight, linupper"].dropna()
    assert ranked["weight"].iloc[0] == rows.max()
    assert ranked["weight"].iloc[-1] == rows.min()
    assert ranked["rank"].iloc[-1] == len(rows)
    assert ranked["what"].str.startswith("mean radius").all()


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    rng = generator(2)
    x = rng.normal(size=(120, 2))
    folder = tmp_path_factory.mktemp("own")
    table = pd.DataFrame(x, columns=["a", "b"]).assign(
        cost=3 * x[:, 0] + rng.normal(size=120), kind=np.where(x[:, 1] > 0, "high", "low"),
        said=[f"{'warm' if one > 0 else 'cold'} day number{at % 9}" for at, one in
              enumerate(x[:, 1])])
    table.to_csv(folder / "my {own} table é.csv", index=False)
    np.savez(folder / "own.npz", images=rng.random((90, 5, 5)), labels=np.arange(90) % 3)
    return folder


@pytest.mark.parametrize(("file", "values", "unit"), [
    ("my {own} table é.csv", {"target": "cost"}, "variances of the target"),
    ("my {own} table é.csv", {"target": "kind"}, "share"),
    ("my {own} table é.csv", {"target": "kind", "text": "said", "measure": "loss"}, "nats"),
    ("own.npz", {"measure": "worst class"}, "share")])
def test_matches_data_of_the_user(own, file, values, unit):
    params = study.Params(data=str(own / file), weighters="linupper", **QUICK, **values)
    result = study.run(params)
    gain = result.summary["largest gain over uniform: linupper"]
    assert gain.unit == unit
    assert result.tables["rows"]["wrong"].sum() == 0             # nothing is spoilt unasked
    assert "on purpose" not in " ".join(result.summary.notes)
    assert set(study.figures(result)) == {"league", "weights", "training"}
    assert isinstance(study.read_notes(params), tuple)
    spoilt = run(data=str(own / file), weighters="linupper", spoil_own=True, **QUICK, **values)
    assert spoilt.tables["rows"]["wrong"].sum() > 0


@pytest.mark.parametrize(("values", "words"), [
    ({"weighters": "linuper"}, "Did you mean 'linupper'"),
    ({"weighters": "linupper, /tmp/evil.py"}, "weighters must be one of"),
    ({"weighters": "uniform"}, "weighters must name at least one beside uniform"),
    ({"weighters": " , "}, "weighters must name at least one beside uniform"),
    ({"data": "no-such-file.csv"}, "got 'no-such-file.csv', which is neither"),
    ({"splits": 1}, "splits must be a whole number >= 2")])
def test_rejects_what_no_run_could_use(values, words):
    with pytest.raises(ParameterError, match=words):
        study.Params(**values)


def test_rejects_a_measure_of_classes_for_numbers():
    with pytest.raises(ValueError, match="measure must be 'loss' or 'auto' where a number"):
        run(data="yacht", measure="accuracy", **QUICK)


def test_identity_interval_of_one_number_is_none():
    assert corrected_mean([0.5], 0.3).why == "one split"
    assert corrected_mean([0.5, 0.5], 0.3).why == "the same on every split"
    assert corrected_mean([0.5, math.nan], 0.3).why == "a training did not end well"


def test_matches_every_known_weighter_by_default():
    assert study.names_of("all") == [name for name in registry.weighter_names()
                                     if name != "uniform"]
    assert "lagged" in study.names_of("all")

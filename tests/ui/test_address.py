"""The address holds the state of a page."""

import pytest

from workbench import catalog, runs
from workbench.studies import loss_landscape_phases
from workbench.ui import address


@pytest.mark.parametrize("values", [
    {}, {"n": 7}, {"word": "ä b&c=d?#", "seed": 3}, {"limit": 2.5, "sizes": [1, 2.5]},
    {"flag": True, "kind": "square", "share": 0.125}, {"word": ""}], ids=str)
def test_identity_address_gives_back_the_parameters(tiny, values):
    params = tiny.Params(**values)
    asked = address.read(tiny, address.query(params))
    assert asked.problems == ()
    assert tiny.Params(**asked.values).values() == params.values()


def test_identity_address_gives_back_a_list_of_texts():
    study = catalog.study("quantile_aggregation")
    params = study.Params(base_models=["qrf", "linear"])
    asked = address.read(study, address.query(params))
    assert (asked.values, asked.problems) == ({"base_models": ["qrf", "linear"]}, ())


def test_matches_query_of_changed_parameters_only(tiny):
    assert address.query(tiny.Params(n=7)) == "?n=7"
    assert address.query(tiny.Params()) == "?seed=0"


def test_rejects_bad_values_one_by_one(tiny):
    asked = address.read(tiny, "?n=500&kind=squre&share=0.25&colour=red&word=x")
    assert asked.values == {"share": 0.25, "word": "x"}
    assert len(asked.problems) == 3
    assert "Did you mean 'square'?" in " ".join(asked.problems)


def test_matches_saved_run(tiny):
    run = runs.save(tiny, tiny.Params(n=4), tiny.run(tiny.Params(n=4)))
    assert address.read(tiny, f"?run={run.id}").run.params["n"] == 4


@pytest.mark.parametrize("run", ["", "..", "../..", "%2e%2e", "x" * 300, "\0"])
def test_rejects_what_is_no_run(tiny, run):
    asked = address.read(tiny, f"?run={run}")
    assert asked.run is None
    assert "run_id must name a saved run" in asked.problems[0]


def test_rejects_run_of_another_study(tiny):
    run = runs.save(tiny, tiny.Params(), tiny.run(tiny.Params()))

    class Other:
        __name__ = "workbench.studies.other"

    asked = address.read(Other(), f"?run={run.id}")
    assert (asked.run, len(asked.problems)) == (None, 1)
    assert "belongs to 'tiny'" in asked.problems[0]


def test_matches_values_that_fit_each_other_only():
    asked = address.read(loss_landscape_phases, "?sharp_by=trace&tau_trace=400")
    assert asked.values == {"sharp_by": "trace", "tau_trace": 400.0}
    assert asked.problems == ()
    asked = address.read(loss_landscape_phases, "?load=label_noise&loads=[4,8]&seeds=2")
    assert loss_landscape_phases.Params(**asked.values)
    assert "loads must hold shares" in asked.problems[0]

"""The diagnosis of a machine: broken parts are told, whatever they raise."""

import importlib

module = importlib.import_module("workbench.runs.doctor")    # its function has the same name


def test_recovers_a_diagnosis_from_broken_parts(monkeypatch):
    def broken():
        raise OSError("libgomp.so.1 is missing")

    monkeypatch.setattr(module, "LOOKS", (broken, module._python))
    bad, good = module.doctor()
    assert (bad.state, bad.found) == ("bad", "cannot be looked at: OSError: libgomp.so.1 is "
                                             "missing")
    assert (good.name, good.state) == ("Python", "good")


def test_rejects_a_store_that_cannot_be_reached(monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", "nothing://like/this")
    store = list(module._disk())[-1]
    assert (store.name, store.state) == ("Store", "bad")
    assert "Protocol not known: nothing" in store.found
    assert "WORKBENCH_RUNS" in store.remedy

"""A line where somebody looks, silence elsewhere; a run holds no memory of its steps."""

import gc
import io
import sys
import types

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from workbench.train import Listener, Sgd, Training, fit, torch_generator  # noqa: E402
from workbench.train.progress import Progress, place  # noqa: E402


def world(n=64):
    rng = torch_generator(0)
    return torch.randn(n, 3, generator=rng), torch.randint(2, (n,), generator=rng)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("precision", ["32", "bf16-mixed"])
def test_identity_a_run_is_silent_where_nobody_looks(capfd, precision):
    fit(nn.Linear(3, 2), world(), Training(Sgd(0.1), epochs=2, precision=precision))
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "")


def test_matches_where_output_goes(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert place() == "nowhere"
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert place() == "terminal"
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert place() == "notebook"


def test_matches_a_line_in_a_terminal(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    fit(nn.Linear(3, 2), world(), Training(Sgd(0.1), epochs=2), progress="terminal")
    assert "step 4 of 4, loss" in shown.getvalue()


def test_matches_a_bar_in_a_notebook(monkeypatch):
    drawn = []
    handle = types.SimpleNamespace(update=drawn.append)
    display = types.ModuleType("IPython.display")
    display.HTML = str
    display.display = lambda *_, **__: handle
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    with Progress(8, "notebook") as shown:
        shown.show({"step": 2, "loss": 0.5})
        shown.show({"step": 4, "score": 0.25})
    assert drawn == ["<progress value='2' max='8'></progress> step 2 of 8, loss 0.5",
                     "<progress value='4' max='8'></progress> step 4 of 8, validation 0.25"]


def test_identity_steps_leave_nothing_behind():
    counts = []

    def count(row):
        if row["step"] in (50, 250):
            gc.collect()
            counts.append(sum(issubclass(type(thing), torch.Tensor)
                              for thing in gc.get_objects()))

    fit(nn.Linear(3, 2), world(), Training(Sgd(0.1), max_steps=250, log_every=50),
        callbacks=[count], progress="nowhere")
    assert counts[0] == counts[1]


def test_rejects_another_place():
    with pytest.raises(ValueError, match="progress must be one of"):
        Progress(3, "screen")


def test_matches_rows_that_were_kept_for_a_page():
    every, few = Listener(), Listener(most=2, every=3600.0)
    done = fit(nn.Linear(3, 2), world(), Training(Sgd(0.1), epochs=3, log_every=1),
               callbacks=[every, few], validation=world(), progress="nowhere")
    rows = every.taken()
    assert [row["loss"] for row in rows if "loss" in row] == done.history.loss.tolist()
    assert [row["score"] for row in rows if "score" in row] == done.checks.score.tolist()[1:]
    assert every.taken() == []
    assert [sorted(row) for row in few.taken()] == [["score", "step"]] * 2
    with pytest.raises(ValueError, match="every must be"):
        Listener(every=-1)

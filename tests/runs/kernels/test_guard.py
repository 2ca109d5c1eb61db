"""A fork that would not be safe, or not faithful, is refused, and the kernel starts cold."""

import logging
import math
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from workbench.runs.kernels import host, template
from workbench.runs.kernels.server import APPLICATION, HEAVY, WarmServer, heavy

PARALLEL = """
import torch

def compute():
    torch.set_num_threads(2)
    (torch.ones(400, 400) @ torch.ones(400, 400)).exp().sum()

def load():
    global loaded
    loaded = "loaded once"

def thread():
    import threading, time
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""
LOOK = "import accident; getattr(accident, 'loaded', None)"


@pytest.fixture
def accident(tmp_path, monkeypatch):
    """A module with functions that a template may call, on the path of template and kernels."""
    path = tmp_path / "modules" / "accident.py"
    path.parent.mkdir()
    path.write_text(PARALLEL)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(
        [str(path.parent), *filter(None, [os.environ.get("PYTHONPATH")])]))
    return path


def request(**changes):
    """A kernel's launch with something about it changed."""
    plain = {"argv": [sys.executable, APPLICATION, "-f", "x"], "env": dict(os.environ)}
    return host.Launch(**(plain | changes))


def test_rejects_a_template_that_computed_and_starts_cold(accident, run, caplog):
    with WarmServer(("torch", "accident:compute"), threads=2) as server:
        with caplog.at_level(logging.WARNING):
            cold = run(server, "import torch; torch.ones(400, 400).exp().sum().item()",
                       expect_warm=False)
        assert "runs a thread" in server.refused
        assert not server.is_warm
        assert not cold.kernel.is_warm
        assert cold.kernel.cold_reason == server.refused
        assert server.refused in caplog.text
        assert cold.kernel.exit_code == 0
        assert float(cold.texts[0]) == pytest.approx(400**2 * math.e, rel=1e-5)


def test_rejects_a_template_with_threads(accident):
    with WarmServer(("accident:thread",)) as server, pytest.raises(host.NotWarm, match="thread"):
        server.launch(request())


def test_identity_loading_without_computing_stays_warm(accident, run):
    with WarmServer(("accident:load",)) as server:
        assert run(server, LOOK).texts == ["'loaded once'"]
        assert server.is_warm
        assert server.refused == ""


@pytest.mark.slow
def test_identity_a_compiled_model_stays_warm(run):
    code = ("from workbench.inference.trend.density import log_density\n"
            "len(log_density.signatures), len(log_density.stats.cache_hits)")
    with WarmServer(("workbench.inference.trend.kernel:warm",)) as server:
        assert run(server, code).texts == ["(1, 1)"]
        assert server.notes == []
        sources = server._host.report()["sources"]
        assert {Path(source).name for source in sources} >= {"kernel.py", "design.py"}


def test_identity_missing_modules_are_notes(run):
    with WarmServer(("no_such_module", "json", "json:no_such_function")) as server:
        assert run(server, "1 + 1").texts == ["2"]
        assert [note.split(":")[0] for note in server.notes] == ["no_such_module", "json"]
        assert "ModuleNotFoundError" in server.notes[0]


def test_matches_the_sources_on_disk(accident, run):
    with WarmServer(("accident:load",)) as server:
        assert run(server, LOOK).texts == ["'loaded once'"]
        old = server._host
        accident.write_text(PARALLEL.replace("loaded once", "loaded again"))
        assert run(server, LOOK).texts == ["'loaded again'"]
        assert server._host is not old
        old._process.wait(30)  # nobody needs it any more


def test_identity_kernels_survive_the_replacement_of_their_template(accident, tmp_path):
    with WarmServer(("accident",)) as server, (tmp_path / "log").open("wb") as log:
        server.start()
        long = request(argv=[sys.executable, "-c", "import time; time.sleep(600)"],
                       stdout=log.fileno(), stderr=log.fileno())
        with server._lock:
            process = server._current().fork(long, warm=False)
            accident.write_text(PARALLEL + "\n")
            assert server._current() is not server._retired[0]
        assert psutil.Process(process.pid).is_running()
        assert process.poll() is None
        process.terminate()
        assert process.wait(30) == -15
        server._retired[0]._process.wait(30)


@pytest.mark.parametrize(("changes", "reason"), [
    ({"PYTHONHASHSEED": "7"}, "PYTHONHASHSEED"),
    ({"PYTENSOR_FLAGS": "floatX=float32"}, "PYTENSOR_FLAGS differs"),
    ({"MPLBACKEND": "agg"}, "MPLBACKEND differs"),
    ({"HOME": None}, "HOME differs"),
])
def test_rejects_what_a_fork_cannot_follow(server, changes, reason):
    variables = {name: value for name, value in (os.environ | changes).items()
                 if value is not None}
    with pytest.raises(host.NotWarm, match=f"^{reason}"):
        server.launch(request(env=variables))


@pytest.mark.parametrize("argv", [
    [sys.executable, "-m", "another_kernel"], ["/usr/bin/python", APPLICATION]])
def test_rejects_another_program(server, argv):
    with pytest.raises(host.NotWarm, match="another program"):
        server.launch(request(argv=argv))


def test_identity_importing_scikit_learn_later_keeps_kernels_warm(run, monkeypatch):
    for name in ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK"):
        monkeypatch.delenv(name, raising=False)
    with WarmServer(("json",)) as server:
        assert run(server, "1").texts == ["1"]
        monkeypatch.setenv("KMP_DUPLICATE_LIB_OK", "True")
        monkeypatch.setenv("KMP_INIT_AT_FORK", "FALSE")
        assert run(server, "2").texts == ["2"]
        assert server.is_warm


def test_rejects_other_systems(monkeypatch, run):
    monkeypatch.setattr(sys, "platform", "darwin")
    server = WarmServer(("json",))
    assert server.refused == "warm kernels need Linux"
    with server, pytest.raises(host.NotWarm, match="Linux"):
        server.launch(request())


def test_rejects_requests_once_the_template_has_died(run):
    with WarmServer(("json",)) as server:
        assert run(server, "1").texts == ["1"]
        server._host._process.kill()
        server._host._process.wait()
        assert run(server, "2").texts == ["2"]  # by a new template


def test_matches_the_named_modules(monkeypatch):
    monkeypatch.setenv("WORKBENCH_WARM", " json, a.b:c,")
    assert heavy() == ("json", "a.b:c")
    monkeypatch.delenv("WORKBENCH_WARM")
    assert {"numpy", "torch", "pymc"} <= set(heavy()) <= set(HEAVY)


def test_rejects_threads_of_this_process():
    import threading

    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    before = template.trouble()
    thread.start()
    assert "thread" in template.trouble()
    done.set()
    thread.join()
    assert isinstance(before, str)


def test_rejects_initialised_cuda(monkeypatch):
    import torch

    monkeypatch.setattr(template, "HARMLESS", ("",))  # whatever threads the tests have
    assert template.trouble() == ""
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    assert "CUDA" in template.trouble()


def test_identity_asking_for_a_server_imports_no_jupyter():
    code = ("import sys; import workbench.runs.kernels.server; "
            "print({'zmq', 'jupyter_client', 'traitlets', 'torch', 'numba'} & set(sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True)
    assert done.stdout.strip() == "set()"


def test_identity_the_template_imports_nothing_of_this_package(run, server):
    code = "import sys; sorted(name for name in sys.modules if name.startswith('workbench'))"
    assert run(server, code).texts == ["[]"]

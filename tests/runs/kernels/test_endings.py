"""Every end of a kernel is told truthfully, and nothing outlives a run."""

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from workbench.runs.kernels import host, private
from workbench.runs.kernels.server import WarmServer

SPAWN = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"
MB = 2**20


def gone(pid: int) -> bool:
    """Whether a process has ended, waiting for the kernel of the system to notice."""
    for _ in range(1000):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(("code", "expected"), [
    ("import os; os._exit(3)", 3),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ("import resource, ctypes; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
     "ctypes.string_at(0)", -signal.SIGSEGV),
    ("import os; os.abort()", -signal.SIGABRT),
])
def test_matches_the_exit_code(mode, run, code, expected):
    executed = run(mode, "1 + 1", code, "'never'")
    assert executed.kernel.exit_code == expected
    assert executed.texts == ["2", "", ""]


def test_identity_kernels_end_by_themselves_when_asked(mode, run):
    for _ in range(3):
        executed = run(mode, "import atexit, os; atexit.register(os.write, 2, b'farewell')")
        assert executed.kernel.exit_code == 0
        assert "farewell" in executed.printed


@pytest.mark.slow
def test_identity_large_imports_do_not_delay_the_end(mode, run):
    assert run(mode, "import torch, pymc, panel, holoviews").kernel.exit_code == 0


def test_recovers_what_the_process_prints(mode, run):
    code = "import sys; sys.__stderr__.write('from the process\\n'); sys.__stderr__.flush()"
    assert "from the process" in run(mode, code).printed


def test_rejects_memory_beyond_the_limit(mode, run):
    executed = run(mode, "import numpy", "x = numpy.ones(40_000_000)", "x = numpy.ones(4_000_000)",
                   "x.sum()", memory=300 * MB)
    assert "MemoryError" in executed.texts[1]
    assert executed.texts[2:] == ["", "np.float64(4000000.0)"]
    assert executed.kernel.exit_code == 0


def test_identity_reserved_addresses_are_not_memory(mode, run):
    reserve = "import mmap; m = mmap.mmap(-1, 2**32, prot=mmap.PROT_READ); 'reserved'"
    assert run(mode, reserve, memory=300 * MB).texts == ["'reserved'"]


def test_recovers_the_peak_of_memory(mode, run):
    small, large = (run(mode, f"x = bytearray({size}); x[::4096] = x[::4096]; del x")
                    .kernel.peak_memory for size in (1, 200 * MB))
    assert 150 * MB < large - small < 250 * MB


def test_identity_grandchildren_end_with_the_kernel(mode, run):
    for last in ("1", "import os; os._exit(1)", "import os; os.kill(os.getpid(), 9)"):
        assert gone(int(run(mode, SPAWN, last).texts[0]))


def test_recovers_from_an_interrupt(mode, run):
    code = """import _thread, os, signal, time
pid = os.fork()
if pid == 0:
    time.sleep(0.5); os.kill(os.getppid(), signal.SIGINT); os._exit(0)
time.sleep(600)"""
    executed = run(mode, code, "'still here'")
    assert executed.texts[0].startswith("KeyboardInterrupt")
    assert executed.texts[1] == "'still here'"


def test_identity_messages_travel_over_private_sockets(mode, run):
    """ipykernel keeps one port on the loopback, for what forked processes print."""
    code = """import os, psutil
kernel, parent = psutil.Process(), psutil.Process(os.getppid())
[[c.laddr.ip for c in p.net_connections('inet')] for p in (kernel, parent)]"""
    assert run(mode, code).texts == ["[['127.0.0.1'], []]"]


def test_identity_sockets_are_private(server, run):
    root = private.private_root()
    code = """import os, pathlib
folder = pathlib.Path(os.environ['IPYTHONDIR'])
folder.name, [oct(path.stat().st_mode & 0o777) for path in (folder, folder / 'kernel.json')]"""
    assert "'0o700', '0o600'" in run(server, code).texts[0]
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    sockets = [path for path in root.rglob("s") if path.is_socket()]
    assert sockets
    for path in sockets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert len(os.fsencode(path)) < 108


OWNER = """
    import json, os, sys, time
    from contextlib import ExitStack
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook
    from workbench.runs.kernels.launch import KernelOptions, kernel_manager
    from workbench.runs.kernels.private import private_root
    from workbench.runs.kernels.server import WarmServer

    pids = []
    with WarmServer(("json",)) as server, ExitStack() as stack:
        for mode in (server, None):
            printed = stack.enter_context(open(os.devnull, "wb"))
            kernel = stack.enter_context(kernel_manager(KernelOptions(server=mode), printed))
            notebook = new_notebook(cells=[new_code_cell(
                "import os, subprocess; print(os.getpid(), os.getppid(), "
                "subprocess.Popen(['sleep', '600']).pid)")])
            client = NotebookClient(notebook, kernel_manager_class=kernel)
            client.create_kernel_manager()
            client.start_new_kernel(); client.start_new_kernel_client()
            client.execute_cell(notebook.cells[0], 0)
            pids += notebook.cells[0].outputs[0].text.split()
            stack.callback(lambda held=client: None)
        print(json.dumps({"pids": pids, "root": str(private_root())}), flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_identity_nothing_outlives_its_owner(number):
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(OWNER)],
                             stdout=subprocess.PIPE, text=True)
    told = json.loads(owner.stdout.readline())
    assert len(told["pids"]) == 6
    assert not any(psutil.Process(int(pid)).status() == "zombie" for pid in told["pids"])
    owner.send_signal(number)
    owner.wait()
    owner.stdout.close()
    assert all(gone(int(pid)) for pid in told["pids"])
    for _ in range(500):
        if not Path(told["root"]).exists():
            break
        time.sleep(0.02)
    assert not Path(told["root"]).exists()


def launched(server, tmp_path, code):
    """A program in place of a kernel, started cold by this server's template."""
    log = tmp_path / "out.txt"
    with log.open("wb") as out:
        started = host.Launch([sys.executable, "-c", code], dict(os.environ), stdout=out.fileno(),
                              stderr=out.fileno())
        server.start()
        return server._host.fork(started, warm=False), log


def test_identity_closing_a_server_ends_its_kernels(tmp_path):
    server = WarmServer(("json",))
    process, _ = launched(server, tmp_path, "import time; time.sleep(600)")
    assert process.poll() is None
    server.close()
    assert process.wait(30) == -signal.SIGKILL
    assert gone(process.pid)


def test_identity_kernels_end_when_the_template_is_killed(tmp_path):
    with WarmServer(("json",)) as server:
        process, _ = launched(server, tmp_path, "import time; time.sleep(600)")
        os.kill(server._host._process.pid, signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
        assert gone(process.pid)


def test_identity_letting_go_of_a_process_ends_it(tmp_path):
    with WarmServer(("json",)) as server:
        process, _ = launched(server, tmp_path, "import time; time.sleep(600)")
        process.close()
        assert gone(process.pid)


def test_matches_popen(tmp_path):
    with WarmServer(("json",)) as server:
        process, _ = launched(server, tmp_path, "import time; time.sleep(600)")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.terminate()
        assert process.wait(30) == process.poll() == process.returncode == -signal.SIGTERM
        process.kill()
        process.send_signal(signal.SIGTERM)  # nobody is left to receive it
        assert (process.stdin, process.stdout, process.stderr) == (None, None, None)


def test_rejects_a_program_that_does_not_exist(tmp_path):
    with WarmServer(("json",)) as server:
        server.start()
        with Path(tmp_path / "out.txt").open("wb") as out:
            wrong = host.Launch(["/does/not/exist"], {}, stdout=out.fileno(), stderr=out.fileno())
            process = server._host.fork(wrong, warm=False)
        assert process.wait(30) == 1
    assert "No such file" in (tmp_path / "out.txt").read_text()


def test_identity_a_forked_owner_leaves_the_server_alone():
    code = """
import os, sys
from workbench.runs.kernels.server import shared
server = shared(("json",), 1)
server.start()
server.notes
if os.fork() == 0:
    assert shared(("json",), 1) is not server
    sys.exit()
os.wait()
print(shared(("json",), 1) is server, server._host.has_ended())"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True)
    assert done.stdout.split() == ["True", "False"]

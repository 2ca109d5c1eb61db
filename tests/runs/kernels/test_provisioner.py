"""papermill, nbclient and Jupyter's own managers get warm kernels from the kernelspec alone."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from workbench.runs.kernels.launch import KernelOptions, kernel_manager
from workbench.runs.kernels.provisioner import KERNELSPEC, WarmProvisioner, install_kernelspec

WHOSE = "print(open('/proc/self/comm').read(), 'json.tool' in __import__('sys').modules)"


@pytest.fixture
def kernelspec(tmp_path, monkeypatch):
    """The installed kernelspec, with a light list of modules; its file."""
    folder = install_kernelspec(tmp_path)
    path = folder / "kernel.json"
    content = json.loads(path.read_text())
    content["metadata"]["kernel_provisioner"]["config"] = {"modules": ["json.tool"], "threads": 1}
    path.write_text(json.dumps(content))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    return path


def notebook(*sources):
    return new_notebook(cells=[new_code_cell(source) for source in sources])


def test_matches_the_layout_of_kernelspecs(tmp_path):
    folder = install_kernelspec(tmp_path)
    assert folder == tmp_path / "share" / "jupyter" / "kernels" / "workbench-warm"
    content = json.loads((folder / "kernel.json").read_text())
    assert content["argv"][0] == sys.executable
    assert content["argv"][-1] == "{connection_file}"
    assert content["metadata"]["kernel_provisioner"]["provisioner_name"] == KERNELSPEC
    assert install_kernelspec(tmp_path) == folder


def test_recovers_warm_kernels_under_nbclient(kernelspec):
    executed = notebook(WHOSE, "import os; print(os.environ['OMP_NUM_THREADS'])")
    NotebookClient(executed, kernel_name=KERNELSPEC).execute()
    texts = [cell.outputs[0].text.split() for cell in executed.cells]
    assert texts == [["wb-kernel", "True"], ["1"]]


def test_recovers_warm_kernels_under_papermill(kernelspec, tmp_path):
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    written = notebook(WHOSE)
    written.metadata.kernelspec = {"name": KERNELSPEC, "display_name": "", "language": "python"}
    nbformat.write(written, source)
    done = subprocess.run([sys.executable, "-m", "papermill", str(source), str(target),
                           "--no-progress-bar"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    executed = nbformat.read(target, as_version=4)
    assert executed.cells[0].outputs[0].text.split() == ["wb-kernel", "True"]


@pytest.fixture
def manager(kernelspec):
    """A kernel manager as Jupyter's server has it."""
    started = KernelManager(kernel_name=KERNELSPEC, transport="ipc")
    started.start_kernel()
    yield started
    started.shutdown_kernel(now=True)


def test_identity_a_restarted_kernel_is_warm_and_new(manager):
    assert isinstance(manager.provisioner, WarmProvisioner)
    first = manager.provisioner.process
    assert first.warm
    manager.restart_kernel(now=True)
    second = manager.provisioner.process
    assert first.poll() is not None
    assert second.warm
    assert second.pid != first.pid
    assert os.getpgid(second.pid) == second.pid != os.getpgid(0)


def test_identity_interrupts_reach_the_kernel(manager):
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    sent = client.execute("print('begun')\nwhile True: pass")
    while client.get_iopub_msg(timeout=60)["msg_type"] != "stream":
        continue
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=60)
    while reply["parent_header"].get("msg_id") != sent:
        reply = client.get_shell_msg(timeout=60)
    client.stop_channels()
    assert reply["content"]["ename"] == "KeyboardInterrupt"


def test_rejects_another_program_and_starts_it_cold(kernelspec, caplog):
    content = json.loads(kernelspec.read_text())
    content["argv"] = [sys.executable, "-W", "ignore", "-m", "ipykernel_launcher", "-f",
                       "{connection_file}"]
    kernelspec.write_text(json.dumps(content))
    executed = notebook(WHOSE)
    NotebookClient(executed, kernel_name=KERNELSPEC).execute()
    assert executed.cells[0].outputs[0].text.split()[1] == "False"
    assert "starts cold" in caplog.text


def test_identity_elsewhere_jupyter_starts_the_kernel(kernelspec, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    started = KernelManager(kernel_name=KERNELSPEC, transport="ipc")
    started.start_kernel()
    try:
        assert isinstance(started.provisioner.process, subprocess.Popen)
        client = started.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        client.stop_channels()
    finally:
        started.shutdown_kernel(now=True)


def test_recovers_a_named_kernel(kernelspec, tmp_path):
    options = KernelOptions(kernel=KERNELSPEC)
    executed = notebook("1 + 1")
    with (tmp_path / "log").open("wb") as log, kernel_manager(options, log) as kernel:
        NotebookClient(executed, kernel_manager_class=kernel).execute()
    assert executed.cells[0].outputs[0].data["text/plain"] == "2"
    assert not kernel.is_warm


def test_rejects_an_unknown_kernel(tmp_path):
    from jupyter_client.kernelspec import NoSuchKernel

    options = KernelOptions(kernel="no-such-kernel")
    with ((tmp_path / "log").open("wb") as log, kernel_manager(options, log) as kernel,
          pytest.raises(NoSuchKernel, match="no-such-kernel")):
        NotebookClient(notebook("1"), kernel_manager_class=kernel).execute()
    assert not kernel.has_started

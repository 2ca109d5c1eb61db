"""Each kernel is as fresh as a new interpreter; oracle: the cold kernel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

STATE = {
    "path": "import sys; sys.path",
    "arguments": "[part for part in sys.argv[1:] if 'parent' not in part][0::2]",
    "script": "sys.argv[0]",
    "executable": "sys.executable, sys.prefix, sys.flags.hash_randomization",
    "environment": ("import os; from workbench.core import libraries; libraries.arviz(); "
                    "import sklearn, torch, pymc, panel; "
                    "sorted((k, v) for k, v in os.environ.items() "
                    "if k not in ('JPY_PARENT_PID', 'IPYTHONDIR'))"),
    "folder": "os.getcwd()",
    "mask": "oct(os.umask(0o22))",
    "session": "os.getsid(0) == os.getpgid(0) == os.getpid()",
    "signals": ("import signal; [(int(n), str(signal.getsignal(n))) for n in "
                "sorted(signal.valid_signals()) if n != signal.SIGINT]"),
    "blocked": "signal.pthread_sigmask(signal.SIG_BLOCK, ())",
    "input": "os.readlink('/proc/self/fd/0'), sys.stdin.read()",
    "descriptors": ("sorted({os.readlink(f'/proc/self/fd/{n}').split(':')[0] for n in "
                    "os.listdir('/proc/self/fd') if n not in '012' and "
                    "os.path.lexists(f'/proc/self/fd/{n}')})"),
    "encodings": "[(f.encoding, f.errors) for f in (sys.__stdout__, sys.__stderr__)]",
    "main": "sorted(vars(sys.modules['__main__']).keys() - {'_i', '_ii'})[:3]",
    "builtins": "import builtins; sorted(vars(builtins))",
    "hash": "hash('a string')",
    "collection": "import gc; gc.isenabled(), gc.get_threshold()",
    "recursion": "import pymc; sys.getrecursionlimit(), sys.getswitchinterval()",
    "options": "sys.flags, sys._xoptions",
    "limits": "import resource; [resource.getrlimit(n) for n in range(10)]",
    "time zone": "import time; time.tzname, time.timezone",
    "threads": ("import sklearn, torch, numba, threadpoolctl, scipy.linalg; "
                "(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS, "
                "numba.get_num_threads(), "
                "sorted((p['user_api'], p['num_threads']) "
                "for p in threadpoolctl.threadpool_info()))"),
}


@pytest.fixture(scope="module", params=[1, 2])
def both(request, server, run, tmp_path_factory):
    """State of a warm and of a cold kernel, under its names."""
    folder = tmp_path_factory.mktemp("a place {x} é")
    options = {"cwd": str(folder), "threads": request.param,
               "environment": {"WB_ADDED": "é\n'\"", "TZ": "Asia/Tokyo",
                               "PYTHONPATH": f"relative{os.pathsep}{folder}"}}
    return [dict(zip(STATE, run(mode, *STATE.values(), **options).texts, strict=True))
            for mode in (server, None)]


@pytest.mark.parametrize("name", STATE)
def test_matches_the_cold_kernel(both, name):
    warm, cold = both
    assert not cold[name].partition(":")[0].endswith("Error")
    assert warm[name] == cold[name]


DRAWS = """import json, random, numpy, torch, uuid, tempfile, numba
draw = numba.njit(lambda: numpy.random.rand())
print(json.dumps([random.random(), numpy.random.rand(), torch.rand(1).item(), str(uuid.uuid4()),
                  numpy.random.default_rng().random(), draw(),
                  next(tempfile._RandomNameSequence())]))"""


def test_recovers_distinct_draws_in_each_kernel(server, run):
    first, second = (json.loads(run(server, DRAWS).texts[0]) for _ in range(2))
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_identity_nothing_leaks_between_kernels(server, run):
    change = """import os, sys, builtins, math, pandas, warnings, logging, signal
math.pi = 3
pandas.leaked = builtins.leaked = os.environ['WB_LEAKED'] = 'yes'
sys.modules['leaked'] = math
sys.path.append('/leaked')
pandas.set_option('display.max_rows', 7)
os.chdir('/')
warnings.simplefilter('error')
logging.disable()
signal.signal(signal.SIGTERM, signal.SIG_IGN)"""
    look = """import os, sys, builtins, math, pandas, warnings, logging, signal
(math.pi == 3, hasattr(pandas, 'leaked'), hasattr(builtins, 'leaked'), 'WB_LEAKED' in os.environ,
 'leaked' in sys.modules, '/leaked' in sys.path, pandas.get_option('display.max_rows') == 7,
 os.getcwd() == '/', ('error', None, Warning, None, 0) in warnings.filters,
 logging.root.manager.disable > 0, signal.getsignal(signal.SIGTERM) == signal.SIG_IGN)"""
    assert run(server, change, look).texts[1] == str((True,) * 11)
    assert run(server, look).texts[0] == str((False,) * 11)


def test_identity_owner_keeps_what_the_kernel_changes(mode, run):
    before = os.environ.copy(), Path.cwd(), list(sys.path)
    run(mode, "import os, sys; os.environ['A'] = 'b'; os.chdir('/'); sys.path.clear()")
    assert (os.environ, Path.cwd(), sys.path) == before


def test_recovers_names_of_processes(server, run):
    comm = "print(open('/proc/self/comm').read(), open(f'/proc/{os.getppid()}/comm').read())"
    assert run(server, "import os", comm).texts[1].split() == ["wb-kernel", "wb-template"]


def test_matches_a_plain_interpreter_in_processes_that_the_kernel_starts(mode, run):
    code = """import subprocess, sys
print(subprocess.run([sys.executable, '-c', 'import os, signal; print(signal.getsignal(2), '
                      'os.umask(0o22))'], capture_output=True, text=True).stdout)"""
    plain = subprocess.run([sys.executable, "-c", "import os, signal; "
                            "print(signal.getsignal(2), os.umask(0o22))"],
                           capture_output=True, text=True, check=True)
    assert run(mode, code).texts[0] == plain.stdout.strip()

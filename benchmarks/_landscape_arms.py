"""Trace and top eigenvalue of 48 networks: PyHessian, curvlinops and ours in turn.

``python benchmarks/_landscape_arms.py FAMILY`` prints a record of one family of networks;
``FAMILY ARM`` runs one arm once and prints its peak memory. One thread. PyHessian 0.1 and
curvlinops-for-pytorch 3.0.1 are installed by hand: they are in no lock, because they bring a
torchvision that does not load beside PyTorch's processor build.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROBES, REPEATS, TOL, BOUND = 50, 5, 1e-3, 1e-2


def arms(family, device="cpu"):
    """Functions of a seed, by what they find and by name; and the world they look at."""
    import torch
    from torch import nn

    from workbench import landscape as ours

    torch.set_num_threads(1)
    import _landscape_world

    models, whole, x, y = _landscape_world.world(family)
    if device != "cpu":
        x, y, models = x.to(device), y.to(device), [model.to(device) for model in models]
        whole = whole.replace(*({name: tensor.to(device) for name, tensor in part.items()}
                                for part in (whole.params, whole.buffers)))
    criterion = nn.CrossEntropyLoss()
    objective, outputs = ours.stack_objective(whole, x, y), ours.stack_outputs(whole, x)

    def rng(seed):
        return torch.Generator().manual_seed(seed)

    def peers(look):
        return lambda seed: [look(model, seed) for model in models]

    def pyhessian(model):
        from pyhessian import hessian
        return hessian(model, criterion, data=(x, y), cuda=device != "cpu")

    def operator(model):
        from curvlinops import HessianLinearOperator
        return HessianLinearOperator(model, criterion, list(model.parameters()), [(x, y)],
                                     check_deterministic=False)

    def trace_of_curvlinops(model, _):
        from curvlinops import hutchinson_trace
        return float(hutchinson_trace(operator(model), num_matvecs=PROBES))

    def top_of_curvlinops(model, _):
        from scipy.sparse.linalg import eigsh
        return float(eigsh(operator(model).to_scipy(), k=1, which="LM", tol=TOL,
                           return_eigenvectors=False)[0])
    return models, (x, y), {
        "trace": {
            "PyHessian": peers(lambda model, _: statistics.fmean(
                pyhessian(model).trace(maxIter=PROBES, tol=-float("inf")))),
            "curvlinops": peers(trace_of_curvlinops),
            "ours, Hutchinson": lambda seed: ours.hessian_trace(
                objective, whole.params, rng=rng(seed), probes=PROBES).mean,
            "ours, from outputs": lambda seed: ours.gauss_newton_trace(
                outputs, whole.params, rng=rng(seed), probes=PROBES).mean},
        "top": {
            "PyHessian": peers(lambda model, _: pyhessian(model).eigenvalues(tol=TOL)[0][0]),
            "curvlinops, eigsh": peers(top_of_curvlinops),
            "ours, Lanczos": lambda seed: ours.hessian_eigenvalues(
                objective, whole.params, rng=rng(seed), tol=BOUND).dominant,
            "ours, Lanczos, default": lambda seed: ours.hessian_eigenvalues(
                objective, whole.params, rng=rng(seed)).dominant,
            "ours, power iteration": lambda seed: ours.power_iteration(
                objective, whole.params, rng=rng(seed), tol=TOL)[:, 0]}}


def same_probes(models, data, count=5):
    """Largest relative gap between PyHessian's ``v' H v`` and ours for the same probes."""
    import torch
    from pyhessian import hessian
    from torch import nn

    from workbench.landscape import Hessian, stack_objective
    from workbench.train.stack import stack

    drawn, seen, found = torch.randint_like, [], []

    def noted(*args, **options):
        seen.append(drawn(*args, **options))
        return seen[-1]
    torch.randint_like = noted
    for model in models:
        found.append(hessian(model, nn.CrossEntropyLoss(), data=data, cuda=False)
                     .trace(maxIter=count, tol=-float("inf")))
    torch.randint_like = drawn
    flat = torch.cat([one.flatten() for one in seen]).view(len(models), count, -1)
    whole = stack(models)
    ours = Hessian(stack_objective(whole, *data), whole.params).curvatures(flat.transpose(0, 1))
    theirs = torch.tensor(found).T
    return float(((ours.sum(2) - theirs).abs() / theirs.abs().mean()).max())


def timed(family):
    """Record of one family: seconds by arm, errors against exact numbers, and the gap."""
    import _landscape_world
    import numpy as np

    models, data, both = arms(family)
    exact = {"trace": np.array([_landscape_world.exact_trace(model, data[0]) for model in models]),
             "top": np.array([_landscape_world.exact_dominant(model, *data) for model in models])}
    record = {"parameters": sum(param.numel() for param in models[0].parameters()),
              "gap": same_probes(models, data)}
    for what, each in both.items():
        spent, errors = {name: [] for name in each}, {name: [] for name in each}
        for seed in range(-1, REPEATS):                   # the first round warms up
            for name, look in each.items():
                clock, used = time.perf_counter(), time.process_time()
                values = np.asarray(look(seed + 1))
                if seed >= 0:
                    spent[name].append((time.process_time() - used, time.perf_counter() - clock))
                    errors[name].append(np.abs(values / exact[what] - 1))
        record[what] = {name: {"cpu": statistics.median(cpu for cpu, _ in spent[name]),
                               "wall": statistics.median(wall for _, wall in spent[name]),
                               "median error": float(np.median(errors[name])),
                               "rms error": float(np.sqrt(np.mean(np.square(errors[name])))),
                               "largest error": float(np.max(errors[name]))} for name in each}
    return record


def peak(family, arm):
    """Memory that one run of an arm takes beyond what was held before [MiB]."""
    what, name = arm.split("/")
    look = arms(family)[2][what][name]
    before = held("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    look(0)
    return held("VmHWM") - before


def held(which):
    """A line of the process's status [MiB]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(which))


def measured(family):
    """Record of a family in processes of its own, peak memory included."""
    with tempfile.TemporaryDirectory() as folder:
        record = json.loads(_alone(folder, family))
        for what in ("trace", "top"):
            for name in record[what]:
                record[what][name]["peak"] = float(_alone(folder, family, f"{what}/{name}"))
    return record


def _alone(folder, *words):
    flags = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent),
             "LANDSCAPE_WORLD": f"{folder}/world.pt"}
    done = subprocess.run([sys.executable, HERE / "_landscape_arms.py", *words], check=True,
                          env=os.environ | flags, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")          # the peers' own
        told = timed(sys.argv[1]) if len(sys.argv) == 2 else peak(*sys.argv[1:])
    print(json.dumps(told))

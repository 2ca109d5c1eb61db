"""Parallel libraries work in a forked kernel and give what a cold kernel gives for a seed."""

import pytest

TORCH = """import torch
torch.set_num_threads(2)
generator = torch.Generator().manual_seed(0)
x = torch.randn(600, 600, generator=generator)
layer = torch.nn.Linear(600, 600)
torch.nn.init.normal_(layer.weight, generator=generator)
torch.nn.init.zeros_(layer.bias)
loss = layer(x).relu().pow(2).mean()
loss.backward()
torch.get_num_threads(), round(loss.item(), 3), round(layer.weight.grad.norm().item(), 3)"""
LOADER = """from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.arange(20.0))
[batch[0].sum().item() for batch in DataLoader(data, batch_size=5, num_workers=2)]"""
NUMBA = """import numba, numpy
@numba.njit(parallel=True)
def total(x):
    s = 0.0
    for i in numba.prange(len(x)):
        s += x[i]
    return s
total(numpy.arange(1e5)), numba.get_num_threads()"""
BLAS = """import numpy, scipy.linalg
a = numpy.arange(250000.0).reshape(500, 500) % 7 + numpy.eye(500)
float((a @ a).sum()), float(scipy.linalg.norm(a))"""
PROCESSES = """import multiprocessing, concurrent.futures, math
with multiprocessing.get_context('fork').Pool(2) as pool:
    forked = pool.map(math.sqrt, [1, 4, 9])
with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context('spawn')) as pool:
    spawned = list(pool.map(math.sqrt, [1, 4, 9]))
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    threaded = list(pool.map(math.sqrt, [1, 4, 9]))
forked, spawned, threaded"""
ARROW = """import pandas, pyarrow as pa, pyarrow.compute as pc
pc.sum(pa.chunked_array([range(10000)] * 4)).as_py(), pandas.DataFrame({'a': range(9)}).sum()"""
SAMPLED = """import logging, warnings
warnings.simplefilter('ignore')
logging.disable()
import pymc as pm
with pm.Model():
    m = pm.Normal('m', 0, 1)
    pm.Normal('y', m, 1, observed=[0.5, 1.0])
    found = pm.sample(50, tune=100, chains=2, cores=2, random_seed=4, progressbar=False,
                      compute_convergence_checks=False, nuts_sampler='{sampler}')
print('%.10f %.10f' % (found.posterior['m'].mean(), found.posterior['m'].std()))"""


def test_recovers_parallel_work_in_a_forked_kernel(server, run):
    torch, total, roots = run(server, TORCH, NUMBA, PROCESSES, threads=2).texts
    assert torch.startswith("(2, ")
    assert total == "(4999950000.0, 2)"
    assert roots == str(([1.0, 2.0, 3.0],) * 3)


@pytest.mark.slow
def test_matches_the_cold_kernel_in_parallel_work(server, run):
    cells = (TORCH, LOADER, NUMBA, BLAS, PROCESSES, ARROW)
    warm, cold = (run(mode, *cells, threads=2).texts for mode in (server, None))
    assert warm == cold
    assert "Error" not in "".join(warm)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["pymc", "nutpie"])
def test_matches_the_draws_of_a_cold_kernel(server, run, sampler):
    code = SAMPLED.replace("{sampler}", sampler)
    warm, cold = (run(mode, code, threads=2).texts[0] for mode in (server, None))
    assert warm.splitlines()[-1] == cold.splitlines()[-1]
    assert "." in warm

"""Small networks are trained on one thread, and what the caller had is restored."""

import threading

import pytest
import torch

from workbench.inference.quantiles import descent
from workbench.inference.quantiles.descent import Descent, descend
from workbench.train.threads import one_thread


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("small", "threads"), [(1_000, 1), (1, 2)])
def test_matches_one_thread_for_small_networks_only(monkeypatch, small, threads):
    monkeypatch.setattr(descent, "SMALL", small)
    network, seen = torch.nn.Linear(1, 1), []

    def batch_loss(rows):
        seen.append(torch.get_num_threads())
        return network(torch.ones(len(rows), 1)).square().mean()

    descend(network, batch_loss, 4, None, Descent(max_steps=3),
            generator=torch.Generator().manual_seed(0))
    assert seen == [threads] * 3
    assert torch.get_num_threads() == 2


def test_identity_what_there_was_is_restored_after_errors_and_within_each_other():
    with pytest.raises(RuntimeError, match="no"), one_thread():
        raise RuntimeError("no")
    assert torch.get_num_threads() == 2
    with one_thread():
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_identity_the_last_of_several_callers_restores():
    inside, leave = threading.Barrier(2), threading.Event()

    def other():
        with one_thread():
            inside.wait()
            leave.wait(10)

    caller = threading.Thread(target=other)
    caller.start()
    with one_thread():
        inside.wait()
        leave.set()
        caller.join()
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2

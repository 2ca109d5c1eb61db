"""Features of rows against Python's own statistics, one row at a time; laws of the rescaler."""

import importlib.util
import math
import statistics
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from workbench.reweighting.by_meta.gaussians import gaussian_kl, gaussian_overlap  # noqa: E402
from workbench.reweighting.by_meta.memory import (  # noqa: E402
    described,
    empty_memory,
    row_statistics,
)
from workbench.reweighting.by_meta.rescaler import Rescaler  # noqa: E402
from workbench.train import torch_generator  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
CPU = torch.device("cpu")


def by_hand():
    spec = importlib.util.spec_from_file_location(
        "by_hand", ROOT / "benchmarks" / "_meta_by_hand.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def batch(n=24, k=3, passes=3, seed=0):
    draws = torch_generator(seed)
    logits = torch.randn(passes, n, k, generator=draws, dtype=torch.float64)
    y = torch.randint(k, (n,), generator=draws)
    losses = torch.stack([torch.nn.functional.cross_entropy(each, y, reduction="none")
                          for each in logits])
    return losses, logits, y


def pairs():
    """Means and deviations: ordinary, equal, nearly equal, far apart, and degenerate."""
    draws = torch_generator(0)
    means = torch.randn(400, 2, generator=draws, dtype=torch.float64)
    stds = torch.rand(400, 2, generator=draws, dtype=torch.float64) + 0.05
    stds[100:150, 1] = stds[100:150, 0]
    for at in range(150, 200):
        stds[at, 1] = stds[at, 0] * (1 + 10.0 ** -(at % 8 + 1))
    stds[200:250, 1] *= 50
    means[250:300, 1] += 9
    means[300:320, 1] = means[300:320, 0]
    return means[:, 0], stds[:, 0], means[:, 1], stds[:, 1]


@pytest.mark.parametrize("window", [1, 2])
def test_matches_statistics_of_rows_one_by_one(window):
    queue = by_hand().Queue(24 * window)
    memory = empty_memory(3, 24 * window, CPU)
    for seed in range(5):
        losses, logits, y = batch(seed=seed)
        wanted = by_hand().features_by_hand(losses, logits, y, queue)
        memory, found = described(memory, row_statistics(losses, logits, y), y)
        assert found.shape == (24, 19)
        assert found.numpy() == pytest.approx(wanted.numpy(), rel=1e-9, abs=1e-11)


def test_matches_three_rows_by_hand():
    logits = torch.tensor([[[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]],
                           [[1.0, 0.0], [0.0, 2.0], [0.0, 1.0]]], dtype=torch.float64)
    y = torch.tensor([0, 0, 0])
    losses = torch.tensor([[0.1, 1.5, 0.2], [0.3, 2.5, 1.0]], dtype=torch.float64)
    told = row_statistics(losses, logits, y)
    assert told[:, 0].tolist() == pytest.approx([0.2, 2.0, 0.6])
    assert told[:, 1].tolist() == pytest.approx([0.2 / math.sqrt(2), 1 / math.sqrt(2),
                                                 0.8 / math.sqrt(2)])
    assert told[:, 4].tolist() == [1.0, 0.0, 1.0]       # a tie goes to the first pass
    sure = [1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-1))]
    assert float(told[0, 2]) == pytest.approx(sum(sure) / 2)
    _, found = described(empty_memory(2, 3, CPU), told, y)
    assert found[0, :3].tolist() == pytest.approx([0.2, 0.4, 0.4 / math.sqrt(2)])
    assert found[1, :3].tolist() == pytest.approx([2.0, 2.0, 1e-8])       # alone in its group


def test_identity_one_pass_has_no_deviation_and_no_divergence():
    losses, logits, y = batch(passes=1)
    told = row_statistics(losses, logits, y)
    assert (told[:, [1, 3]] == 0).all()
    _, found = described(empty_memory(3, 24, CPU), told, y)
    assert (found[:, 12:14] == 0).all()                  # divergence, own and mean


def test_matches_a_memory_of_the_last_rows_of_each_class():
    memory = empty_memory(2, 4, CPU)
    for at in range(4):
        told = torch.full((3, 5), float(at), dtype=torch.float64)
        told[:, 4] = at == 3
        memory, found = described(memory, told, torch.tensor([0, 0, 1]))
    assert sorted(memory["rows"][0, :, 0].tolist()) == [2, 2, 3, 3]
    assert sorted(memory["rows"][1, :, 0].tolist()) == [0, 1, 2, 3]
    assert float(found[2, 1]) == 3                       # it agrees, the only one


def test_identity_order_of_rows_does_not_matter():
    losses, logits, y = batch()
    order = torch.randperm(24, generator=torch_generator(3))
    _, plain = described(empty_memory(3, 24, CPU), row_statistics(losses, logits, y), y)
    _, moved = described(empty_memory(3, 24, CPU), row_statistics(
        losses[:, order], logits[:, order], y[order]), y[order])
    assert moved.numpy() == pytest.approx(plain[order].numpy(), rel=1e-9, abs=1e-12)
    rescaler = Rescaler(3, 19, generator=torch_generator(0)).double()
    assert rescaler(moved, y[order]).detach().numpy() == pytest.approx(
        rescaler(plain, y)[order].detach().numpy(), rel=1e-9)


def test_matches_the_overlap_of_pythons_own_statistics():
    means, stds, others, spreads = pairs()
    found = gaussian_overlap(means, stds, others, spreads)
    wanted = [statistics.NormalDist(*one).overlap(statistics.NormalDist(*other))
              for one, other in zip(zip(means.tolist(), stds.tolist(), strict=True),
                                    zip(others.tolist(), spreads.tolist(), strict=True),
                                    strict=True)]
    assert found.numpy() == pytest.approx(wanted, abs=1e-12)
    turned = gaussian_overlap(others, spreads, means, stds)
    assert turned.numpy() == pytest.approx(found.numpy(), abs=1e-12)
    one = torch.ones(2, dtype=torch.float64)
    assert gaussian_overlap(one, 0 * one, one, 0 * one).tolist() == [1.0, 1.0]


def test_matches_the_overlap_by_integration():
    from scipy.integrate import quad
    from scipy.stats import norm
    means, stds, others, spreads = (part[::20] for part in pairs())
    found = gaussian_overlap(means, stds, others, spreads)
    for at in range(len(means)):
        one, other = norm(means[at], stds[at]), norm(others[at], spreads[at])
        area = quad(lambda x, one=one, other=other: min(one.pdf(x), other.pdf(x)),
                    -120, 120, limit=2000, points=sorted([float(means[at]), float(others[at])]))[0]
        assert float(found[at]) == pytest.approx(area, abs=1e-6)


def test_matches_divergence_of_torch_distributions():
    means, stds, others, spreads = pairs()
    found = gaussian_kl(means, stds, others, spreads)
    wanted = torch.distributions.kl_divergence(torch.distributions.Normal(means, stds),
                                               torch.distributions.Normal(others, spreads))
    assert found.numpy() == pytest.approx(wanted.numpy(), rel=1e-9, abs=1e-12)
    assert (found >= 0).all()
    assert (gaussian_kl(means, stds, means, stds) == 0).all()
    assert (gaussian_kl(means, 0 * stds, others, spreads) == 0).all()
    assert (gaussian_kl(means, stds, others, 0 * spreads) == 0).all()


def test_matches_laws_of_the_rescaler():
    features = torch.randn(32, 19, generator=torch_generator(1)) * 5
    y = torch.randint(3, (32,), generator=torch_generator(2))
    rescaler = Rescaler(3, 19, generator=torch_generator(0))
    scales = rescaler(features, y)
    assert ((scales > 0) & (scales < 1)).all()
    assert rescaler.differences(features).mean(1).abs().max() < 1e-5
    many = []
    for _ in range(2):                     # the slack of variances is felt in the first parameters
        with torch.no_grad():
            for param in rescaler.parameters():
                param.mul_(10)
        many.append(rescaler(features, y).detach().numpy())
    assert many[0] == pytest.approx(many[1], abs=1e-3)
    assert many[0] == pytest.approx(scales.detach().numpy(), abs=0.02)
    one = Rescaler(3, 19, per_class=False, generator=torch_generator(0))
    assert torch.equal(one(features, y), one(features, 0 * y))
    assert not torch.equal(rescaler(features, y), rescaler(features, 0 * y))


def test_rejects_one_row_alone():
    with pytest.raises(ValueError, match="a batch must have at least 2 rows, got 1"):
        Rescaler(2, 19, generator=torch_generator(0))(torch.zeros(1, 19), torch.tensor([0]))

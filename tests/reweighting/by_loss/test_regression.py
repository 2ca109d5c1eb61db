"""The regression beside the training loop, and the bound beside what happened."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from workbench.core import generator  # noqa: E402
from workbench.reweighting import STRATEGIES, LossWeighter  # noqa: E402
from workbench.reweighting.by_loss.convergence import (  # noqa: E402
    convergence_terms,
    descend_with_bound,
)
from workbench.reweighting.by_loss.regression import (  # noqa: E402
    redundant_rows,
    train_regression,
)
from workbench.train import Sgd, Training, fit, regression  # noqa: E402

ALL = {name: LossWeighter(name, burn_in=0.0) for name in STRATEGIES}
ROBUST = {"uniform": LossWeighter("uniform"), "linupper": LossWeighter(burn_in=0.0),
          "quadratic": LossWeighter("quadratic", burn_in=0.0),
          "linear": LossWeighter("linear", temperature=0.5, burn_in=0.0)}


class Batches:
    """The batches of the regression, in its order, for the training loop."""

    def __init__(self, world, index):
        self.world, self.index = world, index

    def __len__(self):
        return len(self.index)

    def __iter__(self):
        for rows in self.index:
            yield torch.as_tensor(self.world.x[rows]), torch.as_tensor(self.world.y[rows])


@pytest.mark.parametrize("weighter", [
    LossWeighter("linupper", temperature=0.5, burn_in=0.2), LossWeighter("uniform"),
    lambda losses: (losses + 1) / (losses + 1).sum()])
def test_matches_the_training_loop(weighter):
    steps, size = 30, 16
    course = train_regression({"one": weighter}, seeds=2, steps=steps, batch_size=size, seed=4)
    rng = generator(5)                                    # the second world
    world = redundant_rows(rng=rng)
    index = rng.integers(len(world.y), size=(steps, size))
    model = torch.nn.Linear(20, 1, bias=False).double()
    with torch.no_grad():
        model.weight.zero_()
    fit(model, Batches(world, index), Training(Sgd(0.05, momentum=0.0), epochs=1, device="cpu"),
        weighter=weighter, loss=lambda out, y: regression(out, y) / 2, progress="nowhere")
    gaps = world.test_x @ model.weight.detach().numpy()[0] - world.test_y
    last = course.losses[course.losses["seed"] == 5].iloc[-1]
    assert last["step"] == steps
    assert last["loss"] == pytest.approx((gaps ** 2).mean() / 2, rel=1e-10)


def test_recovers_the_order_of_the_published_curves():
    """LinUpper, then Quadratic, before uniform; Extremes after it: in each of five worlds."""
    course = train_regression(ALL, seeds=5, steps=200)
    wide = course.losses[course.losses["step"] == 200].pivot_table(
        index="seed", columns="weighter", values="loss")
    for better, worse in (("linupper", "quadratic"), ("quadratic", "uniform"),
                          ("uniform", "extremes")):
        assert (wide[better] < wide[worse]).all()


def test_recovers_that_outliers_rule_without_a_cap():
    course = train_regression(ROBUST, seeds=24, steps=400, outliers=0.03)
    wide = course.losses[course.losses["step"] == 400].pivot_table(
        index="seed", columns="weighter", values="loss")
    gaps = wide["linear"] - wide["uniform"]
    assert gaps.mean() > 4 * gaps.std() / np.sqrt(len(gaps))
    assert wide["quadratic"].mean() < wide["uniform"].mean()
    shares = course.sizes.groupby("weighter")["outlier"].mean()
    assert shares["linear"] > shares["linupper"] > shares["quadratic"]
    assert shares["uniform"] == pytest.approx(0.03, abs=0.01)


def test_identity_a_weighter_with_memory_and_rows_is_taken():
    class Seen:
        needs = frozenset({"index", "step"})

        def init(self, n):
            return torch.zeros(n)

        def update(self, seen, batch):
            assert batch.total_steps == 10
            return seen.index_add(0, batch.index, torch.ones(len(batch.index))), (
                batch.losses * 0 + 1 / len(batch.losses))
    course = train_regression({"seen": Seen(), "uniform": LossWeighter("uniform")}, seeds=2,
                              steps=10)
    ends = course.losses.groupby(["weighter", "seed"])["loss"].last()
    assert ends["seen"].to_numpy() == pytest.approx(ends["uniform"].to_numpy(), rel=1e-12)
    assert course.sizes["effective"].to_numpy() == pytest.approx(1)


def test_matches_the_bound_at_every_step():
    found = descend_with_bound(ALL, steps=300)
    assert (found["slack"] >= 0).all()                        # (7)
    assert (found["mean_gap"] <= found["bound"]).all()        # (8)
    mean = found.groupby("weighter")["delta"].mean()
    assert mean["uniform"] == pytest.approx(0, abs=1e-15)
    assert mean["extremes"] < 0 < min(mean["linupper"], mean["quadratic"], mean["linear"])


def test_matches_terms_by_hand():
    losses, weights = [[1.0, 3.0], [2.0, 2.0]], [[0.25, 0.75], [0.5, 0.5]]
    terms = convergence_terms(losses, weights, minimum=1.0, smoothness=2.0, distance=3.0)
    assert terms["gap"].tolist() == [1.0, 1.0]
    assert terms["delta"].tolist() == [0.5, 0.0]
    assert terms["bound"].tolist() == [35.5, 17.75]
    assert terms["uniform_bound"].tolist() == [36.0, 18.0]


@pytest.mark.parametrize(("call", "words"), [
    (lambda: redundant_rows(outliers=1.0, rng=generator(0)), r"outliers must lie in \[0, 1\)"),
    (lambda: convergence_terms([1.0], [1.0]), r"must have one shape \(t, n\)"),
    (lambda: convergence_terms([[1.0]], [[1.0]], distance=-1), "distance must be >= 0, got -1"),
    (lambda: train_regression({"a": LossWeighter(length_norm="tokens")}, steps=1),
     "'a' needs targets. Compare it on data"),
    (lambda: train_regression({"a": lambda losses: losses - 5}, steps=1),
     "a must give each row one weight >= 0, all summing to 1, got .* at step 0")])
def test_rejects_with_one_clear_error(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_rejects_weights_that_are_no_numbers():
    with pytest.raises(ValueError, match="spoken must give a tensor of weights, got str at step"):
        train_regression({"spoken": lambda _: "abc"}, seeds=1, steps=2)

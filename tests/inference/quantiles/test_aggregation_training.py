"""Training against the plain network written out, the search, and what is drawn."""

import numpy as np
import pytest

from workbench.core import generator
from workbench.inference.quantile_aggregation import QuantileAggregator

torch = pytest.importorskip("torch")

from workbench.inference.quantiles import aggregation_training as training  # noqa: E402
from workbench.inference.quantiles.aggregation_network import LocalWeights  # noqa: E402
from workbench.inference.quantiles.aggregation_rows import Rows  # noqa: E402
from workbench.inference.quantiles.descent import Descent  # noqa: E402
from workbench.inference.quantiles.perceptron import Shape, perceptron  # noqa: E402
from workbench.inference.quantiles.resolution import Form  # noqa: E402
from workbench.train.device import torch_generator  # noqa: E402

LEVELS = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
N, K, Q, P = 24, 3, 5, 2


def world(seed=0):
    rng = generator(seed)
    return (part.astype(np.float32) for part in (
        rng.normal(size=(N, P)), rng.normal(size=(N, K, Q)), rng.normal(size=N)))


def plain_steps(X, Z, y, *, margins, penalty, steps, weight):
    """The sheet's network, loss and optimiser, all rows in each step."""
    network = perceptron(P, K * Q * Q, Shape(hidden=8), generator=torch_generator(3))
    X, Z, y = map(torch.tensor, (X, Z, y))
    levels = torch.tensor(LEVELS, dtype=torch.float32)
    upper = torch.ones(Q, Q).triu(1)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2, weight_decay=1e-7, amsgrad=True)
    for _ in range(steps):
        weights = torch.softmax(network(X).view(N, K * Q, Q), dim=1)
        quantiles = torch.einsum("niq,ni->nq", weights, Z.flatten(1))
        missed = y[:, None] - quantiles
        pinball = torch.maximum(levels * missed, (levels - 1) * missed).mean(1)
        short = torch.relu(quantiles[:, :, None] - quantiles[:, None, :] + margins) * upper
        crossings = short.sum((1, 2)) / (Q * (Q - 1) / 2)
        loss = (weight * (pinball + penalty * crossings)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return quantiles.detach().numpy()


@pytest.mark.parametrize("margin", ["single", "vec", "adaptive", "none"])
def test_matches_the_plain_network_after_many_steps(margin):
    X, Z, y = world()
    weight = generator(1).uniform(0.5, 1.5, N)
    weight = weight / weight.mean()
    residuals = np.sort(y - np.median(Z[:, :, 2], axis=1))
    cumulated = np.cumsum(weight[np.argsort(y - np.median(Z[:, :, 2], axis=1))]) / N
    spread = residuals[np.searchsorted(cumulated, LEVELS)]
    margins = {"single": 0.2 + 0 * np.subtract.outer(LEVELS, LEVELS), "none": 0 * np.eye(Q),
               "vec": -0.2 * np.subtract.outer(LEVELS, LEVELS),
               "adaptive": -0.2 * np.subtract.outer(spread, spread)}[margin]
    expected = plain_steps(
        X, Z, y, margins=torch.tensor(margins).float(), weight=torch.tensor(weight).float(),
        penalty=0.0 if margin == "none" else 2.0, steps=31)     # the last one only looks
    recipe = training.Recipe(Shape(hidden=8), Descent(learning_rate=1e-2, max_steps=30,
                                                      batch_size=N),
                             margin=margin, margin_scale=0.2, penalty=2.0, seed=3)
    found = training.trained(recipe, Form("fine", K, Q), LEVELS, Rows(X, Z, y, weight), None,
                             torch.device("cpu"))
    with torch.no_grad():
        ours = found.network(torch.tensor(X), torch.tensor(Z)).numpy()
    np.testing.assert_allclose(ours, expected, atol=2e-4)


def test_matches_margins_of_levels_in_double_precision():
    """In single precision 0.1 is more than 0.1, and two close levels are one."""
    levels = np.array([0.1, 0.5, 0.5 + 1e-8])
    residuals = np.arange(10.0)
    rows = Rows(None, np.zeros((10, 2, 3)), residuals, None)
    recipe = training.Recipe(Shape(), Descent(max_steps=1), margin_scale=1.0)
    margin = training._margin(recipe, rows, levels)
    assert margin.offsets.tolist() == [0.0, 4.0, 5.0]
    assert training.trained(recipe, Form("coarse", 2, 3), levels, rows, None,
                            torch.device("cpu")).descended.steps == 1


def test_identity_retraining_for_the_best_steps_gives_the_kept_network():
    rng = generator(2)
    X, Z = rng.normal(size=(120, P)), rng.normal(size=(120, K, Q))
    y = Z[:, 0, 2] + rng.normal(size=120)
    options = {"quantile_levels": LEVELS, "random_state": 4, "learning_rate": 5e-3}
    kept = QuantileAggregator(**options, max_steps=900).fit(
        X[:60], Z[:60], y[:60], X_val=X[60:], Z_val=Z[60:], y_val=y[60:])
    assert 0 < kept.steps_ < 900
    again = QuantileAggregator(**options, max_steps=kept.steps_, patience=None)
    np.testing.assert_array_equal(again.fit(X[:60], Z[:60], y[:60]).predict(X, Z),
                                  kept.predict(X, Z))


def test_recovers_the_best_of_the_candidates():
    rng = generator(3)
    X, Z, y = rng.normal(size=(40, P)), rng.normal(size=(40, K, Q)), rng.normal(size=40)
    held = {"X_val": X[20:], "Z_val": Z[20:], "y_val": y[20:]}
    options = {"resolution": "medium", "max_steps": 100, "random_state": 0}
    model = QuantileAggregator(LEVELS, **options, searches=4).fit(X, Z, y, **held)
    alone = QuantileAggregator(LEVELS, **options).fit(X, Z, y, **held)
    assert model.validation_ < alone.validation_
    assert set(model.chosen_) == {"learning_rate", "hidden", "layers", "dropout", "penalty",
                                  "margin_scale", "seed"}
    chosen = {name: value for name, value in model.chosen_.items() if name != "seed"}
    again = QuantileAggregator(
        LEVELS, **options | chosen | {"random_state": model.chosen_["seed"]})
    assert again.fit(X, Z, y, **held).validation_ == model.validation_
    np.testing.assert_array_equal(again.predict(X, Z), model.predict(X, Z))


def test_matches_the_space_of_the_source():
    recipe = training.Recipe(Shape(), Descent(), margin="single")
    drawn = [each.settings() for each in training.candidates(recipe, 200, local=True, seed=0)[1:]]
    assert {each["learning_rate"] for each in drawn} == {1e-3}
    assert {each["margin_scale"] for each in drawn} == {1e-4, 1e-3, 5e-3, 7.5e-3, 9.9e-3}
    assert {each["layers"] for each in drawn} == {2, 3}
    assert {each["penalty"] for each in drawn} == {0.5, 1.0, 2.0, 5.0, 10.0}
    shared = training.candidates(training.Recipe(Shape(), Descent(), margin="none"), 50,
                                 local=False, seed=0)
    assert {each.settings()["learning_rate"] for each in shared[1:]} == {1e-3, 5e-4}
    assert {(each.shape, each.penalty, each.margin_scale) for each in shared} == {
        (Shape(), 1.0, 1e-2)}


@pytest.mark.parametrize("isotonise", ["none", "sort", "pava", "minmax"])
@pytest.mark.parametrize("local", [False, True])
def test_recovers_a_lower_loss_through_the_order(isotonise, local):
    rng = generator(5)
    X, Z, y = rng.normal(size=(50, P)), rng.normal(size=(50, K, Q)), rng.normal(size=50)
    held = {"X_val": X, "Z_val": Z, "y_val": y}
    model = QuantileAggregator(LEVELS, local=local, isotonise=isotonise, in_training=True,
                               learning_rate=1e-2, max_steps=300, random_state=0)
    scores = dict(model.fit(X, Z, y, **held).history_)
    assert scores[300] < scores[0] - 0.01


def test_identity_the_last_layer_is_the_plain_one_level_by_level():
    form = Form("fine", K, Q)
    ours = LocalWeights(form, P, Shape(hidden=8), generator=torch_generator(6))
    plain = perceptron(P, K * Q * Q, Shape(hidden=8), generator=torch_generator(6))
    X = torch.randn(N, P, generator=torch_generator(7))
    expected = torch.softmax(plain(X).view(N, K * Q, Q), dim=1).view(N, K, Q, Q)
    torch.testing.assert_close(ours.weights(X), expected)
    torch.testing.assert_close(expected.sum((1, 2)), torch.ones(N, Q))

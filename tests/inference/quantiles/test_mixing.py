"""Tiles against the plain network: softmax over the flattened axis, all at once."""

import pytest

torch = pytest.importorskip("torch")

from workbench.inference.quantiles import mixing  # noqa: E402 - torch may be missing

N, Q, M, H = 5, 7, 6, 3


@pytest.fixture(params=["one tile", "small tiles", "made again"])
def _tiles(request, monkeypatch):
    if request.param != "one tile":
        monkeypatch.setitem(mixing.TILE, "cpu", 2 * N * M // torch.get_num_threads())
    if request.param == "made again":
        monkeypatch.setattr(mixing, "KEPT", 0)


def drawn(dtype=torch.float64):
    rng = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=rng, dtype=dtype, requires_grad=True)
            for shape in ((N, H), (Q, M, H), (Q, M))] + [
                torch.randn((N, M), generator=rng, dtype=dtype)]


def plain(hidden, head, bias, inputs, *, normalise):
    """One logit at a time from the definition."""
    logits = torch.einsum("nh,qih->niq", hidden, head) + bias.T
    weights = torch.softmax(logits, dim=1) if normalise else logits + 1 / M
    return torch.einsum("niq,ni->nq", weights, inputs)


@pytest.mark.usefixtures("_tiles")
@pytest.mark.parametrize("normalise", [True, False])
def test_matches_the_plain_network_and_its_gradients(normalise):
    given = drawn()
    ours = mixing.mix(*given, normalise=normalise)
    theirs = plain(*given, normalise=normalise)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    slope = torch.linspace(-1, 1, N * Q, dtype=torch.float64).view(N, Q)
    for mine, their in zip(torch.autograd.grad((ours * slope).sum(), given[:3]),
                           torch.autograd.grad((theirs * slope).sum(), given[:3]), strict=True):
        torch.testing.assert_close(mine, their, rtol=1e-11, atol=1e-12)


@pytest.mark.usefixtures("_tiles")
def test_matches_finite_differences():
    *params, inputs = drawn()
    assert torch.autograd.gradcheck(lambda *given: mixing.mix(*given, inputs), params)


def test_identity_weights_of_each_output_sum_to_one():
    hidden, head, bias, _ = drawn(torch.float32)
    weights = mixing.last_layer_weights(hidden, head, bias)
    assert weights.shape == (N, Q, M)
    torch.testing.assert_close(weights.sum(-1), torch.ones(N, Q))


def test_identity_large_logits_stay_finite():
    hidden, head, bias, inputs = (part.detach() for part in drawn(torch.float32))
    mixed = mixing.mix(1e4 * hidden, head, bias, inputs)
    assert torch.isfinite(mixed).all()
    assert (mixed <= inputs.amax(1, keepdim=True) + 1e-5).all()


def test_identity_prediction_keeps_no_weights(monkeypatch):
    """Without gradients nothing of a tile outlives it, though parameters want gradients."""
    seen, forward = [], mixing._Mix.forward

    def noted(context, *given):
        mixed = forward(context, *given)
        seen.append(len(context.kept))
        return mixed

    monkeypatch.setattr(mixing._Mix, "forward", staticmethod(noted))
    given = drawn()
    mixing.mix(*given)
    with torch.no_grad():
        mixing.mix(*given)
    assert seen == [1, 0]

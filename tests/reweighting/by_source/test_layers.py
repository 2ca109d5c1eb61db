"""LISA: which blocks are trained, and that the others stay as they are."""

import pytest

torch = pytest.importorskip("torch")

from workbench.reweighting import LISA, ScaleBiO  # noqa: E402
from workbench.train import (  # noqa: E402
    AdamW,
    CharTransformer,
    Training,
    causal_lm,
    fit,
    torch_generator,
)


def network(layers=5):
    return CharTransformer(11, 8, layers=layers, heads=2, context=6,
                           generator=torch_generator(0))


def test_matches_the_number_of_blocks_and_all_else():
    model, lisa = network(), LISA(2, blocks="blocks")
    chosen = lisa.draw(model, torch_generator(1))
    with lisa.only(model, chosen):
        taken = {name for name, param in model.named_parameters() if param.requires_grad}
    blocks = {int(name.split(".")[1]) for name in taken if name.startswith("blocks.")}
    assert blocks == set(chosen)
    assert len(blocks) == 2
    assert {"tokens.weight", "places.weight", "norm.weight"} <= taken
    assert all(param.requires_grad for param in model.parameters())


def test_identity_what_was_frozen_before_stays_frozen():
    model = network()
    model.blocks[0].requires_grad_(requires_grad=False)
    with LISA(1).only(model, [0]):
        assert not any(param.requires_grad for param in model.blocks[0].parameters())
    assert not any(param.requires_grad for param in model.blocks[0].parameters())
    assert all(param.requires_grad for param in model.blocks[1].parameters())


def test_matches_the_same_blocks_by_seed_and_others_over_time():
    draws = torch_generator(2)
    drawn = [tuple(LISA(2).draw(network(), draws)) for _ in range(12)]
    again = torch_generator(2)
    assert drawn == [tuple(LISA(2).draw(network(), again)) for _ in range(12)]
    assert len(set(drawn)) > 3


def test_identity_blocks_that_were_not_drawn_stay_bit_for_bit():
    tokens = torch.randint(11, (16, 6), generator=torch_generator(3))
    model, before = network(), network()
    done = fit(model, (tokens, tokens, torch.arange(16) % 2),
               Training(AdamW(1e-2), max_steps=3, batch_size=8), loss=causal_lm,
               weighter=ScaleBiO(lisa=LISA(2, every=10)), meta=(tokens, tokens),
               progress="nowhere")
    for name, trained in (("model", model), ("twin", done.weighter_state["twin"])):
        chosen = done.weighter_state["drawn"][name]
        for at, (one, other) in enumerate(zip(trained.blocks, before.blocks, strict=True)):
            same = torch.equal(one.adds.weight, other.adds.weight)
            assert same == (at not in chosen), (name, at, chosen)
        assert not torch.equal(trained.tokens.weight, before.tokens.weight)
    assert all(param.requires_grad for param in model.parameters())


def test_rejects_blocks_that_are_not_there():
    with pytest.raises(ValueError, match=r"blocks must name a list .* Lists: 'blocks'"):
        LISA(2, blocks="layers").draw(network(), torch_generator(0))
    with pytest.raises(ValueError, match="n_layers must be at most the 5 blocks"):
        LISA(6).draw(network(), torch_generator(0))
    with pytest.raises(ValueError, match="the network has none"):
        LISA(1).draw(torch.nn.Linear(1, 1), torch_generator(0))
    with pytest.raises(ValueError, match="n_layers must be a whole number"):
        LISA(0)

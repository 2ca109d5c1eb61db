"""Ten lines of a user: in the loop, over processes, in a comparison, on Hugging Face's."""

import os

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from tests.reweighting.owners import Descent  # noqa: E402
from tests.train.pairs import ROOT, run_in_two  # noqa: E402
from workbench.reweighting import Watched, compare_weighters, register, registry  # noqa: E402
from workbench.train import MLP, Sgd, Training, fit  # noqa: E402


class UpperHalf:
    """Losses above the median count, all alike."""

    scope = "step"                  # over micro-batches and processes; "batch" for each alone

    def __call__(self, losses):     # a tensor of shape (n,), detached
        chosen = (losses >= losses.median()).to(losses)
        return chosen / chosen.sum()


WEIGHTERS = {"own": UpperHalf, "watched": lambda: Watched(UpperHalf()),
             "owner": lambda: Watched(Descent())}


def draws(seed):
    return torch.Generator().manual_seed(seed)


def go(weighter, **options):
    x = torch.randn(32, 4, generator=draws(0), dtype=torch.float64)
    y = (x[:, 0] > 0).long()
    model = nn.Linear(4, 2).double()
    with torch.no_grad():
        for param in model.parameters():
            param.uniform_(-0.5, 0.5, generator=draws(param.numel()))
    done = fit(model, (x, y), Training(Sgd(0.2), epochs=2, log_every=1, device="cpu", **options),
               weighter=weighter, progress="nowhere")
    return np.concatenate([param.detach().flatten() for param in model.parameters()]), done


def both(folder):
    """What each of two processes does."""
    for name, make in WEIGHTERS.items():
        numbers, _ = go(make(), batch_size=4, devices=2)
        if os.environ["RANK"] == "0":
            np.save(folder / f"{name}.npy", numbers)


def test_matches_one_process_when_two_share_the_step(tmp_path):
    run_in_two(__file__, tmp_path)
    for name, make in WEIGHTERS.items():
        alone, _ = go(make(), batch_size=8)
        assert np.abs(np.load(tmp_path / f"{name}.npy") - alone).max() < 1e-12, name


def test_matches_a_network_of_hugging_face_fed_by_name():
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1,
                                     num_attention_heads=2, intermediate_size=8, num_labels=2,
                                     max_position_embeddings=8)
    tokens = torch.randint(20, (48, 8), generator=draws(0))
    data = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens),
            "labels": (tokens[:, 0] > 9).long()}
    train, test = ({key: part[where] for key, part in data.items()}
                   for where in (slice(32), slice(32, 48)))

    def make(seed):
        model = transformers.BertForSequenceClassification(config)
        with torch.no_grad():
            for param in model.parameters():
                param.normal_(0, 0.3, generator=draws(seed))
        return model
    found = compare_weighters(make, train, test, {"upper": UpperHalf(), "owner": Descent()},
                              Training(Sgd(0.1), epochs=2, batch_size=8), seeds=(0, 1))
    assert found.fates["status"].tolist() == ["finished"] * 6
    assert found.gain("upper").interval is not None
    assert found.weights["upper"].max() > 1.2
    assert found.weights["owner"].to_numpy() == pytest.approx(1, rel=1e-5)


def test_matches_the_league_and_its_page_by_name(monkeypatch):
    monkeypatch.setattr(registry, "OWN", {})
    register("upper_half", UpperHalf)
    from workbench.studies import weighter_league as study
    from workbench.ui import StudyPage

    params = study.Params(**study.SMOKE | {"weighters": "upper_half"})
    league = study.run(params).tables["league"].set_index("weighter")
    assert league.loc["upper_half", "status"] == "finished"
    assert league.loc["upper_half", "effective"] < 1
    assert StudyPage(study).template() is not None


def test_matches_the_page_of_documentation():
    pytest.importorskip("transformers")
    text = (ROOT / "docs" / "weighters.md").read_text(encoding="utf-8")
    cells = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    x = torch.randn(48, 3, generator=draws(1))
    told = {"model": nn.Linear(3, 2), "x": x, "y": (x[:, 0] > 0).long(),
            "test_x": x, "test_y": (x[:, 0] > 0).long(),
            "make_model": lambda seed: MLP(3, 4, 2, generator=draws(seed))}
    own, loop, bought, hugging, owner = cells[:5]
    for cell in (own, loop.replace(", devices=2", ""), bought, hugging, owner):
        exec(cell, told)                                   # what a reader does
    assert told["found"].fates["status"].tolist() == ["finished"] * 6
    assert set(told["found"].weights) == {"uniform", "upper"}
    exec("found = compare_weighters(lambda seed: MLP(3, 4, 2, generator=draws(seed)), (x, y), "
         "(x, y), {'owner': Descent()}, Training(epochs=1), seeds=(0,))",
         told | {"MLP": MLP, "draws": draws})

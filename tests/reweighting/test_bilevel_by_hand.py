"""Source weights against a plain loop in NumPy: gradients, clipping, AdamW, schedule, order."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from workbench.core import generator  # noqa: E402
from workbench.reweighting import ScaleBiO, source_weights  # noqa: E402
from workbench.train import AdamW, Training, cosine, fit, regression  # noqa: E402

STEPS, DECAY, K = 25, 5e-4, 3


class Adam:
    """AdamW of one array."""

    def __init__(self, decay):
        self.decay, self.step, self.first, self.second = decay, 0, 0.0, 0.0

    def __call__(self, at, slope, rate):
        self.step += 1
        self.first = 0.9 * self.first + 0.1 * slope
        self.second = 0.999 * self.second + 0.001 * slope ** 2
        root = np.sqrt(self.second / (1 - 0.999 ** self.step)) + 1e-8
        return at * (1 - rate * self.decay) - rate * self.first / (1 - 0.9 ** self.step) / root


def clipped(slope, largest):
    return slope * min(1.0, largest / np.linalg.norm(slope))


def by_hand(rows, ahead, alpha, clip):
    """Networks ``x @ w`` with squared losses, and the logits, after all steps; the losses too."""
    x, y, source = rows
    w, u, logits = np.zeros(x.shape[1]), np.zeros(x.shape[1]), np.zeros(K)
    of_w, of_u, of_logits = Adam(DECAY), Adam(DECAY), Adam(0.01)
    counts, clips = np.bincount(source), 0
    for step in range(STEPS):
        share = 0.5 * (1 + np.cos(np.pi * step / STEPS))
        p = np.exp(logits) / np.exp(logits).sum()
        weights = (p / counts)[source]
        off_w, off_u, off = x @ w - y, x @ u - y, ahead[0] @ w - ahead[1]
        g = alpha * np.array([(off_w ** 2 - off_u ** 2)[source == one].mean()
                              for one in range(K)])
        slope_u = alpha * (weights * 2 * off_u) @ x
        slope_w = alpha * (weights * 2 * off_w) @ x + 2 * off @ ahead[0] / len(off)
        clips += np.linalg.norm(slope_w) > clip * alpha
        u = of_u(u, clipped(slope_u, clip * alpha), 0.02 * share)
        w = of_w(w, clipped(slope_w, clip * alpha), 0.02 * share)
        logits = of_logits(logits, (np.diag(p) - np.outer(p, p)) @ g, 0.05 * share)
    return w, u, np.exp(logits) / np.exp(logits).sum(), clips


@pytest.mark.parametrize(("alpha", "clip"), [(0.5, 1.5), (10.0, 1.5), (100.0, 1e6)])
def test_matches_a_plain_loop(alpha, clip):
    rng = generator(0)
    x, source = rng.normal(size=(66, 4)), np.repeat(np.arange(K), [11, 22, 33])
    y = x @ rng.normal(size=(4, K))                            # a slope of its own by source
    rows = (x, y[np.arange(66), source], source)
    ahead = rng.normal(size=(66, 4))
    ahead = (ahead, ahead @ np.linalg.lstsq(x, y[:, 1], rcond=None)[0])
    model = torch.nn.Linear(4, 1, bias=False).double()
    torch.nn.init.zeros_(model.weight)
    how = Training(AdamW(0.02, weight_decay=DECAY), max_steps=STEPS, batch_size=66,
                   schedule=cosine())
    done = fit(model, rows, how, meta=ahead, loss=regression, progress="nowhere",
               weighter=ScaleBiO(alpha=alpha, clip=clip, source_rate=0.05))
    w, u, p, clips = by_hand(rows, ahead, alpha, clip)
    assert (clips > 0) == (clip < 10)
    twin = done.weighter_state["twin"].weight.detach().numpy()[0]
    # AdamW's first step is the same for both networks up to the tenth digit: gaps have few digits
    assert source_weights(done) == pytest.approx(p, abs=1e-6)
    assert model.weight.detach().numpy()[0] == pytest.approx(w, abs=1e-6)
    assert twin == pytest.approx(u, abs=1e-6)
    assert p.argmax() == 1

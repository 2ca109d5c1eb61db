"""Alternating training as the authors' code does it, step by step.

The numbers are those of the authors' classes (public repository haoxuanli-pku/ICLR24-Kernel-
Balancing, on the CPU) after 60 epochs of one batch of eight ratings, with these first embeddings,
these pairs and no shuffling.
"""

import numpy as np
import pytest
import torch

from workbench.inference.balancing import alternating
from workbench.inference.balancing.alternating import MatrixFactorisation
from workbench.inference.balancing.balanced_factors import KernelBalancedMF
from workbench.inference.balancing.factors import Factors
from workbench.inference.balancing.learnt_weights import Balancing, LearntWeights

USERS, ITEMS, ROWS, OTHERS, SIZE = 6, 5, 8, 2, 4
PARTS = {"prediction": ((5, 3), (2, 7)), "imputation": ((6, 5), (9, 4)),
         "weights": ((11, 2), (4, 9))}
CASES = [
    ("KBIPS_Gau", {}, "gaussian"),
    ("AKBIPS_Gau", {"balance": "adaptive"}, "gaussian"),
    ("WKBIPS_Gau", {"balance": "worst"}, "gaussian"),
    ("KBDR_Gau", {"robust": True}, "gaussian"),
    ("AKBDR_Gau", {"robust": True, "balance": "adaptive"}, "gaussian"),
    ("WKBIPS_Exp", {"balance": "worst"}, "laplace"),
    ("KBIPS_Exp", {}, "laplace"),
]
NUMBERS = {
    "KBIPS_Gau": [0.011356, 0.997447, 0.022220, 0.991928,
                  0.070571, 0.998170, 0.008580, 0.988043],
    "AKBIPS_Gau": [0.011357, 0.997447, 0.022222, 0.991928,
                   0.070572, 0.998170, 0.008580, 0.988042],
    "WKBIPS_Gau": [0.011357, 0.997447, 0.022221, 0.991928,
                   0.070576, 0.998170, 0.008581, 0.988043],
    "KBDR_Gau": [0.004157, 0.999739, 0.034295, 0.975844,
                 0.110522, 0.999994, 0.007288, 0.994357],
    "AKBDR_Gau": [0.004157, 0.999739, 0.034295, 0.975844,
                  0.110519, 0.999994, 0.007288, 0.994357],
    "WKBIPS_Exp": [0.011368, 0.997446, 0.022214, 0.991939,
                   0.070532, 0.998169, 0.008589, 0.988041],
    "KBIPS_Exp": [0.011359, 0.997446, 0.022196, 0.991943,
                  0.070423, 0.998170, 0.008584, 0.988046],
}


def table(rows, a, b):
    return torch.tensor([[((i * a + j * b) % 17) / 17 for j in range(SIZE)] for i in range(rows)])


def laid(monkeypatch):
    """Fixed first embeddings, order and draws."""
    ready = iter(PARTS.values())

    def made(models, users, items, size, *, generator):
        factors = Factors(models, users, items, size, generator=generator)
        (first, second) = next(ready)
        factors.users.data = table(users, *first)[None]
        factors.items.data = table(items, *second)[None]
        return factors

    monkeypatch.setattr(alternating, "Factors", made)
    pairs = torch.tensor([(3 * i) % USERS * ITEMS + (i + 2) % ITEMS for i in range(ROWS * OTHERS)])
    monkeypatch.setattr(MatrixFactorisation, "_all_pairs", lambda *_: pairs)
    monkeypatch.setattr(torch, "randperm", lambda n, **_: torch.arange(n))
    monkeypatch.setattr(torch, "randint", lambda *_, **__: torch.tensor([1, 4, 9]))
    begun = LearntWeights.__init__

    def slotted(self, *args):
        begun(self, *args)
        self.alpha.data = torch.tensor([[((3 * i) % 7) / 7 for i in range(ROWS * OTHERS)]])

    monkeypatch.setattr(LearntWeights, "__init__", slotted)


@pytest.mark.parametrize(("name", "options", "kernel"), CASES)
def test_matches_the_authors_numbers(monkeypatch, name, options, kernel):
    laid(monkeypatch)
    users, items = np.arange(ROWS) % USERS, (2 * np.arange(ROWS) + 1) % ITEMS
    how = Balancing(kernel=kernel, learning_rate=3e-2, weight_decay=5e-2, alpha_rate=3e-2,
                    alpha_decay=5e-2 if options.get("balance") == "worst" else 1e-3)
    model = KernelBalancedMF(USERS, ITEMS, compat="author", weight_decay=1e-3, learning_rate=3e-2,
                             epochs=60, batch=ROWS, others=OTHERS, how=how, **options)
    model.model_.tol = -1e9                          # all epochs
    model.fit(users, items, np.arange(ROWS) % 2, random_ratings=[1, 0, 0, 1, 0],
              features=(table(USERS, 3, 5).numpy(), table(ITEMS, 7, 2).numpy()))
    np.testing.assert_allclose(model.predict(users, items), NUMBERS[name], atol=2e-5)

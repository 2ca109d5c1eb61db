"""Greedy soups of the seeds of each cell, their hidden units in one order.

One half of the test rows chooses the members, the other half tells what the soup gains.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.landscape.averaging import gain
from workbench.landscape.matching import align
from workbench.landscape.members import Tensors, taken
from workbench.landscape.permutation_axes import symmetries
from workbench.landscape.soups import greedy_soup
from workbench.train.scoring import normalise_again
from workbench.train.stack import Stack

__all__ = ["soup_gains"]


def soup_gains(models: Stack, cells: Sequence[Hashable], x: Tensor,
               test: tuple[Tensor, Tensor]) -> pd.DataFrame:
    """Gain of the greedy soup of each cell.

    Parameters
    ----------
    models : Stack
        Of one architecture, without padding.
    cells : sequence, one entry per model
        Models of one entry are cooked together.
    x : tensor, shape (n, ...)
        Training rows, from which moments of normalisation are estimated anew.
    test : (tensor, tensor)
        Inputs, shape (m, ...), and labels, shape (m,): the even rows choose, the odd ones tell.

    Returns
    -------
    table : DataFrame
        One row per cell: cell, soup_members (how many stayed), soup_gain and soup_gain_stderr
        (test accuracy of the soup minus the mean of its cell [percentage points]).
    """
    axes, rows = symmetries(models.model(0)), []
    for cell in dict.fromkeys(cells):
        members = models.take([at for at, one in enumerate(cells) if one == cell])
        aligned = align({**members.params, **members.buffers}, axes)
        chosen, told = (_Judge(members, x, (test[0][half::2], test[1][half::2]))
                        for half in (0, 1))
        soup = greedy_soup(aligned, chosen.accuracy)
        alone = [told.correct(taken(aligned, k)) for k in range(len(members))]
        found = gain(told.correct(soup.params), np.stack(alone))
        rows.append({"cell": cell, "soup_members": int((soup.weights > 0).sum()),
                     "soup_gain": found.value, "soup_gain_stderr": found.stderr})
    return pd.DataFrame(rows)


@dataclass(frozen=True, eq=False)
class _Judge:
    """Which of some rows a network classifies rightly, its moments estimated anew."""

    like: Stack
    x: Tensor
    rows: tuple[Tensor, Tensor]

    def correct(self, params: Tensors) -> np.ndarray:
        one = self.like.take([0])
        one = one.replace({name: params[name][None] for name in one.params},
                          {name: params[name][None] for name in one.buffers})
        one = normalise_again(one, self.x[None]) if one.buffers else one
        with torch.no_grad():
            outputs, _ = one.forward(one.params, one.buffers, self.rows[0][None])
        return (outputs[0].argmax(-1) == self.rows[1]).cpu().numpy()

    def accuracy(self, params: Tensors) -> float:
        return float(self.correct(params).mean())

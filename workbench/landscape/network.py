"""The measures of one network in one call, for any module and its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from workbench.core import Measure
from workbench.landscape.batches import (
    Batch,
    Loss,
    batches_of,
    checked_losses,
    evaluation_mode,
    objective_of,
    stacked_parameters,
)
from workbench.landscape.eigenvalues import Eigenvalues, hessian_eigenvalues
from workbench.landscape.norms import weight_norms
from workbench.landscape.objective import Objective, Tensors
from workbench.landscape.perturbation import Sharpness, sharpness
from workbench.landscape.probes import generators
from workbench.landscape.spectrum import Spectrum, spectral_density
from workbench.landscape.trace import UNIT, Trace, hessian_trace

__all__ = ["Landscape", "Measuring", "measure"]

BOUND = "error bound"
SPREAD = "standard error"


@dataclass(frozen=True)
class Measuring:
    """How much is measured.

    Parameters
    ----------
    probes : int >= 2
        Random vectors of the trace.
    eigenvalues : int > 0
        Largest ones that must converge.
    tol : float > 0
        Largest bound of their errors, as a share of the largest in magnitude; they are far below.
    max_steps : int > 0
        Products after which the search for eigenvalues ends.
    spectrum : int
        Random starts of the spectral density; 0 leaves it out.
    radius : float > 0
        Of the ball of sharpness, as a share of the length of all weights.
    dtype : torch.dtype, optional
        Precision of all measures; float64 suits small networks.
    """

    probes: int = 100
    eigenvalues: int = 1
    tol: float = 1e-3
    max_steps: int = 100
    spectrum: int = 0
    radius: float = 0.01
    dtype: torch.dtype | None = None


@dataclass(frozen=True)
class Landscape:
    """What was measured of one network.

    Parameters
    ----------
    measures : mapping of names to Measure
        Each with its standard error, or with an error bound where `kinds` says so; NaN where there
        is no error to tell.
    kinds : mapping of names to str
        What the error of a measure is.
    trace : Trace
        Of the Hessian, with the share of each tensor.
    eigenvalues : Eigenvalues
    sharpness : Sharpness
    spectrum : Spectrum or None
    notes : tuple of str
        What a reader must know.
    """

    measures: Mapping[str, Measure]
    kinds: Mapping[str, str]
    trace: Trace
    eigenvalues: Eigenvalues
    sharpness: Sharpness
    spectrum: Spectrum | None
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Measure:
        return self.measures[name]

    def table(self) -> pd.DataFrame:
        """One row per measure."""
        return pd.DataFrame([{"measure": name, "value": one.value, "error": one.stderr,
                              "kind": self.kinds.get(name, SPREAD), "unit": one.unit}
                             for name, one in self.measures.items()])


def measure(model: nn.Module, loss: Loss | None, data: Any, *, rng: torch.Generator,
            how: Measuring | None = None) -> Landscape:
    """Loss, curvature, sharpness and size of one network, in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is: parameters, buffers and modes. Parameters without `requires_grad` are held
        fixed.
    loss : function of (outputs, y), or None
        A mean over rows. For named inputs it is called with (answer, inputs); None takes the
        answer's own ``loss``, as Hugging Face models have it.
    data : (x, y), mapping of named tensors, or an iterable of either
        For instance a DataLoader; batches are weighted by their rows, those of a language model by
        the tokens that it predicts.
    rng : torch.Generator
    how : Measuring

    Raises
    ------
    ValueError
        If there is no data, if shapes or labels do not fit, if the loss is not a mean or not
        finite, or if no parameter is trained.

    Examples
    --------
    >>> model = nn.Linear(2, 1, bias=False)
    >>> data = torch.eye(2), torch.zeros(2, 1)
    >>> found = measure(model, nn.MSELoss(), data, rng=torch.Generator().manual_seed(0))
    >>> round(found["largest eigenvalue"].value, 4), round(found["trace"].value, 4)
    (1.0, 2.0)
    """
    how = how or Measuring()
    params = stacked_parameters(model)
    batches = batches_of(data, next(iter(params.values())).device)
    seeds = generators(rng, 4)
    with evaluation_mode(model):
        missed = checked_losses(model, loss, batches)
        losses = [objective_of(model, loss, batch) for batch in batches]
        if how.dtype is not None:
            losses = [one.to(how.dtype) for one in losses]
            params = {name: param.to(how.dtype) for name, param in params.items()}
        trace = hessian_trace(losses, params, rng=seeds[0], probes=how.probes)
        ends = hessian_eigenvalues(losses, params, rng=seeds[1], largest=how.eigenvalues,
                                   tol=how.tol, max_steps=how.max_steps)
        density = spectral_density(losses, params, rng=seeds[2], probes=how.spectrum
                                   ) if how.spectrum else None
        length = float(weight_norms(params)["norm"].iloc[0])
        rise = sharpness(losses, params, rng=seeds[3], radius=how.radius * length)
        values = _losses(losses, params)
    found = {"loss": _mean(values, batches, "loss"), **_error(missed)}
    found |= {"trace": trace.measure(), "largest eigenvalue": ends.measure(),
              "smallest eigenvalue": Measure(float(ends.smallest[0, 0]),
                                             float(ends.smallest_bounds[0, 0]), UNIT)}
    if density is not None:
        found["negative eigenvalues"] = density.negative_share()
    found |= {"sharpness, worst found": Measure(float(rise.worst[0]), np.nan, "loss"),
              "sharpness, mean": rise.measure(), "weight norm": Measure(length, 0.0, "parameter")}
    kinds = {"largest eigenvalue": BOUND, "smallest eigenvalue": BOUND,
             "sharpness, worst found": "lower bound", "weight norm": "exact"}
    return Landscape(found, kinds, trace, ends, rise, density, _notes(model, ends))


def _losses(losses: list[Objective], params: Tensors) -> Tensor:
    with torch.no_grad():
        return torch.cat([one(params) for one in losses]).double().cpu()


def _mean(values: Tensor, batches: list[Batch], unit: str) -> Measure:
    """Mean weighted by sizes; its error is the spread over batches."""
    sizes = torch.tensor([batch.size for batch in batches], dtype=torch.float64)
    share = sizes / sizes.sum()
    mean = share @ values
    if len(values) == 1:
        return Measure(float(mean), np.nan, unit)
    spread = (share ** 2 @ (values - mean) ** 2) * len(values) / (len(values) - 1)
    return Measure(float(mean), float(spread.sqrt()), unit)


def _error(missed: list[Tensor | None]) -> dict[str, Measure]:
    """Share of rows with another class than their label [percent], where there are classes."""
    wrong = [one.double().cpu() for one in missed if one is not None]
    if len(wrong) < len(missed):
        return {}
    each = 100 * torch.cat(wrong)
    spread = float(each.std(correction=1)) / len(each) ** 0.5 if len(each) > 1 else np.nan
    return {"error": Measure(float(each.mean()), spread, "%")}


def _notes(model: nn.Module, ends: Eigenvalues) -> tuple[str, ...]:
    kinds = [module for module in model.modules() if module.training]
    notes = []
    if any(isinstance(module, nn.modules.dropout._DropoutNd | nn.modules.batchnorm._NormBase)
           for module in kinds):
        notes.append("The model was in training mode and is measured in evaluation mode: without "
                     "dropout, and with the running statistics of batch normalisation.")
    frozen = sum(param.numel() for param in model.parameters() if not param.requires_grad)
    if frozen:
        notes.append(f"{frozen} parameters without requires_grad are held fixed.")
    if not ends.converged[0]:
        notes.append(f"The eigenvalues did not converge in {int(ends.steps[0])} products; their "
                     "bounds say how far they can be off. Raise max_steps.")
    return tuple(notes)

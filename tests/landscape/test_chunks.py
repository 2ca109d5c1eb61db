"""Networks measured a few at a time give the numbers of all at once."""

import dataclasses

import numpy as np
import pytest

from workbench.landscape import (
    gauss_newton_trace,
    hessian_eigenvalues,
    hessian_trace,
    hutch_plus_plus,
    in_chunks,
    power_iteration,
    sharpness,
    spectral_density,
    stack_objective,
    stack_outputs,
)
from workbench.train.models import MLP
from workbench.train.stack import stack


def arrays(found):
    """Every array of a result, in order."""
    if dataclasses.is_dataclass(found):
        return [array for field in dataclasses.fields(found)
                for array in arrays(getattr(found, field.name))]
    if isinstance(found, dict):
        return [array for value in found.values() for array in arrays(value)]
    if isinstance(found, tuple):
        return [array for value in found for array in arrays(value)]
    return [found] if isinstance(found, np.ndarray) else []


@pytest.mark.parametrize(("measure", "options"), [
    (hessian_trace, {"probes": 5}), (hutch_plus_plus, {"products": 9}),
    (hessian_eigenvalues, {"largest": 2}), (power_iteration, {}), (sharpness, {"probes": 3}),
    (spectral_density, {"probes": 2, "steps": 5}), (gauss_newton_trace, {"probes": 3})])
def test_identity_chunks_change_nothing(small, measure, options):
    drawn = small.generator()
    whole = stack([MLP(4, width, 3, generator=drawn).double() for width in (4, 5, 4, 5, 5)])
    x, y = small.data()
    losses = stack_outputs(whole, x) if measure is gauss_newton_trace else stack_objective(
        whole, x, y)
    if measure is not sharpness:
        options = options | {"masks": whole.masks}
    at_once = measure(losses, whole.params, rng=small.generator(3), **options)
    divided = in_chunks(measure, losses, whole.params, models=2, rng=small.generator(3),
                        **options)
    assert len(arrays(at_once)) == len(arrays(divided)) > 0
    for one, other in zip(arrays(at_once), arrays(divided), strict=True):
        assert np.allclose(one, other, rtol=1e-6, atol=1e-12)


def test_rejects_plain_functions(small):
    params = small.params()
    with pytest.raises(ValueError, match="got a plain function"):
        in_chunks(hessian_trace, lambda one: small.objective()(one), params, models=2,
                  rng=small.generator())

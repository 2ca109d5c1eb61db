"""The compiled density as a C function, so that nutpie's threads call it without the Python lock.

nutpie takes a C function from the models it compiles itself. The door it uses for them
(``LogpFunc``, ``ExpandFunc``, ``PyMcModel``) is not documented, hence the pinned minor version.
`python_model` takes the documented door to the same density: the tests' oracle for this one, and
the way out should it close.

Data, prior and whitening travel as one flat array of doubles: a header, then the arrays.
"""

import dataclasses
import math
from functools import cache, partial
from typing import Any

import numba
import numpy as np
import pandas as pd
from numba import types

from workbench.core import libraries
from workbench.inference.trend.density import (
    Terms,
    density_of,
    line_density,
    log_density,
    terms_for,
)
from workbench.inference.trend.design import Prior, TrendDesign
from workbench.inference.trend.likelihood import cached, compiled, pointwise

libraries.arviz()    # nutpie imports it as well, but not quietly

from nutpie import _lib  # noqa: E402
from nutpie.compiled_pyfunc import from_pyfunc  # noqa: E402
from nutpie.sample import CompiledModel  # noqa: E402

__all__ = ["Whitening", "c_model", "python_model", "warm"]

HEADER = 12
DOUBLES = types.CPointer(types.float64)


@dataclasses.dataclass(frozen=True)
class Whitening:
    """The change of variables ``x = centre + factor @ u``; shapes (d,) and (d, d)."""

    centre: np.ndarray
    factor: np.ndarray

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """Points of shape (..., d) in the coordinates of the density."""
        return self.centre + u @ self.factor.T


@dataclasses.dataclass(frozen=True)
class CTrendModel(CompiledModel):
    """A trend as nutpie samples it through C pointers."""

    flat: np.ndarray
    size: int
    line: bool

    @property
    def n_dim(self) -> int:
        return self.size

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"u": (self.size,)}

    @property
    def coords(self) -> dict[str, Any]:
        return {"coordinate": pd.RangeIndex(self.size)}

    def _make_model(self, init_mean: object) -> Any:  # noqa: ARG002
        address = self.flat.ctypes.data
        sizes = {"coordinate": self.size}
        variables = _lib.PyVariable.new_variables(["u"], ["float64"], [(self.size,)], sizes,
                                                  self.dims)
        return _lib.PyMcModel(
            _lib.LogpFunc(_c_density(self.line).address, address, self),
            _lib.ExpandFunc(self.size, self.size, _c_expand.address, address, self),
            variables, self.size, sizes, self.coords, _start(self.size), None)

    def _make_sampler(self, settings: Any, init_mean: Any, cores: int, progress: Any,
                      store: Any) -> Any:
        return _lib.PySampler.from_pymc(settings, cores, self._make_model(init_mean), progress,
                                        store)


def c_model(terms: Terms, whitening: Whitening) -> CompiledModel:
    """Build the model that nutpie samples without the Python lock."""
    size = len(whitening.centre)
    n, k = len(terms.y), len(terms.kind)
    header = [n, k, size, terms.log_sigma, terms.sigma_floor, terms.student, terms.nu,
              terms.sigma_sd, terms.source_sd, terms.bend_sd, terms.log_length, terms.length_sd]
    arrays = [terms.X, terms.y, terms.weight, terms.error, terms.kind, terms.location,
              terms.spread, terms.frequency, terms.A, terms.b,
              whitening.centre, whitening.factor]
    flat = np.concatenate([np.array(header, dtype=float), *(array.ravel() for array in arrays)])
    return CTrendModel(dims={"u": ("coordinate",)}, flat=flat, size=size,
                       line=density_of(terms) is line_density)


def python_model(terms: Terms, whitening: Whitening) -> CompiledModel:
    """Build the same model through nutpie's documented door."""
    size = len(whitening.centre)

    def make_density() -> Any:
        def density(u: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = density_of(terms)(whitening(u), terms)
            return value, whitening.factor.T @ gradient
        return density

    def make_expand(*_: int) -> Any:
        return lambda u: {"u": np.array(u)}

    return from_pyfunc(size, make_density, make_expand, [np.dtype(float)], [(size,)], ["u"],
                       make_initial_point_fn=_start(size))


def warm() -> None:
    """Load the compiled code of all trends and compute nothing.

    For a process that others are forked from: they find the code in memory.
    """
    day = np.arange(3.0)
    rows = (day, np.ones(3), np.zeros(3))
    terms = terms_for(TrendDesign(0.0, 3.0, 1.0), Prior.for_scale((0.0, 1.0), 1.0),
                      np.column_stack([rows[1], day]), rows, student=True, nu=None)
    types_of = [numba.typeof(value) for value in (day, terms, day[None], (day, day), True)]
    point, packed, residuals, scales, student = types_of
    for density in (line_density, log_density):
        density.compile((point, packed))
    pointwise.compile((residuals, scales, point, student))
    for line in (True, False):
        _c_density(line)


def _start(size: int) -> Any:
    return lambda seed: np.random.default_rng(seed).normal(size=size)


@compiled
def _terms(flat):  # type: ignore[no-untyped-def]
    n, k, d = int(flat[0]), int(flat[1]), int(flat[2])
    rows = flat[HEADER + n * k:]
    columns = rows[3 * n:]
    terms = Terms(flat[HEADER:HEADER + n * k], rows[:n], rows[n:2 * n],
                  rows[2 * n:3 * n], columns[:k], columns[k:2 * k], columns[2 * k:3 * k],
                  columns[3 * k:4 * k], columns[4 * k:4 * k + k * k],
                  columns[4 * k + k * k:5 * k + k * k], flat[3], flat[4], flat[5] != 0,
                  flat[6], flat[7], flat[8], flat[9], flat[10], flat[11])
    rest = columns[5 * k + k * k:]
    return terms, rest[:d], rest[d:]


@compiled
def _placed(d, u, user):  # type: ignore[no-untyped-def]
    n, k = int(user[0]), int(user[1])
    flat = numba.carray(user, (HEADER + n * (k + 3) + 5 * k + k * k + d + d * d,))
    terms, centre, factor = _terms(flat)
    point = centre.copy()
    for i in range(d):
        for j in range(d):
            point[i] += factor[i * d + j] * u[j]
    return point, terms, factor


@compiled
def _written(found, factor, gradient, value):  # type: ignore[no-untyped-def]
    total, by_x = found
    d = len(by_x)
    value[0] = total
    finite = math.isfinite(total)
    for j in range(d):
        gradient[j] = 0.0
        for i in range(d):
            gradient[j] += by_x[i] * factor[i * d + j]
        finite = finite and math.isfinite(gradient[j])
    return 0 if finite else 4


def _any_trend(d, u, gradient, value, user):  # type: ignore[no-untyped-def]
    point, terms, factor = _placed(d, u, user)
    return _written(log_density(point, terms), factor, gradient, value)


def _line_trend(d, u, gradient, value, user):  # type: ignore[no-untyped-def]
    point, terms, factor = _placed(d, u, user)
    return _written(line_density(point, terms), factor, gradient, value)


@cache
def _c_density(line: bool) -> Any:  # noqa: FBT001 - a key of the cache
    """Compile the C function on first use, only the one that is needed."""
    signature = types.int64(types.uint64, DOUBLES, DOUBLES, DOUBLES, DOUBLES)
    return cached(partial(numba.cfunc, signature), _line_trend if line else _any_trend)


def _copied(d, expanded, u, out, user):  # type: ignore[no-untyped-def]  # noqa: ARG001
    for j in range(d):
        out[j] = u[j]
    return 0


_c_expand = cached(partial(numba.cfunc, types.int64(
    types.uint64, types.uint64, DOUBLES, DOUBLES, DOUBLES)), _copied)

"""Curvature of 48 small networks at once beside PyHessian and curvlinops, one at a time.

Every arm looks at the same networks and rows; arms take turns in one process with one thread.
Prints the table and writes it to ``results/landscape.md`` and ``.json``. PyHessian 0.1 and
curvlinops-for-pytorch 3.0.1 are installed by hand: they are in no lock, because they bring a
torchvision that does not load beside PyTorch's processor build.
"""

import argparse
import json
import os
import platform
import sys
from importlib.metadata import version

import _landscape_arms
import _landscape_world
from opinion_trends import RESULTS, processor

LIBRARIES = ("torch", "scipy", "PyHessian", "curvlinops-for-pytorch")
TARGETS = {"trace": ("ours, Hutchinson", 5), "top": ("ours, Lanczos", 3)}
TITLES = {"trace": "Trace, {probes} probes", "top": "Eigenvalue of largest magnitude"}
TEXT = """# Landscape: trace and top eigenvalue of {models} networks

Written by `benchmarks/landscape.py`.

Machine: {processor}, {cores} cores, Python {python}; {libraries}. One thread.

{models} networks of each family, trained for {steps} steps on digits; Hessians of the mean
cross-entropy of {rows} rows in evaluation mode. Seconds for all networks, medians of {repeats}
rounds in which the arms take turns, building of graphs included. Errors are relative, against
exact numbers in double precision: the trace from all per-row derivatives, the eigenvalue by ARPACK
to 1e-10. Ratio: PyHessian's processor seconds over the arm's. Peak: memory beyond what the process
held before. Gap: largest difference between PyHessian's `v' H v` and ours for the same
probes, as a share of their mean.

{tables}
{verdicts}

Hutchinson's probes are the same kind in all libraries, so their errors differ by chance only. The
trace from outputs draws its signs there and takes one backward pass per probe; it needs
cross-entropy and piecewise linear networks such as these. PyHessian and power iteration stop when
the value changes by less than {tol:g} of itself, which is no bound of the error; eigsh has this
tolerance. Lanczos starts from the gradient and a random vector and stops when its bound is below
{bound:g} of the value, by default below {tol:g}; the error is about the square of that. An arm
whose largest error is much larger than its median passed over the dominant eigenvalue of some
network, because its start hardly held the vector.
"""


def rows(record, what):
    """Rows of one table in words."""
    base = record["PyHessian"]["cpu"]
    for name, found in record.items():
        yield {TITLES[what].format(probes=_landscape_arms.PROBES): name,
               "CPU [s]": f"{found['cpu']:.3f}", "wall [s]": f"{found['wall']:.3f}",
               "ratio": f"{base / found['cpu']:.1f}",
               "median error": f"{found['median error']:.1e}",
               "rms error": f"{found['rms error']:.1e}",
               "largest error": f"{found['largest error']:.1e}", "peak [MiB]":
               f"{found['peak']:.0f}"}


def table(rows):
    """Markdown of rows."""
    found = list(rows)
    return "\n".join(["| " + " | ".join(found[0]) + " |", "|" + " --- |" * len(found[0]),
                      *("| " + " | ".join(row.values()) + " |" for row in found)])


def tables(record):
    """All tables, one section per family."""
    for family, found in record.items():
        yield (f"## {family}: {found['parameters']} parameters each, gap {found['gap']:.0e}\n\n"
               + "\n\n".join(table(rows(found[what], what)) for what in TITLES) + "\n")


def verdicts(record):
    """One sentence per target."""
    for what, (arm, target) in TARGETS.items():
        ratios = {family: found[what]["PyHessian"]["cpu"] / found[what][arm]["cpu"]
                  for family, found in record.items()}
        met = [f"{family} ({ratio:.1f})" for family, ratio in ratios.items() if ratio >= target]
        missed = [f"{family} ({ratio:.1f})" for family, ratio in ratios.items() if ratio < target]
        yield (f"Target of {target} times PyHessian, {what}, {arm}: met by "
               f"{', '.join(met) or 'none'}; missed by {', '.join(missed) or 'none'}.")


def main():
    """Measure what is asked for, print, write, and assert the direction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", choices=_landscape_world.FAMILIES,
                        default=list(_landscape_world.FAMILIES))
    chosen = parser.parse_args().only
    path = RESULTS / "landscape.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    for family in chosen:
        record[family] = _landscape_arms.measured(family)
        path.write_text(json.dumps(record, indent=1) + "\n")
    record = {family: record[family] for family in _landscape_world.FAMILIES if family in record}
    text = TEXT.format(
        processor=processor(), cores=os.cpu_count(), python=platform.python_version(),
        libraries=", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        models=_landscape_world.MODELS, steps=_landscape_world.STEPS, rows=_landscape_world.ROWS,
        repeats=_landscape_arms.REPEATS, tol=_landscape_arms.TOL, bound=_landscape_arms.BOUND,
        tables="\n".join(tables(record)),
        verdicts=" ".join(verdicts(record)))
    sys.stdout.write(text)
    (RESULTS / "landscape.md").write_text(text, encoding="utf-8")
    for found in record.values():
        assert found["gap"] < 1e-3
        assert found["trace"]["PyHessian"]["cpu"] > found["trace"]["ours, Hutchinson"]["cpu"]
        assert found["top"]["ours, Lanczos"]["median error"] < found["top"]["PyHessian"][
            "median error"]


if __name__ == "__main__":
    main()

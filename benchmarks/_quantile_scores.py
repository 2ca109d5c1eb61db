"""Test scores of all methods relative to local-fine, over data sets and seeds."""

import statistics

import _quantile_cells

SEEDS = 3
TARGETS = {"equal average": 0.75, "best single": 0.95}
ABOUT = """19 levels; base models cgn, dqr, qrf, xt and lgbm with their defaults, 5 folds. A tenth
of the rows is the test, 18 % stop the descent (and choose the best single model), 72 % are learnt
from. Numbers are the WIS of local-fine over that of the method, below 1 where it is better:
mean ± standard error over sets (the seeds of a set share their rows), then the mean of each set.
*Best single* is the one with the least pinball loss on the rows that stop; *best single in
hindsight* on the test itself. Aggregators have their defaults: softmax, adaptive margin 0.01,
penalty 1, sorted, no search; *exact* is the linear programme, without penalty. Seconds: processor
time for training, mean."""


def measured():
    """Record of each data set and seed."""
    return [{"set": name, "seed": seed} | _quantile_cells.cell(name, seed)
            for name in _quantile_cells.SETS for seed in range(SEEDS)]


def relative(record, method):
    """WIS of local-fine over that of a method, by data set."""
    found = {}
    for cell in record:
        scores = cell["wis"]
        other = (min(scores[model] for model in _quantile_cells.MODELS)
                 if method == "best single in hindsight" else scores[method])
        found.setdefault(cell["set"], []).append(scores["local fine"] / other)
    return found


def error(values):
    """Standard error of their mean."""
    return statistics.stdev(values) / len(values) ** 0.5


def rows(record):
    """Rows of the table."""
    methods = [*record[0]["wis"], "best single in hindsight"]
    made = []
    for method in methods:
        found = relative(record, method)
        sets = [statistics.mean(values) for values in found.values()]
        seconds = [cell["seconds"][method] for cell in record if method in cell["seconds"]]
        made.append({"method": method,
                     "all": f"{statistics.mean(sets):.3f} ± {error(sets):.3f}"}
                    | {name: f"{statistics.mean(values):.3f}" for name, values in found.items()}
                    | {"seconds": f"{statistics.mean(seconds):.1f}" if seconds else ""})
    return made


def verdicts(record):
    """Sentences that hold the means beside the targets."""
    for method, target in TARGETS.items():
        mean = overall(record, method)
        spread = error([statistics.mean(values) for values in relative(record, method).values()])
        told = "meets" if mean < target else "misses"
        by = "by less than its standard error" if abs(mean - target) < spread else "clearly"
        worse = [f"{name} ({statistics.mean(values):.3f})"
                 for name, values in relative(record, method).items()
                 if statistics.mean(values) >= 1]
        yield (f"Over {method}: {mean:.3f} ± {spread:.3f}, which {told} the target of below "
               f"{target} {by}; "
               f"{'no better on ' + ', '.join(worse) if worse else 'better on each set'}.")


def overall(record, method):
    """Mean over sets and seeds of the WIS of local-fine over that of a method."""
    return statistics.mean(value for values in relative(record, method).values()
                           for value in values)


def check(record):
    """Assert the direction of the claim: better than average, one model and linear regression."""
    for method in (*TARGETS, "linear (QRA)", "median"):
        assert overall(record, method) < 1, method

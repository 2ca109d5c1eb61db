"""One data set and one seed: base models out of fold, every aggregator, test scores of all.

The split is the source's: a tenth for the test, of the rest a fifth to stop and to choose by, the
others to learn from. Base models predict the rows to learn from out of fold. Cells, and the base
quantiles they need, are kept beside the results, so that a stopped run goes on where it was.
"""

import json
import time
from pathlib import Path

import numpy as np

from workbench.core import generator
from workbench.datasets.regression import load_regression
from workbench.inference.quantile_aggregation import QuantileAggregator
from workbench.inference.quantiles.base_models import fit_model, make, quantiles_of
from workbench.inference.quantiles.baselines import LinearAggregation, SimpleAggregation
from workbench.inference.quantiles.levels import even_levels
from workbench.inference.quantiles.out_of_fold import out_of_fold
from workbench.inference.quantiles.scores import wis

KEPT = Path(__file__).resolve().parent / "results" / ".cells"
SETS = ("yacht", "energy", "concrete", "power_plant", "wine_quality_red")
MODELS = ("cgn", "dqr", "qrf", "xt", "lgbm")
LEVELS = even_levels(19)
FOLDS = 5
AGGREGATORS = {f"{'local' if local else 'global'} {resolution}":
               {"resolution": resolution, "local": local}
               for local in (False, True) for resolution in ("coarse", "medium", "fine")}
AGGREGATORS["global fine, exact"] = AGGREGATORS["global fine"] | {"penalty": 0, "solver": "lp"}


def parts(n, seed):
    """Positions of the rows to learn from, to stop by, and to test on."""
    order = generator(seed).permutation(n)
    test, held = round(0.1 * n), round(0.18 * n)
    return {"train": order[test + held:], "validation": order[test:test + held],
            "test": order[:test]}


def base(name, seed):
    """Features, base quantiles and outcome of each part, kept in a file."""
    path = KEPT / f"{name}-{seed}.npz"
    if path.exists():
        kept = np.load(path)
        return {part: tuple(kept[f"{part}_{what}"] for what in "XZy")
                for part in ("train", "validation", "test")}
    table = load_regression(name)
    X, y = table.features.to_numpy(dtype=float), table.y
    rows = parts(len(y), seed)
    Z = {part: [] for part in rows}
    for model in MODELS:
        own = rows["train"]
        Z["train"].append(out_of_fold([make(model, LEVELS, seed)], X[own], y[own],
                                      quantile_levels=LEVELS, cv=FOLDS)[:, 0])
        fitted = fit_model(make(model, LEVELS, seed), X[own], y[own])
        for part in ("validation", "test"):
            Z[part].append(quantiles_of(fitted, X[rows[part]], LEVELS))
    found = {part: (X[at], np.stack(Z[part], axis=1), y[at]) for part, at in rows.items()}
    KEPT.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{f"{part}_{what}": array for part, arrays in found.items()
                      for what, array in zip("XZy", arrays, strict=True)})
    return found


def cell(name, seed):
    """Test WIS and seconds of each method, from its file where there is one."""
    path = KEPT / f"{name}-{seed}.json"
    if path.exists():
        return json.loads(path.read_text())
    begun = time.process_time()
    given = base(name, seed)
    found = {"seconds": {"base models": time.process_time() - begun}, "steps": {}}
    (X, Z, y), held, (X_new, Z_new, y_new) = (given[part] for part in given)
    found["wis"] = {model: wis(y_new, Z_new[:, place], LEVELS)
                    for place, model in enumerate(MODELS)}
    methods = {"equal average": SimpleAggregation(LEVELS),
               "median": SimpleAggregation(LEVELS, rule="median"),
               "linear (QRA)": LinearAggregation(LEVELS),
               "best single": SimpleAggregation(LEVELS, rule="best single")}
    for method, model in methods.items():
        chosen = held if method == "best single" else (X, Z, y)
        found["wis"][method] = wis(y_new, model.fit(*chosen).predict(X_new, Z_new), LEVELS)
    for method, options in AGGREGATORS.items():
        begun = time.process_time()
        model = QuantileAggregator(LEVELS, **options, device="cpu", random_state=seed)
        model.fit(X, Z, y, X_val=held[0], Z_val=held[1], y_val=held[2])
        found["wis"][method] = wis(y_new, model.predict(X_new, Z_new), LEVELS)
        found["seconds"][method] = time.process_time() - begun
        found["steps"][method] = model.steps_
    path.write_text(json.dumps(found, indent=1) + "\n")
    return found

"""The study's question, as one sentence with a question mark? What is read, done and compared."""

import numpy as np
import pandas as pd
import param

from workbench import plots
from workbench.core import Estimate, Result, Summary, effective_size, generator
from workbench.core import Params as Declared
from workbench.inference.kernel_balancing import KernelBalancing

__all__ = ["SMOKE", "TITLE", "Params", "figures", "run"]

TITLE = "Kernel balancing"
SMOKE = {"n": 40}


class Params(Declared):
    """Each parameter once; command line, notebook, page and manifest follow."""

    temperature = param.Number(1.0, bounds=(0.05, 20.0), doc="Large is uniform.")
    n = param.Integer(200, bounds=(10, 2000), doc="Examples.")
    seed = param.Integer(0, bounds=(0, None), doc="Seed of the simulated scores.")


def run(params: Params) -> Result:
    """Weigh simulated scores."""
    scores = generator(params.seed).exponential(size=params.n)
    weights = KernelBalancing(params.temperature)(scores)
    share = Estimate(effective_size(weights) / params.n, why="exact for these scores").percent()
    table = pd.DataFrame({"score": scores, "weight": weights})
    return Result(Summary({"effective share": share}), {"examples": table})


def figures(result: Result) -> dict[str, plots.Figure]:
    """Weights relative to uniform."""
    return {"weights": plots.weight_profile(np.asarray(result.tables["examples"]["weight"]))}

"""Measures of where training ended.

Each name is loaded by its first use: importing this room loads no torch.
"""

from typing import TYPE_CHECKING

from workbench.core.lazy import lazy

if TYPE_CHECKING:
    from workbench.landscape.averaging import (
        average,
        average_model,
        gain,
        reestimate_moments,
        running_average,
    )
    from workbench.landscape.chunks import in_chunks
    from workbench.landscape.columns import stack_objective, stack_outputs
    from workbench.landscape.connectivity import (
        Connectivity,
        barrier,
        curve_connectivity,
        curve_profile,
        line_profile,
        mode_connectivity,
        pairs_within,
    )
    from workbench.landscape.curves import CurveTraining, bezier, curve_rate, train_curves
    from workbench.landscape.eigenvalues import Eigenvalues, hessian_eigenvalues
    from workbench.landscape.evaluation import evaluation_on
    from workbench.landscape.features import features_of, mixup
    from workbench.landscape.gauss_newton import gauss_newton_trace
    from workbench.landscape.grid_measures import GridMeasures, measure_grid, save_grid
    from workbench.landscape.grid_networks import GridNetworks, KeptGrid
    from workbench.landscape.grids import Grid, TrainedGrid, train_grid
    from workbench.landscape.hessian import Hessian
    from workbench.landscape.load_measures import Probing
    from workbench.landscape.matching import Matched, align, match, permute
    from workbench.landscape.network import Landscape, Measuring, measure
    from workbench.landscape.norms import Agreement, agreement, distances, weight_norms
    from workbench.landscape.objective import Objective, cross_entropy
    from workbench.landscape.pair import Comparison, compare
    from workbench.landscape.permutation_axes import symmetries
    from workbench.landscape.perturbation import Sharpness, sharpness
    from workbench.landscape.phases import (
        PHASES,
        Thresholds,
        associations,
        by_phase,
        classify,
        classify_phase,
    )
    from workbench.landscape.power import power_iteration
    from workbench.landscape.pruning import prune, pruning_curve
    from workbench.landscape.similarity import Similarity, cka, linear_cka
    from workbench.landscape.soups import Soup, greedy_soup
    from workbench.landscape.spectrum import Spectrum, spectral_density
    from workbench.landscape.surfaces import Surface, loss_line, loss_plane
    from workbench.landscape.trace import Trace, hessian_trace, hutch_plus_plus
    from workbench.landscape.transfer import fine_tune, transfer_gains, with_new_head
    from workbench.landscape.zoo_public import (
        export_public,
        import_public,
        public_params,
        public_table,
    )

__all__ = [
    "PHASES", "Agreement", "Comparison", "Connectivity", "CurveTraining", "Eigenvalues", "Grid",
    "GridMeasures", "GridNetworks", "Hessian", "KeptGrid", "Landscape", "Matched", "Measuring",
    "Objective", "Probing", "Sharpness", "Similarity", "Soup", "Spectrum", "Surface", "Thresholds",
    "Trace", "TrainedGrid", "agreement", "align", "associations", "average", "average_model",
    "barrier", "bezier", "by_phase", "cka", "classify", "classify_phase", "compare",
    "cross_entropy", "curve_connectivity", "curve_profile", "curve_rate", "distances",
    "evaluation_on", "export_public", "features_of", "fine_tune", "gain", "gauss_newton_trace",
    "greedy_soup", "hessian_eigenvalues", "hessian_trace", "hutch_plus_plus", "import_public",
    "in_chunks", "line_profile", "linear_cka", "loss_line", "loss_plane", "match", "measure",
    "measure_grid", "mixup", "mode_connectivity", "pairs_within", "permute", "power_iteration",
    "prune", "pruning_curve", "public_params", "public_table", "reestimate_moments",
    "running_average", "save_grid", "sharpness", "spectral_density", "stack_objective",
    "stack_outputs", "symmetries", "train_curves", "train_grid", "transfer_gains", "weight_norms",
    "with_new_head",
]

FILES = {
    "averaging": ("average", "average_model", "gain", "reestimate_moments", "running_average"),
    "chunks": ("in_chunks",),
    "columns": ("stack_objective", "stack_outputs"),
    "connectivity": (
        "Connectivity", "barrier", "curve_connectivity", "curve_profile", "line_profile",
        "mode_connectivity", "pairs_within"),
    "curves": ("CurveTraining", "bezier", "curve_rate", "train_curves"),
    "eigenvalues": ("Eigenvalues", "hessian_eigenvalues"),
    "evaluation": ("evaluation_on",),
    "features": ("features_of", "mixup"),
    "gauss_newton": ("gauss_newton_trace",),
    "grid_measures": ("GridMeasures", "measure_grid", "save_grid"),
    "grid_networks": ("GridNetworks", "KeptGrid"),
    "grids": ("Grid", "TrainedGrid", "train_grid"),
    "hessian": ("Hessian",),
    "load_measures": ("Probing",),
    "matching": ("Matched", "align", "match", "permute"),
    "network": ("Landscape", "Measuring", "measure"),
    "norms": ("Agreement", "agreement", "distances", "weight_norms"),
    "objective": ("Objective", "cross_entropy"),
    "pair": ("Comparison", "compare"),
    "permutation_axes": ("symmetries",),
    "perturbation": ("Sharpness", "sharpness"),
    "phases": ("PHASES", "Thresholds", "associations", "by_phase", "classify", "classify_phase"),
    "power": ("power_iteration",),
    "pruning": ("prune", "pruning_curve"),
    "similarity": ("Similarity", "cka", "linear_cka"),
    "soups": ("Soup", "greedy_soup"),
    "spectrum": ("Spectrum", "spectral_density"),
    "surfaces": ("Surface", "loss_line", "loss_plane"),
    "trace": ("Trace", "hessian_trace", "hutch_plus_plus"),
    "transfer": ("fine_tune", "transfer_gains", "with_new_head"),
    "zoo_public": ("export_public", "import_public", "public_params", "public_table"),
}

__getattr__, __dir__ = lazy(__name__, FILES, modules=("zoo",))     # zoo.open(path)

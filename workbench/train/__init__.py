"""Training: one loop, in which weights meet losses, and many models trained at once.

Each name is loaded by its first use: importing this room loads no torch.
"""

from typing import TYPE_CHECKING

from workbench.core.lazy import lazy

if TYPE_CHECKING:
    from workbench.train.attack import Pgd, box, pgd
    from workbench.train.autodiff import per_sample_gradient_norms, per_sample_gradients
    from workbench.train.averages import Ema, Swa, recalibrate, with_params
    from workbench.train.device import device_for, torch_generator
    from workbench.train.evaluation import mean_loss
    from workbench.train.listening import Listener
    from workbench.train.loop import fit
    from workbench.train.losses import causal_lm, classification, regression
    from workbench.train.meta import MetaStep, StepResult
    from workbench.train.models import MLP, ConvNet
    from workbench.train.moments import Moment
    from workbench.train.optimisers import AdamW, Sgd
    from workbench.train.robustness import RobustReport, evaluate_robust
    from workbench.train.schedules import constant, cosine, one_cycle, steps, warm_up
    from workbench.train.scoring import normalise_again, score
    from workbench.train.stack import Stack
    from workbench.train.stacked import TrainedModels, train_stacked
    from workbench.train.stacked_batches import Sample
    from workbench.train.stacked_settings import StackedTraining
    from workbench.train.threads import one_thread
    from workbench.train.training import Trained, Training
    from workbench.train.transformer import CharTransformer
    from workbench.train.weighters import Batch, ByTokens, Uniform

__all__ = [
    "MLP", "AdamW", "Batch", "ByTokens", "CharTransformer", "ConvNet", "Ema", "Listener",
    "MetaStep", "Moment", "Pgd", "RobustReport", "Sample", "Sgd", "Stack", "StackedTraining",
    "StepResult", "Swa", "Trained", "TrainedModels", "Training", "Uniform", "box", "causal_lm",
    "classification", "constant", "cosine", "device_for", "evaluate_robust", "fit",
    "mean_loss", "normalise_again", "one_cycle", "one_thread", "per_sample_gradient_norms",
    "per_sample_gradients", "pgd", "recalibrate", "regression", "score", "steps",
    "torch_generator", "train_stacked", "warm_up", "with_params",
]

FILES = {
    "attack": ("Pgd", "box", "pgd"),
    "autodiff": ("per_sample_gradient_norms", "per_sample_gradients"),
    "averages": ("Ema", "Swa", "recalibrate", "with_params"),
    "device": ("device_for", "torch_generator"),
    "evaluation": ("mean_loss",),
    "listening": ("Listener",),
    "loop": ("fit",),
    "losses": ("causal_lm", "classification", "regression"),
    "meta": ("MetaStep", "StepResult"),
    "models": ("MLP", "ConvNet"),
    "moments": ("Moment",),
    "optimisers": ("AdamW", "Sgd"),
    "robustness": ("RobustReport", "evaluate_robust"),
    "schedules": ("constant", "cosine", "one_cycle", "steps", "warm_up"),
    "scoring": ("normalise_again", "score"),
    "stack": ("Stack",),
    "stacked": ("TrainedModels", "train_stacked"),
    "stacked_batches": ("Sample",),
    "stacked_settings": ("StackedTraining",),
    "threads": ("one_thread",),
    "training": ("Trained", "Training"),
    "transformer": ("CharTransformer",),
    "weighters": ("Batch", "ByTokens", "Uniform"),
}

__getattr__, __dir__ = lazy(__name__, FILES)

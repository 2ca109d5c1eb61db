"""Tables of what became of many models."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from workbench.train.buckets import Bucket
from workbench.train.stacked_run import Outcome

__all__ = ["buckets_table", "history_table", "models_table"]

Scores = Mapping[str, Sequence[tuple[Tensor, Tensor]]]


def models_table(buckets: Sequence[Bucket], outcomes: Sequence[Outcome],
                 settings: Mapping[str, Sequence[Any]], scores: Scores,
                 forms: Mapping[Bucket, str]) -> pd.DataFrame:
    """One row per model: settings, stack, status and scores by the prefix of their names."""
    parts = []
    for home, (bucket, outcome) in enumerate(zip(buckets, outcomes, strict=True)):
        diverged = outcome.diverged.cpu().numpy()
        stopped = outcome.stopped.cpu().numpy()
        columns = {"model": bucket.models, "bucket": home, "form": forms[bucket],
                   "status": np.where(diverged >= 0, "diverged",
                                      np.where(stopped, "stopped", "trained")),
                   "diverged_at": pd.array(np.where(diverged >= 0, diverged, 0), dtype="Int64"),
                   "epoch": outcome.epoch.cpu().numpy()}
        for prefix, found in scores.items():
            for name, one in zip(("loss", "error"), found[home] if found else (), strict=False):
                columns[prefix + name] = one.cpu().numpy()
        part = pd.DataFrame(columns)
        part.loc[part["status"] != "diverged", "diverged_at"] = pd.NA
        parts.append(part)
    table = pd.concat(parts).set_index("model").sort_index()
    for at, (name, values) in enumerate(settings.items()):
        table.insert(at, name, list(values))
    return table


def history_table(buckets: Sequence[Bucket], outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """One row per model and epoch."""
    parts = []
    for bucket, outcome in zip(buckets, outcomes, strict=True):
        epochs, k = outcome.loss.shape
        parts.append(pd.DataFrame({
            "model": np.tile(bucket.models, epochs), "epoch": np.repeat(np.arange(epochs), k),
            "loss": outcome.loss.flatten().cpu().numpy(),
            "validation_loss": outcome.validation_loss.flatten().cpu().numpy(),
            "validation_error": outcome.validation_error.flatten().cpu().numpy()}))
    return pd.concat(parts).sort_values(["model", "epoch"], ignore_index=True)


def buckets_table(buckets: Sequence[Bucket], forms: Mapping[Bucket, str],
                  seconds: Sequence[float]) -> pd.DataFrame:
    """One row per stack: what it holds and why it is one."""
    return pd.DataFrame([{
        "models": len(bucket.models), "batch_sizes": sorted(set(bucket.sizes)),
        "form": forms[bucket], "filling": 1 - bucket.work / max(1, bucket.padded),
        "bytes": bucket.bytes, "seconds": spent, "members": list(bucket.models)}
        for bucket, spent in zip(buckets, seconds, strict=True)])

"""What weights bought: the claims of the reweighting room, from the tables of its benchmarks.

``python benchmarks/claims.py`` reads the records beside the tables in ``results`` and writes the
README's table of claims. Nothing is measured here.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

__all__ = ["MARKS", "README", "RESULTS", "Claim", "claims", "into_readme", "paired", "shown"]

RESULTS = Path(__file__).resolve().parent / "results"
README = RESULTS.parents[1] / "README.md"
MARKS = ("<!-- claims: begin -->", "<!-- claims: end -->")
HEAD = ("| method | measured | seeds | baseline | with it | difference |\n"
        "|---|---|---|---|---|---|\n")
Pair = tuple[float, float]      # mean and standard error


@dataclass(frozen=True)
class Claim:
    """A number beside its baseline; each a mean and its standard error over seeds."""

    method: str
    measured: str
    seeds: int
    baseline: Pair
    ours: Pair
    gap: Pair
    digits: int = 1


def paired(rows: list[dict[str, Any]], column: str, arms: tuple[str, str], *, name: str = "arm",
           **chosen: Any) -> tuple[int, Pair, Pair, Pair]:
    """Seeds, baseline, method and their difference by seed, out of rows for each seed."""
    some = [row for row in rows if all(row[key] == value for key, value in chosen.items())]
    first, second = ({row["seed"]: row[column] for row in some if row[name] == arm}
                     for arm in arms)
    seeds = sorted(set(first) & set(second))
    before, after = (np.array([each[seed] for seed in seeds]) for each in (first, second))
    return len(seeds), _mean(before), _mean(after), _mean(after - before)


def claims() -> Iterator[Claim]:
    """The claims in the order of the table."""
    yield from _by_loss(_read("loss_based"))
    noisy = _read("meta_rescaling")
    for data, words in (("youtube", "YouTube, 30 % wrong labels, accuracy [%]"),
                        ("sms", "SMS, 30 % wrong labels, F1 [%]")):
        yield Claim("meta_rescaling", words + ", best epoch",
                    *paired(noisy[data], "best", ("uniform", "STORM, sign")))
        yield Claim("meta_rescaling", words + ", last epoch",
                    *paired(noisy[data], "last", ("uniform", "STORM, sign")))
    found, plain = _read("bilevel")["plain"]
    ours = found["10.0"]
    yield Claim("bilevel", "digits of noisy sources, accuracy of a new network [%]",
                5, _percent(plain["uniform"]), _percent(ours["learnt"]), _percent(ours["gain"]))
    attacked = [row for row in _read("robust_adversarial")["table"] if row["attack"] == "PGD-20"]
    for column, words in (("robust", "accuracy under attack [%]"),
                          ("tail", "the same, weakest 30 % of classes")):
        yield Claim("robust_adversarial", f"unequal digits, {words}",
                    *paired(attacked, column, ("adversarial training", "DONE"), name="method"))
    peers = _read("separable_adversarial")["peers 10 0.1"]
    for group, words in (("all", "all classes"), ("rare", "rare classes")):
        counts, *pairs = paired(peers, "robust", ("AT + CB", "SRAT 1"), group=group)
        yield Claim("separable_adversarial", f"unequal digits, accuracy under attack [%], {words}",
                    counts, *(_percent(pair) for pair in pairs))


def shown(some: list[Claim]) -> str:
    """The table."""
    return HEAD + "".join(
        f"| `{claim.method}` | {claim.measured} | {claim.seeds} | "
        + " | ".join(_words(pair, claim.digits, signed=pair is claim.gap)
                     for pair in (claim.baseline, claim.ours, claim.gap)) + " |\n"
        for claim in some)


def into_readme(text: str) -> str:
    """The README with the table between its marks."""
    before, rest = text.split(MARKS[0])
    return f"{before}{MARKS[0]}\n{shown(list(claims()))}{MARKS[1]}{rest.split(MARKS[1])[1]}"


def _by_loss(found: dict[str, Any]) -> Iterator[Claim]:
    """Losses of regressions and of a small language model, kept as intervals over seeds."""
    for panel, words in (("clean", ""), ("shifted", ", 1 % of targets shifted")):
        last = {row["weighter"]: _standard(row["loss"], 20) for row in found[panel]
                if row["step"] == 400}
        yield Claim("loss_based", f"regression{words}, test loss, LinUpper", 20, last["uniform"],
                    last["linupper"], (math.nan, math.nan), 4)
    text = found["text"]
    gain = _standard(text["linupper, r = 1"]["gain"], 3)
    yield Claim("loss_based", "characters, validation loss [nats], LinUpper", 3,
                _standard(text["uniform"]["mean"], 3),
                _standard(text["linupper, r = 1"]["mean"], 3), (-gain[0], gain[1]), 3)


def _standard(interval: list[float], seeds: int) -> Pair:
    """Mean and standard error of Student's 90 % interval."""
    mean, low, high = interval
    return mean, (high - low) / 2 / float(stats.t.ppf(0.95, seeds - 1))


def _mean(values: np.ndarray) -> Pair:
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))


def _percent(pair: Pair | list[float]) -> Pair:
    return 100 * pair[0], 100 * pair[1]


def _words(pair: Pair, digits: int, *, signed: bool) -> str:
    if not math.isfinite(pair[0]):
        return "not paired"
    return f"{pair[0]:{'+' if signed else ''}.{digits}f} ± {pair[1]:.{digits}f}"


def _read(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    README.write_text(into_readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(shown(list(claims())))

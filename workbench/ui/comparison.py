"""What a comparison draws: figures of one name over each other, or beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench import plots, runs
from workbench.core.recent import Recent
from workbench.plots.alike import equal_axes, figure_title
from workbench.plots.besides import beside
from workbench.plots.overlays import MOST_OVERLAID, overlaid, pictures, same
from workbench.ui.computing import saved
from workbench.ui.parts.drawing import drawn
from workbench.ui.site import Site

__all__ = ["Compared", "compared_figures"]

KEPT: Recent[Any] = Recent(12)


@dataclass(frozen=True)
class Compared:
    """Figures of one name.

    Parameters
    ----------
    name : str
    study : str
        Title of the study, where runs of several are compared.
    kind : str
        "over" for one figure of all runs, "beside" for one per run on equal axes, "apart" for one
        per run where axes mean different things, "same" for one that is equal in all of them.
    figures : tuple of figure
    runs : tuple of int
        Whose figures they are, as places in the comparison.
    titles : tuple of str
        What each figure says by itself.
    key : tuple
        Equal for equal figures.
    """

    name: str
    study: str
    kind: str
    figures: tuple[Any, ...]
    runs: tuple[int, ...]
    titles: tuple[str, ...]
    key: tuple[Any, ...]


def compared_figures(found: Sequence[runs.Run], labels: Sequence[str],
                     site: Site) -> tuple[list[Compared], list[str]]:
    """Figures of all runs by their names, and sentences about those that cannot be drawn.

    What can be drawn is drawn here, so that whoever shows it does not wait; call it in a thread.
    """
    key = tuple((str(run.path), run.key, label) for run, label in zip(found, labels, strict=True))
    return KEPT.get(key, lambda: _prepared(found, labels, site, key))


def _prepared(found: Sequence[runs.Run], labels: Sequence[str], site: Site,
              key: tuple[Any, ...]) -> tuple[list[Compared], list[str]]:
    parts: list[Compared] = []
    problems = []
    names = list(dict.fromkeys(run.study for run in found if run.state == "succeeded"))
    for study in names:
        if study not in site.studies:
            problems.append(f"The figures of {study!r} cannot be drawn, since this site does not "
                            "serve it. Open the reports of its runs instead.")
            continue
        figures: dict[int, Mapping[str, Any]] = {}
        for at, run in enumerate(found):
            if run.study == study and run.state == "succeeded":
                shown = saved(site.studies[study], run)
                # What is saved is shared by all visitors, and these figures are changed.
                figures[at] = (site.studies[study].figures(shown.result)
                               if shown.figures and shown.result is not None else {})
                problems += [f"{labels[at]}: {shown.problem}"] * bool(shown.problem)
        title = site.studies[study].TITLE if len(names) > 1 else ""
        for name in dict.fromkeys(name for each in figures.values() for name in each):
            there = {at: each[name] for at, each in figures.items() if name in each}
            parts.append(_together(name, title, there, labels, (*key, study, name)))
    for part in parts:
        for at, figure in enumerate(part.figures):
            drawn(figure, (*part.key, at))
    return parts, problems


def _together(name: str, study: str, figures: Mapping[int, Any], labels: Sequence[str],
              key: tuple[Any, ...]) -> Compared:
    places, all_of = tuple(figures), list(figures.values())
    titles = tuple(_title(figure) for figure in all_of)

    def made(kind: str, drawings: Sequence[Any]) -> Compared:
        return Compared(name, study, kind, tuple(drawings), places, titles, (*key, kind))

    dynamic = any(plots.is_dynamic(figure) for figure in all_of)
    if len(all_of) == 1 or dynamic:
        return made("apart", all_of)
    if same(all_of):
        return made("same", all_of[:1])
    if len(labels) <= MOST_OVERLAID:
        whole = overlaid({labels[at]: figure for at, figure in figures.items()},
                         title=name.replace("_", " ").capitalize(), roles=places)
        if whole is not None:
            return made("over", [whole])
    alike = all(map(equal_axes, zip(*map(pictures, all_of), strict=False)))
    return made("beside" if alike else "apart", beside(all_of))


def _title(figure: Any) -> str:
    return figure_title(figure).replace("\n", " ")

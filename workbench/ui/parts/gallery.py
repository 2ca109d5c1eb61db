"""The studies as tiles: what each weighs, what it asks, and its newest answer."""

import base64
import html
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote

from workbench import runs
from workbench.core import Study
from workbench.ui import facts

__all__ = ["ROOMS", "answers", "filters", "room", "tiles"]

# What is weighed, by the room of the method: with many studies, few words to choose from.
ROOMS = {
    "inference": "observations and models",
    "reweighting": "samples, domains, trajectories",
    "weightspace": "network parameters",
    "landscape": "trained networks",
    "ranking": "documents",
    "text": "passages and rewards",
    "": "something else",
}


def room(study: Study) -> str:
    """Room of the study's method; nothing for a study without a card."""
    method = facts.method(study)
    name = method.__name__.split(".")[1:2] if method else []
    return name[0] if name and name[0] in ROOMS else ""


def filters(studies: Mapping[str, Study]) -> list[tuple[str, str, int]]:
    """Value, words and number of studies of each kind of thing that is weighed."""
    found = [room(study) for study in studies.values()]
    return [(name or "else", words, found.count(name)) for name, words in ROOMS.items()
            if name in found]


def tiles(studies: Mapping[str, Study], newest: Mapping[str, runs.Row]) -> str:
    """All tiles, each with the texts that a search looks through."""
    told = answers(studies, newest)
    return "".join(_tile(name, study, told[name]) for name, study in studies.items())


def answers(studies: Iterable[str],
            newest: Mapping[str, runs.Row]) -> dict[str, dict[str, str]]:
    """Picture and numbers of each study's newest run, as HTML."""
    return {name: _answer(newest[name].id) if name in newest
            else {"run": "", "picture": "No run yet", "answer": ""} for name in studies}


def _tile(name: str, study: Study, told: Mapping[str, str]) -> str:
    method = facts.card(study)
    weighs = f"Weighs {method.weighs}" if method else ""
    declared = study.Params.declared()
    searched = {"words": " ".join([study.TITLE, facts.question(study), weighs, name,
                                   ROOMS[room(study)]]),
                "params": {key: f"{key} {one.doc or ''}" for key, one in declared.items()}}
    kind = room(study) or "else"
    return (f'<li class="tile" data-study="{html.escape(name)}" data-kind="{kind}"'
            f' data-searched="{html.escape(json.dumps(searched))}">'
            f'<div class="picture">{told["picture"]}</div>'
            f'<div class="words"><h2><a href="./{quote(name)}">{html.escape(study.TITLE)}</a></h2>'
            f"<p>{html.escape(facts.question(study))}</p>"
            f'<p class="quiet small weighs">{html.escape(weighs)}</p>'
            f'<p class="why quiet small" hidden></p>'
            f'<div class="answer">{told["answer"]}</div></div></li>')


@lru_cache(128)
def _answer(run_id: str) -> dict[str, str]:
    """Of a run, which never changes."""
    run = runs.Store().read(run_id)
    return {"run": run_id, "picture": _picture(run), "answer": _numbers(run)}


def _picture(run: runs.Run) -> str:
    if run.thumbnail is None:
        return "No picture of the newest run"
    # As an image, a drawing cannot run scripts, whoever wrote the file.
    data = base64.b64encode(run.thumbnail.read_bytes()).decode("ascii")
    return ('<img class="drawing" loading="lazy" alt="Main figure of the newest run" '
            f'src="data:image/svg+xml;base64,{data}">')


def _numbers(run: runs.Run) -> str:
    when = f'<p class="quiet small when">Newest run {html.escape(facts.when(run))} UTC</p>'
    if not run.summary:
        return when
    name, number = next(iter(run.summary.items()))
    return (f'<p class="quiet small">{html.escape(name)}</p>'
            f'<p class="number">{html.escape(number.number)}</p>'
            f'<p class="quiet small">{html.escape(number.range)}</p>{when}')

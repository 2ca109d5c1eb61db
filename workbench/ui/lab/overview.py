"""The studies as a table in a notebook; in JupyterLab each name opens a copy of its notebook."""

import html
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.core import Study
from workbench.ui import facts

__all__ = ["Overview", "overview"]


@dataclass(frozen=True)
class Overview:
    """Studies, as a notebook shows them."""

    studies: Mapping[str, Study]

    def _repr_html_(self) -> str:
        # Lab's own extension of this package follows addresses of this kind.
        rows = "".join(
            f'<tr><th scope="row" style="text-align: left">'
            f'<a href="#workbench:{html.escape(name)}">{html.escape(study.TITLE)}</a></th>'
            f'<td style="text-align: left">{html.escape(facts.question(study))}</td>'
            f'<td style="text-align: left">{html.escape(_weighed(study))}</td></tr>'
            for name, study in self.studies.items())
        heads = "".join(f'<th scope="col" style="text-align: left">{head}</th>'
                        for head in ("Study", "Question", "What is weighed"))
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {facts.question(study)}"
                         for name, study in self.studies.items())


def overview(studies: Mapping[str, Study]) -> Overview:
    """What each study asks and weighs, with a link that opens a copy of its notebook.

    Parameters
    ----------
    studies : mapping of name to module
    """
    return Overview(dict(studies))


def _weighed(study: Study) -> str:
    method = facts.card(study)
    return method.weighs if method else ""

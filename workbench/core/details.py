"""What a visitor can choose on the figures of a study, and what the study tells of the choice.

A study may offer these names beside those of :class:`~workbench.core.study.Study`; a page finds
them by name, so that a study without them needs nothing:

``VIEW``
    A subclass of ``Params`` whose values change how figures are drawn and nothing that is
    computed; ``redraws`` names the figures that they change. Then ``figures(result, view)``.
    Its ``offers`` may map a parameter to a function of a result that returns the texts to choose
    from: one for a text, whose empty value chooses none; any number for a list.
``OCCASIONAL``
    Names of figures that not every result has; the study's notebook shows all others.
``SELECT``
    A mapping of names to :class:`Pick`, :class:`Brush` or :class:`Choice`. A name is what the
    address and `Chosen.picks` call the choice.
``details(result, chosen)``
    A mapping of headings to figures, tables, summaries and sentences, for a :class:`Chosen`.
``remember(params, result)``
    Take over what a saved run measured, so that `is_quick` holds for it.
``PRESETS``
    A mapping of names to values of parameters that a user may begin with; the others keep their
    defaults.
``downloads(result, params)``
    A mapping of file names to functions that make the bytes of the file, or say why they cannot.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from workbench.core.result import Result
from workbench.core.study import Params

__all__ = ["Brush", "Choice", "Chosen", "Pick", "Select"]


@dataclass(frozen=True)
class Pick:
    """One mark of a figure.

    Parameters
    ----------
    figure : str
        Name of the figure whose marks are chosen; what is told of them stands below it.
    column : str
        Dimension of the marks that names them; its values are the choices.
    label : str
        What one mark is, for the list that makes the same choice without a mouse.
    hint : str
        A sentence that says what to click and what comes of it.
    """

    figure: str
    column: str
    label: str
    hint: str


@dataclass(frozen=True)
class Brush:
    """A stretch of the horizontal axis of a figure, numbers or dates.

    Parameters
    ----------
    figure, label, hint : str
        As in :class:`Pick`; the choice is a pair, low and high.
    """

    figure: str
    label: str
    hint: str


@dataclass(frozen=True)
class Choice:
    """One of a list that depends on the other choices.

    Parameters
    ----------
    figure, label : str
        As in :class:`Pick`.
    options : function of a result and the choices so far, by name
        The texts to choose from; none hide the list.
    """

    figure: str
    label: str
    options: Callable[[Result, Mapping[str, Any]], Sequence[str]]


Select: TypeAlias = Pick | Brush | Choice


@dataclass(frozen=True)
class Chosen:
    """What a visitor has chosen.

    Parameters
    ----------
    picks : mapping of names of ``SELECT`` to values
        Only those that are chosen.
    view : Params or None
        Values of the study's ``VIEW``.
    params : Params or None
        Of the result; none for a run of other parameters than the study has now.
    """

    picks: Mapping[str, Any] = field(default_factory=dict)
    view: Params | None = None
    params: Params | None = None

    def get(self, name: str) -> Any:
        """The choice of this name, or None."""
        return self.picks.get(name)

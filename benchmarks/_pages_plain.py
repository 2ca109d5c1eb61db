"""The figures of each study's newest run on a plain Panel page: a template and HoloViews panes.

``python benchmarks/_pages_plain.py`` prints its address once it answers.
"""

from functools import partial

import holoviews as hv
import numpy as np
import panel as pn
from holoviews.operation.datashader import rasterize

from workbench import catalog, runs
from workbench.core import Result, generator

POINTS = 1_000_000
WIDE = {"sizing_mode": "stretch_width"}


def study_page(study, run):
    """Its figures, drawn for each visitor, as tutorials of Panel write it."""
    figures = study.figures(Result(run.summary, run.tables()))
    return page(study.TITLE, figures.values())


def page(title, figures):
    """Figures below each other."""
    panes = [pn.pane.HoloViews(figure, **WIDE) for figure in figures]
    return pn.template.FastListTemplate(title=title, main=[pn.Column(*panes, **WIDE)])


def cloud(count):
    """As many points as asked for."""
    draws = generator(0)
    return hv.Scatter((np.sort(draws.random(count)), draws.normal(size=count))).opts(
        responsive=True, height=474, size=4)


def served(make, *arguments):
    """Panel asks plain functions only."""
    return lambda: make(*arguments)


if __name__ == "__main__":
    hv.extension("bokeh")
    pages = {"raw": served(lambda: page("raw", [cloud(POINTS)])),
             "rasterized": served(lambda: page("rasterized", [
                 rasterize(cloud(POINTS)).opts(responsive=True, height=474)]))}
    for name, study in catalog.studies().items():
        newest = next(run for run in runs.list_runs(study) if run.state == "succeeded")
        pages[name] = served(partial(study_page, study, newest))
    server = pn.io.server.get_server(pages, address="127.0.0.1", warm=True, start=False)
    server.start()
    server.io_loop.add_callback(print, f"http://127.0.0.1:{server.port}", flush=True)
    try:
        server.io_loop.start()
    except KeyboardInterrupt:
        server.stop()

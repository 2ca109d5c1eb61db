"""Oracle: the cold kernel. Every kind of output is the same in a warm one."""

import json
import re

import pytest

CELLS = {
    "matplotlib": "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])",
    "figure": "figure, axes = plt.subplots()\naxes.hist([1, 2, 2])\nfigure",
    "svg figures": ("from matplotlib_inline.backend_inline import set_matplotlib_formats\n"
                    "import matplotlib\nmatplotlib.rcParams['svg.hashsalt'] = '1'\n"
                    "matplotlib.rcParams['svg.fonttype'] = 'none'\n"
                    "set_matplotlib_formats('svg', metadata={'Date': None})\nplt.plot([2, 1]);"),
    "back end": "matplotlib.get_backend(), plt.isinteractive()",
    "pandas": "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', None]})",
    "holoviews": "import holoviews as hv\nhv.extension('bokeh')",
    "curve": "hv.Curve([1, 2, 3])",
    "bokeh": ("from bokeh.plotting import figure, show\nfrom bokeh.io import output_notebook\n"
              "output_notebook()\np = figure(width=200, height=200)\np.line([1, 2], [3, 4])\n"
              "show(p)"),
    "panel": "import panel as pn\npn.extension()\npn.Column('# Title', pn.pane.HTML('<b>x</b>'))",
    "tqdm": "from tqdm.auto import tqdm\nfor i in tqdm(range(3)):\n    pass\ntqdm.__module__",
    "markup": ("from IPython.display import *\ndisplay(Markdown('*a*'), Latex('$x$'), Math('y'), "
               "HTML('<i>b</i>'), JSON({'a': [1]}), SVG('<svg xmlns=\"a\"></svg>'), "
               "Javascript('1'), GeoJSON({'type': 'Point', 'coordinates': [1, 2]}))"),
    "widget": "import ipywidgets\nipywidgets.IntSlider(3)",
    "update": ("handle = display('one', display_id='fixed')\nhandle.update('two')\n"
               "display('gone')\nclear_output()"),
    "metadata": "display({'text/plain': 'p', 'x/y': 'z'}, raw=True, metadata={'m': 1})",
    "representations": ("class Shown:\n    def _repr_html_(self): return '<p>1</p>'\n"
                        "    def _repr_latex_(self): return '$1$'\n"
                        "    def _repr_png_(self): return b'png'\n"
                        "    def __repr__(self): return 'shown'\nShown()"),
    "rich": "import rich\nrich.print('[bold]a[/bold]', {'b': 1})",
    "streams": ("import os, sys\nprint('out')\nprint('err', file=sys.stderr)\n"
                "os.write(1, b'raw\\n')\nos.system('echo shell')\nsys.stdout.isatty()"),
    "warning": "import warnings\nwarnings.warn('careful')",
    "logging": "import logging\nlogging.getLogger('a').warning('logged')",
    "magics": "%env WB_A=1\n!echo $WB_A\n%pwd",
    "script": "%%bash\necho from bash\necho problem >&2",
    "error": "def deep(n):\n    return 1 / n\n\ndeep(0)",
    "chained": "try:\n    int('a')\nexcept ValueError as e:\n    raise KeyError('b') from e",
    "syntax": "x = = 1",
    "library error": "pd.DataFrame({'a': [1]})['b']",
    "exit": "import atexit\natexit.register(lambda: None) is None",
    "torch": "import torch\ntorch.arange(6.0).reshape(2, 3).requires_grad_()",
    "xarray": "import xarray\nxarray.DataArray([1, 2], dims='x', name='v')",
    "quiet": "from workbench.core import libraries\nlibraries.arviz() is None",
    "pymc": ("import pymc as pm\nwith pm.Model() as model:\n    pm.Normal('m', 0, 1)\n"
             "model"),
    "arviz": "import arviz\narviz.from_dict({'m': [[1.0, 2.0]]})",
    "hash": "hash('x'), list({'a', 'b', 'c'})",
    "history": "_, In[-1]",
    "kernel": "get_ipython().__class__.__name__, sorted(get_ipython().config)",
}
CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}|p\d{4,}"
    r"|0x[0-9a-f]+|ipykernel_\d+|/tmp/\S+|\d{4}-\d\d-\d\dT[\d:.+]+|\d\d:\d\d|[\d.]+it/s")


@pytest.fixture(scope="module")
def both(server, run):
    """Cells executed by a warm and by a cold kernel, under their names."""
    return [dict(zip(CELLS, run(mode, *CELLS.values()).cells, strict=True))
            for mode in (server, None)]


def told(cell):
    """Everything that a cell put out, except for what changes from one kernel to the next."""
    outputs = [dict(output) for output in cell.outputs]
    return CHANGING.sub("~", json.dumps(outputs, indent=1, sort_keys=True))


@pytest.mark.parametrize("name", CELLS)
def test_matches_the_cold_kernel(both, name):
    warm, cold = (executed[name] for executed in both)
    assert cold.execution_count is not None
    assert told(warm) == told(cold)

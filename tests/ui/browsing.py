"""What tests in a browser share: a server of all studies, and how to read a page that is drawn."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

__all__ = ["IDLE", "ROOT", "TEXT", "serving_studies"]

ROOT = Path(__file__).parents[2]
SERVE = """from workbench import catalog, ui
ui.serve(catalog.studies(), on_ready=lambda url: print(url, flush=True),
         terms=ui.Terms({terms}))"""
IDLE = "window.Bokeh && Bokeh.documents.length > 0 && Bokeh.documents.every(d => d.is_idle)"
# Bokeh draws inside shadow roots, which the browser's own innerText leaves out.
TEXT = """() => {
  const read = (node) => node.nodeType === 3 ? node.data
    : /^(STYLE|SCRIPT)$/.test(node.tagName) ? ""
    : [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].map(read).join(" ");
  return read(document.body).replace(/\\s+/g, " ");
}"""


@contextmanager
def serving_studies(store, terms=""):
    """Address of a server of its own process, which ends in good order on Ctrl-C."""
    with subprocess.Popen([sys.executable, "-c", SERVE.format(terms=terms)], cwd=ROOT,
                          stdout=subprocess.PIPE, text=True,
                          env=os.environ | {"WORKBENCH_RUNS": str(store)}) as server:
        try:
            yield server.stdout.readline().strip().rstrip("/")
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0

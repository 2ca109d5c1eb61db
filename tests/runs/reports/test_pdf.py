"""PDFs: printed by a real browser without a network, or refused in a sentence."""

import pytest

from workbench.runs import write_report
from workbench.runs.reports import pdf


@pytest.fixture
def printed(made, nb):
    def prints(*cells, **record):
        run = made(*cells, **record)
        write_report(run)
        return pdf.write_pdf(run)

    return prints


@pytest.mark.usefixtures("browser")
def test_matches_a_printed_report(printed, nb, listener):
    address, heard = listener
    path = printed(nb.cell("1 + 1", nb.figure()),
                   nb.cell("x", nb.shown(text_html=f"<script>fetch('{address}')</script>")))
    assert path.name == "report.pdf"
    assert path.read_bytes()[:5] == b"%PDF-"
    assert [name.name for name in path.parent.glob(".*")] == []
    assert heard == []


@pytest.mark.usefixtures("browser")
def test_matches_figures_are_in_the_pdf(printed, nb):
    without = printed(nb.cell("1"), key="a1" * 32)
    with_figures = printed(nb.cell("1", nb.figure(1), nb.figure(2)), key="b2" * 32)
    pictures = [path.read_bytes().count(b"/Subtype /Image") for path in (without, with_figures)]
    assert pictures[1] - pictures[0] >= 2


@pytest.mark.usefixtures("browser")
def test_matches_a_path_of_ones_own(made, nb, tmp_path):
    run = made(nb.cell("1"))
    write_report(run)
    assert pdf.write_pdf(run, tmp_path / "a b" / "é.pdf").stat().st_size > 1000
    assert not (run.folder / "report.pdf").exists()


def test_rejects_a_run_without_report(made):
    with pytest.raises(ValueError, match=r"must have a report.*write_report"):
        pdf.write_pdf(made())


def test_rejects_a_machine_without_browser(made, monkeypatch, tmp_path):
    run = made()
    write_report(run)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_BROWSER", raising=False)
    with pytest.raises(ValueError, match=r"needs Chromium or Chrome.*Install one, set WORKBENCH"):
        pdf.write_pdf(run)
    monkeypatch.setenv("WORKBENCH_BROWSER", "/no/such/browser")
    with pytest.raises(ValueError, match=r"WORKBENCH_BROWSER must name.*'/no/such/browser'"):
        pdf.write_pdf(run)
    assert not list(run.folder.glob("*.pdf"))


@pytest.mark.parametrize("script", ["exit 3", "sleep 60"])
def test_rejects_a_program_that_is_no_browser(made, monkeypatch, tmp_path, script):
    run = made()
    write_report(run)
    program = tmp_path / "browser"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setenv("WORKBENCH_BROWSER", str(program))
    monkeypatch.setattr(pdf, "PATIENCE", 1.0)
    with pytest.raises(RuntimeError, match=r"the browser (ended|did not answer)"):
        pdf.write_pdf(run)

"""Files that visitors give: what is taken, refused, kept, removed, and made of it on a page."""

import asyncio
import hashlib
import http.client
import io
import json
import os
import stat
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, urlsplit

import numpy as np
import pandas as pd
import pytest

from tests.ui.serving import served
from workbench.studies import loss_landscape_phases, opinion_trends, weighter_league
from workbench.ui.giving import Giving
from workbench.ui.parts.own_data import OwnData
from workbench.ui.preview import preview
from workbench.ui.site import Site
from workbench.ui.uploads import Uploads, plain_name
from workbench.ui.visit import Visit

TABLE = b"day,score\n2024-01-01,5\n"


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "given", needed=list)


def give(uploads, content=TABLE, name="own.csv"):
    incoming = uploads.begin(name)
    for start in range(0, len(content), 7):
        incoming.write(content[start:start + 7])
    return incoming.finish()


@pytest.mark.parametrize(("name", "plain"), [
    ("../../x.csv", "x.csv"), ("..\\..\\x.CSV", "x.csv"), ("/etc/passwd.csv", "passwd.csv"),
    ("a\0b.csv", "a_b.csv"), (".csv", "table.csv"), ("...parquet", "table.parquet"),
    ("news (2).csv.gz", "news (2).csv.gz"), ("<img onerror=x>.csv", "_img onerror_x_.csv"),
    ("Zeitung über Köln.tsv", "Zeitung über Köln.tsv"), ("x" * 5000 + ".csv", "x" * 100 + ".csv"),
    ("ü" * 5000 + ".csv", "ü" * 50 + ".csv"), ("a\n b\r.npz", "a_ b_.npz"),
])
def test_matches_names_that_a_disk_may_hold(name, plain):
    assert plain_name(name) == plain


@pytest.mark.parametrize("name", ["", "csv", "x.exe", "x.csv/..", "x.csv\0", "notes.docx", ".."])
def test_rejects_names_of_other_files(name):
    with pytest.raises(ValueError, match=r"data must end in \.csv"):
        plain_name(name)


def test_identity_equal_content_is_one_private_file(uploads):
    first, second = give(uploads), give(uploads, name="other.csv")
    digest = hashlib.sha256(TABLE).hexdigest()[:32]
    assert first == second == f"{digest}/own.csv"
    path = uploads.find(first)
    assert path.read_bytes() == TABLE
    assert path.suffix == ".csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert give(uploads, name="own.tsv") == f"{digest}/own.tsv"
    assert [each.name for each in uploads.folder.glob("*")] == [digest]


@pytest.mark.parametrize("told", [
    "", "own.csv", "{}/..", "{}/.", "{}/../{}/own.csv", "../given/{}/own.csv", "/etc/passwd",
    "{}/own.csv\0", "{}/gone.csv", "{}/link.csv", "{}\n/own.csv"])
def test_rejects_files_that_were_not_given(uploads, told):
    place = give(uploads).partition("/")[0]
    (uploads.folder / place / "link.csv").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="must be a file that was given to this page"):
        uploads.find(told.replace("{}", place))


def test_matches_what_is_removed(tmp_path):
    needed = []
    uploads = Uploads(tmp_path / "given", most=250, seconds=1000, needed=lambda: needed)
    names = [give(uploads, b"%d" % number * 100, f"{number}.csv") for number in range(4)]
    paths = [uploads.find(name) for name in names]
    for age, path in zip((3000, 2000, 20, 10), paths, strict=True):
        os.utime(path, (time.time() - age,) * 2)
    needed.append(str(paths[0]))
    unfinished = uploads.begin("5.csv")
    assert uploads.tidy() == [paths[1], paths[2]]      # unused for long; then the oldest of three
    assert paths[0].is_file()
    assert not paths[1].parent.exists()
    uploads.find(names[3])
    assert uploads.tidy() == []
    os.utime(unfinished._path, (0, 0))
    assert uploads.tidy() == [unfinished._path]
    unfinished.drop()


def test_identity_a_saved_run_keeps_its_file(tiny, tmp_path):
    from workbench import runs

    uploads = Uploads(tmp_path / "given", seconds=0)
    kept, gone = (uploads.find(give(uploads, content)) for content in (TABLE, TABLE * 2))
    params = tiny.Params(word=str(kept))
    runs.save(tiny, params, tiny.run(params))
    for path in (kept, gone):
        os.utime(path, (0, 0))
    assert uploads.tidy() == [gone]
    assert kept.is_file()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of the tiny study whose limit is small."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "sitecustomize.py").write_text(
        "import workbench.ui.site as site\nsite.Site.__init__.__defaults__ = tuple(\n"
        "    1000 if value == site.UPLOAD_LIMIT else value for value in "
        "site.Site.__init__.__defaults__)\n")
    with served(folder, WORKBENCH_CACHE=str(folder / "cache")) as url:
        yield SimpleNamespace(url=url, folder=folder / "cache" / "uploads")


def send(connection, body, name="own.csv", site="", **headers):
    told = {"Origin": site, "Content-Type": "application/octet-stream"}
    told |= {key.replace("_", "-"): value for key, value in headers.items()}
    told = {key: value for key, value in told.items() if value}
    connection.request("POST", f"/uploads?name={quote(name)}", body, told)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read() or b"{}")


@pytest.fixture
def connection(server):
    made = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    yield made
    made.close()


def test_matches_the_limit_to_the_byte(server, connection):
    """One connection bears them all: a refusal leaves it as good as before."""
    for size in (999, 1000):
        status, told = send(connection, b"x" * size, site=server.url)
        assert (status, told["bytes"]) == (200, size)
        assert (server.folder / told["file"]).stat().st_size == size
    before = sorted(server.folder.rglob("*"))
    kept = connection.sock
    for body in (b"x" * 1001, b"x" * 3999, iter([b"x" * 900, b"x" * 101])):
        status, told = send(connection, body, site=server.url)
        assert status == 413
        assert told["problem"].startswith("The file must be at most 0.0009")
    assert send(connection, b"y", site=server.url)[0] == 200
    assert connection.sock is kept
    assert len(sorted(server.folder.rglob("*"))) == len(before) + 2     # its folder and the file


def test_rejects_what_is_said_to_be_huge_before_it_comes(server, connection):
    connection.putrequest("POST", "/uploads?name=own.csv")
    for name, value in (("Origin", server.url), ("Content-Length", str(10**12)),
                        ("Expect", "100-continue")):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert "at most" in json.loads(answer.read())["problem"]


def test_rejects_a_body_that_is_shorter_than_it_says(server, connection):
    connection.putrequest("POST", "/uploads?name=own.csv")
    connection.putheader("Origin", server.url)
    connection.putheader("Content-Length", "900")
    connection.endheaders(b"only this")
    before = set(server.folder.glob("*/*"))
    connection.close()
    for _ in range(600):
        if not list(server.folder.glob("*.partial")):
            break
        time.sleep(0.05)
    assert not list(server.folder.glob("*.partial"))
    assert set(server.folder.glob("*/*")) == before


@pytest.mark.parametrize(("name", "origin", "status", "told"), [
    ("own.csv", "", 403, "from the pages of this server only"),
    ("own.csv", "http://elsewhere.example", 403, None), ("own.csv", "null", 403, None),
    ("own.exe", "own", 415, "must end in .csv"), ("../../own", "own", 415, "must end in .csv"),
    ("", "own", 415, "must end in .csv")])
def test_rejects_strangers_and_other_files(server, connection, name, origin, status, told):
    connection.request("POST", f"/uploads?name={quote(name)}", TABLE,
                       {"Origin": server.url if origin == "own" else origin} if origin else {})
    answer = connection.getresponse()
    body = answer.read().decode()
    assert answer.status == status
    assert told is None or told in json.loads(body)["problem"]
    assert "Traceback" not in body
    assert not list(server.folder.glob("*/own"))


def test_rejects_reading_through_the_route(server, connection):
    connection.request("GET", "/uploads?name=own.csv")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 405


def test_rejects_files_where_pages_only_show(tmp_path):
    with served(tmp_path, "read_only=True", WORKBENCH_CACHE=str(tmp_path / "cache")) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        connection.request("POST", "/uploads?name=own.csv", TABLE, {"Origin": url})
        assert connection.getresponse().status in (404, 405)
        connection.close()
    assert not (tmp_path / "cache" / "uploads").exists()


@pytest.fixture
def giving(tmp_path, monkeypatch):
    """An own file on the page of opinion trends, whose checks are done at once."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("workbench.ui.giving.pn.state.execute", lambda work: asyncio.run(work()))
    visit = Visit(opinion_trends, Site(uploads="uploads"))
    return Giving(visit, Uploads(tmp_path / "given", needed=list))


def table(rows=40, header="published,unity,paper", **cells):
    lines = [f"2024-{1 + at // 28:02}-{1 + at % 28:02},{at % 7},{'AB'[at % 2]}"
             for at in range(rows)]
    for at, line in cells.items():
        lines[int(at.removeprefix("row")) - 2] = line
    return "\n".join([header, *lines]).encode()


def taken(giving, content, name="news.csv"):
    asyncio.run(giving.take(give(giving._uploads, content, name)))
    return giving


def test_recovers_the_result_of_a_file_whose_columns_are_guessed(giving):
    taken(giving, table())
    assert giving.chosen == {"date": "published", "score": "unity"}
    assert giving.given.about == "news.csv: 40 rows, 3 columns."
    assert (giving.is_ready, giving.is_used) == (True, False)
    assert "The scale was taken from the data, 0 to 6" in giving.notes[0]
    giving.choose("source", "paper")
    giving.use()
    values = giving.visit.values
    assert (values.date, values.score, values.source, values.weight) == (
        "published", "unity", "paper", "")
    assert Path(values.data).read_bytes() == table()
    assert giving.is_used
    result = opinion_trends.run(opinion_trends.Params(
        **{**values.values(), "trend": "line", "draws": 50, "sampler": "laplace"}))
    assert len(result.tables["scores"]) == 40
    assert set(result.tables["scores"]["source"]) == {"A", "B"}


def test_rejects_choices_in_sentences_beside_them(giving):
    taken(giving, table(row5="2024-01-09,about 3,A"))
    giving.choose("score", "paper")
    assert giving.misfits["score"].problem.startswith(
        "Column 'paper' must hold numbers, but 40 of 40 cells do not, the first in row 2: 'A'.")
    giving.choose("score", "unity")
    assert "the first in row 5: 'about 3'" in giving.misfits["score"].problem
    giving.choose("score", "")
    assert giving.misfits["score"].problem == "Choose the column of the score."
    giving.choose("score", "published")
    assert giving.misfits["score"].problem == (
        "Column 'published' is the date already. Choose another one.")
    assert not giving.is_ready
    giving.use()
    assert giving.visit.values.data == "us-presidents-approval"


def test_rejects_what_only_the_study_can_refuse(giving):
    taken(giving, table(rows=3))
    assert giving.refusals == ["data must give at least 5 scores, but 3 rows gave 3. No row was "
                               "left out. Add scores, or name other columns."]
    assert not giving.is_ready


def test_rejects_several_questions_without_a_choice(giving):
    taken(giving, table(header="published,unity,question"))
    assert giving.misfits["question"].problem == "Choose a question: the file has 2."
    giving.choose("question", "B")
    assert giving.is_ready
    giving.use()
    assert giving.visit.values.question == "B"


@pytest.mark.parametrize(("content", "name", "told"), [
    (b"", "news.csv", "is empty"), (b"\xff\xfea\x00", "news.csv", "binary content or UTF-16"),
    (b"a\n1\n\xe9\n", "news.csv", "byte 0xe9 in line 3"), (b"a,b\n1,2,3\n", "news.csv", "2 cells"),
    (b"a,b\n", "news.csv", "only the column names"), (b"no", "news.parquet", "readable Parquet"),
    (b"PK", "grid.npz", "for this study")])
def test_rejects_files_that_are_no_table_in_one_sentence(giving, content, name, told):
    taken(giving, content, name)
    assert giving.wrong
    assert told in giving.told
    assert "\n" not in giving.told
    assert giving.given is None


def test_identity_one_column_and_strange_names_are_shown(giving):
    taken(giving, "\ufeff<script>alert(1)</script>\n5\n6\n".encode())
    assert giving.chosen == {"score": "<script>alert(1)</script>"}
    shown = preview(giving.given.head, {name: one.holds for name, one in
                                        giving.given.facts.items()}, {})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script" not in shown


def test_matches_the_preview(giving):
    frame = pd.DataFrame({f"c{at}": ["x" * 99, None] for at in range(20)}, index=[2, 3])
    shown = preview(frame, dict.fromkeys(frame, "text"), {"c19": "score"})
    assert shown.index("c19") < shown.index("c0<")
    assert (shown.count("<td>"), "8 more columns are not shown." in shown) == (24, True)
    assert "x" * 39 + "…" in shown
    assert "x" * 40 not in shown


@pytest.mark.parametrize("site", [Site(), Site(uploads="uploads", may_run=False)])
def test_identity_no_file_is_asked_for_where_none_is_taken(site, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path))
    assert not Giving(Visit(opinion_trends, site)).is_offered


def test_matches_images_of_an_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    giving = Giving(Visit(loss_landscape_phases, Site(uploads="uploads")),
                    Uploads(tmp_path / "given", needed=list))
    packed = io.BytesIO()
    np.savez(packed, images=np.random.default_rng(0).normal(size=(40, 5, 5)),
             labels=np.arange(40) % 4)
    taken(giving, packed.getvalue(), "grid.npz")
    assert giving.given.about == "grid.npz: 40 images of 1 x 5 x 5 numbers in 4 classes."
    giving.use()
    assert Path(giving.visit.values.data).name == "grid.npz"


def test_matches_a_study_that_takes_tables_and_images(tmp_path, monkeypatch):
    """Roles of columns that a table had are gone once images take its place, and come back."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    visit = Visit(weighter_league, Site(uploads="uploads"))
    giving = Giving(visit, Uploads(tmp_path / "given", needed=list))
    said = "\n".join(["review,label", *(f"day {at} is {'fine' if at % 2 else 'poor'},{at % 2}"
                                        for at in range(80))]).encode()
    packed = io.BytesIO()
    np.savez(packed, images=np.random.default_rng(0).normal(size=(80, 5, 5)),
             labels=np.arange(80) % 4)
    for content, name in ((said, "own.csv"), (packed.getvalue(), "grid.npz"), (said, "own.csv")):
        taken(giving, content, name)
        is_table = name == "own.csv"
        assert set(giving.roles) == ({"target", "text"} if is_table else set())
        assert giving.is_ready, (giving.refusals, giving.misfits)
        giving.use()
        assert giving.is_used
        assert Path(visit.values.data).name == name
        assert (visit.values.target, visit.values.text) == (
            ("label", "review") if is_table else ("", ""))
    assert "CSV or Parquet file, or an .npz" in OwnData(giving).panel.about["what"]

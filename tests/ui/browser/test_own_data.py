"""An own file in the browser: dropped, its columns chosen, used, and one that is too large."""

import re

import pytest

STUDY = "/opinion_trends"
ROWS = [f"2024-{1 + at // 28:02};{5 + at % 7 / 2:.1f};{'AB'[at % 2]};<b>note {at}</b>"
        for at in range(60)]
TABLE = "\n".join(["day;unity;paper;<img src=x onerror=alert(1)>",
                   *(row.replace(".", ",") for row in ROWS)])
DROP = """([name, text, selector]) => {
  const find = (where) => where.querySelector(selector) ?? [...where.querySelectorAll("*")]
    .map((one) => one.shadowRoot && find(one.shadowRoot)).find(Boolean);
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  find(document).dispatchEvent(new DragEvent("drop", {
    dataTransfer: data, bubbles: true, composed: true, cancelable: true}));
}"""


@pytest.fixture
def visited(visit):
    opened = visit(STUDY)
    opened.page.on("dialog", lambda dialog: opened.errors.append(dialog.message))
    opened.page.get_by_text("Own data").press("Enter")
    return opened


def chooser(visited, label):
    return visited.page.get_by_label(re.compile(rf"^{label} \("))


def test_recovers_the_result_of_a_dropped_file(visited):
    page = visited.page
    page.evaluate(DROP, ["unity news.csv", TABLE, "label.zone"])
    page.get_by_text("60 rows, 4 columns").wait_for()
    assert chooser(visited, "date").locator("option:checked").inner_text() == "day (date)"
    assert chooser(visited, "score").locator("option:checked").inner_text() == "unity (number)"
    page.get_by_text("decimal commas were read as decimal points").wait_for()
    region = page.get_by_role("region", name="First rows of the file")
    assert "<img src=x onerror=alert(1)>" in region.inner_text()
    assert region.locator("tbody tr").count() == 8

    chooser(visited, "score").select_option(label="paper (text, not number)")
    page.get_by_text("60 of 60 cells do not, the first in row 2: 'A'").wait_for()
    use = page.get_by_role("button", name="Use this file")
    assert use.is_disabled()
    chooser(visited, "score").select_option(label="unity (number)")
    chooser(visited, "source").select_option(label="paper (text)")
    page.wait_for_function("button => !button.disabled", arg=use.element_handle())
    use.click()
    page.get_by_text("unity news.csv is in use.").wait_for()
    page.wait_for_url(re.compile(r"[?&]source=paper"))
    values = {name: page.get_by_label(name, exact=True).input_value()
              for name in ("data", "date", "score", "source", "weight")}
    assert values["data"].endswith("/unity news.csv")
    assert (values["date"], values["score"], values["source"], values["weight"]) == (
        "day", "unity", "paper", "")
    assert visited.faults == []


def test_recovers_numbers_of_an_own_file(visited):
    page = visited.page
    page.get_by_label("trend", exact=True).select_option("line")
    page.get_by_label("sampler", exact=True).select_option("laplace")
    page.locator("input[type=file]").set_input_files(
        {"name": "rise.csv", "mimeType": "text/csv", "buffer": b"date,score\n" + b"".join(
            b"2024-01-%02d,%d\n" % (day, 10 * day + day % 3) for day in range(1, 29))})
    page.get_by_role("button", name="Use this file").click()
    page.get_by_text("rise.csv is in use.").wait_for()
    page.get_by_role("button", name="Compute here").click()
    page.get_by_text(re.compile("Computed in .* and not saved")).wait_for()
    visited.settle()
    slope = re.search(r"average slope (\S+) points / 30 days", visited.text)
    assert abs(float(slope[1]) - 300) < 10
    assert visited.faults == []


@pytest.mark.parametrize(("says", "told"), [
    ("page", "large.csv has 50.0 MiB, and at most 32 MiB are taken."),
    ("server", "The file must be at most 32 MiB, but it is larger.")])
def test_rejects_fifty_megabytes_and_lives_on(visited, says, told):
    page = visited.page
    if says == "server":
        # A page that has lost its own limit: the server must refuse.
        page.evaluate("""() => Object.defineProperty(File.prototype, "size", {get: () => 9})""")
    page.evaluate("""() => {
      window.given = new File([new Uint8Array(50 * 2 ** 20).fill(49)], "large.csv");
    }""")
    page.evaluate(DROP.replace("new File([text], name)", "window.given"),
                  ["large.csv", "", "label.zone"])
    page.get_by_text(told).first.wait_for()
    page.locator("input[type=file]").set_input_files(
        {"name": "own.csv", "mimeType": "text/csv", "buffer": TABLE.encode()})
    page.get_by_text("60 rows, 4 columns").wait_for()
    visited.errors[:] = [told for told in visited.errors if "413" not in told]
    assert visited.faults == []


def test_rejects_what_is_no_table(visited):
    page = visited.page
    for name, content, told in (
            ("notes.docx", b"PK", "This study takes files that end in .csv"),
            ("own.csv", b"", "is empty"), ("own.csv", b"a,a\n1,2\n", "repeats 'a'"),
            ("own.csv", "Stra\u00dfe,x\n\u00e4,1\n".encode("latin-1"), "byte 0xdf in line 1"),
            ("own.parquet", b"PAR1", "must be a readable Parquet file"),
            ("own.csv", ",".join(map(str, range(5000))).encode() + b"\n",
             "at most 500 columns")):
        page.locator("input[type=file]").set_input_files(
            {"name": name, "mimeType": "text/csv", "buffer": content})
        page.get_by_text(told).first.wait_for()
        assert "Traceback" not in visited.text
    assert visited.faults == []

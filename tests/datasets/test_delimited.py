"""Oracle: the same small table without what spreadsheets and programs add to it."""

import csv

import pytest

from workbench.datasets.files import open_file

PLAIN = "day;unity\n2024-01-01;7,5\n2024-01-02;NA\n"
CELLS = {"day": ["2024-01-01", "2024-01-02"], "unity": ["7,5", "NA"]}


@pytest.fixture
def opened(tmp_path):
    def opened(text, name="a.csv"):
        (tmp_path / name).write_bytes(text.encode())
        return open_file(tmp_path / name)
    return opened


@pytest.mark.parametrize(("above", "count", "skipped"), [
    ("", 0, 0), ("sep=;\n", 1, 0), ('"sep=;"\r\n', 1, 0), ("SEP=; \r", 1, 0),
    ("\n\nsep=;\n\n", 4, 0),
    ("# Scores of unity\n", 1, 1), ("#made by hand\n#; twice\n\n", 3, 2), ("# a\nsep=;\n", 2, 1),
    ("sep=;\n# Scores, of unity; and more; of it\n", 2, 1)])
def test_identity_lines_above_the_header_are_skipped(opened, above, count, skipped):
    found = opened(above + PLAIN)
    assert found.frame.to_dict("list") == CELLS
    assert found.frame.index.tolist() == [count + 2, count + 3]
    assert found.delimiter == ";"
    assert (f"were skipped, {skipped} in all" in found.notes[0]) == (skipped > 0)


def test_matches_the_named_delimiter_wins(opened):
    found = opened("sep=;\na,b;c,d\n1;2\n")
    assert list(found.frame.columns) == ["a,b", "c,d"]


@pytest.mark.parametrize("header", ["#;day", "# day;unity", "#day;unity"])
def test_matches_a_header_may_begin_with_the_mark(opened, header):
    found = opened(header + "\n1;2024\n2;2025\n")
    assert list(found.frame.columns) == header.split(";")
    assert len(found.frame) == 2


@pytest.mark.parametrize("row", ["2024-01-03;8;", "2024-01-03;;", ";8;", '"2024-01-03";"8";""'])
def test_matches_rows_with_empty_cells_are_whole(opened, row):
    assert len(opened(f"day;unity;text\n2024-01-01;7;a\n{row}\n").frame) == 2


def test_matches_a_row_may_lack_columns_without_a_name(opened):
    found = opened("day;unity;;\n2024-01-01;7\n2024-01-02;\n")
    assert found.frame["unity"].tolist() == ["7", ""]


@pytest.mark.parametrize(("text", "told"), [
    ("day,unity,text\n2024-01-01,7,a\n2024-01-02,8\n",
     r"must have 3 cells.*row 3 of 'a.csv' has 2"),
    ('# b\n\nday,unity\n2024-01-01,"7"\n\n2024-01-02\n', "row 6 .* has 1. Add the missing"),
    ('day,unity,text\n2024-01-01,7,"' + "x" * 200_000 + '"\n2024-01-02,8\n', "row 3 .* has 2"),
    ("# b\nday,unity\n2024-01-01,7,5\n", "line 3 has 3"),
    ('\nday,unity\n2024-01-01,7\n"2024-01-03,7\n', "opened in row 4 is not"),
    ("# b\n#c\n", "ends before its column names"),
    ("sep=;\n", "ends before its column names"),
])
def test_rejects_rows_that_are_cut_short(opened, text, told):
    before = csv.field_size_limit()
    with pytest.raises(ValueError, match=told):
        opened(text)
    assert csv.field_size_limit() == before

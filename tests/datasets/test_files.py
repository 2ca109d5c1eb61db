"""Oracle: the same small table written by hand in many ways."""

import gzip
import hashlib

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.files import open_file

PLAIN = "day,unity\n2024-01-01,7.5\n2024-01-02,NA\n"
GZIPPED = gzip.compress(PLAIN.encode(), mtime=0)


def opened(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_file(path)


@pytest.mark.parametrize(("name", "content", "note"), [
    ("my scores {x} é.csv", PLAIN, ""),
    ("a.CSV", PLAIN, ""),
    ("a.csv.gz", GZIPPED, ""),
    ("a.tsv", PLAIN.replace(",", "\t"), ""),
    ("a.tsv.gz", gzip.compress(PLAIN.replace(",", "\t").encode(), mtime=0), ""),
    ("a.csv", PLAIN.replace(",", ";"), "separated by semicolons"),
    ("a.csv", PLAIN.replace(",", "\t"), "separated by tabs"),
    ("a.tsv", PLAIN, "separated by commas"),
    ("a.csv", b"\xef\xbb\xbf" + PLAIN.encode(), ""),
    ("a.csv", PLAIN.replace("\n", "\r\n"), ""),
    ("a.csv", PLAIN.replace("\n", "\r"), ""),
    ("a.csv", PLAIN.rstrip("\n"), ""),
    ("a.csv", PLAIN.replace("day,unity", ' day , "unity" '.replace('"', "")), ""),
    ("a.csv", '"day","unity"\n"2024-01-01","7.5"\n"2024-01-02","NA"\n', ""),
    ("a.csv", ",day,unity\n0,2024-01-01,7.5\n1,2024-01-02,NA\n", ""),
    ("a.csv", "day,unity,,\n2024-01-01,7.5,,\n2024-01-02,NA,,\n", ""),
    ("a.csv", PLAIN + "\n,\n\n", ""),
])
def test_matches_the_table_written_by_hand(tmp_path, name, content, note):
    found = opened(tmp_path, name, content)
    assert found.frame.to_dict("list") == {"day": ["2024-01-01", "2024-01-02"],
                                           "unity": ["7.5", "NA"]}
    assert found.frame.index.tolist() == [2, 3]
    assert (note in found.notes[0]) if note else found.notes == ()
    assert found.sha256 == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert name.startswith(found.name)
    assert not found.name.lower().endswith((".csv", ".tsv", ".gz"))


def test_matches_rows_are_counted_through_blank_lines(tmp_path):
    found = opened(tmp_path, "a.csv", "\n\nday,unity\n\n2024-01-01,7.5\n\n2024-01-02,8\n")
    assert found.frame.index.tolist() == [5, 7]


def test_matches_quoted_delimiters_and_line_ends(tmp_path):
    found = opened(tmp_path, "a.csv", 'day,text\n2024-01-01,"a, b\nc ""d"""\n2024-01-02,e\n')
    assert found.frame["text"].tolist() == ['a, b\nc "d"', "e"]


def test_matches_types_of_a_parquet_file_and_its_index(tmp_path):
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=3, tz="UTC"),
                          "unity": [1.5, np.nan, 3.0], "outlet": pd.Categorical(["a", "b", "a"]),
                          "tags": [["x"], [], ["y", "z"]]})
    frame.set_index("day").to_parquet(tmp_path / "a.parquet")
    found = open_file(tmp_path / "a.parquet")
    assert found.typed
    assert found.frame["day"].tolist() == frame["day"].tolist()
    assert found.frame["unity"].equals(frame["unity"].set_axis(found.frame.index))
    assert found.frame["outlet"].tolist() == ["a", "b", "a"]
    assert found.frame.duplicated().tolist() == [False] * 3, "lists inside cells can be compared"


@pytest.mark.parametrize(("name", "content", "told"), [
    ("a.csv", "", "is empty"),
    ("a.csv", " \n\n ", "is empty"),
    ("a.csv", b"\xef\xbb\xbf\n", "is empty"),
    ("a.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
    ("a.csv", "day,unity\n", r"at least one row.*day, unity"),
    ("a.csv", "day,unity\n\n,\n", "at least one row"),
    ("a.csv", PLAIN.encode("utf-16"), r"binary content or UTF-16\. Save it as CSV in UTF-8"),
    ("a.csv", bytes(range(256)), "binary content"),
    ("a.csv", b"PAR1 and more", "binary content"),
    ("a.csv", PLAIN.replace("NA", "é").encode("latin-1"), r"byte 0xe9 in line 3\..*UTF-8"),
    ("a.csv", PLAIN + "2024-01-03,7,5\n", r"2 cells in every row.*line 4 has 3\. Quote cells"),
    ("a.csv", "day,unity\n2024-01-01,7,5\n2024-01-02,8,5\n", "line 2 has 3"),
    ("a.csv", PLAIN + '"2024-01-03,7\n2024-01-04,8\n', "quote opened in row 4 is not closed"),
    ("a.csv", "day,unity,unity\n2024-01-01,1,2\n", r"name each column once.*'unity'"),
    ("a.csv.gz", PLAIN, "must be a gzip file"),
    ("a.csv.gz", GZIPPED[:-9], "cut short"),
    ("a.parquet", "junk", "readable Parquet file"),
    ("a.parquet", b"PAR1" + bytes(80) + b"PAR1", "readable Parquet file"),
    ("a.xlsx", PLAIN, r"must end in .*\.csv.*got 'a.xlsx'"),
    ("a", PLAIN, "must end in"),
])
def test_rejects_malformed_files(tmp_path, name, content, told):
    with pytest.raises(ValueError, match=told):
        opened(tmp_path, name, content)


def test_rejects_a_truncated_parquet_file(tmp_path):
    pd.DataFrame({"unity": range(1000)}).to_parquet(tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    for length in range(1, len(whole), 97):
        with pytest.raises(ValueError, match="readable Parquet file"):
            opened(tmp_path, "b.parquet", whole[:length])


def test_rejects_missing_files_and_folders(tmp_path):
    (tmp_path / "my_scores.csv").write_text(PLAIN)
    with pytest.raises(FileNotFoundError, match=r"does not\. Did you mean 'my_scores.csv'\?"):
        open_file(tmp_path / "my_score.csv")
    with pytest.raises(FileNotFoundError, match="Paths start from the folder"):
        open_file(tmp_path / "nowhere" / "my_scores.csv")
    with pytest.raises(ValueError, match="is a folder"):
        open_file(tmp_path)

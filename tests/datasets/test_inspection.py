"""What a column holds and which role it fits, told by hand-made tables."""

import gzip

import numpy as np
import pandas as pd
import pytest

from workbench.core import Column
from workbench.datasets.given import image_sentence, open_given
from workbench.datasets.inspection import Misfit, guess, inspect, misfit, suits, values_of
from workbench.studies import opinion_trends, quantile_aggregation

DATE, NUMBER = Column("date", required=True), Column("number", required=True)
TARGET, WEIGHT, GROUP = Column("target"), Column("weight"), Column("group")


@pytest.fixture
def table(tmp_path):
    def written(text, name="own.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return open_given(path)

    return written


@pytest.fixture
def news(table):
    rows = [f"2024-01-{day:02},{day / 2},{'ab'[day % 2]},{day % 3},id{day},{day % 2 == 0},"
            for day in range(1, 21)]
    return table("\n".join(["published,unity,paper,weight,article,late,note", *rows]))


def test_matches_what_columns_hold(news):
    assert {name: facts.holds for name, facts in inspect(news).items()} == {
        "published": "date", "unity": "number", "paper": "text", "weight": "number",
        "article": "text", "late": "text", "note": "empty"}


@pytest.mark.parametrize(("cells", "holds"), [
    (["1,5", "2,25", "-3,0"], "number"), (["1950", "1951", "1953"], "date"),
    (["Q1 2020", "Q2 2020", "Q3 2020"], "date"), (["5.3.2024", "6.3.2024", ""], "date"),
    (["n/a", "-", ""], "empty"), (["7", "about 7", "eight"], "text"), (["NA", "4", "5"], "number"),
])
def test_matches_kinds_of_text(table, cells, holds):
    opened = table("year;other\n" + "\n".join(f"{cell};1" for cell in cells))
    assert inspect(opened)["year"].holds == holds


def test_matches_kinds_that_a_file_declares(table, tmp_path):
    frame = pd.DataFrame({"when": pd.date_range("2020-01-01", periods=4, tz="Asia/Tokyo"),
                          "yes": [True, False, True, None], "size": [1, 2, None, 4],
                          "pair": [[1], [2], [3, 4], []], "": range(4)})
    frame.to_parquet(tmp_path / "typed.parquet")
    found = inspect(open_given(tmp_path / "typed.parquet"))
    assert {name: facts.holds for name, facts in found.items()} == {
        "when": "date", "yes": "true/false", "size": "number", "pair": "text"}


def test_identity_whole_numbers_are_dates_only_by_name(table):
    found = inspect(table("year,votes\n" + "\n".join(f"{1950 + i},{1900 + i}" for i in range(9))))
    assert (found["year"].holds, found["votes"].holds) == ("date", "number")
    assert suits(found["votes"], DATE)
    assert not suits(found["votes"], GROUP) or suits(found["year"], GROUP)


@pytest.mark.parametrize(("study", "roles"), [
    (opinion_trends, {"date": "published", "score": "unity", "weight": "weight"}),
    (quantile_aggregation, {"target": "unity", "weight": "weight"})])
def test_matches_guesses_by_name_then_by_kind(news, study, roles):
    assert guess(study.Params.columns, inspect(news)) == roles


def test_identity_a_table_that_is_named_as_the_study_asks(table):
    rows = "\n".join(f"2020-01-{day:02},{day},{day},x" for day in range(1, 29))
    opened = table(f"date,rank,Score,source\n{rows}")
    assert guess(opinion_trends.Params.columns, inspect(opened)) == {
        "date": "date", "score": "Score", "source": "source"}


def test_rejects_columns_by_the_first_bad_cell(table):
    opened = table("x,y,w,same,day\n"
                   "1,a,1,5,2024-01-01\nabout 2,b,-1,5,2024-01-02\n3,c,0,5,soon\n")
    assert misfit(opened, "x", NUMBER).problem == (
        "Column 'x' must hold numbers, but 1 of 3 cells do not, the first in row 3: 'about 2'. "
        "Write a plain number such as 7.5, leave a missing cell empty, or name another column.")
    assert "3 of 3 cells do not, the first in row 2: 'a'" in misfit(opened, "y", NUMBER).problem
    assert "weights >= 0, but 1 of 3 cells do not, the first in row 3: -1" in misfit(
        opened, "w", WEIGHT).problem
    assert misfit(opened, "same", TARGET).problem == (
        "Column 'same' must vary, but holds 5 in all its 3 filled rows. Choose another column.")
    assert "the first in row 4: 'soon'" in misfit(opened, "day", DATE).problem
    assert misfit(opened, "same", NUMBER) == Misfit()
    assert "holds one value only" in misfit(opened, "same", GROUP).caution


def test_rejects_empty_columns_and_identifiers(news):
    assert misfit(news, "note", NUMBER).problem == (
        "Column 'note' must hold numbers, but all its 20 cells are empty. Choose another column.")
    assert "20 different values in 20 rows" in misfit(news, "article", GROUP).caution
    assert misfit(news, "article", Column("name")) == Misfit()


def test_identity_what_fits_is_what_the_study_reads(table):
    """A target with decimal commas fits, as the study reads it; a score with them does not."""
    rows = "\n".join(f'"{i},5",{i * i % 7}' for i in range(60))
    opened = table(f"y,x\n{rows}")
    assert misfit(opened, "y", TARGET) == Misfit()
    assert misfit(opened, "y", NUMBER).problem
    quantile_aggregation.read_notes(quantile_aggregation.Params(data=opened.origin, target="y"))


def test_matches_values_to_choose_from(table):
    opened = table("question,x\nwhy,1\nhow,2\nwhy,3\n,4\n")
    assert values_of(opened, "question") == ["how", "why"]
    assert values_of(opened, "answer") == []


@pytest.mark.parametrize(("text", "name", "told"), [
    ("", "own.csv", "is empty"), ("a,b\n", "own.csv", "has only the column names a, b"),
    ("a,a\n1,2\n", "own.csv", "repeats 'a'"), (b"a,b\n\xe9,1\n", "own.csv", "byte 0xe9 in line 2"),
    (b"PK\x03\x04\x00\x00", "own.csv", "holds binary content"),
    (b"PAR1 and no more", "own.parquet", "must be a readable Parquet file"),
    (b"no gzip", "own.csv.gz", "must be a gzip file"),
    (",".join(map(str, range(5000))) + "\n" + ",".join(map(str, range(5000))), "own.csv",
     "at most 500 columns, but 'own.csv' has 5,000"),
    ("," * 100_000, "own.csv", "has 100,001"),
    (gzip.compress(b"0" * (257 * 2**20), 1), "own.csv.gz", "unpacks to more"),
])
def test_rejects_what_no_page_can_show(table, text, name, told):
    with pytest.raises(ValueError, match=r"^data must") as refusal:
        table(text, name)
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_rejects_parquet_that_unpacks_to_too_much(tmp_path):
    path = tmp_path / "own.parquet"
    pd.DataFrame({"x": np.zeros(20_000_001, dtype="int8")}).to_parquet(path)
    assert path.stat().st_size < 2**20
    with pytest.raises(ValueError, match=r"at most 20,000,000 cells, but .own\.parquet. has"):
        open_given(path)


def test_matches_images(tmp_path):
    path = tmp_path / "own.npz"
    images = np.random.default_rng(0).normal(size=(40, 6, 6))
    np.savez(path, images=images, labels=np.arange(40) % 4)
    assert image_sentence(path) == "40 images of 1 x 6 x 6 numbers in 4 classes."
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"must be an \.npz archive"):
        image_sentence(path)


def test_identity_commas_inside_quotes_are_no_columns(table):
    opened = table('"' + "a," * 700 + '",x\n1,2\n')
    assert len(opened.frame.columns) == 2
    assert len(table(",".join(f"c{at}" for at in range(500)) + "\n" + "1," * 499 + "1\n"
                     ).frame.columns) == 500

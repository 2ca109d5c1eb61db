"""What the door for scores turns away: each message names argument, row, value and remedy."""

import math

import pytest

from workbench.datasets import load_scores

MONTHS = "".join(f"2024-0{month}-01,{month}.5\n" for month in range(1, 8))
PLAIN = "date,score\n" + MONTHS
FULL = "date,score,outlet,n,id\n" + "".join(
    f"2024-0{month}-01,{month}.5,paper,1,d{month}\n" for month in range(1, 8))
ASKED = "date,score,question\n" + "".join(
    f"2024-0{month}-01,1,{word}\n" for month in range(1, 8) for word in ("unity", "trust"))


@pytest.fixture
def load(tmp_path):
    def load(text, **columns):
        (tmp_path / "scores.csv").write_text(text, encoding="utf-8")
        return load_scores(tmp_path / "scores.csv", **columns)
    return load


@pytest.mark.parametrize(("text", "told"), [
    (PLAIN + "yesterday,1\n", r"date: column 'date'.*row 9: 'yesterday'"),
    (PLAIN + '2024-09-01,"7,5"\n', r"score: column 'score'.*row 9: '7,5'. Write decimals with a"),
    (PLAIN + "yesterday,7/10\n", r"(?s)'yesterday'.*\n.*'7/10'"),
    (PLAIN + "2024-09-01,inf\n", "row 9: 'inf'"),
    (PLAIN + "2024-09-01,true\n", "row 9: 'true'"),
    ("date,score\n" + "2024-01-01,1\n2024-01-02,2\n" * 2, "at least 5 scores, but 4 rows gave 4"),
    ("date,score\n" + "2024-01-01,\n2024-01-02,1\n,3\n" * 2,
     r"6 rows gave 2\. 2 rows without a date.*2 rows without a score.*Add scores"),
    ("date,score\n" + "2024-01-01,1\n2024-01-01,2\n" * 4, r"two dates, but all 8.*2024-01-01"),
    ("date,score\n" + "2024-01-01,3\n2024-01-02,3\n" * 4, "all scores are 3 and show no range"),
    ("date,score\n" + "01/02/2024,1\n02/03/2024,2\n" * 4,
     r"^date: column 'date' must say which number is the day"),
    (PLAIN + "2024-09-01\n", "2 cells in every row.*row 9 of 'scores.csv' has 1"),
    (PLAIN + "45356,1\n", "row 9: '45356'. .*Excel's serial dates"),
    ("date,score\n" + "2024-01-01,-1.7e308\n2024-01-02,1.7e308\n" * 3,
     r"scores within 1e\+150 of 0, but 6 of 6"),
    ("date,score\n" + "2024-01-01,1\n2024-01-02,1e151\n" * 3, r"row 3: 1e\+151\. Correct them"),
    (ASKED, r"one of the 2 questions.*'trust', 'unity'"),
    ("day;rating\n2024-01-01;7\n", r"date must name.*score must name.*Columns: 'day', 'rating'"),
    ("Date,Score\n" + MONTHS, r"got 'date'\. Did you mean 'Date'\?.*Did you mean 'Score'"),
    ("", "is empty"),
])
def test_rejects_malformed_content(load, text, told):
    with pytest.raises(ValueError, match=told):
        load(text)


@pytest.mark.parametrize(("columns", "told"), [
    ({"date": "dat"}, "date must name a column of the data, got 'dat'. Did you mean 'date'"),
    ({"date": "", "score": ""}, r"date must name.*score must name"),
    ({"source": "outlets"}, "source must name .* Did you mean 'outlet'"),
    ({"weight": "weight"}, "weight must name"),
    ({"document": "x", "weight": "y"}, "(?s)weight must name.*document must name"),
    ({"weight": "outlet"}, "weight: column 'outlet' must hold numbers.*row 2: 'paper'"),
    ({"score": "date"}, "score: column 'date' must hold numbers"),
    ({"date": "outlet"}, "date: column 'outlet' must hold dates"),
    ({"question": "unity"}, "have no column 'question', got 'unity'"),
    ({"scale": (0, 5)}, r"scores from 0 to 5, but 3 of 7.*row 6: 5\.5.*never clipped"),
    ({"scale": (2, 10)}, r"row 2: 1\.5"),
])
def test_rejects_arguments_that_do_not_fit_the_file(load, columns, told):
    with pytest.raises(ValueError, match=told):
        load(FULL, **columns)


@pytest.mark.parametrize("scale", [(5, 0), (1, 1), (0,), (0, 5, 10), (0, math.inf), (0, math.nan),
                                   ("0", "10"), (False, True), "ab", 10])
def test_rejects_scales_that_are_none(load, scale):
    with pytest.raises(ValueError, match="scale must be two finite numbers in order, or empty"):
        load(FULL, scale=scale)


@pytest.mark.parametrize(("old", "new", "columns", "told"), [
    ("paper,1,d3", "paper,-1,d3", {"weight": "n"}, r"weights >= 0, but 1 of 7.*row 4: -1"),
    ("paper,1,d3", "paper,,d3", {"weight": "n"}, "row 4: an empty cell. Write 1"),
    ("paper,1,", "paper,0,", {"weight": "n"}, "a weight above 0, but all are 0"),
    ("paper,1,", "paper,inf,", {"weight": "n"}, "weight: column 'n' must hold numbers"),
    (",d3", ",", {"document": "id"}, "a document in every row, but 1 of 7.*row 4: an empty cell"),
    ("2024-0", "2024-01-0", {"document": "id"}, "row 2: '2024-01-01-01'"),
    ("paper", "paper,", {}, "5 cells in every row"),
])
def test_rejects_bad_cells_of_named_columns(load, old, new, columns, told):
    with pytest.raises(ValueError, match=told):
        load(FULL.replace(old, new), **columns)


@pytest.mark.parametrize("scale", [(0, 1.1e150), (-1.7e308, 1.7e308)])
def test_rejects_scales_whose_squares_are_infinite(load, scale):
    with pytest.raises(ValueError, match=r"scale must lie within 1e\+150 of 0"):
        load(FULL, scale=scale)


@pytest.mark.parametrize(("idle", "told"), [
    ("4567", r"at least 5 scores, but 7 rows gave 3\. 4 rows have weight 0"),
    ("123", "7 rows gave 4"),
])
def test_rejects_too_few_scores_that_count(load, idle, told):
    text = FULL
    for month in idle:
        text = text.replace(f"paper,1,d{month}", f"paper,0,d{month}")
    with pytest.raises(ValueError, match=told):
        load(text, weight="n")


def test_rejects_one_date_that_counts(load):
    rows = "2024-01-01,1,1\n2024-01-01,2,1\n2024-01-02,3,0\n" * 3
    with pytest.raises(ValueError, match="two dates, but all 6 are dated 2024-01-01"):
        load("date,score,n\n" + rows, weight="n")


def test_rejects_too_few_documents_although_rows_suffice(load):
    text = "date,score,id\n" + "".join(
        f"2024-01-0{day},{day + bump},d{day}\n" for day in (1, 2, 3, 4) for bump in (0, 1, 2))
    with pytest.raises(ValueError, match=r"12 rows gave 4\. Documents scored more than once: 4"):
        load(text, document="id")


def test_rejects_an_unknown_question(load):
    with pytest.raises(ValueError, match=r"got 'unit'\. Did you mean 'unity'"):
        load(ASKED, question="unit")


@pytest.mark.parametrize(("data", "told"), [
    ("us-president-approval", r"or the path of a file.*Did you mean 'us-presidents-approval'"),
    ("nonsense", r"one of 'us-presidents-approval', 'fomc-statements', or the path.*'nonsense'"),
    ("", "or the path of a file"),
    ("https://example.org/a.csv", "must be a local file.*Download it first"),
])
def test_rejects_names_that_are_no_data(data, told):
    with pytest.raises(ValueError, match=told):
        load_scores(data)


def test_rejects_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not"):
        load_scores(tmp_path / "scores.csv")

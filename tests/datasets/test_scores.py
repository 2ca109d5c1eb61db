"""Oracle: pandas and NumPy on the same cells, without the door."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import generator, places
from workbench.datasets import fomc_scores, load_scores, presidents_approval, raw

MONTHS = "".join(f"2024-0{month}-01,{month}.5\n" for month in range(1, 8))


def loaded(folder, text, **columns):
    (folder / "scores.csv").write_text(text, encoding="utf-8")
    return load_scores(folder / "scores.csv", **columns)


def test_matches_shipped_presidents():
    scores, expected = load_scores("us-presidents-approval"), presidents_approval().dropna()
    assert scores.table["date"].tolist() == expected["date"].tolist()
    assert scores.table["score"].tolist() == expected["score"].tolist()
    assert set(scores.table["source"]) == {"gallup"}
    assert scores.scale == (0, 100)
    assert scores.sha256 == raw.CHECKSUMS["us-presidents-approval/presidents.csv"]
    assert scores.notes == ("6 rows without a score were left out.",)


def test_matches_shipped_statements():
    scores, expected = load_scores("fomc-statements"), fomc_scores().dropna(subset="score")
    assert scores.table["score"].tolist() == expected["score"].tolist()
    assert scores.table["text"].tolist() == expected["text"].tolist()
    assert scores.scale == (-1, 1)
    assert "4 rows without a score" in scores.notes[0]
    assert "1997-03-25 to 1998-09-29" in scores.notes[1]


def test_identity_shipped_and_own_file_agree():
    path = places.raw_data() / "us-presidents-approval" / "presidents.csv"
    own = load_scores(path, date="year", score="approval_pct", scale=(0, 100))
    shipped = load_scores("us-presidents-approval")
    assert sorted(own.table["score"]) == sorted(shipped.table["score"])
    assert own.sha256 == shipped.sha256


def test_matches_defaults_of_a_plain_file(tmp_path):
    scores = loaded(tmp_path, "date,score\n" + MONTHS)
    assert list(scores.table.columns) == ["date", "score", "source", "weight", "error"]
    assert scores.table["date"].tolist() == list(pd.date_range("2024-01-01", periods=7, freq="MS"))
    assert scores.table["score"].tolist() == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5]
    assert scores.table[["source", "weight", "error"]].drop_duplicates().to_numpy().tolist() == [
        ["all", 1.0, 0.0]]
    assert (scores.name, scores.origin, scores.scale) == (
        "scores", str(tmp_path / "scores.csv"), (1.5, 7.5))
    assert "taken from the data, 1.5 to 7.5" in scores.notes[0]


def test_matches_unsorted_rows_and_dropped_cells_are_told(tmp_path):
    scores = loaded(tmp_path, "date,score\n2024-09-01,9\n,3\n2024-08-02,NA\n2024-08-03,\n"
                    + MONTHS)
    assert scores.table["date"].is_monotonic_increasing
    assert scores.table["score"].iloc[-1] == 9
    assert scores.notes[:2] == ("1 row without a date was left out.",
                                "2 rows without a score were left out.")


def test_matches_sources_weights_and_equal_dates_stay_in_order(tmp_path):
    rows = "".join(f"2024-01-0{day},{day},{name},{day / 2}\n" for day in range(1, 5)
                   for name in ("b", "", "a"))
    scores = loaded(tmp_path, "date,score,outlet,n\n" + rows, source="outlet", weight="n",
                    scale=(0, 10))
    assert scores.table["source"].tolist() == ["b", "unknown", "a"] * 4
    assert scores.table["weight"].tolist() == [half / 2 for half in range(1, 5) for _ in range(3)]
    assert "became the source 'unknown', 4 in all" in scores.notes[0]


def test_matches_rows_of_weight_zero_stay_and_are_told(tmp_path):
    rows = MONTHS.replace("\n", ",1\n").replace("3.5,1", "3.5,0").replace("4.5,1", "4.5,0.0")
    scores = loaded(tmp_path, "date,score,n\n" + rows, weight="n", scale=(0, 10))
    assert scores.table["weight"].tolist() == [1, 1, 0, 0, 1, 1, 1]
    assert scores.notes == ("2 rows have weight 0: kept in the table, but counting for nothing.",)


def test_matches_errors_of_a_spreadsheet_are_missing(tmp_path):
    scores = loaded(tmp_path, "date,score\n" + MONTHS + "2024-08-01,#N/A\n2024-09-01,#DIV/0!\n")
    assert len(scores.table) == 7
    assert scores.notes[0] == "2 rows without a score were left out."


def test_matches_a_german_spreadsheet(tmp_path):
    text = "sep=;\ndate;score;n\n" + MONTHS.replace(",", ";").replace(".5", ",5;0,5")
    scores = loaded(tmp_path, text, weight="n")
    plain = loaded(tmp_path, "date,score\n" + MONTHS)
    assert scores.table["score"].equals(plain.table["score"])
    assert set(scores.table["weight"]) == {0.5}
    assert "'score': decimal commas were read as decimal points, 7 in all" in scores.notes[1]


def test_matches_one_question(tmp_path):
    rows = "".join(f"2024-01-0{day},{day},{word}\n" for day in range(1, 7)
                   for word in ("unity", "trust"))
    scores = loaded(tmp_path, "date,score,question\n" + rows, question="trust", scale=(0, 10))
    assert len(scores.table) == 6
    assert "6 of 12 rows answer the question 'trust'" in scores.notes[0]
    only = "date,score,question\n" + rows.replace("trust", "unity")
    assert len(loaded(tmp_path, only, scale=(0, 10)).table) == 12


def test_matches_repeats_are_merged_or_told(tmp_path):
    text = "date,score,document\n" + "".join(
        f"2024-01-0{day},{day + bump},d{day}\n" for day in range(1, 7) for bump in (0, 1, 0))
    merged = loaded(tmp_path, text, document="document", scale=(0, 10)).table
    assert merged["score"].tolist() == pytest.approx([day + 1 / 3 for day in range(1, 7)])
    assert merged["error"].tolist() == pytest.approx([np.std([0, 1, 0], ddof=1) / 3 ** 0.5] * 6)
    apart = loaded(tmp_path, text, scale=(0, 10))
    assert len(apart.table) == 18
    assert "Exact repeats of an earlier row: 6, all kept" in apart.notes[0]
    assert "pass document='document'" in apart.notes[1]


def test_matches_a_long_gap_is_told(tmp_path):
    rows = "".join(f"2024-01-{day:02},{day}\n" for day in (1, 2, 3, 4, 5, 21, 22))
    notes = loaded(tmp_path, "date,score\n" + rows, scale=(0, 100)).notes
    assert notes == ("The longest gap runs from 2024-01-05 to 2024-01-21, 16 times the median "
                     "spacing; the trend there rests on the model.",)


def test_identity_csv_and_parquet_agree(tmp_path):
    frame = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=30, tz="Europe/Berlin"),
                          "score": generator(0).normal(size=30)})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    tables = [load_scores(tmp_path / name).table for name in ("a.parquet", "a.csv")]
    pd.testing.assert_frame_equal(*tables)


@pytest.mark.slow
def test_matches_a_million_rows(tmp_path):
    n, rng = 1_000_000, generator(0)
    score = rng.integers(0, 1001, n) / 100
    date = pd.Timestamp(1990, 1, 1) + pd.to_timedelta(rng.integers(0, 10**9, n), unit="s")
    frame = pd.DataFrame({"date": date, "score": score, "outlet": rng.choice(list("abc"), n)})
    frame.to_csv(tmp_path / "big.csv", index=False)
    found = load_scores(tmp_path / "big.csv", source="outlet", scale=(0, 10)).table
    assert found["score"].sum() == pytest.approx(score.sum(), rel=1e-12)
    assert (found["date"].to_numpy() == np.sort(date.to_numpy())).all()
    assert found["source"].value_counts().to_dict() == frame["outlet"].value_counts().to_dict()

"""Oracle: the frame that was written, or its CSV."""

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from workbench.datasets import load_scores
from workbench.datasets.files import open_file

DAYS = pd.date_range("2024-01-01", periods=6)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.parquet"


def test_identity_whole_names_keep_their_spelling_beside_an_empty_cell(path):
    frame = pd.DataFrame({"date": DAYS, "score": range(6), "outlet": [1, 2, None, 1, 2, 1],
                          "question": [7, 7, 7, 7, 7, None]})
    frame.to_parquet(path)
    scores = load_scores(path, source="outlet", question="7", scale=(0, 10))
    assert scores.table["source"].tolist() == ["1", "2", "unknown", "1", "2"]


@pytest.mark.parametrize("kind", [pa.decimal128(5, 2), pa.decimal256(40, 2)], ids=str)
def test_matches_decimals_are_numbers_without_a_note(path, kind):
    cells = [Decimal("1.25"), Decimal("2.50"), None, Decimal("3.75"), Decimal(4), Decimal(5)]
    parquet.write_table(pa.table({"date": DAYS, "score": pa.array(cells, kind)}), path)
    scores = load_scores(path, scale=(0, 10))
    assert scores.table["score"].tolist() == [1.25, 2.5, 3.75, 4.0, 5.0]
    assert scores.notes == ("1 row without a score was left out.",)


def test_rejects_a_repeated_column_by_its_name(path):
    parquet.write_table(pa.table([[1], [2], [3]], names=["day", "unity", "unity"]), path)
    with pytest.raises(ValueError, match=r"each column once, but 'a.parquet' repeats 'unity'"):
        open_file(path)


@pytest.mark.parametrize(("table", "told"), [
    (pa.table({}), "must have named columns, but 'a.parquet' has none"),
    (pa.table({"day": []}), "has only the column names day"),
])
def test_rejects_tables_without_columns_or_rows(path, table, told):
    parquet.write_table(table, path)
    with pytest.raises(ValueError, match=told):
        open_file(path)

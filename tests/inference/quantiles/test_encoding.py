"""Oracle: pandas, by hand."""

import numpy as np
import pandas as pd
import pytest

from workbench.inference.quantiles.encoding import table_encoder


@pytest.fixture
def table():
    return pd.DataFrame({
        "size": [1.0, np.nan, 3.0, 8.0] * 5,
        "colour": pd.Series((["red", "blue", np.nan, "red"] * 4) + ["green", "red", "red", "red"],
                            dtype=object)})


def test_matches_pandas(table):
    encoder = table_encoder().fit(table)
    rows = pd.DataFrame(encoder.transform(table), columns=encoder.get_feature_names_out())
    filled = table["size"].fillna(table["size"].median())
    np.testing.assert_allclose(rows["size"], (filled - filled.mean()) / filled.std(ddof=0))
    missing = table["size"].isna().astype(float)
    np.testing.assert_allclose(rows["missingindicator_size"],
                               (missing - missing.mean()) / missing.std(ddof=0))
    np.testing.assert_array_equal(rows["colour_red"], table["colour"] == "red")
    np.testing.assert_array_equal(rows["colour_nan"], table["colour"].isna())
    np.testing.assert_array_equal(rows["colour_infrequent_sklearn"], table["colour"] == "green")


def test_identity_new_rows_do_not_change_what_was_learnt(table):
    encoder = table_encoder().fit(table)
    alone = encoder.transform(table.iloc[:1])
    np.testing.assert_array_equal(encoder.transform(table)[:1], alone)


def test_matches_unknown_categories_to_the_rare_ones(table):
    encoder = table_encoder().fit(table)
    new = pd.DataFrame({"size": [np.nan], "colour": pd.Series(["mauve"], dtype=object)})
    rows = pd.DataFrame(encoder.transform(new), columns=encoder.get_feature_names_out())
    assert rows["colour_infrequent_sklearn"].tolist() == [1]
    assert np.isfinite(rows.to_numpy()).all()


@pytest.mark.parametrize("columns", [["size"], ["colour"]])
def test_matches_tables_of_one_kind(table, columns):
    assert np.isfinite(table_encoder().fit_transform(table[columns])).all()


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_matches_dates_to_their_days(table, zone):
    when = pd.Series(pd.date_range("2024-02-27", periods=len(table), freq="36h", tz=zone))
    days = 1.5 * np.arange(len(table))
    known = table.assign(when=when.where(np.arange(len(table)) != 4))
    encoder = table_encoder().fit(known)
    rows = pd.DataFrame(encoder.transform(known), columns=encoder.get_feature_names_out())
    days[4] = np.median(np.delete(days, 4))
    np.testing.assert_allclose(rows["when"], (days - days.mean()) / days.std(), atol=1e-9)
    assert rows["missingindicator_when"].argmax() == 4
    assert not any(name.startswith("when_") for name in rows)


def test_matches_a_column_without_any_value(table):
    encoder = table_encoder().fit(table.assign(size=np.nan))
    assert np.isfinite(encoder.transform(table)).all()


def test_matches_a_new_row_that_is_far_too_large(table):
    encoder = table_encoder().fit(table)
    rows = encoder.transform(table.head(1).assign(size=1e100))
    assert np.isfinite(rows.astype(np.float32)).all()
    assert rows.max() == 1e9

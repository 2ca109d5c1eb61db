"""Oracle: tables written by these tests, whose content is known before they are read."""

import numpy as np
import pandas as pd
import pytest

from workbench.core import places
from workbench.datasets import REGRESSION_TABLES, load_regression

N = 60


@pytest.fixture
def columns(rng):
    """Columns of a mixed table: size, colour, and a target."""
    size = rng.normal(size=N).round(3)
    return {"size": size, "colour": rng.choice(["red", "green", "blue"], size=N),
            "price": (2 * size + rng.normal(size=N)).round(4)}


@pytest.fixture
def rng():
    return np.random.default_rng(4)


@pytest.fixture
def written(tmp_path):
    def write(columns, **options):
        path = tmp_path / "table.csv"
        pd.DataFrame(columns).to_csv(path, index=False, **options)
        return path

    return write


def told(table, *words):
    return [note for note in table.notes if all(word in note for word in words)]


@pytest.mark.parametrize("name", REGRESSION_TABLES)
def test_matches_the_shipped_files(name):
    table = load_regression(name)
    raw = pd.read_csv(places.raw_data() / "uci-regression" / f"{name}.csv")
    assert table.target == raw.columns[-1]
    np.testing.assert_array_equal(table.y, raw.iloc[:, -1])
    np.testing.assert_array_equal(table.features, raw[table.features.columns])
    assert told(table, "last column", table.target)
    assert (raw.duplicated().any()) == bool(told(table, "Exact repeats"))


def test_matches_numbers_and_categories(columns, written):
    table = load_regression(written(columns), target="price")
    assert list(table.features) == ["size", "colour"]
    np.testing.assert_allclose(table.features["size"], columns["size"])
    assert table.features["colour"].tolist() == columns["colour"].tolist()
    np.testing.assert_allclose(table.y, columns["price"])
    assert table.notes == ()


def test_identity_target_between_the_features_changes_nothing(columns, written):
    last = load_regression(written(columns), target="price")
    first = load_regression(written(dict(reversed(columns.items()))), target="price")
    pd.testing.assert_frame_equal(last.features, first.features[list(last.features)])
    np.testing.assert_array_equal(last.y, first.y)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_matches_missing_cells_stay_missing(columns, tmp_path, kind):
    frame = pd.DataFrame(columns)
    frame.loc[3, "size"], frame.loc[[5, 6], "colour"] = np.nan, None
    frame.loc[7, "price"] = np.nan
    path = tmp_path / f"table.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    table = load_regression(path, target="price")
    assert len(table.y) == N - 1
    assert np.flatnonzero(table.features["size"].isna()).tolist() == [3]
    assert np.flatnonzero(table.features["colour"].isna()).tolist() == [5, 6]
    assert told(table, "1 row without a target was left out.")
    assert told(table, "'size' 1, 'colour' 2", "own training part")


def test_matches_decimal_commas_between_semicolons(columns, written):
    table = load_regression(written(columns, sep=";", decimal=","), target="price")
    np.testing.assert_allclose(table.y, columns["price"])
    np.testing.assert_allclose(table.features["size"], columns["size"])
    assert told(table, "'price'", "decimal commas")
    assert told(table, "'size'", "decimal commas")


def test_matches_what_is_left_out(columns, written, rng):
    more = {"id": np.arange(1, N + 1), "code": [f"a{i:03}" for i in range(N)], "one": 7,
            "empty": "", "again": columns["size"], "leak": columns["price"], **columns}
    table = load_regression(written(more), target="price")
    assert list(table.features) == ["again", "colour"]
    for name, why in {"id": "numbers the rows", "code": "60 of its 60 texts differ",
                      "one": "it is constant", "empty": "it is empty",
                      "size": "repeats column 'again'", "leak": "equals the target"}.items():
        assert told(table, repr(name), "left out", why), name


def test_matches_rows_in_the_order_of_time(columns, written, rng):
    days = rng.permutation(pd.date_range("2024-01-01", periods=N).strftime("%Y-%m-%d"))
    days[0] = ""
    table = load_regression(written({"day": days, **columns}), target="price", time="day")
    assert "day" not in table.features
    assert (np.diff(table.order) > np.timedelta64(0)).all()
    order = np.argsort(days[1:])
    np.testing.assert_allclose(table.y, columns["price"][1:][order])
    assert told(table, "1 row without a time was left out.")


def test_matches_a_group_stays_a_feature(columns, written):
    table = load_regression(written(columns), target="price", group="colour")
    assert table.group.tolist() == columns["colour"].tolist()
    assert "colour" in table.features


@pytest.mark.parametrize(("target", "words"), [
    ("colour", r"target: column 'colour' must hold numbers.*Columns of numbers: 'size', 'price'"),
    ("prize", r"target must name a column of the data, got 'prize'. Did you mean 'price'\?"),
])
def test_rejects_a_target_that_is_no_number(columns, written, target, words):
    with pytest.raises(ValueError, match=words):
        load_regression(written(columns), target=target)


def test_rejects_what_no_model_could_use(columns, written):
    with pytest.raises(ValueError, match=r"at least 40 rows with a target.*39 rows gave 39"):
        load_regression(written({name: values[:39] for name, values in columns.items()}))
    with pytest.raises(ValueError, match="target must vary, but 'price' is 1 in all 60 rows"):
        load_regression(written({**columns, "price": 1}))
    with pytest.raises(ValueError, match=r"must have a feature beside the target.*'k'.*constant"):
        load_regression(written({"k": 3, "price": columns["price"]}))
    with pytest.raises(ValueError, match="group must be another column than the target"):
        load_regression(written(columns), group="price")


def test_rejects_a_name_that_is_neither_table_nor_file():
    with pytest.raises(ValueError, match=r"got 'yatch'\. Did you mean 'yacht'"):
        load_regression("yatch")
    with pytest.raises(FileNotFoundError, match="does not"):
        load_regression("nowhere/yacht.csv")


def test_matches_weights_and_leaves_out_rows_that_do_not_count(written, columns):
    weight = np.linspace(1, 2, N).round(3)
    weight[:3] = 0
    price = pd.Series(columns["price"]).where(np.arange(N) != 10)
    table = load_regression(written(columns | {"w": weight, "price": price}), target="price",
                            weight="w")
    np.testing.assert_array_equal(table.weight, np.delete(weight, [0, 1, 2, 10]))
    assert "w" not in table.features
    assert len(table.y) == len(table.weight) == N - 4
    assert told(table, "1 row without a target")
    assert told(table, "3 rows without a weight above 0")
    assert load_regression(written(columns)).weight is None


@pytest.mark.parametrize(("cell", "words"), [
    (-1, "column 'w' must hold weights >= 0, but 1 of 60 cells do not, the first in row 2: -1"),
    (np.nan, "column 'w' must hold weights >= 0, but 1 of 60 .* in row 2: an empty cell"),
    ("much", "column 'w' must hold numbers"),
])
def test_rejects_cells_that_are_no_weights(written, columns, cell, words):
    with pytest.raises(ValueError, match=words):
        load_regression(written(columns | {"w": [cell] + [1] * (N - 1)}), target="price",
                        weight="w")


def test_rejects_weights_that_are_all_zero(written, columns):
    with pytest.raises(ValueError, match="column 'w' must hold a weight above 0, but all 60 are"):
        load_regression(written(columns | {"w": [0] * N}), target="price", weight="w")


def test_matches_a_group_of_numbers_with_gaps(written, columns):
    code = np.where(np.arange(N) < 3, np.nan, np.arange(N) % 7 + 0.5)
    table = load_regression(written(columns | {"code": code}), target="price", group="code")
    np.testing.assert_array_equal(table.group, code)

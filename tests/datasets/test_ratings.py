"""Doors for ratings: names, slices, repeats, folders, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from workbench.datasets import load_ratings, simulated_ratings


@pytest.fixture(scope="module")
def world():
    return simulated_ratings(40, 30, rng=np.random.default_rng(0))


def saved(table, tmp_path, name="my {own} ratings é.csv"):
    path = tmp_path / name
    table.to_csv(path, index=False)
    return path


def test_matches_every_rating_to_its_names(world, tmp_path):
    table = world.rename(columns={"user": "userId", "item": "movieId"})
    found = load_ratings(saved(table, tmp_path))
    assert found.drawn.sum() == 40 * 16
    names = found.user_names[found.users], found.item_names[found.items]
    again = pd.DataFrame({"user": names[0].astype(int), "item": names[1].astype(int),
                          "rating": found.values, "random": found.drawn.astype(int)})
    both = [each.sort_values(list(world)).reset_index(drop=True).astype(float)
            for each in (again[list(world)], world)]
    pd.testing.assert_frame_equal(*both)
    assert any("user is read from column 'userId'" in note for note in found.notes)


def test_matches_repeats_gaps_and_words(world, tmp_path):
    table = world.assign(random=np.where(world["random"] == 1, "yes", ""))
    first = table.iloc[[0]].assign(rating=9)
    messy = pd.concat([first, table, table.iloc[[1]].assign(rating=np.nan)])
    found = load_ratings(saved(messy, tmp_path))
    assert len(found.values) == len(world)
    assert 9 not in found.values
    assert found.drawn.sum() == 640
    told = " ".join(found.notes)
    assert "1 row without user, item or rating was left out" in told
    assert "1 earlier ratings of a pair that was rated again" in told


def test_matches_a_folder_of_either_form(world, tmp_path):
    parts = [world[world["random"] == at][["user", "item", "rating"]] for at in (0, 1)]
    for part, name in zip(parts, ("ratings_selfselected.csv", "ratings_random.csv"), strict=True):
        part.to_csv(tmp_path / name, index=False)
    first = load_ratings(tmp_path)
    dense = tmp_path / "dense"
    dense.mkdir()
    for part, name in zip(parts, ("train.ascii", "test.ascii"), strict=True):
        whole = np.zeros((40, 30))
        whole[part["user"], part["item"]] = part["rating"]
        np.savetxt(dense / name, whole)
    second = load_ratings(dense)
    assert first.drawn.sum() == second.drawn.sum() == 640
    assert first.values[first.drawn].mean() == second.values[second.drawn].mean()
    assert any("non-commercial" in note for note in first.notes)


@pytest.mark.parametrize(("change", "options", "words"), [
    (lambda t: t, {"user": "usr"}, "user must name a column .* mean 'user'"),
    (lambda t: t.rename(columns={"item": "thing"}), {}, "item must name a column"),
    (lambda t: t.assign(rating="good"), {}, "rating: column 'rating' must hold numbers"),
    (lambda t: t.assign(random=2), {}, "must hold 0 or 1"),
    (lambda t: t.assign(random=1), {}, "at least 50 ratings that users chose to give, got 0"),
    (lambda t: t.assign(rating=3), {}, "rating must vary, but is 3"),
    (lambda t: t[:20], {}, "at least 50 ratings"),
    (lambda _: pd.DataFrame([(u, i, (u + i) % 5) for u in range(10) for i in range(10)],
                            columns=["user", "item", "rating"]), {}, "without a rating")])
def test_rejects(world, tmp_path, change, options, words):
    with pytest.raises(ValueError, match=words):
        load_ratings(saved(change(world), tmp_path), **options)


def test_rejects_folders_without_the_files(tmp_path):
    with pytest.raises(ValueError, match=r"a folder with ratings_selfselected\.csv"):
        load_ratings(tmp_path)
    (tmp_path / "train.ascii").write_text("a b")
    (tmp_path / "test.ascii").write_text("1 2")
    with pytest.raises(ValueError, match="must hold a matrix of ratings"):
        load_ratings(tmp_path)


def test_recovers_selection_by_liking():
    table = simulated_ratings(200, 100, rng=np.random.default_rng(1))
    chosen, drawn = (table[table["random"] == at]["rating"] for at in (0, 1))
    assert chosen.mean() > drawn.mean() + 0.5
    assert abs(drawn.mean() - table.attrs["truth"]) < 4 * drawn.std() / np.sqrt(len(drawn))
    with pytest.raises(ValueError, match="slice_per_user must be at most the 5 items"):
        simulated_ratings(5, 5, slice_per_user=6, rng=np.random.default_rng(0))

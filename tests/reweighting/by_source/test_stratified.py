"""Batches that hold every source."""

import pytest

torch = pytest.importorskip("torch")

from workbench.reweighting import Stratified  # noqa: E402


def data(sizes):
    group = torch.cat([torch.full((size,), at) for at, size in enumerate(sizes)])
    rows = torch.arange(len(group))
    return rows[:, None].float(), rows, group


def test_matches_equal_shares_in_every_batch():
    for batch in Stratified(data([50, 7, 23]), 8):
        counts = torch.bincount(batch[2], minlength=3)
        assert counts.sum() == 8
        assert counts.min() >= 2
        assert counts.max() <= 3
        assert torch.equal(batch[0][:, 0].long(), batch[1])


def test_matches_each_row_once_until_its_source_ends():
    loader = Stratified(data([12, 12, 12]), 6)
    seen = torch.cat([y for _, y, _ in loader])
    assert sorted(seen.tolist()) == list(range(36))


def test_matches_a_mapping_with_places():
    x, y, group = data([9, 9])
    batch = next(iter(Stratified({"input_ids": x, "labels": y, "group": group}, 4)))
    assert torch.equal(batch["index"], batch["labels"])
    assert set(batch) == {"input_ids", "labels", "group", "index"}


def test_rejects_sources_without_rows_and_others():
    x, y, group = data([9, 9])
    with pytest.raises(ValueError, match="got none of source 1"):
        Stratified((x, y, 2 * group), 4)
    with pytest.raises(ValueError, match="at least 2 sources, got 1"):
        Stratified((x, y, 0 * group), 4)
    with pytest.raises(ValueError, match="numbered from 0, got -1"):
        Stratified((x, y, group - 1), 4)
    with pytest.raises(ValueError, match="at least the 2 sources, got 1"):
        Stratified((x, y, group), 1)
    with pytest.raises(ValueError, match="source of each row, got none"):
        Stratified((x, y), 4)

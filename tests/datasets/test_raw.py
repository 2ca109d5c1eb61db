"""Oracle: SOURCES.md, read as a table by this test, and hashlib."""

import hashlib
import re
import shutil

import pytest

from workbench.core import places
from workbench.datasets import raw

SOURCES = places.raw_data() / "SOURCES.md"


def told_files():
    """First cell, licence and checksum of each row of the table of files."""
    rows = [[cell.strip(" `") for cell in line.strip("|\n").split("|")]
            for line in SOURCES.read_text("utf-8").splitlines() if line.startswith("|")]
    return {row[0]: row for row in rows if re.fullmatch("[0-9a-f]{64}", row[-1])}


def shipped_files():
    return {path.relative_to(places.raw_data()).as_posix() for path in
            places.raw_data().rglob("*")
            if path.is_file() and path.name != "LICENCE.md"} - {"SOURCES.md", ".gitattributes"}


def test_matches_every_shipped_file_has_a_source_and_every_source_a_file():
    assert shipped_files() == set(told_files()) == set(raw.CHECKSUMS)


@pytest.mark.parametrize("name", sorted(raw.CHECKSUMS))
def test_matches_checksum_of_the_file_of_sources_and_of_the_code(name):
    found = hashlib.sha256((places.raw_data() / name).read_bytes()).hexdigest()
    assert found == told_files()[name][-1] == raw.CHECKSUMS[name]


@pytest.mark.parametrize("name", sorted(raw.CHECKSUMS))
def test_matches_sources_name_origin_licence_citation_and_columns(name):
    assert all(told_files()[name][1:4])
    assert SOURCES.read_text("utf-8").count(f"`{name}`") > 1


def test_matches_checksum_of_several_files_is_that_of_their_checksums():
    first, second = list(raw.CHECKSUMS)[:2]
    joined = (raw.CHECKSUMS[first] + raw.CHECKSUMS[second]).encode()
    assert raw.checksum((first,)) == raw.CHECKSUMS[first]
    assert raw.checksum((first, second)) == hashlib.sha256(joined).hexdigest()


def test_rejects_a_changed_file(tmp_path, monkeypatch):
    shutil.copytree(places.raw_data(), tmp_path / "data" / "raw")
    name = "us-presidents-approval/presidents.csv"
    with (tmp_path / "data" / "raw" / name).open("a") as file:
        file.write("1975,1,99\n")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    with pytest.raises(ValueError, match=r"must have the sha256 4f6d.*git checkout"):
        raw.raw_file(name)


def test_rejects_missing_data(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"not with the wheel.*WORKBENCH_ROOT"):
        raw.raw_file("us-presidents-approval/presidents.csv")


def test_rejects_a_name_that_is_not_shipped():
    with pytest.raises(ValueError, match=r"Did you mean 'us-presidents-approval/presidents.csv'"):
        raw.raw_file("us-presidents-approval/president.csv")

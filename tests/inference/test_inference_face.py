"""The face of the room loads each name from its home, and nothing before it is used."""

import importlib

import pytest

from workbench import inference


def test_matches_the_names_that_are_promised():
    assert set(inference.__all__) == set(inference.HOMES) <= set(dir(inference))
    for name, home in inference.HOMES.items():
        module = importlib.import_module(f"workbench.inference.{home}")
        assert getattr(inference, name) is getattr(module, name)
        assert name in module.__all__


def test_rejects_an_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'Quantiles'"):
        inference.Quantiles  # noqa: B018

"""Settings of the process come and go with those who ask, whatever their order."""

import threading

import pytest

torch = pytest.importorskip("torch")

from workbench.train.device import deterministic  # noqa: E402
from workbench.train.process_wide import ProcessWide, math_attention  # noqa: E402


def is_math_alone():
    return (torch._C._get_math_sdp_enabled(), torch._C._get_flash_sdp_enabled()) == (True, False)


@pytest.mark.parametrize(("setting", "holds"), [
    (math_attention, is_math_alone), (deterministic, torch.are_deterministic_algorithms_enabled)],
    ids=["attention", "deterministic"])
def test_matches_what_was_before_when_callers_overlap(setting, holds):
    """The first to enter leaves first, so that the second saw the setting when it entered."""
    assert not holds()
    first, second = setting(), setting()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert holds()
    second.__exit__(None, None, None)
    assert not holds()


def test_matches_what_was_before_after_many_threads():
    seen = []

    def work():
        for _ in range(200):
            with math_attention():
                seen.append(is_math_alone())
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 800
    assert all(seen)
    assert not is_math_alone()


def test_recovers_from_an_error_inside_and_one_when_it_is_made():
    told = []

    def make():
        told.append("made")
        if len(told) == 1:
            raise RuntimeError("cannot")
        return lambda: told.append("undone")
    setting = ProcessWide(make)
    with pytest.raises(RuntimeError, match="cannot"), setting():
        told.append("never")
    with pytest.raises(ValueError, match="inside"), setting():
        raise ValueError("inside")
    assert told == ["made", "made", "undone"]

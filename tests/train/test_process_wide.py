"""Settings of the process come and go with those who ask, whatever their order."""

import threading

import pytest

torch = pytest.importorskip("torch")

from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402

from workbench.train.device import deterministic  # noqa: E402
from workbench.train.process_wide import ProcessWide, math_attention  # noqa: E402


def is_math_alone():
    kernels = torch.backends.cuda
    return (kernels.math_sdp_enabled(), kernels.flash_sdp_enabled(),
            kernels.mem_efficient_sdp_enabled()) == (True, False, False)


def is_flash_alone():
    kernels = torch.backends.cuda
    return (kernels.math_sdp_enabled(), kernels.flash_sdp_enabled()) == (False, True)


@pytest.mark.parametrize(("setting", "holds"), [
    (math_attention, is_math_alone), (deterministic, torch.are_deterministic_algorithms_enabled)],
    ids=["attention", "deterministic"])
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1),
                                   (2, 1, 0)], ids=str)
def test_matches_what_was_before_in_any_order_of_leaving(setting, holds, order):
    assert not holds()
    callers = [setting() for _ in order]
    for caller in callers:
        caller.__enter__()
        assert holds()
    for at in order:
        assert holds()
        callers[at].__exit__(None, None, None)
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


def test_matches_a_choice_of_the_callers_own_between():
    with math_attention():
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            with math_attention():
                assert is_math_alone()
            assert is_flash_alone()
        assert is_math_alone()
    with deterministic():
        torch.use_deterministic_algorithms(mode=False)
        with deterministic():
            assert torch.are_deterministic_algorithms_enabled()
        assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


def test_identity_what_the_caller_had_is_put_back():
    torch.use_deterministic_algorithms(mode=True, warn_only=False)
    try:
        with deterministic():
            assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(mode=False)


def test_recovers_from_an_error_inside_and_one_when_it_is_made():
    told = {"now": "theirs", "broken": True}

    def write(state):
        if told["broken"]:
            raise RuntimeError("cannot")
        told["now"] = state
    setting = ProcessWide(lambda: told["now"], write, "ours")
    with pytest.raises(RuntimeError, match="cannot"), setting():
        pytest.fail("entered")
    told["broken"] = False
    with pytest.raises(ValueError, match="inside"), setting():
        raise ValueError(f"inside {told['now']}")
    assert told["now"] == "theirs"
    assert setting.row == []

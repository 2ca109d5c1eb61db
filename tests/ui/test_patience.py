"""A guesser waits, and nobody is locked out by somebody else."""

import pytest

from workbench.ui.serving import patience
from workbench.ui.serving.patience import Door, Patience


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(clock):
    return Door(clock)


def guess(door, clock, seconds, *who):
    """How many passwords somebody tries who comes back the moment the wait is over."""
    end, count = clock.now + seconds, 0
    while clock.now + door.seconds(*who) <= end:
        clock.now += door.seconds(*who)
        door.attempted(*who)
        count += 1
    clock.now = end
    return count


def test_matches_waits_that_double(door, clock):
    told = []
    for _ in range(13):
        door.attempted("ada", "192.0.2.7")
        told.append(door.seconds("ada", "192.0.2.7"))
        clock.now += told[-1]
    assert told == [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_rejects_haste_of_a_guesser(door, clock):
    assert guess(door, clock, 86_400, "ada", "192.0.2.7") < 300


def test_rejects_a_guesser_with_many_addresses(door, clock):
    tried = 0
    for number in range(1000):           # fresh addresses, one after the other, for a day
        tried += guess(door, clock, 86.4, "ada", f"192.0.{number // 250}.{number % 250}")
    assert tried < 86_400 / 15 + 40


def test_identity_for_a_team_behind_one_address(door, clock):
    guess(door, clock, 3600, "ada", "192.0.2.7")
    assert door.seconds("ada", "192.0.2.7") > 60
    assert door.seconds("bob", "192.0.2.7") == 0
    assert door.seconds("ada", "192.0.2.8") <= 15


def test_identity_for_a_known_browser_while_others_guess(door, clock):
    for number in range(200):
        door.attempted("ada", f"192.0.2.{number}")
        door.attempted("ada", "192.0.2.7")
    assert door.seconds("ada", "192.0.2.7", "known") == 0
    assert guess(door, clock, 86_400, "ada", "192.0.2.7", "known") < 300   # a stolen cookie waits


def test_recovers_after_success_and_after_an_hour(door, clock):
    who = "ada", "192.0.2.7"
    guess(door, clock, 300, *who)
    door.succeeded(*who)
    assert door.seconds(*who) == 0
    door.attempted(*who)
    assert door.seconds(*who) == 0
    guess(door, clock, 300, *who)
    clock.now += door.seconds(*who) + patience.FORGOTTEN
    for _ in range(3):
        door.attempted(*who)
    assert door.seconds(*who) == 0


def test_rejects_names_that_fill_the_memory(clock, monkeypatch):
    monkeypatch.setattr(patience, "REMEMBERED", 10)
    door = Patience(clock=clock)
    for number in range(50):
        door.attempted(f"name {number}")
    assert len(door._known) == 10


@pytest.mark.parametrize(("address", "other", "is_one"), [
    ("2001:db8::1", "2001:db8::ffff", True), ("2001:db8::1", "2001:db8:0:1::1", False),
    ("fe80::1%eth0", "fe80::2%eth0", True), ("192.0.2.1", "192.0.2.2", False)])
def test_identity_of_one_customers_addresses(door, address, other, is_one):
    for _ in range(10):
        door.attempted("ada", address)
    assert (door.seconds("ada", other) > 60) is is_one

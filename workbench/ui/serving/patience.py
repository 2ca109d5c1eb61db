"""How long somebody who gave a wrong password waits before the next one is looked at.

A guesser must be slow, yet nobody may lock out somebody else. So a browser in which a user has
signed in before is known by a cookie and counts for itself, whatever others do with that name.
Failures elsewhere count for a name at one address, so that a team behind one address shares no
wait; and a name that fails from many addresses waits a little everywhere, but not in browsers
that are known. An address alone never waits.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Door", "Patience"]

FREE, LONGEST = 3, 300.0             # attempts without a wait, longest wait [s]
FREE_FAR, LONGEST_FAR = 30, 15.0     # of one name from all addresses together
FORGOTTEN = 3600.0                   # failures are, after so many seconds without another
REMEMBERED = 20_000
LONGEST_NAME = 64


class Patience:
    """Waits that double with each failure.

    Examples
    --------
    >>> patience = Patience(clock=lambda: 0.0)
    >>> for _ in range(4):
    ...     patience.attempted("ada")
    >>> patience.seconds("ada"), patience.seconds("eve")
    (2.0, 0.0)
    """

    def __init__(self, *, free: int = FREE, longest: float = LONGEST,
                 clock: Callable[[], float] = time.monotonic):
        self._free, self._longest, self._clock = free, longest, clock
        self._known: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def seconds(self, who: str) -> float:
        """How long until the next attempt counts."""
        return max(0.0, self._found(who)[1] - self._clock())

    def attempted(self, who: str) -> None:
        """Count a failure; before the password is looked at, so that haste gains nothing."""
        count = self._found(who)[0] + 1
        wait = min(self._longest, 2.0 ** min(count - self._free, 64)) \
            if count > self._free else 0.0
        self._known.pop(who, None)
        self._known[who] = count, self._clock() + wait
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def succeeded(self, who: str) -> None:
        """Forget all failures."""
        self._known.pop(who, None)

    def _found(self, who: str) -> tuple[int, float]:
        count, until = self._known.get(who, (0, 0.0))
        return (count, until) if self._clock() < until + FORGOTTEN else (0, 0.0)


class Door:
    """Who tries to come in, and who has to wait.

    Parameters
    ----------
    clock : callable
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._near = Patience(clock=clock)
        self._far = Patience(free=FREE_FAR, longest=LONGEST_FAR, clock=clock)

    def seconds(self, name: str, address: str, browser: str = "") -> float:
        """How long this name waits here; `browser` is empty where it has never signed in."""
        near, far = _callers(name, address, browser)
        return max(self._near.seconds(near), self._far.seconds(far) if far else 0.0)

    def attempted(self, name: str, address: str, browser: str = "") -> None:
        """Count an attempt as failed."""
        near, far = _callers(name, address, browser)
        self._near.attempted(near)
        if far:
            self._far.attempted(far)

    def succeeded(self, name: str, address: str, browser: str = "") -> None:
        """Forget the failures of this name here, not those from elsewhere."""
        self._near.succeeded(_callers(name, address, browser)[0])


def _callers(name: str, address: str, browser: str) -> tuple[str, str]:
    name = name[:LONGEST_NAME]
    return (f"{name} in {browser}", "") if browser else (f"{name} at {_network(address)}", name)


def _network(address: str) -> str:
    """An address, or of the newer kind the network that one customer has.

    Examples
    --------
    >>> _network("192.0.2.7"), _network("2001:db8:1:2:3:4:5:6")
    ('192.0.2.7', '2001:db8:1:2::/64')
    """
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(known if known.version == 4 else ipaddress.ip_network((known, 64), strict=False))

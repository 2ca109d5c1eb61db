"""Ports: the one asked for or the next free one, bound once and kept."""

import errno
import os
import socket

__all__ = ["free_port", "listen"]

PORTS = 100              # that are tried
BACKLOG = 128            # connections that wait until a process takes them


def listen(port: int | None, address: str, first: int) -> socket.socket:
    """Listen on the port asked for, or on the next free one from `first` on.

    Raises
    ------
    ValueError
        If the port asked for is out of range or taken, none is free, or the address is not one
        of this machine's.
    """
    if port is not None and not 1 <= port <= 65535:
        raise ValueError(f"port must lie between 1 and 65535, got {port}. Pass another --port.")
    for candidate in range(first, first + PORTS) if port is None else [port]:
        try:
            return _bound(candidate, address)
        except OSError as problem:
            if problem.errno in (errno.EADDRNOTAVAIL, errno.EINVAL) or \
                    isinstance(problem, socket.gaierror):
                raise ValueError(f"address must be one of this machine's, got {address!r}. Pass "
                                 "another --address.") from None
            if port is not None:
                taken = problem.errno == errno.EADDRINUSE
                cause = "which another program uses" if taken else "which this user may not open"
                raise ValueError(f"port must be free, got {port}, {cause}. Pass another --port, "
                                 "or none for the next free one.") from None
    raise ValueError(f"port must be free, but {first} to {first + PORTS - 1} are all taken. "
                     "Pass another with --port.")


def free_port(port: int | None, address: str, first: int) -> int:
    """The port asked for, or the next free one, for a program that binds it itself.

    Raises
    ------
    ValueError
        As :func:`listen` does.
    """
    with listen(port, address, first) as listener:
        number: int = listener.getsockname()[1]
        return number


def _bound(port: int, address: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        if os.name == "posix":       # elsewhere this would let two programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)  # noqa: FBT003 - has no other form
    return listener

"""Listening sockets: which addresses a host has, and which of them can be had here.

A name may have more addresses than the machine: `localhost` is `::1` too in a container without IPv6. Each
host is served at all of its addresses that the machine has. A host without any is an error, and so is an
address that is taken: half a server would be found out by the clients of the other half.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from rtcore._ground.numbers import FIXED
from rtcore.errors import ConfigError, StartError

if sys.platform != "win32":
    import resource

BACKLOG: Final = FIXED["BACKLOG"]
"""Connections that the kernel holds until the next turn accepts them. Linux cuts it to net.core.somaxconn."""

_TRIES: Final = 8
"""Free ports that are tried, until one is free on every address."""
# What the system says of a kind of address that it does not have, and of an address that is not its own.
_NOT_HERE: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})
# `::` is all there are: where there is no IPv6, those of IPv4.
_ALL: Final = "::"
_ALL_IPV4: Final = "0.0.0.0"  # noqa: S104 - what the user asks for

log = logging.getLogger("rtcore.serve")


class Address(NamedTuple):
    """Where a server listens: `nursery.start(serve, app)` gives a list of them. `str` of it is the URL.

    A Unix socket has its path behind `unix:` as its host, and port 0.
    """

    host: str
    port: int
    secure: bool = False

    def __str__(self) -> str:
        if not self.port:  # a Unix socket
            return self.host
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"


class _Place(NamedTuple):
    """An address that can be listened on."""

    family: int
    address: tuple[Any, ...]


def raise_file_limit() -> None:
    """Allow as many open files, so as many connections, as the system lets this process have."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Some systems refuse what they report as allowed; the limit that we have is enough to run.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def open_listeners(hosts: Sequence[str], port: int, *, reuse: bool = False) -> list[socket.socket]:
    """Listening, non-blocking sockets for each address of `hosts`, all on one port (0: one that is free).

    `reuse`: another process that says the same may listen there, too (SO_REUSEPORT).

    Raises `StartError` when an address cannot be had, `ConfigError` for a host that has none.
    """
    places = [(host, _places(host, port)) for host in hosts]
    # `::` takes the connections of IPv4 too, and would be in the way of an address of those by itself.
    both = not any(place.family == socket.AF_INET for _, found in places for place in found)
    for attempt in range(_TRIES):
        try:
            return _open(places, port, both, reuse)
        except StartError as error:
            taken = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
            if port or not taken or attempt + 1 == _TRIES:
                raise StartError(str(error)) from None
    raise AssertionError  # the last attempt returned or raised


def _open(places: list[tuple[str, list[_Place]]], port: int, both: bool, reuse: bool) -> list[socket.socket]:
    opening = _Opening(port, both, reuse)
    try:
        for host, found in places:
            opening.serve(host, found)
    except BaseException:
        for each in opening.sockets:
            each.close()
        raise
    return opening.sockets


class _Opening:
    """The sockets that are open so far: all on the port of the first."""

    def __init__(self, port: int, both: bool, reuse: bool) -> None:
        self.sockets: list[socket.socket] = []
        self.missing: list[str] = []  # why places of the present host were left out
        self._port = port
        self._both = both
        self._reuse = reuse
        self._seen: set[tuple[Any, ...]] = set()

    def serve(self, host: str, places: list[_Place]) -> None:
        """Listen at all places of a host that are here."""
        here = [self.has(place) for place in places]
        ipv4 = _Place(socket.AF_INET, (_ALL_IPV4, self._port))
        if not any(here) and not (host == _ALL and self.has(ipv4)):
            raise StartError(self.missing[-1])
        for why in self.missing:
            log.info("%s: it is left out, and %s is served without it", why, host)
        self.missing.clear()

    def has(self, place: _Place) -> bool:
        """Listen there, if nobody asked for the same before; false if the machine has no such address."""
        if place.address in self._seen:
            return True
        port = self.sockets[0].getsockname()[1] if self.sockets else self._port
        try:
            self.sockets.append(_listen(place, port, self._both, self._reuse))
        except _NotHereError as error:
            self.missing.append(str(error))
            return False
        self._seen.add(place.address)
        return True


class _NotHereError(StartError):
    """The machine has no such address, or no addresses of that kind."""


def _places(host: str, port: int) -> list[_Place]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, ValueError) as error:  # ValueError: no name, so that it is not even asked for
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise ConfigError(f"there is no address {host!r} to listen on: {why}") from None
    return [_Place(family, address) for family, _, _, _, address in found]


def _listen(place: _Place, port: int, both: bool, reuse: bool) -> socket.socket:
    family, address = place.family, (place.address[0], port, *place.address[2:])
    where = f"port {address[1]} of {address[0]}"
    listener: socket.socket | None = None
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform != "win32":  # there it would let another program take the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not (both and address[0] == _ALL))
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        if error.errno in _NOT_HERE:
            raise _NotHereError(f"{where} cannot be used: {error.strerror}") from error
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"{where} is in use: something else listens there; choose another port"
            ) from error
        if error.errno == errno.EACCES:
            raise StartError(f"{where} may not be used: ports below 1024 need a privilege") from error
        raise StartError(f"{where} cannot be used: {error.strerror}") from error
    listener.setblocking(False)
    return listener


Address.__module__ = "rtcore"

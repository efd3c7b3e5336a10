"""Where a server listens: hosts and a port, a Unix socket, or what was opened before it began."""

from __future__ import annotations

import os
import socket
from typing import Final, NamedTuple

import trio

from rtcore.config import Config

from .inherited import activated, inherited
from .listeners import Address, open_listeners
from .unix import Name, listen_at

UNIX: Final = "unix:"
"""What the address of a Unix socket begins with; its path follows, as in nginx's `proxy_pass http://unix:/path`."""


class Listening(NamedTuple):
    """The sockets that are listened on, their addresses, and the files that go with them."""

    sockets: list[socket.socket]
    addresses: list[Address]
    names: list[Name]

    def close(self) -> None:
        """Close what is still open, and take the files away."""
        for each in self.sockets:
            each.close()
        for name in self.names:
            name.remove()


def listen(config: Config, secure: bool) -> Listening:
    """Listen as the configuration says.

    Sockets that systemd gave to this process, or that `fd` names, take the place of all others: whoever
    opened them has chosen the addresses. Else `uds` takes the place of `host` and `port`.

    Raises:
        StartError: an address, a path or a descriptor cannot be had. ConfigError: a host has no address.

    """
    if given := config.fd or activated(os.environ, os.getpid()):
        sockets = inherited(given)
        return Listening(sockets, [_address(each, secure) for each in sockets], [])
    if config.uds is not None:
        one = listen_at(config.uds)
        return Listening([one], [_address(one, secure)], [Name(config.uds)])
    sockets = open_listeners(config.host, config.port, reuse=config.reuse_port)
    return Listening(sockets, [_address(each, secure) for each in sockets], [])


def peer_of(stream: trio.SocketStream) -> tuple[str, int]:
    """Address and port of who is at the other end. Whoever comes by a Unix socket is on this machine."""
    if stream.socket.family == socket.AF_UNIX:
        return "127.0.0.1", 0
    host, port = stream.socket.getpeername()[:2]
    return host, port


def _address(listener: socket.socket, secure: bool) -> Address:
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return Address(UNIX + (os.fsdecode(name) if isinstance(name, bytes) else name), 0, secure)
    return Address(name[0], name[1], secure)

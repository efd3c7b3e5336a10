"""The PROXY header of a TLS connection: it stands before TLS, so the core never sees it there.

It is read to its last byte and not one further: what follows is the handshake's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

import trio

from rtcore._engine import proxy_header

SIGN: Final = 12
"""So many bytes say which version it is; no header has fewer."""
BEFORE: Final = 16
"""In version 2 so many bytes say how long it is."""


class NoHeaderError(Exception):
    """A connection that must begin with a PROXY header does not."""


class Headers:
    """Takes the headers of connections that come from these networks."""

    def __init__(self, proxies: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(proxy.strip(), strict=False) for proxy in proxies]

    def come_from(self, host: str) -> bool:
        """Whether a connection of this address begins with a header."""
        address = ipaddress.ip_address(host)
        return any(address in network for network in self._networks)

    async def take(self, tcp: trio.SocketStream) -> tuple[str, int] | None:
        """Read the header: the address and port of the client; None: the proxy speaks for nobody.

        Cancelled, part of the header was read, and the connection is of no more use.

        Raises:
            NoHeaderError: the connection begins with something else, or ends within it.
            OSError: it broke.

        """
        data = b""
        while (read := _parse(data)) is None:
            part = await tcp.receive_some(_missing(data))
            if not part:
                raise NoHeaderError("it ended before its PROXY header did")
            data += part
        client = read[1]
        return None if client is None else client[:2]


def _parse(data: bytes) -> tuple[int, tuple[str, int, bool] | None] | None:
    try:
        return proxy_header(data)
    except ValueError as error:
        raise NoHeaderError(str(error)) from None


def _missing(data: bytes) -> int:
    """How much may be read so that nothing behind the header is."""
    if len(data) < SIGN:
        return SIGN - len(data)
    if data.startswith(b"PROXY"):
        return 1  # a line, whose end nobody knows before it is there
    if len(data) < BEFORE:
        return BEFORE - len(data)
    return BEFORE + int.from_bytes(data[14:16]) - len(data)

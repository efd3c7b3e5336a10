"""The address of a server, read once: what to dial, what to say as `Host`, and where the transports are."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from rtcore.client.errors import WrongURL

_SECURE: Final = {"https": True, "wss": True, "http": False, "ws": False}
_PORTS: Final = {True: 443, False: 80}


@dataclass(frozen=True, slots=True)
class Target:
    """One server. `unix`: the path of its socket, where it has no port."""

    host: str
    port: int
    secure: bool
    prefix: str
    unix: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    proxy: str | None = None

    @property
    def authority(self) -> str:
        """What stands in `Host`."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.secure] else f"{name}:{self.port}"

    def path(self, name: str) -> str:
        """`/rt/ws` for `ws`."""
        return f"{self.prefix}/{name}"

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.prefix}"


def target_of(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    proxy: str | None = None,
) -> Target:
    """Read an address: `https://example.org/rt`, `http://127.0.0.1:8000`, `unix:/run/app.sock:/rt`.

    Raises:
        WrongURL: it is none; the text says what is wrong with it.

    """
    given = dict(headers or {})
    for name, value in given.items():
        if not name.isascii() or any(c in "\r\n\0" for c in name + value):
            raise WrongURL(f"the header {name!r} cannot be sent: it has a line break in it, or is not ASCII")
    if url.startswith("unix:"):
        path, _, prefix = url.removeprefix("unix:").removeprefix("//").partition(":")
        if not path:
            raise WrongURL(f"{url!r} names no socket: write unix:/run/app.sock")
        return Target("localhost", 80, False, _prefix(prefix), path, given, tls, None)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise WrongURL(f"{url!r} is no address: {error}") from None
    if parts.scheme not in _SECURE:
        raise WrongURL(f"{url!r} is no address: it begins with https://, wss://, http://, ws:// or unix:")
    if not parts.hostname:
        raise WrongURL(f"{url!r} names no host")
    if parts.username or parts.password:
        raise WrongURL("a password in the address ends up in logs: give it as a token, or a header")
    if parts.query or parts.fragment:
        raise WrongURL(f"{url!r} has a query or a fragment: a token is given as token=, not in the address")
    secure = _SECURE[parts.scheme]
    return Target(
        parts.hostname, port or _PORTS[secure], secure, _prefix(parts.path), None, given, tls, proxy
    )


def _prefix(path: str) -> str:
    path = unquote(path).rstrip("/").removesuffix("/ws")
    return path or "/rt"

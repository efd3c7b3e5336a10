"""The address of a server, read once: what to dial, what to say as `Host`, and where the transports are."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from rtcore.client.errors import WrongURL

_SECURE: Final = {"https": True, "wss": True, "http": False, "ws": False}
_PORTS: Final = {True: 443, False: 80}
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"([\x21-\x7e\x80-\xff]+([ \t]+[\x21-\x7e\x80-\xff]+)*)?")
_OWN: Final = ("host", "connection", "upgrade", "content-length", "transfer-encoding")


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
        if not all(isinstance(one, str) for one in (name, value)):
            raise WrongURL(f"the header {name!r} cannot be sent: names and values are texts")
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise WrongURL(
                f"the header {name!r} cannot be sent: a name is of letters, digits and -, a value is Latin-1 "
                "without a line break, and without space around it"
            )
        if name.lower() in _OWN:
            raise WrongURL(f"the header {name!r} is written by the client itself")
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
        name_of(parts.hostname), port or _PORTS[secure], secure, _prefix(parts.path), None, given, tls, proxy
    )


def _prefix(path: str) -> str:
    try:
        path = quote(unquote(path), safe="/~!$&'()*+,;=:@").rstrip("/").removesuffix("/ws")
    except UnicodeEncodeError:
        raise WrongURL(f"the path {path!r} is no Unicode") from None
    return path or "/rt"


def name_of(host: str) -> str:
    """A host's name in ASCII, RFC 5891.

    Raises:
        WrongURL: nothing can have this name.

    """
    try:
        name = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise WrongURL(f"{host!r} is no name of a host: {error}") from None
    if not name.isascii() or not name.isprintable() or " " in name:
        raise WrongURL(f"{host!r} is no name of a host: it has spaces in it, or what cannot be seen")
    return name

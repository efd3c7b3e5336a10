"""A stream to the server: straight, through a proxy, or to a Unix socket; with TLS where the address says
so.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import ssl
from typing import Final
from urllib.parse import unquote, urlsplit

import h11
import trio

from rtcore.client.errors import BadCertificate, WrongURL

from .target import Target, name_of

_PORTS: Final = {"http": 8080, "https": 443, "socks5": 1080, "socks5h": 1080}
_SOCKS: Final = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "the network is unreachable",
    4: "the host is unreachable",
    5: "the connection was refused",
    6: "it took too long",
    7: "it does not know this command",
    8: "it does not know this kind of address",
}


class ProxyRefused(OSError):  # noqa: N818 - what it did
    """The proxy does not let this connection through."""


async def dial(target: Target) -> trio.abc.Stream:
    """A stream on which HTTP may be spoken. Cancelled, it leaves nothing open.

    Raises:
        OSError: the server, or the proxy, cannot be reached.
        BadCertificate: the server's certificate does not fit.

    """
    if target.unix is not None:
        return await trio.open_unix_socket(target.unix)
    stream = await _carrier(target)
    try:
        return await _with_tls(stream, target) if target.secure else stream
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise


async def _carrier(target: Target) -> trio.abc.Stream:
    proxy = target.proxy if target.proxy is not None else proxy_for(target)
    if not proxy:
        # Happy eyeballs, RFC 8305: all addresses, each after a short delay.
        return await trio.open_tcp_stream(target.host, target.port)
    parts = urlsplit(proxy)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise WrongURL(f"the proxy {proxy!r} is none: write http://HOST:PORT or socks5://HOST:PORT")
    stream: trio.abc.Stream = await trio.open_tcp_stream(
        name_of(parts.hostname), parts.port or _PORTS[parts.scheme]
    )
    try:
        login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        if parts.scheme.startswith("socks5"):
            await _socks5(stream, target, login)
        else:
            if parts.scheme == "https":
                stream = trio.SSLStream(
                    stream,
                    ssl.create_default_context(),
                    server_hostname=parts.hostname,
                    https_compatible=True,
                )
            await _connect(stream, target, login)
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


def proxy_for(target: Target) -> str | None:
    """What the environment says: `https_proxy`, `http_proxy`, `all_proxy`, and `no_proxy` with what goes
    straight.
    """
    environment = {
        name.lower(): value for name, value in os.environ.items() if name.lower().endswith("_proxy")
    }
    if "http_proxy" in environment and "REQUEST_METHOD" in os.environ:
        del environment["http_proxy"]  # in a CGI program it is a header of the peer's (httpoxy)
    proxy = environment.get("https_proxy" if target.secure else "http_proxy") or environment.get("all_proxy")
    if not proxy or _goes_straight(target.host, environment.get("no_proxy", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _goes_straight(host: str, names: str) -> bool:
    host = host.lower().rstrip(".")
    try:
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return True
    except ValueError:
        pass
    for each in names.split(","):
        name = each.strip().lower().lstrip("*").lstrip(".")
        if name and (host == name or host.endswith("." + name)):
            return True
    return names.strip() == "*"


async def _connect(stream: trio.abc.Stream, target: Target, login: tuple[str, str] | None) -> None:
    """RFC 9110 §9.3.6: a tunnel to the server."""
    name = f"[{target.host}]" if ":" in target.host else target.host
    peer = h11.Connection(h11.CLIENT)
    headers = [("Host", f"{name}:{target.port}")]
    if login is not None:
        headers.append(
            ("Proxy-Authorization", "Basic " + base64.b64encode(":".join(login).encode()).decode())
        )
    request = h11.Request(method="CONNECT", target=f"{name}:{target.port}", headers=headers)
    await stream.send_all(peer.send(request) or b"")
    while True:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            peer.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response):
            if not 200 <= event.status_code < 300:
                raise ProxyRefused(f"the proxy answers {event.status_code} to CONNECT {target.host}")
            return
        elif isinstance(event, h11.InformationalResponse):
            continue
        else:
            raise ProxyRefused("the proxy closed the connection")


async def _exactly(stream: trio.abc.Stream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = await stream.receive_some(count - len(data))
        if not more:
            raise ProxyRefused("the proxy closed the connection")
        data += more
    return data


async def _socks5(stream: trio.abc.Stream, target: Target, login: tuple[str, str] | None) -> None:
    """RFC 1928, with the names resolved by the proxy; RFC 1929 for a login."""
    await stream.send_all(b"\x05\x02\x00\x02" if login else b"\x05\x01\x00")
    version, method = await _exactly(stream, 2)
    if version != 5 or method == 0xFF:
        raise ProxyRefused("the proxy wants another login than it is given, or is no SOCKS5 proxy")
    if method == 2:
        if login is None:
            raise ProxyRefused("the proxy wants a login")
        user, password = (each.encode() for each in login)
        await stream.send_all(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
        if (await _exactly(stream, 2))[1] != 0:
            raise ProxyRefused("the proxy refuses the login")
    try:
        address = ipaddress.ip_address(target.host)
        named = bytes([1 if address.version == 4 else 4]) + address.packed
    except ValueError:
        host = target.host.encode("ascii")
        named = bytes([3, len(host)]) + host
    await stream.send_all(b"\x05\x01\x00" + named + target.port.to_bytes(2, "big"))
    _, reply, _, kind = await _exactly(stream, 4)
    if reply != 0:
        raise ProxyRefused(f"the proxy cannot reach {target.host}: {_SOCKS.get(reply, reply)}")
    length = {1: 4, 4: 16}.get(kind) or (await _exactly(stream, 1))[0]
    await _exactly(stream, length + 2)


async def _with_tls(stream: trio.abc.Stream, target: Target) -> trio.abc.Stream:
    context = target.tls or ssl.create_default_context()
    secure = trio.SSLStream(stream, context, server_hostname=target.host, https_compatible=True)
    try:
        await secure.do_handshake()
    except trio.BrokenResourceError as error:
        cause = error.__cause__
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise BadCertificate(
                f"the certificate of {target.host} does not fit: {cause.verify_message or cause.reason}"
            ) from None
        if isinstance(cause, ssl.SSLError):
            raise OSError(f"no TLS with {target.host}: {cause.reason or cause}") from None
        raise OSError(f"{target.host} closed the connection during the TLS handshake") from None
    return secure

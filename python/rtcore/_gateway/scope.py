"""A request of another ASGI server as the core's HTTP/1.1 sees it: what a scope says, put into a head.

The head is written by h11, which refuses what could be read in two ways; the core then parses and judges it
as it does every other head.
"""

from __future__ import annotations

import ipaddress
from typing import cast
from urllib.parse import quote

import h11

from rtcore._backend.interface import Peer
from rtcore._ground.asgi import Scope

# Fields that speak of one link and not of the request, RFC 9110 §7.6.1. The server has done what they ask
# for.
OF_THE_LINK = frozenset(
    (
        b"connection",
        b"expect",
        b"http2-settings",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
# What the gateway says itself when it opens a WebSocket. No extensions: what is unmasked, inflated and
# checked twice would only cost twice.
_OF_THE_HANDSHAKE = frozenset(
    (b"content-length", b"sec-websocket-extensions", b"sec-websocket-key", b"sec-websocket-version")
)
_UPGRADE = [
    (b"Connection", b"Upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Sec-WebSocket-Version", b"13"),
    # RFC 6455 §1.3: the key shows that no cache answered. Here nothing stands between.
    (b"Sec-WebSocket-Key", b"AAAAAAAAAAAAAAAAAAAAAA=="),
]
# Characters of a path that stand for themselves, RFC 3986 §3.3.
_PATH = "/:@!$&'()*+,;=-._~"


def path_of(scope: Scope) -> str:
    """The path below where the application is mounted."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    below = path.removeprefix(root)
    # A proxy that takes the prefix away says it in `root_path` all the same.
    return below if root and below.startswith("/") and below != path else path


def above_of(scope: Scope) -> bytes:
    """The path that it is mounted under, as the client writes it."""
    return quote(str(scope.get("root_path", "")).rstrip("/"), safe=_PATH).encode()


def peer_of(scope: Scope) -> Peer:
    """The peer of a request. One that comes by another way than IP is on this machine."""
    secure = scope.get("scheme") in ("https", "wss")
    host, port = scope.get("client") or ("", 0)
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return Peer("127.0.0.1", 0, secure)
    return Peer(str(address), int(port or 0), secure)


def request_of(scope: Scope, *, chunked: bool = False, length: int | None = None) -> h11.Request:
    """The head of one request. `chunked` or `length` speak of a body of which the server did not say how
    long it is.

    Raises:
        h11.LocalProtocolError: it cannot be written, so it was no request.

    """
    websocket = scope["type"] == "websocket"
    given = cast("list[tuple[bytes, bytes]]", list(scope["headers"]))
    dropped = OF_THE_LINK | _OF_THE_HANDSHAKE if websocket else OF_THE_LINK
    fields = [(bytes(name), bytes(value)) for name, value in given if bytes(name).lower() not in dropped]
    names = {name.lower() for name, _ in fields}
    if b"host" not in names:  # HTTP/1.0 had none
        fields.insert(0, (b"Host", _own_name(scope)))
    if websocket:
        offered = ", ".join(scope.get("subprotocols") or ())
        if offered and b"sec-websocket-protocol" not in names:
            fields.append((b"Sec-WebSocket-Protocol", offered.encode()))
        fields += _UPGRADE
    else:
        if chunked:
            fields.append((b"Transfer-Encoding", b"chunked"))
        elif length is not None:
            fields.append((b"Content-Length", b"%d" % length))
        fields.append((b"Connection", b"close"))
    method = "GET" if websocket else str(scope["method"])
    return h11.Request(method=method.encode(), target=_target(scope), headers=fields)


def said_length(scope: Scope) -> bool:
    """Whether the head says how long the body is."""
    return any(bytes(name).lower() == b"content-length" for name, _ in scope["headers"])


def raw_path_of(scope: Scope) -> bytes:
    """The same as `path_of`, as it was written where the server says so."""
    path, whole = path_of(scope), str(scope["path"])
    if scope.get("raw_path") is not None:
        raw = bytes(scope["raw_path"]).partition(b"?")[0]
        above = quote(whole[: len(whole) - len(path)], safe=_PATH).encode()
        if raw.startswith(above):
            return raw.removeprefix(above)
    return quote(path, safe=_PATH).encode()


def _target(scope: Scope) -> bytes:
    target = raw_path_of(scope)
    query = bytes(scope.get("query_string") or b"")
    return target + b"?" + query if query else target


def _own_name(scope: Scope) -> bytes:
    host, port = scope.get("server") or ("localhost", None)
    name = f"[{host}]" if ":" in str(host) else str(host)
    return (f"{name}:{port}" if port else name).encode()

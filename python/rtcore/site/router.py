"""The ASGI application behind the port: our few pages, then the mounted application, then a friendly 404."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from rtcore._ground.numbers import API, CONSOLE, LIVE, SCRIPT

from .metrics import KINDS, wanted

if TYPE_CHECKING:
    from rtcore._ground.asgi import ASGI, Receive, Scope, Send
    from rtcore.config import Config

# The page loads nothing but its own files and talks to nobody but its own server.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = ((b"content-security-policy", _POLICY.encode()), (b"referrer-policy", b"no-referrer"))
# A script that holds no secret: a page of an origin that may connect loads it from here, too.
_ANYWHERE = ((b"access-control-allow-origin", b"*"), (b"cross-origin-resource-policy", b"cross-origin"))
_API = API.encode()
_LIVE = f"{LIVE}/".encode()
_CLIENT_FILES = {SCRIPT: "client.js", f"{SCRIPT}.map": "client.js.map"}
_PAGES = ("chat", "notes", "board", "dashboard", "tokens", "cursors")
_SCRIPTS = (*_PAGES, "index", "frame", "network", "timeline", "textarea", "shared")
_DEMO_FILES = {
    "/": "index.html",
    **{f"/{page}": f"{page}.html" for page in _PAGES},
    **{f"/{script}.js": f"{script}.js" for script in _SCRIPTS},
    **{f"/{style}.css": f"{style}.css" for style in ("style", "data")},
}
_CONSOLE_FILES = {
    CONSOLE: "index.html",
    **{
        f"{CONSOLE}/{name}": name
        for name in (
            "console.js", "deeper.js", "data.js", "shown.js", "charts.js", "console.css", "uplot.js",
            "uplot.css",
        )
    },
}  # fmt: skip
# By what a file is called, and not by what the system's tables say of it.
_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".map": "application/json"}


class Answer(NamedTuple):
    """A whole HTTP answer."""

    status: int
    kind: str
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ((b"cache-control", b"no-store"),)


class Router:
    """Chooses who answers. Ours come first, so that a probe works whatever is mounted."""

    def __init__(
        self,
        metrics: Callable[[str], bytes],
        mount: ASGI | None,
        config: Config,
        stopping: Callable[[], bool],
        api: ASGI,
        store: Callable[[], Mapping[str, Any] | None],
        has_operators: bool = False,
        console: ASGI | None = None,
    ) -> None:
        self._metrics = metrics
        self._api = api
        self._mount = mount
        self._config = config
        self._stopping = stopping
        self._store = store
        self._has_operators = has_operators
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        # The core has looked at the origin of what begins so, and of nothing that is written with escapes.
        if scope["type"] == "http" and _written(scope).startswith(_API):
            await self._api(scope, receive, send)
            return
        if self._console is not None and _written(scope).startswith(_LIVE):
            await self._console({**scope, "root_path": LIVE}, receive, send)
            return
        ours = self._ours(scope) if scope["type"] == "http" else None
        if ours is not None:
            await _answer(scope, send, ours)
        elif self._mount is not None:
            await self._mount(scope, receive, send)
        elif scope["type"] == "http":
            await _answer(scope, send, _nothing_here(scope["path"]))
        elif scope["type"] == "websocket":
            await receive()
            await _refuse_websocket(scope, send)

    def _ours(self, scope: Scope) -> Answer | None:
        path = _written(scope).decode("latin-1")
        found = None
        if path == "/livez":  # while it answers it lives, whatever it does
            found = Answer(200, "text/plain", b"ok\n")
        elif path in ("/healthz", "/readyz"):
            found = (
                Answer(503, "text/plain", b"stopping\n")
                if self._stopping()
                else Answer(200, "text/plain", health(self._store()).encode())
            )
        elif path == "/metrics" and self._config.metrics:
            form = wanted(dict(scope["headers"]).get(b"accept", b"").decode("latin-1"))
            found = Answer(200, KINDS[form], self._metrics(form))
        elif path in _CLIENT_FILES:
            found = _unless_known(scope, _file("client", _CLIENT_FILES[path], _ANYWHERE))
        elif path in _CONSOLE_FILES:
            if not self._has_operators:
                return _error(
                    404,
                    "NOT_FOUND",
                    "there is no console here: no API key is configured, and no operator function registered",
                )
            found = _unless_known(scope, _file("console", _CONSOLE_FILES[path], _PAGE))
        elif self._config.demo and path in _DEMO_FILES:
            found = _unless_known(scope, _file("demo", _DEMO_FILES[path], _PAGE))
        if found is not None and scope["method"] not in ("GET", "HEAD"):
            return _error(
                405, "METHOD_NOT_ALLOWED", f"{path} can only be read: use GET", (b"allow", b"GET, HEAD")
            )
        return found


def health(store: Mapping[str, Any] | None) -> str:
    """What a server says of itself that serves. Live rooms go on without a store: it is no reason to end."""
    if store is None:
        return "ok\n"
    size = store["log_bytes"] + store["journal_bytes"]
    said = f"store: SQLite {store['sqlite']}, {size:,} bytes"
    if store["trouble"]:
        return f"degraded\n{said}; it takes nothing new: {store['trouble']}\n"
    return f"ok\n{said}\n"


def _written(scope: Scope) -> bytes:
    """The path as it was written: with an escape in it, it is none of ours, whatever a proxy made of it."""
    raw: bytes | None = scope.get("raw_path")
    return scope["path"].encode() if raw is None else raw.partition(b"?")[0]


@cache
def _file(folder: str, name: str, more: tuple[tuple[bytes, bytes], ...]) -> Answer:
    from importlib import resources  # the start does without it

    body = resources.files("rtcore.site").joinpath(folder, name).read_bytes()
    kind = _KINDS[PurePath(name).suffix]
    tag = b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
    return Answer(200, kind, body, ((b"etag", tag), (b"cache-control", b"no-cache"), *more))


def _unless_known(scope: Scope, file: Answer) -> Answer:
    """The file, or 304 to who has it."""
    known = dict(scope["headers"]).get(b"if-none-match") == dict(file.headers)[b"etag"]
    return file._replace(status=304, body=b"") if known else file


def _nothing_here(path: str) -> Answer:
    return _error(
        404,
        "NOT_FOUND",
        f"nothing is served at {path}: this is an rtcore server, its WebSocket is at /rt/ws, "
        "and no other application is mounted beside it",
    )


def _error(status: int, code: str, message: str, *headers: tuple[bytes, bytes]) -> Answer:
    body = json.dumps({"code": code, "message": message}, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, "application/json", body, ((b"cache-control", b"no-store"), *headers))


async def _answer(scope: Scope, send: Send, answer: Answer) -> None:
    kind = answer.kind + ("; charset=utf-8" if answer.kind.startswith("text/") else "")
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
    ]
    if answer.status == 304:  # RFC 9110 §15.4.5: about a body that is not sent, nothing is said
        headers = headers[3:]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


async def _refuse_websocket(scope: Scope, send: Send) -> None:
    """404 where the server can say so, else the plain refusal (403) that ASGI has."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1000})
        return
    answer = _nothing_here(scope["path"])
    headers = [(b"content-type", answer.kind.encode()), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})

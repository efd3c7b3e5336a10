"""Every test that asks for `way` runs once over each of them; servers are started once and shared."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest
import trustme

from tests.wire.server import Server

from .http_peer import http_at
from .link import Link, Place
from .peer import Peer
from .polling import Polling
from .sse import Sse
from .websocket import MsgPackSocket, WebSocket

counter = itertools.count(1)

# Short times for the tests that wait for them; the main server has the defaults.
QUICK = {"ping_ms": 300, "silence_ms": 1700, "hello_ms": 1500, "resume_ms": 3000, "close_ms": 500}
# Shorter still, for the end of the resume window.
BRISK = {"ping_ms": 200, "silence_ms": 500, "hello_ms": 500, "resume_ms": 700, "close_ms": 500}
# Few of what tests want too much of.
TIGHT = {"rooms_per_session": 2, "messages_per_second": 50}

SERVE = ("-m", "rtcore", "serve")
HOSTED = (str(Path(__file__).with_name("hosted.py")),)


class Way(NamedTuple):
    """A transport, and what carries it to the server."""

    link: type[Link]
    served: str  # plain: the reactor; tls: the stream shell; asgi: below another server


WAYS = {
    "websocket": Way(WebSocket, "plain"),
    "msgpack": Way(MsgPackSocket, "plain"),
    "sse": Way(Sse, "plain"),
    "polling": Way(Polling, "plain"),
    "wss": Way(WebSocket, "tls"),
    "sse-tls": Way(Sse, "tls"),
    "polling-tls": Way(Polling, "tls"),
    "asgi": Way(WebSocket, "asgi"),
    "sse-asgi": Way(Sse, "asgi"),
    "polling-asgi": Way(Polling, "asgi"),
}


class Ground:
    """The servers of this suite: one for each way of being served and each set of settings."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.certificate = folder / "server.pem"
        authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            str(self.certificate)
        )
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        self.running: dict[object, Server] = {}

    def server(self, served: str = "plain", *options: str, app: str = "app", **limits: int) -> Server:
        """The server with these settings."""
        key = (served, options, app, tuple(sorted(limits.items())))
        server = self.running.get(key)
        if server is not None and server.process.poll() is not None:
            server.stop()
            server = None
        if server is None:
            given = ("--certificate", str(self.certificate)) if served == "tls" else ()
            by = HOSTED if served == "asgi" else SERVE
            server = self.running[key] = Server(app, (*given, *options), limits, by=by)
        return server

    def place(self, served: str = "plain", *options: str, app: str = "app", **limits: int) -> Place:
        """Where that server listens."""
        server = self.server(served, *options, app=app, **limits)
        return Place(server.address, self.trust if served == "tls" else None)

    def stop(self) -> None:
        """End them all."""
        for server in self.running.values():
            server.stop()
        self.running.clear()


class Dial(Protocol):
    """Makes a peer, not connected yet: on the way of the test unless told otherwise."""

    def __call__(self, kind: type[Link] | None = None, place: Place | None = None) -> Peer: ...


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Servers that all modules share."""
    shared = Ground(tmp_path_factory.mktemp("ground"))
    yield shared
    shared.stop()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Ground]:
    """Servers that one test may end."""
    servers = Ground(tmp_path)
    yield servers
    servers.stop()


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Each way in turn."""
    return WAYS[request.param]


@pytest.fixture
def place(request: pytest.FixtureRequest, ground: Ground) -> Place:
    """The main server: no authentication, default limits."""
    served = request.getfixturevalue("way").served if "way" in request.fixturenames else "plain"
    return ground.place(served)


@pytest.fixture
def quick(request: pytest.FixtureRequest, ground: Ground) -> Place:
    """The same application with short times."""
    served = request.getfixturevalue("way").served if "way" in request.fixturenames else "plain"
    return ground.place(served, **QUICK)


@pytest.fixture
async def dial(request: pytest.FixtureRequest, place: Place):
    """Make peers that are closed after the test."""
    peers: list[Peer] = []
    default = request.getfixturevalue("way").link if "way" in request.fixturenames else WebSocket
    here = place

    def make(kind: type[Link] | None = None, place: Place | None = None) -> Peer:
        peer = Peer(place or here, kind or default)
        peers.append(peer)
        return peer

    yield make
    for peer in peers:
        peer.close()


@pytest.fixture
async def ann(dial: Dial) -> Peer:
    """A session on the way of the test."""
    return await dial().hello()


@pytest.fixture
async def bob(dial: Dial) -> Peer:
    """Another one, on a WebSocket whatever the way."""
    return await dial(WebSocket).hello()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"c{next(counter)}"


@pytest.fixture
def room(name: str) -> str:
    """A relay room of this test alone."""
    return f"relay:{name}"


@pytest.fixture
async def http(place: Place):
    """Plain requests to the main server."""
    async with http_at(place) as requests:
        yield requests

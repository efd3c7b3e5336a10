"""Servers, started once and shared, and clients that are closed after each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from .client import Client
from .server import Server

counter = itertools.count(1)

# Short times for the tests that wait for them; the main server has the defaults. No shorter than what a
# client that means well may be kept waiting by a machine with other work to do.
QUICK = {"ping_ms": 300, "silence_ms": 1700, "hello_ms": 1500, "resume_ms": 3000, "close_ms": 500}
# How long a peer that shows no life is kept (s).
LIFE = (QUICK["ping_ms"] + QUICK["silence_ms"]) / 1000


class Servers:
    """Starts a server for each set of settings once."""

    def __init__(self) -> None:
        self.running: dict[object, Server] = {}

    def start(self, app: str = "app", *options: str, **limits: int) -> Server:
        """Return the server with these settings."""
        key = (app, options, tuple(sorted(limits.items())))
        server = self.running.get(key)
        if server is not None and server.process.poll() is not None:
            server.stop()
            server = None
        if server is None:
            server = self.running[key] = Server(app, options, limits)
        return server

    def stop(self) -> None:
        """End them all."""
        for server in self.running.values():
            server.stop()
        self.running.clear()


class Dial(Protocol):
    """Opens a WebSocket to a server; the main one unless told otherwise."""

    def __call__(self, server: Server | None = None, **options: Any) -> Client: ...


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The servers that all modules share."""
    shared = Servers()
    yield shared
    shared.stop()


@pytest.fixture(scope="module")
def special() -> Iterator[Servers]:
    """Servers with settings of one module, ended with it."""
    own = Servers()
    yield own
    own.stop()


@pytest.fixture(scope="session")
def server(servers: Servers) -> Server:
    """The main server: no authentication, default limits."""
    return servers.start()


@pytest.fixture(scope="session")
def quick(servers: Servers) -> Server:
    """The same application with short times."""
    return servers.start(**QUICK)


@pytest.fixture(scope="session")
def auth(servers: Servers) -> Server:
    """The application that asks who it is."""
    return servers.start("app_auth", expiring_ms=1000)


@pytest.fixture
def dial(request: pytest.FixtureRequest) -> Iterator[Dial]:
    """Open WebSockets that are closed after the test."""
    clients: list[Client] = []

    def open_one(server: Server | None = None, **options: Any) -> Client:
        if server is None:
            server = request.getfixturevalue("server")
        client = Client(server.address, **options)
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        client.close()


@pytest.fixture
def ann(dial: Dial) -> Client:
    """A session on the main server."""
    return dial().hello()


@pytest.fixture
def bob(dial: Dial) -> Client:
    """Another one."""
    return dial().hello()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"n{next(counter)}"


@pytest.fixture
def room(name: str) -> str:
    """A relay room of this test alone."""
    return f"relay:{name}"

"""Limits of connections, sessions, rooms and rates."""

from __future__ import annotations

import time

import pytest

from tests.patience import PATIENCE

from .client import Client
from .conftest import Dial, Servers


def open_until(dial: Dial, server: object) -> Client:
    """Open a connection as soon as there is a place again."""
    end = time.monotonic() + PATIENCE
    while True:
        client = dial(server)  # type: ignore[arg-type]
        assert client.response is not None
        if client.response.status == 101:
            return client
        assert time.monotonic() < end, "no place was freed"


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
def test_more_connections_than_allowed_are_refused_with_a_delay(
    dial: Dial, special: Servers, limit: str
) -> None:
    server = special.start(**{limit: 2})
    first, second = dial(server).hello(), dial(server).hello()
    third = dial(server)
    assert third.response is not None
    third.response.refused(503 if limit == "connections" else third.response.status, "OVERLOADED")
    assert third.response.status in (429, 503)
    assert int(third.response.get("retry-after") or "0") >= 1
    assert first.emit("echo", 1) == 1
    first.drop()
    second.drop()
    open_until(dial, server).hello(**first.returning())


@pytest.mark.parametrize("limit", ["sessions", "sessions_per_address"])
def test_more_sessions_than_allowed_are_4003(dial: Dial, special: Servers, limit: str) -> None:
    """Absent ones count; who has a session may come back to it."""
    server = special.start(**{limit: 2})
    first, second = dial(server).hello(), dial(server).hello()
    first.drop()
    third = dial(server)
    third.send({"type": "hello"})
    third.expect_bye(4003)
    assert dial(server).hello(**first.returning()).welcome["resumed"] is True
    second.send({"type": "bye"})
    second.expect_close()
    dial(server).hello()


@pytest.mark.parametrize("limit", ["sessions_per_user", "connections_per_user"])
def test_more_sessions_or_connections_of_a_user_than_allowed_are_4003(
    dial: Dial, special: Servers, limit: str
) -> None:
    server = special.start("app_auth", **{limit: 2})
    kept = [dial(server).hello(token="ann") for _ in range(2)]
    third = dial(server)
    third.send({"type": "hello", "token": "ann"})
    third.expect_bye(4003)
    dial(server).hello(token="bob")
    for _ in range(3):
        kept.append(dial(server).hello(token="anonymous"))  # each its own user
    assert all(one.emit("echo", 1) == 1 for one in kept)


def test_more_rooms_of_a_session_than_allowed_are_refused(dial: Dial, special: Servers, name: str) -> None:
    ann = dial(special.start(rooms_per_session=2)).hello()
    for n in range(2):
        ann.join(f"relay:{name}.{n}")
    ann.refused("OVERLOADED", "join", room=f"relay:{name}.2")
    ann.ok("leave", room=f"relay:{name}.0")
    ann.join(f"relay:{name}.2")


def test_more_rooms_than_allowed_are_refused(dial: Dial, special: Servers, name: str) -> None:
    server = special.start(rooms=8)
    ann, bob = dial(server).hello(), dial(server).hello()
    refused = 0
    for n in range(9):
        ack = ann.ack(ann.ask("join", room=f"relay:{name}.{n}"))
        if "error" in ack:
            assert ack["error"]["code"] == "OVERLOADED"
            refused += 1
    assert refused
    assert bob.join(f"relay:{name}.0")["count"] == 2


def test_more_messages_a_second_than_allowed_are_4004(dial: Dial, special: Servers) -> None:
    ann = dial(special.start(messages_per_second=50)).hello()
    try:
        for n in range(2000):
            ann.send({"type": "emit", "event": "echo", "data": n})
    except ConnectionError:
        pass
    ann.expect_bye(4004)


def test_fewer_messages_than_allowed_are_fine(dial: Dial, special: Servers) -> None:
    ann = dial(special.start(messages_per_second=50)).hello()
    for n in range(40):
        assert ann.emit("echo", n) == n


def test_a_message_in_an_array_counts_too(dial: Dial, special: Servers) -> None:
    """One frame with two thousand messages is not one message."""
    ann = dial(special.start(messages_per_second=50)).hello()
    ann.send([{"type": "emit", "event": "echo", "data": n} for n in range(2000)])
    ann.expect_bye(4004)

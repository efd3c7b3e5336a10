"""Hello and welcome."""

from __future__ import annotations

import contextlib
import re
import time

import pytest

from tests.patience import PATIENCE

from . import frames
from .client import Client, Closed
from .conftest import Dial
from .server import Server


def test_every_field_of_hello_but_type_is_optional(dial: Dial) -> None:
    welcome = dial().hello().welcome
    assert welcome["resumed"] is False
    assert welcome["taken"] == 0
    assert welcome["rooms"] == []


def test_welcome_has_what_a_client_must_know(ann: Client) -> None:
    welcome = ann.welcome
    assert welcome["v"] == 1
    assert isinstance(welcome["session"], str)
    assert isinstance(welcome["key"], str)
    assert welcome["session"] != welcome["key"]
    assert re.fullmatch("[a-z0-9]+", welcome["epoch"])
    assert isinstance(welcome["seq"], int)
    assert isinstance(welcome["head"], int)
    assert "websocket" in welcome["transports"]
    assert welcome.get("expires") is None
    assert abs(welcome["time"] - time.time() * 1000) < 60_000
    assert isinstance(welcome["time"], int)


def test_the_limits_are_told_in_their_units(ann: Client) -> None:
    limits = ann.welcome["limits"]
    assert limits["max_message"] == 1 << 20
    assert limits["ping"] == 25
    assert limits["silence"] == 60
    assert limits["resume"] == 120
    assert limits["name"] == 255
    assert limits["acks"] == 256


def test_short_times_are_never_told_as_none(dial: Dial, quick: Server) -> None:
    limits = dial(quick).hello().welcome["limits"]
    assert 0 < limits["ping"] <= 1, "a client that believed in 0 s would ping without end"
    assert limits["resume"] == 3


def test_an_application_without_authentication_has_anonymous_sessions(dial: Dial) -> None:
    ann = dial().hello(token="whatever", client="tests/1.0", v=1, can=[])
    assert ann.welcome["user"] is None
    assert ann.emit("whoami")["user"] is None


def test_a_new_session_begins_at_the_head_of_the_log(ann: Client, dial: Dial, room: str) -> None:
    ann.join(room)
    seq = ann.publish(room, 1)
    welcome = dial().hello().welcome
    assert welcome["seq"] == welcome["head"]
    assert welcome["seq"] >= seq


def test_sessions_and_keys_are_not_guessable_from_each_other(dial: Dial) -> None:
    welcomes = [dial().hello().welcome for _ in range(3)]
    assert len({w["session"] for w in welcomes} | {w["key"] for w in welcomes}) == 6
    assert all(len(w["key"]) >= 16 for w in welcomes)


def test_messages_may_follow_hello_at_once(dial: Dial) -> None:
    ann = dial()
    ann.send({"type": "hello"}, {"type": "emit", "id": 1, "event": "echo", "data": "early"})
    assert ann.receive()["type"] == "welcome"
    assert ann.result(1) == "early"


def test_a_second_hello_is_an_error_and_the_session_goes_on(ann: Client) -> None:
    ann.send({"type": "hello"})
    ann.fault("INVALID_MESSAGE")
    assert ann.emit("whoami")["id"] == ann.session


def test_nothing_is_done_before_hello(dial: Dial, bob: Client, name: str) -> None:
    ann = dial()
    ann.send({"type": "emit", "id": 1, "event": "count", "data": name})
    ann.expect_bye(4504)
    assert bob.emit("counted", name) == 0


@pytest.mark.parametrize(
    "first",
    [
        '{"type":"ping"}',
        '[{"type":"ping"},{"type":"hello"}]',
        '{"type":"teleport"}',
        '{"type":"hello"',
        "hello",
        "17",
        '{"type":"hello","session":5}',
        '{"hello":1}',
        '{"type":"hello","token":["a"]}',
    ],
)
def test_another_or_an_unreadable_first_message_is_4504(dial: Dial, first: str) -> None:
    ann = dial()
    ann.text(first)
    ann.expect_bye(4504)


def test_no_hello_in_time_is_4001(dial: Dial, quick: Server) -> None:
    """Opens and says nothing: must not hold a place for ever."""
    dial(quick).expect_bye(4001)


def test_pings_do_not_prolong_the_time_for_hello(dial: Dial, quick: Server) -> None:
    """Opens, and says everything but hello."""
    ann = dial(quick)
    end = time.monotonic() + PATIENCE
    with contextlib.suppress(Closed, ConnectionError):
        while time.monotonic() < end:
            ann.frame(frames.PING, b"")
            ann.listen(0.05)
    assert time.monotonic() < end, "still open"
    assert ann.closed is None or ann.closed.code in (4001, 1006)


def test_one_byte_a_second_does_not_prolong_the_handshake(dial: Dial, quick: Server) -> None:
    """The slow loris: a head that never ends."""
    ann = dial(quick, upgrade=False)
    ann.raw(b"GET /rt/ws HTTP/1.1\r\n")
    end = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < end, "still open"
        try:
            ann.raw(b"X")
            if not ann.more(time.monotonic() + 0.05):
                return
        except TimeoutError:
            continue
        except ConnectionError:
            return


def test_before_welcome_a_message_is_at_most_64_kib(dial: Dial) -> None:
    ann = dial()
    ann.send({"type": "hello", "token": "x" * (65 << 10)})
    closed = ann.expect_bye(1009)
    assert "65536" in closed.bye["reason"].replace(" ", "").replace(",", ""), closed.bye  # type: ignore[index]


def test_before_welcome_64_kib_is_enough(dial: Dial) -> None:
    said = b'{"type":"hello","client":"'
    ann = dial()
    ann.frame(frames.TEXT, said + b"x" * ((64 << 10) - len(said) - 2) + b'"}')
    ann.welcomed()


def test_after_welcome_a_message_may_be_larger(ann: Client) -> None:
    text = "x" * (200 << 10)
    assert ann.emit("echo", text) == text

"""Requests that wait for handlers, replies that nobody reads."""

from __future__ import annotations

import contextlib
import select
import time

from tests.patience import PATIENCE

from .client import Client
from .conftest import QUICK, Dial, Servers
from .server import Server


def waiting(ann: Client, bob: Client, gate: str) -> int:
    """Occupy the session with a handler that waits at a gate."""
    number = ann.ask("emit", event="wait", data=gate)
    while not bob.emit("log", gate):
        pass
    return number


def test_with_64_waiting_the_server_stops_reading(ann: Client, bob: Client, name: str) -> None:
    """Nothing is refused within `ping` seconds: TCP holds it, and all is done in the end."""
    first = waiting(ann, bob, name)
    numbers = [ann.ask("emit", event="echo", data=n) for n in range(200)]
    bob.emit("open", name)
    assert ann.result(first) == name
    assert [ann.result(number) for number in numbers] == list(range(200))


def test_with_256_kib_waiting_the_server_stops_reading(ann: Client, bob: Client, name: str) -> None:
    first = waiting(ann, bob, name)
    pad = "x" * (50 << 10)
    numbers = [ann.ask("emit", event="echo", data=pad) for n in range(12)]
    bob.emit("open", name)
    assert ann.result(first) == name
    assert [len(ann.result(number)) for number in numbers] == [len(pad)] * 12


def test_not_longer_than_ping_then_requests_are_refused_and_pings_pass(
    dial: Dial, quick: Server, name: str
) -> None:
    ann, bob = dial(quick).hello(), dial(quick).hello()
    first = waiting(ann, bob, name)
    numbers = [ann.ask("emit", event="echo", data=n) for n in range(100)]
    ann.send({"type": "ping", "time": 1})
    ann.expect("pong", time=1)
    refused = [m for m in ann.pending if m["type"] == "ack"]
    assert 100 - 64 <= len(refused) < 100
    assert all((m["error"]["code"], m["error"]["retry"]) == ("OVERLOADED", True) for m in refused)
    bob.emit("open", name)
    assert ann.result(first) == name
    done = 0
    for n, number in enumerate(numbers):
        ack = ann.ack(number)
        if "error" not in ack:
            assert ack["data"] == n
            done += 1
    assert done + len(refused) == 100


def test_a_request_that_was_taken_is_not_called_overloaded(dial: Dial, quick: Server, name: str) -> None:
    """`retry` with a new id would have it done twice: what is sent again gets its ack, also meanwhile."""
    ann, bob = dial(quick).hello(), dial(quick).hello()
    kept = ann.ask("emit", event="echo", data="kept")
    assert ann.result(kept) == "kept"
    first = waiting(ann, bob, name)
    for n in range(100):
        ann.ask("emit", event="echo", data=n)
    ann.send({"type": "ping", "time": 1})
    ann.expect("pong", time=1)
    ann.send({"type": "emit", "id": kept, "event": "echo", "data": "kept"})
    assert ann.result(kept) == "kept"
    ann.send({"type": "emit", "id": first, "event": "wait", "data": name}, {"type": "ping", "time": 2})
    ann.expect("pong", time=2)
    assert not [m for m in ann.pending if m.get("id") == first]
    bob.emit("open", name)
    assert ann.result(first) == name


def test_bye_passes_too(dial: Dial, quick: Server, name: str) -> None:
    ann, bob = dial(quick).hello(), dial(quick).hello()
    waiting(ann, bob, name)
    for n in range(100):
        ann.ask("emit", event="echo", data=n)
    ann.send({"type": "bye"})
    assert ann.expect_close().code == 1000


def test_while_it_asks_the_client_the_server_reads_on(ann: Client) -> None:
    """The reply comes behind a hundred requests: if it were not read, the session would hang for ever."""
    number = ann.ask("emit", event="ask", data={"event": "question"})
    question = ann.expect("request")
    others = [ann.ask("emit", event="echo", data=n) for n in range(100)]
    ann.send({"type": "reply", "id": question["id"], "data": "here"})
    assert ann.result(number) == "here"
    for n, other in enumerate(others):
        ack = ann.ack(other)
        if "error" in ack:
            assert (ack["error"]["code"], ack["error"]["retry"]) == ("OVERLOADED", True)
        else:
            assert ack["data"] == n


def test_the_silence_clock_stands_while_the_server_does_not_read(
    dial: Dial, special: Servers, name: str
) -> None:
    """A peer whose bytes are not read is not silent."""
    # It stops reading for `ping`; that is longer here than the silence allowed after it.
    server = special.start(**{**QUICK, "ping_ms": 2500, "silence_ms": 400})
    ann, bob = dial(server).hello(), dial(server).hello()
    first = waiting(ann, bob, name)
    numbers = [ann.ask("emit", event="echo", data=n) for n in range(100)]
    began = time.monotonic()
    while time.monotonic() - began < 3.5:  # longer than ping and silence
        bob.emit("echo", 1)  # keeps bob alive; ann answers pings while she reads
        with contextlib.suppress(TimeoutError):
            ann.take(0.05)
    bob.emit("open", name)
    assert ann.result(first) == name
    for number in numbers:
        ann.ack(number)
    assert ann.closed is None


def flood(client: Client, size: int, most: int) -> int:
    """Send echoes without reading until the server takes no more; return how many were sent."""
    data = "x" * size
    client.socket.setblocking(False)
    sent = 0
    frame = b""
    while sent < most:
        if not frame:
            client.ids += 1
            said = client.encode({"type": "emit", "id": client.ids, "event": "echo", "data": data})
            frame = text_frame(said)
            sent += 1
        if not select.select([], [client.socket], [], 0.3)[1]:
            break
        try:
            frame = frame[client.socket.send(frame) :]
        except BlockingIOError:
            continue
        except ConnectionError:
            break
    client.socket.setblocking(True)
    return sent


def text_frame(payload: bytes) -> bytes:
    from . import frames

    return frames.encode(frames.TEXT, payload)


def test_a_peer_that_reads_no_replies_is_not_read_any_more(dial: Dial, server: Server) -> None:
    """Asks and never reads: its replies must not become the server's memory."""
    ann = dial(server, window=8 << 10).hello()
    sent = flood(ann, 16 << 10, 4000)
    assert sent < 4000, "64 MB were taken without a reply being read"


def test_no_progress_with_replies_for_silence_is_4002(dial: Dial, special: Servers, name: str) -> None:
    # Time enough after the close frame for this peer to begin to read: then it learns why.
    server = special.start(**{**QUICK, "close_ms": 8000})
    ann = dial(server, window=8 << 10).hello()
    ann.emit("remember-me", name)
    flood(ann, 16 << 10, 1000)
    bob = dial(server).hello()
    end = time.monotonic() + PATIENCE
    while bob.emit("is-connected", name):
        assert time.monotonic() < end, "still connected"
    ann.expect_bye(4002)

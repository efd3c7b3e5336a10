"""More of something than anybody needs: frames, pings, compressed nothing, fragments, rooms."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
import zlib

import pytest

from bench.crowd import FIN, PING, RSV1, TEXT, frame
from tests.wire.client import Client, Closed

from .conftest import Dial
from .target import MIB, Target

# Silence as at home is a minute and more; a flood without reading is over sooner.
LIMITS = {"silence_ms": 4000, "ping_ms": 2500, "resume_ms": 6500}


def pour(client: Client, data: bytes, times: int) -> int:
    """Send the same bytes again and again while another thread reads; how often they were taken."""
    sent = 0
    # The server may have had enough: then the rest is not taken.
    with contextlib.suppress(ConnectionError, TimeoutError):
        for _ in range(times):
            client.socket.sendall(data)
            sent += 1
    return sent


class Drain:
    """Reads what the server says into nothing, until it ends."""

    def __init__(self, client: Client) -> None:
        self.bytes = 0
        self.client = client
        self.over = False
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        client = self.client
        with contextlib.suppress(OSError):
            while not self.over:
                with contextlib.suppress(TimeoutError):
                    data = client.socket.recv(1 << 18)
                    if not data:
                        return
                    self.bytes += len(data)

    def stop(self) -> None:
        """Let the client be read by others again."""
        self.over = True
        self.client.drop()
        self.thread.join()


@pytest.mark.parametrize("when", ["before welcome", "after welcome"])
def test_a_compression_bomb(target: Target, dial: Dial, when: str) -> None:
    """A mebibyte that would inflate to one gibibyte, twenty times: 1009, and what was inflated is bounded."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    # A mebibyte that ends in a full flush can be said again and again.
    mebibyte = squeeze.compress(bytes(MIB)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    bomb = mebibyte * (1000 if when == "after welcome" else 60)
    data = frame(TEXT, bomb, first=FIN | RSV1)
    with target.attacked(f"compression bomb, {when}") as report:
        for _ in range(20):
            client = dial(target.address, deflate="permessage-deflate")
            assert client.deflates
            if when == "after welcome":
                client.hello()
            with contextlib.suppress(ConnectionError):
                client.raw(data)
            closed = client.expect_close()
            assert closed.code == 1009
            assert closed.bye is not None
        report.figure = f"20 of {len(data):,} bytes; 1009: {closed.bye['reason']}"


def test_a_million_empty_frames(target: Target, dial: Dial) -> None:
    """Each is a message that says nothing, and gets an error; who does not read them is not read any more."""
    ann = dial(target.address).hello()
    block = frame(TEXT) * 10_000
    with target.attacked("a million empty frames") as report:
        began = time.monotonic()
        before = target.metrics()
        drain = Drain(ann)
        sent = pour(ann, block, 100)
        assert sent == 100
        target.until(
            "all read", lambda seen: seen["messages_in_total"] >= before["messages_in_total"] + 1_000_000
        )
        report.figure = f"answered in {time.monotonic() - began:.1f} s, {drain.bytes / MIB:.0f} MiB of errors"
    drain.stop()


def test_a_million_empty_fragments(target: Target, dial: Dial) -> None:
    """Frames that add nothing to a message are an attack, and nothing else: 1009."""
    ann = dial(target.address).hello()
    with target.attacked("a million empty fragments") as report:
        began = time.monotonic()
        ann.raw(frame(TEXT, b'{"type":"emit",', first=0))
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                ann.raw(frame(0, first=0) * 10_000)
        closed = ann.expect_bye(1009)
        assert closed.bye is not None
        report.figure = f"1009 after {time.monotonic() - began:.1f} s: {closed.bye['reason']}"


@pytest.mark.parametrize("reads", [True, False], ids=["read", "not read"])
def test_a_ping_flood(target: Target, dial: Dial, reads: bool) -> None:
    """200,000 pings of 125 bytes. Who does not read its pongs is not read, and closed as too slow."""
    ann = dial(target.address, window=1 << 14).hello()
    ann.socket.settimeout(1.0)
    block = frame(PING, b"p" * 125) * 1000
    with target.attacked(f"ping flood, pongs {'read' if reads else 'not read'}") as report:
        began = time.monotonic()
        drain = Drain(ann) if reads else None
        sent = pour(ann, block, 200)
        took = time.monotonic() - began
        if drain is not None:
            assert sent == 200
            report.figure = f"200,000 pings in {took:.1f} s, {drain.bytes / MIB:.0f} MiB of pongs"
            drain.stop()
        else:
            assert sent < 200, "pings were taken though no pong was read"
            slow = 'closed_total{code="4002"}'
            target.until("closed", lambda seen: seen.get(slow, 0) >= 1)
            report.figure = f"taken until {sent:,},000; then not read, and 4002"


@pytest.mark.parametrize("when", ["before welcome", "after welcome"])
def test_a_fragment_that_never_ends(target: Target, dial: Dial, when: str) -> None:
    """Fragments count together: 1009 when they pass the limit of a message."""
    limit = MIB if when == "after welcome" else 64 << 10
    part = 4096
    # What was gathered is held until the connection is over: at most a message each.
    with target.attacked(f"endless fragments, {when}", grows=8 * MIB + 20 * limit) as report:
        for _ in range(20):
            ann = dial(target.address)
            if when == "after welcome":
                ann.hello()
            with contextlib.suppress(ConnectionError):
                ann.raw(frame(TEXT, b"x" * part, first=0))
                for _ in range(limit // part + 16):
                    ann.raw(frame(0, b"x" * part, first=0))
            closed = ann.expect_bye(1009)
        assert closed.bye is not None
        report.figure = f"20 messages; 1009: {closed.bye['reason']}"


def test_a_thousand_rooms_joined_and_left_in_a_loop(target: Target, dial: Dial) -> None:
    """Rooms that nobody is in any more, and that hold nothing, are freed."""
    ann = dial(target.address).hello()
    rooms = 0
    with target.attacked("rooms joined and left") as report:
        before = target.metrics()
        began = time.monotonic()
        for _ in range(5):
            for number in range(1000):
                ann.send(
                    {"type": "join", "id": ann.next_id(), "room": f"loop:{number}"},
                    {"type": "leave", "id": ann.next_id(), "room": f"loop:{number}"},
                )
                rooms += 1
                ann.result(ann.ids)
                ann.pending.clear()
                ann.heard.clear()
                ann.data_frames.clear()
        target.until("freed", lambda seen: seen["current_rooms"] <= before["current_rooms"])
        report.figure = f"1,000 rooms, 5 times, {rooms / (time.monotonic() - began):,.0f} a second; all freed"


def test_a_thousand_rooms_held_and_one_more(target: Target, dial: Dial) -> None:
    """The limit of a session holds, and leaving all of them at once gives all of it back."""
    with target.attacked("rooms held") as report:
        before = target.metrics()
        ann = dial(target.address).hello()
        for number in range(1000):
            ann.ask("join", room=f"loop:{number}")
            if number % 100 == 99:  # reads, and so answers pings
                ann.ack(ann.ids)
        acks = [ann.ack(ann.ask("join", room=f"loop:more{number}")) for number in range(3)]
        assert {ack["error"]["code"] for ack in acks} == {"OVERLOADED"}
        held = target.metrics()["current_rooms"] - before["current_rooms"]
        assert held == 1000
        ann.send({"type": "bye"})
        with contextlib.suppress(Closed):
            ann.expect_close()
        target.until("freed", lambda seen: seen["current_rooms"] <= before["current_rooms"])
        report.figure = f"{held:.0f} rooms of one session; more: OVERLOADED; freed with `bye`"


def test_faults_without_an_end(target: Target, dial: Dial) -> None:
    """Every kind of nonsense, 20,000 messages of it: each gets its error, nobody else hears of it."""
    ann = dial(target.address).hello()
    nonsense = [b"", b"[]", b"{}", b'{"type":7}', b'{"type":"teleport"}', b"\xef\xbf\xbf", b"[" * 200]
    nonsense.append(b'{"type":"join"}')
    block = b"".join(frame(TEXT, one) for one in itertools.islice(itertools.cycle(nonsense), 1000))
    with target.attacked("nonsense") as report:
        drain = Drain(ann)
        began = target.metrics()["messages_in_total"]
        assert pour(ann, block, 20) == 20
        target.until("all read", lambda seen: seen["messages_in_total"] >= began + 20_000)
        report.figure = f"20,000 messages that are none, {drain.bytes / MIB:.1f} MiB of errors"
    drain.stop()

"""Streams that are opened, fed and left in every way that a peer can think of."""

from __future__ import annotations

import contextlib

from bench.crowd import TEXT, frame
from tests.wire.client import Client

from .conftest import Dial
from .target import KIB, MIB, Target

LIMITS = {"ping_ms": 2500, "silence_ms": 2500, "resume_ms": 5000}


def forget(client: Client) -> None:
    """Forget what was heard, so that a long attack does not fill the attacker."""
    client.heard.clear()
    client.pending.clear()
    client.data_frames.clear()


def test_opens_and_cancels_without_an_end(target: Target, dial: Dial) -> None:
    """20,000 streams opened and cancelled at once: no more run than may, and none is left."""
    ann = dial(target.address).hello()
    with target.attacked("streams opened and cancelled", grows=16 * MIB) as report:
        for _ in range(200):
            for _ in range(100):
                stream = ann.ask("open", stream="endless", credit=1)
                ann.send({"type": "cancel", "id": stream})
            ann.emit("echo", 1)
            forget(ann)
        report.figure = "20,000 opened and cancelled"
    target.until("all closed", lambda seen: seen["current_open_streams"] == 0)


def test_a_million_credits(target: Target, dial: Dial) -> None:
    """A million credits, and some beyond all numbers: one number is kept."""
    ann = dial(target.address).hello()
    stream = ann.ask("open", stream="never-items")
    credit = b'{"type":"credit","id":%d,"n":18446744073709551615}' % stream
    many = b"[" + b",".join([credit] * 1000) + b"]"
    with target.attacked("a million credits") as report:
        for _ in range(1000):
            ann.raw(frame(TEXT, many))
        assert ann.emit("echo", 1) == 1
        report.figure = "1,000,000 in arrays of 1,000"
    ann.send({"type": "credit", "id": stream, "n": 2**53}, {"type": "cancel", "id": stream})
    assert ann.emit("echo", 2) == 2


def test_items_that_nobody_reads(target: Target, dial: Dial) -> None:
    """32 endless streams with all the credit there is, and a peer that does not read: the generators rest."""
    ann = dial(target.address, window=4 * KIB).hello()
    with target.attacked("endless streams that nobody reads", grows=24 * MIB) as report:
        for _ in range(32):
            ann.ask("open", stream="endless", credit=2**53 - 1)
        target.until("stopped", lambda seen: seen["current_stream_bytes"] > 0.9 * MIB)
        seen = target.metrics()
        assert seen["current_stream_bytes"] <= 32 * 256 * KIB + 2 * MIB
        report.figure = f"32 streams; {seen['current_stream_bytes'] / MIB:.1f} MiB kept"
    ann.drop()
    target.until("all closed", lambda seen: seen["current_open_streams"] == 0)
    assert target.metrics()["current_stream_bytes"] == 0


def test_streams_of_nobody(target: Target, dial: Dial) -> None:
    """Messages of streams that nobody opened: ignored, or answered one by one within the bound of replies."""
    ann = dial(target.address).hello()
    said = [{"type": kind, "id": 2**53 - 1, "n": 0} for kind in ("credit", "cancel", "item", "end")]
    with target.attacked("streams of nobody") as report:
        for _ in range(500):
            with contextlib.suppress(TimeoutError):
                ann.send(*said * 5)
                ann.emit("echo", 1)
            ends = [message for message in ann.pending if message["type"] == "end"]
            assert all(end["error"]["code"] == "NOT_FOUND" for end in ends)
            assert len(ends) == 10
            forget(ann)
        report.figure = "10,000 messages"

"""Peers that take their time: slow heads, slow frames, silence, and half-open links."""

from __future__ import annotations

import time

from bench.crowd import HEAD, TEXT, UPGRADE, Crowd, frame, text
from tests.patience import PATIENCE

from .target import MIB, Target

LIMITS = {"hello_ms": 1500, "ping_ms": 1500, "silence_ms": 2500, "resume_ms": 4500, "close_ms": 500}
HELLO = LIMITS["hello_ms"] / 1000
LIFE = (LIMITS["ping_ms"] + LIMITS["silence_ms"]) / 1000


def trickle(crowd: Crowd, data: bytes, pause: float) -> float:
    """Send one byte at a time on every connection until the server has closed them all; seconds it took."""
    began = time.monotonic()
    for at in range(len(data)):
        for member in crowd.members:
            if member.sock is not None and member.close_code is None and member.status in (0, 101):
                member.raw(data[at : at + 1])
        crowd.serve(pause)
        if not any(member.sock is not None for member in crowd.members):
            return time.monotonic() - began
        assert time.monotonic() - began < PATIENCE, "slow peers were kept beyond their deadline"
    raise AssertionError("all was sent, and they are still here")


def test_one_byte_at_a_time_in_the_head(target: Target) -> None:
    """500 heads of which a byte comes four times a second: 408, when the time for the hello is over."""
    with Crowd(target.address) as crowd, target.attacked("slow head") as report:
        crowd.add(500)
        for member in crowd.members:
            member.connect(HEAD[:1])
        took = trickle(crowd, HEAD[1:], 0.25)
        assert took >= HELLO - 0.3
        assert {member.status for member in crowd.members} == {408}
        report.figure = f"500 heads, 4 bytes a second; 408 after {took:.1f} s"
    target.until("all gone", lambda seen: seen["current_connections"] == 2)


def test_one_byte_at_a_time_in_the_hello(target: Target) -> None:
    """Bytes of a `hello` that never ends are no hello: 4001."""
    with Crowd(target.address) as crowd, target.attacked("slow hello") as report:
        crowd.add(500)
        crowd.connect(crowd.members, UPGRADE)
        assert {member.status for member in crowd.members} == {101}
        took = trickle(crowd, frame(TEXT, b" " * 1000), 0.25)
        assert {member.close_code for member in crowd.members} == {4001}
        report.figure = f"500 hellos, 4 bytes a second; 4001 after {took:.1f} s"
    target.until("all gone", lambda seen: seen["current_connections"] == 2)


def test_one_byte_at_a_time_in_a_frame(target: Target) -> None:
    """After `welcome` any byte is life. What it costs is what came, not the megabyte that was announced."""
    head = frame(TEXT, b"x" * MIB)[:14]
    with Crowd(target.address) as crowd, target.attacked("slow frame") as report:
        crowd.add(500)
        crowd.connect(crowd.members, UPGRADE + text({"type": "hello"}))
        crowd.run(lambda: all(member.session for member in crowd.members), what="welcome")
        for member in crowd.members:
            member.raw(head)
        end = time.monotonic() + LIFE + 1
        while time.monotonic() < end:
            for member in crowd.members:
                member.raw(b"x")
            crowd.serve(0.25)
        assert crowd.connected == 500, "a byte is life"
        report.figure = f"500 frames of 1 MiB announced, 4 bytes a second, for {LIFE + 1:.0f} s"
    target.until("all gone", lambda seen: seen["current_sessions"] == 2)


def test_connect_and_say_nothing(target: Target) -> None:
    """2,000 connections without a byte: closed without a word when the time for the head is over."""
    with Crowd(target.address) as crowd, target.attacked("say nothing", grows=16 * MIB) as report:
        crowd.add(2000)
        for member in crowd.members:
            member.connect(b"")
        began = time.monotonic()
        crowd.run(lambda: crowd.connected == 0, PATIENCE, "the end of silent connections")
        report.figure = f"2,000 connections; all closed {time.monotonic() - began:.1f} s after the last came"
        assert not any(member.heard_any for member in crowd.members)
    target.until("all gone", lambda seen: seen["current_connections"] == 2)


def test_half_open_after_welcome(target: Target) -> None:
    """The peer is gone and its link does not say so: 4001, then the session ends with its window."""
    with Crowd(target.address) as crowd, target.attacked("half-open", grows=16 * MIB) as report:
        crowd.add(500)
        crowd.connect(crowd.members, UPGRADE + text({"type": "hello"}))
        crowd.run(lambda: all(member.session for member in crowd.members), what="welcome")
        before = target.metrics()
        began = time.monotonic()
        # Nothing is read and nothing answered from here on, as by a machine whose cable was pulled.
        silent = 'closed_total{code="4001"}'
        target.until("noticed", lambda seen: seen.get(silent, 0) >= before.get(silent, 0) + 500)
        report.figure = (
            f"500 sessions; noticed within {time.monotonic() - began:.1f} s ({LIFE:g} s are the setting)"
        )
        target.until("over", lambda seen: seen["current_sessions"] == 2)
    target.until("all gone", lambda seen: seen["current_connections"] == 2)

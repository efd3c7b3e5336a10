"""More connections than are allowed, from one address and from many."""

from __future__ import annotations

import time

from bench.crowd import UPGRADE, Crowd, text
from tests.wire.client import Client

from .target import Target

LIMITS = {"connections": 400, "connections_per_address": 100, "sessions_per_address": 150, "hello_ms": 3000}

ROUNDS = 100


def test_more_connections_than_allowed_from_one_address(target: Target) -> None:
    """100 from one address; the others get 503 and a delay. Other addresses notice nothing."""
    with Crowd(target.address) as crowd, target.attacked("connections of one address") as report:
        crowd.add(300)
        crowd.connect(crowd.members, UPGRADE, source="127.0.0.9")
        statuses = [member.status for member in crowd.members]
        assert statuses.count(101) == 100
        assert statuses.count(503) == 200
        refused = next(member for member in crowd.members if member.status == 503)
        assert b"connections_per_address" in refused.buffer or refused.sock is None
        report.figure = f"{statuses.count(101)} let in, {statuses.count(503)} refused with 503"
        target.until("only those", lambda seen: seen["current_connections"] == 102)
    target.until("all gone", lambda seen: seen["current_connections"] == 2)


def test_more_connections_than_allowed_from_many_addresses(target: Target) -> None:
    """398 beside the pair are let in, some are told why not, and beyond that the door is shut."""
    with Crowd(target.address) as crowd, target.attacked("connections of many addresses") as report:
        crowd.add(1200)
        for number, member in enumerate(crowd.members):
            member.connect(UPGRADE, source=f"127.0.1.{1 + number % 20}")
            if number % 100 == 99:
                crowd.run(lambda: all(m.status or m.sock is None for m in crowd.members), what="an answer")
        statuses = [member.status for member in crowd.members]
        assert statuses.count(101) == 398
        assert statuses.count(503) + statuses.count(0) == 802
        assert statuses.count(503) > 0
        report.figure = f"{statuses.count(101)} let in, {statuses.count(503)} 503, {statuses.count(0)} closed"
        again = Crowd(target.address)
        with again:
            again.add(1)
            again.connect(again.members, UPGRADE, source="127.0.2.1")
            assert again.members[0].status != 101
    target.until("all gone", lambda seen: seen["current_connections"] == 2)
    Client(target.address).hello().close()


def test_connecting_without_an_end(target: Target) -> None:
    """Connect, cut, and again, 6,400 times: whoever is inside goes on."""
    count = 0
    with Crowd(target.address) as crowd, target.attacked("connecting without an end") as report:
        members = crowd.add(64)
        began = time.monotonic()
        while count < 64 * ROUNDS:
            crowd.connect(members, UPGRADE, source=f"127.0.3.{1 + count // 64 % 200}")
            for member in members:
                member.cut()
            count += len(members)
        report.figure = (
            f"{count / (time.monotonic() - began):,.0f} connections a second, each cut after its handshake"
        )
    target.until("all gone", lambda seen: seen["current_connections"] == 2)


def test_more_sessions_than_allowed_from_one_address(target: Target) -> None:
    """Absent sessions count: 4003 for what is over the limit, however it connects."""
    with Crowd(target.address) as crowd, target.attacked("sessions of one address") as report:
        codes: list[int | None] = []
        for _ in range(6):
            fresh = crowd.add(50)
            crowd.connect(fresh, UPGRADE + text({"type": "hello"}), source="127.0.0.7")
            crowd.run(lambda fresh=fresh: all(m.session or m.sock is None for m in fresh), what="an answer")
            codes += [member.close_code for member in fresh]
            for member in fresh:
                member.cut()
        assert codes.count(None) == 150
        assert codes.count(4003) == 150
        report.figure = f"{codes.count(None)} let in, {codes.count(4003)} closed with 4003"

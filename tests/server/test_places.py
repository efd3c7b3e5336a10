"""Places beside rtcore's own requests, and at the door: whoever uses up its share, others are served."""

from __future__ import annotations

import math
from typing import Any

import trio
import trio.testing

from rtcore._backend.hypercorn import HypercornBackend
from rtcore._backend.interface import Peer
from rtcore._backend.places import Bounds, Handshakes, Patience, Places
from rtcore._ground.failures import Failures
from rtcore.http_api.keys import read_keys

KEY = "a-key-of-these-tests-0123456789abcdef"
KEYS = read_keys([{"key": KEY, "name": "news"}, {"key": KEY[::-1], "name": "shop"}])
SITE = b"POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx"
PROBE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def api(key: str = KEY) -> bytes:
    fields = f"Host: localhost\r\nAuthorization: Bearer {key}\r\nContent-Length: 2\r\n"
    return f"POST /rt/api/publish HTTP/1.1\r\n{fields}\r\n{{}}".encode()


def many(places: Places, head: bytes, address: str, most: int = 1000) -> list[Any]:
    taken = []
    while len(taken) < most and (place := places.take(head, address)) is not None:
        taken.append(place)
    return taken


def test_slow_bodies_of_one_address_leave_place_for_another_for_probes_and_for_backends() -> None:
    places = Places(Bounds(limit=100, kept=8, percent=50), KEYS)
    slow = many(places, SITE, "10.0.0.1")
    assert len(slow) == 50
    assert places.take(SITE, "10.0.0.2") is not None
    for head in (PROBE, PROBE.replace(b"healthz", b"metrics?x=1"), api()):
        assert places.take(head, "10.0.0.1") is not None
    for give_back in slow:
        give_back()
    assert places.take(SITE, "10.0.0.1") is not None


def test_when_all_places_are_taken_those_that_are_kept_are_left() -> None:
    places = Places(Bounds(limit=100, kept=8, percent=50), KEYS)
    taken = [place for at in range(4) for place in many(places, SITE, f"10.0.0.{at}")]
    assert len(taken) == 100
    assert places.take(PROBE, "10.0.0.9") is not None
    assert places.take(api(), "10.0.0.9") is not None


def test_one_address_has_half_of_the_places_kept_for_probes() -> None:
    places = Places(Bounds(limit=2, kept=8, percent=50), KEYS)
    many(places, SITE, "10.0.0.1")
    many(places, SITE, "10.0.0.2")
    assert len(many(places, PROBE, "10.0.0.1")) == 4
    assert places.take(PROBE, "10.0.0.3") is not None
    assert places.take(api(), "10.0.0.1") is not None


def test_one_key_has_half_of_the_places_kept_for_backends() -> None:
    places = Places(Bounds(limit=2, kept=8, percent=50), KEYS)
    many(places, SITE, "10.0.0.1")
    many(places, SITE, "10.0.0.2")
    assert len(many(places, api(), "10.0.0.1")) == 4
    assert places.take(api(KEY[::-1]), "10.0.0.1") is not None


def test_a_place_is_kept_only_for_whom_it_is_for() -> None:
    """A guess at a key, a probe with a body that could drip, and a path that only looks like one."""
    places = Places(Bounds(limit=2, kept=8, percent=50), KEYS)
    many(places, SITE, "10.0.0.1")
    many(places, SITE, "10.0.0.2")
    probe_with_body = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    chunked = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    for head in (
        api("guessed"),
        SITE,
        probe_with_body,
        chunked,
        PROBE.replace(b"healthz", b"healthz/x"),
        b"",
    ):
        assert places.take(head, "10.0.0.3") is None


def test_a_network_of_ipv6_is_one_address() -> None:
    places = Places(Bounds(limit=100, kept=8, percent=50))
    taken = sum(len(many(places, SITE, f"2001:db8::{at:x}", 10)) for at in range(1, 20))
    assert taken == 50
    assert places.take(SITE, "2001:db8:0:1::1") is not None


def test_every_place_comes_back() -> None:
    places = Places(Bounds(limit=100, kept=8, percent=50), KEYS)
    for _ in range(3):
        taken = [place for head in (SITE, PROBE, api()) for place in many(places, head, "10.0.0.1")]
        for give_back in taken:
            give_back()
        assert not places._held


async def swallow(_scope: Any, receive: Any, _send: Any) -> None:
    while (await receive())["type"] == "http.request":
        pass


async def test_a_body_that_drips_ends_as_a_whole(autojump_clock: trio.testing.MockClock) -> None:
    """A byte each twenty seconds is life, and no reason to keep a place for an hour."""
    backend = HypercornBackend(
        swallow,
        state={},
        max_message=1 << 20,
        bounds=Bounds(10, 2, 50),
        patience=Patience(30.0, 1024),
        log_access=False,
        failures=Failures(),
    )
    async with trio.open_nursery() as nursery:
        ours, theirs = trio.testing.memory_stream_pair()
        nursery.start_soon(backend.serve, theirs, SITE, Peer("192.0.2.7", 4321))
        with trio.move_on_after(600):
            try:
                while True:
                    await trio.sleep(20)
                    await ours.send_all(b"y")
            except trio.BrokenResourceError:
                pass
        await backend.wait_idle()
        assert trio.current_time() < 3 * Patience().seconds


async def test_a_large_body_that_comes_has_what_time_it_takes(autojump_clock: trio.testing.MockClock) -> None:
    patience = Patience(30.0, 1024)
    assert patience.until(0.0, 0) == 30.0
    assert patience.until(0.0, 1 << 20) == 30.0 + 1024
    assert math.isfinite(patience.until(5.0, 1))
    await trio.lowlevel.checkpoint()


async def test_handshakes_that_say_nothing_push_out_each_other_and_nobody_else() -> None:
    handshakes = Handshakes(limit=30, per_address=10)
    ended: list[str] = []

    async def silent(name: str, address: str) -> None:
        with handshakes.one(address, 1000) as scope:
            await trio.sleep_forever()
        assert scope.cancelled_caught
        ended.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(silent, "other", "10.0.0.9")
        await trio.testing.wait_all_tasks_blocked()
        for n in range(200):
            nursery.start_soon(silent, f"{n}", "10.0.0.1")
            await trio.testing.wait_all_tasks_blocked()
            assert len(handshakes) <= 11
        assert ended == [f"{n}" for n in range(190)]
        # Somebody of the same address who speaks comes in, and is gone before the next one needs the place.
        with handshakes.one("10.0.0.1", 1000) as scope:
            await trio.lowlevel.checkpoint()
        assert not scope.cancelled_caught
        for at in range(40):
            nursery.start_soon(silent, "many", f"10.0.1.{at}")
            await trio.testing.wait_all_tasks_blocked()
            assert len(handshakes) <= 30
        nursery.cancel_scope.cancel()
    assert len(handshakes) == 0
    assert not handshakes._of


async def test_a_handshake_has_its_time(autojump_clock: trio.testing.MockClock) -> None:
    handshakes = Handshakes(limit=0, per_address=0)
    with handshakes.one("10.0.0.1", 10) as scope:
        await trio.sleep(1000)
    assert scope.cancelled_caught
    assert trio.current_time() == 10

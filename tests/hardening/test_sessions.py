"""Peers that speak well and mean ill: ids said again, keys guessed, handlers kept busy."""

from __future__ import annotations

import secrets
import time

import pytest

from tests.patience import PATIENCE
from tests.wire.client import Client, Closed

from .conftest import Dial
from .target import MIB, Target

LIMITS = {"ping_ms": 2000, "silence_ms": 4000, "resume_ms": 6500}


def quiet(client: Client) -> None:
    """Forget what was heard, so that a long attack does not fill the attacker."""
    client.heard.clear()
    client.pending.clear()
    client.data_frames.clear()


def test_ids_replayed(target: Target, dial: Dial) -> None:
    """The same request 10,000 times: done once, and answered each time with the same ack."""
    ann = dial(target.address).hello()
    with target.attacked("ids replayed") as report:
        request = {"type": "emit", "id": 1, "event": "count", "data": "replayed"}
        acks = []
        assert ann.emit("count", "replayed") == 1
        for _ in range(100):
            ann.send(*[request] * 100)
            for _ in range(100):
                acks.append(ann.ack(1)["data"])
            quiet(ann)
        assert acks == [1] * 10_000
        # Beyond the acks that are kept an old id is refused, and still not done again.
        for number in range(2, 400):
            ann.send({"type": "emit", "id": number, "event": "echo", "data": number})
            ann.ack(number)
        ann.send(request)
        assert ann.ack(1)["error"]["code"] == "ACK_EXPIRED"
        ann.ids = 400
        assert ann.emit("counted", "replayed") == 1
        report.figure = "one id 10,000 times; done once; later ACK_EXPIRED"


def test_session_keys_guessed(target: Target, dial: Dial) -> None:
    """2,000 guesses at the key of a session: each gets a session of its own, the victim notices nothing."""
    victim = dial(target.address).hello()
    key = victim.welcome["key"]
    near = key[:-1] + ("A" if key[-1] != "A" else "B")
    guesses = ["", near, key + "A", key[:-1], key.swapcase()]
    guesses += [secrets.token_urlsafe(24) for _ in range(1995)]
    assert key not in guesses
    with target.attacked("session keys guessed", grows=16 * MIB) as report:
        known: set[str] = set()
        for number, guess in enumerate(guesses):
            if number % 20 == 0:
                assert victim.emit("echo", number) == number
            thief = dial(target.address).hello(session=victim.session, key=guess, position=victim.at(0))
            assert thief.welcome["resumed"] is False
            assert thief.session != victim.session
            assert thief.welcome["rooms"] == []
            known.add(thief.session)
            thief.send({"type": "bye"})
            thief.expect_close()
            thief.close()
        assert len(known) == len(guesses)
        assert victim.emit("echo", "still mine") == "still mine"
        target.until("ended", lambda seen: seen["current_sessions"] == 3)
        report.figure = f"{len(guesses):,} guesses; none resumed; a key has {len(key)} characters"
    victim.drop()
    again = dial(target.address).hello(**victim.returning())
    assert again.welcome["resumed"] is True


def test_a_handler_that_never_returns(target: Target, dial: Dial) -> None:
    """100 sessions each ask 100 times for what never ends: each has one running, and is not read any more."""
    with target.attacked("a handler that never returns", grows=16 * MIB) as report:
        peers = [dial(target.address).hello() for _ in range(100)]
        before = target.metrics()
        for peer in peers:
            peer.send(*[{"type": "emit", "event": "never"}] * 100)
        target.until("paused", lambda seen: seen["pauses_total"] >= before["pauses_total"] + 100)
        witness = dial(target.address).hello()
        assert witness.emit("counted", "never begun") == 100
        for peer in peers:
            peer.drop()
        end = time.monotonic() + PATIENCE
        while witness.emit("counted", "never ended") < 100:
            assert time.monotonic() < end, "handlers outlived their sessions"
            witness.listen(0.1)
        report.figure = "100 sessions, 10,000 requests; one runs for each; cancelled with its session"
        witness.close()
    target.until("all gone", lambda seen: seen["current_sessions"] <= 3 and seen["current_waiting"] == 0)


@pytest.mark.parametrize("event", ["raise", "raise-async"])
def test_a_handler_that_raises_each_time(target: Target, dial: Dial, event: str) -> None:
    """2,000 requests whose handler fails: INTERNAL each, a log record each, and the session goes on."""
    ann = dial(target.address).hello()
    with target.attacked(f"a handler that raises ({event})", grows=16 * MIB) as report:
        before = target.metrics()["failed_total"]
        began = time.monotonic()
        codes = []
        for _ in range(40):
            ids = [ann.ask("emit", event=event) for _ in range(50)]
            codes += [ann.ack(number)["error"] for number in ids]
            quiet(ann)
        assert {error["code"] for error in codes} == {"INTERNAL"}
        assert all("on purpose" not in error["message"] for error in codes), "the server's inside is not told"
        assert target.metrics()["failed_total"] == before + 2000
        assert ann.emit("echo", 1) == 1
        report.figure = f"2,000 requests, {2000 / (time.monotonic() - began):,.0f} a second; INTERNAL each"


def test_sessions_left_behind(target: Target, dial: Dial) -> None:
    """Sessions begun and cut, again and again: they end with the window, and nothing stays."""
    with target.attacked("sessions left behind", grows=16 * MIB) as report:
        for _ in range(2000):
            peer = dial(target.address).hello()
            peer.drop()
        held = target.metrics()["current_sessions"]
        target.until("ended", lambda seen: seen["current_sessions"] <= 3)
        report.figure = f"2,000 sessions cut; {held:.0f} were held at most, all ended with the window"
    with pytest.raises(Closed):
        dial(target.address).hello(token="x" * 70_000)  # over the limit before `welcome`

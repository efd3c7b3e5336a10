"""Who it is: authenticate, users, tokens that end."""

from __future__ import annotations

import time

import pytest

from .client import Client
from .conftest import Dial
from .server import Server


def test_a_token_gives_a_user(dial: Dial, auth: Server) -> None:
    ann = dial(auth).hello(token="ann")
    assert ann.welcome["user"] == "ann"
    assert ann.emit("whoami")["user"] == "ann"


@pytest.mark.parametrize("hello", [{}, {"token": None}, {"token": "bad"}])
def test_a_refused_token_is_4501(dial: Dial, auth: Server, hello: dict[str, object]) -> None:
    ann = dial(auth)
    ann.send({"type": "hello", **hello})
    ann.expect_bye(4501)
    assert [message["type"] for message in ann.heard] == ["bye"]


def test_anonymous_is_said_explicitly(dial: Dial, auth: Server) -> None:
    assert dial(auth).hello(token="anonymous").welcome["user"] is None


def test_a_check_that_raises_is_1011_and_never_4501(dial: Dial, auth: Server) -> None:
    """The user database is away: a client must come back later, not ask for a password."""
    ann = dial(auth)
    ann.send({"type": "hello", "token": "broken"})
    ann.expect_bye(1011)
    auth.wait_for("the user database is away")


def test_messages_behind_hello_wait_for_the_word_of_the_application(dial: Dial, auth: Server) -> None:
    ann = dial(auth)
    ann.send({"type": "hello", "token": "ann"}, {"type": "emit", "id": 1, "event": "whoami"})
    ann.welcomed()
    assert ann.result(1)["user"] == "ann"


def test_a_token_that_ends_is_told_before_and_then_closed_with_4005(dial: Dial, auth: Server) -> None:
    before = time.time() * 1000
    ann = dial(auth).hello(token="ann/1300")
    assert before + 1200 <= ann.welcome["expires"] <= time.time() * 1000 + 1300  # what is told, not when
    expiring = ann.expect("expiring")
    assert expiring["at"] == ann.welcome["expires"]
    assert ann.closed is None
    ann.expect_bye(4005)
    assert time.time() * 1000 >= ann.welcome["expires"] - 50


def test_an_expired_session_comes_back_with_a_fresh_token(dial: Dial, auth: Server) -> None:
    ann = dial(auth).hello(token="ann/200")
    ann.expect_bye(4005)
    again = dial(auth).hello(token="ann", **ann.returning())
    assert again.welcome["resumed"] is True
    assert again.session == ann.session


def test_auth_gives_a_fresh_token_in_time(dial: Dial, auth: Server) -> None:
    ann = dial(auth).hello(token="ann/600")
    ann.expect("expiring")
    later = ann.ok("auth", token="ann/60000")
    assert later["expires"] > ann.welcome["expires"] + 50_000
    # Past the end of the first token the session is still served.
    while time.time() * 1000 < ann.welcome["expires"] + 100:
        assert ann.emit("echo-async", 1) == 1
    assert ann.emit("whoami")["user"] == "ann"


def test_auth_without_an_end_says_so(dial: Dial, auth: Server) -> None:
    ann = dial(auth).hello(token="ann/60000")
    assert ann.ok("auth", token="ann")["expires"] is None


def test_auth_is_done_again_when_sent_again(dial: Dial, auth: Server) -> None:
    ann = dial(auth).hello(token="ann/60000")
    number = ann.ask("auth", token="ann/90000")
    first = ann.result(number)
    ann.send({"type": "auth", "id": number, "token": "ann"})
    assert ann.result(number)["expires"] is None
    assert first["expires"] is not None


def test_everything_said_to_a_user_is_heard_by_each_of_its_sessions(
    dial: Dial, auth: Server, name: str
) -> None:
    ann, ann_too, bob = (dial(auth).hello(token=user) for user in (name, name, "bob"))
    bob.emit("say-user", [name, "psst"])
    for one in (ann, ann_too):
        event = one.expect("event", room=f"$user/{name}")
        assert event["data"] == "psst"
        assert event["from"] is None
    bob.fence()
    bob.none("event", room=f"$user/{name}")


def test_what_was_said_to_a_user_is_made_up_for_on_resume(dial: Dial, auth: Server, name: str) -> None:
    ann, bob = dial(auth).hello(token=name), dial(auth).hello(token="bob")
    ann.drop()
    bob.emit("say-user", [name, "while you were away"])
    again = dial(auth).hello(token=name, **ann.returning())
    assert again.expect("event", room=f"$user/{name}")["data"] == "while you were away"


def test_in_a_fresh_session_the_position_counts_for_the_user(dial: Dial, auth: Server, name: str) -> None:
    ann, bob = dial(auth).hello(token=name), dial(auth).hello(token="bob")
    position = ann.at(ann.welcome["seq"])
    bob.emit("say-user", [name, "while nobody was here"])
    other = dial(auth).hello(token=name, session="over", key="over", position=position)
    assert other.welcome["resumed"] is False
    assert other.expect("event", room=f"$user/{name}")["data"] == "while nobody was here"
    stranger = dial(auth).hello(token=f"{name}-stranger", session="over", key="over", position=position)
    stranger.fence()
    stranger.none("event", room=f"$user/{name}")


def test_members_and_events_tell_the_user(dial: Dial, auth: Server, room: str) -> None:
    ann = dial(auth).hello(token="ann")
    joined = ann.join(room)
    assert [(m["session"], m["user"]) for m in joined["members"]] == [(ann.session, "ann")]
    ann.publish(room, 1)
    assert ann.expect("event", room=room)["from"] == {"session": ann.session, "user": "ann"}


def session_of(client: Client) -> tuple[str, str]:
    return client.welcome["session"], client.welcome["key"]


def test_the_token_of_another_user_gets_a_fresh_session(dial: Dial, auth: Server) -> None:
    """Resumes with another's key: must not become the other."""
    ann = dial(auth).hello(token="ann")
    thief = dial(auth).hello(token="bob", **ann.returning())
    assert thief.welcome["resumed"] is False
    assert thief.welcome["user"] == "bob"
    assert session_of(thief) != session_of(ann)
    assert ann.emit("echo", "undisturbed") == "undisturbed"


def test_a_token_is_checked_before_anything_is_taken_over(dial: Dial, auth: Server) -> None:
    ann = dial(auth).hello(token="ann")
    thief = dial(auth)
    thief.send({"type": "hello", "token": "bad", **ann.returning()})
    thief.expect_bye(4501)
    assert ann.emit("echo", "undisturbed") == "undisturbed"


def test_after_the_hello_of_another_user_the_position_counts_for_all(
    dial: Dial, auth: Server, name: str
) -> None:
    ann = dial(auth).hello(token=name)
    bob = dial(auth).hello(token="bob")
    bob.emit("say-all", name)
    other = dial(auth).hello(token=f"{name}-other", **ann.returning())
    assert other.expect("event", room="$all", data=name)

"""What can be registered, and what the core is told of it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

import rtcore
from rtcore import ANONYMOUS, Access, App, Position, Refuse, UsageError, User
from rtcore._app.registry import registered
from rtcore._app.rights import access, expires_ms, grant_words


def test_the_plan_of_an_application() -> None:
    app = App()
    app.rooms("news:*", history=10, age=1.5, policy="latest", key="ticker")
    app.rooms("tea", relay=True)

    @app.authorize("news:vip:*")
    def may(session: Any, join: Any) -> bool:
        return True

    @app.state("doc:*")
    def state(room: Any) -> None: ...

    @app.on("b")
    def b(session: Any) -> None: ...

    @app.on("a")
    def a(session: Any) -> None: ...

    @app.websocket("/raw", max_message=10)
    def raw(socket: Any, message: Any) -> None: ...

    plan = registered(app).plan()
    rooms = {room.pattern: room for room in plan.rooms}
    assert plan.events == [("b", False), ("a", False)]
    assert plan.raws == [("/raw", 10)]
    assert not plan.authenticates
    assert rooms["tea"].relay
    assert rooms["tea"].grants == ["publish", "presence", "history"]
    assert rooms["news:*"].age_ms == 1500
    assert not rooms["news:*"].authorize
    # Named by its authorizer only: it has the settings of the pattern that covers it.
    assert rooms["news:vip:*"].authorize
    assert rooms["news:vip:*"].count == 10
    assert rooms["doc:*"].state
    assert rooms["doc:*"].grants == ("presence", "history")


def test_each_thing_is_registered_once() -> None:
    app = App()
    app.rooms("a")
    with pytest.raises(UsageError, match="already"):
        app.rooms("a")
    app.on("e")(lambda session: None)
    with pytest.raises(UsageError, match="already"):
        app.on("e")(lambda session: None)
    app.authenticate(lambda hello: ANONYMOUS)
    with pytest.raises(UsageError, match="already"):
        app.authenticate(lambda hello: ANONYMOUS)
    app.websocket("/p")(lambda socket, message: None)
    with pytest.raises(UsageError, match="already"):
        app.websocket("/p")(lambda socket, message: None)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda app: app.rooms("a", policy="none"),
        lambda app: app.rooms("a", history=-1),
        lambda app: app.rooms("a", grants=["fly"]),
        lambda app: app.websocket("raw")(lambda socket, message: None),
        lambda app: app.websocket("/rt/x")(lambda socket, message: None),
        lambda app: app.websocket("/x")(lambda socket: None),
        lambda app: app.background(lambda app: None),
        lambda app: app.on("$own")(lambda session: None),
        lambda app: app.authenticate(lambda: None),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_written(wrong: Any) -> None:
    with pytest.raises(UsageError):
        wrong(App())


def test_a_coroutine_gives_no_state() -> None:
    async def state(room: Any) -> None: ...

    with pytest.raises(UsageError, match="plain"):
        App().state("a")(state)


def test_nothing_is_registered_once_it_is_served() -> None:
    app = App()
    registered(app).plan()
    with pytest.raises(UsageError, match="too late"):
        app.on("e")(lambda session: None)


def test_nobody_can_be_spoken_to_before_it_is_served() -> None:
    with pytest.raises(rtcore.NotServing):
        App().room("a")
    with pytest.raises(rtcore.NotServing):
        _ = App().sessions


@pytest.mark.parametrize(
    ("answer", "grants"),
    [
        (True, None),
        (["publish"], ["publish"]),
        ("history", ["history"]),
        (Access(), None),
        (Access(grants=()), []),
    ],
)
def test_a_yes(answer: Any, grants: Any) -> None:
    allowed = access(answer)
    assert allowed is not None
    assert allowed.grants == grants


def test_a_no_and_nonsense() -> None:
    assert access(False) is None
    assert access(None) is None
    for nonsense in (1, "fly", ["fly"], Access(grants=["fly"]), object()):
        with pytest.raises(UsageError):
            access(nonsense)
    assert grant_words("publish") == ["publish"]


def test_users() -> None:
    assert expires_ms(User("a", 1.5)) == 1500
    assert expires_ms(User("a", datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC))) == 86_400_000
    assert ANONYMOUS.id is None
    for wrong in ("", "x" * 250):
        with pytest.raises(UsageError):
            User(wrong)
    with pytest.raises(UsageError, match="zone"):
        User("a", datetime.datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_positions() -> None:
    position = Position("k3f9.124")
    assert (position.epoch, position.seq, position) == ("k3f9", 124, "k3f9.124")
    for wrong in ("", "k3f9", "K.1", "a.01", "a.-1", "a.1\n"):
        with pytest.raises(UsageError):
            Position(wrong)


def test_refusals_have_codes_in_capitals() -> None:
    refusal = Refuse("SOLD_OUT", "no more tea", {"left": 0}, retry=True)
    assert (refusal.code, refusal.message, refusal.details, refusal.retry) == (
        "SOLD_OUT",
        "no more tea",
        {"left": 0},
        True,
    )
    for wrong in ("sold_out", "", "1A", "A B", "A" * 65, "A\n"):
        with pytest.raises(UsageError):
            Refuse(wrong)

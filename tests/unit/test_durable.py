"""What an application says of durable rooms and handlers, and what is refused at once, with what to do."""

from __future__ import annotations

import re

import pytest

import rtcore
from rtcore._app.registry import registered
from rtcore._turn.dispatch import Runtime
from rtcore.errors import ConfigError, UsageError


def plan_of(app: rtcore.App, pattern: str) -> object:
    found = registered(app).room_plans.find(pattern)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("given", "sure"), [(True, "full"), ("full", "full"), ("normal", "normal"), (False, ""), ("off", "")]
)
def test_how_sure_an_entry_is(given: bool | str, sure: str) -> None:
    app = rtcore.App()
    app.rooms("orders:*", durable=given)
    assert plan_of(app, "orders:*").durable == sure  # type: ignore[attr-defined]


@pytest.mark.parametrize("given", ["yes", "FULL", 1, None, "", [True]])
def test_another_word_is_refused(given: object) -> None:
    with pytest.raises(UsageError, match='True, False, "full" or "normal"'):
        rtcore.App().rooms("orders:*", durable=given)  # type: ignore[arg-type]


def test_how_much_stays() -> None:
    app = rtcore.App()
    app.rooms("orders:*", durable=True, keep=rtcore.Keep(age=90.5, count=1000, bytes=1 << 30))
    plan = plan_of(app, "orders:*")
    assert (plan.keep_age_ms, plan.keep_count, plan.keep_bytes) == (90_500, 1000, 1 << 30)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        ({"age": -1}, "age"),
        ({"age": "1 d"}, "age"),
        ({"count": 0}, "count"),
        ({"count": 1.5}, "count"),
        ({"bytes": 0}, "bytes"),
        ({"bytes": True}, "bytes"),
    ],
)
def test_a_limit_that_is_none_is_refused(limits: dict[str, object], what: str) -> None:
    with pytest.raises(UsageError, match=f"the {what} of rtcore.Keep"):
        rtcore.Keep(**limits)  # type: ignore[arg-type]


def test_limits_on_disk_of_a_room_in_memory_are_refused() -> None:
    """They would bound nothing, and nobody would see it."""
    with pytest.raises(UsageError, match="not durable"):
        rtcore.App().rooms("tea", keep=rtcore.Keep(count=5))
    with pytest.raises(UsageError, match=r"rtcore\.Keep"):
        rtcore.App().rooms("tea", durable=True, keep=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("own", ["$user/*", "$all"])
def test_rooms_of_rtcores_own_may_be_durable(own: str) -> None:
    app = rtcore.App()
    app.rooms(own, durable="normal")
    assert plan_of(app, own).durable == "normal"  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="already"):
        app.rooms(own, durable=True)
    with pytest.raises(UsageError, match="rtcore's own"):
        rtcore.App().rooms(own)


@pytest.mark.parametrize("own", ["$user/ann", "$sync/*", "$*", "$"])
def test_no_other_room_of_rtcores_own(own: str) -> None:
    with pytest.raises(UsageError, match="rtcore's own"):
        rtcore.App().rooms(own, durable=True)


def test_a_durable_handler_says_so() -> None:
    app = rtcore.App()

    @app.on("buy", durable=True)
    async def buy(session: rtcore.Session) -> None: ...

    @app.on("look")
    async def look(session: rtcore.Session) -> None: ...

    assert registered(app).plan().events == [("buy", True), ("look", False)]
    with pytest.raises(UsageError, match="True or False"):
        rtcore.App().on("buy", durable="full")(lambda session: None)  # type: ignore[arg-type]


def test_what_is_durable_needs_a_folder_and_is_told_how_to_give_one() -> None:
    rooms, handlers = rtcore.App(), rtcore.App()
    rooms.rooms("orders:*", durable=True)
    rooms.rooms("notes:*", durable="normal")

    @handlers.on("buy", durable=True)
    async def buy(session: rtcore.Session) -> None: ...

    wanted = {"rooms 'orders:*' (and 1 more)": rooms, "the handler of 'buy'": handlers}
    for what, app in wanted.items():
        with pytest.raises(ConfigError, match=re.escape(what)) as caught:
            Runtime(app)
        for way in ("--data ./data", 'data = "./data"', "RTCORE_DATA=./data"):
            assert way in str(caught.value)

"""Background tasks that fail: reported, started again, and none of them ends the server by itself."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

import rtcore
from rtcore._app.background import FIRST, LONGEST
from rtcore._app.registry import registered
from rtcore.testing import memory_server

ALL = [
    LookupError("mine"),
    SystemExit(2),
    ExceptionGroup("several", [LookupError("one"), ValueError("two")]),
    BaseExceptionGroup("worse", [LookupError("one"), SystemExit(2)]),
    rtcore.Refuse("NO", "nobody to refuse"),
    trio.TooSlowError(),
]


def failing(error: BaseException, critical: bool = False) -> tuple[rtcore.App, list[float]]:
    """An application whose task fails at once, and when it was begun."""
    app, began = rtcore.App(), list[float]()

    async def fetch(_: rtcore.App) -> None:
        began.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        raise error

    app.background(critical=critical)(fetch)

    @app.on("echo")
    def echo(session: rtcore.Session, data: Any) -> Any:
        return data

    return app, began


@pytest.mark.parametrize("error", ALL, ids=lambda error: type(error).__name__)
async def test_a_task_that_fails_starts_again_and_the_server_serves(
    error: BaseException, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """One answer of a login service that is away must not end a server with a thousand users."""
    app, began = failing(error)
    async with memory_server(app) as server:
        client = await server.welcomed()
        await trio.sleep(3600)
        assert await client.ask("emit", event="echo", data=1) == 1
        metrics = server.runtime.metrics().decode()
    waits = [later - one for one, later in itertools.pairwise(began)]
    assert FIRST / 2 <= waits[0] <= FIRST
    assert all(FIRST / 2 <= wait <= LONGEST for wait in waits)
    assert all(wait >= LONGEST / 2 for wait in waits[8:])
    assert "fetch failed" in caplog.text
    assert any(record.exc_info for record in caplog.records)
    (line,) = [line for line in metrics.splitlines() if line.startswith("rtcore_background_failures_total{")]
    assert 'fetch"} ' in line
    assert int(line.rpartition(" ")[2]) == len(began)


async def test_who_has_worked_for_long_begins_anew(autojump_clock: trio.abc.Clock) -> None:
    app, began = rtcore.App(), list[float]()

    @app.background
    async def sometimes(_: rtcore.App) -> None:
        began.append(trio.current_time())
        await trio.sleep(LONGEST + 0.1)
        raise LookupError

    async with memory_server(app):
        await trio.sleep(1000)
    assert all(later - one <= LONGEST + FIRST + 0.2 for one, later in itertools.pairwise(began))


async def test_one_that_returns_is_done(autojump_clock: trio.abc.Clock) -> None:
    app, calls = rtcore.App(), list[int]()

    @app.background
    async def once(_: rtcore.App) -> None:
        calls.append(1)

    async with memory_server(app) as server:
        await server.welcomed()
        await trio.sleep(1000)
    assert calls == [1]


@pytest.mark.parametrize("error", ALL, ids=lambda error: type(error).__name__)
async def test_a_critical_one_ends_the_server(error: BaseException, autojump_clock: trio.abc.Clock) -> None:
    app, began = failing(error, critical=True)
    with pytest.raises(BaseException) as raised:
        async with memory_server(app):
            await trio.sleep(1000)
    assert len(began) == 1
    assert str(error) in repr(raised.value) or raised.group_contains(type(error))


async def test_a_failure_beside_a_cancellation_is_reported_and_it_ends(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    app = rtcore.App()

    @app.background
    async def stubborn(_: rtcore.App) -> None:
        async def fail() -> None:
            try:
                await trio.sleep_forever()
            finally:
                raise LookupError("in its end")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)
            nursery.start_soon(trio.sleep_forever)

    with trio.fail_after(100):
        async with memory_server(app) as server:
            await server.welcomed()
    assert "in its end" in caplog.text


async def test_its_own_timeout_is_its_own(autojump_clock: trio.abc.Clock) -> None:
    app, seen = rtcore.App(), list[str]()

    @app.background
    async def patient(_: rtcore.App) -> None:
        with trio.move_on_after(1):
            await trio.sleep_forever()
        seen.append("went on")
        await trio.sleep_forever()

    async with memory_server(app) as server:
        await server.welcomed()
        await trio.sleep(100)
    assert seen == ["went on"]


def test_how_it_is_registered() -> None:
    app = rtcore.App()

    @app.background
    async def bare(_: rtcore.App) -> None: ...

    @app.background()
    async def called(_: rtcore.App) -> None: ...

    @app.background(critical=True)
    async def critical(_: rtcore.App) -> None: ...

    assert [task.critical for task in registered(app).background_tasks] == [False, False, True]

    async def items(_: rtcore.App) -> AsyncIterator[int]:
        yield 1

    for wrong in (print, lambda app: None, items, None, 5):
        with pytest.raises(rtcore.UsageError):
            app.background()(wrong)  # type: ignore[type-var,arg-type]

"""Who waits for the disk while a server starts and ends: lifespans, and handlers that are cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import trio

import rtcore
from rtcore.testing import connect_tcp
from tests.patience import PATIENCE


async def test_a_lifespan_keeps_something_before_anybody_comes_and_after_all_went(
    tmp_path: Path,
) -> None:
    """Nothing moved the core there, and so the publish waited for ever."""
    app = rtcore.App()
    app.rooms("kept", durable=True)
    said: list[int] = []

    @app.lifespan
    async def around(_: rtcore.App) -> AsyncIterator[None]:
        said.append((await app.room("kept").publish("up")).seq)
        yield
        said.append((await app.room("kept").publish("down")).seq)

    for _ in range(2):
        stop = rtcore.Stop()
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                serve = partial(rtcore.serve, app, port=0, data=str(tmp_path / "data"), stop=stop)
                await nursery.start(serve)
                stop.ask()
    assert len(said) == len(set(said)) == 4
    assert said == sorted(said)


async def test_a_handler_that_is_cancelled_has_its_word_kept(tmp_path: Path) -> None:
    """It says it when everything ends at once, and knows of it."""
    app = rtcore.App()
    app.rooms("kept", durable=True)
    began, said = trio.Event(), list[int]()

    @app.on("work")
    async def work(_: rtcore.Session) -> None:
        try:
            began.set()
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                said.append((await app.room("kept").publish("cut short")).seq)

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            addresses = await nursery.start(partial(rtcore.serve, app, port=0, data=str(tmp_path / "data")))
            async with connect_tcp("127.0.0.1", addresses[0].port) as client:
                await client.hello()
                await client.begin("emit", event="work")
                await began.wait()
                nursery.cancel_scope.cancel()
    assert len(said) == 1

"""Libraries of asyncio in handlers, through `rtcore.aio`: SQLAlchemy, redis.asyncio, asyncpg."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio
import trio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

import rtcore
from rtcore.testing import memory_server

from . import postgres

LONG = 3600.0


@asynccontextmanager
async def asking(app: rtcore.App) -> AsyncIterator[Any]:
    async with memory_server(app) as server:
        yield await server.welcomed()


# -- SQLAlchemy


class Stock:
    """A table, and an application that sells from it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.inserted = trio.Event()

    async def make(self) -> None:
        async with self.engine.begin() as db:
            await db.execute(text("create table stock (tea varchar(20) primary key, count integer not null)"))
            await db.execute(text("insert into stock values ('oolong', 5)"))

    async def count(self, tea: str) -> int | None:
        async with AsyncSession(self.engine) as db:
            found = await db.execute(text("select count from stock where tea = :tea"), {"tea": tea})
            return found.scalar_one_or_none()

    async def sell(self, tea: str) -> int:
        async with AsyncSession(self.engine) as db, db.begin():
            await db.execute(text("update stock set count = count - 1 where tea = :tea"), {"tea": tea})
            found = await db.execute(text("select count from stock where tea = :tea"), {"tea": tea})
            count: int = found.scalar_one()
            if count < 0:
                raise rtcore.Refuse("SOLD_OUT", f"there is no {tea} left")
            return count

    async def dawdle(self, token: trio.lowlevel.TrioToken) -> None:
        """Sell one, and never come to the end of the transaction."""
        async with AsyncSession(self.engine) as db, db.begin():
            await db.execute(text("update stock set count = 0"))
            token.run_sync_soon(self.inserted.set)
            await asyncio.sleep(LONG)

    def app(self) -> rtcore.App:
        app = rtcore.App()

        @app.on("count")
        async def count(_: rtcore.Session, tea: str) -> int | None:
            return await rtcore.aio(self.count, tea)

        @app.on("sell")
        async def sell(_: rtcore.Session, tea: str) -> int:
            return await rtcore.aio(self.sell(tea))

        return app


async def _sells(engine: AsyncEngine) -> None:
    """Reads and writes, an error of the handler's within a transaction, and one that is cancelled."""
    stock = Stock(engine)
    try:
        await rtcore.aio(stock.make())
        async with asking(stock.app()) as client:
            assert await client.ask("emit", event="count", data="oolong") == 5
            assert await client.ask("emit", event="count", data="'; drop table stock") is None
            assert [await client.ask("emit", event="sell", data="oolong") for _ in range(5)] == [
                4,
                3,
                2,
                1,
                0,
            ]
            refused = await client.answer(await client.begin("emit", event="sell", data="oolong"))
            assert refused["error"]["code"] == "SOLD_OUT"
            assert await client.ask("emit", event="count", data="oolong") == 0, "rolled back"
        await rtcore.aio(_set(engine, 7))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rtcore.aio, stock.dawdle, trio.lowlevel.current_trio_token())
            await stock.inserted.wait()
            nursery.cancel_scope.cancel()
        assert await rtcore.aio(stock.count, "oolong") == 7, "what was cancelled is rolled back"
    finally:
        with trio.CancelScope(shield=True):
            await rtcore.aio(engine.dispose())


async def _set(engine: AsyncEngine, count: int) -> None:
    async with engine.begin() as db:
        await db.execute(text("update stock set count = :count"), {"count": count})


async def test_sqlalchemy_over_aiosqlite(tmp_path: Path) -> None:
    await _sells(create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'stock.db'}"))


# -- asyncpg


@pytest.fixture(scope="module")
def socket_folder(needs: Callable[[str], str]) -> Iterator[str]:
    programs = postgres.found() or Path(needs("initdb")).parent
    with postgres.serving(programs) as folder:
        yield folder


async def test_sqlalchemy_over_asyncpg(socket_folder: str) -> None:
    await _sells(create_async_engine(f"postgresql+asyncpg://postgres@/postgres?host={socket_folder}"))


async def test_a_pool_of_asyncpg_is_made_and_used_in_the_loop(socket_folder: str) -> None:
    """A pool looks for the loop when it is called; a query that is cancelled gives its connection back."""
    pool = await rtcore.aio(asyncpg.create_pool, host=socket_folder, user="postgres", min_size=1, max_size=1)
    assert await rtcore.aio(pool.fetchval, "select $1::int + 1", 4) == 5
    with pytest.raises(asyncpg.UndefinedTableError):
        await rtcore.aio(pool.fetch, "select * from nowhere")
    with trio.move_on_after(0.2) as scope:
        await rtcore.aio(pool.fetchval, "select pg_sleep($1)", LONG)
    assert scope.cancelled_caught
    assert await rtcore.aio(pool.fetchval, "select 1") == 1, "the one connection is free again"
    await rtcore.aio(pool.close)


async def test_a_database_that_is_not_there_is_an_error_of_the_handler() -> None:
    app = rtcore.App()
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))

        @app.on("read")
        async def read(_: rtcore.Session) -> int:
            connect = partial(asyncpg.connect, host="127.0.0.1", port=taken.getsockname()[1], user="x")
            try:
                await rtcore.aio(connect)
            except ConnectionRefusedError:
                raise rtcore.Refuse("UNAVAILABLE", "the database is away", retry=True) from None
            return 1

        async with asking(app) as client:
            answer = await client.answer(await client.begin("emit", event="read"))
    assert answer["error"]["code"] == "UNAVAILABLE"


# -- redis.asyncio


class Redis:
    """As much of Redis as is needed here, in its own protocol (RESP2)."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream, contextlib.aclosing(_lines(stream)) as reader:
            with contextlib.suppress(StopAsyncIteration, trio.BrokenResourceError):
                while True:
                    count = int((await anext(reader))[1:])
                    words = [(await anext(reader), await anext(reader))[1] for _ in range(count)]
                    await stream.send_all(self.done(words[0].upper(), words[1:]))

    def done(self, word: bytes, given: list[bytes]) -> bytes:
        match word:
            case b"SET":
                self.values[given[0]] = given[1]
                return b"+OK\r\n"
            case b"GET":
                value = self.values.get(given[0])
                return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)
            case b"INCRBY":
                value = b"%d" % (int(self.values.get(given[0], b"0")) + int(given[1]))
                self.values[given[0]] = value
                return b":%s\r\n" % value
            case b"CLIENT":
                return b"+OK\r\n"
            case _:
                return b"-ERR unknown command\r\n"


async def _lines(stream: trio.SocketStream) -> AsyncGenerator[bytes]:
    """Its lines. No value of this test has one in it."""
    held = b""
    async for part in stream:
        *lines, held = (held + part).split(b"\r\n")
        for line in lines:
            yield line


async def test_redis() -> None:
    server = Redis()
    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        store = redis.asyncio.Redis(port=port, protocol=2, max_connections=1)
        app = rtcore.App()

        @app.on("visit")
        async def visit(_: rtcore.Session, page: str) -> int:
            return int(await rtcore.aio(store.incr, page))

        async with asking(app) as client:
            assert [await client.ask("emit", event="visit", data="home") for _ in range(3)] == [1, 2, 3]
        await rtcore.aio(store.set("name", "grün"))
        assert await rtcore.aio(store.get("name")) == "grün".encode()
        assert await rtcore.aio(store.get("nothing")) is None
        with pytest.raises(redis.ResponseError, match="unknown command"):
            await rtcore.aio(store.lpop, "name")
        held = trio.Event()

        async def hold(token: trio.lowlevel.TrioToken) -> None:
            async with store.client() as one:
                await one.set("name", "held")
                token.run_sync_soon(held.set)
                await asyncio.sleep(LONG)

        async with trio.open_nursery() as waiting:  # who is cancelled gives the one connection back
            waiting.start_soon(rtcore.aio, hold, trio.lowlevel.current_trio_token())
            await held.wait()
            waiting.cancel_scope.cancel()
        assert await rtcore.aio(store.incr, "home") == 4
        await rtcore.aio(store.aclose())
        nursery.cancel_scope.cancel()

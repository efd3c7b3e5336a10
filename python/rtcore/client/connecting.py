"""`rtcore.connect`: a client for as long as a block runs."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import trio

from rtcore.errors import UsageError

from . import given
from .choice import REMEMBERED, Choice
from .client import Client
from .clock import Names, dice
from .keeping import restore
from .links.compressing import compress_of
from .links.dial import dial as dial_target
from .links.opening import Dial, Opening
from .links.target import target_of
from .links.trio_socket import looked_for
from .machine import Machine
from .outbox import Box, Overflow
from .runner import Runner, Token, TrioClock
from .store import Outbox


def _wall() -> int:
    return int(time.time() * 1000)


@asynccontextmanager
async def connect(
    url: str,
    *,
    token: str | Token | None = None,
    transport: str | Sequence[str] = "hybrid",
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    proxy: str | None = None,
    timeout: float = 5.0,
    connect_timeout: float | None = 10.0,
    queue: int = 100,
    queue_bytes: int = 1 << 20,
    overflow: Overflow | str = Overflow.REJECT,
    outbox: Outbox | None = None,
    attempts: int | None = None,
    wait: bool | None = None,
    compress: bool | str | Sequence[str] = True,
    encoding: str = "json",
    dial: Dial = dial_target,
    wall: Callable[[], int] = _wall,
    seed: int | None = None,
) -> AsyncIterator[Client]:
    """A client, connected while the block runs; it comes back by itself whenever the connection is lost.

        async with rtcore.connect("https://example.org/rt", token=get_token) as client:
            tea = await client.join("tea", last=20)
            async for event in tea: ...

    Args:
        url: `https://HOST/rt` (also `wss:`, `http:`, `ws:`), or `unix:/run/app.sock`. Without a path: `/rt`.
        token: text, or a function (plain or coroutine) that is asked at each attempt; one that takes an
        argument
            is given the token that the server refused, when it is asked once more.
        transport: `hybrid` (the best that works here), or `websocket`, `sse`, `polling`, or several of them;
            or `trio-websocket`, the WebSocket of that library.
        headers: sent with each request.
        tls: another context than the default one.
        proxy: `http://HOST:PORT` or `socks5://HOST:PORT`; None: what the environment says; "": none.
        timeout: seconds that a request may take, where the call does not say.
        connect_timeout: seconds until the first welcome, after which entering the block fails; None: no end.
        queue: how many messages wait while the client is away.
        queue_bytes: how many bytes of them.
        outbox: a file that keeps what is said over the end of the process; its bounds take the place of
        `queue`,
            `queue_bytes` and `overflow`.
        overflow: what is done beyond it: `reject`, `drop_oldest` or `drop_by_key`.
        attempts: after so many failures in a row the client ends; None: never.
        wait: whether entering the block waits until the client is live; None: unless it has an outbox.
        compress: True: whatever both ends know (messages of 1 KiB or more); False: nothing; or names of
            `zstd`, `lz4`, `br`, `gzip` in the order of your wishes, and of `deflate` (permessage-deflate).
        encoding: `json`, or `msgpack` where a WebSocket carries it; plain HTTP speaks JSON.
        dial: for tests: how streams are opened.
        wall: for tests: the wall's clock, in ms.
        seed: for tests: what the dice begin with.

    Raises:
        WrongURL: the address is none.
        UsageError: the token is neither text nor a function, the encoding or the compression is none, or this
            is not Trio.
        OutboxError: the file of the outbox cannot be used.
        ConnectError: the server cannot be reached in time, or refuses.

    """
    _looked_at(token, encoding)
    given.instance(url, "the address", str, "a text, as https://example.org/rt")
    given.seconds(timeout, "timeout")
    if connect_timeout is not None:
        given.seconds(connect_timeout, "connect_timeout", instead=", or None for no limit")
    given.whole(queue, "queue, of messages,", 0)
    given.whole(queue_bytes, "queue_bytes", 0)
    given.one_of(overflow, "overflow", tuple(Overflow))
    if attempts is not None:
        given.whole(attempts, "attempts", 1, instead=", or None for no last one")
    if headers is not None:
        given.instance(headers, "headers", Mapping, 'a mapping, as {"name": "value"}')
    if outbox is not None:
        given.instance(outbox, "outbox", Outbox, 'an outbox, as rtcore.Outbox("outbox.db")')
    if tls is not None:
        given.instance(tls, "tls", ssl.SSLContext, "a context, as of ssl.create_default_context()")
    if wait is not None:
        given.instance(wait, "wait", bool, "True, False, or None")
    given.instance(transport, "transport", Sequence, "a name, or several, best first")
    asked = compress_of(compress)
    if "trio-websocket" in ((transport,) if isinstance(transport, str) else transport):
        looked_for()
    target = target_of(url, headers=headers, tls=tls, proxy=proxy)
    numbers = dice() if seed is None else random.Random(seed)  # noqa: S311 - jitter
    kept = await outbox.start(str(target)) if outbox is not None else None
    box = (
        Box(queue, queue_bytes, Overflow(overflow))
        if outbox is None
        else Box(outbox.messages, outbox.size, outbox.overflow)
    )
    machine = Machine(
        clock=TrioClock(wall),
        dice=numbers,
        names=Names(None if seed is None else numbers.randbytes(16)),
        box=box,
        choice=Choice(
            transport if isinstance(transport, str) else tuple(transport),
            server=str(target),
            memory=REMEMBERED if dial is dial_target else None,  # a test's ways are each its own
        ),
        kept=kept is not None,
        attempts=attempts,
        secret=None if seed is None else random.Random(str(seed)).randbytes,  # noqa: S311 - for tests
    )
    machine.who.compress = asked.ours
    machine.sending.fitting.packed = encoding == "msgpack"
    opening = Opening(target, dial=dial, compress=asked, packed=encoding == "msgpack")
    runner = Runner(machine, opening, token=token, journal=outbox)
    client = Client(machine, runner, timeout=timeout, stored=outbox is not None)
    if kept is not None:
        client._restore(restore(machine, kept))  # noqa: SLF001 - made here
    failed: BaseException | None = None
    async with trio.open_nursery() as nursery:
        client._scope = nursery.cancel_scope  # noqa: SLF001 - made here
        runner.run(nursery)
        machine.hearing.inbox.wake = client._first_heard  # noqa: SLF001 - as above
        machine.start()
        runner.pump()
        try:
            if wait or (wait is None and outbox is None):
                await client.ready(connect_timeout)
            yield client
            await client.close()
        except trio.Cancelled:
            raise  # of a scope around the block, or of the nursery itself
        except BaseException as error:  # noqa: BLE001 - raised below, where no nursery wraps it
            failed = error
        finally:
            await client._end(bye=False)  # noqa: SLF001 - as above
            if outbox is not None:
                outbox.close()
    if failed is not None:
        raise failed


def _looked_at(token: object, encoding: str) -> None:
    """What would fail at each attempt, or with words of another library, is refused at once."""
    try:
        trio.current_time()
    except RuntimeError:
        raise UsageError(
            "rtcore.connect needs a run of Trio, and this is none: write `trio.run(main)` around it. In a "
            "program on asyncio, or without any loop, use rtcore.blocking.connect, in a thread of its own"
        ) from None
    if encoding not in ("json", "msgpack"):
        raise UsageError(f'the encoding {encoding!r} is none: it is "json" or "msgpack"')
    if token is not None and not isinstance(token, str) and not callable(token):
        kind = type(token).__name__
        raise UsageError(f"the token is a text or a function that gives one, and not of type {kind}")

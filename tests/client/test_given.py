"""What a program gives wrongly: told where it is given, with what came and what to write. A row a case."""

from __future__ import annotations

from typing import Any

import pytest

import rtcore
from rtcore.client.errors import WrongURL
from rtcore.testing import network_in_a_box

URL = "http://localhost:1/rt"
HUGE = "x" * 1000


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"timeout": "5"}, "timeout is a number of seconds, 0 or more; not '5'"),
        ({"timeout": -1}, "timeout is a number of seconds, 0 or more; not -1"),
        ({"timeout": float("nan")}, "not nan"),
        ({"timeout": True}, "not True"),
        (
            {"connect_timeout": "x"},
            "connect_timeout is a number of seconds, 0 or more, or None for no limit; not 'x'",
        ),
        ({"queue": -1}, "queue, of messages, is a whole number from 0 on; not -1"),
        ({"queue": "7"}, "not '7'"),
        ({"queue_bytes": -5}, "queue_bytes is a whole number from 0 on; not -5"),
        ({"overflow": "drop"}, 'overflow is one of "reject", "drop_oldest", "drop_by_key"; not \'drop\''),
        ({"attempts": 0}, "attempts is a whole number from 1 on, or None for no last one; not 0"),
        ({"attempts": "3"}, "not '3'"),
        ({"headers": ["a"]}, 'headers is a mapping, as {"name": "value"}'),
        ({"headers": {"a": 1}}, "the header 'a' cannot be sent: names and values are texts"),
        ({"outbox": "outbox.db"}, 'outbox is an outbox, as rtcore.Outbox("outbox.db")'),
        ({"token": 7}, "the token is a text or a function that gives one, and not of type int"),
        ({"tls": True}, "tls is a context"),
        ({"wait": "no"}, "wait is True, False, or None"),
        ({"transport": 7}, "transport is a name, or several, best first"),
        ({"transport": "pigeon"}, "there is no transport 'pigeon': websocket, sse"),
        ({"transport": ()}, "there is no transport ''"),
        ({"proxy": "x"}, "the proxy 'x' is none: write http://HOST:PORT"),
        ({"compress": "zip"}, "'zip' is none of them"),
        ({"encoding": "xml"}, "the encoding 'xml' is none"),
        ({"url": 7}, "the address is a text, as https://example.org/rt; not 7"),
        ({"url": ""}, "'' is no address: it begins with https://"),
        ({"url": "ftp://a"}, "'ftp://a' is no address"),
        ({"url": "http:///rt"}, "names no host"),
        ({"url": URL + "?token=x"}, "a token is given as token=, not in the address"),
    ],
)
async def test_what_connect_cannot_use_is_refused_before_anything_is_opened(
    options: dict[str, Any], why: str
) -> None:
    with pytest.raises((rtcore.UsageError, WrongURL)) as refused:
        async with rtcore.connect(**{"url": URL, **options}):
            pass
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda: rtcore.Pool(URL, size=0),
            "size, of connections of a pool, is a whole number from 1 on; not 0",
        ),
        (lambda: rtcore.Pool(URL, size=2.5), "not 2.5"),  # type: ignore[arg-type]
        (lambda: rtcore.Pool(URL, size="5"), "not '5'"),  # type: ignore[arg-type]
        (lambda: rtcore.Pool(URL, timeout=-1), "timeout is a number of seconds"),
        (lambda: rtcore.Pool(URL, idle="1"), "idle is a number of seconds"),  # type: ignore[arg-type]
        (lambda: rtcore.Pool(URL, outbox="o.db"), "a pool has no use for outbox="),
        (lambda: rtcore.Outbox(7), "the path of an outbox is that of a file"),  # type: ignore[arg-type]
        (lambda: rtcore.Outbox(""), "the path of an outbox is that of a file"),
        (
            lambda: rtcore.Outbox("o.db", messages=-1),
            "messages, of an outbox, is a whole number from 0 on; not -1",
        ),
        (lambda: rtcore.Outbox("o.db", size="1"), "size, in bytes of an outbox,"),  # type: ignore[arg-type]
        (lambda: rtcore.Outbox("o.db", overflow="all"), "overflow is one of"),
    ],
)
def test_what_an_outbox_or_a_pool_cannot_be_is_refused_where_it_is_made(make: Any, why: str) -> None:
    with pytest.raises(rtcore.UsageError) as refused:
        make()
    assert why in str(refused.value)


async def _stream(client: rtcore.Client, *given: Any) -> None:
    async for _ in client.stream(*given):
        pass


USES: list[tuple[str, Any, str, str]] = [
    ("join a number", lambda c: c.join(7), "INVALID_MESSAGE", '"room" is a number; it must be text'),
    ("join nothing", lambda c: c.join(""), "INVALID_MESSAGE", "0 bytes long; a name has 1 to 255"),
    ("join too long", lambda c: c.join(HUGE), "INVALID_MESSAGE", "1000 bytes long; a name has 1 to 255"),
    ("last below 0", lambda c: c.join("tea", last=-1), "INVALID_MESSAGE", '"last" must be a whole number'),
    ("last as text", lambda c: c.join("tea", last="3"), "INVALID_MESSAGE", '"last" is text'),
    ("since a number", lambda c: c.join("tea", since=5), "INVALID_MESSAGE", '"since" is a number'),
    ("both", lambda c: c.join("tea", last=1, since="a.1"), "INTERNAL", "last= or since=, not both"),
    (
        "join: time",
        lambda c: c.join("tea", timeout="5"),
        "INTERNAL",
        "timeout is a number of seconds, 0 or more; not '5'",
    ),
    ("emit a number", lambda c: c.emit(7), "INVALID_MESSAGE", '"event" is a number; it must be text'),
    ("emit nothing", lambda c: c.emit(""), "INVALID_MESSAGE", "0 bytes long; a name has 1 to 255"),
    ("emit too long", lambda c: c.emit(HUGE), "INVALID_MESSAGE", "1000 bytes long; a name has 1 to 255"),
    ("emit no event", lambda c: c.emit("nope"), "NOT_FOUND", "nope"),
    (
        "emit an object",
        lambda c: c.emit("e", object()),
        "INVALID_MESSAGE",
        "of type object cannot be said as JSON",
    ),
    ("emit another type", lambda c: c.emit("e", "x"), "INVALID_MESSAGE", "Expected `int`, got `str`"),
    ("emit: too large", lambda c: c.emit("e", "x" * (2 << 20)), "TOO_LARGE", "the server takes 1048576"),
    (
        "emit: time",
        lambda c: c.emit("e", 1, timeout=-1),
        "INTERNAL",
        "timeout is a number of seconds, 0 or more; not -1",
    ),
    (
        "emit: key",
        lambda c: c.emit("e", 1, key=""),
        "INVALID_MESSAGE",
        "0 characters long; a key has 1 to 128",
    ),
    ("emit: long key", lambda c: c.emit("e", 1, key="k" * 200), "INVALID_MESSAGE", "200 characters long"),
    ("stream a number", lambda c: _stream(c, 7), "INVALID_MESSAGE", '"stream" is a number'),
    ("stream none", lambda c: _stream(c, "nope"), "NOT_FOUND", 'there is no stream "nope"'),
    ("stream an object", lambda c: _stream(c, "x", object()), "INVALID_MESSAGE", "cannot be said as JSON"),
]


@pytest.mark.parametrize(("use", "code", "why"), [row[1:] for row in USES], ids=[row[0] for row in USES])
async def test_what_a_client_cannot_do_is_told_to_its_caller_and_the_client_lives(
    use: Any, code: str, why: str, autojump_clock: object
) -> None:
    app = rtcore.App()
    app.rooms("tea", relay=True)

    @app.on("e")
    async def e(_: rtcore.Session, number: int) -> int:
        return number

    async with network_in_a_box(app) as network, network.client("ann") as client:
        with pytest.raises(rtcore.RtcoreError) as refused:
            await use(client)
        assert why in str(refused.value)
        assert getattr(refused.value, "code", "") == code
        with pytest.raises(rtcore.UsageError, match="ttl is a number of seconds, 0 or more; not -1"):
            client.send("e", 1, ttl=-1)
        assert await client.emit("e", 7) == 7


@pytest.mark.parametrize(
    ("event", "data", "why"),
    [
        (7, 1, '"event" is a number'),
        ("", 1, "a name has 1 to 255"),
        ("say", object(), "cannot be said as JSON"),
    ],
)
async def test_what_cannot_be_published_is_told_to_its_caller(
    event: Any, data: Any, why: str, autojump_clock: object
) -> None:
    app = rtcore.App()
    app.rooms("tea", relay=True)
    async with network_in_a_box(app) as network, network.client("ann") as client:
        tea = await client.join("tea")
        with pytest.raises(rtcore.RtcoreError) as refused:
            await tea.publish(event, data)
        assert why in str(refused.value)
        assert refused.value.code == "INVALID_MESSAGE"
        await tea.publish("say", 1)

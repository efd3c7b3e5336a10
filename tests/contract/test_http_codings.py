"""Content codings over plain HTTP: answers that leave compressed, bodies that come so."""

from __future__ import annotations

import gzip

import msgspec
import pytest

from rtcore import _core

from .conftest import Ground
from .http_peer import Http, Session, http_at
from .peer import Peer

TEXT = "again and again " * 500
CODINGS = ["gzip", "br", "zstd"]
ACCEPT = "Accept-Encoding"


def pack(coding: str, body: bytes) -> bytes:
    return gzip.compress(body) if coding == "gzip" else _core.compress(coding, body)


def plain(coding: str, body: bytes) -> bytes:
    return gzip.decompress(body) if coding == "gzip" else _core.inflate(coding, body, 1 << 26)


def emit(number: int, text: str = TEXT) -> bytes:
    return msgspec.json.encode({"type": "emit", "id": number, "event": "echo", "data": text})


@pytest.mark.parametrize("coding", CODINGS)
async def test_the_answer_to_a_send_is_compressed_from_a_kilobyte_on(http: Http, coding: str) -> None:
    one = await http.session()
    fields = [*one.fields, (ACCEPT, coding)]
    answer = (await http.request("POST", "send", fields, emit(1))).good()
    assert answer.get("content-encoding") == coding
    assert len(answer.body) < 1000
    assert msgspec.json.decode(plain(coding, answer.body))["messages"][0]["data"] == TEXT
    answer = (await http.request("POST", "send", fields, emit(2, "short"))).good()
    assert answer.get("content-encoding") is None
    answer = (await http.request("POST", "send", one.fields, emit(3))).good()
    assert answer.get("content-encoding") is None


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_poll_is_compressed_and_given_again_as_it_was(
    http: Http, bob: Peer, room: str, coding: str
) -> None:
    one = await http.session()
    await one.ask("join", room=room)
    await bob.join(room)
    await bob.publish(room, TEXT)
    fields = [*one.fields, (ACCEPT, f"deflate, {coding};q=0.5")]
    first = (await http.request("GET", "poll?after=0&wait=25", fields)).good()
    assert first.get("content-encoding") == coding
    again = (await http.request("GET", "poll?after=0&wait=0", one.fields)).good()
    assert again.get("content-encoding") is None
    assert plain(coding, first.body) == again.body


@pytest.mark.parametrize("accepts", ["identity", "deflate", "*;q=0", "gzip;q=0, br;q=0.0, zstd;q=0"])
async def test_who_takes_none_is_answered_plainly(http: Http, accepts: str) -> None:
    one = await http.session()
    answer = await http.request("POST", "send", [*one.fields, (ACCEPT, accepts)], emit(1))
    assert answer.good().get("content-encoding") is None


async def test_the_answer_to_a_hello_holds_a_key_and_is_never_compressed(http: Http, name: str) -> None:
    """What an attacker can make longer beside a secret tells the secret by its length."""
    one = await http.session()
    for n in range(40):
        await one.ask("join", room=f"relay:{name}.{n}." + "x" * 100)
    hello = {"type": "hello", "session": one.id, "key": one.key, "compress": ["zstd"]}
    answer = (await http.request("POST", "session", [(ACCEPT, "zstd, br, gzip")], hello)).good()
    assert len(answer.body) > 4000
    assert answer.get("content-encoding") is None
    assert answer.json()["compress"] is None, "it is a matter of a WebSocket"


async def test_an_event_stream_is_not_compressed(http: Http) -> None:
    one = await http.session()
    stream = await one.stream(fields=[(ACCEPT, "gzip, br, zstd")])
    assert stream.answer.get("content-encoding") is None
    stream.close()


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_body_may_come_compressed(http: Http, coding: str) -> None:
    hello = pack(coding, b'{"type":"hello"}')
    answer = await http.request("POST", "session", [("Content-Encoding", coding)], hello)
    one = Session(http, answer.good(), answer.json())
    fields = [*one.fields, ("Content-Encoding", coding)]
    answer = await http.request("POST", "send", fields, pack(coding, emit(1)))
    assert answer.good().json()["messages"][0]["data"] == TEXT


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("deflate", b"x", 415),
        ("lz4", b"x", 415),
        ("gzip, gzip", gzip.compress(gzip.compress(emit(1))), 415),
        ("br, gzip", gzip.compress(emit(1)), 415),
        ("gzip", emit(1), 400),
        ("gzip", gzip.compress(emit(1))[:-1], 400),
        ("gzip", gzip.compress(emit(1)) * 2, 400),
        ("gzip", gzip.compress(emit(1)) + b"x", 400),
        ("zstd", gzip.compress(emit(1)), 400),
        ("gzip", gzip.compress(b'"' + b"x" * (50 << 20) + b'"', 9), 413),
        ("br", pack("br", b"x" * (50 << 20)), 413),
        ("zstd", pack("zstd", b"x" * (50 << 20)), 413),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_body_that_cannot_be_inflated_is_refused(
    http: Http, coding: str, body: bytes, status: int
) -> None:
    """The attack: a bomb, layers, or what another reader would read in another way. The session goes on."""
    one = await http.session()
    answer = await http.request("POST", "send", [*one.fields, ("Content-Encoding", coding)], body)
    assert answer.status == status, answer.body
    assert answer.json()["code"] == ("TOO_LARGE" if status == 413 else "INVALID_MESSAGE")
    assert await one.emit("echo", 1) == 1


async def test_a_preflight_allows_the_header(ground: Ground) -> None:
    place = ground.place("plain", "--origin", "https://pages.example")
    async with http_at(place) as http:
        fields = [("Origin", "https://pages.example"), ("Access-Control-Request-Method", "POST")]
        connection = await http.open()
        answer = await connection.request("OPTIONS", "/rt/send", fields)
        assert answer.status == 204
        assert "content-encoding" in (answer.get("access-control-allow-headers") or "")

"""Content codings of the publish API: bodies that come compressed, answers that leave so."""

from __future__ import annotations

import gzip
import json

import pytest
import trio

from rtcore import _core
from tests.patience import PATIENCE
from tests.server.conftest import serving

from .app import build
from .http import KEY, Api

SAID = {"room": "news", "event": "n", "data": "again and again " * 500}
BODY = json.dumps(SAID).encode()


def pack(coding: str, body: bytes) -> bytes:
    return gzip.compress(body) if coding == "gzip" else _core.compress(coding, body)


async def history(api: Api, accepts: str) -> tuple[str | None, bytes]:
    """The coding of a history's answer, and its body as it came."""
    body = b'{"room":"news"}'
    head = (
        f"POST /rt/api/history HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {KEY}\r\nAccept-Encoding: {accepts}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        await stream.send_all(head.encode() + body)
        with trio.fail_after(PATIENCE):
            received = b"".join([chunk async for chunk in stream])
    head, _, body = received.decode("latin-1").partition("\r\n\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
    return fields.get("content-encoding"), body.encode("latin-1")


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_a_body_may_come_compressed_and_an_answer_leaves_so(api: Api, coding: str) -> None:
    answer = await api("publish", pack(coding, BODY), Content_Encoding=coding)
    assert answer.status == 200, answer
    found, body = await history(api, f"deflate, {coding}")
    assert found == coding
    assert len(body) < 1000
    plain = gzip.decompress(body) if coding == "gzip" else _core.inflate(coding, body, 1 << 20)
    assert json.loads(plain)["history"][0]["data"] == SAID["data"]
    found, body = await history(api, "identity")
    assert found is None
    assert json.loads(body)["history"][0]["data"] == SAID["data"]


async def test_where_a_room_is_excluded_no_answer_is_compressed() -> None:
    """The attack: who sees lengths learns what a history holds beside what he has said."""
    app = build()
    app.rooms("secret:*", compress=False)
    async with serving(app, api_keys=[KEY]) as server:
        api = Api(server.port)
        await api.ok("publish", SAID)
        assert (await history(api, "zstd, br, gzip"))[0] is None


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("deflate", BODY, 415),
        ("lz4", BODY, 415),
        ("gzip, br", gzip.compress(BODY), 415),
        ("gzip", BODY, 400),
        ("gzip", gzip.compress(BODY)[:-1], 400),
        ("gzip", gzip.compress(BODY) * 2, 400),
        ("gzip", gzip.compress(b" " * (50 << 20)), 413),
        ("zstd", pack("zstd", b" " * (50 << 20)), 413),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_body_that_cannot_be_inflated_is_refused(
    api: Api, coding: str, body: bytes, status: int
) -> None:
    """The attack: a bomb, layers, or what another reader would read in another way."""
    answer = await api("publish", body, Content_Encoding=coding)
    assert answer.status == status, answer
    assert answer.body["code"] == ("TOO_LARGE" if status == 413 else "INVALID_MESSAGE")
    if status == 415:
        assert answer.head["accept-encoding"] == "zstd, br, gzip"

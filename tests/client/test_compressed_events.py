"""Event streams in gzip, where the server's setting says so: each event by itself, shared by listeners."""

from __future__ import annotations

import zlib

import pytest
import trio
import trio.testing

from rtcore.client import Event
from rtcore.client.links.http import PIECE, _Unpacked
from rtcore.testing import memory_server
from tests.client.conftest import Net

TEXT = "again and again " * 500


class Raw:
    """An event stream, read by hand."""

    def __init__(self, server, *, takes: str | None, version: str = "1.1", query: str = "") -> None:
        self.stream = server.stream()
        self.takes, self.version, self.query = takes, version, query
        self.came = self.plain = b""
        self.wire = 0
        self.head = b""
        self.gzip = zlib.decompressobj(zlib.MAX_WBITS | 16)

    async def open(self) -> Raw:
        """Ask for it, and read its head."""
        field = "" if self.takes is None else f"Accept-Encoding: {self.takes}\r\n"
        target = f"/rt/sse?room=tea{self.query}"
        head = f"GET {target} HTTP/{self.version}\r\nHost: localhost\r\n{field}\r\n"
        await self.stream.send_all(head.encode())
        while b"\r\n\r\n" not in self.came:
            self.came += await self.stream.receive_some(1 << 20)
        self.head, _, self.came = self.came.partition(b"\r\n\r\n")
        return self

    async def until(self, what: bytes) -> bytes:
        """Read until this was said; all that was said."""
        with trio.fail_after(30):
            while what not in self.plain:
                self._take()
                if what not in self.plain:
                    self.came += await self.stream.receive_some(1 << 20)
        return self.plain

    def _take(self) -> None:
        if b"chunked" not in self.head:
            data, self.came = self.came, b""
            self.plain += data
            return
        while b"\r\n" in self.came:
            size, rest = self.came.split(b"\r\n", 1)
            if len(rest) < int(size, 16) + 2:
                return
            data, self.came = rest[: int(size, 16)], rest[int(size, 16) + 2 :]
            self.wire += len(data)
            self.plain += self.gzip.decompress(data) if b"gzip" in self.head else data


@pytest.mark.parametrize("query", ["", "&format=plain"])
async def test_each_event_can_be_read_as_soon_as_it_comes_and_what_is_long_is_smaller(
    app, autojump_clock, query
) -> None:
    async with memory_server(app, compress_events=True) as server:
        raws = [await Raw(server, takes="br, gzip", query=query).open() for _ in range(2)]
        async with Net(server).client() as client:
            tea = await client.join("tea")
            for number in range(3):
                await tea.publish("say", f"{number} {TEXT}")
                for raw in raws:
                    assert TEXT.encode() in await raw.until(f"{number} again".encode())
            await tea.publish("say", "short")
            for raw in raws:
                assert b"content-encoding: gzip" in raw.head.lower()
                await raw.until(b"short")
                assert raw.wire < 3 * len(TEXT) / 5


@pytest.mark.parametrize(
    ("setting", "takes", "version"),
    [(False, "gzip", "1.1"), (True, None, "1.1"), (True, "br, zstd", "1.1"), (True, "gzip;q=0", "1.1"),
     (True, "gzip", "1.0")],
)  # fmt: skip
async def test_without_the_setting_or_the_wish_it_is_as_it_is(
    app, autojump_clock, setting, takes, version
) -> None:
    async with memory_server(app, compress_events=setting) as server:
        raw = await Raw(server, takes=takes, version=version).open()
        assert b"content-encoding" not in raw.head.lower()
        await raw.until(b"welcome")


@pytest.mark.parametrize("compress", [True, False])
async def test_a_client_by_event_stream_hears_the_same(app, autojump_clock, compress) -> None:
    async with (
        memory_server(app, compress_events=True) as server,
        Net(server).client(transport="sse", compress=compress) as client,
    ):
        room = await client.join("tea")
        tea = aiter(room)
        before = client._runner.bytes()[0]
        for number in range(20):
            await room.publish("say", f"{number} {TEXT}")
            item = await anext(tea)
            assert isinstance(item, Event)
            assert item.data == f"{number} {TEXT}"
        came = client._runner.bytes()[0] - before
        assert (came < 20 * len(TEXT) / 5) == compress


def test_a_stream_that_inflates_without_end_comes_in_pieces_and_a_broken_one_is_told() -> None:
    """A bomb: a thousand bytes for each that came."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    data = bomb.compress(b"\0" * (8 * PIECE)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    pieces = list(_Unpacked(b"gzip").take(data))
    assert max(map(len, pieces)) <= PIECE
    assert sum(map(len, pieces)) == 8 * PIECE
    with pytest.raises(OSError, match="cannot be read"):
        list(_Unpacked(b"gzip").take(b"no gzip at all"))
    with pytest.raises(OSError, match="not asked for"):
        _Unpacked(b"br")

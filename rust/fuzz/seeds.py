"""Write the seed corpora of the fuzz targets: seeds/TARGET/NAME, each named by what it is.

Run it after a change (`python3 rust/fuzz/seeds.py`) and commit what it wrote; it needs nothing but Python, and writes the
same files each time. The names in `dictionaries/` are written here too, from the same words.
"""

from __future__ import annotations

import base64
import json
import random
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).parent
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE = f"Connection: Upgrade\r\nUpgrade: websocket\r\nHost: example.org\r\n{KEY}"
HEADS = {
    "upgrade": f"GET /rt/ws HTTP/1.1\r\n{UPGRADE}\r\n",
    "upgrade-offers": f"GET /rt/ws?a=b HTTP/1.1\r\n{UPGRADE}Origin: https://example.org\r\n"
    "Sec-WebSocket-Protocol: rtcore.v1.msgpack, rtcore.v1.json\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_max_window_bits=10\r\n\r\n",
    "upgrade-old-version": f"GET /rt/ws HTTP/1.1\r\n{UPGRADE.replace('13', '8')}\r\n",
    "absolute-form": "GET http://example.org:80/rt/sse?room=a HTTP/1.1\r\nHost: example.org:80\r\n\r\n",
    "post": "POST /rt/send HTTP/1.1\r\nHost: [::1]:8000\r\nContent-Length: 2\r\n\r\n{}",
    "chunked": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n0\r\n\r\n",
    "length-and-chunked": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two-lengths": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "folded": "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    "bare-line-feed": "GET / HTTP/1.1\nHost: a\n\n",
    "http-1.0": "GET / HTTP/1.0\r\nConnection: keep-alive, X-Drop\r\nX-Drop: 1\r\n\r\n",
    "http-2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "connect": "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
    "options": "OPTIONS * HTTP/1.1\r\nHost: a\r\nOrigin: null\r\nAccess-Control-Request-Method: POST\r\n\r\n",
    "expect": "PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    "forwarded": 'GET / HTTP/1.1\r\nHost: a\r\nForwarded: for="[2001:db8::1]:80";proto=https, for=127.0.0.1\r\n\r\n',
    "x-forwarded-for": "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4, 127.0.0.2, ::1\r\n\r\n",
}
MESSAGES = {
    "hello": {"type": "hello", "v": 1, "token": "t", "session": "s", "key": "k", "position": "k3f9.100"},
    "hello-can": {"type": "hello", "client": "name/version", "can": ["batch", "delta"]},
    "join": {"type": "join", "id": 1, "room": "tea", "since": "k3f9.100", "data": {"a": [1, -2, 3.5]}},
    "join-last": {"type": "join", "id": 9007199254740991, "room": "tea", "last": 20},
    "leave": {"type": "leave", "id": 2, "room": "tea"},
    "publish": {"type": "publish", "id": 3, "room": "tea", "event": "say", "data": "hé\n\u2028\U0001f600",
                "key": "k", "echo": False, "volatile": True,
                "trace": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
    "history": {"type": "history", "id": 4, "room": "tea", "after": "k3f9.100", "limit": 100},
    "emit": {"type": "emit", "id": 5, "event": "chat:message", "data": {"$bin": "AAEC/w=="}, "key": "k"},
    "reply": {"type": "reply", "id": 9, "data": None},
    "reply-error": {"type": "reply", "id": 9, "error": {"code": "NO", "message": "m", "details": [1], "retry": True}},
    "auth": {"type": "auth", "id": 7, "token": "t"},
    "ping": {"type": "ping", "time": 1700000000000, "rtt": 38.5},
    "bye": {"type": "bye"},
    "hello-streams": {"type": "hello", "session": "s", "key": "k", "streams": {"5": 90, "6": 0}},
    "open": {"type": "open", "id": 5, "stream": "answer", "data": {"q": 1}, "credit": 64},
    "open-up": {"type": "open", "id": 6, "stream": "upload", "up": True},
    "item": {"type": "item", "id": 6, "n": 0, "data": [1]},
    "credit": {"type": "credit", "id": 5, "n": 128},
    "end": {"type": "end", "id": 6, "n": 40, "error": {"code": "NO", "message": "m"}},
    "cancel": {"type": "cancel", "id": 5},
    "array": [{"type": "ping"}, 7, [], {"type": "bye"}, {}],
    "numbers": [0, -1, 127, 128, 255, 256, 65535, 65536, 2**31, 2**32, 2**53, 2**63 - 1, 2**64 - 1, -(2**63), 0.1, 1e300],
    "deep": [[[[[[[[[[{"a": {"b": {"c": {}}}}]]]]]]]]]],
    "reserved": {"type": "emit", "event": "e", "data": {"$other": 1}},
}
JSON_ALONE = {
    "spaced": '\ufeff \r\n\t{ "type" : "ping" , "time" : [ 1 , 2 ] } \n',
    "escapes": r'{"type":"emit","event":"\u0065\ud83d\ude00\/\b","data":"\\\"\u0000"}',
    "lone-surrogate": r'{"type":"emit","id":5,"event":"e","data":"\ud800"}',
    "wide-integer": '{"type":"emit","event":"e","data":[18446744073709551616,-9223372036854775809,1e400,-0,1E+2]}',
    "twice": '{"type":"ping","type":"bye"}',
    "bad-base64": '{"type":"emit","id":5,"event":"e","data":{"$bin":"A"}}',
    "broken-then-id": '{"type":"emit","data":nul,"id":5}',
    "not-a-number": '{"type":"emit","data":NaN,"id":5}',
    "cut": '{"type":"publish","room":"t',
}
MSGPACK_ALONE = {
    "binary": b"\x83\xa4type\xa4emit\xa5event\xa1e\xa4data\xc4\x03\x00\x01\xff",
    "extension": b"\x82\xa4type\xa4emit\xa4data\xd4\x05\x00",
    "timestamp": b"\xd6\xff\x00\x00\x00\x01",
    "number-as-key": b"\x81\x01\x02",
    "not-utf8": b"\x81\xa4type\xa2\xff\xfe",
    "float32": b"\x92\xca\x7f\x80\x00\x00\xca\x3f\x80\x00\x00",
    "long-lengths": b"\x93\xdd\xff\xff\xff\xff\xdf\x7f\xff\xff\xff\xc6\xff\xff\xff\xff",
    "never-used": b"\xc1",
}
POSITIONS = [
    "k3f9.100", "e.0", "e.00", "e.9007199254740991", "e.9007199254740992", "e.18446744073709551616", "e.+1", "e.-1",
    "E.1", ".1", "e.", "e", "", "e.1.2", "0.1", f"{'a' * 32}.1", f"{'a' * 33}.1", "e.1 ", "é.1", "9007199254740991",
    "9007199254740992", "18446744073709551615", "0", "01", "1", "\x00.\"\\\x7f",
]


def msgpack(value: object) -> bytes:
    """One value; small, because msgspec need not be there."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        return b"\xcf" + struct.pack(">Q", value) if value > 0 else b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        return (bytes([0xA0 | len(text)]) if len(text) < 32 else b"\xd9" + bytes([len(text)])) + text
    if isinstance(value, list):
        return b"\xdc" + struct.pack(">H", len(value)) + b"".join(map(msgpack, value))
    assert isinstance(value, dict), value
    return bytes([0x80 | len(value)]) + b"".join(msgpack(part) for item in value.items() for part in item)


def frame(opcode: int, payload: bytes, *, masked: bool = True, final: bool = True, rsv: int = 0) -> bytes:
    """One WebSocket frame, RFC 6455 section 5.2."""
    length = len(payload)
    mask = 0x80 if masked else 0
    if length < 126:
        size = bytes([mask | length])
    else:
        size = bytes([mask | 126]) + struct.pack(">H", length)
    key = b"\x01\x02\x03\x04" if masked else b""
    body = bytes(b ^ key[at % 4] for at, b in enumerate(payload)) if masked else payload
    return bytes([(0x80 if final else 0) | rsv | opcode]) + size + key + body


def deflate(data: bytes, level: int = 6) -> bytes:
    """Raw deflate without its last four bytes, RFC 7692 section 7.2.1."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def frames() -> dict[str, bytes]:
    """Streams of frames. The first byte: 0 a server reads, 1 a client reads, 2 more: compressed. The second: the pieces."""
    hello = b'{"type":"hello"}'
    return {
        "text": b"\x00\x01" + frame(1, hello),
        "binary-long": b"\x00\x07" + frame(2, bytes(range(256)) * 2),
        "to-a-client": b"\x01\x03" + frame(1, hello, masked=False) + frame(9, b"", masked=False),
        "fragments-and-ping": b"\x00\x02"
        + frame(1, "é".encode()[:1], final=False) + frame(9, b"hi") + frame(0, "é".encode()[1:]),
        "close": b"\x00\x05" + frame(8, struct.pack(">H", 1000) + b"bye"),
        "close-bad-code": b"\x00\x05" + frame(8, struct.pack(">H", 1005)),
        "close-one-byte": b"\x00\x05" + frame(8, b"\x03"),
        "compressed": b"\x02\x04" + frame(1, deflate(hello * 20), rsv=0x40),
        "compressed-fragments": b"\x02\x01"
        + frame(1, deflate(hello)[:5], final=False, rsv=0x40) + frame(0, deflate(hello)[5:]),
        "compressed-two-blocks": b"\x02\x09" + frame(2, deflate(b"ab") + b"\x00\x00\xff\xff" + deflate(b"cd"), rsv=0x40),
        "bomb": b"\x02\x40" + frame(2, deflate(bytes(100_000), 9), rsv=0x40),
        "not-utf8": b"\x00\x01" + frame(1, b"\xed\xa0\x80"),
        "unmasked": b"\x00\x01" + frame(1, hello, masked=False),
        "reserved-bit": b"\x00\x01" + frame(1, hello, rsv=0x20),
        "huge-length": b"\x00\x01" + b"\x82\xff" + b"\x7f" + b"\xff" * 7 + bytes(4),
        "length-not-shortest": b"\x00\x01" + b"\x82\xfe\x00\x01" + bytes(5),
        "long-ping": b"\x00\x01" + b"\x89\xfe\x00\x7e" + bytes(130),
    }


def inflated() -> dict[str, bytes]:
    """The limit in two bytes, and what is to be inflated."""
    text = b"the same words and the same words " * 8
    whole = zlib.compressobj(9, zlib.DEFLATED, -15)
    return {
        "text": b"\x10\x00" + deflate(text),
        "stored": b"\x10\x00" + deflate(text, 0),
        "over-the-limit": b"\x00\x10" + deflate(text),
        "bomb": b"\xff\xff" + deflate(bytes(200_000), 9),
        "last-block": b"\x10\x00" + whole.compress(text) + whole.flush(),
        "empty": b"\x10\x00\x02\x00",
        "bad-block": b"\x10\x00\x07",
        "far-distance": b"\x10\x00\x4b\x84\x7f\xff",
    }


def packed() -> dict[str, bytes]:
    """The algorithm (0 gzip, 1 Brotli, 2 LZ4, 3 Zstandard), or 4 more: what is to be compressed; and the bytes."""
    text = b"the same words and the same words " * 8
    gzip = zlib.compressobj(6, zlib.DEFLATED, 31)
    one = gzip.compress(text) + gzip.flush()
    zstd = bytes.fromhex("28b52ffd")
    return {
        "gzip": b"\x00" + one,
        "gzip-two-members": b"\x00" + one + one,
        "gzip-cut-off": b"\x00" + one[:-3],
        "brotli": b"\x01" + bytes.fromhex("0b028074686520776f7264 03".replace(" ", "")),
        "brotli-empty": b"\x01\x06",
        "brotli-large-window": b"\x01" + bytes.fromhex("1116000000"),
        "lz4-empty": b"\x02" + bytes.fromhex("04224d18604082 00000000".replace(" ", "")),
        "lz4-skipped": b"\x02" + bytes.fromhex("502a4d180100000009"),
        "zstd-raw-block": b"\x03" + zstd + bytes.fromhex("0068190000616263"),
        "zstd-wide-window": b"\x03" + zstd + bytes.fromhex("0088190000616263"),
        "zstd-repeated-byte": b"\x03" + zstd + bytes.fromhex("0068ffff0778"),
        "zstd-dictionary": b"\x03" + zstd + bytes.fromhex("210703190000616263"),
        **{f"compress-{at}": bytes([4 + at]) + text for at in range(4)},
    }


def engine() -> dict[str, bytes]:
    """Operations, as `World::act` in `any/engine.rs` reads them: connect, say, read, answer, and what goes wrong."""
    opened = bytes([0, 1, 1])  # connect from an address, and say hello
    welcome = bytes([12, 0, 2, 9, 0, 255])  # authenticate what waits, read all
    say = lambda peer, what, number: bytes([2, peer, what, number])  # noqa: E731
    return {
        "join-publish-read": opened + welcome + say(0, 3, 1) + say(0, 7, 2) + bytes([9, 0, 255]),
        "two-members": opened * 2 + welcome * 2 + say(0, 3, 1) + say(1, 3, 1) + say(0, 7, 1) * 6 + bytes([9, 1, 255, 9, 0, 9]),
        "falls-behind": opened + welcome + say(0, 3, 1) + bytes([15, 0, 1]) * 12 + bytes([9, 0, 255] * 4),
        "blocked": opened + welcome + say(0, 5, 1) + bytes([15, 2, 1]) * 9 + bytes([8, 20]) + bytes([9, 0, 255]),
        "vanish-and-time": opened + welcome + say(0, 3, 1) + bytes([11, 0, 1, 8, 255, 8, 255]),
        "emit-and-answers": opened + welcome + say(0, 11, 1) + say(0, 12, 2) + bytes([12, 0, 0, 12, 0, 1]) + say(0, 11, 1),
        "asked-room": opened + welcome + say(0, 4, 1) + bytes([12, 0, 2]) + say(0, 10, 1) + bytes([9, 0, 255]),
        "nonsense": opened + welcome + bytes([7, 0, 12]) + b"\x81\x85\x00\x00\x00\x00[1,2]" + bytes([9, 0, 255]),
    }


def world() -> dict[str, bytes]:
    """Steps, as `Dice::step` in `any/world.rs` reads them, after the sizes of the world and the seed of its chance."""
    all_in = b"".join(bytes([0, client, 3, client, 0]) for client in range(4))  # connect, and join the first room
    say = bytes([6, 0, 0, 3, 0])
    return {
        "all-hear": b"\x0f\x01" + all_in + say * 3 + bytes([11, 1, 0, 4]),
        "small-rings-slow-reader": b"\x10\x02" + all_in + bytes([15, 1, 120]) + say * 8 + bytes([15, 1, 0]),
        "drop-and-return": b"\x0f\x03" + all_in + bytes([16, 2, 0, 0]) + say * 4 + bytes([0, 2, 17, 2, 12]),
        "cut-in-pieces": b"\x2f\x04" + all_in + say * 3 + bytes([1, 3, 2]) + say,
        "asked-room-thinks": b"\x0f\x05" + all_in + bytes([19, 0, 1, 3, 1, 4, 6, 1, 4, 2, 0, 18, 0]),
        "block-and-time": b"\x00\x06" + bytes([0, 0, 3, 0, 3, 0, 1, 3, 1, 3, 15, 1, 120])
        + bytes([6, 0, 3, 9, 0]) * 6 + bytes([17, 0, 13]),
        "emit-again": b"\x0f\x07" + all_in + bytes([8, 0, 0, 0, 8, 0, 1, 1, 10, 0, 16, 0, 0, 1, 0, 0, 10, 0, 18, 0]),
        "rights-come-and-go": b"\x0f\x09" + all_in + bytes([15, 1, 120, 20, 1, 0, 4, 17, 0, 7, 20, 1, 0, 7, 20, 1, 0, 6, 15, 1, 0]) + say
        + bytes([20, 0, 0, 6]) + say + bytes([21, 0, 10, 2, 4, 2, 4, 21, 0, 101, 0, 0]),
        "window-ends": b"\x0f\x08" + all_in + say + bytes([16, 1, 0, 1, 17, 0, 17, 0, 1]) + say,
    }


def stored() -> dict[str, bytes]:
    """Acts, as `act` in `any/stored.rs` reads them; all are in a durable room already."""
    say = bytes([4, 6, 0, 0, 3, 0])  # what follows a number above 3 is a step of `world`
    answer, quick, rest = bytes([0, 0]), bytes([3, 4, 1]), bytes([4, 17, 0, 12])
    return {
        "late": b"\x0f\x01" + say * 3 + answer * 2 + say + answer,
        "refused": b"\x0f\x02" + say * 2 + bytes([3, 0]) + answer + say + answer,
        "doubted": b"\x0f\x03" + say + bytes([3, 1]) + say + bytes([3, 2, 1]) + say + answer,
        "too-slow": b"\x0f\x04" + say + rest * 2 + say + answer * 3,
        "left-and-gone": b"\x0f\x05" + bytes([4, 5, 1, 0]) + answer + say + bytes([4, 19, 1, 0]) + answer,
        "small-rings": b"\x10\x06" + quick + say * 8 + bytes([4, 16, 1, 0, 0]) + say * 6 + bytes([4, 0, 1]) + answer,
        "unreadable": b"\x00\x07" + say * 6 + answer + bytes([4, 16, 1, 0, 0]) + say * 4 + bytes([3, 6, 4, 0, 1]) + answer * 4,
        "keys": b"\x0f\x08" + bytes([4, 8, 0, 0, 1]) + answer + bytes([4, 10, 0]) + answer * 2,
    }


def yjs() -> dict[str, bytes]:
    """What Yjs itself made (`scripts/yjs_vectors.mjs`): updates, and the state vectors that it gave for them."""
    made = json.loads((HERE / "../../vectors/yjs.json").read_text())["updates"]
    made = [{**each, "name": each["name"].replace(" ", "-")} for each in made]
    updates = {each["name"]: base64.b64decode(each["update"]) for each in made}
    return updates | {f"{each['name']}-vector": base64.b64decode(each["vector"]) for each in made}


def shared() -> dict[str, bytes]:
    """What `any/shared.rs` in `rust/data/tests` makes its steps of: the first byte says who is tried, the rest is chance."""
    whole = bytes([10, 3, 1, 97, 9, 2, 3, 2, 7, 2, 98, 99, 1, 98, 8, 3, 0, 1, 255, 1, 99, 5]) + struct.pack("<d", 1.5)
    tried = {"rows-of-a-disk": 1, "a-client-told-anything": 2, "a-server-and-three-writers": 3}
    chance = {
        f"{name}-{n}": bytes([what]) + random.Random(100 * what + n).randbytes(1200) for name, what in tried.items() for n in range(4)
    }
    return {"a-value-in-a-file": b"\0" + whole, "a-value-cut-off": b"\0" + whole[:-3], **chance}


def write(target: str, seeds: dict[str, bytes]) -> None:
    """The files of one target; one that is no longer made goes."""
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in seeds:
            old.unlink()
    for name, seed in seeds.items():
        (folder / name).write_bytes(seed)
    print(f"seeds/{target}: {len(seeds)}")


def dictionary(target: str, words: list[bytes]) -> None:
    """libFuzzer's dictionary: one quoted word a line."""
    quoted = ["".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02x}" for b in word) for word in words]
    path = HERE / "dictionaries" / f"{target}.dict"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f'"{word}"\n' for word in dict.fromkeys(quoted)))


def words_of(value: object) -> list[str]:
    """The names and the short texts of a value."""
    if isinstance(value, dict):
        return [word for key, part in value.items() for word in [key, *words_of(part)]]
    if isinstance(value, list):
        return [word for part in value for word in words_of(part)]
    return [value] if isinstance(value, str) and value.isascii() and len(value) < 20 else []


def proxy() -> dict[str, bytes]:
    """PROXY headers of both versions, and what is behind them."""
    sign = b"\r\n\r\n\0\r\nQUIT\n"
    four = bytes([192, 0, 2, 7, 127, 0, 0, 1]) + struct.pack(">HH", 56324, 443)
    six = bytes(range(32)) + struct.pack(">HH", 1, 443)
    tls = bytes([0x20, 0, 5, 1, 0, 0, 0, 0])
    long = lambda body: struct.pack(">H", len(body)) + body  # noqa: E731
    return {
        "tcp4": b"PROXY TCP4 192.0.2.7 127.0.0.1 56324 443\r\nGET / HTTP/1.1\r\n\r\n",
        "tcp6": b"PROXY TCP6 2001:db8::7 ::1 56324 443\r\n",
        "unknown": b"PROXY UNKNOWN\r\n",
        "no-end": b"PROXY TCP4 " + b"1" * 100,
        "second-tcp4": sign + b"\x21\x11" + long(four) + b"GET /",
        "second-tcp6": sign + b"\x21\x21" + long(six),
        "second-tls": sign + b"\x21\x11" + long(four + bytes([4, 0, 2, 0, 0]) + tls),
        "second-local": sign + b"\x20\x00" + long(b""),
        "second-unix": sign + b"\x21\x31" + long(bytes(216)),
        "second-too-long": sign + b"\x21\x11\xff\xff",
        "second-short": sign + b"\x21\x21" + long(four),
    }


# Bodies in chunks, queries, and what stands in `Authorization` and `Cookie`.
BODIES = {
    "one-chunk": "5\r\nhello\r\n0\r\n\r\n",
    "extensions-and-trailers": '5;a="b"\r\nhello\r\n6 ;c\r\n world\r\n0\r\nX: y\r\n\r\nGET /',
    "nothing": "0\r\n\r\n",
    "too-much": "ffff\r\n",
    "bare-line-feed": "5\nhello\r\n0\r\n\r\n",
    "longer-than-its-size": "2\r\nhello\r\n0\r\n\r\n",
    "query": "room=a%20b&room=c+d&since=k3f9.100&after=7&wait=25",
    "broken-query": "room=%zz&after=-1",
    "session": "Session ab3:kk9; rt_a=5",
    "bearer": "Bearer x.y.z",
}


def main() -> None:
    """Write all of it."""
    plain = {name: json.dumps(value, ensure_ascii=False, separators=(",", ":")) for name, value in MESSAGES.items()}
    write("head", {name: head.encode() for name, head in HEADS.items()})
    write("frames", frames())
    write("inflate", inflated())
    write("packed", packed())
    write("json", {name: text.encode() for name, text in (plain | JSON_ALONE).items()})
    write("msgpack", {name: msgpack(value) for name, value in MESSAGES.items()} | MSGPACK_ALONE)
    write("position", {f"{at:02}": text.encode() for at, text in enumerate(POSITIONS)})
    write("body", {name: body.encode() for name, body in BODIES.items()})
    write("proxy", proxy())
    write("engine", engine())
    write("world", world())
    write("stored", stored())
    write("shared", shared())
    write("yjs", yjs())

    words = list(dict.fromkeys(words_of(list(MESSAGES.values()))))
    signs = [b"$bin", b"\\ud800", b"\\u0000", b"1e400", b"18446744073709551616", b"null", b"true", b"false"]
    dictionary("json", [*(f'"{word}"'.encode() for word in words), *signs])
    dictionary("msgpack", [msgpack(word) for word in words])
    fields = {line.split(":")[0] for head in HEADS.values() for line in head.split("\r\n")[1:] if ":" in line}
    tokens = ["GET ", "POST ", " HTTP/1.1\r\n", "\r\n\r\n", "chunked", "websocket", "Upgrade", "permessage-deflate", "for="]
    dictionary("head", [*(f"{field}: ".encode() for field in sorted(fields)), *(t.encode() for t in tokens)])


if __name__ == "__main__":
    main()

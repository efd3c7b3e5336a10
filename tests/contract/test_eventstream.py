"""The parser of event streams against the `format-*` cases of the web platform tests."""

from __future__ import annotations

import pytest

from .eventstream import EventStream

# Name, bytes, and what is dispatched: kind, data, last event id.
CASES: list[tuple[str, bytes, list[tuple[str, str, str]]]] = [
    (
        "bom",
        b"\xef\xbb\xbfdata:1\n\n\xef\xbb\xbfdata:2\n\ndata:3\n\n",
        [("message", "1", ""), ("message", "3", "")],
    ),
    (
        "bom-2",
        b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\ndata:3\n\n",
        [("message", "2", ""), ("message", "3", "")],
    ),
    (
        "comments",
        b"data:1\r:\0\n:\r\ndata:2\n:"
        + b"x" * 2048
        + b"\rdata:3\n:data:fail\r:"
        + b"x" * 2048
        + b"\ndata:4\n\n",
        [("message", "1\n2\n3\n4", "")],
    ),
    (
        "data-before-final-empty-line",
        b"retry:1000\ndata:test1\n\nid:test\ndata:test2",
        [("message", "test1", "")],
    ),
    (
        "field-data",
        b"data:\n\ndata\ndata\n\ndata:test\n\n",
        [("message", "", ""), ("message", "\n", ""), ("message", "test", "")],
    ),
    ("field-event", b"event:test\ndata:x\n\ndata:x\n\n", [("test", "x", ""), ("message", "x", "")]),
    ("field-event-empty", b"event: \ndata:data\n\n", [("message", "data", "")]),
    (
        "field-id",
        "id: …\ndata: hello\n\ndata: again\n\n".encode(),
        [("message", "hello", "…"), ("message", "again", "…")],
    ),
    (
        "field-id-2",
        "id: …\ndata: hello\n\nid\ndata: again\n\nid: …\ndata: third\n\n".encode(),
        [("message", "hello", "…"), ("message", "again", ""), ("message", "third", "…")],
    ),
    (
        "field-id-3",
        b"id: a\n\ndata: hello\n\nid:\n\ndata: again\n\n",
        [("message", "hello", "a"), ("message", "again", "")],
    ),
    (
        "field-id-null",
        b"id: \0a\ndata: hello\n\ndata: again\n\n",
        [("message", "hello", ""), ("message", "again", "")],
    ),
    (
        "field-parsing",
        (
            b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n"
            b" data:32\ndata:4\n\n"
        ),
        [("message", "\0\n 2\n1\n3\n\n4", "")],
    ),
    ("field-retry", b"retry:3000\ndata:x\n\n", [("message", "x", "")]),
    ("field-retry-bogus", b"retry:3000\nretry:1000x\ndata:x\n\n", [("message", "x", "")]),
    ("field-retry-empty", b"retry\ndata:test\n\n", [("message", "test", "")]),
    (
        "field-unknown",
        b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\n\n",
        [("message", "test\n", "")],
    ),
    ("leading-space", b"data:\ttest\rdata: \ndata:test\n\n", [("message", "\ttest\n\ntest", "")]),
    ("mime and newlines", b"data:test\r\ndata\ndata:test\r\n\r\n", [("message", "test\n\ntest", "")]),
    ("null-character", b"data:\0\n\n\n\n", [("message", "\0", "")]),
    ("utf-8", "data:ok…\n\n".encode(), [("message", "ok…", "")]),
]


@pytest.mark.parametrize("step", [1, 2, 3, 1 << 20])
@pytest.mark.parametrize(("data", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_stream_is_read_as_the_standard_says_however_it_is_cut(
    data: bytes, expected: list[tuple[str, str, str]], step: int
) -> None:
    stream = EventStream()
    events = []
    for at in range(0, len(data), step):
        events += stream.feed(data[at : at + step])
    assert [(event.kind, event.data, event.last_id) for event in events] == expected


@pytest.mark.parametrize(
    ("data", "retry"),
    [(b"retry:3000\n\n", 3000), (b"retry:3000\nretry:1000x\n\n", 3000), (b"retry\n\n", None)],
)
def test_retry_is_digits_or_nothing(data: bytes, retry: int | None) -> None:
    stream = EventStream()
    stream.feed(data)
    assert stream.retry == retry


def test_comments_are_kept_apart() -> None:
    stream = EventStream()
    assert stream.feed(b": hello\n\n:\n\n") == []
    assert stream.comments == [" hello", ""]

"""A law: whatever requests follow each other on a connection, and wherever it is cut, each gets its own
answer, in order.
"""

from __future__ import annotations

from typing import NamedTuple

import trio
import trio.testing
from hypothesis import example, given
from hypothesis import strategies as st

from rtcore.testing import memory_server
from tests.patience import PATIENCE

from .conftest import chat
from .test_hand_back import site


class Asked(NamedTuple):
    """A request, and what only its answer says."""

    text: bytes
    answer: bytes


HOST = b"Host: localhost\r\n"
HELLO = b'{"type":"hello"}'
KINDS = {
    "page": Asked(b"GET /page HTTP/1.1\r\n%b\r\n" % HOST, b"page for 127.0.0.1 with 0"),
    "post": Asked(b"POST /page HTTP/1.1\r\n%bContent-Length: 3\r\n\r\nabc" % HOST, b"with 3"),
    "chunks": Asked(
        b"POST /page HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n5;x=y\r\ncdefg\r\n0\r\n\r\n"
        % HOST,
        b"with 7",
    ),
    "pieces": Asked(b"GET /pieces HTTP/1.1\r\n%b\r\n" % HOST, b"\r\n0 \r\n2\r\n1 \r\n2\r\n2 \r\n"),
    "missing": Asked(b"GET /nothing HTTP/1.1\r\n%b\r\n" % HOST, b"Not Found"),
    "ours": Asked(b"GET /healthz HTTP/1.1\r\n%b\r\n" % HOST, b"ok\n"),
    "native": Asked(
        b"POST /rt/session HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (HOST, len(HELLO), HELLO),
        b'"welcome"',
    ),
}
LAST = Asked(b"GET /page HTTP/1.1\r\n%bConnection: close\r\n\r\n" % HOST, b"page for 127.0.0.1 with 0")


# What was read while the core would not take it, and was then handed over.
@example(["native", "post"], [71], False)
@example(["native", "post"], [78], False)
@given(
    st.lists(st.sampled_from(sorted(KINDS)), max_size=8),
    st.lists(st.integers(1, 200), min_size=1, max_size=30),
    st.booleans(),
)
def test_each_request_gets_its_own_answer_in_order(kinds: list[str], cuts: list[int], patient: bool) -> None:
    asked = [*(KINDS[kind] for kind in kinds), LAST]
    heard = trio.run(_play, b"".join(each.text for each in asked), cuts, patient)
    answers = heard.split(b"HTTP/1.1 ")[1:]
    assert len(answers) == len(asked), heard
    for each, answer in zip(asked, answers, strict=True):
        assert each.answer in answer


async def _play(text: bytes, cuts: list[int], patient: bool) -> bytes:
    """Say it in pieces of these sizes, in turn; a patient client lets the server rest after each."""
    async with memory_server(chat(), mount=site) as server:
        stream = server.stream()
        start = 0
        while start < len(text):
            size = cuts[start % len(cuts)]
            await stream.send_all(text[start : start + size])
            start += size
            if patient:
                await trio.testing.wait_all_tasks_blocked(0.0)
        with trio.fail_after(PATIENCE):
            heard = b"".join([chunk async for chunk in stream])
        await stream.aclose()
    return heard

"""`POST /rt/stream/NAME` by real sockets: a refusal is a status, and who is cut comes back to his stream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import msgspec
import trio

import rtcore
from tests.contract.eventstream import Event
from tests.contract.http_peer import http_at
from tests.contract.link import Place
from tests.once import once
from tests.patience import PATIENCE

from .conftest import serving


class Question(msgspec.Struct):
    text: str


def answering() -> tuple[rtcore.App, list[str]]:
    """An application that tells what became of its generators."""
    app = rtcore.App()
    log: list[str] = []

    @app.stream("answer")
    async def answer(session: rtcore.Session, question: Question) -> AsyncIterator[str]:
        if question.text == "forbidden":
            raise rtcore.Refuse("FORBIDDEN", "not this")
        log.append("begun")
        try:
            for word in question.text.split():
                yield word
            if question.text.endswith("..."):
                await trio.sleep_forever()
        finally:
            log.append("over")

    @app.stream("costly", away=0.01)
    async def costly(session: rtcore.Session) -> AsyncIterator[int]:
        try:
            yield 1
            await trio.sleep_forever()
        finally:
            log.append("over")

    return app, log


async def test_what_cannot_be_read_or_is_refused_is_a_status_with_its_reason() -> None:
    app, log = answering()
    async with serving(app) as server:
        status, head, body = await once(
            server.port, "/rt/stream/answer", method="POST", body='{"text": 5}', headers=""
        )
        assert (status, "application/json" in head) == (400, True)
        said = json.loads(body)
        assert said["code"] == "INVALID_MESSAGE"
        assert said["details"][0]["path"] == "$.text"
        for wrong, expected in (
            ('{"text": "forbidden"}', 403),
            ("{}", 400),
            ("{", 400),
            ("5", 400),
        ):
            got, _, _ = await once(server.port, "/rt/stream/answer", method="POST", body=wrong)
            assert got == expected, wrong
        assert (await once(server.port, "/rt/stream/nothing", method="POST", body="1"))[0] == 404
        assert (await once(server.port, "/rt/stream/answer?format=xml", method="POST", body="1"))[0] == 400
    assert not log, "no generator began"


async def test_in_the_plain_format_curl_has_the_items_alone() -> None:
    app, _ = answering()
    async with serving(app) as server:
        path = "/rt/stream/answer?format=plain"
        status, _, body = await once(server.port, path, method="POST", body='{"text": "one two"}')
    assert status == 200
    assert "data: one\n\n" in body
    assert "data: two\n\n" in body
    assert "event: $end\n" in body


async def test_who_was_cut_comes_back_to_the_same_stream() -> None:
    app, log = answering()
    async with serving(app) as server, http_at(Place(("127.0.0.1", server.port))) as http:
        question = b'{"text": "one two three ..."}'
        stream = await http.stream("stream/answer?away=30&format=plain", said=question)
        heard: list[Event] = [await stream.event() for _ in range(2)]
        last = heard[-1].last_id
        stream.close()
        again = await http.stream("stream/answer?away=30&format=plain", [("Last-Event-ID", last)], question)
        heard += [await again.event() for _ in range(2)]
        assert [event.data for event in heard] == ["one", "two", "three", "..."]
        assert log == ["begun"], "it was opened once, and goes on"
        again.close()


async def test_a_stream_that_says_so_waits_no_longer_than_that_for_its_reader() -> None:
    app, log = answering()
    async with serving(app) as server, http_at(Place(("127.0.0.1", server.port))) as http:
        stream = await http.stream("stream/costly?away=600", said=b"")
        await stream.event()
        stream.close()
        with trio.fail_after(PATIENCE):
            while not log:  # noqa: ASYNC110 - it is another task of the same program
                await trio.sleep(0.01)
    assert log == ["over"]

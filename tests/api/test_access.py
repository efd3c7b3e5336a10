"""Who may: keys, rights, rates, methods, bodies; and what is told to who may not."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore._ground.numbers import USUAL
from rtcore.testing import MemoryServer, memory_server
from tests.diagnose.views import Core
from tests.server.conftest import serving

from .app import build
from .http import HOST, KEY, Answer, Api, read_answer

SAID = {"room": "news", "event": "n"}


async def test_without_a_key_nothing_is_said_and_nothing_told(api: Api) -> None:
    for given in (
        None,
        "Bearer",
        "Bearer ",
        f"Bearer {KEY[:-1]}",
        f"Bearer {KEY}x",
        f"Basic {KEY}",
        KEY,
        "Bearer \xff",
    ):
        stranger = Api(api.port, None)
        headers = {} if given is None else {"Authorization": given}
        answer = await stranger("publish", SAID, **headers)
        assert (answer.status, answer.body["code"]) == (401, "UNAUTHORIZED"), given
        assert answer.head["www-authenticate"].startswith("Bearer")
        assert answer.head["cache-control"] == "no-store"
        assert KEY[:8] not in str(answer)
    twice = f"Authorization: Bearer {KEY}\r\n" * 2
    answer = await api.raw(
        f"POST /rt/api/publish HTTP/1.1\r\n{HOST}{twice}Content-Length: 2\r\n\r\n{{}}".encode()
    )
    assert answer.status in (400, 401)
    assert (await api.ok("history", {"room": "news"}))["history"] == []


async def test_the_scheme_is_written_in_any_case(api: Api) -> None:
    stranger = Api(api.port, None)
    assert (await stranger("publish", SAID, Authorization=f"bEARER  {KEY}")).status == 200


async def test_without_any_key_configured_there_is_no_api() -> None:
    async with serving(build()) as server:
        api = Api(server.port)
        for path, method in (("publish", "POST"), ("publish", "GET"), ("openapi.json", "GET"), ("x", "PUT")):
            answer = await api.request(f"/rt/api/{path}", method=method)
            assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND")


async def test_paths_and_methods(api: Api) -> None:
    for path in ("/rt/api/", "/rt/api/other", "/rt/api/publish/"):
        answer = await api.request(path, b"{}")
        assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND"), path
    # What one reads as ours and another does not is nobody's: its origin was not looked at.
    for path in ("/%72t/api/publish", "/rt/api/%70ublish"):
        answer = await api.request(path, json.dumps(SAID).encode())
        assert (answer.status, answer.body["code"]) == (400, "INVALID_MESSAGE"), path
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD"):
        answer = await api.request("/rt/api/publish", method=method)
        assert answer.status == 405, method
        assert answer.head["allow"] == "POST"
    answer = await api.request("/rt/api/publish?room=news", json.dumps(SAID).encode())
    assert (answer.status, answer.body["code"]) == (400, "INVALID_MESSAGE")
    assert "'room'" in answer.body["message"]


async def test_a_page_of_another_site_is_refused_before_the_key(api: Api) -> None:
    answer = await api("publish", SAID, Origin="https://evil.example")
    assert (answer.status, answer.body["code"]) == (403, "FORBIDDEN_ORIGIN")
    preflight = await api.request(
        "/rt/api/publish", method="OPTIONS", Origin="http://localhost", Access_Control_Request_Method="POST"
    )
    assert preflight.status == 405
    assert not [name for name in preflight.head if name.startswith("access-control")]
    assert (await api("publish", SAID, Host="evil.example")).status == 403


KEYS: list[Any] = [
    {"key": "k-all", "name": "all"},
    {"key": "k-news", "name": "news", "rooms": ["news*"], "operations": ["publish", "history"]},
    {"key": "k-ann", "name": "ann", "rooms": ["$user/ann", "$session/*"]},
    {"key": "k-some", "name": "some", "rate": 1, "burst": 2},
]


async def test_a_key_may_what_is_written_beside_it() -> None:
    async with serving(build(), api_keys=KEYS) as server:
        news, ann = Api(server.port, "k-news"), Api(server.port, "k-ann")
        assert (await news("publish", SAID)).status == 200
        assert (await news("history", {"room": "news:x"})).status == 200
        for refused in (
            await news("publish", {"room": "relay:x", "event": "n"}),
            await news("publish", {"room": "unheard-of", "event": "n"}),  # no oracle: not 404
            await news("presence", {"room": "news"}),
            await news("send", {"user": "ann", "event": "n"}),
            await ann("publish", SAID),
            await ann("send", {"user": "bob", "event": "n"}),
            await ann("send", {"all": True, "event": "n"}),
            await ann("disconnect", {"user": "bob"}),
        ):
            assert (refused.status, refused.body["code"]) == (403, "FORBIDDEN")
        assert (await ann("send", {"user": "ann", "event": "n"})).status == 200
        assert (await ann("disconnect", {"session": "nobody"})).status == 404
        batch = await news("batch", [SAID, {"room": "relay:x", "event": "n"}])
        assert [each.get("error", {}).get("code") for each in batch.body] == [None, "FORBIDDEN"]


async def asked(server: MemoryServer, key: str, operation: str, said: object) -> Answer:
    """The answer to a request over a memory stream, on the test's clock."""
    stream = server.stream()
    body = json.dumps(said).encode()
    head = f"POST /rt/api/{operation} HTTP/1.1\r\n{HOST}Authorization: Bearer {key}\r\n"
    await stream.send_all(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return read_answer(b"".join([chunk async for chunk in stream]))


async def test_over_its_rate_a_key_is_told_when_to_come_back(mock_clock: trio.testing.MockClock) -> None:
    async with memory_server(build(), api_keys=KEYS) as server:
        for _ in range(2):
            assert (await asked(server, "k-some", "publish", SAID)).status == 200
        over = await asked(server, "k-some", "publish", SAID)
        assert (over.status, over.body["code"], over.body["retry"]) == (429, "OVERLOADED", True)
        assert over.head["retry-after"] == "1"
        assert (await asked(server, "k-all", "publish", SAID)).status == 200  # another key's is another
        mock_clock.jump(1.0)
        assert (await asked(server, "k-some", "publish", SAID)).status == 200
        assert (await asked(server, "k-some", "publish", SAID)).status == 429


async def test_a_batch_costs_what_is_in_it(mock_clock: trio.testing.MockClock) -> None:
    async with memory_server(build(), api_keys=KEYS) as server:
        assert (await asked(server, "k-some", "batch", [SAID] * 10)).status == 200
        over = await asked(server, "k-some", "publish", SAID)
        assert (over.status, over.head["retry-after"]) == (429, "9")


async def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    async with serving(build(), api_keys=[KEY], limits={"max_message": 1000}) as server:
        api = Api(server.port)
        head = f"POST /rt/api/publish HTTP/1.1\r\n{HOST}Authorization: Bearer {KEY}\r\n"
        announced = await api.raw(f"{head}Content-Length: 1001\r\n\r\n".encode())
        chunked = await api.raw(
            f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + b"1f4\r\n" + b" " * 500 + b"\r\n" * 1
            + b"1f5\r\n" + b" " * 501 + b"\r\n"
        )  # fmt: skip
        for answer in (announced, chunked):
            assert (answer.status, answer.body["code"]) == (413, "TOO_LARGE")
            assert "1001 bytes" in answer.body["message"]
        assert (await api("publish", json.dumps(SAID).encode().ljust(1000))).status == 200
        # Who has no key is told nothing of limits, and its body is not waited for.
        stranger = Api(server.port, None)
        no_key = await stranger.raw(head.replace(KEY, "other").encode() + b"Content-Length: 9999\r\n\r\n")
        assert no_key.status == 401


async def test_a_body_that_is_encoded_is_refused(api: Api) -> None:
    """A bomb of it would be bounded only after inflating."""
    assert (await api("publish", SAID, Content_Encoding="gzip")).status == 400


async def test_a_body_that_drips_is_ended(autojump_clock: trio.testing.MockClock) -> None:
    async with memory_server(build(), api_keys=[KEY]) as server:
        stream = server.stream()
        head = f"POST /rt/api/publish HTTP/1.1\r\n{HOST}Authorization: Bearer {KEY}\r\n"
        await stream.send_all(f"{head}Content-Length: 1000\r\n\r\n".encode())
        answers: list[Answer] = []

        async def read() -> None:
            answers.append(read_answer(b"".join([chunk async for chunk in stream])))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                while not answers:
                    await stream.send_all(b" ")
                    await trio.sleep(7)
        assert (answers[0].status, answers[0].body["code"]) == (408, "TIMEOUT")
        assert 1 <= trio.current_time() / (USUAL["body_ms"] / 1000) < 2


async def test_a_client_that_leaves_in_the_midst_leaves_nothing(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with memory_server(build(), api_keys=[KEY]) as server:
        stream = server.stream()
        head = f"POST /rt/api/publish HTTP/1.1\r\n{HOST}Authorization: Bearer {KEY}\r\n"
        await stream.send_all(f"{head}Content-Length: 1000\r\n\r\nhalf".encode())
        await trio.testing.wait_all_tasks_blocked()
        await trio.aclose_forcefully(stream)
        await server._http.wait_idle()
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


async def test_keys_are_in_no_log_and_no_text(caplog: pytest.LogCaptureFixture, api: Api) -> None:
    caplog.set_level("DEBUG")
    async with serving(build(), api_keys=[KEY, "short"], access_log=True) as server:
        await Api(server.port)("publish", SAID)
        await Api(server.port, "wrong-key-0123456789")("publish", SAID)
    text = caplog.text + repr(rtcore.config.Config.of(api_keys=[KEY]))
    assert KEY not in text
    assert "wrong-key" not in text
    assert "the API key 'key 2' has fewer than 20 characters" in text


async def test_a_server_that_ends_says_come_back() -> None:
    from rtcore._watch.watch import Watch
    from rtcore.http_api.service import PublishApi

    config = rtcore.config.Config.of(api_keys=[KEY])
    service = PublishApi(build(), config, Watch(Core(), {}))  # an application that nobody serves
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(SAID).encode()}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {KEY}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/rt/api/publish", "headers": headers}
    await service(scope, receive, send)
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"5") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["retry"] is True

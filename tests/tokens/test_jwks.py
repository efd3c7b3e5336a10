"""The keys of another service: fetched once for all, kept, fetched again, and never asked for without end."""

from __future__ import annotations

import http.server
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore._tokens import fetch
from rtcore._tokens.fetch import Fetched
from rtcore._tokens.jwks import BETWEEN, LATEST, PATIENCE, SOONEST
from rtcore.auth import Hello
from rtcore.testing import memory_server

from .test_jwt import ED, ED_OTHER, jwk
from .test_jwt import token as signed
from .test_life import build

URL = "https://login.example/jwks"
OLD, NEW = jwk(ED, "old"), jwk(ED_OTHER, "new")


class Service:
    """The other service: what it publishes, and when it was asked."""

    def __init__(self, *keys: Any, fresh: float | None = 600.0) -> None:
        self.keys = list(keys)
        self.fresh = fresh
        self.asked: list[float] = []
        self.away = False
        self.slow = 0.0
        self.jwks = rtcore.JWKS(URL)
        self.jwks._ask = self.ask  # type: ignore[method-assign]
        self.jwt = rtcore.JWT(self.jwks, ["EdDSA"])

    async def ask(self) -> Fetched:
        self.asked.append(trio.current_time())
        await trio.sleep(self.slow)
        if self.away:
            raise ConnectionError("nobody there")
        return Fetched(json.dumps({"keys": self.keys}).encode(), None, self.fresh)


def token(key: Any, algorithm: str, kid: str) -> str:
    """Good for longer than these tests' clocks go."""
    return signed(key, algorithm, kid, exp=time.time() + 10 * LATEST)


async def say_hello(server: Any, given: str) -> Any:
    client = await server.connect()
    await client.send({"type": "hello", "v": 1, "token": given})
    return await client.receive()


async def test_they_are_fetched_when_the_application_is_served(
    autojump_clock: trio.testing.MockClock,
) -> None:
    service = Service(OLD)
    async with memory_server(build(service.jwt)) as server:
        assert (await say_hello(server, token(ED, "EdDSA", "old")))["user"] == "ann"
        assert len(service.asked) == 1
        await trio.sleep(1000)
        assert len(service.asked) == 2  # by `max-age`, with nobody asking


async def test_the_first_to_come_waits_for_them(autojump_clock: trio.testing.MockClock) -> None:
    service = Service(OLD)
    service.slow = 3.0
    async with memory_server(build(service.jwt)) as server:
        answers: list[Any] = []
        async with trio.open_nursery() as nursery:
            for _ in range(5):

                async def come() -> None:
                    answers.append(await say_hello(server, token(ED, "EdDSA", "old")))

                nursery.start_soon(come)
        assert [answer["user"] for answer in answers] == ["ann"] * 5
        assert len(service.asked) == 1


async def test_a_new_key_is_known_with_the_first_token_that_it_signed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    service = Service(OLD, fresh=LATEST)
    async with memory_server(build(service.jwt)) as server:
        await say_hello(server, token(ED, "EdDSA", "old"))
        await trio.sleep(BETWEEN + 1)
        service.keys = [NEW]
        assert (await say_hello(server, token(ED_OTHER, "EdDSA", "new")))["user"] == "ann"
        assert "not known here" in (await say_hello(server, token(ED, "EdDSA", "old")))["reason"]


async def test_key_ids_that_a_peer_makes_up_are_one_fetch_in_thirty_seconds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The attack: each hello names another key, and the server asks the login service for each."""
    service = Service(OLD, fresh=LATEST)
    async with memory_server(build(service.jwt)) as server:
        began = trio.current_time()
        codes = set()
        for number in range(300):
            codes.add((await say_hello(server, token(ED, "EdDSA", f"made up {number}")))["code"])
            await trio.sleep(1)
        assert len(service.asked) <= 1 + (trio.current_time() - began) / BETWEEN + 1
        assert codes == {4005}  # it may be known in a minute: whoever means it comes back


async def test_what_is_away_logs_nobody_out_and_is_asked_again_and_again(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(OLD, fresh=SOONEST)
    async with memory_server(build(service.jwt)) as server:
        await say_hello(server, token(ED, "EdDSA", "old"))
        service.away = True
        await trio.sleep(3600)
        between = [later - one for one, later in itertools.pairwise(service.asked[1:])]
        assert len(between) >= 3600 / PATIENCE
        assert max(between) <= PATIENCE
        assert all(later <= 4 * one + 1e-6 for one, later in itertools.pairwise(between))
        assert (await say_hello(server, token(ED, "EdDSA", "old")))["user"] == "ann"
        assert "those of before stay" in caplog.text
        service.away = False
        service.keys = [NEW]
        await trio.sleep(PATIENCE + 1)
        assert (await say_hello(server, token(ED_OTHER, "EdDSA", "new")))["user"] == "ann"


async def test_with_no_keys_yet_nobody_is_sent_to_log_in_again(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service()
    service.away = True
    async with memory_server(build(service.jwt)) as server:
        assert (await say_hello(server, token(ED, "EdDSA", "old")))["code"] == 1011
        service.away, service.keys = False, [OLD]
        await trio.sleep(2)
        assert (await say_hello(server, token(ED, "EdDSA", "old")))["user"] == "ann"


@pytest.mark.parametrize("kept", [True, False])
async def test_hellos_without_end_are_no_fetches_without_end(
    kept: bool, autojump_clock: trio.testing.MockClock
) -> None:
    """The attack: the login service is down, and each hello asks it again, so that it never comes up."""
    service = Service()
    service.away = True
    app = build(service.jwt) if kept else rtcore.App()
    if not kept:

        @app.authenticate
        async def who(hello: rtcore.Hello) -> rtcore.User:
            return rtcore.User((await service.jwt.claims(hello.token))["sub"])

    async with memory_server(app) as server:
        for _ in range(200):
            assert (await say_hello(server, token(ED, "EdDSA", "old")))["code"] == 1011
            await trio.sleep(0.1)
    assert len(service.asked) <= 8  # after 1 s, doubled, in 20 s


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"keys":5}', b"null", b'{"key":[]}', b"\xff"])
async def test_an_answer_that_is_no_set_leaves_what_was_there(
    body: bytes, autojump_clock: trio.testing.MockClock
) -> None:
    service = Service(OLD)
    assert await service.jwks.refresh()

    async def nonsense() -> Fetched:
        return Fetched(body, None, None)

    service.jwks._ask = nonsense  # type: ignore[method-assign]
    assert not await service.jwks.refresh()
    assert (await service.jwt.claims(token(ED, "EdDSA", "old")))["sub"] == "ann"


async def test_a_bad_key_among_them_loses_no_others(autojump_clock: trio.testing.MockClock) -> None:
    service = Service({"kty": "OKP", "crv": "X25519", "x": "AA"}, {"kty": "RSA"}, "nonsense", OLD)
    assert await service.jwks.refresh()
    assert service.jwt.verify(token(ED, "EdDSA", "old"))["sub"] == "ann"
    service.keys = [{"kty": "RSA"}]  # and of none that can be used the old ones stay
    assert await service.jwks.refresh()
    assert service.jwt.verify(token(ED, "EdDSA", "old"))["sub"] == "ann"


@pytest.mark.parametrize(
    ("fresh", "least", "most"),
    [
        (0, SOONEST, SOONEST),
        (5, SOONEST, SOONEST),
        (3600, 3600, 3600),
        (10**9, LATEST, LATEST),
        (None, 600, 600),
    ],
)
async def test_how_long_they_are_kept_is_believed_within_bounds(
    fresh: float | None, least: float, most: float, autojump_clock: trio.testing.MockClock
) -> None:
    service = Service(OLD, fresh=fresh)
    async with memory_server(build(service.jwt)):
        await trio.sleep(3 * most + 1)
    assert len(service.asked) >= 4
    for one, later in itertools.pairwise(service.asked):
        assert 0.9 * least <= later - one <= most


async def test_who_fetches_may_be_cancelled_and_another_goes_on(
    autojump_clock: trio.testing.MockClock,
) -> None:
    service = Service(OLD)
    service.slow = 5.0
    async with trio.open_nursery() as nursery:
        first = trio.CancelScope()

        async def one() -> None:
            with first:
                await service.jwks.refresh()

        nursery.start_soon(one)
        await trio.sleep(1)
        nursery.start_soon(service.jwks.refresh)
        await trio.sleep(1)
        first.cancel()
    assert service.jwks.document is not None
    assert len(service.asked) == 2


async def test_an_authenticator_of_one_s_own(autojump_clock: trio.testing.MockClock) -> None:
    service = Service(OLD)
    with pytest.raises(rtcore.RtcoreError, match="keep_fresh"):
        service.jwt.verify(token(ED, "EdDSA", "old"))
    assert (await service.jwt.claims(token(ED, "EdDSA", "old")))["sub"] == "ann"
    await trio.sleep(700)
    await service.jwt.claims(token(ED, "EdDSA", "old"))  # nobody keeps them fresh: who comes does
    assert len(service.asked) == 2
    known = service.jwt(Hello(token=token(ED, "EdDSA", "old")))
    assert isinstance(known, rtcore.User)
    assert known.id == "ann"


# -- the fetch itself, over a real socket


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers as the test says."""

    script: Callable[[Answers], None]

    def do_GET(self) -> None:
        type(self).script(self)

    def log_message(self, *_: Any) -> None:
        pass

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def served() -> Iterator[Callable[[Callable[[Answers], None]], str]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def get(script: Callable[[Answers], None]) -> str:
        Answers.script = staticmethod(script)  # type: ignore[assignment]
        return f"http://127.0.0.1:{server.server_port}/jwks"

    yield get
    server.shutdown()
    server.server_close()
    thread.join()


async def test_over_a_socket(served: Any) -> None:
    asked: list[str | None] = []

    def script(answer: Answers) -> None:
        asked.append(answer.headers["If-None-Match"])
        if len(asked) == 1:
            answer.say(200, json.dumps({"keys": [OLD]}).encode(), ETag='"1"', Cache_Control="max-age=300")
        else:
            answer.say(304, ETag='"1"', Cache_Control="public, max-age=900", Age="100")

    jwks = rtcore.JWKS(served(script))
    check = rtcore.JWT(jwks, ["EdDSA"])
    assert await jwks.refresh()
    assert await jwks.refresh()
    assert asked == [None, '"1"']
    assert check.verify(token(ED, "EdDSA", "old"))["sub"] == "ann"
    assert 700 <= jwks._old - trio.current_time() <= 800


def large(answer: Answers) -> None:
    answer.say(200, b" " * (fetch.LARGEST + 1))


def endless(answer: Answers) -> None:
    answer.send_response(200)
    answer.end_headers()
    try:
        while True:
            answer.wfile.write(b" ")
            time.sleep(0.01)
    except OSError:
        return


def elsewhere(answer: Answers) -> None:
    answer.say(302, Location="http://keys.example/jwks")


def file(answer: Answers) -> None:
    answer.say(302, Location="file:///etc/passwd")


def gone(answer: Answers) -> None:
    answer.say(404, b"{}")


def broken(answer: Answers) -> None:
    answer.say(200, b'{"keys": [')


@pytest.mark.parametrize("script", [large, endless, elsewhere, file, gone, broken])
async def test_what_is_too_large_too_slow_or_elsewhere_is_a_failure(
    script: Any, served: Any, caplog: pytest.LogCaptureFixture
) -> None:
    jwks = rtcore.JWKS(served(script), timeout=0.3)
    assert not await jwks.refresh()
    assert jwks.document is None
    (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "cannot be fetched" in said.getMessage()


@pytest.mark.parametrize(
    "url",
    ["http://keys.example/", "ftp://keys.example/", "file:///etc/passwd", "keys.example", "", "https://"],
)
def test_keys_come_by_https(url: str) -> None:
    with pytest.raises(rtcore.UsageError):
        rtcore.JWKS(url)


def test_http_of_this_machine_or_on_demand() -> None:
    for url in ("http://localhost:8080/jwks", "http://127.0.0.1/jwks", "http://[::1]:1/jwks", URL):
        rtcore.JWKS(url)
    rtcore.JWKS("http://keycloak:8080/jwks", insecure=True)
    for wrong in (0, -1, float("inf"), float("nan")):
        with pytest.raises(rtcore.UsageError):
            rtcore.JWKS(URL, refresh=wrong)

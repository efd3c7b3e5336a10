"""Behind a proxy: who asks, and how, is said of each request, by the header fields that are believed."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import rtcore
from tests.contract.http1 import Answer, Connection

from .conftest import reached, serving

PROXY = {"proxies": ("127.0.0.0/8",)}
Said = Iterable[tuple[str, str]]


def app() -> rtcore.App:
    made = rtcore.App()
    made.rooms("news", relay=True)

    @made.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User("secure" if hello.secure else "clear")

    @made.on("where")
    def where(session: rtcore.Session, data: Any) -> Any:
        return [session.address, session.user]

    return made


async def about(request: Request) -> Response:
    client = request.client
    seen = {"scheme": request.url.scheme, "host": request.url.netloc, "path": request.url.path}
    return JSONResponse({**seen, "client": [client.host, client.port] if client else None})


site = Starlette(routes=[Route("/about", about), Route("/{rest:path}", about)])


async def seen_as(proxy: Connection, fields: Said) -> list[str]:
    """The address and the user of a session that begins by this connection."""
    answer = await proxy.request("POST", "/rt/session", fields, b'{"type":"hello"}')
    welcome = answer.json()
    speaker = ("Authorization", f"Session {welcome['session']}:{welcome['key']}")
    message = json.dumps({"type": "emit", "id": 1, "event": "where", "data": None}).encode()
    answer = await proxy.request("POST", "/rt/send", [speaker], message)
    found: list[str] = answer.json()["messages"][0]["data"]
    return found


async def shown(proxy: Connection, fields: Said) -> dict[str, Any]:
    return (await proxy.request("GET", "/about", fields)).json()


async def test_each_request_of_one_connection_has_its_own_client() -> None:
    """A proxy keeps its connections, and sends the requests of many clients over each."""
    async with serving(app(), mount=site, **PROXY) as server, reached(server) as proxy:
        for turn in range(2):
            for address in ("203.0.113.1", "198.51.100.2", "2001:db8::7"):
                fields = [("X-Forwarded-For", address)]
                assert (await seen_as(proxy, fields))[0] == address, turn
                assert (await shown(proxy, fields))["client"] == [address, 0]
            # And one of the proxy's own, without the field.
            assert (await seen_as(proxy, []))[0] == "127.0.0.1"
            assert (await shown(proxy, []))["client"][0] == "127.0.0.1"


async def test_each_request_of_one_connection_came_its_own_way() -> None:
    async with serving(app(), mount=site, **PROXY) as server, reached(server) as proxy:
        for proto, user, scheme in (("https", "secure", "https"), ("http", "clear", "http")) * 2:
            fields = [("X-Forwarded-For", "9.9.9.9"), ("X-Forwarded-Proto", proto)]
            assert await seen_as(proxy, fields) == ["9.9.9.9", user]
            assert (await shown(proxy, fields))["scheme"] == scheme
            asked = await proxy.request("POST", "/rt/session", fields, b'{"type":"hello","cookie":true}')
            assert ("; Secure" in (asked.get("set-cookie") or "")) == (proto == "https")
        assert (await seen_as(proxy, []))[1] == "clear"


async def test_what_a_client_wrote_itself_is_not_believed() -> None:
    """The usual proxies append to X-Forwarded-For, and let every other field of their client's through."""
    made_up = [
        ("Forwarded", "for=6.6.6.6;proto=https;host=evil.example"),
        ("X-Forwarded-Host", "evil.example"),
    ]
    async with serving(app(), mount=site, **PROXY) as server, reached(server) as proxy:
        fields = [*made_up, ("X-Forwarded-For", "6.6.6.6, 9.9.9.9"), ("X-Forwarded-Proto", "http")]
        assert await seen_as(proxy, fields) == ["9.9.9.9", "clear"]
        seen = await shown(proxy, fields)
        assert (seen["scheme"], seen["host"]) == ("http", f"127.0.0.1:{server.port}")
    async with serving(app(), mount=site) as server, reached(server) as direct:  # nobody is trusted
        fields = [("X-Forwarded-For", "9.9.9.9"), ("X-Forwarded-Proto", "https"), *made_up]
        assert await seen_as(direct, fields) == ["127.0.0.1", "clear"]


async def test_a_setting_says_which_fields_are_believed() -> None:
    async with (
        serving(app(), mount=site, **PROXY, forwarded=["forwarded"]) as server,
        reached(server) as proxy,
    ):
        told = 'for="[2001:db8::1]:4711";proto=https;host="app.example:8443"'
        fields = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "http"), ("Forwarded", told)]
        assert await seen_as(proxy, fields) == ["2001:db8::1", "secure"]
        seen = await shown(proxy, fields)
        assert seen == {
            "scheme": "https",
            "host": "app.example:8443",
            "path": "/about",
            "client": ["2001:db8::1", 4711],
        }
    all_of_them = "x-forwarded-for, x-forwarded-proto, x-forwarded-host, x-forwarded-port"
    async with serving(app(), mount=site, **PROXY, forwarded=all_of_them) as server, reached(server) as proxy:
        fields = [("X-Forwarded-Host", "app.example"), ("X-Forwarded-Port", "8443")]
        assert (await shown(proxy, fields))["host"] == "app.example:8443"
        # A page of that place is one of our own.
        page = [*fields, ("Origin", "https://app.example:8443")]
        asked = await proxy.request("POST", "/rt/session", page, b'{"type":"hello"}')
        assert asked.status == 200
        foreign = await proxy.request(
            "POST", "/rt/session", [*fields, ("Origin", "https://b.example")], b"{}"
        )
        foreign.refused(403, "FORBIDDEN_ORIGIN")


@pytest.mark.parametrize("wrong", [["x-real-ip"], ["forwarded", "x-forwarded-for"]])
async def test_fields_that_cannot_be_believed_are_named(wrong: list[str]) -> None:
    with pytest.raises(rtcore.errors.ConfigError, match="forwarded"):
        await rtcore.serve(app(), port=0, signals=False, forwarded=wrong)


@pytest.mark.parametrize(
    "path",
    [
        "/%6detrics",
        "/metric%73",
        "/x/%2e%2e/metrics",
        "/x/../metrics",
        "/./metrics",
        "//metrics",
        "/metrics%00",
        "/%c0%ae/metrics",
        "/x%5cmetrics",
        "/x%2fmetrics",
        "/%72t/api/publish",
        "/rt/%61pi/publish",
        "/rt/api/..%2fpublish",
        "/rt/%77s",
        "http://127.0.0.1/%6detrics",
    ],
)
async def test_no_path_reads_as_another(path: str) -> None:
    """A proxy that denies /metrics sees none in /%6detrics; whoever undid the escape would answer it."""
    async with serving(app(), mount=site) as server, reached(server) as connection:
        fields = [("Host", "127.0.0.1")]
        (await connection.request("GET", path, fields)).refused(400, "INVALID_MESSAGE")
        await connection.ends()


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/a%20b", "/a b"),
        ("/%C3%A9", "/é"),
        ("/a;b=c", "/a;b=c"),
        ("/a//b", "/a//b"),
        ("/%7Ex", "/~x"),
    ],
)
async def test_what_needs_an_escape_reaches_the_mounted_application(path: str, seen: str) -> None:
    async with serving(app(), mount=site) as server, reached(server) as connection:
        answer: Answer = await connection.request("GET", path)
        assert answer.json()["path"] == seen


@pytest.mark.parametrize(
    "target",
    [
        "/rt/sse?room=news&fromat=plain",
        "/rt/sse?room=news&beat=yes",
        "/rt/poll?after=0&waits=1",
        "/rt/send?sesion=x",
        "/rt/session?fromat=plain",
        "/rt/stream/x?padded=1",
    ],
)
async def test_a_slip_of_the_pen_in_a_query_is_refused_by_its_name(target: str) -> None:
    name = target.rpartition("?")[2].rpartition("&")[2].partition("=")[0]
    method = "POST" if target.startswith(("/rt/send", "/rt/session", "/rt/stream")) else "GET"
    async with serving(app()) as server, reached(server) as connection:
        answer = await connection.request(method, target)
        answer.refused(400, "INVALID_MESSAGE")
        assert f'"{name}"' in answer.json()["message"]
        await connection.ends()


async def test_the_wait_of_a_poll_has_decimals() -> None:
    async with serving(app()) as server, reached(server) as connection:
        welcome = (await connection.request("POST", "/rt/session", (), b'{"type":"hello"}')).json()
        speaker = [("Authorization", f"Session {welcome['session']}:{welcome['key']}")]
        with trio.fail_after(20):  # half a second, and not none, and not 25
            answer = await connection.request("GET", "/rt/poll?after=0&wait=0.5", speaker)
        assert answer.json() == {"n": 1, "messages": []}
        answer = await connection.request("GET", "/rt/poll?after=1&wait=0.5s", speaker)
        assert '"wait"' in answer.refused(400, "INVALID_MESSAGE").json()["message"]
        await connection.ends()

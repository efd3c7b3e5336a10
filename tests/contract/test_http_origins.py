"""Pages of other sites: what a browser asks first, what it is told, and who is refused."""

from __future__ import annotations

import pytest

from .conftest import Ground
from .http_peer import Http, http_at

APP = "https://app.example"
PATHS = ["session", "send", "poll?after=0&wait=0", "sse?room=relay:x"]


@pytest.fixture
async def shared(ground: Ground):
    """A server for which one other origin is configured."""
    async with http_at(ground.place("plain", "--origin", APP)) as requests:
        yield requests


def listed(value: str | None) -> set[str]:
    return {part.strip().lower() for part in (value or "").split(",")}


@pytest.mark.parametrize("path", PATHS)
async def test_a_preflight_of_a_configured_origin_is_answered(shared: Http, path: str) -> None:
    method = "POST" if path in ("session", "send") else "GET"
    answer = await shared.request(
        "OPTIONS",
        path,
        [
            ("Origin", APP),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", "authorization, content-type"),
        ],
    )
    assert answer.status in (200, 204)
    assert answer.get("access-control-allow-origin") == APP
    assert answer.get("access-control-allow-credentials") == "true"
    assert method.lower() in listed(answer.get("access-control-allow-methods"))
    assert {"authorization", "content-type"} <= listed(answer.get("access-control-allow-headers"))
    assert "origin" in listed(answer.get("vary"))
    assert answer.get("cache-control") == "no-store"


# What watchers of pages put onto every request: W3C, Sentry, B3, Datadog, AWS, Google, Jaeger, Elastic.
WATCHERS = (
    "traceparent, tracestate, baggage, sentry-trace, b3, x-b3-traceid, x-request-id, x-correlation-id, "
    "x-datadog-trace-id, x-amzn-trace-id, x-cloud-trace-context, uber-trace-id, elastic-apm-traceparent"
)


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_may_add_what_watches_it(shared: Http, path: str) -> None:
    """`fetch` is instrumented by others than its caller: a field that is not allowed stops the request."""
    asked = ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", WATCHERS)
    answer = await shared.request("OPTIONS", path, [("Origin", APP), *asked])
    assert answer.status == 204
    assert listed(WATCHERS) <= listed(answer.get("access-control-allow-headers"))
    assert {"origin", "access-control-request-headers"} <= listed(answer.get("vary"))


async def test_a_preflight_gives_back_names_of_fields_and_nothing_else(shared: Http) -> None:
    fields = 'a:b, "c", d e, *, , x\ty, traceparent'
    answer = await shared.request(
        "OPTIONS",
        "send",
        [
            ("Origin", APP),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", fields),
            ("Access-Control-Request-Headers", "baggage"),
        ],
    )
    allowed = listed(answer.get("access-control-allow-headers"))
    fixed = {"authorization", "content-type", "content-encoding", "last-event-id"}
    assert allowed == fixed | {"traceparent", "baggage"}


@pytest.mark.parametrize("path", PATHS)
async def test_a_preflight_of_any_other_origin_is_refused(shared: Http, path: str) -> None:
    for origin in ("https://evil.example", "null", f"{APP}.evil", "http://app.example", f"{APP}:444"):
        answer = await shared.request(
            "OPTIONS", path, [("Origin", origin), ("Access-Control-Request-Method", "POST")]
        )
        answer.refused(403, "FORBIDDEN_ORIGIN")
        assert answer.get("access-control-allow-origin") is None


async def test_answers_and_refusals_say_who_may_read_them(shared: Http) -> None:
    """Refusals too: else a page sees no status at all."""
    one = await shared.session([("Origin", APP)])
    answers = [
        one.answer,
        await shared.request("POST", "send", [*one.fields, ("Origin", APP)], {"type": "ping"}),
        await shared.request("GET", "poll?after=0&wait=0", [*one.fields, ("Origin", APP)]),
        await shared.request(
            "POST", "send", [("Authorization", "Session a:b"), ("Origin", APP)], {"type": "ping"}
        ),
        (await shared.stream("sse?room=relay:x", [("Origin", APP)])).answer,
    ]
    assert [answer.status for answer in answers] == [200, 200, 200, 404, 200]
    for answer in answers:
        assert answer.get("access-control-allow-origin") == APP
        assert answer.get("access-control-allow-credentials") == "true"
        assert "origin" in listed(answer.get("vary"))


async def test_a_cookie_for_another_site_is_said_to_be_one(ground: Ground) -> None:
    """SameSite=Lax is not sent from another site's page: only None with Secure is, and that needs TLS."""
    async with http_at(ground.place("tls", "--origin", APP)) as shared:
        one = await shared.session([("Origin", APP)], cookie=True)
        attributes = {part.strip().lower() for part in one.answer.all("set-cookie")[0].split(";")[1:]}
        assert {"httponly", "secure"} <= attributes
        assert any(part.startswith("samesite=") for part in attributes)


async def test_the_same_origin_needs_no_configuration(http: Http) -> None:
    host = http.place.host
    one = await http.session([("Origin", f"http://{host}")])
    answer = await http.request("POST", "send", [*one.fields, ("Origin", f"http://{host}")], {"type": "ping"})
    answer.good()


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_of_a_foreign_origin_is_refused(http: Http, path: str) -> None:
    method, said = ("POST", {"type": "hello"}) if path in ("session", "send") else ("GET", None)
    for origins in (
        ["https://evil.example"],
        ["null"],
        [f"http://{http.place.host}", f"http://{http.place.host}"],
    ):
        answer = await http.request(method, path, [("Origin", origin) for origin in origins], said)
        answer.refused(403, "FORBIDDEN_ORIGIN")
        assert answer.get("access-control-allow-origin") is None


@pytest.mark.parametrize("path", PATHS)
async def test_a_host_that_is_not_ours_is_refused(http: Http, path: str) -> None:
    """DNS rebinding: the page's own name, our address."""
    method, said = ("POST", {"type": "hello"}) if path in ("session", "send") else ("GET", None)
    answer = await http.request(method, path, [("Host", "evil.example")], said)
    assert answer.status in (400, 403, 421), (answer.status, answer.body)

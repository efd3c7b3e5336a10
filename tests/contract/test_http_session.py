"""`POST /rt/session`, and who may speak for a session: by its key, by its cookie, by a ticket."""

from __future__ import annotations

import pytest

from .conftest import Dial, Ground
from .http_peer import Http

# Every request that names a session, with what its body would be.
SPEAKS = [("GET", "sse", None), ("GET", "poll?after=0&wait=0", None), ("POST", "send", {"type": "ping"})]
speaks = pytest.mark.parametrize(("method", "path", "said"), SPEAKS, ids=["sse", "poll", "send"])


@speaks
async def test_unknown_and_foreign_sessions_and_wrong_keys_look_the_same(
    http: Http, method: str, path: str, said: object
) -> None:
    """No oracle: the same status and the same body, byte for byte."""
    one, two, over = await http.session(), await http.session(), await http.session()
    await over.send({"type": "bye"})
    bodies = set()
    for id_, key in (
        ("unknown", one.key),
        (one.id, "wrong"),
        (one.id, two.key),
        (one.id, one.key[:-1]),
        (one.id, one.key + "x"),
        (over.id, over.key),
    ):
        answer = await http.request(method, path, [("Authorization", f"Session {id_}:{key}")], said)
        bodies.add(answer.refused(404, "NOT_FOUND").body)
    assert len(bodies) == 1
    assert await one.emit("echo", "undisturbed") == "undisturbed"


@speaks
@pytest.mark.parametrize(
    "value",
    [
        "Session",
        "Session x",
        "Session :",
        "Session a:b:c",
        "Basic YTpi",
        "x",
        "Session  a:b",
        "Session \xff:\xff",
    ],
)
async def test_an_authorization_that_is_none_gets_no_further(
    http: Http, method: str, path: str, said: object, value: str
) -> None:
    answer = await http.request(method, path, [("Authorization", value)], said)
    assert answer.status in (400, 401, 404), (answer.status, answer.body)
    assert answer.json()["code"] in ("INVALID_MESSAGE", "UNAUTHORIZED", "NOT_FOUND")


@speaks
async def test_two_authorizations_are_refused(http: Http, method: str, path: str, said: object) -> None:
    one, two = await http.session(), await http.session()
    answer = await http.request(method, path, [*one.fields, *two.fields], said)
    assert answer.status in (400, 404), (answer.status, answer.body)


async def test_a_body_that_is_no_hello_makes_no_session(http: Http) -> None:
    for said in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'"hello"',
        b'{"type":"join","room":"x"}',
        b'{"type":"hello","v":"x"}',
        b"\xff\xfe",
        b'{"type":"hello","token":7}',
        b'[{"type":"hello"},{"type":"hello"}]',
    ):
        answer = await http.request("POST", "session", [], said)
        assert answer.status == 400, (said, answer.status, answer.body)
        assert answer.json()["code"] == "INVALID_MESSAGE"


async def test_a_token_may_come_as_bearer(ground: Ground) -> None:
    """Where there is no hello of one's own: streams of rooms. In a URL it is refused."""
    http = Http(ground.place(app="app_auth", expiring_ms=1000))
    try:
        stream = await http.stream("sse?room=relay:bearer", [("Authorization", "Bearer ann")])
        assert (await stream.message("welcome"))["user"] == "ann"
        (await http.request("GET", "sse?room=relay:bearer", [("Authorization", "Bearer bad")])).refused(
            401, "UNAUTHORIZED"
        )
        (await http.request("GET", "sse?room=relay:bearer")).refused(401, "UNAUTHORIZED")
        answer = await http.request("GET", "sse?room=relay:bearer&token=ann")
        assert answer.status in (400, 401), answer.body
    finally:
        http.close()


# -- cookies


async def test_cookies_are_of_one_session_each_and_for_no_script(http: Http) -> None:
    """Two tabs are two sessions, with a cookie each; the URL says which of them is meant."""
    one, two = await http.session(cookie=True), await http.session(cookie=True)
    (set_one,) = one.answer.all("set-cookie")
    attributes = {part.strip().lower() for part in set_one.split(";")[1:]}
    assert "httponly" in attributes
    assert attributes & {"samesite=lax", "samesite=strict"}
    assert any(part.startswith("path=/rt") for part in attributes), set_one
    assert set_one.startswith(f"rt_{one.id}=")
    both = [("Cookie", f"other=1; {one.cookie}; {two.cookie}; rt_={one.key}")]
    for session in (one, two):
        answer = await http.request(
            "POST", f"send?session={session.id}", both, {"type": "emit", "id": 1, "event": "whoami"}
        )
        (ack,) = answer.good().json()["messages"]
        assert ack["data"]["id"] == session.id
    stream = await http.stream(f"sse?session={two.id}", both)
    poll = await http.request("GET", f"poll?session={one.id}&after=0&wait=0", both)
    assert poll.good().json()["n"] == 1
    stream.close()


async def test_a_cookie_without_its_session_in_the_url_says_nothing(http: Http) -> None:
    one, two = await http.session(cookie=True), await http.session(cookie=True)
    for path in ("send", f"send?session={two.id}", "send?session=", f"send?session={one.id}x"):
        answer = await http.request("POST", path, [("Cookie", one.cookie)], {"type": "ping"})
        assert answer.status in (400, 401, 404), (path, answer.status)
    answer = await http.request("POST", f"send?session={one.id}", [], {"type": "ping"})
    assert answer.status in (401, 404)


@speaks
async def test_a_cookie_gives_a_page_of_a_foreign_origin_no_rights(
    http: Http, method: str, path: str, said: object
) -> None:
    """The browser sends it along; the origin decides."""
    one = await http.session(cookie=True)
    mark = "&" if "?" in path else "?"
    fields = [("Cookie", one.cookie), ("Origin", "https://evil.example")]
    answer = await http.request(method, f"{path}{mark}session={one.id}", fields, said)
    answer.refused(403, "FORBIDDEN_ORIGIN")


IMAGE = [("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")]
OPENED = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]


@pytest.mark.parametrize(
    "fields",
    [
        [("Sec-Fetch-Site", "cross-site"), *IMAGE],
        [("Sec-Fetch-Site", "same-site"), *IMAGE],
        [("Sec-Fetch-Site", "same-origin"), *IMAGE],
        [("Sec-Fetch-Site", "cross-site"), *OPENED],
        [("Sec-Fetch-Site", "none"), *OPENED],
        [("Referer", "https://evil.example/")],
    ],
    ids=["image", "sibling", "own-image", "link", "letter", "old-browser"],
)
async def test_what_a_page_asks_without_a_script_of_ours_takes_nothing_away(
    http: Http, fields: list[tuple[str, str]]
) -> None:
    """An `<img>` of another site with somebody's cookie made a poll, and took the page's own stream away."""
    one = await http.session(cookie=True)
    cookie = ("Cookie", one.cookie)
    own = [cookie, ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Dest", "empty")]
    stream = await http.stream(f"sse?session={one.id}", own)
    for path in (f"poll?session={one.id}&after=0&wait=0", f"sse?session={one.id}"):
        answer = await http.request("GET", path, [cookie, *fields])
        answer.refused(403, "FORBIDDEN_ORIGIN")
    said = {"type": "emit", "id": 1, "event": "echo", "data": "undisturbed"}
    (ack,) = (await http.request("POST", f"send?session={one.id}", own, said)).good().json()["messages"]
    assert ack["data"] == "undisturbed"
    stream.close()


# -- tickets


async def test_a_ticket_reads_the_stream_and_can_do_nothing_else(http: Http, room: str) -> None:
    one = await http.session(ticket=True)
    ticket = one.welcome["ticket"]
    assert ticket != one.key
    stream = await http.stream(f"sse?ticket={ticket}")
    await one.ask("join", room=room)
    await one.ask("publish", room=room, event="say", data=1)
    assert (await stream.message("event"))["data"] == 1
    stream.close()
    for method, path, said in (
        ("POST", f"send?ticket={ticket}", {"type": "ping"}),
        ("GET", f"poll?ticket={ticket}&after=0&wait=0", None),
    ):
        answer = await http.request(method, path, [], said)
        assert answer.status in (400, 401, 403, 404), (path, answer.status)
    for value in (f"Session {one.id}:{ticket}", f"Session {ticket}", f"Bearer {ticket}"):
        answer = await http.request("POST", "send", [("Authorization", value)], {"type": "ping"})
        assert answer.status in (400, 401, 404), (value, answer.status)
    resumed = (await http.session(session=one.id, key=ticket)).welcome
    assert resumed["resumed"] is False


async def test_a_ticket_ends_with_its_session(http: Http) -> None:
    one = await http.session(ticket=True)
    await one.send({"type": "bye"})
    answer = await http.request("GET", f"sse?ticket={one.welcome['ticket']}")
    assert answer.status in (204, 404), (answer.status, answer.body)
    assert (await http.request("GET", "sse?ticket=nonsense")).status == answer.status


async def test_without_being_asked_for_there_is_no_ticket_and_no_cookie(http: Http) -> None:
    one = await http.session()
    assert one.welcome.get("ticket") is None
    assert one.answer.all("set-cookie") == []


async def test_a_ticket_is_not_logged(own: Ground) -> None:
    server = own.server("plain", "--log-level", "debug", "--access-log")
    http = Http(own.place("plain", "--log-level", "debug", "--access-log"))
    try:
        one = await http.session(ticket=True)
        stream = await http.stream(f"sse?ticket={one.welcome['ticket']}")
        await one.emit("echo", 1)
        stream.close()
    finally:
        http.close()
    server.terminate()
    server.wait()
    assert one.welcome["ticket"] not in server.output
    assert one.key not in server.output


# -- taking over


async def test_a_session_made_on_a_websocket_speaks_plain_http(dial: Dial, http: Http) -> None:
    ann = await dial().hello()
    again = await http.session(**ann.returning())
    assert (again.welcome["resumed"], again.id, again.key) == (True, ann.session, ann.welcome["key"])
    assert (await again.emit("whoami"))["id"] == ann.session


async def test_guesses_at_a_key_learn_nothing(http: Http) -> None:
    """A hundred guesses at a key are a hundred 404, all the same."""
    one = await http.session()
    bodies = set()
    for n in range(100):
        fields = [("Authorization", f"Session {one.id}:X{n:02}{one.key[3:]}")]  # no key has an X
        bodies.add(
            (await http.request("POST", "send", fields, {"type": "ping"})).refused(404, "NOT_FOUND").body
        )
    assert len(bodies) == 1
    assert await one.emit("echo", 1) == 1


@speaks
@pytest.mark.parametrize("number", ["6", "0", "8", "18446744073709551615"])
async def test_who_speaks_by_an_older_hello_is_told_so_and_nothing_is_done(
    http: Http, method: str, path: str, said: object, number: str
) -> None:
    """Two programs have a copy of one secret, and each says by which hello it speaks."""
    one = await http.session(n=7)
    mine = [*one.fields, ("Rtcore-Hello", "7")]
    said = {"type": "emit", "id": 1, "event": "echo", "data": "mine"} if method == "POST" else said
    if path != "sse":
        answer = (await http.request(method, path, mine, said)).good()
        assert "4500" not in answer.body.decode()
    other = {"type": "emit", "id": 2, "event": "echo", "data": "theirs"} if method == "POST" else said
    answer = await http.request(method, path, [*one.fields, ("Rtcore-Hello", number)], other)
    if path == "sse":
        assert answer.status == 204
    else:
        (bye,) = answer.good().json()["messages"]
        assert (bye["type"], bye["code"]) == ("bye", 4500)
    again = (
        await http.request("POST", "session", said={"type": "hello", "session": one.id, "key": one.key})
    ).json()
    assert again["resumed"] is True
    assert again["taken"] == (1 if method == "POST" else 0)


@speaks
@pytest.mark.parametrize("number", ["x", "-1", "+7", "7.5", "18446744073709551616"])
async def test_a_number_of_a_hello_that_is_none_is_refused(
    http: Http, method: str, path: str, said: object, number: str
) -> None:
    one = await http.session(n=7)
    answer = await http.request(method, path, [*one.fields, ("Rtcore-Hello", number)], said)
    answer.refused(400, "INVALID_MESSAGE")
    assert "Rtcore-Hello" in answer.json()["message"]
    assert await one.emit("echo", 1) == 1


@speaks
async def test_an_older_hello_is_stale_though_the_newest_does_not_count(
    http: Http, method: str, path: str, said: object
) -> None:
    """A client that never counts takes over, and goes on as ever; what says 7 is of the hello before."""
    one = await http.session(n=7)
    taken = await http.request("POST", "session", said={"type": "hello", "session": one.id, "key": one.key})
    assert taken.json()["resumed"] is True
    answer = await http.request(method, path, [*one.fields, ("Rtcore-Hello", "7")], said)
    if path == "sse":
        assert answer.status == 204
    else:
        assert [each["code"] for each in answer.good().json()["messages"]] == [4500]
    assert await one.emit("echo", 1) == 1

"""`send`, `history`, `presence` and `disconnect`."""

from __future__ import annotations

import trio

from tests.patience import PATIENCE

from .http import Api


async def test_to_a_user_is_to_each_of_its_sessions(api: Api) -> None:
    async with api.session(token="ann") as one, api.session(token="ann") as two, api.session() as other:
        said = await api.ok("send", {"user": "ann", "event": "hi", "data": 1, "key": "k"})
        assert await api.ok("send", {"user": "ann", "event": "hi", "data": 1, "key": "k"}) == said
        await api.ok("send", {"all": True, "event": "end"})
        for client in (one, two):
            heard = await client.until("event")
            assert (heard["room"], heard["event"], heard["seq"]) == ("$user/ann", "hi", said["seq"])
            assert (await client.until("event"))["event"] == "end"
        assert (await other.until("event"))["room"] == "$all"


async def test_to_one_session(api: Api) -> None:
    async with api.session(token="ann") as one, api.session(token="ann") as two:
        said = await api.ok("send", {"session": one.session, "event": "hi", "data": {"$bin": "aGk="}})
        await api.ok("send", {"user": "ann", "event": "end"})
        heard = await one.until("event")
        assert (heard["event"], heard["data"], heard["seq"]) == ("hi", {"$bin": "aGk="}, said["seq"])
        assert "room" not in heard
        assert (await two.until("event"))["event"] == "end"


async def test_a_send_goes_to_exactly_one(api: Api) -> None:
    for to in ({}, {"user": "a", "all": True}, {"user": "a", "session": "b"}):
        answer = await api("send", {"event": "n", **to})
        assert answer.status == 400
        assert "exactly one" in answer.body["message"]
    for extra in ({"key": "k"}, {"volatile": True}, {"trace": "x"}):
        answer = await api("send", {"event": "n", "session": "b", **extra})
        assert answer.status == 400
    for said in ({"event": "$bye", "user": "a"}, {"event": "$bye", "session": "a"}):
        assert (await api("send", said)).status == 403
    unknown = await api("send", {"event": "n", "session": "nobody"})
    assert (unknown.status, unknown.body["code"]) == (404, "NOT_FOUND")


async def test_the_past_goes_on_from_a_position(api: Api) -> None:
    said = await api.ok("batch", [{"room": "news", "event": "n", "data": n} for n in range(5)])
    first = await api.ok("history", {"room": "news", "limit": 2})
    assert [entry["data"] for entry in first["history"]] == [0, 1]
    assert (first["complete"], first["more"]) == (True, True)
    rest = await api.ok("history", {"room": "news", "after": said[1]["position"]})
    assert [entry["data"] for entry in rest["history"]] == [2, 3, 4]
    assert (rest["complete"], rest["more"]) == (True, False)
    assert rest["history"][0]["type"] == "event"
    assert rest["history"][0]["from"] is None


async def test_the_past_says_what_the_ring_let_go_of(api: Api) -> None:
    said = await api.ok("batch", [{"room": "news:x", "event": "n", "data": n} for n in range(5)])
    past = await api.ok("history", {"room": "news:x", "after": said[0]["position"]})
    assert [entry["data"] for entry in past["history"]] == [2, 3, 4]
    assert past["complete"] is False
    assert (await api.ok("history", {"room": "news", "after": "other.1"}))["complete"] is False
    for limit in (0, 1001, "many"):
        assert (await api("history", {"room": "news", "limit": limit})).status == 400


async def test_the_past_says_who_said_it(api: Api) -> None:
    async with api.session("relay:x", token="ann") as ann:
        await ann.ask("publish", room="relay:x", event="say", data=1)
        past = await api.ok("history", {"room": "relay:x"})
        assert past["history"][0]["from"] == {"session": ann.session, "user": "ann"}


async def test_presence_is_what_members_are_told(api: Api) -> None:
    assert await api.ok("presence", {"room": "news"}) == {"members": [], "count": 0}
    async with api.session("news", token="ann") as ann:
        there = await api.ok("presence", {"room": "news"})
        assert there == {"members": [{"session": ann.session, "user": "ann", "info": None}], "count": 1}
    for room, status in (("silent", 403), ("elsewhere", 404), ("$all", 403)):
        assert (await api("presence", {"room": room})).status == status


async def test_who_only_listens_to_an_event_stream_is_no_member(api: Api) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", api.port) as stream:
        await stream.send_all(b"GET /rt/sse?room=news HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = b""
        with trio.fail_after(PATIENCE):
            while b"welcome" not in heard:
                heard += await stream.receive_some()
            assert await api.ok("presence", {"room": "news"}) == {"members": [], "count": 0}
            await api.ok("publish", {"room": "news", "event": "n", "data": "for all"})
            while b"for all" not in heard:
                heard += await stream.receive_some()


async def test_a_session_is_ended_with_code_and_reason(api: Api) -> None:
    async with api.session("news", token="ann") as ann, api.session(token="ann") as two:
        said = {"session": ann.session, "code": 4601, "reason": "moved"}
        assert await api.ok("disconnect", said) == {"closed": 1}
        assert (await ann.wait_closed()).code == 4601
        assert (await api("disconnect", said)).status == 404
        assert await api.ok("disconnect", {"user": "ann"}) == {"closed": 1}
        assert (await two.wait_closed()).code == 4503
        assert await api.ok("disconnect", {"user": "ann"}) == {"closed": 0}
        assert (await api.ok("presence", {"room": "news"}))["count"] == 0


async def test_a_disconnect_is_of_exactly_one_and_final(api: Api) -> None:
    for wrong in (
        {},
        {"user": "a", "session": "b"},
        {"user": "a", "code": 4000},
        {"user": "a", "code": 1000},
    ):
        assert (await api("disconnect", wrong)).status == 400
    async with api.session(token="ann") as ann:
        await api.ok("disconnect", {"user": "ann", "reason": "é" * 120})
        assert (await ann.until("bye"))["reason"] == "é" * 120
        assert (await ann.wait_closed()).code == 4503

"""`publish` and `batch`: into the log as anybody's, once under each key, and refused with what and where."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import trio
from hypothesis import given
from hypothesis import strategies as st

from rtcore.http_api.operations import Caller, batch
from tests.server.conftest import serving

from .app import build
from .http import KEY, Api


async def test_a_published_event_is_heard_and_answered_with_its_position(api: Api) -> None:
    async with api.session("news") as ann:
        said = await api.ok("publish", {"room": "news", "event": "n", "data": {"a": [1, None]}})
        heard = await ann.until("event")
        assert (heard["room"], heard["event"], heard["data"], heard["from"]) == (
            "news",
            "n",
            {"a": [1, None]},
            None,
        )
        assert heard["seq"] == said["seq"]
        assert said["position"].partition(".")[2] == str(said["seq"])


async def test_what_curl_sends(api: Api) -> None:
    """The way it is written in every guide: a form by its type, JSON by its body."""
    answer = await api(
        "publish", {"room": "news", "event": "n", "data": 1}, Content_Type="application/x-www-form-urlencoded"
    )
    assert answer.status == 200
    assert answer.head["cache-control"] == "no-store"
    assert answer.head["content-type"] == "application/json"


async def test_a_byte_order_mark_before_the_body_is_passed_over(api: Api) -> None:
    """PowerShell and .NET write one (RFC 8259 section 8.1)."""
    answer = await api("publish", b'\xef\xbb\xbf{"room": "news", "event": "n"}')
    assert answer.status == 200


async def test_data_may_be_missing_and_unknown_fields_are_ignored(api: Api) -> None:
    await api.ok("publish", {"room": "news", "event": "n", "later": {"$x": 1}})
    past = await api.ok("history", {"room": "news"})
    assert [entry["data"] for entry in past["history"]] == [None]


async def test_data_stays_as_it_came_without_its_line_breaks(api: Api) -> None:
    """A number that no float holds, and the order of keys, are the publisher's."""
    await api.ok("publish", b'{"room":"news","event":"n","data":{"z":12345678901234567890123,\n "a":1.10}}')
    past = await api.request("/rt/api/history", b'{"room":"news"}')
    assert past.body["history"][0]["data"] == {"z": 12345678901234567890123, "a": 1.1}


async def test_binary_is_understood_as_on_the_wire(api: Api) -> None:
    async with api.session("news") as ann:
        await api.ok("publish", {"room": "news", "event": "n", "data": {"$bin": "aGk="}})
        assert (await ann.until("event"))["data"] == {"$bin": "aGk="}
    for wrong in ({"$bin": "not base64"}, [{"$other": 1}]):
        answer = await api("publish", {"room": "news", "event": "n", "data": wrong})
        assert (answer.status, answer.body["code"]) == (400, "INVALID_MESSAGE")


async def test_the_same_key_and_content_are_the_same_entry(api: Api) -> None:
    said = {"room": "news", "event": "n", "data": {"a": 1, "b": 2}, "key": "k1"}
    first = await api.ok("publish", said)
    assert await api.ok("publish", {**said, "data": {"b": 2, "a": 1}}) == first
    assert len((await api.ok("history", {"room": "news"}))["history"]) == 1
    other = await api("publish", {**said, "data": 3})
    assert (other.status, other.body["code"], other.body["retry"]) == (409, "KEY_CONFLICT", False)
    # In another room it is another key.
    assert await api.ok("publish", {**said, "room": "news:x"}) != first


async def test_keys_of_the_application_have_no_quota_of_a_user() -> None:
    """A backend that names each of its events uses more than any user may."""
    async with serving(build(), api_keys=[KEY], limits={"keys_per_user": 4}) as server:
        api = Api(server.port)
        said = [{"room": "news", "event": "n", "key": f"k{number}"} for number in range(9)]
        answers = await api.ok("batch", said)
        assert [answer["seq"] for answer in answers] == sorted({answer["seq"] for answer in answers})


async def test_a_volatile_event_has_no_number(api: Api) -> None:
    said = await api.ok("publish", {"room": "news", "event": "n", "volatile": True})
    assert said == {"seq": None, "position": None}
    assert (await api.ok("history", {"room": "news"}))["history"] == []


async def test_one_session_may_be_left_out(api: Api) -> None:
    async with api.session("news") as ann, api.session("news") as bob:
        await api.ok("publish", {"room": "news", "event": "first", "exclude": ann.session})
        await api.ok("publish", {"room": "news", "event": "second", "exclude": "nobody"})
        assert (await ann.until("event"))["event"] == "second"
        assert (await bob.until("event"))["event"] == "first"


async def test_a_trace_is_copied_and_a_malformed_one_left_out(api: Api) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for given_trace in (trace, "x\r\ny", None):
        await api.ok("publish", {"room": "news", "event": "n", "trace": given_trace})
    past = await api.ok("history", {"room": "news"})
    assert [entry["trace"] for entry in past["history"]] == [trace, None, None]


REFUSED: list[tuple[Any, int, str, str]] = [
    ({"room": "elsewhere", "event": "n"}, 404, "NOT_FOUND", "elsewhere"),
    ({"room": "$all", "event": "n"}, 403, "FORBIDDEN", "`send`"),
    ({"room": "$user/ann", "event": "n"}, 403, "FORBIDDEN", "`send`"),
    ({"room": "$sync/notes:ann", "event": "change", "data": {}}, 403, "FORBIDDEN", "`send`"),
    ({"room": "news", "event": "$welcome"}, 403, "FORBIDDEN", "rtcore's own"),
    ({"room": "news", "event": ""}, 400, "INVALID_MESSAGE", "event"),
    ({"room": "news", "event": "é" * 200}, 400, "INVALID_MESSAGE", "400 bytes"),
    ({"room": "news", "event": "a\r\nb"}, 400, "INVALID_MESSAGE", "event"),
    ({"room": "news", "event": "a\n"}, 400, "INVALID_MESSAGE", "control character U+000A"),
    ({"room": "news", "event": "n", "key": ""}, 400, "INVALID_MESSAGE", "key"),
    ({"room": "news", "event": "n", "key": "k" * 129}, 400, "INVALID_MESSAGE", "key"),
    ({"room": "news"}, 400, "INVALID_MESSAGE", "event"),
    ({"room": 3, "event": "n"}, 400, "INVALID_MESSAGE", "room"),
    (b"[]", 400, "INVALID_MESSAGE", "object"),
    (b"", 400, "INVALID_MESSAGE", "byte 0"),
    (b'{"room":"news","event":"n","data":"\\ud800"}', 400, "INVALID_MESSAGE", "surrogate stands alone"),
    (b'{"room":"news","event":"n","data":"\xff"}', 400, "INVALID_MESSAGE", "UTF-8"),
    (b'{"room":"news","event":"n","data":NaN}', 400, "INVALID_MESSAGE", "NaN"),
    (b'{"room":"news","event":"n","data":[1,}', 400, "INVALID_MESSAGE", "byte 37"),
    (b'{"room":"news","event":"n"} x', 400, "INVALID_MESSAGE", "byte 28"),
    (b'{"room":"news","event":"n","data":' + b"[" * 129 + b"]" * 129 + b"}", 400, "INVALID_MESSAGE", "128"),
    (b'{"room":"news","event":"n","data":' + b"[" * 9999 + b"]" * 9999 + b"}", 400, "INVALID_MESSAGE", "128"),
]  # fmt: skip


async def test_what_is_refused_is_told_with_what_and_where(api: Api) -> None:
    for said, status, code, text in REFUSED:
        answer = await api("publish", said)
        assert (answer.status, answer.body["code"]) == (status, code), said
        assert text in answer.body["message"], (said, answer.body)
        assert answer.body["retry"] is False
        assert set(answer.body) == {"code", "message", "details", "retry"}
    assert (await api.ok("history", {"room": "news"}))["history"] == []


async def test_data_as_deep_as_it_may_be(api: Api) -> None:
    deep = b"[" * 128 + b"]" * 128
    answer = await api("publish", b'{"room":"news","event":"n","data":' + deep + b"}")
    assert answer.status == 200


async def test_every_fault_is_named_in_the_details(api: Api) -> None:
    answer = await api("publish", {"room": 1, "key": 2, "data": {"x": 1}})
    assert {(fault["code"], fault["path"]) for fault in answer.body["details"]} == {
        ("type", "$.room"),
        ("missing", "$.event"),
        ("type", "$.key"),
    }


async def test_each_element_of_a_batch_is_answered_for_itself(api: Api) -> None:
    answers = await api.ok(
        "batch",
        [
            {"room": "news", "event": "one"},
            {"room": "elsewhere", "event": "two"},
            {"event": 3},
            4,
            {"room": "news", "event": "five"},
        ],
    )
    codes = [answer.get("error", {}).get("code") for answer in answers]
    assert codes == [None, "NOT_FOUND", "INVALID_MESSAGE", "INVALID_MESSAGE", None]
    assert answers[4]["seq"] == answers[0]["seq"] + 1
    assert await api.ok("batch", []) == []
    past = await api.ok("history", {"room": "news"})
    assert [entry["event"] for entry in past["history"]] == ["one", "five"]


async def test_a_batch_is_bounded(api: Api) -> None:
    each = {"room": "news", "event": "n"}
    assert len(await api.ok("batch", [each] * 1000)) == 1000
    answer = await api("batch", [each] * 1001)
    assert answer.status == 400
    assert "1000 elements" in answer.body["message"]
    assert (await api("batch", each)).status == 400


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text().filter(lambda key: not key.startswith("$")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(said=st.lists(values, max_size=5))
def test_whatever_is_published_is_what_history_gives(said: list[Any]) -> None:
    async def run() -> None:
        async with serving(build(), api_keys=[KEY]) as server:
            api = Api(server.port)
            await api.ok("batch", [{"room": "news", "event": "n", "data": each} for each in said])
            past = await api.ok("history", {"room": "news"})
            assert [entry["data"] for entry in past["history"]] == said

    trio.run(run)


async def test_numbers_beyond_the_floats_are_refused(api: Api) -> None:
    """Who read them failed: handlers, readers of MessagePack, `history` itself."""
    for number in ("1e400", "9" * 5000, '{"a":[-1e309]}'):
        for operation, said in (
            ("publish", f'{{"room":"news","event":"n","data":{number}}}'),
            ("send", f'{{"all":true,"event":"n","data":{number}}}'),
        ):
            answer = await api(operation, said.encode())
            assert (answer.status, answer.body["code"]) == (400, "INVALID_MESSAGE")
            assert "1.8e308" in answer.body["message"]
        [failed] = await api.ok("batch", f'[{{"room":"news","event":"n","data":{number}}}]'.encode())
        assert failed["error"]["code"] == "INVALID_MESSAGE"


async def test_a_batch_of_what_is_wrong_lets_others_in() -> None:
    """A thousand refused elements were a thousand without a schedule point between them."""
    raw = [msgspec.Raw(b"{}")] * 1000
    passes = 0

    async def others() -> None:
        nonlocal passes
        while True:
            passes += 1
            await trio.lowlevel.checkpoint()

    app = build()
    async with serving(app, api_keys=[KEY]), trio.open_nursery() as nursery:
        caller = Caller(app, None, math.inf)  # type: ignore[arg-type]
        nursery.start_soon(others)
        assert all("error" in msgspec.to_builtins(one) for one in await batch(caller, raw))
        nursery.cancel_scope.cancel()
    assert passes > 10

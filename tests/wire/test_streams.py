"""Streams of items, both ways, over real TCP."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.patience import PATIENCE

from .client import JSON, MSGPACK, Client, Message, fault
from .conftest import Dial, Servers
from .server import Server

PROTOCOLS = [JSON, MSGPACK]


def ended(client: Client, stream: int, n: int | None = None) -> Any:
    """Wait for the end of a stream that went well; return its data."""
    end = client.expect("end", id=stream)
    assert "error" not in end, end
    assert n is None or end["n"] == n, end
    return end["data"]


def failed(client: Client, stream: int, code: str) -> Message:
    """Wait for the end of a stream that failed with this code."""
    end = client.expect("end", id=stream)
    assert "error" in end, end
    return fault(end["error"], code)


def items(client: Client, stream: int, first: int, until: int) -> list[Any]:
    """Wait for these items; return their data."""
    return [client.expect("item", id=stream, n=n)["data"] for n in range(first, until)]


def logged(bob: Client, name: str, what: list[Any]) -> None:
    """Wait until the application's log is this."""
    end = time.monotonic() + PATIENCE
    while (log := bob.emit("log", name)) != what:
        assert time.monotonic() < end, log


@pytest.fixture(params=PROTOCOLS)
def ann(dial: Dial, request: pytest.FixtureRequest) -> Client:
    """A session in either encoding."""
    return dial(protocols=[request.param]).hello()


# -- down


def test_a_stream_down(ann: Client) -> None:
    stream = ann.ask("open", stream="numbers", data={"n": 5, "size": 3}, credit=64)
    assert items(ann, stream, 0, 5) == [{"n": n, "pad": "xxx"} for n in range(5)]
    assert ended(ann, stream, 5) is None
    assert ann.find("ack", id=stream) is None, "an open has no ack: items and the end answer it"


def test_the_credit_is_kept(ann: Client, bob: Client, name: str) -> None:
    stream = ann.ask("open", stream="numbers", data={"n": 10, "log": name})
    ann.fence()
    ann.none("item")
    for credit in (3, 2, 3, 7):
        ann.send({"type": "credit", "id": stream, "n": credit})
    items(ann, stream, 0, 7)
    ann.fence()
    ann.none("item")
    logged(bob, name, list(range(7)))
    ann.send({"type": "credit", "id": stream, "n": 2**53 - 1})
    items(ann, stream, 7, 10)
    ended(ann, stream, 10)


def test_several_at_a_time_share_the_line(ann: Client) -> None:
    streams = [ann.ask("open", stream="numbers", data={"n": 300, "size": 100}, credit=1000) for _ in range(4)]
    for stream in streams:
        ended(ann, stream, 300)
    heard: dict[int, list[int]] = {stream: [] for stream in streams}
    for message in ann.heard:
        if message["type"] == "item":
            heard[message["id"]].append(message["n"])
    assert all(numbers == list(range(300)) for numbers in heard.values())


def test_cancel(ann: Client, bob: Client, name: str) -> None:
    stream = ann.ask("open", stream="gated", data=name, credit=10)
    items(ann, stream, 0, 1)
    ann.send({"type": "cancel", "id": stream})
    logged(bob, name, ["closed"])
    bob.emit("open", name)
    ann.fence()
    ann.none("item")
    ann.none("end")


def test_a_stream_runs_beside_requests(ann: Client, bob: Client, name: str) -> None:
    stream = ann.ask("open", stream="gated", data=name, credit=10)
    items(ann, stream, 0, 1)
    assert ann.emit("echo-async", 1) == 1
    bob.emit("open", name)
    items(ann, stream, 1, 2)
    ended(ann, stream, 2)


def test_unknown_and_mistaken_opens(ann: Client) -> None:
    assert not failed(ann, ann.ask("open", stream="nobody's"), "NOT_FOUND")["retry"]
    failed(ann, ann.ask("open", stream="numbers", up=True), "INVALID_MESSAGE")
    failed(ann, ann.ask("open", stream="collect", data=""), "INVALID_MESSAGE")
    ann.refused("INVALID_MESSAGE", "open", stream="")
    ann.refused("INVALID_MESSAGE", "open")
    ann.refused("INVALID_MESSAGE", "open", stream="numbers", credit=-1)
    ann.refused("INVALID_MESSAGE", "open", stream="numbers", up=1)
    for message in (
        {"type": "open", "stream": "numbers"},
        {"type": "credit", "n": 1},
        {"type": "credit", "id": 5},
        {"type": "item", "id": 5},
        {"type": "item", "id": 0, "n": 0},
        {"type": "end", "id": 5, "n": "x"},
        {"type": "end", "id": 5, "error": "x"},
        {"type": "cancel"},
    ):
        ann.send(message)
        ann.fault("INVALID_MESSAGE")


def test_an_open_is_done_once(ann: Client, bob: Client, name: str) -> None:
    stream = ann.ask("open", stream="numbers", data={"n": 3, "log": name}, credit=2)
    items(ann, stream, 0, 2)
    again = {"type": "open", "id": stream, "stream": "numbers", "data": {"n": 3, "log": name}, "credit": 9}
    ann.send(again, again)
    ann.fence()
    ann.none("item")
    ann.send({"type": "credit", "id": stream, "n": 9})
    items(ann, stream, 2, 3)
    ended(ann, stream, 3)
    ann.send(again)
    ended(ann, stream, 3)
    logged(bob, name, [0, 1, 2, "closed"])
    nothing = ann.ask("open", stream="nobody's")
    failed(ann, nothing, "NOT_FOUND")
    ann.send({"type": "open", "id": nothing, "stream": "numbers", "data": {"n": 1}, "credit": 9})
    failed(ann, nothing, "NOT_FOUND")
    request = ann.ask("emit", event="echo", data=1)
    ann.result(request)
    ann.send({"type": "open", "id": request, "stream": "numbers", "data": {"n": 1}, "credit": 9})
    failed(ann, request, "ACK_EXPIRED")


def test_no_more_than_the_limit(ann: Client, bob: Client, name: str) -> None:
    most = ann.welcome["limits"]["streams"]
    streams = [ann.ask("open", stream="gated", data=name, credit=9) for _ in range(most)]
    for stream in streams:
        items(ann, stream, 0, 1)
    assert failed(ann, ann.ask("open", stream="gated", data=name, credit=9), "OVERLOADED")["retry"]
    ann.send({"type": "cancel", "id": streams[0]})
    logged(bob, name, ["closed"])
    another = ann.ask("open", stream="gated", data=name, credit=9)
    items(ann, another, 0, 1)
    bob.emit("open", name)
    for stream in [*streams[1:], another]:
        ended(ann, stream, 2)


def test_credit_and_cancel_pass_when_the_session_is_full(dial: Dial, quick: Server, name: str) -> None:
    """With a stream open the server reads on, and refuses what are requests."""
    ann, bob = dial(quick).hello(), dial(quick).hello()
    stream = ann.ask("open", stream="numbers", data={"n": 10}, credit=1)
    items(ann, stream, 0, 1)
    waits = ann.ask("emit", event="wait", data=name)
    requests = [ann.ask("emit", event="echo", data=n) for n in range(80)]
    ann.send({"type": "credit", "id": stream, "n": 99})
    items(ann, stream, 1, 10)
    bob.emit("open", name)
    ann.result(waits)
    acks = [ann.ack(request) for request in requests]
    refused = [ack["error"] for ack in acks if "error" in ack]
    assert len(refused) == 80 - 63
    assert all(error["code"] == "OVERLOADED" and error["retry"] for error in refused)


# -- up


def test_a_stream_up(ann: Client) -> None:
    stream = ann.ask("open", stream="collect", data="", up=True)
    credit = ann.expect("credit", id=stream)["n"]
    assert credit > 0
    for n in range(500):
        while n >= credit:
            credit = ann.expect("credit", id=stream)["n"]
        ann.send({"type": "item", "id": stream, "n": n, "data": [n]})
    ann.send({"type": "end", "id": stream, "n": 500})
    assert ended(ann, stream, 500) == [[n] for n in range(500)]


def test_binary_items(dial: Dial) -> None:
    packed, plain = dial(protocols=[MSGPACK]).hello(), dial().hello()
    for client, item in ((packed, b"\x00\xff"), (plain, {"$bin": "AP8="})):
        stream = client.ask("open", stream="collect", data="", up=True)
        client.expect("credit", id=stream)
        client.send({"type": "item", "id": stream, "n": 0, "data": item}, {"type": "end", "id": stream})
        assert ended(client, stream) == [item]


def test_a_window_that_does_not_move_while_nobody_reads(ann: Client, bob: Client, name: str) -> None:
    stream = ann.ask("open", stream="never-read", data=name, up=True)
    credit = ann.expect("credit", id=stream)["n"]
    for n in range(credit):
        ann.send({"type": "item", "id": stream, "n": n, "data": "x" * 1000})
    ann.fence()
    ann.none("credit")
    ann.send({"type": "item", "id": stream, "n": credit})
    failed(ann, stream, "OVERLOADED")
    ann.fence()
    ann.none("end")


def test_items_out_of_order_and_of_nobody(ann: Client) -> None:
    stream = ann.ask("open", stream="collect", data="", up=True)
    ann.expect("credit", id=stream)
    ann.send(*({"type": "item", "id": stream, "n": n, "data": n} for n in (0, 0, 1, 0)))
    ann.send({"type": "item", "id": stream, "n": 3})
    failed(ann, stream, "INVALID_MESSAGE")
    ann.send({"type": "item", "id": 2**53 - 1, "n": 0})
    failed(ann, 2**53 - 1, "NOT_FOUND")
    ann.send({"type": "credit", "id": 77777, "n": 1}, {"type": "cancel", "id": 77777})
    ann.fence()
    ann.none("end")
    ann.none("error")


# -- coming back


def test_down_through_a_drop(ann: Client, bob: Client, name: str, dial: Dial) -> None:
    stream = ann.ask("open", stream="numbers", data={"n": 100, "log": name}, credit=40)
    items(ann, stream, 0, 40)
    ann.drop()
    back = dial(protocols=[MSGPACK] if ann.binary else [JSON])
    back.hello(**ann.returning(), streams={str(stream): 25})
    back.send({"type": "credit", "id": stream, "n": 1000})
    items(back, stream, 25, 100)
    ended(back, stream, 100)
    logged(bob, name, [*range(100), "closed"])


def test_down_through_many_drops_in_mid_stream(dial: Dial, bob: Client, name: str) -> None:
    """Whatever was under way when the line broke: each item is heard once, in order."""
    client = dial(window=4096).hello()
    stream = client.ask("open", stream="numbers", data={"n": 3000, "size": 200, "log": name}, credit=100)
    next_item, over = 0, False
    while not over:
        for _ in range(400):
            message = client.receive()
            if message["type"] == "end":
                over = True
                break
            if message["type"] == "live":
                continue  # said once after each return, wherever the items are
            assert (message["type"], message["n"]) == ("item", next_item), message
            next_item += 1
            if next_item % 50 == 0:
                client.send({"type": "credit", "id": stream, "n": next_item + 100})
        if not over:
            client.drop()
            fields = client.returning()
            client = dial(window=4096)
            client.send({"type": "hello", **fields, "streams": {str(stream): next_item}})
            client.send({"type": "credit", "id": stream, "n": next_item + 100})
            client.welcomed()
    assert next_item == 3000
    logged(bob, name, [*range(3000), "closed"])


def test_an_older_connection_gives_way_in_mid_stream(dial: Dial, ann: Client) -> None:
    stream = ann.ask("open", stream="numbers", data={"n": 10}, credit=5)
    items(ann, stream, 0, 5)
    back = dial().hello(**ann.returning(), streams={str(stream): 5})
    ann.expect_bye(4500)
    back.send({"type": "credit", "id": stream, "n": 50})
    items(back, stream, 5, 10)
    ended(back, stream, 10)


def test_what_is_no_longer_kept(dial: Dial, special: Servers, name: str) -> None:
    small = special.start(stream_bytes=2000)
    ann, bob = dial(small).hello(), dial(small).hello()
    stream = ann.ask("open", stream="numbers", data={"n": 200, "size": 100, "log": name}, credit=100)
    items(ann, stream, 0, 100)
    ann.drop()
    back = dial(small).hello(**ann.returning(), streams={str(stream): 3, "88888": 1})
    failed(back, stream, "STREAM_LOST")
    back.fence()
    back.none("end")  # 88888 was never opened: its open is still to come
    logged(bob, name, [*range(100), "closed"])
    again = dial(small).hello(**ann.returning(), streams={str(stream): 100})
    failed(again, stream, "STREAM_LOST")  # once lost, it stays so


@pytest.mark.parametrize("streams", [[], 5, {"x": 1}, {"0": 1}, {"5": -1}, {"5": "1"}, {str(2**53): 1}])
def test_a_hello_with_streams_that_are_none(dial: Dial, streams: object) -> None:
    client = dial()
    client.send({"type": "hello", "streams": streams})
    client.expect_bye(4504)


def test_up_through_a_drop(ann: Client, dial: Dial) -> None:
    stream = ann.ask("open", stream="collect", data="", up=True)
    ann.expect("credit", id=stream)
    ann.send(*({"type": "item", "id": stream, "n": n, "data": n} for n in range(3)))
    ann.fence()
    ann.drop()
    back = dial(protocols=[MSGPACK] if ann.binary else [JSON]).hello(**ann.returning())
    assert back.welcome["streams"] == {str(stream): 3}
    back.expect("credit", id=stream)
    back.send(*({"type": "item", "id": stream, "n": n, "data": n} for n in range(1, 4)))
    back.send({"type": "end", "id": stream, "n": 4})
    assert ended(back, stream, 4) == [0, 1, 2, 3]


def test_a_session_that_is_new_knows_no_stream(ann: Client, dial: Dial) -> None:
    ann.ask("open", stream="collect", data="", up=True)
    ann.fence()
    other = dial().hello(session=ann.session, key="wrong", streams={"1": 0})
    assert not other.welcome["resumed"]
    assert "streams" not in other.welcome


def test_the_generator_ends_with_its_session(ann: Client, bob: Client, name: str) -> None:
    ann.ask("open", stream="gated", data=name, credit=9)
    ann.expect("item")
    ann.send({"type": "bye"})
    logged(bob, name, ["closed"])


def test_the_generator_ends_when_the_page_stays_away(dial: Dial, quick: Server, name: str) -> None:
    ann, bob = dial(quick).hello(), dial(quick).hello()
    ann.ask("open", stream="gated", data=name, credit=9)
    ann.expect("item")
    ann.drop()
    logged(bob, name, ["closed"])

"""Values out, values in, and every fault of a value that does not fit."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcore._data.faults import faults
from rtcore._data.values import ANYTHING, JSON, MSGPACK, Decoder, encode
from rtcore.errors import InvalidData


class Inner(msgspec.Struct):
    tags: list[str]
    size: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1


class Outer(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    room_name: str
    inner: Inner
    maybe: Inner | None = None
    scores: dict[str, int] = {}


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: int


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("text", "text"),
        ({"a": [1, 2.5, True]}, {"a": [1, 2.5, True]}),
        (Inner(["a"]), {"tags": ["a"], "size": 1}),
        (
            [Outer("tea", Inner([]))],
            [{"roomName": "tea", "inner": {"tags": [], "size": 1}, "maybe": None, "scores": {}}],
        ),
        (Point(1, 2), {"x": 1, "y": 2}),
        (Colour.RED, "red"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal("1.5"), "1.5"),
        ((1, 2), [1, 2]),
        (b"\x00\xff", {"$bin": "AP8="}),
        ({"deep": [bytearray(b"a")]}, {"deep": [{"$bin": "YQ=="}]}),
        (2**70, 2**70),
        (10**308, 10**308),
        ({"big": [2**64], "bin": b"a"}, {"big": [2**64], "bin": {"$bin": "YQ=="}}),
        ({1: "key"}, {"1": "key"}),
        (float("nan"), None),
    ],
)
def test_what_can_be_said(value: Any, expected: Any) -> None:
    coded = encode(value)
    assert json.loads(coded) == expected
    assert b"\n" not in coded


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {"a": object()},
        "\ud800",
        {"\udfff": 1},
        lambda: None,
        2**1024,
        [-(10**400)],
        {1: 10**5000},
        {"$ref": 1},
        [{"$bin": "?"}],
        functools.reduce(lambda inner, _: [inner], range(129), 0),
    ],
)
def test_what_cannot_is_named(value: Any) -> None:
    with pytest.raises(InvalidData) as caught:
        encode(value)
    assert type(value).__name__ in str(caught.value) or "1.8e308" in str(caught.value)
    assert caught.value.code == "INVALID_MESSAGE"


def test_what_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidData):
        encode(loop)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.text() | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text().filter(lambda key: not key.startswith("$")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_what_was_said_is_heard(value: Any) -> None:
    assert ANYTHING.by_form(JSON, encode(value)) == value


@pytest.mark.parametrize("coded", [b'{"$bin":"AP8="}', rb'{"\u0024bin":"AP8="}', rb'{"$b\u0069n":"AP8="}'])
def test_binary_comes_as_bytes_however_its_key_is_written(coded: bytes) -> None:
    assert ANYTHING.by_form(JSON, coded) == b"\x00\xff"
    assert Decoder(bytes).by_form(JSON, coded) == b"\x00\xff"


def test_binary_inside_a_typed_value() -> None:
    class File(msgspec.Struct):
        name: str
        content: bytes

    decoder = Decoder(File)
    assert decoder.by_form(JSON, b'{"name":"a","content":{"$bin":"AP8="}}') == File("a", b"\x00\xff")
    assert decoder.by_form(MSGPACK, msgspec.msgpack.encode({"name": "a", "content": b"\x00\xff"})) == File(
        "a", b"\x00\xff"
    )


def test_bad_base64_is_a_fault() -> None:
    with pytest.raises(msgspec.ValidationError, match="base64"):
        ANYTHING.by_form(JSON, b'{"$bin":"?"}')
    assert faults(Any, JSON, b'{"$bin":"?"}')[0]["code"] == "syntax"


def found(kind: Any, value: Any) -> list[tuple[str, str]]:
    return [(fault["code"], fault["path"]) for fault in faults(kind, JSON, json.dumps(value).encode())]


def test_all_faults_are_found_and_not_only_the_first() -> None:
    value = {
        "inner": {"tags": ["a", 1, None], "size": 10},
        "maybe": {"size": "big"},
        "scores": {"a": 1, "b": "x"},
        "extra": 1,
    }
    assert found(Outer, value) == [
        ("missing", "$.roomName"),
        ("type", "$.inner.tags[1]"),
        ("type", "$.inner.tags[2]"),
        ("value", "$.inner.size"),
        ("missing", "$.maybe.tags"),
        ("type", "$.maybe.size"),
        ("type", "$.scores.b"),
        ("unknown", "$.extra"),
    ]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Outer, [], [("type", "$")]),
        (Outer, None, [("type", "$")]),
        (int, "x", [("type", "$")]),
        (int, True, [("type", "$")]),
        (Annotated[str, msgspec.Meta(max_length=2)], "abc", [("value", "$")]),
        (Inner | None, {}, [("missing", "$.tags")]),
        (int | str, [], [("type", "$")]),
        (tuple[int, str], [1, 2], [("type", "$[1]")]),
        (tuple[int, ...], [1, "a"], [("type", "$[1]")]),
        (list[Inner], [{}, {"tags": []}, {"tags": 1}], [("missing", "$[0].tags"), ("type", "$[2].tags")]),
        (Colour, "blue", [("value", "$")]),
        (int, 1, []),
    ],
)
def test_faults(kind: Any, value: Any, expected: list[tuple[str, str]]) -> None:
    assert found(kind, value) == expected


def test_what_cannot_be_read_at_all() -> None:
    assert [fault["code"] for fault in faults(Inner, JSON, b"{")] == ["syntax"]
    assert [fault["code"] for fault in faults(Inner, JSON, b'"\xff"')] == ["syntax"]
    assert [fault["code"] for fault in faults(Inner, MSGPACK, b"\xc1")] == ["syntax"]


def test_nesting_without_end_is_a_fault_and_no_crash() -> None:
    """A peer may send as many brackets as a message holds."""
    assert [fault["code"] for fault in faults(Inner, JSON, b"[" * 100_000)] == ["depth"]
    with pytest.raises((msgspec.DecodeError, RecursionError)):
        ANYTHING.by_form(JSON, b"[" * 100_000)


def test_the_list_of_faults_is_bounded() -> None:
    """A message of a megabyte of wrong items must not become a larger answer."""
    assert len(found(list[int], ["x"] * 1000)) == 64

"""Sets and dictionaries whose members a peer made collide are refused before they are built.

All such members have one hash, as a peer who knows Python makes them: to build a set of n of them takes n^2
steps.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import json
import uuid
from typing import Any, Literal, NamedTuple, TypedDict

import msgspec
import pytest

from rtcore._data.crowds import MAX_NUMBERS, MAX_OTHERS, MAX_WAY, Crowded
from rtcore._data.faults import faults
from rtcore._data.values import JSON, MSGPACK, Decoder

SAME = 2**61 - 1
"""Python's hash of a number is the number modulo this."""


class Struct(msgspec.Struct):
    name: str
    ids: set[int] = set()
    inner: Struct | None = None


class Row(msgspec.Struct, array_like=True, tag=True):
    name: str
    ids: set[int]


class Cat(msgspec.Struct, tag=True):
    ids: frozenset[int]


class Dog(msgspec.Struct, tag=True):
    ids: list[int]


@dataclasses.dataclass
class Data:
    ids: dict[int, str]


class Typed(TypedDict):
    ids: set[float]


class Place(NamedTuple):
    name: str
    ids: set[int]


class Checked(msgspec.Struct):
    """What checks itself is looked at as a whole, when faults are looked for."""

    ids: set[int]

    def __post_init__(self) -> None:
        raise ValueError("never")


def numbers(count: int) -> list[int]:
    return [at * SAME for at in range(8, 8 + count)]


def ids(count: int) -> list[str]:
    return [str(uuid.UUID(int=at * SAME)) for at in range(1, 1 + count)]


CROWDS: dict[str, tuple[Any, Any]] = {
    "a set of numbers": (set[int], numbers(5000)),
    "a frozen set": (frozenset[int], numbers(5000)),
    "a set of anything": (set[Any], numbers(5000)),
    "a set of numbers or texts": (set[int | str], numbers(5000)),
    "a set of floats": (set[float], [float(at) for at in range(5000)]),
    "a set of UUIDs": (set[uuid.UUID], ids(2000)),
    "a set of decimals": (set[decimal.Decimal], [str(at) for at in numbers(2000)]),
    "a set of spans of time": (set[datetime.timedelta], [f"PT{at}S" for at in range(2000)]),
    "a set of pairs": (set[tuple[int, int]], [[at, 0] for at in numbers(2000)]),
    "a dictionary by numbers": (dict[int, int], dict.fromkeys(map(str, numbers(5000)), 0)),
    "a dictionary by UUIDs": (dict[uuid.UUID, int], dict.fromkeys(ids(2000), 0)),
    "in a list": (list[set[int]], [[], [1], numbers(5000)]),
    "in many of a list, together": (list[set[int]], [numbers(1000)] * 40),
    "in a tuple": (tuple[str, set[int]], ["a", numbers(5000)]),
    "in a tuple of any length": (tuple[set[int], ...], [[], numbers(5000)]),
    "in a dictionary": (dict[str, dict[int, str]], {"a": dict.fromkeys(map(str, numbers(5000)), "")}),
    "in a struct": (Struct, {"name": "a", "ids": numbers(5000)}),
    "in a struct in itself": (Struct, {"name": "a", "inner": {"name": "b", "ids": numbers(5000)}}),
    "in a struct as a list": (Row, ["Row", "a", numbers(5000)]),
    "in one of two structs": (Cat | Dog, {"type": "Cat", "ids": numbers(5000)}),
    "in a dataclass": (Data, {"ids": dict.fromkeys(map(str, numbers(5000)), "")}),
    "in a TypedDict": (Typed, {"ids": numbers(5000)}),
    "in a named tuple": (Place, ["a", numbers(5000)]),
    "or none": (set[int] | None, numbers(5000)),
    "in what checks itself": (Checked, {"ids": numbers(5000)}),
    "in more sets than are looked at": (list[set[int]], [[]] * (MAX_WAY + 1)),
}


@pytest.mark.parametrize("name", CROWDS)
@pytest.mark.parametrize("form", [JSON, MSGPACK])
def test_members_that_collide_are_refused_before_they_are_hashed(name: str, form: int) -> None:
    kind, value = CROWDS[name]
    decoder = Decoder(kind)
    data = json.dumps(value).encode()
    if form == MSGPACK:
        within = json.loads(data, parse_int=lambda digits: int(digits) % 2**64)  # there are no others
        data = msgspec.msgpack.encode(within)
    with pytest.raises(Crowded) as refused:
        decoder.by_form(form, data)
    # Nor does the search for faults build what was refused.
    (fault,) = faults(kind, form, data, refused.value)
    assert fault["code"] == "value"
    if form == JSON:
        with pytest.raises(Crowded):
            decoder.json(data)


def test_the_fault_says_where_and_what_to_do() -> None:
    data = json.dumps({"name": "a", "inner": {"name": "b", "ids": numbers(5000)}}).encode()
    with pytest.raises(Crowded) as refused:
        Decoder(Struct).json(data)
    assert faults(Struct, JSON, data, refused.value) == [
        {
            "code": "value",
            "path": "$.inner.ids",
            "message": "there are 5000 members, and a set or dictionary of anything but texts may have 1024: "
            "say it as a list, or with texts",
        }
    ]


def test_binary_beside_it_opens_no_other_way() -> None:
    class With(msgspec.Struct):
        picture: bytes
        ids: set[int]

    data = json.dumps({"picture": {"$bin": "aGk="}, "ids": numbers(5000)}).encode()
    with pytest.raises(Crowded):
        Decoder(With).by_form(JSON, data)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (set[int], numbers(MAX_NUMBERS)),
        (set[uuid.UUID], [uuid.UUID(text) for text in ids(MAX_OTHERS)]),
        (set[str], [f"text {at}" for at in range(20_000)]),
        (dict[str, int], {f"text {at}": at for at in range(20_000)}),
        (dict[Any, int], {f"text {at}": at for at in range(20_000)}),
        (list[int], numbers(20_000)),
        (set[Literal[1, 2]], [1, 2] * 5000),
        (dict[str, set[int]], {"few": [1, 2], "texts": []}),
        (Cat | Dog, Dog(numbers(20_000))),
    ],
)
def test_what_cannot_collide_or_is_few_is_read_as_it_is(kind: Any, value: Any) -> None:
    data = msgspec.json.encode(value)
    read = Decoder(kind).json(data)
    assert msgspec.json.encode(read) == data or read == kind(value)

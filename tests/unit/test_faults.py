"""Every fault of data that do not fit, with its path, for each kind of type, and never at any price."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcore._data import faults as _faults
from rtcore._data.faults import LOOKS, MAX_FAULTS, faults
from rtcore._data.paths import MAX_TEXT
from rtcore._data.values import JSON, Decoder


class Struct(msgspec.Struct):
    tea: str
    cups: int
    sugar: bool


@dataclasses.dataclass
class Data:
    tea: str
    cups: int
    sugar: bool


class Typed(TypedDict):
    tea: str
    cups: int
    sugar: bool
    milk: NotRequired[int]


class Row(NamedTuple):
    tea: str
    cups: int
    sugar: bool = False


class Listed(msgspec.Struct, array_like=True):
    tea: str
    cups: int
    sugar: bool


class Cat(msgspec.Struct, tag="cat"):
    lives: int


class Dog(msgspec.Struct, tag="dog"):
    tricks: list[str]


class Tree(msgspec.Struct):
    name: str
    inside: list[Tree] = []


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Span:
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


INMOST = "$.inside[0].inside[0].name"


def found(kind: Any, value: Any) -> list[tuple[str, str]]:
    first = msgspec.ValidationError("first")
    return [(one["code"], one["path"]) for one in faults(kind, JSON, json.dumps(value).encode(), first)]


@pytest.mark.parametrize("kind", [Struct, Data, Typed])
def test_structs_dataclasses_and_typed_dictionaries_name_every_fault(kind: Any) -> None:
    expected = {("type", "$.tea"), ("type", "$.cups"), ("missing", "$.sugar")}
    assert set(found(kind, {"tea": 1, "cups": "x"})) == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Row, [1, "x"], [("type", "$[0]"), ("type", "$[1]")]),
        (Row, ["x"], [("missing", "$[1]")]),
        (Listed, [1, "x"], [("type", "$[0]"), ("type", "$[1]"), ("missing", "$[2]")]),
        (Cat | Dog, {"type": "dog", "tricks": [1, "sit"]}, [("type", "$.tricks[0]")]),
        (list[Cat | Dog | None], [None, {"type": "cat"}, 5], [("missing", "$[1].lives"), ("type", "$[2]")]),
        (Tree, {"name": "a", "inside": [{"name": "", "inside": [{}]}]}, [("missing", INMOST)]),
        (Sequence[int], [1, "a"], [("type", "$[1]")]),
        (Mapping[str, int], {"a": "b", "c": 1}, [("type", "$.a")]),
        (dict[int, str], {"1": "a", "x": 5}, [("type", "$.x"), ("type", "$.x")]),
        (list[Annotated[int, msgspec.Meta(ge=5)]], [1, "a", 7], [("value", "$[0]"), ("type", "$[1]")]),
        (Annotated[list[int], msgspec.Meta(max_length=1)], [1, 2], [("value", "$")]),
        (tuple[int, int], [1], [("value", "$")]),
        (list[Literal["a", 1]], ["a", "b", 2], [("value", "$[1]"), ("value", "$[2]")]),
        (list[Colour | int], ["red", "blue", 1], [("value", "$[1]")]),
        (datetime.date, "yesterday", [("value", "$")]),
        ({"a": list[Span]}["a"], [{"low": 1, "high": 2}, {"low": 3, "high": 2}], [("value", "$[1]")]),
        (list[Struct] | int, [{"tea": 1, "cups": 1, "sugar": True}], [("type", "$[0].tea")]),
    ],
)  # fmt: skip
def test_faults_of_each_kind_of_type(kind: Any, value: Any, expected: list[tuple[str, str]]) -> None:
    assert found(kind, value) == expected


KINDS = [
    int,
    str | None,
    list[int],
    dict[str, list[Data]],
    Struct,
    Data,
    Typed,
    Row,
    Listed,
    Cat | Dog,
    Tree,
    Span,
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["tea", "cups", "sugar", "name", "inside", "low", "type"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from(KINDS), VALUES)
def test_what_does_not_fit_has_a_fault_and_what_fits_has_none(kind: Any, value: Any) -> None:
    coded = json.dumps(value).encode()
    try:
        Decoder(kind).by_form(JSON, coded)
    except msgspec.ValidationError as error:
        told = faults(kind, JSON, coded, error)
    else:
        assert not faults(kind, JSON, coded)
        return
    assert told


class Looks:
    """Counts the values that are looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        convert = msgspec.convert

        def counted(*args: Any, **options: Any) -> Any:
            self.count += 1
            return convert(*args, **options)

        monkeypatch.setattr(_faults.msgspec, "convert", counted)


def nested(kind: Any, depth: int) -> Any:
    for _ in range(depth):
        kind = list[kind]
    return kind


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (list[int], b"[" + b'"",' * 300_000 + b'""]'),
        (list[int], b"[" + b"1," * 400_000 + b'""]'),
        (list[Struct], b"[" + b"{}," * 300_000 + b"{}]"),
        (list[Data], b"[" + b"{}," * 300_000 + b"{}]"),
        (dict[str, int], json.dumps({str(at): "x" for at in range(60_000)}).encode()),
        (dict[int, int], json.dumps({f"a{at}": 1 for at in range(60_000)}).encode()),
        (Tree, b'{"name":1,"inside":[' * 60 + b"]}" * 60),
        (list[Tree], b"[" + b'{"name":"","inside":[{}]},' * 30_000 + b"{}]"),
        (nested(int, 100), b"[" * 99 + b"[1]," * 100_000 + b"[1,null]" + b"]" * 99),
        (list[Cat | Dog], b"[" + b'{"type":"cat"},' * 50_000 + b"{}]"),
        (list[Span], b"[" + b'{"low":1,"high":2},' * 40_000 + b'{"low":2,"high":1}]'),
        (list[int], b'["\\u0041"' + b",1" * 400_000 + b"]"),
        (list[int], b"[" + b'{"$bin":""},' * 80_000 + b"1]"),
    ],
)
def test_a_megabyte_that_does_not_fit_is_looked_at_within_bounds(
    kind: Any, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It held everybody for 7 to 17 s: every fault was built, and 64 were told."""
    with pytest.raises(msgspec.ValidationError) as caught:
        Decoder(kind).by_form(JSON, data)
    looks = Looks(monkeypatch)
    told = faults(kind, JSON, data, caught.value)
    assert 1 <= len(told) <= MAX_FAULTS
    assert looks.count <= LOOKS


def test_what_comes_too_late_to_be_looked_at_is_told_as_msgspec_has_it() -> None:
    data = b"[" + b"1," * 400_000 + b'""]'
    with pytest.raises(msgspec.ValidationError) as caught:
        Decoder(list[int]).by_form(JSON, data)
    assert faults(list[int], JSON, data, caught.value) == [
        {"code": "type", "path": "$[400000]", "message": "Expected `int`, got `str`"}
    ]


def test_paths_and_messages_do_not_repeat_what_the_peer_said_at_length() -> None:
    """64 faults below a key of half a megabyte are no answer of 32."""
    long = "k" * 500_000
    for kind, value in (
        (dict[str, list[int]], {long: ["x"] * 100}),
        (list[Colour], [long] * 2),
        (dict[int, int], {long: 1}),
    ):
        for one in faults(kind, JSON, json.dumps(value).encode()):
            assert len(one["path"]) <= MAX_TEXT + 1
            assert len(one["message"]) <= MAX_TEXT + 1

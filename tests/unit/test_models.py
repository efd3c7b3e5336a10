"""Types of data that others made: models of pydantic, attrs, dataclasses, typed dictionaries."""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from typing import Annotated, Any, TypedDict

import attrs
import msgspec
import pydantic
import pytest

import rtcore
from rtcore._app.handlers import Handler
from rtcore._app.invalid import invalid
from rtcore._app.registry import registered
from rtcore._data.values import FAULTS, MSGPACK, Decoder, default, dumps, encode
from rtcore.cli.contract.collect import collect


class Cup(pydantic.BaseModel):
    size: Annotated[int, pydantic.Field(ge=1, le=9)]
    of: str = "tea"


class Order(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    cups: list[Cup]
    at: datetime.datetime | None = None
    number: uuid.UUID | None = pydantic.Field(None, alias="no")
    stamp: bytes = b""


def told(kind: Any, data: bytes, form: int = 0) -> list[dict[str, str]]:
    """The faults of data that do not fit."""
    decoder = Decoder(kind)
    try:
        decoder.json(data) if form == 0 else decoder.by_form(form, data)
    except FAULTS as error:
        details = invalid(decoder, "'e'", form, data, error)[2]
        assert details is not None
        faults: list[dict[str, str]] = json.loads(details)
        return faults
    raise AssertionError("it fits")


def test_a_model_is_read_from_json_and_from_messagepack() -> None:
    value = {"cups": [{"size": 2}], "at": "2026-11-27T10:00:00Z", "no": str(uuid.UUID(int=5))}
    order = Order.model_validate(value)
    assert Decoder(Order).json(json.dumps(value).encode()) == order
    assert Decoder(Order).by_form(MSGPACK, msgspec.msgpack.encode(value)) == order
    assert Decoder(list[Order]).json(json.dumps([value]).encode()) == [order]
    assert Decoder(Order | None).json(b"null") is None


def test_binary_is_bytes_in_a_model() -> None:
    packed = msgspec.msgpack.encode({"cups": [], "stamp": b"\xff\x00"})
    assert Decoder(Order).by_form(MSGPACK, packed).stamp == b"\xff\x00"
    assert Decoder(Order).by_form(0, b'{"cups":[],"stamp":{"$bin":"/wA="}}').stamp == b"\xff\x00"


def test_every_fault_is_told_by_its_path() -> None:
    faults = told(Order, b'{"cups":[{"size":"x"},{"size":0},{}],"what":1}')
    assert [(fault["code"], fault["path"]) for fault in faults] == [
        ("type", "$.cups[0].size"),
        ("value", "$.cups[1].size"),
        ("missing", "$.cups[2].size"),
        ("unknown", "$.what"),
    ]
    assert told(Order, b"{")[0]["code"] == "syntax"
    assert told(Order, msgspec.msgpack.encode({"cups": 1}), MSGPACK)[0]["path"] == "$.cups"


def test_faults_without_an_end_are_told_as_one() -> None:
    data = json.dumps({"cups": [{}] * 100_000}).encode()
    assert told(Order, data) == [{"code": "value", "path": "$", "message": "it has 100000 faults"}]
    assert len(told(Order, json.dumps({"cups": [{}] * 500}).encode())) == 64


def test_a_crowd_that_could_collide_is_refused_before_it_is_hashed() -> None:
    class Numbers(pydantic.BaseModel):
        some: set[int]

    crowd = json.dumps({"some": [n * (2**61 - 1) for n in range(50_000)]}).encode()
    assert "there are 50000 members" in told(Numbers, crowd)[0]["message"]
    assert Decoder(Numbers).json(b'{"some":[1,2]}').some == {1, 2}


def test_a_struct_that_holds_a_model_is_refused_where_it_is_registered() -> None:
    class Both(msgspec.Struct):
        cup: Cup

    app = rtcore.App()
    with pytest.raises(
        rtcore.UsageError, match=r"the struct .*Both of msgspec holds the model Cup of pydantic"
    ):

        @app.on("e")
        def handler(session: rtcore.Session, data: Both) -> None: ...


def test_the_session_comes_first_before_models_too() -> None:
    app = rtcore.App()
    with pytest.raises(rtcore.UsageError, match=r"takes .session."):

        @app.on("e")  # type: ignore[type-var]
        def handler(order: Order, session: rtcore.Session) -> None: ...


def test_models_are_said_by_their_aliases_wherever_they_stand() -> None:
    order = Order(cups=[Cup(size=1)], no=uuid.UUID(int=1))

    class Reply(msgspec.Struct):
        order: Any

    expected = {"cups": [{"size": 1, "of": "tea"}], "at": None, "no": str(uuid.UUID(int=1)), "stamp": ""}
    assert json.loads(dumps(order, default)) == expected
    assert json.loads(encode([order])) == [expected]
    assert json.loads(encode(Reply(order))) == {"order": expected}
    assert json.loads(encode({1 << 70: 1, "order": order}))["order"] == expected


def test_dataclasses_of_pydantic_are_checked_by_it() -> None:
    @pydantic.dataclasses.dataclass
    class Small:
        n: Annotated[int, pydantic.Field(lt=5)]

    assert told(Small, b'{"n":7}')[0]["path"] == "$.n"
    assert Decoder(Small).json(b'{"n":3}') == Small(3)


def test_attrs_dataclasses_and_typed_dictionaries_are_types_of_data() -> None:
    @attrs.define
    class A:
        n: int = attrs.field(validator=attrs.validators.lt(5))

    @dataclasses.dataclass
    class D:
        n: int

    class T(TypedDict):
        n: int

    for kind in (A, D, T):
        assert [fault["path"] for fault in told(kind, b'{"n":"x"}')] == ["$.n"], kind
        assert [fault["code"] for fault in told(kind, b"{}")] == ["missing"], kind
    assert "must be < 5" in told(A, b'{"n":7}')[0]["message"]
    assert Decoder(A).json(b'{"n":1}') == A(1)
    assert Handler("e", lambda session, data: None).decoder.type is Any


def test_the_contract_of_an_application_has_its_models() -> None:
    app = rtcore.App()

    @app.on("order")
    def order(session: rtcore.Session, order: Order) -> list[Cup]:
        return order.cups

    contract = collect(registered(app))
    assert contract.parts[0].data == {"$ref": "#/components/schemas/Order"}
    assert set(contract.named) == {"Order", "Cup"}
    assert contract.named["Order"]["properties"]["cups"]["items"] == {"$ref": "#/components/schemas/Cup"}

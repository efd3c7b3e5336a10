"""`rtcore types`: an application's annotations as TypeScript and as AsyncAPI."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
import trio
from click.testing import CliRunner, Result

import rtcore
from rtcore._app.registry import registered
from rtcore.cli import main
from rtcore.cli.contract.collect import collect
from rtcore.cli.contract.typescript import typescript


class Line(msgspec.Struct):
    """What is ordered of one thing."""

    what: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    size: Literal["small", "large"] | None = None


class Order(msgspec.Struct):
    """An order."""

    lines: list[Line]
    by: tuple[str, int]
    more: dict[str, float]


def application() -> rtcore.App:
    """A bit of everything that can be registered."""
    app = rtcore.App()

    @app.on("order")
    def order(_: rtcore.Session, order: Order) -> list[Line]:
        return order.lines

    @app.on('odd "name"')
    def odd(_: rtcore.Session) -> None:
        pass

    @app.on("anything")
    def anything(_: rtcore.Session, data):  # type: ignore[no-untyped-def]
        return data

    @app.stream("words")
    async def words(_: rtcore.Session, text: str) -> AsyncIterator[str]:
        yield text

    @app.stream("photo")
    async def photo(_: rtcore.Session, items: rtcore.Items[int]) -> int:
        return sum([item async for item in items])

    @app.state("shop:*")
    def stock(_: rtcore.Room) -> dict[str, int]:
        return {}

    app.rooms("shop:*", events={"ordered": Order, "closed": None, 'odd "name"': int | str})
    app.rooms("`${hall}", relay=True)
    return app


SAID = '{ "ordered": Order; "closed": null; "odd \\"name\\"": number | string }'


def said(app: rtcore.App) -> str:
    """The contract of an application, as TypeScript."""
    return typescript(collect(registered(app)))


@pytest.mark.parametrize(
    "line",
    [
        'export type Line = { what: string; count?: number; size?: "large" | "small" | null };',
        "export type Order = { lines: Line[]; by: [string, number]; more: Record<string, number> };",
        '    "order": { data: Order; result: Line[] };',
        '    "odd \\"name\\"": { data: null; result: null };',
        '    "anything": { data: unknown; result: unknown };',
        '    "words": { data: string; item: string };',
        '    "photo": { data: null; item: number; result: number };',
        f"    [name: `shop:${{string}}`]: {{ state: Record<string, number>; events: {SAID} }};",
        '    "`${hall}": { state: undefined };',
    ],
)
def test_each_name_has_the_types_of_its_annotations(line: str) -> None:
    """Events, streams both ways, rooms with their state; what is not annotated is unknown."""
    assert line in said(application()).split("\n")


def test_a_name_cannot_leave_its_place() -> None:
    """Attack: the name of a pattern that would end the text it stands in, and be code."""
    app = rtcore.App()
    app.rooms("`]: any } }; evil(); //*", relay=True)
    assert "[name: `\\`]: any } }; evil(); //${string}`]" in said(app)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        (["say"], "are a dictionary"),
        ({"": str}, "name"),
        ({"say": "Said"}, "has data of a type"),
        ({"say": trio.Event}, "has data of a type"),
        ({"say": list[int] | tuple[int, ...]}, "has data of a type"),
    ],
)
def test_events_of_rooms_that_cannot_be_are_refused_where_they_are_said(events: Any, why: str) -> None:
    """Not a dictionary, no name, no type, or a type that nobody can say anything of."""
    with pytest.raises(rtcore.UsageError, match=why):
        rtcore.App().rooms("shop:*", events=events)


def test_what_users_and_everybody_are_told_is_said_of_the_rooms_of_rtcores_own() -> None:
    """For `client.on`: no setting of those rooms, whose settings are rtcore's own; with `durable`, both."""
    app = rtcore.App()
    app.rooms("$user/*", events={"moved": str, "paid": int})
    app.rooms("$all", durable=True, events={"closing": None})
    lines = said(app).split("\n")
    assert (
        '    [name: `$user/${string}`]: { state: undefined; events: { "moved": string; "paid": number } };'
        in lines
    )
    assert '    "$all": { state: undefined; events: { "closing": null } };' in lines
    assert [pattern for pattern, _ in registered(app).room_plans.items()] == ["$all"]
    with pytest.raises(rtcore.UsageError, match="have events already"):
        app.rooms("$user/*", events={"paid": int})
    for pattern, more in (
        ("$user/*", {"history": 7}),
        ("$all", {"relay": True}),
        ("$mine", {}),
        ("$user/ann", {}),
    ):
        with pytest.raises(rtcore.UsageError, match="which `events` are said there, and nothing else"):
            app.rooms(pattern, events={"x": int}, **more)


def test_events_of_a_routers_rooms_are_those_of_the_application() -> None:
    """Below the prefix of the router."""
    router = rtcore.Router(prefix="shop:")
    router.rooms("*", events={"sold": int})
    app = rtcore.App()
    app.include(router)
    assert '{ state: undefined; events: { "sold": number } };' in said(app)


def run(*words: str) -> Result:
    """The command."""
    return CliRunner().invoke(main, ["types", *words])


def test_the_check_says_what_has_changed_and_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI: status 0 for what is as it was, 1 and the lines that differ for what is not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "types_shop.py").write_text(
        "import rtcore\napp = rtcore.App()\n"
        '@app.on("buy")\ndef buy(session: rtcore.Session, what: str) -> int:\n    return 1\n'
    )
    first = run("types_shop:app")
    assert first.exit_code == 0, first.output
    file = tmp_path / "app.ts"
    file.write_text(first.output)
    assert run("types_shop:app", "--check", str(file)).exit_code == 0
    file.write_text(first.output.replace("result: number", "result: string"))
    changed = run("types_shop:app", "--check", str(file))
    assert changed.exit_code == 1
    assert '+    "buy": { data: string; result: number };' in changed.output


def test_the_asyncapi_document_has_a_channel_for_each_name_and_refers_only_to_what_is_there() -> None:
    """All references resolve, and names of channels are letters, digits, dots, dashes and underscores."""
    from rtcore.cli.contract.asyncapi import asyncapi

    document = asyncapi(collect(registered(application())), "shop:app")
    assert document["asyncapi"] == "3.0.0"
    assert {channel["address"] for channel in document["channels"].values()} >= {"order", "words", "shop:*"}

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [found for each in value.values() for found in references(each)]
        return [found for each in value for found in references(each)] if isinstance(value, list) else []

    for reference in references(json.loads(json.dumps(document))):
        at: Any = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-") for name in document["channels"])

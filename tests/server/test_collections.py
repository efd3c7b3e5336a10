"""Collections over the wire: what the application says of changes, and what it changes itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import rtcore
from rtcore.errors import NotFound, UsageError
from rtcore.testing import WireClient, memory_server

ROOM = "$sync/notes:ann"
DELETE = {"n": 1, "op": "delete", "key": "n1"}


class Note(msgspec.Struct):
    """A document."""

    title: str
    done: bool = False


def application() -> rtcore.App:
    """Notes: each user's own, and none may be called `secret`."""
    app = rtcore.App()

    @app.collection("notes:*", Note, value=1000)
    def notes(session: rtcore.Session, change: Any) -> bool:
        if change.key == "boom":
            raise RuntimeError("the application's own fault")
        return bool(change.key != "secret")

    @notes.authorize
    def _(session: rtcore.Session, join: rtcore.Join) -> Any:
        return rtcore.Access(grants=["write"] if join.data != "reader" else [])

    return app


async def joined(client: WireClient, name: str, data: Any = None) -> dict[str, Any]:
    sync = {"client": name * 32, "incarnation": 1, "nonce": "n"}
    return dict(await client.ask("join", room=ROOM, sync=sync, data=data))


async def pushed(client: WireClient, *changes: dict[str, Any]) -> list[Any]:
    ack = await client.ask("push", collection="notes:ann", changes=list(changes))
    assert ack["held"] is None
    return [one.get("rejected", {}).get("code", "done") for one in ack["results"]]


async def test_changes_are_checked_by_the_type_and_by_the_application_each_for_itself(
    autojump_clock: Any,
) -> None:
    async with memory_server(application()) as server:
        ann = await server.welcomed()
        assert (await joined(ann, "a"))["sync"]["writer"]["n"] == 0
        codes = await pushed(
            ann,
            {"n": 1, "op": "put", "key": "n1", "value": {"title": "tea"}},
            {"n": 2, "op": "patch", "key": "n1", "value": {"done": True}},
            {"n": 3, "op": "patch", "key": "n1", "value": {"done": "yes"}},
            {"n": 4, "op": "patch", "key": "n1", "value": {"other": 1}},
            {"n": 5, "op": "put", "key": "n2", "value": {}},
            {"n": 6, "op": "put", "key": "secret", "value": {"title": "x"}},
            {"n": 7, "op": "put", "key": "boom", "value": {"title": "x"}},
            {"n": 8, "op": "put", "key": "n3", "value": {"title": "x" * 2000}},
            {"n": 9, "op": "put", "key": "n3", "value": {"title": "last"}},
        )
        invalid = "INVALID_MESSAGE"
        assert codes == [
            "done",
            "done",
            invalid,
            invalid,
            invalid,
            "FORBIDDEN",
            "INTERNAL",
            "TOO_LARGE",
            "done",
        ]


async def test_the_application_changes_a_collection_and_its_members_hear_it(autojump_clock: Any) -> None:
    app = application()
    async with memory_server(app) as server:
        ann = await server.welcomed()
        await joined(ann, "a")
        notes = app.collection("notes:ann")
        seq = notes.put("n1", {"title": "tea"})
        event = await ann.until("event", room=ROOM)
        assert (event["seq"], event["data"]["value"], event["from"]) == (seq, {"title": "tea"}, None)
        notes.patch("n1", done=True)
        assert notes.get("n1") == {"title": "tea", "done": True}
        notes.put("n2", {"title": "milk"})
        assert notes.snapshot() == {"n1": notes.get("n1"), "n2": {"title": "milk"}}
        notes.delete("n1")
        notes.delete("n1")
        with pytest.raises(NotFound):
            notes.patch("n1", done=False)
        with pytest.raises(NotFound):
            app.collection("nothing").put("x", 1)


async def test_who_has_no_right_to_write_reads(autojump_clock: Any) -> None:
    app = application()
    async with memory_server(app) as server:
        ann = await server.welcomed()
        await joined(ann, "a", "reader")
        app.collection("notes:ann").put("n1", {"title": "tea"})
        page = await ann.ask("pull", collection="notes:ann")
        assert page["docs"][0]["value"] == {"title": "tea"}
        request = await ann.begin(
            "push", collection="notes:ann", changes=[{"n": 1, "op": "delete", "key": "n1"}]
        )
        assert (await ann.answer(request))["error"]["code"] == "FORBIDDEN"


async def test_a_resolver_decides_what_is_contested(autojump_clock: Any) -> None:
    app = rtcore.App()
    notes = app.collection("notes:*", Any, strategy="custom")

    @notes.resolve
    def _(change: Any) -> Any:
        return {"title": f"{change.theirs['title']} and {change.value['title']}"}

    async with memory_server(app) as server:
        ann, bob = await server.welcomed(), await server.welcomed()
        await joined(ann, "a")
        await joined(bob, "b")
        ack = await ann.ask(
            "push",
            collection="notes:ann",
            changes=[{"n": 1, "op": "put", "key": "k", "value": {"title": "x"}}],
        )
        epoch = str(ann.position).split(".")[0]
        base = f"{epoch}.{ack['results'][0]['seq']}"
        for client, title in ((ann, "tea"), (bob, "milk")):
            n = 2 if client is ann else 1
            change = {"n": n, "op": "patch", "key": "k", "value": {"title": title}, "base": base}
            await pushed(client, change)
        assert app.collection("notes:ann").get("k") == {"title": "tea and milk"}


def test_what_cannot_be_registered_is_refused() -> None:
    app = rtcore.App()
    with pytest.raises(UsageError, match="strategy"):
        app.collection("notes:*", Any, strategy="best")
    app.collection("todo:*", Any)
    with pytest.raises(UsageError, match="already"):
        app.collection("todo:*", Note)
    with pytest.raises(UsageError, match="plain function"):

        @app.collection("notes:*", Any)
        async def _(session: rtcore.Session, change: Any) -> bool:
            return True


async def test_a_change_of_an_older_schema_is_upgraded_and_one_without_a_way_is_outdated(
    autojump_clock: Any,
) -> None:
    app = rtcore.App()
    notes = app.collection("notes:*", Note, schema=3)

    @notes.upgrade(from_=2)
    def _(change: rtcore.Change) -> Any:
        return {"title": change.value["name"]}

    @notes.upgrade(from_=1)
    def _(change: rtcore.Change) -> Any:
        return {"title": change.value["missing"]}

    async with memory_server(app) as server:
        ann = await server.welcomed()
        await joined(ann, "a")
        codes = await pushed(
            ann,
            {"n": 1, "op": "put", "key": "k", "value": {"name": "tea"}, "schema": 2},
            {"n": 2, "op": "put", "key": "k", "value": {"name": "tea"}, "schema": 1},
            {"n": 3, "op": "put", "key": "k", "value": {"name": "tea"}, "schema": 4},
            {"n": 4, "op": "patch", "key": "k", "value": {"done": True}, "schema": 3},
        )
        assert codes == ["done", "INTERNAL", "OUTDATED", "done"]
        assert app.collection("notes:ann").get("k") == {"title": "tea", "done": True}


async def test_a_refusal_has_its_own_code_and_sees_what_is_there(autojump_clock: Any) -> None:
    app = rtcore.App()
    seen: list[Any] = []

    @app.collection("notes:*", Any)
    def _(session: rtcore.Session, change: rtcore.Change) -> bool:
        seen.append((change.op, change.theirs, change.unset))
        if change.op == "delete":
            raise rtcore.Refuse("LOCKED", "this note is locked")
        return True

    async with memory_server(app) as server:
        ann = await server.welcomed()
        await joined(ann, "a")
        codes = await pushed(
            ann,
            {"n": 1, "op": "put", "key": "n1", "value": {"title": "tea", "due": 1}},
            {**DELETE, "n": 2},
            {"n": 3, "op": "patch", "key": "n1", "value": {}, "unset": ["due"]},
        )
        assert codes == ["done", "LOCKED", "done"]
        there = {"title": "tea", "due": 1}
        assert seen == [("put", None, ()), ("delete", there, ()), ("patch", there, ("due",))]
        assert app.collection("notes:ann").get("n1") == {"title": "tea"}


async def test_a_resolver_that_fails_rejects_that_change_alone(autojump_clock: Any) -> None:
    app = rtcore.App()
    notes = app.collection("notes:*", Any, strategy="custom")

    @notes.resolve
    def _(change: rtcore.Change) -> Any:
        raise RuntimeError("the application's own fault")

    async with memory_server(app) as server:
        ann, bob = await server.welcomed(), await server.welcomed()
        await joined(ann, "a")
        await joined(bob, "b")
        put = {"op": "put", "key": "k", "value": {"title": "x"}}
        await pushed(ann, {**put, "n": 1})
        contested = {"op": "put", "key": "k", "value": {"title": "y"}, "base": None}
        codes = await pushed(bob, {**contested, "n": 1}, {**put, "n": 2, "key": "other"})
        assert codes == ["INTERNAL", "done"]
        assert app.collection("notes:ann").get("k") == {"title": "x"}


async def test_without_a_resolver_the_author_hears_the_conflict(autojump_clock: Any) -> None:
    app = rtcore.App()
    app.collection("notes:*", Any, strategy="custom")
    async with memory_server(app) as server:
        ann, bob = await server.welcomed(), await server.welcomed()
        await joined(ann, "a")
        await joined(bob, "b")
        put = {"n": 1, "op": "put", "key": "k"}
        await pushed(ann, {**put, "value": {"title": "x"}})
        changes = [{**put, "value": {"title": "y"}, "base": None}]
        ack = await bob.ask("push", collection="notes:ann", changes=changes)
        assert ack["results"][0]["conflict"]["fields"] == ["title"]
        assert app.collection("notes:ann").get("k") == {"title": "x"}

"""Each block of Python in the documentation is run, and does what its page says."""

from __future__ import annotations

import gc
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
import trio
import trio.testing
import trio_websocket

import rtcore
from rtcore.client import Client
from rtcore.testing import memory_server
from tests.guide.blocks import every, run
from tests.guide.said import ANY, CALLED, ELSEWHERE, IN_A_THREAD, PROGRAMS, REGISTERS, SAID, TESTS, Said
from tests.patience import PATIENCE

BLOCKS = every()

# Blocks with a test of their own below.
_BY_NAME = {
    *("watching:jobs", "raw-sockets:upper", "raw-sockets:clock", "running:main", "running:4"),
    *("testing:test_whoever_joins_hears_it",),
    *("sessions:gift", "streams:upload", "tokens:build", "from-channels:mark_seen"),
}


def test_each_block_is_run() -> None:
    known = {*SAID, *IN_A_THREAD, *REGISTERS, *CALLED, *PROGRAMS, *TESTS, *ELSEWHERE, *_BY_NAME}
    assert known == set(BLOCKS)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The files that a page makes are the test's, and a page's `page.py` stands beside its folder `page`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page").mkdir()
    (tmp_path / "page/index.html").write_text("<p>tea")
    yield
    gc.collect()


@asynccontextmanager
async def served(app: rtcore.App, **settings: Any) -> AsyncIterator[str]:
    """The application at a port of its own; its address."""
    with trio.fail_after(PATIENCE + 10):
        async with trio.open_nursery() as nursery:

            async def serving(task_status: trio.TaskStatus[list[rtcore.Address]]) -> None:
                await rtcore.serve(app, port=0, signals=False, task_status=task_status, **settings)

            (address, *_) = await nursery.start(serving)
            yield str(address)
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("name", sorted(SAID))
async def test_what_a_client_says_gets_what_the_page_says(
    name: str, autojump_clock: trio.testing.MockClock
) -> None:
    await _say(name, *SAID[name])


@pytest.mark.parametrize("name", sorted(IN_A_THREAD))
async def test_what_a_thread_does_gets_what_the_page_says(name: str) -> None:
    await _say(name, *IN_A_THREAD[name])


async def _say(name: str, token: str | None, said: list[Said]) -> None:
    names = await run(name, BLOCKS[name])
    async with memory_server(names["app"]) as server:
        client = await server.welcomed(**({} if token is None else {"token": token}))
        for one in said:
            ack = await client.answer(await client.begin(one.kind, **one.fields))
            assert ack.get("error", {}).get("code") == one.code, ack
            assert one.gives is ANY or ack.get("data") == one.gives


@pytest.mark.parametrize("name", sorted(REGISTERS))
async def test_what_a_page_registers_can_be_served(
    name: str, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTCORE_API_KEYS", "k" * 32)
    names = await run(name, BLOCKS[name])
    if "app" in names and "live" not in names:
        async with memory_server(names["app"]) as server:
            if not name.startswith("tokens"):
                assert (await server.welcomed()).session
    if "provider" in names:  # its thread would write to what is closed when the tests are over
        names["provider"].shutdown()


def test_a_fixture_of_the_page_gives_its_test_a_server(tmp_path: Path) -> None:
    """By pytest itself, as its reader has it."""
    (tmp_path / "shop.py").write_text(BLOCKS["testing:test_what_a_route_says_is_heard"])
    test = BLOCKS["testing:test_whoever_joins_hears_it"]
    (tmp_path / "test_shop.py").write_text("from shop import app, site\n" + test)
    words = ["-q", "-p", "no:cacheprovider", "-o", "trio_mode=true", "-o", "pythonpath=."]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "test_shop.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE + 50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("name", sorted(TESTS))
async def test_the_tests_of_a_page_pass(name: str, autojump_clock: trio.testing.MockClock) -> None:
    app = (
        (await run("streams:upload", BLOCKS["streams:upload"]))["app"] if name.startswith("streams") else None
    )
    names = await run(name, BLOCKS[name], **({"app": app} if app else {}))
    tests = [thing for word, thing in names.items() if word.startswith("test_")]
    assert tests
    for test in tests:
        with trio.fail_after(10_000):
            await (test(autojump_clock) if test.__code__.co_argcount else test())


def shop() -> rtcore.App:
    """A server that knows what the programs of the pages say to it."""
    app = rtcore.App()
    app.rooms("tea*", relay=True)
    app.collection("notes:*", Any)
    app.collection("board:*", Any)

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User("ann")

    @app.on("greet")
    def greet(session: rtcore.Session, name: str) -> str:
        return f"hello {name}"

    @app.on("order")
    def order(session: rtcore.Session, data: dict[str, int]) -> int:
        return data["cup"]

    @app.on("reading")
    def reading(session: rtcore.Session, value: float) -> None: ...

    return app


@pytest.mark.parametrize("name", sorted(PROGRAMS - {"client:5"}))
async def test_a_program_of_a_page_speaks_to_a_server(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that listen for ever are ended when they have said what they heard."""
    async with served(shop()) as server:
        if name == "README:2":
            await _until_it_waits(run(name, BLOCKS[name], server))
            assert "hello ann" in capsys.readouterr().out
            return
        block = BLOCKS[name].replace("trio.run(main)", "")
        names = await run(name, block, server)
        given = [1.5] if "measure" in names else []
        main = names.get("main") or names.get("serve") or names["measure"]
        await _until_it_waits(main(*given))


async def _until_it_waits(program: Any) -> None:
    """Run it to its end, or until nothing more comes for a moment: then it listens."""
    with trio.move_on_after(3):
        await program


async def test_the_blocking_program_speaks_to_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    block = BLOCKS["client:5"].replace(
        "    for event in tea:\n        print(event)\n", "    print(tea.name)\n"
    )
    async with served(shop()) as server:

        def program() -> None:
            trio.from_thread.run(lambda: run("client:5", "", server))
            exec(
                compile(block.replace("http://127.0.0.1:8000", server), "<client:4>", "exec"),
                {"rtcore": rtcore},
            )

        await trio.to_thread.run_sync(program)
    assert "tea:1" in capsys.readouterr().out


@asynccontextmanager
async def _connected(app: rtcore.App) -> AsyncIterator[Client]:
    async with served(app) as server, rtcore.connect(server) as client:
        yield client


@pytest.mark.parametrize("name", ["client:order", "client:watch"])
async def test_a_function_for_a_client_does_its_work(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = await run(name, BLOCKS[name])
    async with _connected(shop()) as client:
        if "order" in names:
            await names["order"](client)
            assert capsys.readouterr().out == "1\n"
        else:
            names["watch"](client)


async def test_votes_and_tags_of_the_page_about_crdts(capsys: pytest.CaptureFixture[str]) -> None:
    names = await run("crdt:vote", BLOCKS["crdt:vote"])
    async with _connected(names["app"]) as client:
        await names["vote"](client)
    assert capsys.readouterr().out == "1 ['kitchen']\n"


async def test_the_application_counts_votes_beside_others() -> None:
    app = (await run("crdt:nominate", BLOCKS["crdt:nominate"]))["app"]
    async with _connected(app) as client:
        for _ in range(2):
            await client.emit("nominate", "tea")
        assert rtcore.PNCounter.of_state(app.collection("board:home").get("tea")["votes"]).value == 2


async def test_a_client_writes_in_a_text() -> None:
    app = (await run("text:1", BLOCKS["text:1"]))["app"]
    write = (await run("text:write", BLOCKS["text:write"]))["write"]
    letter = b"\x01\x01\x01\x00\x04\x01\x01t\x01x\x00"
    async with _connected(app) as client:
        pages = await client.collection("pages:home")
        await pages.put("p1", {"title": "tea", "body": rtcore.Text()})
        await write(pages, letter)
        assert rtcore.Text.of_state(pages["p1"]["body"]).updates == [letter]


async def test_conflicts_and_changes_of_the_page_about_collections(
    capsys: pytest.CaptureFixture[str],
) -> None:
    follow = (await run("collections:follow", BLOCKS["collections:follow"]))["follow"]
    tidy = (await run("collections:tidy:8", BLOCKS["collections:tidy:8"]))["tidy"]
    async with _connected(shop()) as client:
        notes = await client.collection("notes:ann")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, notes)
            await trio.testing.wait_all_tasks_blocked()
            await (await notes.put("n1", {"title": "tea"})).applied
            await trio.testing.wait_all_tasks_blocked()
            await tidy(notes)
            nursery.cancel_scope.cancel()
        await notes.close()
    assert capsys.readouterr().out.startswith("n1 None {'title': 'tea'} True")


async def test_a_rule_of_ones_own_is_heard(autojump_clock: trio.testing.MockClock) -> None:
    names = await run("watching:jobs", BLOCKS["watching:jobs"])
    found = names["jobs"](None, raised=False)
    assert found.evidence == {"jobs": 101}


async def test_raw_sockets_of_the_page() -> None:
    app = (await run("raw-sockets:upper", BLOCKS["raw-sockets:upper"]))["app"]
    async with served(app) as server:
        ws = server.replace("http", "ws", 1)
        async with trio_websocket.open_websocket_url(f"{ws}/echo") as echo:
            await echo.send_message("tea")
            assert await echo.get_message() == "tea"
        async with trio_websocket.open_websocket_url(f"{ws}/upper") as upper:
            await upper.send_message("tea")
            assert await upper.get_message() == "TEA"


async def test_a_private_raw_socket_of_the_page() -> None:
    app = (await run("raw-sockets:clock", BLOCKS["raw-sockets:clock"]))["app"]
    async with served(app) as server:
        ws = server.replace("http", "ws", 1)
        async with trio_websocket.open_websocket_url(f"{ws}/private") as private:
            for said in ("secret", "tea"):
                await private.send_message(said)
            assert await private.get_message() == "tea"
        async with trio_websocket.open_websocket_url(f"{ws}/private") as private:
            await private.send_message("guess")
            with pytest.raises(trio_websocket.ConnectionClosed) as caught:
                await private.get_message()
            assert caught.value.reason.code == 4401
            await private._stream.aclose()  # it leaves the socket open when the peer closes


@pytest.mark.parametrize("name", ["running:main", "running:4"])
async def test_a_server_within_a_program(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with trio.fail_after(PATIENCE):
        if name == "running:main":
            names = await run(name, BLOCKS[name])
            await names["main"]()
            assert "serving at" in capsys.readouterr().out
        else:
            from functools import partial  # as the page's reader has it

            def serve(app: rtcore.App, **settings: Any) -> Any:
                return rtcore.serve(app, signals=False, **settings)

            page = BLOCKS[name].replace("rtcore.serve", "serve")
            await run(name, page, app=shop(), partial=partial, serve=serve)


async def test_a_user_of_django_hears_what_its_views_publish() -> None:
    names = await run("from-channels:mark_seen", BLOCKS["from-channels:mark_seen"])
    token = jwt.encode({"sub": "7", "exp": time.time() + 60}, "s" * 32, "HS256")
    said = {"room": "$user/7", "event": "changed", "data": {"order": 3}}
    async with memory_server(names["app"], api_keys=["k" * 32]) as server:
        client = await server.welcomed(token=token)
        key = {"Authorization": f"Bearer {'k' * 32}"}
        answer = await server.request("POST", "/rt/api/publish", json=said, headers=key)
        if answer.status == 403:  # `$` names are rtcore's own: a backend sends to a user
            del said["room"]
            answer = await server.request("POST", "/rt/api/send", json={"user": "7", **said}, headers=key)
        assert answer.status == 200, answer.text
        await client.assert_heard("changed", {"order": 3})
        await client.ask("emit", event="seen", data={"order": 3})
    assert names["seen"] == {("7", 3)}


async def test_a_route_of_fastapi_is_heard_by_whoever_looks() -> None:
    names = await run("from-fastapi:drunk", BLOCKS["from-fastapi:drunk"])
    async with memory_server(names["app"], mount=names["site"]) as server:
        client = await server.welcomed(token="secret")
        await client.ask("join", room="orders", last=50)
        order = {"tea": "Assam", "cups": 2}
        answer = await server.request("POST", "/orders", json=order)
        assert (answer.status, answer.json()) == (201, {"number": 1})
        await client.assert_heard("ordered", order, room="orders")


async def test_a_gift_asks_first(autojump_clock: trio.testing.MockClock) -> None:
    names = await run("sessions:gift", BLOCKS["sessions:gift"])
    async with memory_server(names["app"]) as server:
        client = await server.welcomed()
        request = await client.begin("emit", event="gift", data="bob")
        asked = await client.until("request", event="confirm")
        await client.send({"type": "reply", "id": asked["id"], "data": True})
        assert (await client.answer(request))["data"] is True
        await client.until("event", event="sent")


async def test_an_answer_streams_and_an_upload_is_counted(autojump_clock: trio.testing.MockClock) -> None:
    names = await run("streams:upload", BLOCKS["streams:upload"])
    async with memory_server(names["app"]) as server:
        client = await server.welcomed()
        stream = await client.begin("open", stream="answer", data={"text": "tea is good"}, credit=100)
        assert [(await client.until("item", id=stream, n=n))["data"] for n in range(3)] == [
            "tea",
            "is",
            "good",
        ]
        await run("streams:release", BLOCKS["streams:release"])


async def test_a_key_file_says_whose_tokens_are_taken(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = tmp_path / "key.pem"
    public = Ed25519PrivateKey.generate().public_key()
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    names = await run("tokens:build", BLOCKS["tokens:build"])
    assert names["build"](key) is names["app"]


async def test_what_is_bought_is_on_disk(tmp_path: Path) -> None:
    names = await run("durable:buy", BLOCKS["durable:buy"])
    async with (
        served(names["app"], data=tmp_path / "data") as server,
        rtcore.connect(server, token="secret") as client,
    ):
        assert await client.emit("buy", "tea")
    (log,) = (tmp_path / "data").glob("*.db")
    assert sqlite3.connect(log).execute("SELECT count(*) FROM entry").fetchone() == (1,)


async def test_a_note_of_the_application_is_on_disk(tmp_path: Path) -> None:
    names = await run("collections:note", BLOCKS["collections:note"])
    async with served(names["app"], data=tmp_path / "data") as server, rtcore.connect(server) as client:
        assert await client.emit("note", "tea") == 1

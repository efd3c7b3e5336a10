"""The three applications of examples/, as their users meet them: what is allowed, refused and heard."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
import trio
import trio.testing

import rtcore
from rtcore.testing import connect_tcp, memory_server
from tests.asgi.conftest import below_hypercorn
from tests.patience import PATIENCE

from .conftest import serving

EXAMPLES = Path(__file__).parents[2] / "examples"
KEY = "a-key-of-the-tests-with-32-characters-or-more"


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import an application anew."""

    def get(name: str) -> Any:
        monkeypatch.syspath_prepend(str(EXAMPLES / name))
        sys.modules.pop(name, None)
        return importlib.import_module(name)

    return get


async def post(server: Any, path: str, body: Any = None, headers: str = "") -> tuple[int, Any]:
    said = "" if body is None else msgspec.json.encode(body).decode()
    status, _, answer = await server.get(path, method="POST", headers=headers, body=said)
    return status, msgspec.json.decode(answer)


async def test_who_logs_in_may_speak_until_a_moderator_says_otherwise(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_SECRET", "a secret of the tests, long enough")
    module = application("moderated")
    async with serving(module.app, mount=module.site) as server:
        assert (await post(server, "/login", {"name": "ann", "password": "milk"}))[0] == 401
        assert (await post(server, "/login", {"name": "nobody", "password": ""}))[0] == 401
        tokens = {}
        for name, password in (("ann", "tea"), ("bob", "milk")):
            status, answer = await post(server, "/login", {"name": name, "password": password})
            assert status == 200
            tokens[name] = answer["token"]
        assert (await server.get("/"))[0] == 200
        async with (
            connect_tcp("127.0.0.1", server.port) as ann,
            connect_tcp("127.0.0.1", server.port) as bob,
        ):
            for client, name in ((ann, "ann"), (bob, "bob")):
                await client.hello(token=tokens[name])
                await client.ask("join", room="chat:tea")
            said = {"room": "chat:tea", "text": "milk?"}
            assert await bob.ask("emit", event="say", data=said)
            heard = await ann.until("event", event="said")
            assert (heard["from"]["user"], heard["data"]) == ("bob", {"text": "milk?"})
            measure = {"room": "chat:tea", "user": "bob"}
            assert await refused(bob, "emit", event="mute", data=measure) == "FORBIDDEN"
            await ann.ask("emit", event="mute", data=measure)
            assert await refused(bob, "emit", event="say", data=said) == "MUTED"
            assert await ann.ask("emit", event="remove", data={**measure, "reason": "rude"}) == 1
            assert (await bob.until("left"))["room"] == "chat:tea"
            assert await refused(bob, "join", room="chat:tea") == "REMOVED"
            assert await refused(bob, "emit", event="say", data=said) == "FORBIDDEN"


async def test_a_forged_token_is_nobody(application: Any) -> None:
    module = application("moderated")
    forged = jwt.encode(
        {"sub": "ann", "exp": 1 << 40}, "another secret, as long as the real", algorithm="HS256"
    )
    async with memory_server(module.app) as server:
        client = await server.connect()
        await client.send({"type": "hello", "v": 1, "token": forged})
        assert (await client.expect("bye"))["code"] == 4501


async def refused(client: rtcore.testing.WireClient, kind: str, **fields: Any) -> str:
    return (await client.answer(await client.begin(kind, **fields)))["error"]["code"]


async def test_a_site_streams_an_answer_notifies_and_a_worker_reports(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTCORE_API_KEYS", KEY)
    module = application("answers")
    async with (
        below_hypercorn(module.site) as server,
        connect_tcp("127.0.0.1", server.port, path="/live/rt/ws") as ann,
    ):
        await ann.hello(token="ann")
        stream = await ann.begin("open", stream="answer", data={"text": "tea"}, credit=100)
        words = [(await ann.until("item", id=stream, n=n))["data"] for n in range(6)]
        assert "".join(words) == "I do not know about tea. "
        assert (await post(server, "/notes", {"to": "ann", "text": "hello"}, "X-User: bob\r\n"))[0] == 201
        assert (await ann.until("event", event="note"))["data"] == {"from": "bob", "text": "hello"}
        assert (await post(server, "/reports?topic=tea", headers="X-User: ann\r\nContent-Length: 0\r\n"))[
            0
        ] == 202
        worker = [sys.executable, "-c", "import worker; raise SystemExit(not worker.work())"]
        environment = {**os.environ, "PYTHONPATH": str(EXAMPLES / "answers")}
        with trio.fail_after(PATIENCE):
            done = await trio.run_process(
                [*worker, f"http://127.0.0.1:{server.port}"], env=environment, stderr=subprocess.STDOUT
            )
        assert done.returncode == 0
        heard = await ann.until("event", event="report")
        assert heard["data"] == {"number": 1, "text": "All about tea."}


async def test_a_dashboard_begins_with_what_is_and_goes_on_with_what_is_new(
    application: Any, autojump_clock: trio.testing.MockClock
) -> None:
    module = application("fifty")
    async with memory_server(module.app) as server:
        page = await server.welcomed()
        machines = await page.ask("emit", event="machines")
        assert len(machines) == 50
        await trio.sleep(1)
        joined = await page.ask("join", room="machine:m07")
        assert set(joined["state"]) == {"load", "errors"}
        heard = await page.until("event", event="report")
        assert heard["room"] == "machine:m07"
        await page.ask("emit", event="order", data={"machine": "m07", "action": "restart"})
        assert (await page.until("event", event="ordered"))["data"]["value"] == "restart"
        assert (
            await refused(page, "emit", event="order", data={"machine": "x", "action": "y"}) == "NO_MACHINE"
        )

"""The examples do what they say."""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from rtcore.config import load
from rtcore.testing import connect_tcp, memory_server
from rtcore.testing.frames import TEXT, Reader, encode, upgrade
from tests.asgi.conftest import below_hypercorn
from tests.patience import PATIENCE

from .conftest import serving

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import an example anew."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def get(name: str) -> Any:
        sys.modules.pop(name, None)
        return importlib.import_module(name)

    return get


async def test_hello(example: Any) -> None:
    async with memory_server(example("hello").app) as server:
        client = await server.welcomed()
        assert await client.ask("emit", event="hello", data="Ada") == "hello, Ada"
        await client.ask("join", room="tea")
        await client.ask("publish", room="tea", event="say", data="milk?")
        assert (await client.until("event"))["data"] == "milk?"


async def test_chat(example: Any) -> None:
    async with memory_server(example("chat").app) as server:
        ada, bob = await server.welcomed(token="ada"), await server.welcomed(token="bob")
        joined = await ada.ask("join", room="room:staff")
        assert joined["state"] == {"topic": None}
        assert joined["members"][0]["info"] == {"name": "ada"}
        refused = await bob.answer(await bob.begin("join", room="room:staff"))
        assert refused["error"]["code"] == "FORBIDDEN"
        for client in (ada, bob):
            await client.ask("join", room="room:tea")
        answer = await ada.ask("emit", event="chat:message", data={"room": "room:tea", "text": "milk?"})
        heard = await bob.until("event")
        assert heard["data"] == {"room": "room:tea", "text": "milk?"}
        assert answer["id"].endswith(f".{heard['seq']}")
        empty = await ada.begin("emit", event="chat:message", data={"room": "room:tea", "text": " "})
        assert (await ada.answer(empty))["error"]["code"] == "EMPTY"
        stranger = await server.connect()
        await stranger.send({"type": "hello", "token": "not a name!"})
        assert (await stranger.expect("bye"))["code"] == 4501


async def test_beside_starlette(example: Any) -> None:
    module = example("beside_starlette")
    async with (
        serving(module.app, mount=module.site) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        await client.ask("join", room="news")
        assert (await server.get("/news", method="POST", headers="Content-Length: 0\r\n"))[0] == 201
        assert (await client.until("event"))["event"] == "news"


async def test_in_fastapi(example: Any) -> None:
    module = example("in_fastapi")
    async with (
        below_hypercorn(module.site) as server,
        connect_tcp("127.0.0.1", server.port, path="/live/rt/ws") as client,
    ):
        await client.hello()
        assert await client.ask("emit", event="hello", data="Ada") == "hello, Ada"
        await client.ask("join", room="orders")
        status, _, body = await server.get("/orders?what=tea", method="POST")
        assert status == 201
        heard = await client.until("event")
        assert heard["data"] == {"what": "tea"}
        assert json.loads(body)["position"].endswith(f".{heard['seq']}")
        assert json.loads((await server.get("/here"))[2]) == {"sessions": 1}
        assert (await server.get("/docs"))[0] == 200
        assert (await server.get("/live/healthz"))[2] == "ok\n"


async def test_beside_fastapi(example: Any) -> None:
    module = example("beside_fastapi")
    async with (
        serving(module.app, mount=module.site) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello()
        await client.ask("join", room="orders")
        assert (await server.get("/orders?what=tea", method="POST"))[0] == 201
        assert (await client.until("event"))["data"] == {"what": "tea"}
        assert (await server.get("/recalled?what=milk", method="POST"))[0] == 204
        assert (await client.until("event", event="recalled"))["data"] == {"what": "milk"}
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
            reader = Reader(stream)
            await upgrade(stream, reader, "/whisper", "localhost", {})
            await stream.send_all(encode(TEXT, b"psst"))
            with trio.fail_after(PATIENCE):
                assert await reader.frame() == (True, TEXT, b"you said psst")


@pytest.mark.parametrize("path", ["/echo", "/echo-plain"])
async def test_raw_echo(example: Any, path: str) -> None:
    async with memory_server(example("raw_echo").app) as server:
        client = await server.connect(path=path)
        await client.send({"any": "thing"})
        assert await client._first(lambda _: True, "message") == {"any": "thing"}


async def test_tokens(example: Any) -> None:
    module = example("tokens")
    async with memory_server(module.app) as server:
        client = await server.welcomed()
        stream = await client.begin("open", stream="answer", data={"text": "who?"}, credit=3)
        assert [(await client.until("item", id=stream))["n"] for _ in range(3)] == [0, 1, 2]
        assert await client.ask("emit", event="working") == 1
        await client.send({"type": "bye"})  # the page goes
        await client.wait_closed()
        other = await server.welcomed()
        assert await other.ask("emit", event="working") == 0
        stream = await other.begin("open", stream="dictate", up=True)
        await other.until("credit", id=stream)
        await other.send({"type": "item", "id": stream, "n": 0, "data": "so it was"})
        await other.send({"type": "end", "id": stream, "n": 1})
        assert (await other.until("end", id=stream))["data"] == {"words": 3}


def test_the_settings(example: Any) -> None:
    config = load({}, environment={}, file=EXAMPLES / "rtcore.toml").config
    assert config.limit("messages_per_second") == 50


async def test_publish(example: Any) -> None:
    """Another program, over TCP."""
    async with (
        serving(example("chat").app, api_keys=["k"]) as server,
        connect_tcp("127.0.0.1", server.port) as client,
    ):
        await client.hello(token="ada")
        await client.ask("join", room="room:tea")
        environment = {**os.environ, "PUBLISH_URL": f"http://127.0.0.1:{server.port}"}
        command = [
            sys.executable,
            str(EXAMPLES / "publish.py"),
            "room:tea",
            "chat:message",
            '"milk?"',
            "once",
        ]
        answers = [
            await trio.run_process(
                command, env={**environment, "API_KEY": key}, capture_stdout=True, capture_stderr=True,
                check=False,
            )
            for key in ("k", "k", "wrong")
        ]  # fmt: skip
        said = await client.until("event")
        assert (said["data"], said["from"]) == ("milk?", None)
        positions = {answer.stdout.decode().strip() for answer in answers[:2]}
        assert [position.partition(".")[2] for position in positions] == [str(said["seq"])]
        assert "UNAUTHORIZED" in answers[2].stderr.decode()

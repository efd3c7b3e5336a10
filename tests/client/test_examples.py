"""The examples of clients do what they say, over a network that the test owns."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import trio

import rtcore
from rtcore.client import Event
from rtcore.testing import memory_server
from tests.client.conftest import Net, make_app

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def over(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example connects over this network."""
    monkeypatch.setattr(rtcore, "connect", lambda _, **options: net.client(**options))


async def test_a_bot_answers_who_greets_it(net, nursery, monkeypatch, autojump_clock) -> None:
    over(net, monkeypatch)
    async with net.client(token="ann") as ann:
        tea = await ann.join("tea")
        events = aiter(tea)
        nursery.start_soon(example("bot").main, "http://localhost/rt", "tea")
        while "bot" not in {member["user"] for member in tea.members}:  # noqa: ASYNC110 - nobody tells it
            await trio.sleep(0.1)
        await tea.publish("say", "hello there")
        heard = [await anext(events) for _ in range(2)]
        assert [each.data for each in heard if isinstance(each, Event)] == ["hello there", "hello, ann"]
    nursery.cancel_scope.cancel()


async def test_a_sensor_keeps_what_it_measures_while_it_is_offline(nursery, monkeypatch, tmp_path) -> None:
    app, readings, enough = make_app(), list[float](), trio.Event()

    @app.on("reading")
    async def reading(session: rtcore.Session, what: dict[str, float]) -> None:
        readings.append(what["celsius"])
        if len(readings) == 10:
            enough.set()

    class Offline(Net):
        """Down until the sensor has found that out."""

        async def dial(self, target: object) -> trio.abc.Stream:
            down, self.down = self.down, False
            if down:
                raise OSError("the network is down")
            return await super().dial(target)

    async with memory_server(app) as server:
        net = Offline(server)
        net.down = True
        over(net, monkeypatch)
        url, file = "http://localhost/rt", str(tmp_path / "outbox.db")
        nursery.start_soon(example("sensor").main, url, file, 0.01)
        with trio.fail_after(60):
            await enough.wait()
        assert len(set(readings)) == len(readings)
        nursery.cancel_scope.cancel()


async def test_a_crowd_joins_and_all_hear(monkeypatch, capsys, autojump_clock) -> None:
    app = rtcore.App()
    app.rooms("tea", relay=True)

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token or "nobody")

    async with memory_server(app) as server:
        over(Net(server), monkeypatch)
        await example("crowd").main("http://localhost/rt", "tea", "20")
    assert "20 clients joined" in capsys.readouterr().out


async def test_notes_are_the_same_on_two_devices_and_kept(monkeypatch, capsys, tmp_path) -> None:
    lines = iter(["add n1 tea\n", "done n1\n", "", "list\n", "delete n1\n", ""])
    module = example("notes")
    monkeypatch.setattr(module, "sys", SimpleNamespace(stdin=SimpleNamespace(readline=lambda: next(lines))))
    app = rtcore.App()

    @app.authenticate
    async def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token or "nobody")

    app.collection("notes:*", module.Note)
    async with memory_server(app) as server:
        over(Net(server), monkeypatch)
        await module.main("http://localhost/rt", str(tmp_path / "one.db"), "ann")
        assert "[x] n1: tea" in capsys.readouterr().out
        await module.main("http://localhost/rt", str(tmp_path / "one.db"), "ann")
        assert "[x] n1: tea" in capsys.readouterr().out

"""Whatever an application raises or gives, and wherever: one call is answered, and all others are served.

The attack: a peer that makes a handler raise what the code around it does not expect (a `Refuse` with half of
a surrogate pair by way of `json.loads`, `SystemExit` by way of `argparse`) ended the server for everybody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import trio
import trio.testing

import rtcore
from rtcore._ground import failures as _failures
from rtcore._ground.text import LONGEST_TRACEBACK
from rtcore.testing import Closed, MemoryServer, memory_server

from .hooks import HOOKS, Give, Hook, site
from .kinds import GIVEN, RAISED, WITHOUT_TEXT


class Lines(logging.Handler):
    """What is logged, as text: pytest's own keeps each error, and looks at what must not be looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """All that is logged: nothing is left out because there was much of it."""
    monkeypatch.setattr(_failures, "PER_SECOND", 1_000_000)
    log, handler = logging.getLogger("rtcore"), Lines()
    log.addHandler(handler)
    log.propagate = False
    yield handler.texts
    log.propagate = True
    log.removeHandler(handler)


def serving(hook: Hook, give: Give) -> Any:
    """A server with this function, and with `ok`."""
    app = rtcore.App()
    app.rooms("s")
    hook.made(app, give)
    app.on("ok")(lambda session: "ok")
    return memory_server(app, mount=site(give))


async def others_are_served(server: MemoryServer) -> None:
    client = await server.welcomed(token="fine")
    assert await client.ask("emit", event="ok") == "ok"
    await client.cut()


def expected(hook: Hook, code: str) -> Any:
    """What the peer is told: the code itself, or what stands for it where there are no codes."""
    if hook.closes is None:
        return code
    return hook.refused if code == "FORBIDDEN" else hook.closes


@pytest.mark.parametrize("name", HOOKS)
async def test_whatever_it_raises_costs_the_one_call(
    name: str, autojump_clock: trio.abc.Clock, logged: list[str]
) -> None:
    hook = HOOKS[name]
    make, code = RAISED["an error"]

    def give() -> Any:
        raise make()

    async with serving(hook, give) as server:
        for kind, (make, code) in RAISED.items():  # noqa: B007 - `give` makes it
            if hook.nursery and kind in WITHOUT_TEXT:
                continue  # Trio's own nursery asks an error for its text, and is lost when that fails
            logged.clear()
            told = await hook.reach(server)
            await others_are_served(server)
            await trio.sleep(0.1)  # the hooks wait for 0.01
            assert told in (None, "left", expected(hook, code)), f"{kind} in {name}: the peer was told {told}"
            if code == "INTERNAL" and not (hook.scope and kind == "trio.Cancelled by hand"):
                assert logged, f"{kind} in {name}: nothing was logged"
            assert not any("\n2026" in text or "\x1b" in text for text in logged), kind
            assert all(len(text) < 2 * LONGEST_TRACEBACK for text in logged), kind


@pytest.mark.parametrize("name", HOOKS)
async def test_what_ends_a_program_ends_it_from_everywhere(
    name: str, autojump_clock: trio.abc.Clock, logged: list[str]
) -> None:
    hook = HOOKS[name]

    def give() -> Any:
        raise KeyboardInterrupt

    with pytest.raises(BaseExceptionGroup) as ended:  # noqa: PT012 - the block is what ends
        async with serving(hook, give) as server:
            with suppress(Closed, trio.BrokenResourceError, AssertionError):
                await hook.reach(server)
            await trio.sleep(60)
    assert ended.value.split(KeyboardInterrupt)[0] is not None


ANSWERING = {
    name: HOOKS[name]
    for name in (
        "a plain handler",
        "a coroutine handler",
        "a coroutine handler after a wait",
        "a handler with concurrency",
        "a stream",
        "a stream up",
        "state",
    )
}


@pytest.mark.parametrize("name", ANSWERING)
async def test_what_cannot_be_said_is_the_failure_of_one_call(
    name: str, autojump_clock: trio.abc.Clock, logged: list[str]
) -> None:
    hook = ANSWERING[name]
    make, fits = GIVEN["NaN"]

    def give() -> Any:
        return make()

    async with serving(hook, give) as server:
        for kind, (make, fits) in GIVEN.items():  # noqa: B007 - `give` makes it
            logged.clear()
            told = await hook.reach(server)
            await others_are_served(server)
            assert told == (None if fits else "INTERNAL"), f"{kind} of {name}: the peer was told {told}"
            assert bool(logged) != fits, f"{kind} of {name}"


@pytest.mark.parametrize("kind", GIVEN)
async def test_what_an_authorizer_tells_of_a_session_is_looked_at_too(
    kind: str, autojump_clock: trio.abc.Clock, logged: list[str]
) -> None:
    make, fits = GIVEN[kind]
    for hook in (HOOKS["authorize"], HOOKS["authorize, a coroutine"]):
        async with serving(hook, lambda: rtcore.Access(info=make())) as server:
            assert await hook.reach(server) == (None if fits else "INTERNAL")
            await others_are_served(server)


@pytest.mark.parametrize("answer", [5, "x\ud83d", ["publish", "\ud83d"], object(), b"publish", {"grants": 1}])
async def test_an_authorizer_that_answers_anything(
    answer: Any, autojump_clock: trio.abc.Clock, logged: list[str]
) -> None:
    for hook in (HOOKS["authorize"], HOOKS["authorize, a coroutine"]):
        async with serving(hook, lambda: answer) as server:
            assert await hook.reach(server) == "INTERNAL"
            await others_are_served(server)


@pytest.mark.parametrize(
    "user",
    [
        ("ann", float("inf")),
        ("ann", float("-inf")),
        ("ann", float("nan")),
        ("ann", "tomorrow"),
        ("a\ud83d", None),
        ("", None),
        (5, None),
    ],
)
async def test_a_user_that_cannot_be(user: Any, autojump_clock: trio.abc.Clock, logged: list[str]) -> None:
    """At the hello and at a renewal: a token's claims may be anything."""
    for name in ("authenticate", "authenticate, a coroutine", "a renewal", "a renewal, a coroutine"):
        hook = HOOKS[name]
        async with serving(hook, lambda: rtcore.User(*user)) as server:
            assert await hook.reach(server) == (1011 if name.startswith("auth") else "INTERNAL")
            await others_are_served(server)


@pytest.mark.parametrize("end", [-5, 0, 10**400, 1e300])
async def test_a_token_that_ends_at_any_time(end: float, autojump_clock: trio.abc.Clock) -> None:
    for name in ("a renewal", "a renewal, a coroutine"):
        hook = HOOKS[name]
        async with serving(hook, lambda: rtcore.User("ann", end)) as server:
            await hook.reach(server)
            await others_are_served(server)

"""The hands of the machine: what it wants done is done here, by Trio."""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio

from rtcore._ground.sayable import sayable

from .collections.rows import Stored
from .effects import Ask, Changed, Commit, Effect, Open, Shut, Welcomed, Write
from .errors import ClientError, ConnectError, OutboxGone, RequestError
from .event import Event
from .links.link import Ended, Link, Useless
from .links.opening import Opening, Unreachable
from .machine import Machine
from .states import State
from .store import Journal
from .words import Said, data_of

log = logging.getLogger("rtcore.client")
DONE_EVERY: Final = 1.0
"""Seconds after which it is kept how far the program has come, should nothing else be kept before."""
PAUSE: Final = 5.0
"""Seconds that reading may wait for consumers: less than the server's patience with a silent peer."""
Token = Callable[..., str | Awaitable[str | None] | None]
Answer = Callable[[Any], Any]


class TokenFailed(Exception):  # noqa: N818 - what happened
    """The token function raised: a failed attempt, and never an anonymous one."""


class TrioClock:
    """Trio's time, which a test may own, and the wall's."""

    def __init__(self, wall: Callable[[], int]) -> None:
        self._wall = wall

    def now(self) -> float:
        """Seconds, of no epoch."""
        return trio.current_time()

    def wall(self) -> int:
        """Milliseconds since 1970."""
        return self._wall()


class _Ears:
    """One connection's ears: they belong to a generation."""

    def __init__(self, runner: Runner, gen: int) -> None:
        self._runner, self._gen = runner, gen

    def messages(self, messages: list[Said]) -> None:
        """To the machine."""
        self._runner.machine.heard(self._gen, messages)
        self._runner.pump()

    def events(self, events: list[Event], size: int) -> None:
        """Events, to the machine."""
        self._runner.machine.heard_events(self._gen, events, size)
        self._runner.pump()

    def alive(self) -> None:
        """Bytes came."""
        self._runner.machine.alive(self._gen)

    async def wants_more(self) -> None:
        """Waits for consumers that are behind, at most `PAUSE`, and while nothing of ours is on its way."""
        if self._runner.machine.hearing.rooms.crowded:
            await self._runner.wait_for_consumers()


class Runner:
    """Runs one machine. All that others call is a plain function, to be called in Trio's thread."""

    def __init__(
        self,
        machine: Machine,
        opening: Opening,
        *,
        token: str | Token | None,
        journal: Journal | None,
    ) -> None:
        self.machine, self.opening = machine, opening
        self.answers: dict[str, Answer] = {}
        self.changed = trio.Event()
        self._relief: trio.Event | None = None
        self.bytes_in = self.bytes_out = 0
        self.handler_failures = 0
        self._token = token
        self._journal = journal
        self._links: dict[int, Link] = {}
        self._scopes: dict[int, trio.CancelScope] = {}
        self._commits: list[Commit] = []
        if journal is not None:
            self._commits_due, self._writes = trio.Event(), trio.Lock()
        self._done: tuple[str, dict[str, int]] | None = None
        self._time = trio.Event()
        self.storage: OutboxGone | None = None
        """Why nothing is kept on disk any more."""
        self._nursery: trio.Nursery | None = None
        self._pumping = False
        self._deadline = math.inf

    def run(self, nursery: trio.Nursery) -> None:
        """In the tasks of this nursery, until it is cancelled."""
        self._nursery = nursery
        if self._journal is not None:
            nursery.start_soon(self._keep)
        nursery.start_soon(self._keep_time)
        self.pump()

    def start_soon(self, function: Callable[..., Awaitable[None]], *args: object) -> None:
        """A task of the client's."""
        assert self._nursery is not None, "the client runs"  # noqa: S101 - only within `run`
        self._nursery.start_soon(function, *args)

    def bytes(self) -> tuple[int, int]:
        """How many came in and went out, over all connections."""
        links = self._links.values()
        came = self.bytes_in + sum(link.received for link in links)
        return came, self.bytes_out + sum(link.sent for link in links)

    async def wait_for_consumers(self) -> None:
        """Until few events wait in each room, or something of ours is owed; `PAUSE` seconds at most."""
        crowded = self.machine.hearing.rooms.crowded
        with trio.move_on_after(PAUSE):
            while not self._owed():
                self._relief = relief = trio.Event()
                behind = [each for each in crowded if each.crowded and not (each.over or each.hole)]
                if not behind:
                    break
                for reader in behind:
                    reader.relieved = relief.set
                await relief.wait()
        crowded.clear()

    def _owed(self) -> bool:
        """Whether something of ours is on its way to us: then reading must go on."""
        machine, pulse = self.machine, self.machine.pulse
        pinged = pulse is None or pulse.asked is not None
        return bool(
            pinged or machine.sending.box.written or machine.hearing.asked.running or machine.streams.open
        )

    # -- effects

    def pump(self) -> None:
        """Do what the machine wants done. Called after each call of the machine."""
        if self._pumping or self._nursery is None:
            return
        self._pumping = True
        try:
            effects = self.machine.effects
            while effects:
                self._do(effects.popleft())
        finally:
            self._pumping = False
        if self.machine.deadline < self._deadline:
            self._time.set()

    def _do(self, effect: Effect) -> None:
        if isinstance(effect, Write):
            if (link := self._links.get(effect.gen)) is not None:
                link.say(effect.messages, hello=effect.hello)
                if self._relief is not None:
                    self._relief.set()  # something may be owed now
        elif isinstance(effect, Open):
            self.start_soon(self._connect, effect)
        elif isinstance(effect, Welcomed):
            if (link := self._links.get(effect.gen)) is not None:
                link.welcomed(effect.session, effect.key, effect.compress)
        elif isinstance(effect, Shut):
            if (link := self._links.get(effect.gen)) is not None:
                link.shut(effect.code, effect.reason)
            elif (scope := self._scopes.get(effect.gen)) is not None:
                scope.cancel()
        elif isinstance(effect, Commit):
            self._commits.append(effect)
            self._commits_due.set()
        elif isinstance(effect, Ask):
            self.start_soon(self._answer, effect)
        elif isinstance(effect, Changed):
            self.tell()

    def tell(self) -> None:
        """The status is another."""
        self.changed.set()
        self.changed = trio.Event()

    # -- connections

    async def _connect(self, effect: Open) -> None:
        gen, machine = effect.gen, self.machine
        with trio.CancelScope() as scope:
            self._scopes[gen] = scope
            try:
                token = await self._ask_token(effect.refused)
                link = await self.opening.open(effect.transport, known=machine.who.session is not None)
            except (OSError, TokenFailed, ConnectError, trio.TooSlowError) as error:
                reached = not isinstance(error, Unreachable | TokenFailed)
                machine.failed(gen, error, after=getattr(error, "after", None), reached=reached)
                self.pump()
                return
            finally:
                del self._scopes[gen]
            if not machine.wanted(gen):
                link.shut(1000, "given up")
            self._links[gen] = link
            ended = Ended()
            try:
                machine.opened(gen, token)
                self.pump()
                ended = await link.run(_Ears(self, gen))
            except ConnectError as error:
                machine.failed(gen, error)
            except Useless as error:
                machine.useless(gen, error)
            finally:
                self.bytes_in += link.received
                self.bytes_out += link.sent
                del self._links[gen]
            machine.closed(gen, ended.code, ended.reason, after=ended.after)
            self.pump()

    async def _ask_token(self, refused: str | None) -> str | None:
        if self._token is None or isinstance(self._token, str):
            return _sayable_token(self._token)
        takes = _takes_one(self._token)
        try:
            told = self._token(refused) if takes else self._token()
            return _sayable_token(await told if inspect.isawaitable(told) else told)
        except TokenFailed:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {sayable(error)}"
            log.warning("the token function failed: %s", said)
            raise TokenFailed(f"the token function raised {said}") from error

    # -- the server's questions

    async def _answer(self, ask: Ask) -> None:
        self.machine.reply(ask.number, await self._reply_to(ask))
        self.pump()

    async def _reply_to(self, ask: Ask) -> Said:
        handler = self.answers.get(ask.event)
        if handler is None:
            text = f"this client has no answer for {ask.event!r}"
            return {"error": {"code": "NOT_FOUND", "message": text}}
        try:
            told = handler(ask.data)
            return {"data": data_of(await told if inspect.isawaitable(told) else told)}
        except ClientError as error:
            return _refused(error.code, error)
        except Exception as error:
            code = getattr(error, "code", None)
            if isinstance(code, str) and not isinstance(error, RequestError):
                return _refused(code, error)
            self.handler_failures += 1
            log.exception("the answer for %r failed", ask.event)
            return {"error": {"code": "INTERNAL", "message": "the client's answer failed"}}

    # -- time and disk

    async def _keep_time(self) -> None:
        while True:
            self.machine.advance()
            self.pump()
            self._time = trio.Event()
            self._deadline = self.machine.deadline
            with trio.move_on_at(self._deadline):
                await self._time.wait()

    async def _keep(self) -> None:
        assert self._journal is not None  # noqa: S101 - it is why this task runs
        while True:
            if not self._commits:
                self._commits_due = trio.Event()
                with trio.move_on_after(DONE_EVERY):
                    await self._commits_due.wait()
            await self._commit()

    async def _commit(self) -> None:
        """All that waits, in one transaction, with what was handed over by now. One at a time, in the order
        in which it was asked for: `flush_store` may come while `_keep` writes.
        """
        assert self._journal is not None  # noqa: S101 - as above
        async with self._writes:
            commits, self._commits = self._commits, []
            steps = [step for commit in commits for step in commit.steps]
            hearing = self.machine.hearing
            if self.machine.state is not State.ENDED and (done := hearing.done) is not None:
                kept = (done, hearing.marks())
                if kept != self._done:
                    self._done = kept
                    steps.append(("done", *kept))
            if steps and self.storage is None:
                await self._write(steps)
            for commit in commits:
                self.machine.sending.committed(commit.token)
        self.pump()

    async def _write(self, steps: list[tuple[Any, ...]]) -> None:
        assert self._journal is not None  # noqa: S101 - as above
        try:
            await self._journal.commit(steps)
        except OutboxGone as error:
            self._gone(error)

    def _gone(self, error: OutboxGone) -> None:
        """From now on all is in memory, and that is said."""
        log.error("nothing is kept any more: %s", error)
        self.storage = error
        self.machine.sending.ledger.on = False
        self.tell()

    async def load(self, name: str) -> Stored:
        """What is kept of a collection."""
        if self._journal is None or self.storage is not None:
            return Stored(0)
        await self._commit()
        async with self._writes:
            try:
                return await self._journal.load(name, self.machine.sending.owner)
            except OutboxGone as error:
                self._gone(error)
                return Stored(0)

    async def unsent(self, user: str | None) -> tuple[int, int]:
        """Changes and messages that are kept for a user."""
        if self._journal is None or self.storage is not None:
            return 0, 0
        await self._commit()
        async with self._writes:
            return await self._journal.unsent(user)

    async def flush_store(self) -> None:
        """Wait until what was to be kept is kept."""
        if self._journal is not None:
            await self._commit()

    async def gone(self) -> None:
        """Wait until no connection is open any more."""
        while self._links:
            with trio.move_on_after(0.05):
                await self.changed.wait()


def _sayable_token(token: object) -> str | None:
    if token is not None and not isinstance(token, str):
        raise TokenFailed(f"a token is a text, or None; not a {type(token).__name__}")
    if token is not None and token != sayable(token):
        raise TokenFailed("the token holds half of a surrogate pair")
    return token


def _refused(code: str, error: Exception) -> Said:
    """What the application's error says, whatever it is: who reports it must not fail of it."""
    return {"error": {"code": sayable(code), "message": sayable(error)}}


def _takes_one(function: Token) -> bool:
    try:
        inspect.signature(function).bind("refused")
    except (TypeError, ValueError):
        return False
    return True

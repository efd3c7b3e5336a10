"""How the program's calls become requests, and how it waits for them."""

from __future__ import annotations

from typing import Any, Final

import trio

from .given import seconds
from .handle import Sent
from .machine import Machine
from .request import Request
from .runner import Runner
from .words import Said, data_of

BREATH: Final = 64
"""Items that tasks take without a schedule point."""


class Asking:
    """What every part of a client that speaks has in common. `timeout`: where a call does not say (s)."""

    def __init__(self, machine: Machine, runner: Runner, *, timeout: float, stored: bool) -> None:
        self.machine, self.runner, self.timeout, self.stored = machine, runner, timeout, stored
        self._breaths = 0
        self.over: Exception | None = None
        """Why nothing may be asked through this any more: a client that was lent was given back."""

    def still(self) -> None:
        """Raises what ended it, if anything did."""
        if self.over is not None:
            raise self.over

    def send(
        self,
        kind: str,
        fields: Said,
        data: Any,
        *,
        key: str | None = None,
        ttl: float | None = None,
        volatile: bool = False,
        timeout: float | None = None,
        hold: Any = None,
    ) -> Sent:
        """Make a request of the program's, and give its handle."""
        self.still()
        if data is not None:
            fields["data"] = data_of(data)
        clock = self.machine.clock
        now = clock.now()
        if timeout is not None:
            seconds(timeout, "timeout")
        if ttl is not None:
            seconds(ttl, "ttl")
        request = self.machine.request(
            kind,
            fields,
            key=key,
            volatile=volatile,
            hold=hold,
            stored=self.stored and not volatile,
            dies=None if ttl is None else now + ttl,
            dies_wall=None if ttl is None else clock.wall() + int(ttl * 1000),
            patience=None if timeout is None else now + timeout,
        )
        return self.handle(request)

    def handle(self, request: Request) -> Sent:
        """A handle for a request that the machine has; what it wants done is done."""
        sent = Sent(request, self._poke, self.give_up)
        self.runner.pump()
        return sent

    async def ask(self, kind: str, fields: Said, timeout: float | None, **more: Any) -> Any:
        """Make a request that changes nothing if it is done again, and wait for it."""
        self.still()
        patience = None
        if timeout is not None:
            seconds(timeout, "timeout")
            patience = self.machine.clock.now() + timeout
        return await self.result(self.handle(self.machine.request(kind, fields, patience=patience, **more)))

    async def result(self, sent: Sent) -> Any:
        """Its result. Cancelled, it is taken back."""
        try:
            return await sent.applied
        except trio.Cancelled:
            sent.take_back()
            raise

    def _poke(self, request: Request) -> None:
        """Somebody wants to know whether the server has taken it: a `pong` says so."""
        pulse = self.machine.pulse
        if request.id is not None and self.machine.who.life is not None and pulse and pulse.asked is None:
            self.machine.ping()
            self.runner.pump()

    def give_up(self, request: Request) -> None:
        """Its caller does not wait any more."""
        self.machine.sending.give_up(request, "its caller does not wait any more")
        self.runner.pump()

    async def breathe(self) -> None:
        """An item was taken without waiting: now and then a schedule point."""
        self._breaths += 1
        if self._breaths % BREATH == 0:
            await trio.lowlevel.cancel_shielded_checkpoint()

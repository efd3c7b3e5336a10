"""Streams as a program sees them: a loop over what comes down, and a call that sends what goes up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import Any

import msgspec
import trio

from .bell import Bell
from .fitting import Fitting
from .machine import Machine
from .runner import Runner
from .streams import AHEAD, StreamState
from .uploads import UploadState
from .words import Said, data_of, encode


async def down(machine: Machine, runner: Runner, name: str, data: Any) -> AsyncGenerator[Any, None]:
    """The items of a stream; see `Client.stream`."""
    fields: Said = {"stream": name, "credit": AHEAD}
    if data is not None:
        fields["data"] = data_of(data)
    state, bell = StreamState(), Bell()
    state.wake = bell.ring
    state.request = machine.request("open", fields, hold=state, done=state.opened)
    runner.pump()
    try:
        while True:
            bell.silent()
            if state.items:
                item = state.take()
                if state.wants_credit and state.request.id is not None:
                    credit = {"type": "credit", "id": state.request.id, "n": state.grant()}
                    machine.sending.say(credit)
                    runner.pump()
                yield item
            elif state.over:
                if state.error is not None:
                    raise state.error
                return
            else:
                await bell.wait()
    finally:
        if not state.over:
            machine.streams.cancel(state)
            runner.pump()


async def up(
    machine: Machine, runner: Runner, name: str, items: AsyncIterable[Any] | Iterable[Any], data: Any
) -> Any:
    """Send items; see `Client.upload`."""
    fields: Said = {"stream": name, "up": True}
    if data is not None:
        fields["data"] = data_of(data)
    state, bell, asking = UploadState(), Bell(), trio.CancelScope()

    def wake() -> None:
        bell.ring()
        if state.over:
            asking.cancel()

    state.wake = wake
    state.request = machine.request("open", fields, hold=state, done=state.opened)
    runner.pump()
    source = _each(items)
    item: Any = None
    try:
        while True:
            # Credit and pace first: an item is asked for only when it may leave.
            while not (state.may and not machine.sending.turn) and not state.over:
                bell.silent()
                if machine.sending.turn:
                    machine.sending.turn.when_free(bell.ring)
                await bell.wait()
            if state.over:
                break
            try:
                # The next item may not come for long, and a stream that is over waits for none.
                with trio.CancelScope() as asking:
                    item = await anext(source)
                if asking.cancelled_caught:
                    break
            except StopAsyncIteration:
                if not state.over:  # the handler may have been through before its items were
                    machine.sending.say_in_turn(state.finish(), state)
                    runner.pump()
                break
            raw = _fitting(item, machine.sending.fitting)
            if not state.over:
                machine.sending.say_in_turn(state.add(raw), state)
                runner.pump()
        while not state.over:
            bell.silent()
            await bell.wait()
    except BaseException:
        if not state.over:
            machine.streams.cancel(state)
            runner.pump()
        raise
    finally:
        with trio.CancelScope(shield=True):
            await source.aclose()
    if state.error is not None:
        raise state.error
    return state.result


def _fitting(item: Any, fitting: Fitting) -> msgspec.Raw:
    raw = data_of(item)
    said = encode({"type": "item", "id": 1 << 53, "n": 1 << 53, "data": raw})
    if (large := fitting.too_large("an item", said)) is not None:
        raise large
    return raw


async def _each(items: AsyncIterable[Any] | Iterable[Any]) -> AsyncGenerator[Any, None]:
    if isinstance(items, AsyncIterable):
        stream: AsyncIterator[Any] = aiter(items)
        try:
            async for item in stream:
                yield item
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
    else:
        for item in items:  # it never waits, and no more are asked for than the credit allows
            yield item

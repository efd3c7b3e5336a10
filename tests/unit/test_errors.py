"""Errors that go somewhere: to another process, into a copy, and out again as they were."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import rtcore
from rtcore import errors, testing
from rtcore._tokens.jwks import KeysAway
from rtcore.http_api.faults import Fault

MADE: list[BaseException] = [
    rtcore.Refuse("NO", "not today", {"left": [0]}, retry=True),
    rtcore.Refuse("NO"),
    rtcore.Denied.of("OVERLOADED", "full", True),
    rtcore.Denied.of("SOMETHING_NEW", "of tomorrow", False),
    rtcore.Denied("no", "MINE", retry=True),
    rtcore.RemoteError("MINE", "of the peer"),
    rtcore.RemoteError("MINE", ""),
    rtcore.SocketClosed(4001, "gone"),
    rtcore.Timeout("too late"),
    rtcore.SessionEnded("gone"),
    rtcore.UsageError("wrong"),
    rtcore.UsageError(),
    KeysAway("away"),
    rtcore.StartError("in use"),
    Fault("OVERLOADED", "later", {"a": 1}, retry=True, after=2.5),
    testing.Closed(1000, "bye"),
    testing.HandshakeRefused(403, {"a": "b"}, b"no"),
    *(kind("text") for kind in (rtcore.NotFound, rtcore.Forbidden, rtcore.KeyConflict, rtcore.InvalidData)),
    *(kind("text") for kind in (rtcore.Unavailable, rtcore.OutcomeUnknown, rtcore.SenderForbidden)),
    *(kind("text") for kind in (rtcore.Overloaded, rtcore.ConfigError, rtcore.NotServing)),
]


class Mine(rtcore.Refuse):
    """An application's own, which takes nothing."""

    def __init__(self, *, order: int) -> None:
        super().__init__("MINE", f"the order {order}")
        self.order = order


WAYS: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    *(lambda error, n=n: pickle.loads(pickle.dumps(error, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
]


@pytest.mark.parametrize("error", [*MADE, Mine(order=7)], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("way", WAYS)
def test_an_error_survives(error: BaseException, way: Any) -> None:
    error.add_note("on the way")
    again = way(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.args == error.args
    assert vars(again) == vars(error)
    for name in ("code", "message", "retry", "details", "close", "reason", "status", "headers"):
        assert getattr(again, name, None) == getattr(error, name, None)


def test_each_kind_of_error_is_tried() -> None:
    kinds = {
        thing for thing in vars(errors).values() if inspect.isclass(thing) and issubclass(thing, Exception)
    }
    assert kinds - {type(error) for error in MADE} == {rtcore.RtcoreError}


def test_in_a_group() -> None:
    group = ExceptionGroup("several", [rtcore.Refuse("NO", retry=True), rtcore.SocketClosed(1006)])
    again = pickle.loads(pickle.dumps(group))
    assert [type(error) for error in again.exceptions] == [rtcore.Refuse, rtcore.SocketClosed]
    assert again.exceptions[0].retry

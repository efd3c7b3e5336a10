"""How often failures of the application are written."""

from __future__ import annotations

import logging

import pytest

from rtcore._ground import failures as _failures
from rtcore._ground.failures import KINDS, PER_SECOND, Failures


def test_a_few_of_a_kind_are_written_in_a_second() -> None:
    failures = Failures()
    written = [failures._left_out("a", 7.0 + n / 1000) for n in range(100)]
    assert written == [0] * PER_SECOND + [None] * (100 - PER_SECOND)


def test_the_next_one_says_how_many_were_left_out() -> None:
    failures = Failures()
    for _ in range(100):
        failures._left_out("a", 7.0)
    assert failures._left_out("a", 8.0) == 100 - PER_SECOND
    assert failures._left_out("a", 8.1) == 0


def test_kinds_do_not_hide_each_other() -> None:
    failures = Failures()
    for _ in range(100):
        failures._left_out("a", 7.0)
    assert failures._left_out("b", 7.0) == 0


def test_kinds_are_bounded() -> None:
    failures = Failures()
    for number in range(3 * KINDS):
        failures._left_out(str(number), 7.0)
    assert len(failures._kinds) <= KINDS


def test_what_is_written(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = Failures()
    now = 7.0
    monkeypatch.setattr(_failures.time, "monotonic", lambda: now)
    log = logging.getLogger("rtcore.app")
    for _ in range(10):
        failures.log(log, "kind", "%s failed", "it", error=ValueError("why"))
    now = 8.0
    failures.log(log, "kind", "%s failed", "it", error=ValueError("why"))
    monkeypatch.undo()
    assert [record.getMessage() for record in caplog.records] == [
        *["it failed"] * PER_SECOND,
        f"it failed (and {10 - PER_SECOND} times more that were not written)",
    ]
    assert all(record.exc_info for record in caplog.records)

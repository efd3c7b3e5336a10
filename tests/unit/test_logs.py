"""A program's words, whoever hears them."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from rtcore._ground.failures import Failures
from rtcore._serve.logs import JsonFormatter, SteadyHandler, announce


class Stuck(io.StringIO):
    """A stream on a disk that is full for a while."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def record(text: str) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": text, "levelname": "INFO", "name": "rtcore.serve"})


def test_what_could_not_be_written_is_told_when_something_can(capsys: pytest.CaptureFixture[str]) -> None:
    stream = Stuck()
    handler = SteadyHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    for number in range(5):
        handler.handle(record(f"lost {number}"))
    stream.full = False
    handler.handle(record("heard"))
    handler.handle(record("heard again"))
    assert stream.getvalue().splitlines() == [
        "WARNING 5 records before this one could not be written",
        "INFO heard",
        "INFO heard again",
    ]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("stream", [None, Stuck()])
def test_where_it_serves_is_said_to_whom_it_may_be(stream: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    announce("rtcore serves http://127.0.0.1:8000")


def test_a_traceback_in_json_is_the_escaped_one() -> None:
    lines: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonFormatter().format(record))

    log, keeping = logging.getLogger("rtcore.test"), Keeping()
    log.addHandler(keeping)
    try:
        Failures().log(log, "kind", "%s failed", "it\n", error=ValueError("x\x1b[31m"))
    finally:
        log.removeHandler(keeping)
    said = json.loads(lines[0])
    assert said["message"] == "it\\n failed"
    assert "\x1b" not in said["traceback"]


def test_a_record_for_programs_says_what_it_is_about_and_nothing_of_it_ends_its_line() -> None:
    stream = io.StringIO()
    handler = SteadyHandler(stream)
    handler.setFormatter(JsonFormatter())
    log = logging.getLogger("rtcore.test.about")
    log.addHandler(handler)
    about = {"session": "s1", "room": 'tea\n{"level":"critical"}', "event": "say"}
    try:
        Failures().log(log, "handler", "the handler of %r failed", "say", error=ValueError("no"), about=about)
    finally:
        log.removeHandler(handler)
    [line] = stream.getvalue().splitlines()
    said = json.loads(line)
    assert (said["session"], said["event"]) == ("s1", "say")
    assert "\n" not in said["room"]
    assert said["message"] == "the handler of 'say' failed"

"""Text that somebody else chose: to a peer it is UTF-8, in a log it is one line."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcore._ground.failures import write
from rtcore._ground.sayable import sayable
from rtcore._ground.text import LONGEST, LONGEST_TRACEBACK, escaped, traceback_of

ANYTHING = st.text(st.characters(), max_size=200)  # halves of surrogate pairs included


@given(ANYTHING)
def test_what_is_said_to_a_peer_can_be_encoded(text: str) -> None:
    said = sayable(text)
    said.encode()
    if not any(0xD800 <= ord(one) <= 0xDFFF for one in text):
        assert said == text


def test_half_a_pair_becomes_the_sign_for_it_and_a_whole_one_its_letter() -> None:
    assert sayable("no \ud83d such") == "no \ufffd such"
    assert sayable("\ud83d\ude00") == "\U0001f600"


@given(ANYTHING)
def test_what_goes_to_a_log_is_one_line_that_can_be_seen(text: str) -> None:
    assert escaped(text).isprintable()
    assert len(escaped(text).splitlines()) <= 1


def test_a_long_text_is_cut_in_its_middle_and_says_so() -> None:
    said = escaped("a" * 5000 + "z" * 5000)
    assert len(said) < LONGEST + 100
    assert said.startswith("aaa")
    assert said.endswith("zzz")
    assert f"[{10_000 - LONGEST:,} characters left out]" in said


def test_a_traceback_has_no_line_at_the_margin_and_an_end() -> None:
    """A line break in an error's text would begin a record of its own."""
    for text in ("x\n2026-11-26 00:00:00,000 INFO forged\x1b[31m", "x" * 1_000_000):
        said = traceback_of(ValueError(text))
        assert all(line.startswith("  ") for line in said.split("\n"))
        assert "\x1b" not in said
        assert len(said) < 2 * LONGEST_TRACEBACK


def test_the_path_of_a_request_writes_no_line_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    write(logging.getLogger("rtcore.access"), logging.INFO, "%s %s", "GET", "/a\r\n2026 INFO forged\x1b[31m")
    assert caplog.messages == [r"GET /a\r\n2026 INFO forged\x1b[31m"]


def test_a_log_that_cannot_be_written_harms_nobody() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("the disk is full")

    log, broken = logging.getLogger("rtcore.test"), Broken()
    log.addHandler(broken)
    try:
        write(log, logging.ERROR, "%s failed", "it", error=ValueError("x"))
    finally:
        log.removeHandler(broken)

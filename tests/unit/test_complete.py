"""What Tab offers in the terminal of `rtcore connect`."""

from __future__ import annotations

import pytest

from rtcore.cli.complete import Words


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("", ["emit", "history", "join", "say"]),
        ("  h", ["history"]),
        ("join ", ["tea:1", "tea:2"]),
        ("say te", ["tea:1", "tea:2"]),
        ("history tea:2", ["tea:2"]),
        ("say tea:1 ", ["chat:message", "chat:typing"]),
        ("say tea:1 chat:t", ["chat:typing"]),
        ("emit chat:m", ["chat:message"]),
        ("emit say", []),
        ("say tea:1 chat:message t", []),
        ("join tea:1 ", []),
        ("nothing te", []),
    ],
)
def test_each_word_is_completed_by_what_belongs_in_its_place(line: str, offered: list[str]) -> None:
    words = Words(["join", "say", "emit", "history"], lambda: ["tea:2", "tea:1"])
    words.heard("chat:typing")
    words.heard("chat:message")
    words.heard("chat:message")
    assert words.after(line) == offered

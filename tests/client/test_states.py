"""The table of states: each cell is there, is what js/SPEC.md says, and is what the client does."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from rtcore.client.coming import verdict
from rtcore.client.errors import SessionClosed, Superseded, TokenRefused
from rtcore.client.states import TABLE, Happening, State, Track

SPEC = (Path(__file__).resolve().parents[2] / "js" / "SPEC.md").read_text()


@pytest.mark.parametrize(("state", "happening"), list(product(State, Happening)), ids=str)
def test_each_cell_is_there_and_is_what_the_page_says(state: State, happening: Happening) -> None:
    rows = re.findall(rf"^\| {state} \|(.*)\|$", SPEC, re.MULTILINE)
    cells = [each.strip() for each in next(row for row in rows if row.count("|") == 6).split("|")]
    told = cells[list(Happening).index(happening)]
    assert TABLE[state, happening] == (state if told == "-" else State(told))


def test_a_transition_is_recorded_and_what_changes_nothing_is_not() -> None:
    track = Track()
    assert track.after(Happening.START, 1.0)
    assert not track.after(Happening.START, 2.0)
    assert track.after(Happening.OPENED, 3.0)
    assert [each[3] for each in track.recorded] == [State.CONNECTING, State.WELCOMING]


def test_nothing_leaves_the_end() -> None:
    assert {TABLE[State.ENDED, each] for each in Happening} == {State.ENDED}


def test_4500_ends_a_client_only_if_all_its_own_hellos_were_answered() -> None:
    assert verdict(4500, "", hello_open=True) is None
    assert isinstance(verdict(4500, "", hello_open=False), Superseded)


@pytest.mark.parametrize("code", [1000, 1002, 1003, 1007, 1009, 4502, 4503, 4504, 4999])
def test_after_these_a_client_does_not_come_back(code: int) -> None:
    assert verdict(code, "", hello_open=False) is not None


@pytest.mark.parametrize(
    "code", [1001, 1005, 1006, 1011, 1012, 3000, 4000, 4001, 4002, 4003, 4004, 4005, 4499]
)
def test_after_every_other_it_does(code: int) -> None:
    assert verdict(code, "", hello_open=False) is None


def test_each_end_has_a_class_of_its_own() -> None:
    assert isinstance(verdict(4501, "no", hello_open=False), TokenRefused)
    assert isinstance(verdict(4503, "bye", hello_open=False), SessionClosed)

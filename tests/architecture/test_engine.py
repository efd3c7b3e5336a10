"""Who calls whom in the engine, what can come back to itself, and which parts each file says it touches."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import engine_signs
from scripts.engine_calls import ENGINE, groups, methods

# Ends: a session's end closes its connection, a connection's end may be the end of a session (a stream of
# rooms without one of its own), and both let go of what others wait for. A chain of waits is not walked
# by these calls: who may go on is put on the queue of `engine/steps.rs` (`rust/core/tests/chains.rs`
# walks ten thousand links with a small stack).
ENDS = """
admit_user after_answer answer answer_hello answer_if_done answer_last answer_refusal answer_send
answer_sending answer_with arrive begin_closing begin_parting begin_session begin_subscription close_conn
close_ended close_full close_poll detach drop_conn end_session feed feed_as finish_return
finish_subscription forget_conn forget_waiting give_up_return go_away go_on leave leave_door link_up
part refuse_by_close refuse_request release_hold release_key rest_session supersede unblock
unblock_rooms_of wake_posted welcome
"""
# A token that is renewed renews the sessions of items that this one opened; those open none themselves.
RENEWS = "renew"

NAMED = frozenset(f"{ENDS} {RENEWS}".split())


def test_nothing_else_can_come_back_to_itself() -> None:
    graph = {name: method.calls for name, method in methods().items()}
    found = frozenset[str]().union(*groups(graph))
    assert found - NAMED == set(), "put who may go on on the queue of engine/steps.rs instead of calling it"
    assert NAMED - found == set(), "these no longer do: take them out of the list"


def test_the_input_of_one_connection_is_never_taken_within_another_s() -> None:
    graph = {name: method.calls for name, method in methods().items()}
    recursive = frozenset[str]().union(*groups(graph))
    assert not recursive & {
        "take",
        "take_input",
        "take_frame",
        "frame",
        "message",
        "said",
        "take_posted",
        "wake_input",
    }


@pytest.mark.parametrize("path", engine_signs.files(), ids=lambda path: str(path.relative_to(ENGINE)))
def test_each_file_of_the_engine_says_which_parts_it_touches(path: Path) -> None:
    said, is_so = engine_signs.sign(path), engine_signs.wanted(path)
    assert said == is_so, (
        f"the sign of {path.name} says {said!r}, and its code touches {is_so!r}: if that is meant, "
        "`python -m scripts.engine_signs --sign` writes it"
    )


def test_each_field_of_the_engine_is_a_part_or_common_to_all() -> None:
    known = engine_signs.PARTS.keys() | engine_signs.COMMON
    fields = engine_signs.fields()
    assert fields - known == set(), "say in scripts/engine_signs.py to which part it belongs"
    assert known - fields == set(), "these are no longer: take them out of scripts/engine_signs.py"


def test_a_sign_is_held_to_what_the_code_does() -> None:
    code = "{ let Self { out, rooms, .. } = self; self.log.head(); engine.conn(id); self.timers_of(id); }"
    assert engine_signs.parts_in(code) == {"Conns", "Log", "Out", "Rooms"}

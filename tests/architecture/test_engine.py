"""Who calls whom in the engine: nothing can come back to itself; and which parts each file touches."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import engine_signs
from scripts.engine_calls import ENGINE, groups, methods, reach

# What puts something on the queue of `engine/next.rs`, and what goes through it.
PUTS = "self.next.add("
GOES_THROUGH = frozenset({"entry", "follow_up"})


def test_nothing_can_come_back_to_itself() -> None:
    """A chain of peers that wait for each other would be a chain of frames on the stack."""
    graph = {name: method.calls for name, method in methods().items()}
    assert groups(graph) == [], "put who may go on on the queue of engine/next.rs instead of calling it"


def test_a_closure_that_is_handed_the_engine_is_seen() -> None:
    """`within` takes the input of a connection in a closure: a call there is a call all the same."""
    assert "take" in methods()["hear"].calls


def test_each_entry_does_what_follows_from_its_work() -> None:
    """What an entry leaves on the queue would wait for somebody else's call."""
    known = methods()
    graph = {name: method.calls for name, method in known.items()}
    puts = {name for name, method in known.items() if PUTS in method.body}
    assert puts
    for name, method in known.items():
        if method.public and puts & ({name} | {callee for _, callee in reach(graph, name)}):
            assert method.calls & GOES_THROUGH, f"{name} may leave something on the queue of engine/next.rs"


def test_no_entry_is_called_from_within_the_engine() -> None:
    """It would go through the queue in the midst of what somebody else does."""
    known = methods()
    entries = {name for name, method in known.items() if method.public and method.calls & GOES_THROUGH}
    for name, method in known.items():
        assert not method.calls & entries, f"{name} calls an entry of the engine: call what the entry does"


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

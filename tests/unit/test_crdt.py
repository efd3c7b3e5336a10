"""`rtcore.crdt`: the laws again, through the border, and the vectors that every language reads."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcore._engine import Crdt, Refused
from rtcore.crdt import GCounter, GSet, LWWRegister, ORSet, PNCounter

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).resolve().parents[2] / "vectors" / "crdt.json").read_text()
)
MOST = 2**53 - 1


@pytest.mark.parametrize("row", VECTORS["merges"], ids=lambda row: row["about"])
def test_states_merge_as_the_vectors_say(row: dict[str, Any]) -> None:
    for order in permutations(row["states"]):
        held = Crdt(row["kind"])
        for state in order:
            held.merge(Crdt.read(state))
        assert (held.state(), held.value()) == (row["state"], row["value"])


@pytest.mark.parametrize("row", VECTORS["operations"], ids=lambda row: row["about"])
def test_operations_come_to_what_the_vectors_say(row: dict[str, Any]) -> None:
    held, heard = Crdt(row["kind"]), Crdt(row["kind"])
    for op in row["ops"]:
        told = held.apply(op["op"], op["writer"], op["n"], op.get("time", 0), op.get("later", True))
        assert told == op["heard"]
        if told is not None:
            heard.hear(told)
    assert held.state() == row["state"]
    assert heard.same(held), "what is heard makes the same of it"


@pytest.mark.parametrize("row", VECTORS["refused"], ids=lambda row: row["about"])
def test_what_must_be_refused_is_refused(row: dict[str, Any]) -> None:
    def tried() -> None:
        if "state" in row:
            Crdt.read(row["state"])
        else:
            Crdt(row["kind"]).apply(row["op"], "w1", 1, 0, True)

    with pytest.raises(Refused) as caught:
        tried()
    assert caught.value.args[0] == row["code"]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("xyz"), st.booleans(), st.integers(0, 3)), max_size=40
    )
)
def test_sets_end_equal_and_a_removal_takes_what_it_saw(steps: list[tuple[int, str, bool, int]]) -> None:
    """By the plain model: an element is there if an add of it was taken by no removal."""
    sets = [ORSet(f"r{at}") for at in range(4)]
    deltas: list[dict[str, Any]] = []
    for at, element, adds, other in steps:
        deltas.append(sets[at].add(element) if adds else sets[at].remove(element))
        sets[other].merge(sets[at])
    everything = ORSet("all")
    for one in sets:
        everything.merge(one)
    backwards = ORSet("all")
    for delta in [*reversed(deltas), *deltas]:
        backwards.merge(delta)
    assert backwards == everything


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1000, 1000)), max_size=30))
def test_counters_count_everything_once(steps: list[tuple[int, int]]) -> None:
    counters = [PNCounter(f"r{at}") for at in range(3)]
    for at, by in steps:
        counters[at].add(by)
        counters[(at + 1) % 3].merge(counters[at])
        counters[(at + 1) % 3].merge(counters[at].state)
    for one in counters:
        for other in counters:
            one.merge(other)
    for one in counters:
        for other in counters:
            one.merge(other)
    assert {one.value for one in counters} == {sum(by for _, by in steps)}


def test_python_hears_its_own_errors() -> None:
    full = GCounter("a")
    full.add(MOST)
    with pytest.raises(OverflowError):
        full.add()
    with pytest.raises(ValueError, match="up"):
        GCounter("a").add(-1)
    with pytest.raises(TypeError):
        GSet("a").merge(full.state)
    with pytest.raises(ValueError, match="crdt"):
        GSet("a").merge({"e": []})
    with pytest.raises(ValueError, match="name"):
        ORSet("")


def test_a_register_takes_the_later() -> None:
    ann, bob = LWWRegister("ann"), LWWRegister("bob")
    ann.set({"a": [1, 2.5, None, True]}, 10)
    bob.set("milk", 9)
    bob.merge(ann)
    assert bob == ann
    assert bob.value == {"a": [1, 2.5, None, True]}
    bob.set("tea", 3)
    ann.merge(bob)
    assert ann.value == "tea", "what is said after it was seen is later, whatever the clock says"


def test_sets_are_sets() -> None:
    tags = ORSet("a")
    tags.add("b")
    tags.add("a")
    assert (list(tags), "a" in tags, len(tags), tags.value, repr(tags)) == (
        ["a", "b"], True, 2, {"a", "b"}, "ORSet(['a', 'b'])",
    )  # fmt: skip

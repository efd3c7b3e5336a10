"""Which program has a session: copies of one store do not speak in it by turns."""

from __future__ import annotations

from .conftest import Dial


def test_another_program_with_the_same_key_gets_a_session_of_its_own(dial: Dial) -> None:
    """A copy of the store: by turns in one session, each would be told what came of the other's requests."""
    first = dial().hello(program=["a"])
    copied = first.returning()
    first.drop()
    copy = dial().hello(**copied, program=["b", "a"])
    assert copy.welcome["resumed"] is True, "as the next program of that store would"
    again = dial().hello(**copied, program=["a"])
    assert again.welcome["resumed"] is False
    assert again.session != first.session
    assert copy.emit("echo", 1) == 1, "who has the session hears nothing of it"
    other = dial().hello(**copied, program=["c", "a"])
    assert other.welcome["resumed"] is False
    assert dial().hello(**copied).welcome["resumed"] is True, "who does not say is taken at his word"


def test_a_hello_without_a_program_leaves_the_session_to_the_one_that_named_itself(dial: Dial) -> None:
    """*A program, an old client that says nothing, a copy: the session would look like nobody's.*"""
    first = dial().hello(program=["a"])
    copied = first.returning()
    first.drop()
    assert dial().hello(**copied).welcome["resumed"] is True
    assert dial().hello(**copied, program=["b"]).welcome["resumed"] is False
    assert dial().hello(**copied, program=["a"]).welcome["resumed"] is True, "it is this one's still"


def test_a_session_that_nobody_named_is_of_the_first_who_does(dial: Dial) -> None:
    first = dial().hello()
    copied = first.returning()
    first.drop()
    assert dial().hello(**copied, program=["a"]).welcome["resumed"] is True
    assert dial().hello(**copied, program=["b"]).welcome["resumed"] is False


def test_what_is_no_list_of_programs_is_no_hello(dial: Dial) -> None:
    for bad in ("a", [1], {"a": 1}):
        client = dial()
        client.send({"type": "hello", "program": bad})
        client.expect_bye(4504)


def test_of_many_programs_the_first_are_looked_at(dial: Dial) -> None:
    first = dial().hello(program=["a"])
    copied = first.returning()
    first.drop()
    many = [f"p{number}" for number in range(15)]
    assert dial().hello(**copied, program=["x", *many, "a"]).welcome["resumed"] is False
    assert dial().hello(**copied, program=[*many, "a"]).welcome["resumed"] is True

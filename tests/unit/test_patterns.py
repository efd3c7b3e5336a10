"""Which registration speaks for a room."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtcore._ground.patterns import ByPattern, matches


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("tea", "tea", True),
        ("tea", "teas", False),
        ("*", "", True),
        ("*", "anything", True),
        ("news:*", "news:", True),
        ("news:*", "news", False),
        ("*:end", "a:end", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a**b", "ab", True),
        ("x*yy*y", "xyy", False),
    ],
)
def test_matches(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


@given(st.text("ab*", max_size=6), st.text("ab", max_size=8))
def test_it_is_the_ordinary_glob(pattern: str, name: str) -> None:
    assert matches(pattern, name) is (re.match(fnmatch.translate(pattern), name) is not None)


def test_a_name_that_a_peer_made_up_costs_linear_time() -> None:
    """A backtracking matcher would not come back from this pattern and name in the life of the machine."""
    assert not matches("*a" * 30 + "b", "a" * 100_000)


def test_the_most_specific_speaks_whatever_the_order() -> None:
    for order in (
        ("*", "news:*", "news:sport:*", "news:sport:today"),
        ("news:sport:today", "news:*", "*", "news:sport:*"),
    ):
        known: ByPattern[str] = ByPattern()
        for pattern in order:
            assert known.add(pattern, pattern)
        assert known.find("news:sport:today") == "news:sport:today"
        assert known.find("news:sport:x") == "news:sport:*"
        assert known.find("news:x") == "news:*"
        assert known.find("x") == "*"


def test_a_pattern_has_one_registration() -> None:
    known: ByPattern[int] = ByPattern()
    assert known.add("a*", 1)
    assert not known.add("a*", 2)
    assert known.find("ab") == 1
    assert known.find("b") is None

"""Tables that say which test shows what name tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.test_files import ROOT

TABLES = ("rust/core/tests/durable/README.md", "rust/data/tests/README.md", "tests/client/README.md")
NAMED = re.compile(r"`(?:[\w/]+\.(?:py|rs)::)?(\w+)`")


def all_of_them() -> set[str]:
    """The names of all tests in Python and Rust."""
    files: list[Path] = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("rust/*/tests/**/*.rs")]
    named = re.compile(r"(?:\bdef|\bfn) (\w+)\(")
    return {name for file in files for name in named.findall(file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("table", TABLES)
def test_each_test_that_a_table_names_is_there(table: str) -> None:
    there = all_of_them()
    words = NAMED.findall((ROOT / table).read_text(encoding="utf-8"))
    # Names of tests are sentences; other words in backticks are names of fields, say.
    missing = [word for word in words if word.count("_") >= 3 and word not in there]
    assert not missing, f"{table} names tests that are not there"

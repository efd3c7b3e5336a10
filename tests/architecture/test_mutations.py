"""What is broken on purpose so that a law is seen to fail: each line of the table is still there, once."""

from __future__ import annotations

from pathlib import Path

from scripts.mutations import ROOT, SOURCE, TABLE, mutations


def test_each_line_that_is_broken_on_purpose_is_there_once() -> None:
    wrong = [
        f"{one.file}: {one.what}"
        for one in mutations()
        if (ROOT / SOURCE / one.file).read_text(encoding="utf-8").count(one.find) != 1
    ]
    assert not wrong, "not there once: say in mutations.toml how it is broken now"


def test_each_has_its_switch_and_fails_a_test_that_there_is() -> None:
    tests = TABLE.parents[1]
    for one in mutations():
        assert "BROKEN" in one.put, one.what
        for test in one.fails:
            target, _, name = test.partition(" ")
            assert (tests / f"{target}.rs").is_file(), test
            module, _, prefix = name.partition("::")
            assert not module or (tests / target / f"{module}.rs").is_file(), test
            if prefix:
                assert f"fn {prefix}" in (tests / target / f"{module}.rs").read_text(encoding="utf-8"), test


def test_the_table_in_words_has_each_of_them() -> None:
    words = " ".join(Path(TABLE.parent, "README.md").read_text(encoding="utf-8").split())
    missing = [one.what for one in mutations() if f"| {one.law} | `{one.file}`: {one.what} |" not in words]
    assert not missing, "not in the README beside mutations.toml"

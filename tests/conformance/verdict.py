"""What Autobahn found against what is expected: every case played, each OK but those in expected.toml."""

from __future__ import annotations

import fnmatch
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .parts import Part
from .play import Result

OK = ("OK", "OK")
EXPECTED = Path(__file__).with_name("expected.toml")


@dataclass(frozen=True)
class Differing:
    """What a case may be beside OK, for how it behaved and for how it was closed, and the reason."""

    behaviour: str
    close: str
    sometimes: bool
    reason: str


@dataclass(frozen=True)
class Expected:
    """How many cases each group has, and which of them differ from OK."""

    counts: dict[str, int]
    differing: dict[str, Differing]

    @classmethod
    def load(cls, file: Path = EXPECTED) -> Expected:
        """Read the file."""
        return cls.of(tomllib.loads(file.read_text()))

    @classmethod
    def of(cls, table: dict[str, Any]) -> Expected:
        """Read what a file holds."""
        differing = {}
        for each in table["differs"]:
            one = Differing(each["behaviour"], each["close"], each.get("sometimes", False), each["reason"])
            for case in each["cases"]:
                group = case.removesuffix(".*")
                all_of_it = [f"{group}.{number}" for number in range(1, table["counts"].get(group, 0) + 1)]
                differing.update(dict.fromkeys(all_of_it if case.endswith("*") else [case], one))
        return cls(table["counts"], differing)

    def count(self, part: Part) -> int:
        """How many cases a part has."""
        return sum(self.of_pattern(pattern) for pattern in part.cases)

    def of_pattern(self, pattern: str) -> int:
        """How many cases a group has; a case that is named is one."""
        return self.counts[pattern.removesuffix(".*")] if pattern.endswith("*") else 1


def unexpected(expected: Expected, todo: Iterable[Part], results: Iterable[Result]) -> list[str]:
    """A sentence for everything that is not as expected; nothing when all is well."""
    faults = []
    results = list(results)
    for part in todo:
        for pattern in part.cases:
            played = {r.case for r in results if r.run == part.run and fnmatch.fnmatchcase(r.case, pattern)}
            wanted = expected.of_pattern(pattern)
            if len(played) != wanted:
                faults.append(f"{part.run} {pattern}: {len(played)} cases were played, of {wanted}")
    for result in results:
        found = (result.behaviour, result.close)
        listed = expected.differing.get(result.case)
        wanted_now = (listed.behaviour, listed.close) if listed else OK
        if found != wanted_now and not (listed and listed.sometimes and found == OK):
            faults.append(
                f"{result.run} {result.case}: {found[0]}, close {found[1]}; "
                f"expected {wanted_now[0]}, close {wanted_now[1]}. {result.why}"
            )
    return faults


def order(result: Result) -> tuple[str, list[int]]:
    """Runs one after the other, cases by number."""
    return result.run, [int(number) for number in result.case.split(".")]


def table(expected: Expected, results: Iterable[Result]) -> str:
    """One line a case: run, case, behaviour, close behaviour, and the reason where it is not OK."""
    lines = ["run\tcase\tbehaviour\tclose\treason"]
    for result in sorted(results, key=order):
        listed = expected.differing.get(result.case)
        ok = (result.behaviour, result.close) == OK
        reason = "" if ok else listed.reason if listed else f"not expected: {result.why}"
        lines.append("\t".join([*result[:4], reason]))
    return "\n".join(lines) + "\n"


def summary(results: Iterable[Result]) -> str:
    """One line a run: how many cases were what."""
    runs: dict[str, Counter[str]] = {}
    for result in sorted(results, key=order):
        ok = (result.behaviour, result.close) == OK
        runs.setdefault(result.run, Counter())["OK" if ok else result.behaviour] += 1
    return "\n".join(
        f"{run}: {counts.total()} cases, " + ", ".join(f"{count} {what}" for what, count in counts.items())
        for run, counts in runs.items()
    )

"""Break the core on purpose, one line at a time, and see that the law named fails.

    python -m scripts.mutations              all of them, in the order of the table
    python -m scripts.mutations 7 needs      those of some laws
    python -m scripts.mutations --list       what they are

The table is `rust/core/tests/laws/mutations.toml`, in words in the `README.md` beside it. Each is played in a
worktree of HEAD, so what is being edited stays as it is, with a target directory of its own
(`target/mutations`). A test that still passes with its line broken is told, and ends this with 1. Each takes
a build of the core and its tests, some 20 seconds on a quiet machine: no part of `make test`, where
`tests/architecture/test_mutations.py` only sees that each line is still there once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "rust" / "core" / "tests" / "laws" / "mutations.toml"
SOURCE = Path("rust", "core", "src")


class Mutation(NamedTuple):
    """One line that is broken: `find` stands once in `file`, and `put` comes in its place."""

    law: str
    what: str
    file: str
    find: str
    put: str
    fails: list[str]

    def apply(self, root: Path) -> str:
        """Break it in a checkout. What the file was."""
        path = root / SOURCE / self.file
        before = path.read_text(encoding="utf-8")
        assert before.count(self.find) == 1, f"{self.file}: what {self.what!r} breaks stands there once"
        path.write_text(before.replace(self.find, self.put), encoding="utf-8")
        return before


def mutations() -> list[Mutation]:
    """The table."""
    with TABLE.open("rb") as file:
        return [Mutation(**row) for row in tomllib.load(file)["mutation"]]


def command(test: str) -> list[str]:
    """How one test is run: a target and the name of a module or test in it."""
    return ["cargo", "test", "--quiet", "--locked", "-p", "rtcore-core", "--test", *test.split()]


def caught(root: Path, test: str) -> bool:
    """Whether a test fails, having been built."""
    env = {**os.environ, "CARGO_TARGET_DIR": str(ROOT / "target" / "mutations")}
    build = [*command(test), "--no-run"]
    subprocess.run(build, cwd=root, env=env, check=True, capture_output=True, text=True)
    return subprocess.run(command(test), cwd=root, env=env, check=False, capture_output=True).returncode != 0


@contextmanager
def worktree() -> Iterator[Path]:
    """A checkout of HEAD, for as long as this lasts."""
    with tempfile.TemporaryDirectory() as holder:
        path = Path(holder, "rtcore")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(path)], check=True)
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", str(path)], check=True)


def main() -> int:
    """Play them. 1: one was not caught."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=shape)
    parser.add_argument("laws", nargs="*", help="only those of these laws")
    parser.add_argument("--list", action="store_true", help="say what they are")
    given = parser.parse_args()
    chosen = [one for one in mutations() if not given.laws or one.law in given.laws]
    if given.list:
        for one in chosen:
            print(f"{one.law:7} {one.file:20} {one.what}")
        return 0
    missed = 0
    with worktree() as root:
        for one in chosen:
            before = one.apply(root)
            for test in one.fails:
                began = time.monotonic()
                found = caught(root, test)
                missed += not found
                word = "caught" if found else "NOT CAUGHT"
                seconds = time.monotonic() - began
                print(f"{word:10} {one.law:7} {one.file}: {one.what} ({test}, {seconds:.0f} s)", flush=True)
            (root / SOURCE / one.file).write_text(before, encoding="utf-8")
    print(f"{missed} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

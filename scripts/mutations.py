"""Break the core on purpose, one line at a time, and see that the law named fails.

    python -m scripts.mutations              all of them, in the order of the table
    python -m scripts.mutations 7 needs      those of some laws
    python -m scripts.mutations --list       what they are

The table is `rust/core/tests/laws/mutations.toml`, in words in the `README.md` beside it. A worktree of HEAD
gets all of it at once, each line behind a switch, and is built once. First the tests must pass with nothing
broken; then each is run with its line. One that still passes is told, and ends this with 1. It is no part of
`make test`, where `tests/architecture/test_mutations.py` only sees that each line is still there once.
"""

from __future__ import annotations

import argparse
import os
import signal
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
LONGEST = 600
"""Seconds that a test has with its line broken."""


class Mutation(NamedTuple):
    """One line that is broken: `find` stands once in `file`, and `put` comes in its place."""

    law: str
    what: str
    file: str
    find: str
    put: str
    fails: list[str]

    def apply(self, root: Path, at: int) -> None:
        """Put it into a checkout, behind the switch with this number."""
        path = root / SOURCE / self.file
        before = path.read_text(encoding="utf-8")
        assert before.count(self.find) == 1, f"{self.file}: what {self.what!r} breaks stands there once"
        put = self.put.replace("BROKEN", f"crate::broken({at})")
        path.write_text(before.replace(self.find, put), encoding="utf-8")


SWITCH = """
/// Whether this line is the one that is broken.
pub(crate) fn broken(at: usize) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| std::env::var("BROKEN").ok()?.parse().ok()) == Some(at)
}
"""


def mutations() -> list[Mutation]:
    """The table."""
    with TABLE.open("rb") as file:
        return [Mutation(**row) for row in tomllib.load(file)["mutation"]]


def run(root: Path, *words: str, broken: int | None = None) -> bool:
    """Run cargo on tests; whether they passed. The first failure is enough: it is not made smaller."""
    env = {
        **os.environ,
        # Of its own: what is built here is broken.
        "CARGO_TARGET_DIR": os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target" / "broken")),
        "PROPTEST_MAX_SHRINK_ITERS": "0",
    }
    env.pop("BROKEN", None)
    if broken is not None:
        env["BROKEN"] = str(broken)
    command = ["cargo", "test", "--quiet", "--locked", "-p", "rtcore-core", *words]
    with tempfile.TemporaryFile("w+") as said:
        started = subprocess.Popen(command, cwd=root, env=env, stdout=said, stderr=said, process_group=0)
        try:
            code = started.wait(LONGEST if broken is not None else None)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)  # it goes round in a circle: that is no pass
            code = started.wait()
        said.seek(0)
        told = said.read()
    if code and (broken is None or "could not compile" in told):
        sys.exit(f"{told}\n{' '.join(words)} does not pass with nothing broken")
    return code == 0


@contextmanager
def worktree() -> Iterator[Path]:
    """A checkout of HEAD, for as long as this lasts."""
    path = ROOT / "target" / "mutations"  # the same each time: cargo knows it by its place
    git = ["git", "-C", str(ROOT), "worktree"]
    if path.exists():
        subprocess.run([*git, "remove", "--force", str(path)], check=True)
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
    tests = sorted({test for one in chosen for test in one.fails})
    with worktree() as root:
        table = mutations()
        for at, one in enumerate(table):
            one.apply(root, at)
        with (root / SOURCE / "lib.rs").open("a", encoding="utf-8") as file:
            file.write(SWITCH)
        for test in tests:
            run(root, "--test", *test.split())
        for one in chosen:
            for test in one.fails:
                began = time.monotonic()
                found = not run(root, "--test", *test.split(), broken=table.index(one))
                missed += not found
                word = "caught" if found else "NOT CAUGHT"
                seconds = time.monotonic() - began
                print(f"{word:10} {one.law:7} {one.file}: {one.what} ({test}, {seconds:.0f} s)", flush=True)
    print(f"{missed} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Run every test and check, say how far it is, and end with the closing line of each.

    scripts/check.py                 all of them; this is `make test`
    scripts/check.py --only ruff,mypy
    scripts/check.py --list

A check that fails does not stop the others: the end tells all that is wrong, and the log of each is in
target/checks. With CI=true nothing is skipped: a missing tool is a failure.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "target" / "checks"
BIN = Path(sys.executable).parent
IN_CI = os.environ.get("CI") == "true"


@dataclass(frozen=True)
class Check:
    """One command of the run; `closing` are words that mark the line worth repeating at the end."""

    name: str
    command: list[str]
    closing: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


def checks() -> list[Check]:
    """All checks: quick ones first, so that a slip is seen early."""
    python = str(BIN / "python")
    return [
        Check("ruff", [str(BIN / "ruff"), "check", "."], ("All checks passed", "Found")),
        Check(
            "ruff-format", [str(BIN / "ruff"), "format", "--check", "."], ("already formatted", "would be")
        ),
        Check("rustfmt", ["cargo", "fmt", "--all", "--check"], needs=("rustfmt",)),
        Check("mypy", [str(BIN / "mypy")], ("Success", "Found")),
        Check(
            "pyright",
            [str(ROOT / "node_modules/.bin/pyright"), "--pythonpath", python],
            ("errors,",),
            needs=("node", "npm"),
        ),
        Check(
            "clippy",
            ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
            ("Finished",),
            needs=("cargo-clippy",),
        ),
        Check(
            "rustdoc",
            ["cargo", "doc", "--workspace", "--no-deps", "--document-private-items", "--locked"],
            ("Finished",),
            env={"RUSTDOCFLAGS": "-D warnings"},
        ),
        Check("cargo-test", ["cargo", "test", "--workspace", "--locked"], ("test result",)),
        Check(
            "fuzz",
            [python, "scripts/fuzz", "--fresh", "--seed", "1", "--seconds", "20"],
            ("fuzzing found",),
            needs=("c++",),
        ),
        Check("pytest", [python, "-m", "pytest", "-q", "--durations=5"], (" passed", " failed", " error")),
        Check(
            "e2e",
            [
                "node",
                "--test",
                "--test-reporter=spec",
                *map(str, sorted((ROOT / "tests/e2e").glob("*.test.mjs"))),
            ],
            ("pass ", "fail "),
            needs=("node", "chromium"),
            env={"PYTHON": python},
        ),
        Check("wheel", [python, "-m", "scripts.wheel", "check"], ("wheel is good",)),
    ]


def found(tool: str) -> bool:
    """Whether a tool is in the path, under one of the names it goes by."""
    names = {
        "chromium": ("chromium", "chromium-browser", "google-chrome"),
        "c++": ("c++", "g++", "clang++"),
    }.get(tool, (tool,))
    return any(shutil.which(name) for name in names)


def run(check: Check) -> tuple[int, list[str], float]:
    """Run one check into its log. Returns the exit status, its closing lines, and the seconds it took."""
    log = LOGS / f"{check.name}.log"
    begin = time.monotonic()
    with log.open("wb") as out:
        status = subprocess.run(
            check.command,
            cwd=ROOT,
            env={**os.environ, "CARGO_TERM_COLOR": "never", **check.env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    lines = log.read_text(errors="replace").splitlines()
    closing = [line.strip() for line in lines if any(word in line for word in check.closing)]
    return status, closing, time.monotonic() - begin


def tail(check: Check, count: int = 60) -> str:
    """The end of a check's log."""
    lines = (LOGS / f"{check.name}.log").read_text(errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-count:])


def summed(closing: list[str]) -> str:
    """One line for several results: cargo prints one for each crate and for its doc examples."""
    results = [line for line in closing if line.startswith("test result:")]
    if not results:
        return closing[-1] if closing else ""
    passed = sum(int(line.split(" passed")[0].rsplit(" ", 1)[-1]) for line in results)
    failed = sum(int(line.split(" failed")[0].rsplit(" ", 1)[-1]) for line in results)
    return (
        f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed; {len(results)} runs"
    )


def main() -> int:
    """Run what was asked for; 0 when all of it is right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="NAME,…", help="these checks alone")
    parser.add_argument("--list", action="store_true", help="the names of all checks")
    given = parser.parse_args()
    every = checks()
    if given.list:
        print("\n".join(check.name for check in every))
        return 0
    wanted = given.only.split(",") if given.only else [check.name for check in every]
    unknown = set(wanted) - {check.name for check in every}
    if unknown:
        parser.error(
            f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(c.name for c in every)}"
        )
    chosen = [check for check in every if check.name in wanted]
    LOGS.mkdir(parents=True, exist_ok=True)
    failed: list[str] = []
    report: list[str] = []
    begin = time.monotonic()
    for number, check in enumerate(chosen, 1):
        head = f"[{number:>2}/{len(chosen)}] {check.name}"
        missing = [tool for tool in check.needs if not found(tool)]
        if missing and not IN_CI:
            report.append(f"  skipped  {check.name}: not here: {', '.join(missing)}")
            print(f"{head}: skipped, not here: {', '.join(missing)}", flush=True)
            continue
        print(f"{head} …", end="", flush=True)
        if missing:
            status, closing, seconds = 1, [f"not here: {', '.join(missing)}"], 0.0
        else:
            status, closing, seconds = run(check)
        print(f"\r{head}: {'ok' if status == 0 else 'FAILED'} ({seconds:.0f} s)", flush=True)
        report.append(f"  {'ok    ' if status == 0 else 'FAILED'} {check.name:<12} {summed(closing)}")
        if status:
            failed.append(check.name)
            if not missing:
                print(tail(check), flush=True)
    print(f"\nIn {time.monotonic() - begin:.0f} s:")
    print("\n".join(report))
    if failed:
        print(
            f"\n{len(failed)} of {len(chosen)} failed: {', '.join(failed)}. Logs: target/checks", flush=True
        )
        return 1
    print("\nAll is well.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Run every test and check, say how far it is, and end with the closing line of each.

    scripts/check.py                 all of them; this is `make test`
    scripts/check.py --quick         what one needs while working, in two minutes; this is `make quick`
    scripts/check.py --only ruff,mypy
    scripts/check.py --also conformance   Autobahn's cases too; this is what CI runs
    scripts/check.py --list

Three run at a time: one of Rust, one of Python, and one of the browser's client and of what waits more than
it computes; whichever lane is through first helps the last. They share no file, no port and, since no test
asserts how long something takes, no clock. A check that fails does not stop the others: the end tells all
that is wrong, and what took how long; the log of each is in target/checks. With CI=true nothing is skipped: a
missing tool is a failure.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "target" / "checks"
BIN = Path(sys.executable).parent
IN_CI = os.environ.get("CI") == "true"
LIMIT = 30 * 60.0
"""What one check may take (s), twice what the longest does beside others. One that hangs is ended."""


@dataclass(frozen=True)
class Check:
    """One command of the run; `closing` are words that mark the line worth repeating at the end."""

    name: str
    command: list[str]
    closing: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    lane: str = "python"  # or "rust", or "waiting"
    asked: bool = False  # only where it is named


@dataclass
class Outcome:
    """What came of a check."""

    check: Check
    status: int | None  # None: skipped
    said: str
    seconds: float = 0.0
    cpu: float = 0.0  # of the processors, which is what it costs beside other work

    def line(self) -> str:
        """For the end."""
        word = {None: "skipped", 0: "ok"}.get(self.status, "FAILED")
        return f"  {word:<8}{self.check.name:<12} {self.seconds:5.0f} s {self.cpu:5.0f} s CPU  {self.said}"


# What a slice of the suites is made of: a few of each kind, and none that waits for the clock.
SLICE = [
    "tests/architecture",
    "tests/unit",
    "tests/engine/test_requests.py",
    "tests/engine/test_rooms.py",
    "tests/engine/test_sessions.py",
    *(
        f"tests/wire/test_{name}.py"
        for name in ("arrays", "msgpack", "position", "requests", "rooms", "values")
    ),
    *(f"tests/contract/test_{name}.py" for name in ("hello", "requests", "rooms", "presence")),
    # Two that take long: one runs three tools over a new application, one waits for the end of a session
    # over each transport.
    "--deselect=tests/unit/test_new.py::test_what_is_made_is_tested_typed_and_linted",
    "--deselect=tests/contract/test_presence.py::test_after_the_window_one_is_gone",
]


def quick() -> list[Check]:
    """What one needs to know while working: the slice in one lane, all else beside it."""
    every = {check.name: replace(check, lane="rust") for check in checks()}
    python = str(BIN / "python")
    return [
        *(every[name] for name in ("ruff", "ruff-format", "rustfmt", "mypy")),
        Check(
            "core",
            ["cargo", "test", "-p", "rtcore-core", "--locked", "--lib", *QUICK_CORE],
            ("test result",),
            lane="rust",
        ),
        *(every[name] for name in ("js-lint", "js-types")),
        Check("slice", [python, "-m", "pytest", "-q", *SLICE], (" passed", " failed", " error")),
    ]


# Tests that wait for servers and clocks more than they compute: they have a lane of their own.
SERVERS = [f"tests/{name}" for name in ("api", "asgi", "deploy", "hardening", "interop", "server", "tokens")]

# Tests of the codecs beside those in the library. The laws and the long ones are left to `make test`.
QUICK_CORE = [
    word for name in ("envelope_read", "frame_handshake", "frame_http") for word in ("--test", name)
]


def checks() -> list[Check]:
    """All checks: quick ones first, so that a slip is seen early."""
    python = str(BIN / "python")
    return [
        Check("ruff", [str(BIN / "ruff"), "check", "."], ("All checks passed", "Found")),
        Check(
            "ruff-format", [str(BIN / "ruff"), "format", "--check", "."], ("already formatted", "would be")
        ),
        Check("rustfmt", ["cargo", "fmt", "--all", "--check"], needs=("rustfmt",), lane="rust"),
        Check("mypy", [str(BIN / "mypy")], ("Success", "Found")),
        Check(
            "pyright",
            [str(ROOT / "node_modules/.bin/pyright"), "--pythonpath", python],
            ("errors,",),
            needs=("node", "npm"),
        ),
        *(
            Check(
                f"js-{name}",
                ["npm", "run", "--silent", "-w", "js", name],
                closing,
                needs=("node", "npm"),
                env={"PYTHON": python},  # it starts servers
                lane="waiting",
            )
            for name, closing in (
                ("lint", ("Checked", "Found")),
                ("types", ()),
                ("test", ("Tests ",)),
                ("ship", ("All good", "No problems")),
            )
        ),
        Check(
            "clippy",
            ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
            ("Finished",),
            needs=("cargo-clippy",),
            lane="rust",
        ),
        Check(
            "rustdoc",
            ["cargo", "doc", "--workspace", "--no-deps", "--document-private-items", "--locked"],
            ("Finished",),
            env={"RUSTDOCFLAGS": "-D warnings"},
            lane="rust",
        ),
        Check("cargo-test", ["cargo", "test", "--workspace", "--locked"], ("test result",), lane="rust"),
        Check(
            "fuzz",
            [python, "scripts/fuzz", "--fresh", "--seed", "1", "--seconds", "12"],
            ("fuzzing found",),
            needs=("c++",),
            lane="rust",
        ),
        *(
            Check(
                name,
                [python, "-m", "pytest", "-q", "--durations=10", *which],
                (" passed", " failed", " error"),
                lane=lane,
            )
            for name, which, lane in (
                ("pytest", [f"--ignore={folder}" for folder in SERVERS], "python"),
                ("pytest-servers", SERVERS, "waiting"),
            )
        ),
        Check(
            "site",
            [str(BIN / "mkdocs"), "build", "--quiet"],
            env={"NO_MKDOCS_2_WARNING": "1"},
            lane="waiting",
        ),
        Check("crash", [python, "-m", "tests.crash", "--quick"], ("all held", "FAILED"), lane="waiting"),
        Check(
            "e2e",
            [
                "node",
                "--test",
                "--test-force-exit",  # what a test that failed has left open holds up nobody
                "--test-reporter=spec",
                *map(str, sorted((ROOT / "tests/e2e").glob("*.test.mjs"))),
            ],
            ("pass ", "fail "),
            needs=("node", "chromium"),
            env={"PYTHON": python},
            lane="waiting",
        ),
        Check(
            "conformance",
            [python, "-m", "tests.conformance", "--short"],
            ("cases",),
            lane="waiting",
            asked=True,
        ),
        Check("wheel", [python, "-m", "scripts.wheel", "check"], ("wheel is good",), lane="rust"),
    ]


def found(tool: str) -> bool:
    """Whether a tool is in the path, under one of the names it goes by."""
    names = {
        "chromium": ("chromium", "chromium-browser", "google-chrome"),
        "c++": ("c++", "g++", "clang++"),
    }.get(tool, (tool,))
    return any(shutil.which(name) for name in names)


def run(check: Check) -> tuple[int, list[str], float, float]:
    """Run one check into its log. Returns the exit status, closing lines, seconds, and those of CPU."""
    log = LOGS / f"{check.name}.log"
    begin = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            check.command,
            cwd=ROOT,
            env={**os.environ, "CARGO_TERM_COLOR": "never", **check.env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        late = threading.Event()
        timer = threading.Timer(LIMIT, stop, [process.pid, late])
        timer.start()
        _, ended, used = os.wait4(process.pid, 0)
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(ended)
    lines = log.read_text(errors="replace").splitlines()
    closing = [line.strip() for line in lines if any(word in line for word in check.closing)]
    if late.is_set():
        closing.append(f"was ended after {LIMIT / 60:.0f} minutes")
    return process.returncode, closing, time.monotonic() - begin, used.ru_utime + used.ru_stime


def stop(pid: int, late: threading.Event) -> None:
    """End a process and all that it started."""
    late.set()
    of: dict[int, list[int]] = {}
    for about in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(about.read_text().rpartition(")")[2].split()[1])
            of.setdefault(parent, []).append(int(about.parent.name))
    family = [pid]
    for one in family:
        family += of.get(one, [])
    for sent in (signal.SIGTERM, signal.SIGKILL):
        for one in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, sent)
        time.sleep(5)


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


class Run:
    """Checks that run in lanes: those of a lane one after the other, the lanes at the same time."""

    def __init__(self, chosen: list[Check]) -> None:
        self.chosen = chosen
        self.outcomes: dict[str, Outcome] = {}
        self._waiting = list(chosen)
        self._telling = threading.Lock()

    def all(self) -> list[Outcome]:
        """Run them; what came of each, in the order in which they were named."""
        lanes = [threading.Thread(target=self._lane, args=(lane,)) for lane in ("python", "rust", "waiting")]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        return [self.outcomes[check.name] for check in self.chosen]

    def _lane(self, lane: str) -> None:
        while (check := self._next(lane)) is not None:
            self._tell(self._one(check))

    def _next(self, lane: str) -> Check | None:
        """The lane's own in their order, then what waits."""
        with self._telling:
            for wanted in (lane, "waiting"):
                for check in self._waiting:
                    if check.lane == wanted:
                        self._waiting.remove(check)
                        return check
        return None

    def _one(self, check: Check) -> Outcome:
        missing = [tool for tool in check.needs if not found(tool)]
        if missing:
            return Outcome(check, 1 if IN_CI else None, f"not here: {', '.join(missing)}")
        status, closing, seconds, cpu = run(check)
        return Outcome(check, status, summed(closing), seconds, cpu)

    def _tell(self, outcome: Outcome) -> None:
        with self._telling:
            self.outcomes[outcome.check.name] = outcome
            word = {None: "skipped", 0: "ok"}.get(outcome.status, "FAILED")
            done = f"[{len(self.outcomes):>2}/{len(self.chosen)}]"
            print(f"{done} {outcome.check.name}: {word} ({outcome.seconds:.0f} s)", flush=True)
            if outcome.status and outcome.seconds:
                print(tail(outcome.check), flush=True)


def slowest(outcomes: Iterable[Outcome]) -> str:
    """What the time went to: the checks that took longest, and the tests of pytest that did."""
    most = sorted(outcomes, key=lambda outcome: -outcome.seconds)[:4]
    text = "Most of the time: " + ", ".join(
        f"{one.check.name} {one.seconds:.0f} s" for one in most if one.seconds
    )
    log = LOGS / "pytest.log"
    if any(one.check.name == "pytest" and one.seconds for one in most):
        lines = [line.split() for line in log.read_text(errors="replace").splitlines()]
        tests = [words for words in lines if len(words) == 3 and words[1] in ("call", "setup", "teardown")]
        text += "".join(f"\n  {words[0]:>8}  {words[2]}" for words in tests[:3])
    return text


def main() -> int:
    """Run what was asked for; 0 when all of it is right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="NAME,…", help="these checks alone")
    parser.add_argument("--also", metavar="NAME,…", help="those that are run only where they are named")
    parser.add_argument("--quick", action="store_true", help="those that one needs while working")
    parser.add_argument("--list", action="store_true", help="the names of all checks")
    given = parser.parse_args()
    every = quick() if given.quick else checks()
    if given.list:
        print("\n".join(check.name for check in every))
        return 0
    wanted = given.only.split(",") if given.only else [check.name for check in every if not check.asked]
    wanted += given.also.split(",") if given.also else []
    unknown = set(wanted) - {check.name for check in every}
    if unknown:
        parser.error(
            f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(c.name for c in every)}"
        )
    chosen = [check for check in every if check.name in wanted]
    LOGS.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    outcomes = Run(chosen).all()
    print(f"\nIn {time.monotonic() - begin:.0f} s:")
    print("\n".join(outcome.line() for outcome in outcomes))
    print(slowest(outcomes))
    failed = [outcome.check.name for outcome in outcomes if outcome.status]
    if failed:
        print(
            f"\n{len(failed)} of {len(chosen)} failed: {', '.join(failed)}. Logs: target/checks", flush=True
        )
        return 1
    print("\nAll is well.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

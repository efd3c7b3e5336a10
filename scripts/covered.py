"""Which lines and branches no test reaches: `make coverage`.

    scripts/covered.py                       the crates of Rust by their own tests, Python by its own
    scripts/covered.py --only core           one of them
    scripts/covered.py --only python TEST…   Python by these tests alone

Python is measured by coverage.py, the servers and programs that tests start included. Rust is measured by
LLVM: the tests are built with counters, and read with tools of the same LLVM that the compiler has (`rustup
component add llvm-tools`, or the distribution's llvm-NN). What Python's tests reach of the core is not
counted: the module is not built with counters.

Nothing is asserted of the figures. The lines that are not reached are there to be read:
target/coverage/python.txt and target/coverage/core.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "target" / "coverage"
CRATES = ("rtcore-core", "rtcore-data", "rtcore-reactor", "rtcore-store")
# Branches are counted by a part of the compiler that is not stable. It changes nothing of what is measured.
COUNTERS = "-Cinstrument-coverage -Zcoverage-options=branch"


def tool(name: str) -> str:
    """A tool of the compiler's own LLVM.

    Raises:
        SystemExit: there is none of that version.

    """
    about = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    version = about.split("LLVM version: ")[1].split(".")[0]
    host = about.split("host: ")[1].split()[0]
    root = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout
    own = Path(root.strip()) / "lib" / "rustlib" / host / "bin" / name
    found = str(own) if own.exists() else shutil.which(f"{name}-{version}")
    if found is None:
        ways = f"rustup component add llvm-tools, or apt-get install llvm-{version}"
        raise SystemExit(f"{name} of LLVM {version} is not here: {ways}")
    return found


def programs(lines: str) -> list[str]:
    """The test programs that cargo built, by what it says in JSON."""
    said = (json.loads(line) for line in lines.splitlines() if line.startswith("{"))
    return [one["executable"] for one in said if one.get("executable") and one["profile"]["test"]]


def core() -> None:
    """Build the tests of the core with counters, run them, and say what they did not reach."""
    profdata, cov = tool("llvm-profdata"), tool("llvm-cov")
    env = {
        **os.environ,
        "RUSTC_BOOTSTRAP": "1",
        "RUSTFLAGS": COUNTERS,
        "CARGO_TARGET_DIR": str(HOME / "build"),
        "LLVM_PROFILE_FILE": str(HOME / "raw" / "%p-%m.profraw"),
    }
    shutil.rmtree(HOME / "raw", ignore_errors=True)
    command = ["cargo", "test", "--locked", "--no-fail-fast", "--lib", "--tests"]
    command += [word for crate in CRATES for word in ("-p", crate)]
    built = subprocess.run(
        [*command, "--no-run", "--message-format=json"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    failed = subprocess.run([*command, "--quiet"], cwd=ROOT, env=env, check=False).returncode
    merged = HOME / "core.profdata"
    raw = sorted(map(str, (HOME / "raw").glob("*.profraw")))
    subprocess.run([profdata, "merge", "--sparse", "-o", str(merged), *raw], check=True)
    tests = programs(built.stdout)
    files = [
        tests[0],
        *(word for test in tests[1:] for word in ("--object", test)),
        f"--instr-profile={merged}",
        "--ignore-filename-regex=(/tests/|/tests\\.rs|\\.cargo|rustc|library/)",
    ]
    report = subprocess.run([cov, "report", *files], capture_output=True, text=True, check=True).stdout
    shown = subprocess.run(
        [cov, "export", "--format=lcov", *files], capture_output=True, text=True, check=True
    ).stdout
    (HOME / "core.txt").write_text(unreached(shown))
    print(report.splitlines()[0], report.splitlines()[-1], sep="\n")
    print(f"What no test of the core reaches: {(HOME / 'core.txt').relative_to(ROOT)}")
    if failed:
        print("Some of these tests failed: what they would have reached is missing here.")


def unreached(lcov: str) -> str:
    """A line for each file with its lines that never ran, and the branches that never went one way."""
    text: list[str] = []
    name = ""
    lines: list[int] = []
    branches: set[int] = set()
    for record in lcov.splitlines():
        kind, _, rest = record.partition(":")
        if kind == "SF":
            name, lines, branches = rest, [], set()
        elif kind == "DA" and rest.split(",")[1] == "0":
            lines.append(int(rest.split(",")[0]))
        elif kind == "BRDA" and rest.split(",")[3] in ("-", "0"):
            branches.add(int(rest.split(",")[0]))
        elif record == "end_of_record" and (lines or branches):
            short = re.sub(r"^.*?(rust/|$)", r"\1", name, count=1)
            half = sorted(branches - set(lines))
            text.append(f"{short}\n  never: {ranges(lines)}\n  one way only: {ranges(half)}")
    return "\n".join(text) + "\n"


def ranges(numbers: list[int]) -> str:
    """`3-5, 9` for 3, 4, 5, 9."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in parts) or "none"


def python(tests: list[str]) -> None:
    """Run the tests of Python under coverage.py, and say what they did not reach."""
    for old in HOME.glob("python.*"):
        old.unlink()
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "run", "-m", "pytest", "-q", *tests], cwd=ROOT, check=False)
    subprocess.run([*coverage, "combine", "--quiet"], cwd=ROOT, check=True)
    report = subprocess.run(
        [*coverage, "report"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    (HOME / "python.txt").write_text(report)
    print(*(line for line in report.splitlines() if line.startswith(("Name", "TOTAL"))), sep="\n")
    print(f"What no test of Python reaches: {(HOME / 'python.txt').relative_to(ROOT)}")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("core", "python"), help="one of the two")
    parser.add_argument("tests", nargs="*", help="tests of Python (default: all)")
    given = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    if given.only != "python":
        core()
    if given.only != "core":
        python(given.tests)


if __name__ == "__main__":
    main()

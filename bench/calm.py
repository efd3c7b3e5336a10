"""`python -m bench.calm`: how much longer a message takes while a server is attacked than in calm.

Every attack of `tests/hardening`, with a well-behaved pair that talks beside it: its messages in calm first,
then under the attack. The figures are printed and kept in target/hardening.json. `make test` runs the same
attacks and asserts what does not depend on the machine: that the pair goes on, and what memory may grow by.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the attacks; what is given goes to pytest (`-k slow`)."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/hardening", *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "BENCH_CALM": "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

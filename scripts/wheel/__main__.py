"""The wheel and the source distribution.

python -m scripts.wheel build     both, into dist/; this is `make wheel`
python -m scripts.wheel check     build them, look into them, and use the wheel as a user would, with each
                                  Python that is here; this is `make wheel-check`.
                                  With CI=true 3.11 must be here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from . import build, contents, pythons

DIST = build.ROOT / "dist"


def make() -> int:
    """Build both into dist/."""
    DIST.mkdir(exist_ok=True)
    for path in (build.wheel(DIST), build.source(DIST)):
        print(f"dist/{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


def check() -> int:
    """Everything that can be said about a wheel before it is published; 0 when all of it is good."""
    from . import user  # needs the packages of the checks, which building does not

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begin = time.monotonic()

        def tell(what: str) -> None:
            print(f"{time.monotonic() - begin:4.0f} s  {what}", flush=True)

        tell("building the wheel")
        wheel = build.wheel(folder)
        faults = contents.faults(wheel, build.private_paths())
        if sys.platform == "linux":
            faults += contents.promises_broken(wheel)
        tell("building a wheel from the source distribution")
        empty = folder / "empty"
        empty.mkdir()
        faults += contents.faults(build.from_source(build.source(folder), empty), private=[])
        shutil.rmtree(empty)
        used = []
        for version in pythons.VERSIONS:
            python = pythons.find(version)
            if python is None:
                tell(f"Python {version}: skipped, not here")
                if version == "3.11" and os.environ.get("CI") == "true":
                    faults.append("Python 3.11 is not here; CI=true does not do without")
                continue
            tell(f"Python {version}: installing, and saying something in a room")
            user.first_minute(python, wheel)
            used.append(version)
        size = wheel.stat().st_size
    if faults:
        print("\n".join(faults))
        return 1
    print(f"the wheel is good on Python {', '.join(used) or 'none'}; {size / 1e6:.1f} MB: {wheel.name}")
    return 0


def main() -> int:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.wheel",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["build", "check"])
    return make() if parser.parse_args().what == "build" else check()


if __name__ == "__main__":
    sys.exit(main())

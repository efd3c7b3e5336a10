"""Build the wheel as `pip install .` would, and see that all that a user needs is in it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What a wheel must hold: the core, its types, the pages.
MUST = (
    "rtcore/__init__.py",
    "rtcore/_core.abi3.so",
    "rtcore/_core.pyi",
    "rtcore/py.typed",
    "rtcore/site/demo/index.html",
    "rtcore/site/demo/demo.js",
)


def build(into: Path) -> Path:
    """Build the wheel into a folder, with the target directory that everything else uses."""
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # the pinned maturin
        "CARGO_TARGET_DIR": str(ROOT / "target"),
        "MATURIN_PEP517_ARGS": "--locked",
    }
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(into), str(ROOT)], env=env, check=True)
    return next(into.glob("rtcore-*.whl"))


def main() -> int:
    """Build, look in, answer 0 when nothing is missing and nothing is there that should not be."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            names = set(archive.namelist())
        size = wheel.stat().st_size
    missing = [name for name in MUST if name not in names]
    strange = [
        n for n in names if not n.startswith("rtcore") or "__pycache__" in n or n.startswith("rtcore/tests")
    ]
    if "abi3" not in wheel.name:
        print(f"{wheel.name} is not of the stable ABI")
        return 1
    if missing or strange:
        print(f"{wheel.name}: missing {missing}, should not be there {strange}")
        return 1
    print(f"the wheel holds {len(names)} files, {size / 1e6:.1f} MB: {wheel.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

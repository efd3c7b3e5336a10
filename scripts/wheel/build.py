"""Build the wheel that is published, the source distribution, and a wheel from that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# glibc of 2012: every distribution that has Python 3.11 has a later one.
COMPATIBILITY = "manylinux_2_17"


_HASTY = {
    f"CARGO_PROFILE_RELEASE_{setting}": value
    for setting, value in (("LTO", "off"), ("CODEGEN_UNITS", "16"), ("OPT_LEVEL", "0"), ("DEBUG", "0"))
}


def private_paths() -> list[str]:
    """What names this machine or its user, and must not be in what is published."""
    return [str(ROOT), str(Path.home())]


def environment() -> dict[str, str]:
    """The pinned tools, one target directory, and no path of this machine in what is compiled."""
    crates = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) / "registry" / "src"
    # rustc takes the last that fits.
    names = [(str(Path.home()), "home"), (str(ROOT), "rtcore")]
    names += [(str(index), "crates") for index in sorted(crates.glob("*"))]
    remap = [f"--remap-path-prefix={path}={name}" for path, name in names]
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "CARGO_TARGET_DIR": str(ROOT / "target"),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(remap),
    }


def wheel(into: Path) -> Path:
    """The wheel that is published: on Linux linked by zig against the oldest glibc that the tag promises."""
    command = [str(BIN / "maturin"), "build", "--quiet", "--release", "--locked", "--out", str(into)]
    if sys.platform == "linux":
        command += ["--zig", "--compatibility", COMPATIBILITY]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True)
    return newest(into, "rtcore-*.whl")


def source(into: Path) -> Path:
    """The source distribution."""
    command = [str(BIN / "maturin"), "sdist", "--out", str(into)]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True)
    return newest(into, "rtcore-*.tar.gz")


def from_source(archive: Path, into: Path) -> Path:
    """A wheel as pip makes it from the source distribution, away from the repository."""
    # A target directory of its own: in the common one cargo would find these crates built already, by path
    # and by age of the files, and compile nothing. Not `--locked`: the lock file names the load generator,
    # which is not in the archive.
    # Compiled in haste: the question is whether all that it needs is in the archive, not how fast it is.
    env = {**environment(), **_HASTY, "CARGO_TARGET_DIR": str(into / "target")}
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(into), str(archive)], cwd=into, env=env, check=True)
    return newest(into, "rtcore-*.whl")


def newest(folder: Path, pattern: str) -> Path:
    """The file that was just made: an older one may lie beside it."""
    return max(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns)

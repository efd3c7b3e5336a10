"""Write requirements/autobahn.txt and autobahn-tools.txt again: `python -m tests.conformance.lock`.

No tool that resolves for Python 2.7 writes hashes any more, so its own pip downloads what it would
install, and the files are hashed. Packages that come compiled are locked with their sources too, for other
platforms, where the sources can be had.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

from . import autobahn, python27

# wsaccel 0.6.3 and later want Cython to be built.
WANTED = ("autobahntestsuite==25.10.1", "wsaccel==0.6.2")
TOOLS = ("pip==20.3.4", "setuptools==44.1.1", "wheel==0.37.1")
NAME = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*?)(?:-.*\.whl|\.tar\.\w+|\.zip)$")


def parts(file: Path) -> tuple[str, str]:
    """A package's normal name and its version, from a file's name."""
    found = NAME.match(file.name)
    assert found, file.name
    return re.sub(r"[-_.]+", "-", found["name"]).lower(), found["version"]


def write(lock: Path, files: list[Path]) -> None:
    """Each package with its version and the hashes of its files."""
    hashes: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for file in files:
        hashes[parts(file)].add(hashlib.sha256(file.read_bytes()).hexdigest())
    lines = ["# Written by `python -m tests.conformance.lock`. Do not edit."]
    for (name, version), known in sorted(hashes.items()):
        lines.append(" \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{h}" for h in sorted(known))]))
    lock.write_text("\n".join(lines) + "\n")
    print(f"{lock.name}: {len(hashes)} packages")


def main() -> None:
    """Download, hash, write."""
    python = python27.find()
    if python is None:
        raise SystemExit(python27.HOW)
    with tempfile.TemporaryDirectory() as folder:
        packages, sources, tools = (Path(folder) / name for name in ("packages", "sources", "tools"))
        download = ["-m", "pip", "download", "--quiet", "--dest"]
        subprocess.run([python, *download, str(tools), "--no-deps", *TOOLS], check=True)
        write(autobahn.TOOLS_LOCK, list(tools.iterdir()))
        env = autobahn.tools(python)
        subprocess.run([python, *download, str(packages), *WANTED], env=env, check=True)
        compiled = [file for file in packages.iterdir() if "linux" in file.name]
        for name, version in map(parts, compiled):
            # Some want a package beside them to say their own name: their file is there all the same.
            command = [python, *download, str(sources), "--no-deps", "--no-binary", ":all:"]
            subprocess.run([*command, f"{name}=={version}"], env=env, stderr=subprocess.DEVNULL, check=False)
        write(autobahn.LOCK, [*packages.iterdir(), *sources.iterdir()])


if __name__ == "__main__":
    main()

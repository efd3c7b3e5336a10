"""What a wheel holds: all that a user needs, nothing else, and no more of the system than its tag says."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "python" / "rtcore"
CORE = "rtcore/_core.abi3.so"
# The core, its types, the pages.
MUST = (
    "rtcore/__init__.py",
    CORE,
    "rtcore/_core.pyi",
    "rtcore/py.typed",
    "rtcore/site/client/client.js",
    "rtcore/site/client/client.js.map",
    "rtcore/site/demo/index.html",
    "rtcore/site/demo/frame.js",
)
# PEP 599 and 600: libraries that every such system has. A Python is not among them.
SYSTEM = re.compile(rb"(lib(c|m|dl|rt|pthread|util|gcc_s|stdc\+\+)|ld-linux[\w-]*)\.so[.\d]*")
LIBRARY = re.compile(rb"(?<=\0)(?:lib|ld-)[\w+-]+\.so[.\d]*(?=\0)")
SYMBOLS = re.compile(rb"(?<=\0)GLIBC_(\d+)\.(\d+)")
TAG = re.compile(r"-cp311-abi3-.*manylinux_(\d+)_(\d+)_\w+\.whl$")


def faults(wheel: Path, private: list[str]) -> list[str]:
    """A sentence for each thing that is wrong with a wheel; `private` may be in no file of it."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    found = [f"{name} is missing" for name in (*MUST, *modules()) if name not in files]
    found += [f"{name} should not be there" for name in files if strange(name)]
    found += [
        f"{name} holds {path}, which is a path of this machine"
        for name, content in files.items()
        for path in private
        if path.encode() in content
    ]
    if "-abi3-" not in wheel.name:
        found.append(f"{wheel.name} is not of the stable ABI")
    return found


def modules() -> list[str]:
    """The Python files of the package, as a wheel has them: one that is forgotten fails for users first."""
    return sorted(path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*.py"))


def strange(name: str) -> bool:
    """Whether a file is none of ours, or none for users."""
    return not name.startswith("rtcore") or "__pycache__" in name or name.startswith("rtcore/tests")


def promises_broken(wheel: Path) -> list[str]:
    """Where the core asks for a later glibc, or for more libraries, than the tag of the wheel says.

    The names of symbol versions and of libraries are strings in the file's table of names (`.dynstr`), so
    whatever it asks for is seen here; what is seen here and not asked for would be a false alarm.
    """
    tag = TAG.search(wheel.name)
    if tag is None:
        return [f"{wheel.name} is not tagged manylinux for cp311-abi3"]
    with zipfile.ZipFile(wheel) as archive:
        core = archive.read(CORE)
    wanted = {(int(major), int(minor)) for major, minor in SYMBOLS.findall(core)}
    if not wanted:
        return [f"{CORE} names no version of glibc: not linked as expected, or not understood"]
    allowed = (int(tag[1]), int(tag[2]))
    found = []
    if max(wanted) > allowed:
        found.append(f"{CORE} wants glibc {max(wanted)}, and the tag says {allowed}")
    libraries = set(LIBRARY.findall(core))
    found += [
        f"{CORE} wants {name.decode()}, which not every such system has"
        for name in sorted(libraries)
        if not SYSTEM.fullmatch(name)
    ]
    return found

"""Door signs: which parts of the engine each of its files touches, as the file says itself.

    python -m scripts.engine_signs          each file's parts, and how many parts a method touches
    python -m scripts.engine_signs --sign   write what is true over each door

`Engine` is the wiring of parts with walls (`docs/design.md`, *Walls by promise*). A file of `engine/` says
which of them it touches itself, in the line `//! Parts: Conns, Out.` behind its first paragraph: whoever
changes a part knows where to look, and a reader knows what a file cannot do. The architecture test
(`tests/architecture/test_engine.py`) holds each sign to what the code does.

Read from the source without compiling it: the fields of `Engine` after `self.` and `engine.`, those that are
taken out by `let Self { .. } = self`, and the accessors of `mod.rs`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from scripts.engine_calls import ENGINE, bodies, code_of

# The fields of Engine: the part that each is, or belongs to.
PARTS = {
    "log": "Log",
    "conns": "Conns",
    "sessions": "Sessions",
    "rooms": "Rooms",
    "all": "Rooms",
    "out": "Out",
    "asked": "Asked",
    "keys": "Keys",
    "shares": "Shares",
    "durable": "Durable",
    "shared": "Shared",
    "timers": "Timers",
    "steps": "Steps",
    "next": "Next",
}
# What any file may use: settings, counters, the way in which the engine answers, and tools that keep nothing.
COMMON = frozenset(
    {
        "config",
        "life",
        "asks_from",
        "handlers",
        "ops",
        "excludes",
        "events",
        "inflater",
        "random",
        "stopping",
        "stats",
        "meter",
        "trails",
        "scratch",
    }
)
# Methods of mod.rs that only look a thing up.
ACCESSORS = {
    "conn": "Conns",
    "conn_mut": "Conns",
    "session": "Sessions",
    "session_mut": "Sessions",
    "room": "Rooms",
    "room_mut": "Rooms",
}

STRUCT = re.compile(r"pub struct Engine \{(.*?)\n\}", re.DOTALL)
FIELD = re.compile(r"^ {4}(?:pub(?:\([^)]*\))? )?(\w+):", re.MULTILINE)
USE = re.compile(r"\b(?:self|engine)\s*\.\s*(\w+)\b(?!\s*\()")
CALL = re.compile(r"\b(?:self|engine)\s*\.\s*(\w+)\(")
TAKEN_OUT = re.compile(r"let Self \{([^}]*)\} = self")
SIGN = re.compile(r"^//! Parts: ([^\n]*)\.$", re.MULTILINE)


def fields(root: Path = ENGINE) -> set[str]:
    """The fields of `Engine`."""
    found = STRUCT.search(code_of((root / "mod.rs").read_text(encoding="utf-8")))
    assert found is not None, "mod.rs has the struct"
    return set(FIELD.findall(found[1]))


def parts_in(code: str) -> set[str]:
    """The parts that code of the engine touches."""
    used = set(USE.findall(code))
    for found in TAKEN_OUT.findall(code):
        used |= set(re.findall(r"\w+", found))
    touched = {PARTS[name] for name in used if name in PARTS}
    return touched | {ACCESSORS[name] for name in CALL.findall(code) if name in ACCESSORS}


def parts(path: Path) -> list[str]:
    """The parts that the methods of a file touch, sorted."""
    code = code_of(path.read_text(encoding="utf-8"))
    return sorted(set[str]().union(*(parts_in(body) for _, _, body in bodies(code))))


def files(root: Path = ENGINE) -> list[Path]:
    """The files of the engine with signs: all but `mod.rs`, which has the parts themselves."""
    return sorted(path for path in root.rglob("*.rs") if path != root / "mod.rs")


def wanted(path: Path) -> str:
    """What the sign of a file has to say."""
    return ", ".join(parts(path)) or "none"


def sign(path: Path) -> str | None:
    """What it says; none: it has no sign."""
    found = SIGN.findall(path.read_text(encoding="utf-8"))
    return found[0] if len(found) == 1 else None


def write(path: Path) -> None:
    """Put the sign behind the first paragraph of a file, instead of the one that it has."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    line = f"//! Parts: {wanted(path)}.\n"
    for at, old in enumerate(lines):
        if SIGN.match(old.rstrip("\n")):
            lines[at] = line
            break
    else:
        at = next(at for at, old in enumerate(lines) if old.rstrip() == "//!" or not old.startswith("//!"))
        lines[at:at] = ["//!\n", line]
    path.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Print the signs, or write them."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=shape)
    parser.add_argument("--sign", action="store_true", help="write them into the files")
    given = parser.parse_args()
    few = total = 0
    for path in files():
        if given.sign and sign(path) != wanted(path):
            write(path)
        print(f"{path.relative_to(ENGINE)!s:16} {wanted(path)}")
        for _, _, body in bodies(code_of(path.read_text(encoding="utf-8"))):
            total += 1
            few += len(parts_in(body)) <= 2
    print(f"{few} of {total} methods touch at most two parts")


if __name__ == "__main__":
    main()

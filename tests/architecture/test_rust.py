"""The walls between the crates: the core is a machine without hands, and system calls have one home."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUST = ROOT / "rust"

# What would let the core see the world by itself, and what it is given instead.
FORBIDDEN_IN_CORE = {
    r"std::net::(Tcp|Udp|ToSocketAddrs)": "bytes come in by Engine::receive",
    r"std::fs|std::os|std::process|std::env": "settings come in by Config",
    r"\bInstant\b|\bSystemTime\b": "the time comes in as Now",
    r"std::thread|std::sync::Mutex|\bRwLock\b": "one thread owns the engine",
    r"\bprintln!|\beprintln!|\bdbg!": "what happened is an effect or a counter",
    r"getrandom|OsRng|thread_rng|rand::rng": "the seed comes in with Engine::new",
    r"\btodo!|\bunimplemented!": "what is not built is not there",
    r"\bpyo3\b": "the core does not know Python",
}


def sources(crate: str) -> list[Path]:
    """The Rust files of a crate, without its tests."""
    found = sorted((RUST / crate / "src").rglob("*.rs"))
    return [path for path in found if "tests" not in path.parts and path.stem != "tests"]


def code(path: Path) -> str:
    """A source without comments and without its test module."""
    text = path.read_text().split("#[cfg(test)]")[0]
    return re.sub(r"//[^\n]*", "", text)


@pytest.mark.parametrize("crate", ["core", "data"])
@pytest.mark.parametrize("pattern", FORBIDDEN_IN_CORE)
def test_the_core_takes_nothing_from_outside(pattern: str, crate: str) -> None:
    found = [str(path.relative_to(ROOT)) for path in sources(crate) if re.search(pattern, code(path))]
    assert not found, f"{pattern}: {FORBIDDEN_IN_CORE[pattern]}"


@pytest.mark.parametrize("crate", ["core", "data"])
def test_the_core_forbids_unsafe(crate: str) -> None:
    assert "#![forbid(unsafe_code)]" in (RUST / crate / "src/lib.rs").read_text()


@pytest.mark.parametrize("crate", ["reactor", "store", "py"])
def test_each_unsafe_block_says_why_it_is_safe(crate: str) -> None:
    for path in sources(crate):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if re.search(r"\bunsafe\s*\{", line.split("//")[0]):
                near = "\n".join(lines[max(0, number - 8) : number + 1])
                assert "SAFETY:" in near, f"{path.relative_to(ROOT)}:{number + 1}"


def test_the_border_makes_no_system_calls() -> None:
    found = [
        str(path) for path in sources("py") if re.search(r"\blibc::|\brustix::|std::net::Tcp", code(path))
    ]
    assert not found


def dependencies(crate: str) -> set[str]:
    """The names in a crate's manifest."""
    manifest = tomllib.loads((RUST / crate / "Cargo.toml").read_text())
    targets = manifest.get("target", {}).values()
    return set(manifest.get("dependencies", {})).union(*(t.get("dependencies", {}) for t in targets))


def test_crates_only_know_what_is_below() -> None:
    # The core is above shared data alone.
    core = dependencies("core") - {"rtcore-data"}
    assert not {name for name in core if name.startswith(("rtcore", "pyo3", "libc", "rustix"))}
    # Shared data is below all of them: it knows neither connections nor frames.
    assert not {
        name for name in dependencies("data") if name.startswith(("rtcore", "pyo3", "libc", "rustix"))
    }
    assert not {"rtcore-py", "rtcore-store", "pyo3"} & dependencies("reactor")
    assert not {"rtcore-py", "rtcore-reactor", "pyo3"} & dependencies("store")
    assert {"rtcore-core", "rtcore-reactor"} <= dependencies("py")


# Inside the core: who may know whom, from the left to the right of design.md's section 5.
KNOWS_NOT = {
    "ids": ["limits", "error", "frame", "envelope", "log", "room", "engine", "outbox"],
    "codes": ["frame", "envelope", "log", "room", "engine", "outbox"],
    "frame": ["envelope", "log", "room", "engine", "outbox"],
    "envelope": ["log", "room", "engine", "outbox"],
    "shares": ["frame", "envelope", "log", "room", "engine", "outbox"],
    "log": ["frame", "room", "engine", "outbox"],
    "room": ["frame", "engine", "outbox"],
    "stream": ["frame", "envelope", "room", "engine", "outbox"],
    "outbox": ["engine", "room", "envelope"],
    "timers": ["frame", "envelope", "log", "room", "engine", "outbox", "asked"],
    "asked": ["frame", "envelope", "room", "engine", "outbox", "timers"],
}


@pytest.mark.parametrize("module", KNOWS_NOT)
def test_modules_of_the_core_only_know_what_is_below(module: str) -> None:
    files = [
        path
        for path in sources("core")
        if module in (path.stem, path.relative_to(RUST / "core/src").parts[0])
    ]
    for path in files:
        for other in KNOWS_NOT[module]:
            assert not re.search(rf"\bcrate::{other}\b", code(path)), (
                f"{path.relative_to(ROOT)} may not know {other}"
            )

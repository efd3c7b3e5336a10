"""Docs are true: they name files and pages that exist, and their generated parts are current."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rtcore
import rtcore.client
import rtcore.crdt
import rtcore.testing
import rtcore.watch

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

# A path in backticks that begins where the repository has a folder.
NAMED = re.compile(r"`((?:rust|python|tests|bench|docs|scripts|examples|\.ci)/[\w./*-]+)`")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    missing = [name for name in NAMED.findall(page.read_text()) if not list(ROOT.glob(name.rstrip("/")))]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_in_a_page_is_python(page: Path) -> None:
    for number, block in enumerate(PYTHON.findall(page.read_text())):
        compile(block, f"{page.name}, block {number}", "exec", flags=0x2000)  # PyCF_ALLOW_TOP_LEVEL_AWAIT


def test_the_walk_names_the_files_on_the_way() -> None:
    named = NAMED.findall((ROOT / "docs/walk.md").read_text())
    assert len([name for name in named if name.startswith("rust/")]) >= 5
    assert [name for name in named if name.startswith("python/")]


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_dependency_has_its_reason() -> None:
    """A dependency that nobody can give a reason for is not there."""
    text = (ROOT / "docs/design.md").read_text()
    python = re.search(
        r"^dependencies = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE
    )
    assert python
    names = set(re.findall(r'"([a-z0-9-]+)', python[1]))
    for crate in ("core", "data", "reactor", "store", "py"):
        manifest = (ROOT / "rust" / crate / "Cargo.toml").read_text()
        section = re.search(r"^\[dependencies\]\n(.*?)(?:^\[|\Z)", manifest, re.DOTALL | re.MULTILINE)
        assert section
        names |= {
            n for n in re.findall(r"^([a-z0-9_-]+)", section[1], re.MULTILINE) if not n.startswith("rtcore")
        }
    missing = [name for name in sorted(names) if f"`{name}`" not in text]
    assert not missing


def test_each_public_name_is_in_the_reference() -> None:
    """The pages of the API are lists of names, sorted by hand: a missing one is found here."""
    shown = {
        name
        for page in (ROOT / "docs/reference/api").glob("*.md")
        for name in re.findall(r"^::: ([\w.]+)$", page.read_text(), re.MULTILINE)
    }
    wanted = {f"rtcore.{name}" for name in rtcore.__all__ if not name.startswith("_")}
    for module in (rtcore.client, rtcore.crdt, rtcore.testing, rtcore.watch):
        names = getattr(module, "__all__", None) or [n for n, _ in inspect.getmembers(module, _is_own)]
        wanted |= {f"{module.__name__}.{name}" for name in names}
    twice = {f"rtcore.{name}" for name in (*rtcore.crdt.__all__, *rtcore.client.__dict__)}
    assert not {name for name in wanted - shown if name not in twice or name.count(".") > 1} - _ELSEWHERE
    assert not [name for name in shown if not _is_there(name)]


def test_each_page_is_in_the_navigation_of_the_site() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert not [page for page in pages if f"- {page}\n" not in navigation]


# Public names that stand under another name of theirs.
_ELSEWHERE = frozenset({"rtcore.client.connect", "rtcore.client.Forbidden"})


def _is_own(thing: object) -> bool:
    return inspect.isclass(thing) and thing.__module__.startswith("rtcore.client")


def _is_there(name: str) -> bool:
    module, _, thing = name.rpartition(".")
    return hasattr(importlib.import_module(module), thing)

"""Docs are true: they name files and pages that exist, and their generated parts are current."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

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

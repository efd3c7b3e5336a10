"""docs/security.md is true: the tests that it names exist, and no limit that bounds a peer is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:tests/\w+/)?test_\w+\.py(?:::\w+)?)`", PAGE)))

# Limits that bound the server itself and no peer, and why.
NOT_OF_A_PEER = {
    "grace_ms": "how long shutdown may take",
    "report_ms": "how often clients are asked what they measured",
    "compress_from": "what the server compresses of its own",
}


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_is_named_exists(name: str) -> None:
    file, _, function = name.partition("::")
    path = ROOT / (file if "/" in file else f"tests/hardening/{file}")
    assert path.exists()
    if function:
        functions = {
            node.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert function in functions


def test_every_limit_that_bounds_a_peer_is_named() -> None:
    limits = re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs/reference/limits.md").read_text(), re.MULTILINE)
    assert len(limits) > 30
    missing = [name for name in limits if f"`{name}`" not in PAGE and name not in NOT_OF_A_PEER]
    assert not missing


def test_every_attack_is_named() -> None:
    for path in sorted((ROOT / "tests/hardening").glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert f"`{path.name}::{node.name}`" in PAGE

"""Who imports whom in python/rtcore, read from the source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python" / "rtcore"


class Import(NamedTuple):
    """One import of one of our modules by another. `typing_only`: it is not there at run time."""

    module: str
    target: str
    typing_only: bool


def name_of(path: Path) -> str:
    """`rtcore.site.router` for its file; the package itself is `rtcore`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> list[Path]:
    """All Python files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def _is_typing(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _statements(tree: ast.AST, typing_only: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, typing_only
        elif isinstance(node, ast.If) and _is_typing(node.test):
            for inner in node.body:
                yield from _statements(ast.Module([inner], []), typing_only=True)
            for inner in node.orelse:
                yield from _statements(ast.Module([inner], []), typing_only)
        else:
            yield from _statements(node, typing_only)


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Every name that a file imports, in full (`trio.lowlevel`), with whether only for types."""
    me = name_of(path)
    package = me if path.name == "__init__.py" else me.rpartition(".")[0]
    for node, typing_only in _statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, typing_only
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                yield f"{base}.{alias.name}", typing_only


def _module(name: str, known: set[str]) -> str | None:
    """The module that an imported name lives in: `rtcore.errors.Refuse` is of `rtcore.errors`."""
    while name not in known:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return None
    return name


def inside() -> list[Import]:
    """All imports of one of our modules by another."""
    known = {name_of(path) for path in sources()} | {"rtcore._core"}
    found = set()
    for path in sources():
        me = name_of(path)
        for name, typing_only in imported(path):
            target = _module(name, known)
            if target and target != me:
                found.add(Import(me, target, typing_only))
    return sorted(found)

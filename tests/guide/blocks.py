"""The blocks of Python in the documentation, and the names that a page leaves to its reader."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any, Final

import msgspec
import trio

import rtcore

ROOT: Final = Path(__file__).resolve().parents[2]
_BLOCK: Final = re.compile(r"```python\n(.*?)```", re.DOTALL)

_DEFINED: Final = re.compile(r"^(?:async )?def (\w+)", re.MULTILINE)

# The addresses and files that the pages name, and what a test puts in their place.
_SERVER: Final = re.compile(r"http://127\.0\.0\.1:8000(?!/rt/api)|https://example\.org(?=/rt)")


def every() -> dict[str, str]:
    """Each block by its page and what it defines last, as in `events:say`, else by its place from 1."""
    found: dict[str, str] = {}
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        stem = page.stem if page.parent.name != "docs" else f"docs-{page.stem}"
        for place, block in enumerate(_BLOCK.findall(page.read_text()), 1):
            defined = _DEFINED.findall(block)
            name = f"{stem}:{defined[-1] if defined else place}"
            found[name if name not in found else f"{name}:{place}"] = block
    return found


def compiled(name: str, block: str, server: str = "") -> CodeType:
    """A block as code; `server` stands where the page says where its server is."""
    if server:
        block = _SERVER.sub(server, block)
    return compile(block, f"<{name}>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def run(name: str, block: str, server: str = "", **given: Any) -> dict[str, Any]:
    """Run a block as the body of a module, with the names that its page leaves out; the names it made."""
    module = ModuleType(f"guide_{re.sub(r'[^a-z0-9]', '_', name.lower())}")
    module.__file__ = str(Path.cwd() / "page.py")
    names: dict[str, Any] = vars(module)
    names |= {**_left_out(), **given}
    sys.modules[module.__name__] = module  # msgspec and inspect look for the annotations' names there
    code = compiled(name, block, server)
    ended = eval(code, names)
    if inspect.iscoroutine(ended):
        await ended
    return names


def _left_out() -> dict[str, Any]:
    """What pages speak of and leave to their reader."""

    async def model(text: str) -> Any:
        for word in text.split():
            yield word

    async def release(session: object) -> None: ...

    async def give_back(session: str) -> None: ...

    async def staff_name_of(token: str) -> str | None:
        return "ann" if token == "staff" else None

    return {
        "rtcore": rtcore,
        "trio": trio,
        "msgspec": msgspec,
        "model": model,
        "release": release,
        "models": SimpleNamespace(give_back=give_back),
        "staff_name_of": staff_name_of,
        "queue": SimpleNamespace(qsize=lambda: 101),
        "token_of": lambda user: f"token of {user}",
    }

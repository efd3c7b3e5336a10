"""Names that nothing but tests use: a door that nobody goes through is a part that nobody needs.

A name that stands once in all the code, where it is defined, is used by nothing. Common names hide each
other, so this finds not all; what it finds is so. A name that stands in `MEANT` is there for its reason.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.architecture.test_files import ROOT, tracked

WORD = re.compile(r"\b[A-Za-z_]\w*\b")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
PUB = re.compile(
    r"^\s*pub(?:\([^)]*\))?\s+(?:const |async |unsafe )*"
    r"(?:fn|struct|enum|const|static|type|trait|mod)\s+(\w+)",
    re.MULTILINE,
)
TEST_ITEM = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*pub[^\n]*\n")

MEANT = {
    # What only a test can want to know of the engine, and can see in no other way.
    "is_encoded": "law 8: encoded once for each encoding",
    "is_flushed": "that nothing waits which nobody was told of",
    "is_stored": "that the disk is at rest",
    # Doors of the engine that the border does not open yet: what is told only once it is on disk.
    "when_stored": "when all that was decided is on disk",
    "forget_stored": "nobody waits for that any more",
    # A disk that fails, for tests of the store and for crash runs.
    "disarm": "a fault is taken back",
    "is_cut": "that the power went",
    "wait_for_hang": "that the writer stands at the disk",
    # Hooks that others call by their name.
    "list_commands": "click asks for the names of commands",
    "get_command": "and for one of them",
    "_check_protocol": "Hypercorn's",
    "_maybe_recycle": "Hypercorn's",
    "handleError": "logging's",
    "exit_code": "click's",
}

# What a client's program drives, which is not in this repository's Python yet: `docs/design.md`, Shared data.
NOT_YET = ("rust/data/src/client/",)


@cache
def rust_sources() -> dict[str, str]:
    """Each Rust file that is no test, without comments and without its tests."""
    return dict(read_rust())


def read_rust() -> Iterator[tuple[str, str]]:
    """The same, one by one."""
    for path in tracked(".rs"):
        name = str(path.relative_to(ROOT))
        if "/tests/" in name or path.stem == "tests" or name.startswith("rust/fuzz/"):
            continue
        text = COMMENT.sub("", path.read_text(encoding="utf-8"))
        text = re.sub(r"#\[cfg\(test\)\]\s*mod \w+;", "", text)
        yield name, TEST_ITEM.sub("", text.split("#[cfg(test)]\nmod ")[0])


def used(texts: Iterator[str]) -> Counter[str]:
    """How often each word stands in them."""
    return Counter(word for text in texts for word in WORD.findall(text))


def test_each_name_of_the_crates_is_used_by_something_that_is_no_test() -> None:
    sources = rust_sources()
    words = used(iter(sources.values()))
    alone = [
        f"{name}: {found}"
        for name, text in sources.items()
        if name.startswith("rust/") and not name.startswith(NOT_YET)
        for found in PUB.findall(text)
        if words[found] == 1 and found not in MEANT
    ]
    assert not alone, "nothing but tests uses them: remove them, or say in MEANT what they are for"


def defined(tree: ast.Module) -> Iterator[str]:
    """Names of functions, classes and variables of a module; not those that a decorator hands to somebody."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not node.decorator_list:
                yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def pages() -> Iterator[Path]:
    """Where a name may stand that an application uses, and tools of this repository."""
    for path in tracked(".py", ".md"):
        name = str(path.relative_to(ROOT))
        if name.startswith(("examples/", "docs/", "bench/", "scripts/", "README")) and not name.startswith(
            "docs/reference/"
        ):
            yield path


def test_each_name_of_the_package_is_used_by_something_that_is_no_test() -> None:
    sources = [path for path in tracked(".py") if path.is_relative_to(ROOT / "python" / "rtcore")]
    words = used(path.read_text(encoding="utf-8") for path in [*sources, *pages()])
    alone = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources
        for name in defined(ast.parse(path.read_text(encoding="utf-8")))
        if words[name] == 1 and name not in MEANT and not name.startswith("__")
    ]
    assert not alone, "nothing but tests uses them, and no page speaks of them"


def test_what_is_meant_is_there() -> None:
    sources = [path.read_text(encoding="utf-8") for path in tracked(".py") if "python" in path.parts]
    words = used(iter([*rust_sources().values(), *sources]))
    assert not [name for name in MEANT if not words[name]]

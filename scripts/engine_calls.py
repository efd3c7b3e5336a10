"""Who calls whom among the methods of the engine, and which of them can come back to themselves.

    scripts/engine_calls.py              how many methods and files, and each group that recurses
    scripts/engine_calls.py --from NAME  what one method can reach, nearest first
    scripts/engine_calls.py --dot        the groups as a picture for Graphviz

An entry point that can be reached from what it calls may be entered while its work is half done, and a chain
of peers that wait for each other becomes a chain of frames on the stack. The architecture test
(`tests/architecture/test_engine.py`) allows only the groups that it names, each with its reason.

Read from the source without compiling it: the body of each `fn` of an `impl Engine`, and the names of its own
methods that follow `self.` or `engine.` in it. A closure's calls count as its function's; one that gets the
engine calls it `engine`.
"""

from __future__ import annotations

import argparse
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ENGINE = Path(__file__).resolve().parents[1] / "rust" / "core" / "src" / "engine"

IMPL = re.compile(r"^impl(?:<[^>]*>)? (?:super::)*Engine \{", re.MULTILINE)
FN = re.compile(r"\bfn (\w+)")
CALL = re.compile(r"\b(?:self|engine)\s*\.\s*(\w+)\(")
# What is no code: comments, texts (raw ones too) and characters. A lifetime's tick is not one.
NO_CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/|b?r(#*)\".*?\"\1|b?\"(?:\\.|[^\"\\])*\"|b?'(?:\\.[^']*|[^'\\\n])'", re.DOTALL
)


class Method(NamedTuple):
    """One method: its file below `engine/`, the names of the methods that it calls, and its body.

    `public`: it is an entry, which others than the engine call.
    """

    file: str
    calls: frozenset[str]
    public: bool
    body: str


def code_of(text: str) -> str:
    """The source with everything that is no code blanked out; places stay where they are."""
    return NO_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def block(code: str, start: int) -> int:
    """Where the block that opens at the first brace from `start` on ends."""
    depth = 0
    for at in range(code.index("{", start), len(code)):
        depth += {"{": 1, "}": -1}.get(code[at], 0)
        if depth == 0:
            return at
    raise ValueError("a block without an end")


def bodies(code: str) -> Iterator[tuple[str, bool, str]]:
    """Name, whether it is public, and body of each method in each `impl Engine` of a file."""
    for found in IMPL.finditer(code):
        at, end = found.end(), block(code, found.start())
        while (fn := FN.search(code, at, end)) is not None:
            at = block(code, fn.end())
            yield fn[1], code.endswith("pub ", 0, fn.start()), code[fn.end() : at]


def methods(root: Path = ENGINE) -> dict[str, Method]:
    """All methods of the engine by name, with their calls of each other."""
    found: dict[str, tuple[str, bool, str]] = {}
    for path in sorted(root.rglob("*.rs")):
        for name, public, body in bodies(code_of(path.read_text(encoding="utf-8"))):
            found[name] = (str(path.relative_to(root)), public, body)
    return {
        name: Method(file, frozenset(set(CALL.findall(body)) & found.keys()), public, body)
        for name, (file, public, body) in found.items()
    }


def groups(graph: dict[str, frozenset[str]]) -> list[frozenset[str]]:
    """The groups whose members can each reach each other, and those that call themselves; largest first.

    Tarjan's algorithm, without recursion.
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[frozenset[str]] = []
    for root in sorted(graph):
        if root in order:
            continue
        work = [(root, iter(sorted(graph[root])))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            step = next(rest, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    members = set()
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        members.add(member)
                        if member == node:
                            break
                    if len(members) > 1 or node in graph[node]:
                        found.append(frozenset(members))
            elif step not in order:
                order[step] = low[step] = len(order)
                stack.append(step)
                on_stack.add(step)
                work.append((step, iter(sorted(graph[step]))))
            elif step in on_stack:
                low[node] = min(low[node], order[step])
    return sorted(found, key=lambda group: (-len(group), sorted(group)))


def reach(graph: dict[str, frozenset[str]], start: str) -> list[tuple[int, str]]:
    """What a method can reach, with the number of calls to it."""
    far = {start: 0}
    queue = deque([start])
    while queue:
        name = queue.popleft()
        for callee in sorted(graph[name]):
            if callee not in far:
                far[callee] = far[name] + 1
                queue.append(callee)
    return [(steps, name) for name, steps in far.items() if steps]


def main() -> None:
    """Print what the arguments ask for."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=shape)
    parser.add_argument("--from", dest="start", metavar="NAME", help="what this method can reach")
    parser.add_argument("--dot", action="store_true", help="the groups for Graphviz")
    given = parser.parse_args()
    known = methods()
    graph = {name: method.calls for name, method in known.items()}
    if given.start is not None:
        if given.start not in graph:
            parser.error(f"the engine has no method {given.start!r}")
        for steps, name in reach(graph, given.start):
            print(f"{steps:3} {name} ({known[name].file})")
        return
    recursive = groups(graph)
    if given.dot:
        print("digraph engine {")
        for name in sorted(frozenset().union(*recursive)):
            for callee in sorted(graph[name] & frozenset().union(*recursive)):
                print(f'  "{name}" -> "{callee}";')
        print("}")
        return
    files = {method.file for method in known.values()}
    inside = sum(len(group) for group in recursive)
    print(f"{len(known)} methods in {len(files)} files; {inside} of them can come back to themselves")
    for group in recursive:
        print(f"  {len(group)}: {', '.join(sorted(group))}")


if __name__ == "__main__":
    main()

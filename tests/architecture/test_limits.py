"""Every number that is a limit stands once, in the core, with its reason; and each is kept by somebody."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from rtcore._ground.numbers import FIXED, LIMITS
from tests.architecture.imports import PACKAGE, name_of, sources

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "rust/core/tests/limits.rs"

# Numbers of a module that are no limits: a format fixes them, or they change nothing that anybody sees.
NO_LIMITS = {
    "_turn.held.LOOK_NS": "how old a look may be",
    "_data.yjs.SYNC": "y-protocols",
    "_data.yjs.AWARENESS": "y-protocols",
    "_data.yjs.AUTH": "y-protocols",
    "_data.yjs.ASK": "y-protocols",
    "_data.yjs.STEP_1": "y-protocols",
    "_data.yjs.STEP_2": "y-protocols",
    "_data.yjs.UPDATE": "y-protocols",
    "_data.yjs._DENIED": "y-protocols",
    "_data.yjs._MOST": "what JavaScript's numbers hold",
    "_data.yjs._BITS": "lib0: seven bits a byte",
    "_turn.yjs.UNREADABLE": "a close code",
    "_turn.yjs.TOO_BIG": "a close code",
    "_turn.yjs.LATER": "a close code",
    "_turn.yjs.UNKNOWN": "a close code",
    "_turn.yjs.FORBIDDEN": "a close code",
    "_app.collecting._RESOLVE": "a kind",
    "_app.collecting._UPGRADE": "a kind",
    "_serve.headers.BEFORE": "a place in a header",
    "_serve.headers.SIGN": "a place in a header",
    "_turn.comings._ENDED": "a kind",
    "_turn.listening.PAGE": "what is read at a time",
    "auth._LONGEST": "what an application may say of itself",
    "cli.reload.PATIENCE": "for whoever works on an application",
    "cli.reload._LOOK_MS": "how often is looked",
    "testing.http._MOST": "what is read at a time",
    "_app.rights._LAST_MS": "what JSON's numbers hold",
    "_backend.connection.GOING_AWAY": "RFC 6455 §7.4.1",
    "_backend.connection.SLICE": "what is read at a time",
    "_backend.ends._GLANCE": "of a request that nobody reads: a peer notices, or not",
    "_backend.ends._SLICE": "what is read at a time",
    "_backend.hypercorn.ABNORMAL": "RFC 6455 §7.4.1",
    "_config.kinds._MOST": "64 bits",
    "_config.kinds._SHOWN": "how an error looks",
    "_engine.logs._PAGE": "what is read at a time",
    "_data.values.JSON": "a kind",
    "_data.values.MSGPACK": "a kind",
    "_serve.inherited._FIRST": "sd_listen_fds(3)",
    "_serve.inherited._MOST": "when a number is nonsense",
    "_serve.listeners._TRIES": "how often a free port is sought",
    "_serve.shell.CHUNK": "what is read at a time",
    "_serve.unix._OPEN_TO_ALL": "a mode of a file",
    "_tokens.claims._SHOWN": "how an error looks",
    "_turn.dispatch.LOOK_EVERY": "how often the clock is looked at",
    "_turn.endings.SHARE": "how those that wait are divided",
    "_turn.refused._MESSAGE": "a kind",
    "_turn.worker.AWAITED": "a mark",
    "cli.bar._EVERY": "how often a bar is drawn",
    "cli.bar._WIDTH": "how a bar looks",
    "cli.token._LEAST": "RFC 7518 §3.2",
    "_watch.watch.EVERY": "how often it is looked",
    "_watch.watch.JUMP": "how far the wall's clock goes another way before it was set",
    "_watch.watch.MINUTE": "a minute",
    "_watch.otel_export.SCALE": "the scale in which the core counts",
    "_serve.console.EVERY": "an interval of telling",
    "_serve.console.RENEW": "how long an operator's word holds",
    "_serve.console.AT_ONCE": "how many questions of an operator run at a time",
    "_serve.console.FAREWELL": "how long operators have to leave",
    "cli.top._ROWS": "how a screen looks",
    "errors.LATEST": "the longest wait that may travel",
    "http_api.keys.SHORT": "when a warning is worth it",
    "raw._FOREIGN": "a mark",
    "site.demo_app.LONGEST_NAME": "the demo's own",
    "site.demo_app.POINTS": "the demo's own",
    "site.demo_app.SERIES": "the demo's own",
    "_watch.acts.HOLD": "what clients are advised",
    "_watch.trails.LOOK": "how often somebody who waits looks",
    "cli.asking.PATIENCE": "how long a terminal waits",
    "otel.EVERY": "an interval of telling",
    "site.demo_app.TICK": "the demo's own",
    "site.demo_app.WORD": "the demo's own",
    "testing.client.PATIENCE": "how long a test waits",
    "testing.frames._CONTINUATION": "RFC 6455 §5.2",
    "testing.lines.CHUNK": "the box's own",
    "testing.network.WALL": "the box's own",
    "tokens._NEVER": "the end of the year 9999",
}


def is_number(node: ast.expr) -> bool:
    """Whether an expression is made of written numbers alone."""
    if isinstance(node, ast.BinOp):
        return is_number(node.left) and is_number(node.right)
    if isinstance(node, ast.UnaryOp):
        return is_number(node.operand)
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def written(path: Path) -> set[str]:
    """The module's names in capitals that are given a number."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets: list[ast.expr] = [node.target]
            value = node.value
        elif isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        else:
            continue
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        found.update(name for name in names if name.strip("_").isupper() and is_number(value))
    return found


def test_no_limit_is_written_in_python() -> None:
    numbers = {
        f"{name_of(path).removeprefix('rtcore.')}.{name}"
        for path in sources()
        # What a client program keeps is its own, and it loads no core; a rule of diagnosis is its thresholds,
        # and they bound nothing.
        if not {"client", "rules"} & set(path.relative_to(PACKAGE).parts)
        for name in written(path)
    }
    assert numbers == set(NO_LIMITS), (
        "a limit is a row in rust/core/src/limits; anything else says here what it is"
    )


def test_each_fixed_limit_has_a_reader() -> None:
    """A row that nothing reads would be a promise of the documentation alone."""
    python = "\n".join(path.read_text() for path in sources())
    rust = "\n".join(
        path.read_text()
        for folder in ("core", "data", "reactor", "py")
        for path in (ROOT / "rust" / folder / "src").rglob("*.rs")
        if path.parent.name != "limits" and path.stem != "limits"
    )
    unread = [
        name for name in FIXED if f'FIXED["{name}"]' not in python and not re.search(rf"\b{name}\b", rust)
    ]
    assert not unread


def elsewhere() -> list[tuple[str, str, str]]:
    """Limits that the hands and Python keep, each with its test: `ELSEWHERE` of the scenarios."""
    rows = re.findall(r'\("(\w+)",\s+"([\w/.]+)::(\w+)"\)', SCENARIOS.read_text())
    assert rows
    return rows


@pytest.mark.parametrize(("limit", "path", "test"), elsewhere(), ids=lambda one: str(one))
def test_what_is_kept_elsewhere_has_a_test_there(limit: str, path: str, test: str) -> None:
    """The others have their scenarios in `rust/core/tests/limits.rs`: there is one for each row."""
    assert limit in {name for name, *_ in LIMITS}
    assert re.search(rf"\b(def|fn) {test}\b", (ROOT / path).read_text()), f"{path} has no test {test}"

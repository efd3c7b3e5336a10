"""The plan of the house: in Python the arrows go down, and few know what lies beneath."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.architecture.imports import PACKAGE, Import, imported, inside, name_of, sources

# From the ground up. A module may import what stands on a lower floor, and nothing on its own.
FLOORS = [
    "_tokens _config _data _ground _app _turn _serve _backend _gateway _watch",
    "_core errors _ground.groups _ground.patterns _ground.asgi _ground.sayable _serve.last_words _serve.logs",
    "_ground.numbers _ground.peer _ground.replica",
    "_ground.near _ground.text _data.shape _data.paths _turn.held _turn.processor _aio crdt",
    "_ground.crdts",
    "client",
    "blocking",
    "_ground.home _tokens.fetch _tokens.claims _ground.failures",
    "_turn.step _ground.parking _engine _serve.signals http_api.keys http_api.rates _data.crowds",
    "_data.models _data.sayable _data.yjs",
    "_data.values _watch.findings _watch.process",
    "_watch.view",
    "watch",
    "_watch.rules _watch.trails _watch.profile",
    "_watch.acts",
    "_watch.watch",
    "_data.faults _app.hooks _app.spelling",
    "call",
    "_turn.budget _turn.life auth _app.merging _app.kinds _app.invalid _app.refusals _app.background",
    "_config.kinds _config.file _serve.listeners _tokens.jwks _app.injecting",
    "_serve.inherited _serve.notify _serve.unix _app.surrounding",
    "_config.settings _turn.nursery _app.rights",
    "_config.environment",
    "config _tokens.keyring _backend.places",
    "_serve.tls _config.core tokens session stream _app.answering",
    "_app.handlers _app.hooked",
    "_turn.sessions _app.stream_handlers durable entry",
    "_turn.listening member change",
    "room raw _turn.worker _app.registry _turn.following _app.texts",
    "_turn.raws _app.shared",
    "_app.rooming _app.streaming _app.speaking _app.registering _app.watching _app.including _app.around",
    "_app.collecting _app.comings",
    "_turn.editors",
    "_turn.yjs",
    "_app.editing",
    "app router",
    "_serve.given _serve.certificates _serve.headers _serve.where",
    "_turn.apart",
    "_turn.changing _turn.renewal http_api _turn.reactor _turn.refused _turn.tasks _turn.streams",
    "_turn.decide _turn.driving _turn.endings _turn.comings",
    "_turn.dispatch _backend.interface",
    "_serve.stop _backend.ends _backend.connection",
    "_backend.hypercorn _serve.lifespan",
    "_serve.shell site",
    "_gateway.scope _gateway.linger",
    "_gateway.http",
    "_gateway.websocket",
    "_gateway.gateway",
    "_serve.assembly",
    "_serve.served",
    "_serve.console",
    "_serve.asgi _serve.serve",
    "_serve.program",
    "rtcore",
    "testing site.demo_app otel",
    "cli",
    "__main__",
]

# Who may use Trio's low level: what runs tasks or waits on descriptors by itself, and what is a cancel point.
LOW_LEVEL = {
    "_aio": "waits for a task of another loop",
    "_turn.step": "runs a session's task in the turn",
    "_ground.home": "does in its run what is asked in other threads",
    "_turn.budget": "counts the calls of a task between two schedule points",
    "_ground.parking": "parks a task until somebody wakes it",
    "_engine": "parks a task until the core says that there is room",
    "_turn.dispatch": "keeps Ctrl-C out of a turn",
    "_turn.worker": "is the task that is stepped",
    "_turn.reactor": "waits on the poller's descriptor",
    "_watch.acts": "gives others their turn while it advises clients",
    "_serve.signals": "is called between two instructions, and then by Trio",
    "testing": "drives the core by Trio's clock",
    "blocking": "is called from other threads",
    "client.collections": "is a cancel point in each of its calls",
    "client.asking": "gives others their turn now and then",
    "client.room": "is a cancel point in each of its calls",
    "raw": "is a cancel point in each of its calls",
}


def short(module: str) -> str:
    """`_turn.step` for `rtcore._turn.step`; the package itself keeps its name."""
    return module.removeprefix("rtcore.")


def floor_of(module: str) -> int:
    """The floor of a module: its own, or that of the package it is part of."""
    name = short(module)
    while True:
        for number, names in enumerate(FLOORS):
            if name in names.split():
                return number
        name, dot, _ = name.rpartition(".")
        assert dot, f"{module} has no floor: give it one in FLOORS"


def entry(module: str, table: Iterable[str]) -> str:
    """The entry of a table that speaks for a module: its own, or that of the package it is part of."""
    name = short(module)
    while name not in table and "." in name:
        name = name.rpartition(".")[0]
    return name if name in table else short(module)


def same_package(one: Import) -> bool:
    """Files of one sub-package sort out among themselves."""
    first, second = short(one.module).split("."), short(one.target).split(".")
    return first[0] == second[0] and floor_of(one.module) == floor_of(one.target)


@pytest.mark.parametrize(
    "one",
    [one for one in inside() if not one.typing_only],
    ids=lambda one: f"{short(one.module)}-{short(one.target)}",
)
def test_imports_only_go_down(one: Import) -> None:
    assert same_package(one) or floor_of(one.target) < floor_of(one.module), (
        f"{one.module} may not know {one.target}: it stands on the same floor or above"
    )


def test_every_module_has_a_floor() -> None:
    for path in sources():
        floor_of(name_of(path))


def test_what_runs_turns_and_what_they_mean_do_not_know_each_other() -> None:
    """`dispatch` starts the reactor's task; that knows only that something is driven, not even as a type."""
    pairs = {(short(one.module), short(one.target)) for one in inside()}
    assert ("_turn.reactor", "_turn.dispatch") not in pairs


def test_only_the_engine_knows_the_core() -> None:
    knows = {one.module for one in inside() if one.target == "rtcore._core" and not one.typing_only}
    # (Its numbers are everybody's: they are read in one place, which calls nothing. A client has its
    # codec and its data.)
    others = knows - {f"rtcore._ground.{name}" for name in ("numbers", "peer", "replica")}
    assert {short(each).split(".")[0] for each in others} <= {"_engine"}


def uses_low_level(text: str) -> bool:
    """Whether a source imports or names `trio.lowlevel`."""
    tree = ast.parse(text)
    named = any(
        isinstance(node, ast.Attribute) and ast.unparse(node) == "trio.lowlevel" for node in ast.walk(tree)
    )
    taken = any(
        isinstance(node, ast.ImportFrom) and node.module == "trio.lowlevel" for node in ast.walk(tree)
    )
    return named or taken


def test_only_the_shells_know_trios_low_level() -> None:
    users = {entry(name_of(path), LOW_LEVEL) for path in sources() if uses_low_level(path.read_text())}
    assert users == set(LOW_LEVEL), "a module that needs Trio's low level says why in LOW_LEVEL"


def test_only_the_step_knows_trios_inside() -> None:
    """What is not Trio's public API may change: one small module stands on it, with a self-test."""
    knows = {
        short(name_of(path)) for path in sources() if any(n.startswith("trio._") for n, _ in imported(path))
    }
    assert knows <= {"_turn.step"}


def test_nothing_sleeps_to_see_whether_something_is_there() -> None:
    """A task that sleeps in a loop to look is a delay for all and a cost while nothing happens."""
    allowed = {
        "_app.background": "a task that failed waits before it begins again",
        "_backend.connection": "pings at an interval",
        "_serve.assembly": "waits for `shutdown_delay`",
        "_watch.watch": "nobody says that memory or a disk has changed",
        "_watch.trails": "who waits for a message that is followed looks: its end wakes nobody",
        "otel": "what was measured is told at an interval",
        "_watch.otel_export": "as above",
        "_serve.console": "what was measured is told at an interval, while somebody looks",
        "_serve.certificates": "nobody says that a file of a certificate has changed",
        "_serve.notify": "a watchdog hears of us at an interval",
        "cli": "`rtcore log follow` looks at a file that another process writes",
        "site.demo_app": "the pace of what the demonstration says",
    }
    sleepers = {
        entry(name_of(path), allowed)
        for path in sources()
        if any(
            isinstance(node, ast.Attribute) and ast.unparse(node) in {"trio.sleep", "time.sleep"}
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert sleepers == set(allowed)


def test_the_package_is_where_it_should_be() -> None:
    assert (PACKAGE / "py.typed").exists()

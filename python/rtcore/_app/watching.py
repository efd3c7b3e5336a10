"""Registration of who may look at the server, and of what else is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rtcore._watch.findings import Finding
from rtcore._watch.view import View
from rtcore.errors import UsageError

from .handlers import positional
from .hooks import checked_name, name_of
from .registry import Registry
from .spelling import spelt

F = TypeVar("F", bound=Callable[..., Any])


@spelt
class Watching:
    """Decorators for operators and rules of diagnosis. An application has them, and no router."""

    _registry: Registry

    def operator(self, function: F) -> F:
        """Decorator: who may look at the server. `(token: str) -> str | None`, plain or a coroutine function.

        `token` is what somebody gave at `/rt/console`, or as `Authorization: Bearer` of `/rt/api/stats` and
        its like, and no API key. The answer is the operator's name; None refuses. What it raises refuses,
        too, and is logged. An operator sees what is measured, with the names of rooms and users, and may
        end sessions; he may not publish.

        Raises:
            UsageError: there is one already, or it takes other arguments.

        """
        self._registry.open("operator")
        if self._registry.operator is not None:
            raise UsageError(f"there is an operator function already: {name_of(self._registry.operator)}")
        positional(function, "an operator function takes (token)", 1, 1)
        self._registry.operator = function
        return function

    def rule(self, name: str) -> Callable[[Callable[[View, bool], Finding | None]], Any]:
        """Decorator: a rule of diagnosis. `(view: View, raised: bool) -> Finding | None`, a plain function.

            @app.rule("queue")
            def queue(view, raised):
                if jobs.qsize() > (80 if raised else 100):
                    return Finding(Severity.WARNING, f"{jobs.qsize()} jobs wait", "more workers", {})

        It is called each 5 s, and whenever somebody asks. `raised`: it found something the last time; a lower
        threshold then keeps it from coming and going. One of rtcore's own names takes that rule's place.

        Raises:
            UsageError: the name is none, or used already.

        """
        self._registry.open("rule")
        checked_name(name, "rule", 'rule("queue")')
        if name in self._registry.rules:
            raise UsageError(f"there is a rule {name!r} already")

        def register(function: Callable[[View, bool], Finding | None]) -> Any:
            self._registry.rules[name] = function
            return function

        return register

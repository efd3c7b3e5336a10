"""OpenTelemetry: what a server does, as spans and metrics. Needs `pip install rtcore[otel]`.

A request is a span, with the stages that it went through below it, and what its handler starts itself (a
query of a database, a call of another service). What it publishes carries its traceparent, so that who hears
it goes on with the trace. Stages are those of the guide *Watching*: measured in the core, and told here a
second later.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import orjson
import trio

from rtcore.errors import UsageError

if TYPE_CHECKING:
    from rtcore._engine import Engine
    from rtcore.app import App
    from rtcore.call import Call, Next

try:
    from opentelemetry import context as contexts
    from opentelemetry import metrics, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise UsageError("rtcore.otel needs OpenTelemetry: pip install 'rtcore[otel]'") from error

EVERY: Final = 1.0
"""Seconds between two looks at what the core has followed and measured."""
_NAME: Final = "rtcore"
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_QUANTILES: Final = ("p50", "p95", "p99")


def instrument(
    app: App, *, tracer_provider: Any = None, meter_provider: Any = None, every: float = EVERY
) -> None:
    """Tell OpenTelemetry what this application does while it is served.

    Each event's handler runs in a span of its own, if the sampler wants it: below the client's, where the
    message has a `trace`. Call it before other middleware is registered, which then runs within the span.

    Args:
        app: the application.
        tracer_provider: as OpenTelemetry has it; None: the global one.
        meter_provider: likewise.
        every: seconds between two looks.

    Raises:
        UsageError: the application is served already, or `every` is not above 0.

    """
    if not every > 0:
        raise UsageError(f"instrument looks each so many seconds, not each {every:g}")
    told = Telemetry(
        trace.get_tracer(_NAME, tracer_provider=tracer_provider),
        metrics.get_meter(_NAME, meter_provider=meter_provider),
        every,
    )
    app.middleware(told.around)
    app.background(told.run)


def histograms(app: App, exporter: Any, *, every: float = EVERY) -> Any:
    """An exporter of metrics that exports the histograms of an application's stages, too.

    They are exponential histograms (scale 4, cumulative) named `rtcore.handler.duration` and so on, as they
    are counted in the core. Give it to the reader in place of `exporter`, of the provider that `instrument`
    has. Needs `opentelemetry-sdk`.

    Args:
        app: the application.
        exporter: a `MetricExporter`, to which all is handed on.
        every: seconds between two looks.

    Raises:
        UsageError: the application is served already, `every` is not above 0, or the SDK is not installed.

    """
    if not every > 0:
        raise UsageError(f"histograms looks each so many seconds, not each {every:g}")
    try:
        from rtcore._watch.otel_export import Histograms
    except ImportError as error:
        raise UsageError("histograms needs OpenTelemetry's SDK: pip install opentelemetry-sdk") from error
    return Histograms(app, exporter, every)


class Telemetry:
    """What is told of one application."""

    def __init__(self, tracer: trace.Tracer, meter: metrics.Meter, every: float) -> None:
        self._tracer, self._meter, self._every = tracer, meter, every
        self._engine: Engine | None = None
        self._seen: dict[str, Any] = {}
        self._newest = 0

    # -- spans of handlers

    def around(self, call: Call, go_on: Next) -> Any:
        """Middleware: a handler in its span."""
        engine = self._engine
        if engine is None or call.kind != "event":
            return go_on(call)
        request = engine.request_of_caller()
        parent = engine.core.trace_of(request)
        about = {"rtcore.event": call.name, "rtcore.session": call.session.id}
        span = self._tracer.start_span(
            call.name, context=_context(parent), kind=trace.SpanKind.SERVER, attributes=about
        )
        if not span.get_span_context().trace_flags.sampled:
            return go_on(call)
        within = trace.set_span_in_context(span)
        engine.core.trace_request(request, _traceparent(within))
        token = contexts.attach(within)
        try:
            result = go_on(call)
        except BaseException as error:
            _failed(span, error)
            raise
        finally:
            contexts.detach(token)
        if inspect.isawaitable(result):
            return _awaited(result, span, within)
        span.end()
        return result

    # -- what the core tells

    async def run(self, app: App) -> None:
        """Look now and then, until cancelled; and once more at the end."""
        engine = app.all._engine  # noqa: SLF001 - parts of the package know each other
        trails = engine.trails
        self._engine, self._newest = engine, 0
        self._measure(engine)
        self._metrics()
        trails.follow()
        try:
            while True:
                await trio.sleep(self._every)
                self._look(engine)
        finally:
            self._look(engine)
            trails.rest()
            self._engine = None

    def _look(self, engine: Engine) -> None:
        self._measure(engine)
        for trail in engine.trails.since(self._newest):
            self._newest = max(self._newest, trail["number"])
            if trail["trace"]:
                self._tell(trail)

    def _tell(self, trail: dict[str, Any]) -> None:
        """The spans of a message: of its stages, and where no handler is its span, of the whole."""
        context = _context(trail["trace"])
        about = {"rtcore.event": trail["event"]}
        whole = None
        if trail["room"]:
            about |= {"rtcore.room": trail["room"], "rtcore.session": trail["session"]}
            name = f"publish {trail['event']}"
            whole = self._tracer.start_span(
                name, context, trace.SpanKind.PRODUCER, about, start_time=trail["from"]
            )
            context = trace.set_span_in_context(whole)
        end = trail["from"]
        for leg in trail["legs"]:
            end = max(end, leg["to"])
            if leg["stage"] == "handler":
                continue  # it is a span already
            span = self._tracer.start_span(
                f"rtcore {leg['stage']}", context, attributes=_of(leg), start_time=leg["from"]
            )
            span.end(leg["to"])
        if whole is not None:
            if trail["failed"]:
                whole.set_status(trace.StatusCode.ERROR)
            whole.end(end)

    # -- metrics

    def _measure(self, engine: Engine) -> None:
        self._seen = orjson.loads(engine.core.measured())

    def _metrics(self) -> None:
        """Instruments for what is measured. They are asked in other threads, and read what is there."""
        for name in self._seen["counters"]:
            counted = partial(self._one, "counters", name)
            self._meter.create_observable_counter(f"rtcore.{name}", [counted])
        for name in self._seen["sizes"]:
            sized = partial(self._one, "sizes", name)
            self._meter.create_observable_gauge(f"rtcore.current.{name}", [sized])
        self._meter.create_observable_gauge(
            "rtcore.links", [lambda _: [_observed(n, transport=of) for of, n in self._seen["links"].items()]]
        )
        self._meter.create_observable_counter(
            "rtcore.stage.count", [lambda _: self._stages(lambda row: [_observed(row["all"]["count"])])]
        )
        self._meter.create_observable_gauge(
            "rtcore.stage.duration", [lambda _: self._stages(_durations)], unit="s"
        )

    def _one(self, group: str, name: str, _: Any) -> list[metrics.Observation]:
        value = self._seen[group][name]
        return [_observed(value["all"] if isinstance(value, dict) else value)]

    def _stages(self, of: Callable[[dict[str, Any]], Iterable[metrics.Observation]]) -> Iterator[Any]:
        trips = [
            {**each, "stage": "trip", "by": "transport", "of": each["transport"]}
            for each in self._seen["latency"]
        ]
        for row in (*self._seen["stages"], *trips):
            for each in of(row):
                about = {"stage": row["stage"], row["by"]: row["of"]}
                yield metrics.Observation(each.value, {**about, **(each.attributes or {})})


def _durations(row: dict[str, Any]) -> Iterator[metrics.Observation]:
    """Of the last minute, in seconds."""
    for name in _QUANTILES:
        if row["1m"][name] is not None:
            yield _observed(row["1m"][name] / 1e3, quantile=name)


def _observed(value: float, **about: str) -> metrics.Observation:
    return metrics.Observation(value, about)


def _of(leg: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {"rtcore.of": leg["of"]} if leg["of"] else {}
    if leg["stage"] in ("fan-out", "write"):
        about |= {"rtcore.listeners": leg["heard"], "rtcore.behind": leg["behind"]}
    return about


def _context(traceparent: str | None) -> Any:
    return None if not traceparent else _PROPAGATOR.extract({"traceparent": traceparent})


def _traceparent(context: Any) -> str:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context)
    return carrier["traceparent"]


async def _awaited(result: Any, span: trace.Span, within: Any) -> Any:
    token = contexts.attach(within)
    try:
        answer = await result
    except BaseException as error:
        _failed(span, error)
        raise
    finally:
        contexts.detach(token)
    span.end()
    return answer


def _failed(span: trace.Span, error: BaseException) -> None:
    """It raised. What it refuses on purpose is an answer, too, and no error of the span's (`Refuse.code`)."""
    if isinstance(error, trio.Cancelled):
        span.set_attribute("rtcore.cancelled", True)
    else:
        span.record_exception(error)
        span.set_status(trace.StatusCode.ERROR, str(error))
    span.end()


instrument.__module__ = histograms.__module__ = "rtcore.otel"

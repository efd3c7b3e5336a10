"""OpenTelemetry reads what is told: spans of a message through handler, publish and delivery, and metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import trio
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

import rtcore
from rtcore.otel import histograms, instrument
from rtcore.testing import connect_tcp
from tests.server.conftest import serving

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class Told:
    """An application that tells OpenTelemetry, and what it told."""

    def __init__(self, sampler: Any = None) -> None:
        self.exporter = InMemorySpanExporter()
        self.spans = TracerProvider(sampler=sampler) if sampler else TracerProvider()
        self.spans.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.app = app = rtcore.App()
        provider = MeterProvider([self.reader])
        instrument(app, tracer_provider=self.spans, meter_provider=provider, every=0.02)
        app.rooms("tea*", relay=True)
        tracer = self.spans.get_tracer("shop")

        @app.on("say")
        async def say(session: rtcore.Session, data: int) -> None:
            with tracer.start_as_current_span("query"):
                await trio.sleep(0.001)
            await app.room("tea").publish("said", data, exclude=session)

        @app.on("note")
        def note(_: rtcore.Session, data: int) -> int:
            with tracer.start_as_current_span("look"):
                app.room("tea").publish_nowait("said", data)
            return data

        @app.on("fail")
        async def fail(_: rtcore.Session) -> None:
            await trio.lowlevel.checkpoint()
            raise rtcore.Refuse("NO", "not today")

    def named(self, name: str) -> ReadableSpan:
        [span] = [each for each in self.exporter.get_finished_spans() if each.name == name]
        return span

    async def until(self, *names: str) -> None:
        """Until spans of these names are finished."""
        while not set(names) <= {span.name for span in self.exporter.get_finished_spans()}:
            await trio.lowlevel.checkpoint()


def below(spans: Iterable[ReadableSpan], parent: ReadableSpan) -> set[str]:
    return {span.name for span in spans if span.parent and span.parent.span_id == parent.context.span_id}


@pytest.mark.parametrize(("event", "own"), [("say", "query"), ("note", "look")])
async def test_a_request_is_a_span_of_its_clients_trace_with_its_stages_and_what_it_does_below(
    event: str, own: str
) -> None:
    told = Told()
    async with (
        serving(told.app) as server,
        connect_tcp("127.0.0.1", server.port) as client,
        connect_tcp("127.0.0.1", server.port) as other,
    ):
        await client.hello()
        await other.hello()
        await other.ask("join", room="tea")
        await client.ask("emit", event=event, data=1, trace=PARENT)
        heard = await other.expect("event")
        await told.until(event, own, "rtcore write")
    spans = told.exporter.get_finished_spans()
    handler = told.named(event)
    assert f"{handler.context.trace_id:032x}" == TRACE
    assert handler.parent is not None
    assert f"{handler.parent.span_id:016x}" == PARENT[36:52]
    assert {own, "rtcore read", "rtcore wait", "rtcore fan-out", "rtcore write"} <= below(spans, handler)
    fan = told.named("rtcore fan-out")
    assert fan.attributes is not None
    assert fan.attributes["rtcore.listeners"] == 1
    # Who hears it goes on with the trace, below the handler.
    assert heard["trace"] == f"00-{TRACE}-{handler.context.span_id:016x}-01"
    for span in spans:
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.start_time <= span.end_time
    assert handler.attributes is not None
    assert handler.attributes["rtcore.event"] == event
    sent = ExportTraceServiceRequest.FromString(encode_spans(spans).SerializeToString())
    assert {span.name for group in sent.resource_spans[0].scope_spans for span in group.spans} == {
        span.name for span in spans
    }


async def test_what_a_member_publishes_is_a_span_though_no_handler_runs() -> None:
    told = Told()
    async with serving(told.app) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        await client.ask("join", room="tea")
        await client.ask("publish", room="tea", event="said", data=1, trace=PARENT)
        await told.until("publish said")
    whole = told.named("publish said")
    assert f"{whole.context.trace_id:032x}" == TRACE
    assert whole.kind is trace.SpanKind.PRODUCER
    assert {"rtcore read", "rtcore fan-out", "rtcore write"} <= below(
        told.exporter.get_finished_spans(), whole
    )


async def test_a_request_without_a_trace_begins_one_and_one_that_is_refused_is_an_error() -> None:
    told = Told()
    async with serving(told.app) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        assert "error" in await client.answer(await client.begin("emit", event="fail"))
        await told.until("fail", "rtcore wait")
    failed = told.named("fail")
    assert failed.parent is None
    assert failed.status.status_code is trace.StatusCode.ERROR
    assert "rtcore wait" in below(told.exporter.get_finished_spans(), failed)


async def test_what_the_sampler_does_not_want_is_no_span_and_leaves_no_trace() -> None:
    told = Told(ParentBased(ALWAYS_OFF))
    async with serving(told.app) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        await client.ask("join", room="tea")
        await client.ask("emit", event="note", data=1)
        assert "trace" not in await client.expect("event")
        await client.ask("emit", event="note", data=2, trace=PARENT)
        await told.until("note")
    assert len({span.context.trace_id for span in told.exporter.get_finished_spans()}) == 1


async def test_metrics_are_read_by_a_collector() -> None:
    told = Told()
    async with serving(told.app) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        for number in range(5):
            await client.ask("emit", event="note", data=number)
        data, found = None, dict[str, Any]()
        while not found or found["rtcore.emitted"][0].value < 5:
            await trio.sleep(0.02)
            data = told.reader.get_metrics_data()
            found = {} if data is None else points(data)
    assert found["rtcore.current.sessions"][0].value == 1
    durations = {
        (each.attributes["stage"], each.attributes.get("event"), each.attributes["quantile"]): each.value
        for each in found["rtcore.stage.duration"]
    }
    assert 0 < durations["handler", "note", "p95"] < 1
    sent = ExportMetricsServiceRequest.FromString(encode_metrics(data).SerializeToString())
    names = {m.name for m in sent.resource_metrics[0].scope_metrics[0].metrics}
    assert {"rtcore.emitted", "rtcore.links", "rtcore.stage.count", "rtcore.stage.duration"} <= names


class Kept(MetricExporter):
    """An exporter that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 0, **_: Any) -> MetricExportResult:
        self.data.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 0) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 0, **_: Any) -> None: ...


async def test_histograms_are_exported_as_a_collector_reads_them() -> None:
    """All that was counted, in buckets whose bounds hold it."""
    app, kept = rtcore.App(), Kept()
    reader = PeriodicExportingMetricReader(
        histograms(app, kept, every=0.02), export_interval_millis=float("inf")
    )
    instrument(app, meter_provider=MeterProvider([reader]), every=0.02)

    @app.on("work")
    async def work(_: rtcore.Session, data: float) -> None:
        await trio.sleep(data)

    async with serving(app) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        for _ in range(5):
            await client.ask("emit", event="work", data=0.03)
        found: dict[str, Any] = {}
        while "rtcore.handler.duration" not in found or found["rtcore.handler.duration"][0].count < 5:
            await trio.sleep(0.02)
            await trio.to_thread.run_sync(reader.collect)
            found = points(kept.data[-1]) if kept.data else {}
    [point] = found["rtcore.handler.duration"]
    assert dict(point.attributes) == {"event": "work"}
    assert sum(point.positive.bucket_counts) == point.count == 5
    assert point.sum >= 5 * 0.03
    base = 2.0 ** (2.0**-point.scale)
    assert base ** (point.positive.offset + 1) * 1.02 >= 0.03, "none was shorter"
    assert base ** (point.positive.offset + len(point.positive.bucket_counts)) * 1.02 >= point.max
    sent = ExportMetricsServiceRequest.FromString(encode_metrics(kept.data[-1]).SerializeToString())
    told = {m.name: m for scope in sent.resource_metrics[0].scope_metrics for m in scope.metrics}
    [read] = told["rtcore.handler.duration"].exponential_histogram.data_points
    assert (read.count, read.scale, list(read.positive.bucket_counts)) == (
        5, 4, list(point.positive.bucket_counts),
    )  # fmt: skip


def points(data: Any) -> dict[str, Any]:
    return {
        metric.name: list(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_to_look_each_no_seconds_is_refused() -> None:
    with pytest.raises(rtcore.UsageError, match="each 0"):
        instrument(rtcore.App(), every=0)
    with pytest.raises(rtcore.UsageError, match="each 0"):
        histograms(rtcore.App(), Kept(), every=0)

"""Histograms of the stages for OpenTelemetry: beside what is exported anyway, as exponential histograms.

An instrument of OpenTelemetry takes one value after the other; here all of a second are counted in the core
already, so they are given as they are to the exporter, between it and its reader.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any, Final

import orjson
import trio
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    ScopeMetrics,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

if TYPE_CHECKING:
    from rtcore.app import App

SCALE: Final = 4
"""Each power of two has two to the power of this many buckets: as the core counts (`metrics::native`)."""
_NONE: Final = Buckets(0, [])


class Histograms(MetricExporter):
    """An exporter that hands all on to another one, with the histograms of an application beside it."""

    def __init__(self, app: App, exporter: MetricExporter, every: float) -> None:
        super().__init__(
            getattr(exporter, "_preferred_temporality", None),
            getattr(exporter, "_preferred_aggregation", None),
        )
        self._exporter, self._every = exporter, every
        self._began = time.time_ns()
        self._seen: list[dict[str, Any]] = []
        app.background(self.run)

    async def run(self, app: App) -> None:
        """Look now and then, until cancelled; and once more at the end."""
        core = app.all._engine.core  # noqa: SLF001 - parts of the package know each other
        self._began = time.time_ns()
        try:
            while True:
                self._seen = orjson.loads(core.histograms())
                await trio.sleep(self._every)
        finally:
            self._seen = orjson.loads(core.histograms())

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Export what there is, and the histograms as they were a moment ago. Called in another thread."""
        if metrics_data.resource_metrics and self._seen:
            first, *others = metrics_data.resource_metrics
            scope = ScopeMetrics(InstrumentationScope("rtcore"), list(self._metrics()), "")
            first = dataclasses.replace(first, scope_metrics=[*first.scope_metrics, scope])
            metrics_data = dataclasses.replace(metrics_data, resource_metrics=[first, *others])
        return self._exporter.export(metrics_data, timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """As the other does."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """As the other does."""
        self._exporter.shutdown(timeout_millis, **kwargs)

    def _metrics(self) -> list[Metric]:
        now = time.time_ns()
        points: dict[str, list[ExponentialHistogramDataPoint]] = {}
        for row in self._seen:
            points.setdefault(row["name"], []).append(self._point(row, now))
        return [
            Metric(
                name.removesuffix("_seconds").replace("rtcore_", "rtcore.") + ".duration",
                "Durations since the start.",
                "s",
                ExponentialHistogram(of, AggregationTemporality.CUMULATIVE),
            )
            for name, of in points.items()
        ]

    def _point(self, row: dict[str, Any], now: int) -> ExponentialHistogramDataPoint:
        # Bucket i there is above 2^(i/16), here it is up to that. Of the shortest only its bucket is known.
        below = row["first"] - 1
        return ExponentialHistogramDataPoint(
            attributes={row["by"]: row["of"]},
            start_time_unix_nano=self._began,
            time_unix_nano=now,
            count=row["count"],
            sum=row["sum"] / 1e9,
            scale=SCALE,
            zero_count=0,
            positive=Buckets(below, row["counts"]),
            negative=_NONE,
            flags=0,
            min=2.0 ** (below / 2**SCALE),
            max=row["max"] / 1e9,
        )

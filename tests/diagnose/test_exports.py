"""What is exported can be read by whom it is for: Prometheus' text, and Grafana's dashboard by its names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import trio
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

import rtcore
from rtcore.site.metrics import wanted
from rtcore.testing import connect_tcp, memory_server
from tests.server.conftest import serving

from . import client_model

ROOT = Path(__file__).resolve().parents[2]

# Prometheus' text format 0.0.4: a name, labels whose values escape \ " and line feeds, a number.
_LABEL = r'[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"([a-zA-Z_:][\w:]*)(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (\S+)")


def read(text: str) -> dict[str, tuple[str, list[tuple[str, dict[str, str], float]]]]:
    """Kind and samples of each family; whatever Prometheus' own parser would refuse is refused here."""
    families: dict[str, tuple[str, list[tuple[str, dict[str, str], float]]]] = {}
    seen: set[tuple[str, str]] = set()
    name, helped = "", ""
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped = line.split(" ", 3)[2]
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == helped, line
            assert name not in families, f"{name} comes twice"
            families[name] = (kind, [])
        else:
            found = _SAMPLE.fullmatch(line)
            assert found is not None, line
            full, labels, value = found.groups()
            base = re.sub(r"_(bucket|sum|count)$", "", full) if families[name][0] == "histogram" else full
            assert base == name, f"{line} stands among those of {name}"
            assert (full, labels or "") not in seen, f"{line} comes twice"
            seen.add((full, labels or ""))
            parts = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
            families[name][1].append((full, parts, float(value)))
    return families


def histograms(families: dict[str, Any]) -> int:
    """Buckets rise, end at +Inf, and are as many as the count says."""
    checked = 0
    for name, (kind, samples) in families.items():
        if kind != "histogram":
            continue
        series: dict[str, list[tuple[float, float]]] = {}
        counts = {}
        for full, labels, value in samples:
            of = json.dumps({key: label for key, label in labels.items() if key != "le"})
            if full == f"{name}_bucket":
                series.setdefault(of, []).append((float(labels["le"]), value))
            elif full == f"{name}_count":
                counts[of] = value
        for of, buckets in series.items():
            assert buckets == sorted(buckets), name
            assert [count for _, count in buckets] == sorted(count for _, count in buckets), name
            assert buckets[-1] == (float("inf"), counts[of])
            checked += 1
    return checked


async def test_the_text_can_be_read_whatever_the_application_calls_its_events() -> None:
    app = rtcore.App()
    hard = 'say "hello"\\n, {all="1"} 2'
    app.rooms(f"room {hard}", relay=True)

    @app.on(hard)
    def say(_: rtcore.Session) -> None: ...

    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.ask("emit", event=hard)
        await client.ask("join", room=f"room {hard}")
        await client.ask("publish", room=f"room {hard}", event="said")
        families = read(server.runtime.metrics().decode())
    [answered] = families["rtcore_answered_total"][1]
    assert answered[1]["event"].replace('\\"', '"').replace("\\\\", "\\") == hard
    assert answered[2] == 1
    assert histograms(families) >= 4
    assert all(name.endswith("_total") == (kind == "counter") for name, (kind, _) in families.items())


async def test_the_dashboard_asks_for_what_there_is() -> None:
    async with memory_server(rtcore.App()) as server:
        families = read(server.runtime.metrics().decode())
    known = {name for name, (kind, _) in families.items() if kind != "histogram"}
    known |= {
        f"{name}_{part}"
        for name, (kind, _) in families.items()
        if kind == "histogram"
        for part in ("bucket", "sum", "count")
    }
    dashboard = json.loads((ROOT / "docs/reference/grafana.json").read_text())
    asked = re.findall(r"rtcore_\w+", json.dumps([panel["targets"] for panel in dashboard["panels"]]))
    assert len(set(asked)) >= 20
    assert set(asked) <= known
    places = [panel["gridPos"]["y"] * 24 + panel["gridPos"]["x"] for panel in dashboard["panels"]]
    assert len(set(places)) == len(places), "no panel lies on another"


async def test_prometheus_own_parsers_read_both_formats_and_an_exemplar_has_its_trace() -> None:
    app = rtcore.App()

    @app.on("work")
    def work(_: rtcore.Session) -> None: ...

    @app.background
    async def broken(_: rtcore.App) -> None:
        raise ValueError("on purpose")

    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with memory_server(app) as server:
        client = await server.welcomed()
        await client.ask("emit", event="work", trace=f"00-{trace}-00f067aa0ba902b7-01")
        while b"background_failures" not in server.runtime.metrics():
            await trio.lowlevel.checkpoint()
        plain, told = (server.runtime.metrics(form).decode() for form in ("text", "openmetrics"))
    families = list(text_string_to_metric_families(plain))
    opened = list(openmetrics(told))
    assert {family.name for family in families} == {family.name for family in opened}
    samples = {(s.name, tuple(s.labels.items())): s.value for family in families for s in family.samples}
    assert {
        (s.name, tuple(s.labels.items())): s.value for family in opened for s in family.samples
    } == samples
    marked = [s for family in opened for s in family.samples if s.exemplar is not None]
    [one] = marked
    assert (one.name, one.labels["event"]) == ("rtcore_handler_seconds_bucket", "work")
    assert one.exemplar is not None
    assert one.exemplar.labels == {"trace_id": trace}
    assert one.exemplar.value <= float(one.labels["le"])


async def test_prometheus_messages_say_what_the_text_says_and_have_native_histograms() -> None:
    app = rtcore.App()

    @app.on("work")
    async def work(_: rtcore.Session, data: float) -> None:
        await trio.sleep(data)

    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with serving(app) as server, connect_tcp("127.0.0.1", server.port) as client:
        await client.hello()
        for data in (0.001, 0.02, 0.02, 0.3):
            await client.ask("emit", event="work", data=data, trace=f"00-{trace}-00f067aa0ba902b7-01")
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
            await stream.send_all(
                b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                b"encoding=delimited\r\n\r\n"
            )
            head, _, said = b"".join([part async for part in stream]).partition(b"\r\n\r\n")
        text = (await server.get("/metrics"))[2]
    assert b"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily" in head
    told = client_model.families(said)
    plain = read(text)
    assert set(told) == set(plain)
    for name, family in told.items():
        kind, samples = plain[name]
        assert client_model.KINDS[family.type] == kind.upper()
        if kind == "counter" and "event" in str(samples):  # else a request lies between them
            values = {
                tuple((pair.name, pair.value) for pair in metric.label): getattr(metric, kind).value
                for metric in family.metric
            }
            assert values == {tuple(labels.items()): value for _, labels, value in samples}
    [metric] = told["rtcore_handler_seconds"].metric
    assert [(pair.name, pair.value) for pair in metric.label] == [("event", "work")]
    whole = metric.histogram
    classic = {labels["le"]: n for name, labels, n in plain["rtcore_handler_seconds"][1] if "le" in labels}
    assert [bucket.cumulative_count for bucket in whole.bucket] == list(classic.values())
    [marked] = [bucket.exemplar for bucket in whole.bucket if bucket.HasField("exemplar")]
    assert [(pair.name, pair.value) for pair in marked.label] == [("trace_id", trace)]
    counts = client_model.native(whole)
    assert sum(counts.values()) == whole.sample_count == 4
    assert (whole.schema, whole.zero_count) == (4, 0)
    assert whole.zero_threshold > 0, "with 0, one without a duration would be of the old kind"
    bounds = sorted(counts)
    assert 2 ** (bounds[0] / 16) * 1.02 >= 0.001, "none was shorter"
    assert 2 ** (bounds[-1] / 16) * 1.02 >= 0.3
    # As Prometheus reckons them: of each bound of the old buckets, what is in buckets wholly below it.
    for bound, upto in classic.items():
        if bound != "+Inf":
            assert sum(n for at, n in counts.items() if 2 ** (at / 16) <= float(bound) * 0.98) <= upto


FAMILIES = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "text"),
        ("*/*", "text"),
        ("text/html, application/xhtml+xml", "text"),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "text"),
        ("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.3", "openmetrics"),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.3", "text"),
        ("application/openmetrics-text;q=0, */*", "text"),
        # What Prometheus sends that scrapes native histograms.
        (f"{FAMILIES};q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1", "protobuf"),
        ("application/vnd.google.protobuf;proto=some.Other;encoding=delimited,text/plain;q=0.1", "text"),
        ("application/vnd.google.protobuf;encoding=text", "text"),
        (";;;q=x,/,text/plain;q=nan,\x00", "text"),
    ],
)
def test_the_format_is_what_is_wanted_most(accept: str, form: str) -> None:
    assert wanted(accept) == form

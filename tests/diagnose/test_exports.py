"""What is exported can be read by whom it is for: Prometheus' text, and Grafana's dashboard by its names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import trio
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

import rtcore
from rtcore.testing import memory_server

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
        families = read(server.runtime.metrics())
    [answered] = families["rtcore_answered_total"][1]
    assert answered[1]["event"].replace('\\"', '"').replace("\\\\", "\\") == hard
    assert answered[2] == 1
    assert histograms(families) >= 4
    assert all(name.endswith("_total") == (kind == "counter") for name, (kind, _) in families.items())


async def test_the_dashboard_asks_for_what_there_is() -> None:
    async with memory_server(rtcore.App()) as server:
        families = read(server.runtime.metrics())
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
        while "background_failures" not in server.runtime.metrics():
            await trio.lowlevel.checkpoint()
        plain, told = server.runtime.metrics(), server.runtime.metrics(open_metrics=True)
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

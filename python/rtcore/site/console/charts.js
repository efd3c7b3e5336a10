// The charts: what was seen while this page is open, ten minutes of it.

import { bytes, ms, number } from "./shown.js";

const MOST = 300;
const clock = (time) => new Date(time * 1000).toLocaleTimeString([], { hour12: false });
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Chart {
  constructor(id, lines, shown) {
    this.place = document.getElementById(id);
    this.lines = lines;
    this.shown = shown;
    this.data = [[], ...lines.map(() => [])];
    new ResizeObserver(() => this.draw()).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  add(time, values) {
    // The server's clock was set back: a chart has its times in order, so it begins anew.
    if (time < this.data[0].at(-1)) for (const each of this.data) each.length = 0;
    this.data[0].push(time);
    values.forEach((value, at) => this.data[at + 1].push(value ?? null));
    if (this.data[0].length > MOST) for (const each of this.data) each.shift();
    if (this.plot) this.plot.setData(this.data);
    else this.draw();
  }

  draw() {
    this.plot?.destroy();
    this.plot = undefined;
    const { clientWidth: width, clientHeight: height } = this.place;
    if (!width || !this.data[0].length) return;
    const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    const value = (_, n) => (n === null || n === undefined ? "–" : this.shown(n));
    this.plot = new uPlot(
      {
        width,
        height,
        cursor: { y: false },
        scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.15, 1e-6)] } },
        axes: [{ ...axis, space: 80, values: (_, all) => all.map(clock) }, { ...axis, size: 64, values: (_, all) => all.map((n) => this.shown(n)) }],
        series: [{ value: (_, time) => (time ? clock(time) : "") }, ...this.lines.map(([label, name]) => ({ label, stroke: color(name), width: 2, spanGaps: true, value, points: { show: false } }))],
      },
      this.data,
      this.place,
    );
  }
}

export function charts() {
  const rates = new Chart("chart-rates", [["in", "--c1"], ["published", "--c2"], ["delivered", "--c3"]], number);
  const latency = new Chart("chart-latency", [["round trip", "--c5"], ["wait", "--c2"], ["handler", "--c1"], ["fan-out", "--c3"], ["write", "--c4"], ["commit", "--c6"]], ms);
  const links = new Chart("chart-links", [["WebSockets", "--c1"], ["others", "--c2"], ["sessions", "--c3"]], number);
  const process = new Chart("chart-process", [["memory", "--c1"], ["of it rings", "--c2"]], bytes);
  const worst = (rows) => rows.reduce((most, each) => (each["10s"].count ? Math.max(most ?? 0, each["10s"].p95) : most), null);
  let before;
  return (stats) => {
    const rate = (name) => (before && stats.uptime > before.uptime ? Math.max(0, stats.counters[name].all - before.counters[name].all) / (stats.uptime - before.uptime) : null);
    const stage = (name) => worst(stats.stages.filter((each) => each.stage === name));
    rates.add(stats.time, [rate("messages_in"), rate("published"), rate("delivered")]);
    latency.add(stats.time, [worst(stats.latency), ...["wait", "handler", "fan-out", "write", "commit"].map(stage)]);
    links.add(stats.time, [stats.links.websocket, stats.links.events + stats.links.poll + stats.links.raw, stats.sizes.sessions]);
    process.add(stats.time, [stats.process.resident, stats.sizes.ring_bytes]);
    before = stats;
  };
}

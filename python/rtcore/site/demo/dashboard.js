/** A dashboard: fifty series, 10,000 points a second. Who cannot keep up hears the newest, and is told what it skipped. */

import { find, frame } from "/frame.js";
import { connect } from "/rt/client.js";

const SERIES = 50;
const POINTS = 300; // of each series on the screen
const BUSY = 20; // milliseconds that a slow reader thinks about each message

const client = connect("/rt", { tabs: false });
const timeline = frame(client);

const values = Array.from({ length: SERIES }, () => new Float32Array(POINTS).fill(500));
const heads = new Int32Array(SERIES); // where the next point goes
const ticks = new Int32Array(SERIES); // the last that was heard since this page is here
const began = Date.now();
let slow = false;
const counts = { points: 0, frames: 0, skipped: 0, behind: 0 };

// -- hearing

const metrics = await client.join("metrics", { last: SERIES });
hear();

async function hear() {
  for await (const heard of metrics) {
    if (heard.type === "gap") continue; // the numbers of the messages tell how many points it was
    take(heard.data, heard.time);
    counts.behind = Math.max(0, Date.now() - heard.time);
    if (slow) await new Promise((resolve) => setTimeout(resolve, BUSY));
  }
}

function take({ series, tick, points }, time) {
  const line = values[series];
  if (!line) return;
  const missed = tick - ticks[series] - 1;
  if (ticks[series] && missed > 0) counts.skipped += missed * points.length;
  ticks[series] = time < began ? 0 : tick; // what was said before is history, and nothing after it was skipped
  for (const point of points) {
    line[heads[series]] = point;
    heads[series] = (heads[series] + 1) % POINTS;
  }
  counts.points += points.length;
}

find("slow").onclick = () => {
  slow = !slow;
  find("slow").ariaPressed = String(slow);
  timeline.add("act", slow ? "this page reads slowly: 50 of 1,000 messages a second" : "this page keeps up again");
};

// -- drawing

const canvas = find("chart");
const pen = canvas.getContext("2d", { alpha: false });
let colors;
let size = { width: 0, height: 0 };

function measure() {
  const style = getComputedStyle(canvas);
  const color = (name) => style.getPropertyValue(name).trim();
  colors = { paper: color("--sheet"), line: color("--chart"), last: color("--accent"), rule: color("--line") };
  const { clientWidth, clientHeight } = canvas;
  size = { width: clientWidth, height: clientHeight };
  canvas.width = clientWidth * devicePixelRatio;
  canvas.height = clientHeight * devicePixelRatio;
}
new ResizeObserver(measure).observe(canvas);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", measure);
measure();

function draw() {
  counts.frames++;
  const { width, height } = size;
  const columns = Math.max(2, Math.min(10, Math.floor(width / 56)));
  const rows = Math.ceil(SERIES / columns);
  const [w, h] = [width / columns, height / rows];
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  pen.fillStyle = colors.paper;
  pen.fillRect(0, 0, width, height);
  const place = (n) => [(n % columns) * w, Math.floor(n / columns) * h, w, h];
  pen.lineWidth = 1;
  pen.strokeStyle = colors.line;
  pen.beginPath();
  for (let n = 0; n < SERIES; n++) plot(values[n], heads[n], ...place(n));
  pen.stroke();
  pen.fillStyle = colors.last;
  pen.beginPath();
  for (let n = 0; n < SERIES; n++) dot(values[n], heads[n], ...place(n));
  pen.fill();
  requestAnimationFrame(draw);
}

const edge = (size) => Math.min(10, size / 6); // what stays free around a series
const y = (value, top, h) => top + edge(h) + (h - 2 * edge(h)) * Math.min(1, Math.max(0, (740 - value) / 480));

function plot(line, head, left, top, w, h) {
  const inner = w - 2 * edge(w);
  const step = Math.max(1, Math.round(POINTS / inner)); // a point a pixel is enough
  for (let n = 0; n < POINTS; n += step) {
    const x = left + edge(w) + (inner * n) / (POINTS - 1);
    pen[n ? "lineTo" : "moveTo"](x, y(line[(head + n) % POINTS], top, h));
  }
}

function dot(line, head, left, top, w, h) {
  const [x, at] = [left + w - edge(w), y(line[(head + POINTS - 1) % POINTS], top, h)];
  pen.moveTo(x + 2, at);
  pen.arc(x, at, 2, 0, 7);
}
requestAnimationFrame(draw);

// -- figures

let since = performance.now();
let reported = 0;
setInterval(() => {
  const seconds = (performance.now() - since) / 1000;
  since = performance.now();
  const number = (value) => Math.round(value).toLocaleString("en");
  find("rate").textContent = number(counts.points / seconds);
  find("frames").textContent = number(counts.frames / seconds);
  find("behind").textContent = counts.behind < 1000 ? `${number(counts.behind)} ms` : `${(counts.behind / 1000).toFixed(1)} s`;
  find("skipped").textContent = number(counts.skipped);
  if (counts.skipped > reported) {
    timeline.add("note", `goes on with the newest: ${number(counts.skipped - reported)} points skipped, and told`);
    reported = counts.skipped;
  }
  counts.points = counts.frames = 0;
}, 1000);

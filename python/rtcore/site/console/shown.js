// Values as people read them, and elements made from them: text is text, whatever a peer called itself.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute.startsWith("on")) made.addEventListener(attribute.slice(2), value);
    else if (value !== undefined) made.setAttribute(attribute, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const number = (n) => (n >= 1e6 ? `${(n / 1e6).toFixed(1)} M` : n >= 1e4 ? `${(n / 1e3).toFixed(1)} k` : n >= 100 || Number.isInteger(n) ? Math.round(n).toLocaleString("en") : n.toFixed(1));

export function bytes(n) {
  if (n === null || n === undefined) return "–";
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]) {
    if (n >= size) return `${(n / size).toFixed(n >= 10 * size ? 0 : 1)} ${unit}`;
  }
  return `${n} B`;
}

/** Milliseconds. */
export function ms(n) {
  if (n === null || n === undefined) return "–";
  if (n >= 10_000) return `${(n / 1000).toFixed(0)} s`;
  if (n >= 1000) return `${(n / 1000).toFixed(1)} s`;
  if (n >= 10) return `${n.toFixed(0)} ms`;
  return n >= 0.1 ? `${n.toFixed(1)} ms` : `${(n * 1000).toFixed(0)} µs`;
}

let server = 0;

/** The server's clock says so (s since 1970): that of who looks may be another. */
export function clock(time) {
  server = time - performance.now() / 1000;
}

/** How long ago something was, by the server's clock (s since 1970). */
export const past = (time) => ago(Math.max(0, server + performance.now() / 1000 - time));

export function ago(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** Fill a table. A column is [head, cell, class]; a cell is text or an element. */
export function table(id, columns, rows, nothing) {
  const head = element("tr", {}, ...columns.map(([name, , kind]) => element("th", { class: kind, scope: "col" }, name)));
  const cell = (row, [, value, kind]) => {
    const [of, hot] = [value(row)].flat();
    return element("td", { class: [kind, hot && "hot"].filter(Boolean).join(" ") || undefined, title: kind === "name" && typeof of === "string" ? of : undefined }, of);
  };
  const body = rows.map((row) => element("tr", {}, ...columns.map((column) => cell(row, column))));
  if (!rows.length) body.push(element("tr", {}, element("td", { class: "none", colspan: columns.length }, nothing)));
  document.getElementById(id).replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
}

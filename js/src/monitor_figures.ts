// Figures of a client by window, in the shapes of the Python client's monitor: seconds, and names with `_`.

/** How long something took, in seconds: the last, the mean, and the 95th and 99th of a hundred. */
export interface Spread {
  count: number;
  now: number;
  mean: number;
  p95: number;
  p99: number;
}

/** What happened. Requests of the program's are `sent`, and end `applied` or `failed`; events are `received`. */
export interface Counts {
  sent: number;
  received: number;
  applied: number;
  failed: number;
  maybe_done: number;
  bytes_in: number;
  bytes_out: number;
  reconnects: number;
  handler_failures: number;
}

/** What happened in `seconds`. `latency` is of round trips, `answers` of requests; `loss` of the last 20 pings. */
export interface Figures extends Counts {
  seconds: number;
  latency: Spread;
  answers: Spread;
  loss: number;
}

/** Of these, the last of them last. */
export const spreadOf = (values: readonly number[]): Spread => {
  const ordered = [...values].sort((one, other) => one - other);
  const at = (part: number): number => ordered[Math.max(0, Math.ceil(part * ordered.length) - 1)] ?? 0;
  const mean = values.reduce((sum, each) => sum + each, 0) / (values.length || 1);
  return { count: values.length, now: values.at(-1) ?? 0, mean, p95: at(0.95), p99: at(0.99) };
};

export const SAMPLE = 10;
export const MINUTE = 60;
export const HOUR = 3600;
/** Measurements that percentiles are made of. */
const KEPT = 1024;

/** How long things took, each with when (both in seconds). */
export class Took {
  readonly #values: [at: number, took: number][] = [];

  add(at: number, took: number): void {
    this.#values.push([at, took]);
    if (this.#values.length > KEPT) this.#values.shift();
  }

  since(then: number): Spread {
    return spreadOf(this.#values.filter(([at]) => at >= then).map(([, took]) => took));
  }
}

interface Sample {
  at: number;
  counts: Counts;
}

/** Counters as they were, each 10 s for a minute, and each minute for an hour. */
export class Samples {
  readonly #rings: [every: number, most: number, samples: Sample[]][] = [
    [SAMPLE, MINUTE / SAMPLE + 1, []],
    [MINUTE, HOUR / MINUTE + 1, []],
  ];

  take(at: number, counts: Counts): void {
    for (const [every, most, samples] of this.#rings) {
      const last = samples.at(-1);
      if (last && at - last.at < every) continue;
      samples.push({ at, counts });
      if (samples.length > most) samples.shift();
    }
  }

  /** The newest that lies before the window; else the oldest there is. */
  before(seconds: number, now: number): Counts {
    const [, , samples] = this.#rings[seconds <= MINUTE ? 0 : 1]!;
    return (samples.findLast(({ at }) => at <= now - seconds) ?? samples[0]!).counts;
  }
}

/** What was counted between two. */
export const between = (before: Counts, now: Counts): Counts => {
  const found = { ...now };
  for (const name of Object.keys(found) as (keyof Counts)[]) found[name] -= before[name];
  return found;
};

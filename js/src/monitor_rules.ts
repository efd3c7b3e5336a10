// What can be wrong with a connection, and what to do about it: one small function for each, as the Python client has
// them. A rule looks at what was measured and gives an issue, or nothing. `raised`: whether it said so the last time;
// then a lower threshold holds, so that it does not come and go.

import type { Figures } from "./monitor_figures.ts";
import type { State } from "./states.ts";

/** What a rule found: how bad it is, a sentence, what to do, and the figures that it goes by. */
export interface Found {
  severity: "warning" | "critical";
  message: string;
  suggestion: string;
  evidence: Record<string, unknown>;
}

/** What rules look at: the last minute, the last hour, and how things are now. Seconds. */
export interface View {
  minute: Figures;
  hour: Figures;
  state: State;
  /** Since the client was live; 0: it is. */
  away: number;
  error: string | undefined;
  transport: string;
  /** Transports that would have been better, and failed. */
  failed_above: readonly string[];
  queued: number;
  room_for: number;
  foreign: number;
  /** Rooms of which more is said than is taken. */
  holes: readonly string[];
  clock_offset: number | undefined;
}

export type Rule = (view: View, raised: boolean) => Found | undefined;

const found = (
  critical: boolean,
  message: string,
  suggestion: string,
  evidence: Found["evidence"],
): Found => ({ severity: critical ? "critical" : "warning", message, suggestion, evidence });
const ms = (seconds: number): string => `${Math.round(seconds * 1000)} ms`;

/** By name: the same as those of the Python client. */
export const RULES: Readonly<Record<string, Rule>> = {
  away: ({ away, error, state }, raised) =>
    away < (raised ? 0.001 : 10)
      ? undefined
      : found(
          away >= 60,
          `not connected for ${away.toFixed()} s: ${error ?? "no answer"}`,
          "see what `rtcore doctor URL` finds; what is said meanwhile waits in the outbox",
          { away, state, error },
        ),
  reconnects: ({ minute, hour, error }, raised) =>
    minute.reconnects < 3 && hour.reconnects < (raised ? 4 : 6)
      ? undefined
      : found(
          minute.reconnects >= 3,
          `the connection was lost ${hour.reconnects} times in the last hour, ${minute.reconnects} of them in the last minute`,
          "something on the way cuts it: `rtcore doctor --idle 120 URL` finds out whether it cuts what is idle",
          { minute: minute.reconnects, hour: hour.reconnects, error },
        ),
  failures: ({ minute: { applied, failed, maybe_done } }, raised) => {
    const ended = applied + failed;
    const part = ended ? failed / ended : 0;
    if (failed < 2 || part <= (raised ? 0.03 : 0.05)) return undefined;
    return found(
      part > 0.25,
      `${failed} of ${ended} requests failed in the last minute`,
      "look at the codes of the errors that were thrown; `maybeDone` says which may have been done",
      { failed, ended, maybe_done },
    );
  },
  queue_full: ({ queued, room_for }, raised) =>
    !room_for || queued < (raised ? 0.6 : 0.8) * room_for
      ? undefined
      : found(
          queued >= room_for,
          `${queued} messages wait to be sent, and there is room for ${room_for}`,
          "say less, give the outbox more room (`queue`), or choose what may be dropped (`overflow`)",
          { queued, room: room_for },
        ),
  latency: ({ minute: { latency } }, raised) =>
    latency.count < 3 || latency.mean <= (raised ? 0.4 : 0.5)
      ? undefined
      : found(
          latency.mean > 2,
          `a round trip takes ${ms(latency.mean)} on average, ${ms(latency.p95)} at p95`,
          "the way or the server is slow: compare with what the server's own diagnosis says",
          { mean: latency.mean, p95: latency.p95, count: latency.count },
        ),
  slow_answers: ({ minute: { answers, latency } }, raised) => {
    if (answers.count < 5 || answers.p95 <= (raised ? 1.5 : 2)) return undefined;
    if (latency.count && latency.mean > answers.mean / 2) return undefined;
    return found(
      false,
      `answers take ${answers.p95.toFixed(1)} s at p95, and the way alone ${ms(latency.mean)}`,
      "the application's handlers are slow, or one session asks for much at once: they run one at a time",
      { p95: answers.p95, mean: answers.mean, count: answers.count, latency: latency.mean },
    );
  },
  loss: ({ minute: { loss } }, raised) =>
    loss <= (raised ? 0.01 : 0.05)
      ? undefined
      : found(
          false,
          `${Math.round(loss * 100)} % of the last pings had no answer in time`,
          "the network stalls: messages wait behind what is lost",
          { loss },
        ),
  slow_consumer: ({ holes }) =>
    holes.length
      ? found(
          false,
          `more is said than is taken in ${holes.slice(0, 5).join(", ")}: it is had from the history, or is a gap`,
          "do less in the loop",
          { rooms: holes.slice(0, 20) },
        )
      : undefined,
  worse_transport: ({ failed_above, state, transport }) =>
    failed_above.length && state === "live"
      ? found(
          false,
          `connected by ${transport}, because ${failed_above.join(" and ")} failed`,
          "a proxy on the way may not pass `Upgrade`, or gathers streams: `rtcore doctor URL` tells which",
          { transport, failed: failed_above },
        )
      : undefined,
  foreign_messages: ({ foreign }) =>
    foreign
      ? found(
          false,
          `${foreign} messages wait for another user than the one who is connected`,
          "they go out when that user is connected again, and under no other",
          { foreign },
        )
      : undefined,
  handler_failures: ({ minute: { handler_failures } }) =>
    handler_failures
      ? found(
          false,
          `handlers of this page threw ${handler_failures} times in the last minute`,
          "each was reported to the page's `error` event, and is in the browser's console",
          { count: handler_failures },
        )
      : undefined,
  clock_skew: ({ clock_offset = 0 }, raised) =>
    Math.abs(clock_offset) < (raised ? 20 : 30)
      ? undefined
      : found(
          false,
          `this machine's clock is ${Math.abs(clock_offset).toFixed()} s ${clock_offset > 0 ? "behind" : "ahead of"} the server's`,
          "set the clock: tokens and times of events are judged by it",
          { offset: clock_offset },
        ),
};

// The states of a client's connection, as a table: what happens, and which state follows. SPEC.md is the same in
// words. A cell that is missing does not compile.

/** What a client is doing about its connection. */
export type State =
  | "idle" // not started
  | "connecting" // a transport is being opened
  | "welcoming" // `hello` is said; `welcome`, or the rooms after it, are not all here yet
  | "live" // welcome, and each joined room is confirmed
  | "waiting" // away, until it is time for the next attempt
  | "ended"; // for good

/** What can happen to it. */
export type Happening = "start" | "opened" | "settled" | "lost" | "due" | "refused" | "close";

const row = (
  start: State,
  opened: State,
  settled: State,
  lost: State,
  due: State,
  refused: State,
  close: State,
): Readonly<Record<Happening, State>> => ({ start, opened, settled, lost, due, refused, close });

/** Of each state, what follows each happening. */
export const TABLE: Readonly<Record<State, Readonly<Record<Happening, State>>>> = {
  // start, opened, settled, lost, due, refused, close
  idle: row("connecting", "idle", "idle", "idle", "idle", "ended", "ended"),
  connecting: row("connecting", "welcoming", "connecting", "waiting", "connecting", "ended", "ended"),
  welcoming: row("welcoming", "welcoming", "live", "waiting", "welcoming", "ended", "ended"),
  live: row("live", "live", "live", "waiting", "live", "ended", "ended"),
  waiting: row("waiting", "waiting", "waiting", "waiting", "connecting", "ended", "ended"),
  ended: row("ended", "ended", "ended", "ended", "ended", "ended", "ended"),
};

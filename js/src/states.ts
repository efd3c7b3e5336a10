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

/** Of each state, what follows each happening. */
export const TABLE: Readonly<Record<State, Readonly<Record<Happening, State>>>> = {
  idle: {
    start: "connecting",
    opened: "idle",
    settled: "idle",
    lost: "idle",
    due: "idle",
    refused: "ended",
    close: "ended",
  },
  connecting: {
    start: "connecting",
    opened: "welcoming",
    settled: "connecting",
    lost: "waiting",
    due: "connecting",
    refused: "ended",
    close: "ended",
  },
  welcoming: {
    start: "welcoming",
    opened: "welcoming",
    settled: "live",
    lost: "waiting",
    due: "welcoming",
    refused: "ended",
    close: "ended",
  },
  live: {
    start: "live",
    opened: "live",
    settled: "live",
    lost: "waiting",
    due: "live",
    refused: "ended",
    close: "ended",
  },
  waiting: {
    start: "waiting",
    opened: "waiting",
    settled: "waiting",
    lost: "waiting",
    due: "connecting",
    refused: "ended",
    close: "ended",
  },
  ended: {
    start: "ended",
    opened: "ended",
    settled: "ended",
    lost: "ended",
    due: "ended",
    refused: "ended",
    close: "ended",
  },
};

// The life of a page: asleep, awake, hidden, shown, on another network.

/** @internal What is done about it. */
export interface Sleeper {
  /** The page is going to sleep, perhaps for good. */
  sleep(): void;
  /** It is awake, or sees the network again: is the connection still there? */
  check(): void;
  /** The browser says that there is no network. It is a hint: what can be reached all the same is back at once. */
  reconnect(): void;
}

/** Watch it; gives what ends that. Where there is no page, nothing is watched. */
export const watchPage = (sleeper: () => Sleeper): (() => void) => {
  const { addEventListener: listen, document } = globalThis;
  if (!listen || !document) return () => undefined;
  const watching = new AbortController();
  const options = { signal: watching.signal, capture: true };
  const check = (): void => sleeper().check();
  const sleep = (): void => sleeper().sleep();
  // Coming back through the back/forward cache fires `pageshow`, and not `visibilitychange`.
  addEventListener("pageshow", (event) => event.persisted && check(), options);
  addEventListener("online", check, options);
  addEventListener("offline", () => sleeper().reconnect(), options);
  document.addEventListener("visibilitychange", () => document.hidden || check(), options);
  document.addEventListener("resume", check, options);
  document.addEventListener("freeze", sleep, options);
  addEventListener("pagehide", sleep, options);
  return () => watching.abort();
};

// Telling whenever something is another, as stores do, and waiting for it.

/** @internal Until it tells, once. Throws what the signal gives. */
export async function another(
  subscribe: (look: () => void) => () => void,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const look = (): void => {
      stop();
      signal?.removeEventListener("abort", look);
      resolve();
    };
    const stop = subscribe(look);
    signal?.addEventListener("abort", look);
  });
  signal?.throwIfAborted();
}

/** @internal Call each. What one throws is the program's own fault: the others are called, and the connection stays. */
export const tellEach = <Told extends unknown[]>(
  watchers: Iterable<(...told: Told) => void>,
  ...told: Told
): void => {
  for (const watcher of [...watchers]) {
    try {
      watcher(...told);
    } catch (error) {
      reportError(error);
    }
  }
};

const now = Promise.resolve();

/** Call it when the present turn is over. `queueMicrotask` does the same by a call into the browser, which costs as much as a small event. */
export const soon = (call: () => void): void => void now.then(call);

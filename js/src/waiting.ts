// Waiting for something that tells whenever it is another, as stores do.

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

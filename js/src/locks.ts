// Locks of the browser's, as things that are held and let go.

/** Ask for a lock; `held` is called when it is ours. Gives what lets go of it, or takes the request back. */
export const lock = (name: string, held: () => void, options: LockOptions = {}): (() => void) => {
  let letGo!: () => void;
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const asking = new AbortController();
  // `steal` and `ifAvailable` cannot be taken back.
  const signal = options.steal || options.ifAvailable ? {} : { signal: asking.signal };
  navigator.locks
    .request(name, { ...options, ...signal }, (got) => {
      if (!got) return undefined;
      held();
      return released;
    })
    .catch(() => undefined);
  return () => {
    letGo();
    asking.abort();
  };
};

/** Take a lock if nobody has it: what lets go of it, or undefined. */
export const lockNow = (name: string): Promise<(() => void) | undefined> =>
  new Promise((resolve) => {
    let letGo: (() => void) | undefined;
    navigator.locks
      .request(name, { ifAvailable: true }, (got) => {
        if (!got) return resolve(undefined);
        return new Promise<void>((released) => {
          letGo = released;
          resolve(letGo);
        });
      })
      .catch(() => resolve(undefined));
  });
